"""Finds what reaches into a span, among very many: a year of ageing leaves tens of thousands of removals a stream."""

from bisect import bisect_left
from collections.abc import Iterable
from itertools import accumulate
from typing import Protocol


class Timed(Protocol):
    """Something with a begin and an end."""

    @property
    def start_us(self) -> int:
        """Begin, microseconds UTC."""

    @property
    def end_us(self) -> int:
        """End, microseconds UTC."""


class Overlap[T: Timed]:
    """An index over items. A question costs the logarithm of their number and what it finds."""

    def __init__(self, items: Iterable[T]) -> None:
        # Stable: of two that begin together, the one that was given first comes first.
        self._order = sorted(enumerate(items), key=lambda pair: pair[1].start_us)
        self._starts = [item.start_us for _, item in self._order]
        self._reach = list(accumulate((item.end_us for _, item in self._order), max))

    def touching(self, span: Timed) -> list[T]:
        """The items that reach into a span, in the order in which they were given."""
        found = []
        index = bisect_left(self._starts, span.end_us)
        while index > 0 and self._reach[index - 1] > span.start_us:
            index -= 1
            if self._order[index][1].end_us > span.start_us:
                found.append(self._order[index])
        return [item for _, item in sorted(found, key=lambda pair: pair[0])]
