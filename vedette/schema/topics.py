"""The only list of bus topics: name, owner, field, payload type and cap."""

from dataclasses import dataclass

from vedette.schema.alert import AlertMessage
from vedette.schema.base import Message
from vedette.schema.behavior import BehaviorMessage
from vedette.schema.frame import FrameMessage
from vedette.schema.sensor import SensorEvent, SensorReading


@dataclass(frozen=True, slots=True)
class Topic:
    """A named stream on the bus.

    `owner` is the only service that writes it (`outside`: whoever has values to give), `field` the name of the one
    field that holds the payload, `cap` the approximate number of entries kept.
    """

    name: str
    owner: str
    field: str
    message: type[Message]
    cap: int


VST_EVENT = Topic("vst.event", "vst", "sensor.id", SensorEvent, 10_000)
VST_ALERTS = Topic("vst.alerts", "vst", "metadata", AlertMessage, 10_000)
VST_READINGS = Topic("vst.readings", "outside", "metadata", SensorReading, 100_000)
MDX_RAW = Topic("mdx-raw", "perception", "metadata", FrameMessage, 10_000)
MDX_EVENTS = Topic("mdx-events", "analytics", "metadata", BehaviorMessage, 10_000)
MDX_ALERTS = Topic("mdx-alerts", "analytics", "metadata", AlertMessage, 10_000)
TOPICS = (VST_EVENT, VST_ALERTS, VST_READINGS, MDX_RAW, MDX_EVENTS, MDX_ALERTS)
