"""The coverage ledger's arithmetic: which lines a fact adds, how the chain goes on, and whether a chain holds.

A *fact* is one thing that happened to a stream's footage: a segment was recorded, a stretch of time was not, or
footage was removed. Facts are numbered from 1 and chained, `hash(n) = BLAKE2b-256(hash(n - 1) ‖ fact(n))`, so that no
fact can be changed, dropped or put between without changing every hash after it. To keep the ledger small, the segments
of up to an hour that follow one another share one line; their facts are the catalogue's rows.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b

import msgspec

from vedette.services.vst.model import Cause, Entry, EntryKind, Head, Segment

HASH_BYTES = 32
ORIGIN = "0" * (2 * HASH_BYTES)
"""What the first fact is chained to."""
RUN_US = 3600 * 1_000_000
"""A line of recorded time is at most this long, so that a check of it reads few segments."""


@dataclass(frozen=True, slots=True)
class Fact:
    """One numbered fact; `segment_id` and `digest` are 0 and empty for anything but a segment."""

    stream_id: str
    seq: int
    kind: EntryKind
    start_us: int
    end_us: int
    cause: str = ""
    actor: str = ""
    segment_id: int = 0
    segments: int = 0
    bytes: int = 0
    digest: str = ""
    at_us: int = 0


@dataclass(frozen=True, slots=True)
class Step:
    """The head after a fact, and the lines that are new or changed."""

    head: Head
    entries: tuple[Entry, ...] = ()


@dataclass(frozen=True, slots=True)
class Broken:
    """The first line whose chain does not hold, and why."""

    entry: Entry
    reason: str


def link(previous: str, fact: Fact) -> str:
    """The chain's value after a fact: BLAKE2b-256 over the value before it and the fact as a JSON array."""
    values = [getattr(fact, name) for name in Fact.__dataclass_fields__]
    return blake2b(bytes.fromhex(previous) + msgspec.json.encode(values), digest_size=HASH_BYTES).hexdigest()


def fact_of(segment: Segment) -> Fact:
    """The fact behind a segment's row."""
    return Fact(
        stream_id=segment.stream_id,
        seq=segment.seq,
        kind=EntryKind.RECORDED,
        start_us=segment.start_us,
        end_us=segment.end_us,
        segment_id=segment.segment_id,
        segments=1,
        bytes=segment.bytes,
        digest=segment.digest,
    )


def opened(stream_id: str, at_us: int, cause: Cause) -> Head:
    """The head of a new stream: from `at_us` on every second is accounted for."""
    return Head(stream_id, 0, ORIGIN, at_us, cause)


def recorded(head: Head, segment: Segment) -> Step:
    """After a segment: time before it that nobody accounted for is absent, and it joins the run before it if it can.

    The segment's row must take `step.head.seq` as its `seq`. It must not begin before `head.until_us`.
    """
    if segment.start_us < head.until_us or segment.end_us <= segment.start_us:
        raise ValueError("segments follow one another")
    before = absent_until(head, segment.start_us, head.cause or Cause.CAMERA)
    head, seq = before.head, before.head.seq + 1
    value = link(head.hash, fact_of(replace(segment, seq=seq)))
    last = head.last
    if last is not None and _may_join(last, segment):
        entry = replace(
            last,
            last_seq=seq,
            end_us=segment.end_us,
            hash=value,
            segments=last.segments + 1,
            bytes=last.bytes + segment.bytes,
        )
    else:
        span = segment.start_us, segment.end_us
        entry = Entry(head.stream_id, seq, seq, EntryKind.RECORDED, *span, value, segments=1, bytes=segment.bytes)
    grown = replace(
        head,
        seq=seq,
        hash=value,
        until_us=segment.end_us,
        cause=None,
        last=entry,
        segments=head.segments + 1,
        bytes=head.bytes + segment.bytes,
    )
    return Step(grown, (*before.entries, entry))


def absent(head: Head, at_us: int, cause: Cause) -> Step:
    """From `at_us` on it is `cause` that keeps the stream from being recorded; what lasted before becomes a line."""
    if head.cause is None:
        return Step(replace(head, cause=cause))
    if head.cause is cause:
        return Step(head)
    step = absent_until(head, at_us, head.cause)
    return Step(replace(step.head, cause=cause), step.entries)


def absent_until(head: Head, at_us: int, cause: Cause) -> Step:
    """Time up to `at_us` was not recorded because of `cause`; nothing when there is no such time."""
    if at_us <= head.until_us:
        return Step(head)
    fact = Fact(head.stream_id, head.seq + 1, EntryKind.ABSENT, head.until_us, at_us, cause=str(cause))
    return _appended(replace(head, until_us=at_us), fact)


def removed(head: Head, segments: Sequence[Segment], *, cause: Cause, actor: str, at_us: int) -> Step:
    """After segments of this stream were removed, all of them or none: one line from the first to the last."""
    if not segments:
        return Step(head)
    fact = Fact(
        stream_id=head.stream_id,
        seq=head.seq + 1,
        kind=EntryKind.REMOVED,
        start_us=min(segment.start_us for segment in segments),
        end_us=max(segment.end_us for segment in segments),
        cause=str(cause),
        actor=actor,
        segments=len(segments),
        bytes=sum(segment.bytes for segment in segments),
        at_us=at_us,
    )
    rest = replace(head, segments=head.segments - fact.segments, bytes=head.bytes - fact.bytes)
    return _appended(rest, fact)


def verify(entries: Iterable[Entry], facts: dict[int, Sequence[Fact]], *, previous: str = ORIGIN) -> Broken | None:
    """The first line that does not follow from what is before it, or None.

    `facts` holds those of the recorded lines by the line's `seq`. A line whose segments were removed in part or as a
    whole has fewer facts than `segments`; its own hash is then taken as it stands, for later lines to build on.
    """
    seq: int | None = None
    for entry in entries:
        if seq is not None and entry.seq != seq + 1:
            return Broken(entry, f"line {seq + 1} is missing")
        known = _facts_of(entry, facts.get(entry.seq, ()))
        if known is not None:
            value = previous
            for fact in known:
                value = link(value, fact)
            if value != entry.hash:
                return Broken(entry, "it was changed, or something before it was")
        previous, seq = entry.hash, entry.last_seq
    return None


def _facts_of(entry: Entry, known: Sequence[Fact]) -> Sequence[Fact] | None:
    if entry.kind is not EntryKind.RECORDED:
        names = set(Fact.__dataclass_fields__) & set(Entry.__dataclass_fields__)
        return [Fact(**{name: getattr(entry, name) for name in names})]
    return known if len(known) == entry.segments else None


def _appended(head: Head, fact: Fact) -> Step:
    value = link(head.hash, fact)
    entry = Entry(
        stream_id=fact.stream_id,
        seq=fact.seq,
        last_seq=fact.seq,
        kind=fact.kind,
        start_us=fact.start_us,
        end_us=fact.end_us,
        hash=value,
        cause=fact.cause,
        actor=fact.actor,
        segments=fact.segments,
        bytes=fact.bytes,
        at_us=fact.at_us,
    )
    return Step(replace(head, seq=fact.seq, hash=value, last=entry), (entry,))


def _may_join(last: Entry, segment: Segment) -> bool:
    follows = last.kind is EntryKind.RECORDED and last.end_us == segment.start_us
    return follows and segment.end_us - last.start_us <= RUN_US
