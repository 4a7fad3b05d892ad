"""How long the disk lasts, and what another policy would delete."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from vedette.services.vst.core.ageing import AgeingPolicy, outside, room_bytes
from vedette.services.vst.core.overlap import Overlap
from vedette.services.vst.core.space import Space
from vedette.services.vst.core.timeline import Span
from vedette.services.vst.model import Entry, EntryKind, Segment

DAY_S = 86_400
_DAY_US = DAY_S * 1_000_000
_LEAST_US = 60 * 1_000_000


@dataclass(frozen=True, slots=True)
class Stretch:
    """Recorded footage that a forecast treats as one: an hour of a stream, or a single segment."""

    stream_id: str
    start_us: int
    end_us: int
    segments: int
    bytes: int


@dataclass(frozen=True, slots=True)
class Loss:
    """What a policy would delete of one stream: everything before `until_us`."""

    stream_id: str
    segments: int
    bytes: int
    until_us: int


def bytes_per_s(entries: Iterable[Entry], *, now_us: int, window_us: int = _DAY_US) -> float:
    """How fast a stream grew within the window before now, pauses included, or since its ledger began in it."""
    lines = [item for item in entries if item.kind is not EntryKind.REMOVED]
    begin_us = max(now_us - window_us, min((item.start_us for item in lines), default=now_us))
    total = sum(_bytes_since(item, begin_us) for item in lines if item.kind is EntryKind.RECORDED)
    return total * 1_000_000 / max(now_us - begin_us, _LEAST_US)


def days_remaining(policy: AgeingPolicy, space: Space, *, used_bytes: int, rate: float) -> float | None:
    """Days until the first limit in bytes is passed, at `rate` bytes a second; 0 when one is, None if nothing grows."""
    if rate <= 0:
        return None
    return max(0.0, room_bytes(policy, space, used_bytes=used_bytes, bytes_per_s=rate) / rate / DAY_S)


def retention_days(policy: AgeingPolicy, space: Space, *, used_bytes: int, rate: float) -> float | None:
    """Days of footage there will be once the limits have been reached; None when nothing grows."""
    if rate <= 0:
        return None
    room = room_bytes(policy, space, used_bytes=used_bytes, bytes_per_s=rate)
    by_bytes = max(0.0, (used_bytes + room) / rate / DAY_S)
    return min(by_bytes, policy.max_age_us / _DAY_US) if policy.max_age_us > 0 else by_bytes


def stretches(entries: Sequence[Entry], protected: Sequence[Span]) -> tuple[list[Stretch], list[Span]]:
    """What may be deleted of a stream, told from its ledger: lines that are there as a whole, and the spans of those of
    which something was removed or is protected, whose segments must be looked at one by one."""
    removed = [Span(item.start_us, item.end_us) for item in entries if item.kind is EntryKind.REMOVED]
    taken = Overlap([*removed, *protected])
    whole: list[Stretch] = []
    broken: list[Span] = []
    for item in entries:
        if item.kind is not EntryKind.RECORDED:
            continue
        touching = taken.touching(item)
        if touching:
            broken += outside(touching, item.start_us, item.end_us)
        else:
            whole.append(Stretch(item.stream_id, item.start_us, item.end_us, item.segments, item.bytes))
    return whole, broken


def stretch_of(segment: Segment) -> Stretch:
    """A single segment."""
    return Stretch(segment.stream_id, segment.start_us, segment.end_us, 1, segment.bytes)


def last_of_each(chosen: Iterable[Stretch]) -> list[Stretch]:
    """The last stretch of each stream, if it is more than a segment: a policy may need but a part of it."""
    last: dict[str, Stretch] = {}
    for item in sorted(chosen, key=lambda stretch: stretch.start_us):
        last[item.stream_id] = item
    return [item for item in last.values() if item.segments > 1]


def losses(chosen: Sequence[Stretch]) -> list[Loss]:
    """What was chosen, one line a stream."""
    by_stream: dict[str, list[Stretch]] = {}
    for item in chosen:
        by_stream.setdefault(item.stream_id, []).append(item)
    return [
        Loss(key, sum(i.segments for i in items), sum(i.bytes for i in items), max(i.end_us for i in items))
        for key, items in sorted(by_stream.items())
    ]


def _bytes_since(entry: Entry, begin_us: int) -> float:
    length = entry.end_us - entry.start_us
    return entry.bytes * (entry.end_us - max(entry.start_us, begin_us)) / length if length > 0 else 0.0
