"""Frames from the bus, through the engine, into the store, and out again: counted once, whatever is killed when.

The engine's memory, the counts and the position on the bus are committed together, so a process that dies at any point
goes on from a state in which each frame was counted or was not. What it promised to others (crossings, alerts) is put
on the bus after the commit and marked; what is not marked at the next start is sent again. Any failure in here ends the
work and begins it anew from the last commit: there is no repair of a half-done batch.
"""

from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio
import msgspec

from vedette.kernel.bus import START, Bus, Position
from vedette.kernel.clock import US_PER_SECOND, Clock, Instant, from_iso
from vedette.kernel.database import Database
from vedette.kernel.errors import Fault
from vedette.kernel.telemetry import Telemetry
from vedette.schema.encodings import ENCODINGS
from vedette.schema.frame import FRAME_HEIGHT, FRAME_WIDTH, FrameMessage
from vedette.schema.topics import MDX_ALERTS, MDX_EVENTS, MDX_RAW
from vedette.services.analytics.core import engine, tiers
from vedette.services.analytics.model.domain import (
    AlertChange,
    Direction,
    Kind,
    Plan,
    Results,
    Sensor,
    StoredAlert,
    StoredPassage,
)
from vedette.services.analytics.service import outgoing
from vedette.services.analytics.service.directory import Directory, position_key
from vedette.services.analytics.service.live import Live
from vedette.services.analytics.settings import AnalyticsSettings
from vedette.services.analytics.store.store import Store, Totals


