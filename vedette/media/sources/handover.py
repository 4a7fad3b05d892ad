"""From a reading thread to the event loop: units in order, bounded in bytes, nothing dropped."""

import asyncio
import threading
from collections.abc import Callable

from vedette.kernel.errors import Fault, unavailable
from vedette.media.unit import AccessUnit

STUCK_S = 10.0
QUEUE_BYTES = 16 * 1024 * 1024


class Handover:
    """One thread puts, one task takes. A full queue holds the thread back, for `stuck_s` at most."""

    def __init__(self, *, max_bytes: int = QUEUE_BYTES, stuck_s: float = STUCK_S) -> None:
        self.finished = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._max_bytes, self._stuck_s = max_bytes, stuck_s
        self._room = threading.Condition()
        self._units: list[AccessUnit] = []
        self._bytes = 0
        self._fault: Fault | None = None
        self._closed = False
        self._bell = asyncio.Event()
        self._rings = False

    def put(self, unit: AccessUnit) -> bool:
        """Called by the thread. False when nobody reads any more; Fault 503 when the reader is stuck."""
        with self._room:
            if self._bytes >= self._max_bytes and not self._room.wait_for(self._has_room, self._stuck_s):
                raise unavailable(
                    f"The video was not taken for {self._stuck_s:g} s: this box is overloaded. Read fewer cameras."
                )
            if self._closed:
                return False
            self._units.append(unit)
            self._bytes += len(unit.data)
            rings, self._rings = self._rings, False
        if rings:
            self._call(self._bell.set)
        return True

    def finish(self, fault: Fault) -> None:
        """Called by the thread as its last act: what is queued is read first, then the fault is raised."""
        with self._room:
            self._fault = fault
        self._call(self._finish)

    def close(self) -> None:
        """Called by the reader: the thread ends at its next packet."""
        with self._room:
            self._closed = True
            self._units.clear()
            self._room.notify()

    async def take(self) -> list[AccessUnit]:
        """Everything that is queued, at least one unit; raises the fault at the end."""
        while True:
            with self._room:
                if self._units:
                    units, self._units, self._bytes = self._units, [], 0
                    self._room.notify()
                    return units
                if self._fault is not None:
                    raise self._fault
                self._rings = True
                self._bell.clear()
            await self._bell.wait()

    def _has_room(self) -> bool:
        return self._closed or self._bytes < self._max_bytes

    def _finish(self) -> None:
        self._bell.set()
        self.finished.set()

    def _call(self, what: Callable[[], None]) -> None:
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(what)
