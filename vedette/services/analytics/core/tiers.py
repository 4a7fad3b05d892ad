"""Stored resolutions: 1 s, 1 min, 1 h, and which of them answers a question.

A point is (start, sum, n, min, max), so folding twice equals folding once to the coarser step and rows may be added to
in any order. Coarse rows make long questions cheap: 24 h in minutes are 1,440 rows where seconds would be 86,400.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from vedette.services.analytics.core.engine import Emissions
from vedette.services.analytics.model.domain import ALL_TYPES, Counts, Kind, SeriesKey, TierPoint

SECOND_US = 1_000_000
STEPS_US = (SECOND_US, 60 * SECOND_US, 3600 * SECOND_US)
"""Steps of the stored tiers, finest first; each divides the next."""


class Piece(NamedTuple):
    """A part `[start, end)` of a question and the tier that answers it."""

    step_us: int
    start: int
    end: int


def add(one: TierPoint, other: TierPoint) -> TierPoint:
    """Two points of the same step and series as one."""
    return TierPoint(one.start, one.sum + other.sum, one.n + other.n, min(one.min, other.min), max(one.max, other.max))


def fold(points: Iterable[TierPoint], step_us: int) -> list[TierPoint]:
    """The points at a coarser step, in order of time; their own step must divide it."""
    folded: dict[int, TierPoint] = {}
    for point in points:
        start = point.start // step_us * step_us
        moved = point._replace(start=start)
        folded[start] = add(folded[start], moved) if start in folded else moved
    return [folded[start] for start in sorted(folded)]


def cover(start: int, end: int, bucket_us: int, kept_since: Sequence[int]) -> list[Piece]:
    """Disjoint pieces that answer `[start, end)` in buckets of `bucket_us` with the fewest rows.

    The middle comes from the coarsest tier that divides the bucket, the ragged edges from finer ones. `kept_since` says
    from when each tier (in order of `STEPS_US`) still has rows; where a finer one has none left, the coarser answers.
    """
    return _cover(start, end, bucket_us, kept_since, len(STEPS_US) - 1)


def _cover(start: int, end: int, bucket_us: int, kept_since: Sequence[int], level: int) -> list[Piece]:
    if start >= end:
        return []
    step = STEPS_US[level]
    if level == 0:
        return [Piece(step, start // step * step, end)]
    finer_gone = min(end, max(start, kept_since[level - 1] // step * step))
    if bucket_us % step:
        old = _old(start, finer_gone, step)
        return [*old, *_cover(finer_gone, end, bucket_us, kept_since, level - 1)]
    first, last = -(-start // step) * step, end // step * step
    if start < finer_gone:
        first = start // step * step
    if first >= last:
        return [*_old(start, finer_gone, step), *_cover(finer_gone, end, bucket_us, kept_since, level - 1)]
    return [
        *_cover(start, first, bucket_us, kept_since, level - 1),
        Piece(step, first, last),
        *_cover(last, end, bucket_us, kept_since, level - 1),
    ]


def _old(start: int, finer_gone: int, step: int) -> list[Piece]:
    return [Piece(step, start // step * step, finer_gone)] if start < finer_gone else []


def samples(out: Emissions) -> Iterator[tuple[SeriesKey, TierPoint]]:
    """What one frame adds to the seconds: occupancies of the FOV and of each ROI, and one for each passage.

    The series of `ALL_TYPES` has a point for every frame, so its `n` is the number of frames.
    """
    if out.late:
        return
    second = out.t // SECOND_US * SECOND_US
    yield from _occupancy(Kind.FOV, "", out.fov, second)
    for roi_id, counts in out.regions.items():
        yield from _occupancy(Kind.ROI, roi_id, counts, second)
    for crossing in out.crossings:
        yield from _passage(Kind.TRIPWIRE, crossing.wire_id, crossing.direction, crossing.object_type, crossing.t)
    for visit in out.visits:
        yield from _passage(Kind.ROI, visit.roi_id, visit.passage, visit.object_type, visit.t)


def _occupancy(kind: Kind, object_id: str, counts: Counts, second: int) -> Iterator[tuple[SeriesKey, TierPoint]]:
    total = sum(counts.values())
    yield SeriesKey(kind, object_id, "", ALL_TYPES), TierPoint(second, total, 1, total, total)
    for object_type, value in counts.items():
        yield SeriesKey(kind, object_id, "", object_type), TierPoint(second, value, 1, value, value)


def _passage(kind: Kind, object_id: str, event: str, object_type: str, t: int) -> Iterator[tuple[SeriesKey, TierPoint]]:
    one = TierPoint(t // SECOND_US * SECOND_US, 1, 1, 1, 1)
    yield SeriesKey(kind, object_id, str(event), ALL_TYPES), one
    yield SeriesKey(kind, object_id, str(event), object_type), one
