"""The clock of a source that makes its own media: when a unit is due, and at what wall time it was taken."""

from vedette.kernel.clock import Clock, Instant

_STEP_US = 50_000
_LATE_S = 1.0


class Pace:
    """Lays media time on the clock from the first call on.

    Wall time advances exactly as media time does, so that it can be computed from a timestamp anywhere downstream; only
    when the machine's wall clock was stepped, or the source fell a second behind, is it laid anew.
    """

    def __init__(self, clock: Clock, *, paced: bool = True) -> None:
        self._clock = clock
        self._paced = paced
        self._start_s = 0.0
        self._wall_us: int | None = None

    async def reach(self, media_us: int) -> None:
        """Wait until this media time (microseconds since the first unit) is due."""
        now_s = self._clock.monotonic()
        if self._wall_us is None:
            self._start_s = now_s - media_us / 1e6
            self._wall_us = self._offset_us()
        if not self._paced:
            return
        wait_s = self._start_s + media_us / 1e6 - now_s
        if wait_s > 0:
            await self._clock.sleep(wait_s)
        elif wait_s < -_LATE_S:
            self._start_s = now_s - media_us / 1e6
            self._wall_us = self._offset_us()

    def wall_us(self, media_us: int) -> Instant:
        """The capture instant of this media time."""
        offset_us = self._offset_us() if self._paced else self._wall_us or 0
        if self._wall_us is None or abs(offset_us - self._wall_us) > _STEP_US:
            self._wall_us = offset_us
        return self._wall_us + media_us

    def _offset_us(self) -> int:
        """Wall time at media time 0, as the clocks stand now."""
        return self._clock.now() - round((self._clock.monotonic() - self._start_s) * 1e6)
