"""`record/{streamId}/…`: when a stream is recorded: mode, schedule, events, and starting and stopping by hand."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from pydantic import Field

from vedette.kernel.errors import conflict
from vedette.kernel.http import requires
from vedette.schema.base import Body
from vedette.schema.identity import Action
from vedette.services.vst.api.common import ID_PATTERN, JsonObject, StreamId
from vedette.services.vst.model import Mode, NewSensor, RecordingRule, ScheduleEntry
from vedette.services.vst.service import Vst

_FIELD = r"([0-5]?[0-9]|\*) ([0-1]?[0-9]|2[0-3]|\*) ([1-9]|[12][0-9]|3[01]|\*) ([1-9]|1[0-2]|\*) ([0-6]|\*)"
_CRON = f"^{_FIELD}$"
type Cron = Annotated[str, Query(max_length=128, pattern=_CRON)]


class Window(Body):
    """From when to when, each a cron expression of plain numbers and stars; in the time zone of the stream's rule."""

    start_time: str = Field(max_length=128, pattern=_CRON)
    end_time: str = Field(max_length=128, pattern=_CRON)


class ScheduledTime(Body):
    """Recording begins when `cron` fires and lasts `durationSeconds`, or until the cron expression `end` fires."""

    cron: str = Field(max_length=128)
    duration_seconds: int = Field(0, ge=0)
    end: str = Field("", max_length=128)


class RecordingMode(Body):
    """When and what is recorded of a stream; rolls are the seconds before and after an event."""

    mode: Literal["always", "schedule", "event", "manual", "off"]
    schedule: list[ScheduledTime] = Field([], max_length=64)
    time_zone: str = Field("UTC", max_length=64)
    pre_roll_seconds: float = Field(5.0, ge=0, le=60)
    post_roll_seconds: float = Field(10.0, ge=0, le=3600)
    audio: bool = False


class StreamAdd(Body):
    """A stream to record under an id that somebody else keeps."""

    id: str = Field(max_length=100, pattern=ID_PATTERN)
    url: str = Field(max_length=2048, pattern="^rtsps?://")
    codec: str = Field("", max_length=32)


def add_routes(router: APIRouter, service: Vst) -> None:
    """The routes that change what is recorded."""
    _add_mode(router, service)
    _add_schedule(router, service)
    _add_buttons(router, service)

    @router.post("/stream/add", dependencies=[requires(Action.CONFIGURE)])
    async def add_stream(body: StreamAdd) -> JsonObject:
        """Record a stream under the given id; the camera is looked at first. The same again is no error."""
        known = service.streams.find(body.id)
        if known is None:
            await service.sensors.add(NewSensor(body.id, body.url, sensor_id=body.id))
        elif not service.sensors.is_at(known, body.url):
            raise conflict(f"The stream '{body.id}' has another URL. Delete it first, or choose another id.")
        return {}

    @router.delete("/{streamId}", dependencies=[_may(service, Action.CONFIGURE)])
    async def end_recording(stream_id: StreamId) -> JsonObject:
        """Record this stream no more; its recordings stay. `record/{streamId}/mode` takes it up again."""
        rule = service.streams.rule(service.streams.get(stream_id))
        await service.director.set_rule(stream_id, _off(rule))
        return {}


def _may(service: Vst, action: Action) -> Any:
    return requires(action, sensor="streamId", resolve=service.sensor_of)


def _add_mode(router: APIRouter, service: Vst) -> None:
    @router.get("/{streamId}/mode", dependencies=[_may(service, Action.VIEW)])
    async def get_mode(stream_id: StreamId) -> RecordingMode:
        """When and what is recorded of a stream."""
        return _shown(service.streams.rule(service.streams.get(stream_id)))

    @router.post("/{streamId}/mode", dependencies=[_may(service, Action.CONFIGURE)])
    async def set_mode(stream_id: StreamId, body: RecordingMode) -> RecordingMode:
        """Another mode, in force when the reply arrives; what was started by hand goes on unless the mode is off."""
        known = service.streams.rule(service.streams.get(stream_id))
        await service.director.set_rule(stream_id, _rule(body, known))
        return _shown(service.streams.rule(service.streams.get(stream_id)))


def _add_schedule(router: APIRouter, service: Vst) -> None:
    @router.get("/{streamId}/schedule", dependencies=[_may(service, Action.VIEW)])
    async def get_schedule(stream_id: StreamId) -> list[Window]:
        """The schedule, as far as plain numbers and stars can say it; `mode` tells all of it."""
        return [Window(start_time=begin, end_time=end) for begin, end in service.director.pairs(stream_id)]

    @router.post("/{streamId}/schedule", dependencies=[_may(service, Action.CONFIGURE)])
    async def add_schedule(stream_id: StreamId, body: list[Window]) -> JsonObject:
        """Add to the schedule; the stream is then recorded by it."""
        entries = [ScheduleEntry(window.start_time, end=window.end_time) for window in body]
        await service.director.add_entries(stream_id, entries)
        return {}

    @router.delete("/{streamId}/schedule", dependencies=[_may(service, Action.CONFIGURE)])
    async def delete_schedule(
        stream_id: StreamId,
        start_time: Annotated[Cron, Query(alias="startTime")],
        end_time: Annotated[Cron, Query(alias="endTime")],
    ) -> JsonObject:
        """Take one entry from the schedule; without any, nothing is recorded by it."""
        await service.director.remove_entry(stream_id, start_time, end_time)
        return {}


def _add_buttons(router: APIRouter, service: Vst) -> None:
    @router.post("/{streamId}/start", dependencies=[_may(service, Action.CONFIGURE)])
    async def start(stream_id: StreamId) -> JsonObject:
        """Record from now until stopped, over restarts too; no more than its mode wants when that is `always`."""
        await service.director.start(stream_id)
        return {}

    @router.post("/{streamId}/stop", dependencies=[_may(service, Action.CONFIGURE)])
    async def stop(stream_id: StreamId) -> JsonObject:
        """End what was started by hand or by an event. 409 when the mode itself wants the stream recorded."""
        await service.director.stop(stream_id)
        return {}

    @router.post("/{streamId}/event", dependencies=[_may(service, Action.CONFIGURE)])
    async def report_event(stream_id: StreamId) -> JsonObject:
        """Something happens now: record it with the rolls of the stream's rule."""
        await service.director.event(stream_id)
        return {}


def _rule(body: RecordingMode, known: RecordingRule) -> RecordingRule:
    return RecordingRule(
        mode=Mode(body.mode),
        schedule=tuple(ScheduleEntry(item.cron, item.duration_seconds, item.end) for item in body.schedule),
        time_zone=body.time_zone,
        pre_roll_s=body.pre_roll_seconds,
        post_roll_s=body.post_roll_seconds,
        audio=body.audio,
        by_hand=known.by_hand and body.mode not in ("off", "always"),
    )


def _shown(rule: RecordingRule) -> RecordingMode:
    return RecordingMode(
        mode=rule.mode.value,
        schedule=[
            ScheduledTime(cron=item.cron, duration_seconds=item.duration_s, end=item.end) for item in rule.schedule
        ],
        time_zone=rule.time_zone,
        pre_roll_seconds=rule.pre_roll_s,
        post_roll_seconds=rule.post_roll_s,
        audio=rule.audio,
    )


def _off(rule: RecordingRule) -> RecordingRule:
    return _rule(_shown(rule).model_copy(update={"mode": "off"}), rule)
