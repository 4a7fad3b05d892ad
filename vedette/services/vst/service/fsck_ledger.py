"""What `vedette fsck` asks of the coverage ledger: the chain holds, rows and lines agree, nothing protected went."""

from collections.abc import Iterator, Sequence
from functools import partial

from vedette.kernel.database import Database, Transaction
from vedette.services.vst.core import ledger
from vedette.services.vst.core.ageing import outside
from vedette.services.vst.core.ledger import ORIGIN, Fact
from vedette.services.vst.core.overlap import Overlap
from vedette.services.vst.core.timeline import Span
from vedette.services.vst.model import Entry, EntryKind, Head, Protection, Segment
from vedette.services.vst.store import CoverageStore, StorageStore, Store

_FOR_EVER = 1 << 62


def ledger_problems(database: Database) -> Iterator[tuple[str, str, str]]:
    """(kind, subject, detail) of everything that is wrong; kind is `ledger` or `protected`. One stream at a time."""
    heads = database.read_now(lambda connection: CoverageStore(connection).list_heads())
    for head in heads:
        for kind, detail in database.read_now(partial(_stream_now, head)):
            yield kind, head.stream_id, detail
    recorded = database.read_now(lambda connection: Store(connection).list_recorded_streams())
    for stream_id in sorted(set(recorded) - {head.stream_id for head in heads}):
        yield "ledger", stream_id, "it has segments and no ledger; the next start gives it one"


def _stream_now(head: Head, connection: Transaction) -> list[tuple[str, str]]:
    return list(_stream(connection, head))


def _stream(connection: Transaction, head: Head) -> Iterator[tuple[str, str]]:
    entries = CoverageStore(connection).list_chain(head.stream_id, 0, _FOR_EVER)
    removals = [entry for entry in entries if entry.kind is EntryKind.REMOVED]
    gone = Overlap(Span(entry.start_us, entry.end_us) for entry in removals)
    before, seq, segments, octets = ORIGIN, 0, 0, 0
    for entry in entries:
        facts = _facts(connection, entry)
        segments, octets = segments + len(facts), octets + sum(fact.bytes for fact in facts)
        if entry.seq != seq + 1:
            yield "ledger", f"line {seq + 1} is missing"
        broken = ledger.verify([entry], {entry.seq: facts}, previous=before)
        if broken is not None:
            yield "ledger", f"line {entry.seq}: {broken.reason}"
        if entry.kind is EntryKind.RECORDED and len(facts) != entry.segments:
            yield from _uncovered(entry, facts, gone)
        before, seq = entry.hash, entry.last_seq
    yield from _head(head, seq, before, segments=segments, octets=octets)
    for item in StorageStore(connection).list_protections(head.stream_id):
        yield from _lost(item, removals)


def _facts(connection: Transaction, entry: Entry) -> list[Fact]:
    if entry.kind is not EntryKind.RECORDED:
        return []
    found = Store(connection).list_segments(entry.stream_id, entry.start_us, entry.end_us)
    mine = [segment for segment in found if entry.seq <= segment.seq <= entry.last_seq]
    return [ledger.fact_of(segment) for segment in sorted(mine, key=_seq)]


def _seq(segment: Segment) -> int:
    return segment.seq


def _uncovered(entry: Entry, facts: Sequence[Fact], gone: Overlap[Span]) -> Iterator[tuple[str, str]]:
    """Recorded time without a segment must be told of by a removal."""
    if len(facts) > entry.segments:
        yield "ledger", f"line {entry.seq} has {len(facts)} segments and tells of {entry.segments}"
    present = [Span(fact.start_us, fact.end_us) for fact in facts]
    for span in outside([*present, *gone.touching(entry)], entry.start_us, entry.end_us):
        yield "ledger", f"line {entry.seq}: {(span.end_us - span.start_us) / 1e6:.3f} s went without a word"


def _head(head: Head, seq: int, value: str, *, segments: int, octets: int) -> Iterator[tuple[str, str]]:
    if (head.seq, head.hash) != (seq, value):
        yield "ledger", f"it ends with line {seq}, not where it stands ({head.seq}): its tail was cut"
    if (head.segments, head.bytes) != (segments, octets):
        yield "ledger", f"it counts {head.segments} segments of {head.bytes} bytes; there are {segments} of {octets}"


def _lost(item: Protection, removals: Sequence[Entry]) -> Iterator[tuple[str, str]]:
    """What was removed after it had been protected."""
    for entry in removals:
        if entry.at_us > item.at_us and entry.start_us < item.end_us and item.start_us < entry.end_us:
            yield "protected", f"protected footage was removed by {entry.actor or 'nobody'} ({entry.cause})"
