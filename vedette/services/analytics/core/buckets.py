"""Histograms: points of a tier put into buckets of any size.

Inner edges lie on multiples of the size since the epoch; the first start and the last end are those of the question.
"""

import itertools
from collections.abc import Iterable, Sequence

from vedette.services.analytics.model.domain import Bin, TierPoint

SECOND_US = 1_000_000
_ROUND_US = 5 * SECOND_US


def edges(start: int, end: int, size_us: int) -> list[tuple[int, int]]:
    """The buckets of `[start, end)`; the first and the last may be shorter than the size."""
    inner = range((start // size_us + 1) * size_us, end, size_us)
    marks = [start, *inner, end]
    return list(itertools.pairwise(marks)) if start < end else []


def histogram(points: Iterable[TierPoint], start: int, end: int, size_us: int) -> list[Bin]:
    """One bin a bucket, empty ones too. A point belongs to the bucket its start lies in; what begins before the
    question (a coarse row cut by its edge) belongs to the first."""
    bins = [Bin(*edge) for edge in edges(start, end, size_us)]
    first = start // size_us
    for point in points:
        index = max(0, point.start // size_us - first)
        if index < len(bins):
            bins[index] = _add(bins[index], point)
    return bins


def over_all_frames(bins: Sequence[Bin], frames: Sequence[Bin]) -> list[Bin]:
    """Occupancy of one class when its points exist only for frames that had the class: the other frames count as 0."""
    return [
        item._replace(n=whole.n, min=item.min if item.n == whole.n else 0)
        for item, whole in zip(bins, frames, strict=True)
    ]


def automatic_size_us(window_us: int, bucket_count: int) -> int:
    """The size for about so many buckets: ceil(window / count), rounded up to a multiple of 5 s."""
    return max(1, -(-window_us // (bucket_count * _ROUND_US))) * _ROUND_US


def _add(into: Bin, point: TierPoint) -> Bin:
    return Bin(
        into.start,
        into.end,
        into.sum + point.sum,
        into.n + point.n,
        min(into.min, point.min) if into.n else point.min,
        max(into.max, point.max),
    )
