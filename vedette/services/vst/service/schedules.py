"""Decides for every stream whether it is wanted on the disk now: rule, clock, events, and people who press a button."""

from collections.abc import Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from datetime import tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import anyio
import msgspec

from vedette.kernel.bus import START, Bus, Position
from vedette.kernel.clock import US_PER_SECOND, from_iso
from vedette.kernel.errors import Fault, conflict, invalid, not_found
from vedette.kernel.lifecycle import Backoff, retry
from vedette.kernel.log import get_logger
from vedette.schema.alert import AlertMessage
from vedette.schema.topics import MDX_ALERTS
from vedette.services.vst.core import schedule
from vedette.services.vst.core.schedule import Because, Decision
from vedette.services.vst.model import Happening, Mode, RecordingRule, ScheduleEntry, Stream
from vedette.services.vst.service.parts import Parts
from vedette.services.vst.service.streams import Streams

_LOOK_S = 1.0
_MOST_HOLD_US = 3600 * US_PER_SECOND
"""An alert that never ends is recorded for an hour: its end may have been lost."""

type Apply = Callable[[Stream, RecordingRule, Decision], Awaitable[None]]
type SensorsNamed = Callable[[str], Sequence[str]]


@dataclass(slots=True)
class _Known:
    """The last decision for a stream and what it was made from."""

    rule: RecordingRule
    decision: Decision
    decided_us: int
    event_until_us: int


@dataclass(slots=True)
class _Events:
    """What events ask of a stream: until when, and which alerts hold since when."""

    until_us: int = 0
    holding: dict[str, int] = field(default_factory=dict)

    def asked_until(self) -> int:
        """The end of the last of them."""
        return max([self.until_us, *(since + _MOST_HOLD_US for since in self.holding.values())])


