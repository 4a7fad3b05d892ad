"""Fan-out of live messages to viewers. A slow viewer loses frames, never crossings or alerts."""

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

import anyio

_FRAMES = 8
_EVENTS = 2000


class Viewer:
    """One viewer's queues; `sensors` holds the ids it wants and may see, None for all."""

    def __init__(self, sensors: frozenset[str] | None) -> None:
        self.sensors = sensors
        self._events: deque[bytes] = deque()
        self._frames: deque[bytes] = deque(maxlen=_FRAMES)
        self._more = anyio.Event()
        self.overrun = False

    def offer(self, message: bytes, *, droppable: bool) -> None:
        """Queues a message. A viewer that is behind by thousands of events is given up: it asks again later."""
        if droppable:
            self._frames.append(message)
        else:
            self._events.append(message)
            self.overrun = self.overrun or len(self._events) > _EVENTS
        self._more.set()

    async def next(self) -> bytes | None:
        """The next message, events first; None when the viewer was given up."""
        while not self.overrun:
            if self._events:
                return self._events.popleft()
            if self._frames:
                return self._frames.popleft()
            self._more = anyio.Event()
            await self._more.wait()
        return None


class Live:
    """All viewers."""

    def __init__(self) -> None:
        self._viewers: set[Viewer] = set()

    @contextmanager
    def watching(self, sensors: frozenset[str] | None) -> Iterator[Viewer]:
        """A viewer, for as long as it is entered."""
        viewer = Viewer(sensors)
        self._viewers.add(viewer)
        try:
            yield viewer
        finally:
            self._viewers.discard(viewer)

    @property
    def is_watched(self) -> bool:
        """Whether anybody looks: nobody need write what nobody reads."""
        return bool(self._viewers)

    def push(self, sensor_id: str, message: bytes, *, droppable: bool = False) -> None:
        """Hands a message about a sensor to everyone who wants it."""
        for viewer in self._viewers:
            if viewer.sensors is None or sensor_id in viewer.sensors:
                viewer.offer(message, droppable=droppable)
