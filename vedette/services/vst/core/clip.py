"""Which parts of which segments make a requested time range."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from vedette.services.vst.model import Segment


@dataclass(frozen=True, slots=True)
class Slice:
    """`[start_us, end_us)` in wall time, and the same as media time counted from the begin of the segment."""

    segment: Segment
    start_us: int
    end_us: int
    media_start_us: int
    media_end_us: int


def plan(segments: Iterable[Segment], start_us: int, end_us: int) -> list[Slice]:
    """Slices in order, disjoint and inside the range; where nothing was recorded there is none.

    Media time is wall time stretched to the segment's own length, so that a whole segment is always used to its last
    unit although its wall times come from a clock that jitters.
    """
    slices: list[Slice] = []
    cursor = start_us
    for segment in sorted(segments, key=lambda item: (item.start_us, item.segment_id)):
        begin, end = max(cursor, segment.start_us), min(end_us, segment.end_us)
        if end <= begin:
            continue
        slices.append(Slice(segment, begin, end, _media(segment, begin), _media(segment, end)))
        cursor = end
    return slices


def follows(left: Slice, right: Slice) -> bool:
    """Whether nothing is missing between two slices: the recording ran on from one segment into the next."""
    runs_on = left.segment.recording_id == right.segment.recording_id or not right.segment.digest
    return runs_on and left.end_us == left.segment.end_us == right.segment.start_us == right.start_us


def missing(slices: Sequence[Slice], start_us: int, end_us: int, *, join_us: int) -> list[tuple[int, int]]:
    """The parts of `[start_us, end_us)` longer than `join_us` that no slice covers, in order."""
    bounds = [start_us, *(bound for item in slices for bound in (item.start_us, item.end_us)), end_us]
    return [(begin, end) for begin, end in list(pairwise(bounds))[::2] if end - begin > join_us]


def _media(segment: Segment, wall_us: int) -> int:
    """Microseconds of media time in the segment at a wall time inside it."""
    span_us = segment.end_us - segment.start_us
    return (wall_us - segment.start_us) * segment.media_us // span_us