class Director:
    """One for all streams. `apply` is called at every edge, and once for each stream that it has not seen before.

    Wall time is looked at each second, so a clock that is set is followed within that time.
    """

    def __init__(self, parts: Parts, streams: Streams, *, bus: Bus, apply: Apply, sensors_named: SensorsNamed) -> None:
        self._clock, self._streams, self._bus = parts.clock, streams, bus
        self._apply, self._sensors_named = apply, sensors_named
        self._known: dict[str, _Known] = {}
        self._applied: dict[str, tuple[RecordingRule, tuple[object, ...]]] = {}
        self._events: dict[str, _Events] = {}
        self._position: Position = START
        self._reported = anyio.Event()
        self._looking = anyio.Lock()
        self._decoder = msgspec.json.Decoder(AlertMessage)

    def decision(self, stream: Stream) -> Decision:
        """What holds for a stream now."""
        return self._decide(stream).decision

    async def set_rule(self, stream_id: str, rule: RecordingRule) -> None:
        """Another rule, applied before this returns. Fault 400 for one that makes no sense."""
        await self._streams.set_rule(stream_id, checked(rule))
        await self.look(stream_id)

    async def start(self, stream_id: str) -> None:
        """Records from now until `stop`. Fault 409 for a stream that is switched off."""
        stream = self._streams.get(stream_id)
        rule = self._streams.rule(stream)
        if rule.mode is Mode.OFF:
            raise conflict("Recording of this stream is switched off. Set its mode to manual first.")
        if rule.mode is not Mode.ALWAYS and not rule.by_hand:
            await self.set_rule(stream_id, replace(rule, by_hand=True))

    async def stop(self, stream_id: str) -> None:
        """Ends what was started by hand or by an event. Fault 409 when the mode itself wants the stream."""
        stream = self._streams.get(stream_id)
        rule = self._streams.rule(stream)
        self._events.pop(stream_id, None)
        if rule.by_hand:
            await self.set_rule(stream_id, replace(rule, by_hand=False))
            return
        await self.look(stream_id)
        if self.decision(stream).because in (Because.ALWAYS_ON, Because.SCHEDULE):
            raise conflict(f"This stream is recorded by its mode, '{rule.mode}'. Change the mode to end that.")

    async def event(self, stream_id: str) -> None:
        """Something happens now: recorded with the rule's rolls. Fault 409 for a stream that is switched off."""
        rule = self._streams.rule(self._streams.get(stream_id))
        if rule.mode is Mode.OFF:
            raise conflict("Recording of this stream is switched off. Set its mode to event first.")
        events = self._events.setdefault(stream_id, _Events())
        until_us = self._clock.now() + round(rule.post_roll_s * US_PER_SECOND)
        events.until_us = max(events.until_us, until_us)
        await self.look(stream_id)

    async def add_entries(self, stream_id: str, entries: Sequence[ScheduleEntry]) -> None:
        """More entries for a stream's schedule; its mode becomes `schedule`."""
        rule = self._streams.rule(self._streams.get(stream_id))
        merged = tuple(dict.fromkeys([*rule.schedule, *entries]))
        await self.set_rule(stream_id, replace(rule, mode=Mode.SCHEDULE, schedule=merged))

    def pairs(self, stream_id: str) -> list[tuple[str, str]]:
        """The schedule as (begin, end) cron expressions, as far as it can be said that way."""
        rule = self._streams.rule(self._streams.get(stream_id))
        return [pair for entry in rule.schedule if (pair := schedule.as_pair(entry)) is not None]

    async def remove_entry(self, stream_id: str, begin: str, end: str) -> None:
        """Takes an entry from a stream's schedule. Fault 404 when it has no such entry."""
        rule = self._streams.rule(self._streams.get(stream_id))
        left = tuple(item for item in rule.schedule if schedule.as_pair(item) != (begin, end))
        if len(left) == len(rule.schedule):
            raise not_found("The schedule has no such entry. Ask for the schedule to see what it has.")
        await self.set_rule(stream_id, replace(rule, schedule=left))

    def report(self, what: Happening) -> None:
        """Streams of the sensor that are in mode event are recorded while it lasts. Never waits."""
        for stream in self._streams.of(what.sensor_id):
            if self._streams.rule(stream).mode is Mode.EVENT:
                self._note(stream, what)
        self._reported.set()

    def forget(self, stream_id: str) -> None:
        """A stream is gone."""
        self._known.pop(stream_id, None)
        self._applied.pop(stream_id, None)
        self._events.pop(stream_id, None)

    async def run(self) -> None:
        """Looks for ever, at edges and when the wall clock was set."""
        async with anyio.create_task_group() as group:
            group.start_soon(self._guard, "alerts", self._take_alerts)
            group.start_soon(self._guard, "events", self._look_at_reports)
            group.start_soon(self._guard, "schedules", self._look_now_and_then)

    async def _guard(self, name: str, work: Callable[[], Awaitable[None]]) -> None:
        await retry(work, clock=self._clock, log=get_logger("vst"), name=name, backoff=Backoff(0.2, 5.0, 30.0))

    async def _look_now_and_then(self) -> None:
        while True:
            await self._look_at_all()
            await self._clock.sleep(_LOOK_S)

    async def _look_at_reports(self) -> None:
        while True:
            await self._reported.wait()
            self._reported = anyio.Event()
            await self._look_at_all()

    async def _look_at_all(self) -> None:
        """A stream that cannot be set now, as on a full disk, holds up no other one; it is tried again."""
        faults = []
        for stream in self._streams.all():
            try:
                await self.look(stream.stream_id)
            except Fault as fault:
                faults.append(fault)
        if faults:
            raise faults[0]

    async def look(self, stream_id: str) -> None:
        """Decides for one stream and applies what changed."""
        async with self._looking:  # what is decided later is applied later
            stream = self._streams.find(stream_id)
            if stream is None:
                return
            known = self._decide(stream)
            wanted = known.rule, _told(known.decision)
            if self._applied.get(stream_id) != wanted:
                await self._apply(stream, known.rule, known.decision)
                self._applied[stream_id] = wanted

    def _decide(self, stream: Stream) -> _Known:
        now_us, rule = self._clock.now(), self._streams.rule(stream)
        events = self._events.get(stream.stream_id)
        event_until_us = 0 if events is None else events.asked_until()
        known = self._known.get(stream.stream_id)
        if (
            known is None
            or known.rule is not rule
            or known.event_until_us != event_until_us
            or not known.decided_us <= now_us < known.decision.until_us
        ):
            decision = schedule.decide(rule, now_us, zone=zone_of(rule.time_zone), event_until_us=event_until_us)
            known = self._known[stream.stream_id] = _Known(rule, decision, now_us, event_until_us)
        return known

    async def _take_alerts(self) -> None:
        """From the oldest that the bus still has: an alert that holds through a restart of ours is recorded on."""
        async with aclosing(self._bus.subscribe(MDX_ALERTS, self._position)) as batches:
            async for batch in batches:
                for entry in batch.entries:
                    self._take_alert(entry.payload)
                self._position = batch.last

    def _take_alert(self, payload: bytes) -> None:
        try:
            alert = self._decoder.decode(payload)
            since_us = from_iso(alert.start_timestamp)
            end_us = from_iso(alert.end_timestamp) if alert.end_timestamp else None
        except (msgspec.MsgspecError, Fault) as error:
            get_logger("vst").warning("alert_not_read", cause=error)
            return
        for sensor_id in self._sensors_named(alert.sensor_id):
            self.report(Happening(sensor_id, alert.id, since_us, end_us))

    def _note(self, stream: Stream, what: Happening) -> None:
        events = self._events.setdefault(stream.stream_id, _Events())
        if what.end_us is None:
            events.holding[what.key] = what.since_us
            return
        events.holding.pop(what.key, None)
        post_us = round(self._streams.rule(stream).post_roll_s * US_PER_SECOND)
        events.until_us = max(events.until_us, what.end_us + post_us)


def _told(decision: Decision) -> tuple[object, ...]:
    return decision.wanted, decision.because, decision.cause


def zone_of(name: str) -> tzinfo:
    """A time zone by its IANA name. Fault 400 when there is none."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise invalid(f"'{name[:60]}' is no time zone. Write one such as Europe/Berlin or UTC.") from error


def checked(rule: RecordingRule) -> RecordingRule:
    """The rule itself. Fault 400 with what is wrong with it."""
    zone_of(rule.time_zone)
    if len(rule.schedule) > schedule.MOST_ENTRIES:
        raise invalid(f"A schedule has at most {schedule.MOST_ENTRIES} entries.")
    for entry in rule.schedule:
        try:
            schedule.check(entry)
        except ValueError as error:
            raise invalid(f"The schedule is wrong: {error}.") from error
    return rule
