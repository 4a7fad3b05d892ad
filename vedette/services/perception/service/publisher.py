"""Frames of all streams to the bus, many in one round trip; when it is away the oldest are given up and counted."""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from types import ModuleType

import anyio

from vedette.kernel.bus import Bus
from vedette.schema.encodings import ENCODINGS
from vedette.schema.frame import FrameMessage
from vedette.schema.topics import Topic

_ENCODINGS: Mapping[str, ModuleType] = ENCODINGS


@dataclass(frozen=True, slots=True)
class Outlet:
    """A topic and how frames are written to it."""

    topic: Topic
    encoding: str


class Publisher:
    """A bounded queue before the bus. `dropped` counts frames that were given up, `published` those that arrived."""

    def __init__(self, bus: Bus, outlets: tuple[Outlet, ...], *, size: int = 2000, most: int = 256) -> None:
        self._bus, self._outlets, self._size, self._most = bus, outlets, size, most
        self._pending: deque[FrameMessage] = deque()
        self._filled = anyio.Event()
        self.dropped = 0
        self.published = 0

    def put(self, message: FrameMessage) -> None:
        """Queues a frame; never waits."""
        if len(self._pending) >= self._size:
            self._pending.popleft()
            self.dropped += 1
        self._pending.append(message)
        self._filled.set()

    async def run(self) -> None:
        """Publishes what is queued until cancelled. Raises Fault 503 when the bus is away; what was queued stays."""
        while True:
            if not self._pending:
                self._filled = anyio.Event()
                await self._filled.wait()
            batch = [self._pending.popleft() for _ in range(min(self._most, len(self._pending)))]
            sent = False
            try:
                for outlet in self._outlets:
                    encode = _ENCODINGS[outlet.encoding].encode
                    await self._bus.publish(outlet.topic, [encode(message) for message in batch])
                sent = True
            finally:
                if not sent:
                    self._give_back(batch)
            self.published += len(batch)

    def _give_back(self, batch: list[FrameMessage]) -> None:
        room = max(0, self._size - len(self._pending))
        self.dropped += max(0, len(batch) - room)
        self._pending.extendleft(reversed(batch[len(batch) - min(room, len(batch)) :]))
