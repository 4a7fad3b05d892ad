"""Device events on the bus, in order, kept until the bus has taken them."""

from collections import deque
from itertools import groupby
from operator import itemgetter
from typing import override

import anyio
import msgspec

from vedette.kernel.bus import Bus
from vedette.kernel.clock import Clock, to_iso
from vedette.kernel.errors import Fault
from vedette.kernel.lifecycle import Backoff, retry
from vedette.kernel.log import get_logger
from vedette.schema.alert import AlertMessage
from vedette.schema.base import Message
from vedette.schema.sensor import Change, Reason, SensorEvent, StreamMetadata, StreamRef
from vedette.schema.topics import VST_ALERTS, VST_EVENT, Topic
from vedette.services.vst.model import Sensor, StreamFacts
from vedette.services.vst.service.meters import Meters

_MOST_WAITING = 10_000
_PATIENCE_S = 2.0


class Outbox:
    """Events wait here while the bus is away; consumers that missed some start from the list of live streams."""

    def __init__(self, bus: Bus, clock: Clock, meters: Meters) -> None:
        self._bus, self._clock, self._meters = bus, clock, meters
        self._waiting: deque[tuple[Topic, bytes]] = deque(maxlen=_MOST_WAITING)
        self._filled, self._moved = anyio.Event(), anyio.Event()
        self._queued, self._taken = 0, 0
        self._encoder = msgspec.json.Encoder()

    def tell(
        self, sensor: Sensor, change: Change, *, url: str = "", reason: Reason = "", facts: StreamFacts | None = None
    ) -> None:
        """Queues one event; never waits."""
        known = facts or StreamFacts()
        event = SensorEvent(
            created_at=to_iso(self._clock.now()),
            event=StreamRef(
                camera_id=sensor.sensor_id,
                camera_name=sensor.name,
                camera_url=url,
                change=change,
                tags=sensor.details.tags,
                reason=reason,
                metadata=StreamMetadata(
                    codec=known.codec, resolution=known.resolution, framerate=known.framerate, sensor_type="camera"
                ),
            ),
        )
        self._put(VST_EVENT, event)

    def tell_alert(self, alert: AlertMessage) -> None:
        """Queues an alert that begins or ends; never waits."""
        self._put(VST_ALERTS, alert)

    async def told(self) -> None:
        """Returns when what was queued so far is on the bus; after a moment at most, for the bus may be away."""
        last = self._queued
        with anyio.move_on_after(_PATIENCE_S):
            while self._taken < last:
                await self._moved.wait()

    async def run(self) -> None:
        """Publishes for ever."""
        await retry(
            self._publish, clock=self._clock, log=get_logger("vst"), name="outbox", backoff=Backoff(0.2, 5.0, 30.0)
        )

    async def flush(self) -> None:
        """Publishes what is waiting, once; for an orderly stop."""
        try:
            await self._drain()
        except Fault as error:
            get_logger("vst").warning("events_lost", waiting=len(self._waiting), cause=error)

    async def _publish(self) -> None:
        while True:
            await self._drain()
            self._filled = anyio.Event()
            if not self._waiting:
                await self._filled.wait()

    def _put(self, topic: Topic, message: Message) -> None:
        self._waiting.append((topic, self._encoder.encode(message)))
        self._queued += 1
        self._meters.events_waiting.set(len(self._waiting))
        self._filled.set()

    async def _drain(self) -> None:
        while self._waiting:
            topic = self._waiting[0][0]
            batch = next([payload for _, payload in items] for _, items in groupby(self._waiting, itemgetter(0)))
            await self._bus.publish(topic, batch)
            for _ in batch:
                self._waiting.popleft()
            self._taken += len(batch)
            self._moved.set()
            self._moved = anyio.Event()
            self._meters.events_waiting.set(len(self._waiting))


class Silence(Outbox):
    """For a stream of which nobody must hear: consumers know cameras, not their sub streams."""

    @override
    def tell(
        self, sensor: Sensor, change: Change, *, url: str = "", reason: Reason = "", facts: StreamFacts | None = None
    ) -> None:
        """Says nothing."""
