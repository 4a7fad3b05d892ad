"""Which recordings are deleted to keep the limits.

A limit that is passed is undercut by a margin, min(an hour of ingest, 5 % of the budget), so that the next look,
seconds later, finds nothing to do: otherwise every look would add its own line to the coverage ledger. With an hour, a
stream that ages for a year has 26,000 lines; with ten minutes it had 97,000, since a removal also ends a recorded run.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Protocol

from vedette.services.vst.core.overlap import Timed
from vedette.services.vst.core.space import Space
from vedette.services.vst.core.timeline import Span

MARGIN_S = 3600
_FLOOR_S = 600
_MARGIN_SHARE = 0.05
_FLOOR_SHARE = 0.05
_US = 1_000_000


class Lump(Timed, Protocol):
    """Something that is deleted as a whole: a segment, or an hour of them in a forecast."""

    @property
    def bytes(self) -> int:
        """What is freed."""


@dataclass(frozen=True, slots=True)
class AgeingPolicy:
    """0 switches a limit off. `max_used_percent` is of the whole disk, `max_stream_bytes` holds for each stream."""

    max_age_us: int = 0
    max_bytes: int = 0
    min_free_bytes: int = 0
    max_stream_bytes: int = 0
    max_used_percent: float = 0


@dataclass(frozen=True, slots=True)
class Holding[L: Lump]:
    """What is kept of a stream: `bytes` in all, and the oldest of what may go, in order. `more` says that the list was
    cut short. `bytes_per_s` is how fast it grows."""

    stream_id: str
    bytes: int
    oldest: Sequence[L] = ()
    more: bool = False
    bytes_per_s: float = 0


@dataclass(frozen=True, slots=True)
class Targets:
    """What has to be reached: nothing that ends at or before `cutoff_us`, streams no larger than `stream_bytes`, and
    `excess_bytes` less in all."""

    cutoff_us: int = 0
    stream_bytes: Mapping[str, int] = field(default_factory=dict)
    excess_bytes: int = 0


def floor_bytes(policy: AgeingPolicy, space: Space, bytes_per_s: float) -> int:
    """Free bytes that are kept: the policy's, but at least 5 % of the disk and ten minutes of ingest, and at most half
    the disk. 0 when the policy switches the floor off."""
    if policy.min_free_bytes <= 0:
        return 0
    least = max(policy.min_free_bytes, round(space.total_bytes * _FLOOR_SHARE), round(bytes_per_s * _FLOOR_S))
    return min(least, space.total_bytes // 2)


def room_bytes(policy: AgeingPolicy, space: Space, *, used_bytes: int, bytes_per_s: float) -> int:
    """Bytes that can still be recorded before a limit in bytes is passed; less than 0 when one is."""
    room = [space.free_bytes - floor_bytes(policy, space, bytes_per_s)]
    if policy.max_bytes > 0:
        room.append(policy.max_bytes - used_bytes)
    if policy.max_used_percent > 0:
        room.append(_most_used(policy, space) - (space.total_bytes - space.free_bytes))
    return min(room)


def age_edges(policy: AgeingPolicy, now_us: int) -> tuple[int, int]:
    """What ends before the first instant is too old; then what ends before the second goes. 0 for no limit."""
    if policy.max_age_us <= 0:
        return 0, 0
    limit_us = now_us - policy.max_age_us
    return limit_us, limit_us + min(MARGIN_S * _US, round(policy.max_age_us * _MARGIN_SHARE))


def targets[L: Lump](holdings: Sequence[Holding[L]], policy: AgeingPolicy, *, now_us: int, space: Space) -> Targets:
    """What the limits ask for now. Only `bytes`, `bytes_per_s` and the first of each `oldest` count."""
    used = sum(item.bytes for item in holdings)
    rate = sum(item.bytes_per_s for item in holdings)
    streams = {
        item.stream_id: policy.max_stream_bytes - _margin(policy.max_stream_bytes, item.bytes_per_s)
        for item in holdings
        if 0 < policy.max_stream_bytes < item.bytes
    }
    return Targets(_cutoff_us(holdings, policy, now_us), streams, _excess_bytes(policy, space, used, rate))


def pick[L: Lump](holdings: Sequence[Holding[L]], wanted: Targets) -> list[L]:
    """The oldest lumps that must go to reach the targets, or the first of them where a list was cut short."""
    chosen: list[L] = []
    rest: list[L] = []
    for item in holdings:
        count = _due(item, wanted)
        chosen += item.oldest[:count]
        rest += item.oldest[count:]
    excess = wanted.excess_bytes - sum(lump.bytes for lump in chosen)
    # Behind the end of a list that was cut short there may be something older than what the others offer.
    horizon = min((item.oldest[-1].start_us for item in holdings if item.more and item.oldest), default=None)
    for lump in sorted(rest, key=lambda lump: lump.start_us):
        if excess <= 0 or (horizon is not None and lump.start_us > horizon):
            break
        chosen.append(lump)
        excess -= lump.bytes
    return chosen


def select[L: Lump](holdings: Sequence[Holding[L]], policy: AgeingPolicy, *, now_us: int, space: Space) -> list[L]:
    """The oldest lumps that must go. More free space never selects more; what is not in a holding is never selected."""
    return pick(holdings, targets(holdings, policy, now_us=now_us, space=space))


def outside(protected: Iterable[Span], start_us: int, end_us: int) -> list[Span]:
    """The parts of `[start_us, end_us)` that no protected range touches."""
    windows: list[Span] = []
    for span in sorted(protected):
        if span.start_us > start_us:
            windows.append(Span(start_us, min(span.start_us, end_us)))
        start_us = max(start_us, span.end_us)
    windows.append(Span(start_us, end_us))
    return [window for window in windows if window.end_us > window.start_us]


def is_protected(lump: Timed, protected: Iterable[Span]) -> bool:
    """Whether any of it is: what a protected range touches stays whole."""
    return any(span.start_us < lump.end_us and lump.start_us < span.end_us for span in protected)


def runs[L: Lump](lumps: Sequence[L], kept: Iterable[Span]) -> list[list[L]]:
    """Lumps of one stream in order, split wherever something that is kept lies between two of them."""
    if not lumps:
        return []
    ordered = sorted(lumps, key=lambda lump: lump.start_us)
    starts = sorted(span.start_us for span in kept)
    split: list[list[L]] = [[ordered[0]]]
    for left, right in pairwise(ordered):
        if any(left.start_us < start < right.start_us for start in starts):
            split.append([])
        split[-1].append(right)
    return split


def _due[L: Lump](item: Holding[L], wanted: Targets) -> int:
    """How many of a stream's lumps its own limits ask for."""
    left, keep = item.bytes, wanted.stream_bytes.get(item.stream_id)
    for count, lump in enumerate(item.oldest):
        if lump.end_us > wanted.cutoff_us and (keep is None or left <= keep):
            return count
        left -= lump.bytes
    return len(item.oldest)


def _cutoff_us[L: Lump](holdings: Sequence[Holding[L]], policy: AgeingPolicy, now_us: int) -> int:
    limit_us, cutoff_us = age_edges(policy, now_us)
    return cutoff_us if any(item.oldest and item.oldest[0].end_us <= limit_us for item in holdings) else 0


def _excess_bytes(policy: AgeingPolicy, space: Space, used_bytes: int, rate: float) -> int:
    """The largest of what the limits on the whole ask for, 0 when all hold."""
    taken, floor = space.total_bytes - space.free_bytes, floor_bytes(policy, space, rate)
    limits = [(taken, space.total_bytes - floor)]
    if policy.max_bytes > 0:
        limits.append((used_bytes, policy.max_bytes))
    if policy.max_used_percent > 0:
        limits.append((taken, _most_used(policy, space)))
    return max(value - limit + _margin(limit, rate) if value > limit else 0 for value, limit in limits)


def _most_used(policy: AgeingPolicy, space: Space) -> int:
    return int(space.total_bytes * min(policy.max_used_percent, 100) / 100)


def _margin(limit_bytes: int, bytes_per_s: float) -> int:
    return int(min(bytes_per_s * MARGIN_S, limit_bytes * _MARGIN_SHARE))