class Counting:
    """The one writer of counts. `recent` holds each sensor's newest frames as they came, `decode` reads them."""

    def __init__(
        self,
        settings: AnalyticsSettings,
        *,
        clock: Clock,
        bus: Bus,
        database: Database,
        directory: Directory,
        live: Live,
        telemetry: Telemetry,
    ) -> None:
        self._settings, self._clock, self._bus, self._database = settings, clock, bus, database
        self._directory, self._live = directory, live
        self.decode = ENCODINGS[settings.encoding].decode
        self._lock = anyio.Lock()
        self._frames = telemetry.counter("frames", "Frames counted")
        self._objects = telemetry.counter("objects", "Objects in counted frames")
        self._refused = telemetry.counter("frames_refused", "Frames that were not counted", ["reason"])
        self._boxes_refused = telemetry.counter("boxes_refused", "Boxes that were not finite, inside out or repeated")
        self._pasts_refused = telemetry.counter(
            "pasts_refused", "Objects whose positions before confirmation cannot be"
        )
        self._stitched = telemetry.counter("tracks_stitched", "New ids that continued a lost track")
        self._lag = telemetry.gauge("lag_seconds", "Age of the newest counted frame when it was counted")
        self._reset()
        self.recent: dict[str, deque[tuple[Instant, bytes]]] = {}

    def _reset(self) -> None:
        self._plans: dict[str, Plan] = {}
        self._states: dict[str, engine.State] = {}
        self._totals: dict[str, Totals] = {}
        self._results = Results()
        self._next_flush = 0.0
        self._read_up_to: Position = START
        self._heard: dict[str, float] = {}
        self._doubted: dict[str, Position] = {}
        self._passage_id = 0
        self.is_ready = False

    async def work(self) -> None:
        """Goes on from the last commit; ends only by failure or cancellation."""
        try:
            async with self._lock:
                after = self._read_up_to = await self._load()
                await self._publish_rest()
                self.is_ready = True
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(self._tick)
                await self._follow(after)
        finally:
            self._reset()

    async def _follow(self, after: Position) -> None:
        async for batch in self._bus.subscribe(MDX_RAW, after):
            async with self._lock:
                for entry in batch.entries:
                    await self._count(entry.payload)
                    self._results.position = self._read_up_to = entry.position
                if self._results.is_event or self._clock.monotonic() >= self._next_flush:
                    await self._flush()

    @asynccontextmanager
    async def paused(self) -> AsyncIterator[None]:
        """Nothing is pending and nothing is counted while entered: the moment to change what is counted."""
        async with self._lock:
            await self._flush()
            yield

    async def plan_changed(self, sensor: Sensor, plan: Plan) -> None:
        """Puts a stored plan into effect. Call it while paused."""
        sensor_id = sensor.sensor_id
        self._plans[sensor_id] = plan
        if sensor_id in self._states:
            self._states[sensor_id] = engine.configure(self._states[sensor_id], plan)
        await self._load_totals(sensor_id, plan)
        await self._publish_rest()

    async def _load(self) -> Position:
        position, self._passage_id, alerting = await self._database.read(
            lambda connection: (
                Store(connection).get_position(MDX_RAW.name),
                Store(connection).get_last_passage_id(),
                Store(connection).list_alerting(),
            )
        )
        self._heard = dict.fromkeys(alerting, self._clock.monotonic())
        if position is None or position_key(position) > position_key(await self._bus.latest(MDX_RAW)):
            return START  # never read, or the topic was begun anew since
        return position

    async def _tick(self) -> None:
        """Commits what is pending, and ends the alerts of silent sensors, also when no more frames come."""
        while True:
            await self._clock.sleep(self._settings.flush_interval_s)
            async with self._lock:
                self._drop_forgotten()
                since = self._clock.monotonic() - self._settings.silence_s
                for sensor_id in [key for key, at in self._heard.items() if at < since]:
                    await self._doubt(sensor_id)
                await self._flush()

    async def _doubt(self, sensor_id: str) -> None:
        """Ends a silent sensor's alerts once all is counted that was on the bus when it seemed silent: frames that wait
        there, because this process was held up, are no silence."""
        if sensor_id not in self._doubted:
            self._doubted[sensor_id] = await self._bus.latest(MDX_RAW)
        if position_key(self._read_up_to) < position_key(self._doubted[sensor_id]):
            return
        del self._heard[sensor_id], self._doubted[sensor_id]
        state, changes = engine.fall_silent(await self._state(sensor_id))
        self._states[sensor_id] = state
        self._results.alerts += [_stored(change, sensor_id, self._plans[sensor_id]) for change in changes]
        self._results.snapshots[sensor_id] = engine.snapshot(state)

    async def _count(self, payload: bytes) -> None:
        read = self._read(payload)
        if read is None:
            return
        message, t = read
        sensor = await self._directory.seen(
            message.sensor_id, _size(message.info, FRAME_WIDTH), _size(message.info, FRAME_HEIGHT)
        )
        self._drop_forgotten()
        if sensor is None:
            self._refused.labels("sensor deleted").inc()
            return
        self._heard[sensor.sensor_id] = self._clock.monotonic()
        self._doubted.pop(sensor.sensor_id, None)
        frame, refused, pasts_refused = engine.read(message, t)
        self._boxes_refused.inc(refused)
        self._pasts_refused.inc(pasts_refused)
        state, out = engine.step(await self._state(sensor.sensor_id), frame)
        self._states[sensor.sensor_id] = state
        if out.late:
            self._refused.labels("late").inc()
            return
        self._frames.inc()
        self._objects.inc(len(frame.objects))
        self._stitched.inc(out.stitched)
        self._lag.set((self._clock.now() - t) / US_PER_SECOND)
        self._keep(sensor, out)
        self._show(sensor, message, payload, out)

    def _read(self, payload: bytes) -> tuple[FrameMessage, Instant] | None:
        try:
            message = self.decode(payload)
            t = from_iso(message.captured_at)
        except (msgspec.MsgspecError, Fault):
            self._refused.labels("malformed").inc()
            return None
        if not message.sensor_id or t > self._clock.now() + self._settings.future_limit_s * US_PER_SECOND:
            self._refused.labels("future" if message.sensor_id else "no sensor").inc()
            return None
        return message, t

    async def _state(self, sensor_id: str) -> engine.State:
        if sensor_id not in self._states:
            plan, saved = await self._database.read(
                lambda connection: (Store(connection).get_plan(sensor_id), Store(connection).get_snapshot(sensor_id))
            )
            await self._load_totals(sensor_id, plan)
            self._plans[sensor_id] = plan
            self._states[sensor_id] = engine.start(plan) if saved is None else engine.restore(plan, saved)
        return self._states[sensor_id]

    async def _load_totals(self, sensor_id: str, plan: Plan) -> None:
        self._totals[sensor_id] = await self._database.read(
            lambda connection: Store(connection).list_totals(sensor_id, plan)
        )

    def _drop_forgotten(self) -> None:
        for sensor_id in self._directory.forgotten:
            for known in (self._plans, self._states, self._totals, self.recent, self._heard, self._doubted):
                known.pop(sensor_id, None)
            sensor = self._directory.find(sensor_id)
            if sensor is not None and sensor.sensor_id == sensor_id:
                self._heard[sensor_id] = self._clock.monotonic()  # its alerts moved here, perhaps no frame will
        self._directory.forgotten.clear()

    def _keep(self, sensor: Sensor, out: engine.Emissions) -> None:
        """Adds what the frame gave to the pending results."""
        results, sensor_id = self._results, sensor.sensor_id
        results.frames += 1
        for key, point in tiers.samples(out):
            seconds = results.points.setdefault((sensor_id, key), {})
            before = seconds.get(point.start)
            seconds[point.start] = point if before is None else tiers.add(before, point)
        for crossing in out.crossings:
            self._totals[sensor_id][crossing.wire_id][str(crossing.direction)] += 1
        results.passages += self._passages(sensor_id, out)
        results.alerts += [_stored(change, sensor_id, self._plans[sensor_id]) for change in out.alerts]

    def _passages(self, sensor_id: str, out: engine.Emissions) -> list[StoredPassage]:
        found = [
            (Kind.TRIPWIRE, item.wire_id, str(item.direction), item.track_id, item.object_type, item.t, item.at)
            for item in out.crossings
        ]
        found += [
            (Kind.ROI, item.roi_id, str(item.passage), item.track_id, item.object_type, item.t, item.at)
            for item in out.visits
        ]
        passages = []
        for kind, object_id, event, track_id, object_type, t, at in found:
            self._passage_id += 1
            passages.append(
                StoredPassage(self._passage_id, sensor_id, kind, object_id, event, track_id, object_type, t, out.t, at)
            )
        return passages

    def _show(self, sensor: Sensor, message: FrameMessage, payload: bytes, out: engine.Emissions) -> None:
        kept = self.recent.setdefault(sensor.sensor_id, deque(maxlen=self._settings.frames_kept))
        kept.append((out.t, payload))
        if self._live.is_watched:
            totals = self._totals[sensor.sensor_id]
            self._live.push(sensor.sensor_id, outgoing.live_frame(message, out, totals), droppable=True)

    async def _flush(self) -> None:
        """One transaction for all that is pending, then the bus and the viewers."""
        self._next_flush = self._clock.monotonic() + self._settings.flush_interval_s
        results = self._results
        if not results.position and not results.snapshots:
            return
        for sensor_id in {sensor_id for sensor_id, _ in results.points}:
            if sensor_id in self._states:
                results.snapshots[sensor_id] = engine.snapshot(self._states[sensor_id])
        await self._database.write(
            lambda connection: Store(connection).add_results(MDX_RAW.name, results), durable=results.is_event
        )
        self._results = Results()
        self._show_events(results)
        await self._publish(results.passages, results.alerts)

    def _show_events(self, results: Results) -> None:
        for passage in results.passages:
            self._live.push(passage.sensor_id, outgoing.live_passage(passage, self._name(passage.sensor_id)))
        for alert in results.alerts:
            self._live.push(alert.sensor_id, outgoing.live_alert(alert, self._name(alert.sensor_id)))

    async def _publish_rest(self) -> None:
        passages, alerts = await self._database.read(
            lambda connection: (
                Store(connection).list_unpublished_passages(),
                Store(connection).list_unpublished_alerts(),
            )
        )
        await self._publish(passages, alerts)

    async def _publish(self, passages: list[StoredPassage], alerts: list[StoredAlert]) -> None:
        if not passages and not alerts:
            return
        if passages:
            said = [msgspec.json.encode(outgoing.behavior(item, self._name(item.sensor_id))) for item in passages]
            await self._bus.publish(MDX_EVENTS, said)
        if alerts:
            said = [msgspec.json.encode(outgoing.alert(item, self._name(item.sensor_id))) for item in alerts]
            await self._bus.publish(MDX_ALERTS, said)
        ids = [item.passage_id for item in passages]
        await self._database.write(lambda connection: Store(connection).set_published(ids, alerts))

    def _name(self, sensor_id: str) -> str:
        sensor = self._directory.find(sensor_id)
        return sensor.name if sensor is not None else sensor_id


def _stored(change: AlertChange, sensor_id: str, plan: Plan) -> StoredAlert:
    rule = change.rule
    wire = next((wire for wire in plan.wires if wire.wire_id == rule.target_id), None)
    names = {Direction.IN: wire.entry_name, Direction.OUT: wire.exit_name} if wire is not None else {}
    direction_name = names.get(rule.direction, "") if rule.direction is not None else ""
    return StoredAlert(
        change.alert_id, sensor_id, rule, direction_name, change.value, change.start, change.end, change.reason
    )


def _size(info: dict[str, str], key: str) -> int:
    text = info.get(key, "")
    return int(text) if text.isdecimal() else 0
