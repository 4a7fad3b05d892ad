"""The last seconds of a stream that is not recorded now, kept so that a recording can begin before its reason."""

from collections import deque

from vedette.media.unit import AccessUnit


class PreRoll:
    """Whole GOPs that reach `length_90k` ticks back, at most `most_bytes` of them; with length 0 it keeps nothing."""

    def __init__(self, length_90k: int, most_bytes: int) -> None:
        self._length_90k, self._most_bytes = length_90k, most_bytes
        self._units: deque[AccessUnit] = deque()
        self._keyframes: deque[int] = deque()
        self._bytes = 0

    def set_length(self, length_90k: int) -> None:
        """How far back it reaches from now on."""
        self._length_90k = length_90k
        if not length_90k:
            self.clear()

    def feed(self, unit: AccessUnit) -> None:
        """Take the next unit of the stream, sound included."""
        if not self._length_90k or (not self._units and not unit.is_keyframe):
            return
        if self._units and unit.is_keyframe and unit.parameters is not self._units[0].parameters:
            self.clear()
        self._units.append(unit)
        self._bytes += len(unit.data)
        if unit.is_keyframe:
            self._keyframes.append(unit.dts_90k)
        while self._reaches_too_far(unit) or (self._bytes > self._most_bytes and self._units):
            self._drop_first_gop()

    def drain(self) -> list[AccessUnit]:
        """Everything that is kept, from a keyframe on; nothing is kept any more."""
        units = list(self._units)
        self.clear()
        return units

    def clear(self) -> None:
        """Forget everything, as when a session ends."""
        self._units.clear()
        self._keyframes.clear()
        self._bytes = 0

    def _reaches_too_far(self, newest: AccessUnit) -> bool:
        return len(self._keyframes) > 1 and newest.dts_90k - self._keyframes[1] >= self._length_90k

    def _drop_first_gop(self) -> None:
        self._keyframes.popleft()
        while self._units:
            self._bytes -= len(self._units.popleft().data)
            if self._units and self._units[0].is_keyframe:
                return
