"""The device events of VST, as its clients read them from the bus."""

from typing import Any, Literal

import msgspec

from vedette.schema.base import Message

type Change = Literal["camera_add", "camera_proxy", "camera_streaming", "camera_remove"]
type Reason = Literal["", "offline", "deleted"]


class StreamMetadata(Message, frozen=True, kw_only=True, rename=None):
    """What is known of the stream when the event is written; empty strings when unknown."""

    codec: str = ""
    resolution: str = ""
    framerate: str = ""
    sensor_type: str = ""


class StreamRef(Message, frozen=True, kw_only=True, rename=None, omit_defaults=False):
    """Which camera, what happened, and where its media is. The published keys are snake_case."""

    camera_id: str
    camera_name: str
    camera_url: str = ""
    camera_vod_url: str = ""
    change: Change
    tags: str = ""
    reason: Reason = ""
    metadata: StreamMetadata = msgspec.field(default_factory=StreamMetadata)


class SensorEvent(Message, frozen=True, kw_only=True, rename=None, omit_defaults=False):
    """The envelope on `vst.event`. Consumers are idempotent: the same change may arrive more than once."""

    alert_type: str = "camera_status_change"
    created_at: str
    source: str = "vst"
    event: StreamRef


class SensorReading(Message, frozen=True, kw_only=True, omit_defaults=False):
    """A timestamped value that is not video. `sensorId` is the id or the name of a sensor that VST knows, `value` a
    number, text, truth value or object; without a timestamp it is of the moment in which it is read."""

    sensor_id: str
    name: str
    value: bool | float | str | dict[str, Any]
    timestamp: str = ""
    unit: str = ""
