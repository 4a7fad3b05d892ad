"""The current group of pictures, kept so that a late joiner sees a picture at once. No I/O."""

from vedette.media.unit import AccessUnit


class GopCache:
    """Holds the access units from the newest keyframe on, at most `max_bytes` of them.

    A GOP that outgrows the bound is forgotten whole, because a part of it is not decodable; caching goes on at the next
    keyframe.
    """

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._units: list[AccessUnit] = []
        self._size = 0

    @property
    def size_bytes(self) -> int:
        """Bytes of media held now."""
        return self._size

    def feed(self, unit: AccessUnit) -> None:
        """Take the next access unit in decode order."""
        if unit.is_keyframe:
            self.clear()
        elif not self._units:
            return
        self._size += len(unit.data)
        if self._size > self._max_bytes:
            self.clear()
            return
        self._units.append(unit)

    def units(self) -> tuple[AccessUnit, ...]:
        """The current GOP from its keyframe, in decode order; empty when none is held."""
        return tuple(self._units)

    def clear(self) -> None:
        """Forget everything, as when a source session ends."""
        self._units = []
        self._size = 0
