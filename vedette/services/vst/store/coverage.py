"""The coverage ledger in the database: its lines, and for each stream where it goes on."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row, delete, insert, select, update

from vedette.services.vst.core import ledger
from vedette.services.vst.core.ledger import Step
from vedette.services.vst.model import Cause, Entry, EntryKind, Head, Segment
from vedette.services.vst.store.tables import HEAD, LEDGER


class CoverageStore:
    """The ledger, seen through one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def get_head(self, stream_id: str) -> Head | None:
        """Where the ledger of a stream goes on; None for a stream that has none."""
        row = self._connection.execute(select(HEAD).where(HEAD.c.stream_id == stream_id)).first()
        return None if row is None else self._to_head(row)

    def list_heads(self) -> list[Head]:
        """The heads of all streams, of deleted sensors too."""
        return [self._to_head(row) for row in self._connection.execute(select(HEAD).order_by(HEAD.c.stream_id))]

    def add_stream(self, stream_id: str, at_us: int, cause: Cause) -> Head:
        """Begins the ledger of a stream, if it has none."""
        head = self.get_head(stream_id)
        if head is None:
            head = ledger.opened(stream_id, at_us, cause)
            self._connection.execute(insert(HEAD).values(**_head_row(head)))
        return head

    def add_segment(self, segment: Segment) -> int:
        """A segment is recorded; returns its place in the ledger."""
        head = self.get_head(segment.stream_id) or self.add_stream(segment.stream_id, segment.start_us, Cause.STARTING)
        return self._take(ledger.recorded(head, segment)).seq

    def set_absent(self, stream_id: str, at_us: int, cause: Cause) -> None:
        """From `at_us` on nothing is recorded because of `cause`."""
        head = self.get_head(stream_id) or self.add_stream(stream_id, at_us, cause)
        self._take(ledger.absent(head, at_us, cause))

    def add_removal(self, segments: Sequence[Segment], *, cause: Cause, actor: str, at_us: int) -> None:
        """Segments were removed, one line a stream."""
        for stream_id in sorted({segment.stream_id for segment in segments}):
            head = self.get_head(stream_id)
            if head is not None:
                mine = [segment for segment in segments if segment.stream_id == stream_id]
                self._take(ledger.removed(head, mine, cause=cause, actor=actor, at_us=at_us))

    def list_entries(self, stream_id: str, start_us: int, end_us: int) -> list[Entry]:
        """Lines that reach into `[start_us, end_us)`, in the order of the chain."""
        query = (
            select(LEDGER)
            .where(LEDGER.c.stream_id == stream_id, LEDGER.c.end_us > start_us, LEDGER.c.start_us < end_us)
            .order_by(LEDGER.c.seq)
        )
        return [_to_entry(row) for row in self._connection.execute(query)]

    def list_chain(self, stream_id: str, first_seq: int, last_seq: int) -> list[Entry]:
        """Lines from the one that begins at `first_seq` to the one that begins at `last_seq` at the latest."""
        query = (
            select(LEDGER)
            .where(LEDGER.c.stream_id == stream_id, LEDGER.c.seq >= first_seq, LEDGER.c.seq <= last_seq)
            .order_by(LEDGER.c.seq)
        )
        return [_to_entry(row) for row in self._connection.execute(query)]

    def get_entry_before(self, stream_id: str, seq: int) -> Entry | None:
        """The line that the one at `seq` is chained to."""
        query = select(LEDGER).where(LEDGER.c.stream_id == stream_id, LEDGER.c.seq < seq)
        row = self._connection.execute(query.order_by(LEDGER.c.seq.desc()).limit(1)).first()
        return None if row is None else _to_entry(row)

    def delete_all(self) -> None:
        """Forgets the whole ledger, for a rebuild of the catalogue from the files."""
        self._connection.execute(delete(LEDGER))
        self._connection.execute(delete(HEAD))

    def _take(self, step: Step) -> Head:
        for entry in step.entries:
            row = _entry_row(entry)
            key = (LEDGER.c.stream_id == entry.stream_id) & (LEDGER.c.seq == entry.seq)
            if self._connection.execute(update(LEDGER).where(key).values(**row)).rowcount == 0:
                self._connection.execute(insert(LEDGER).values(**row))
        head = step.head
        self._connection.execute(update(HEAD).where(HEAD.c.stream_id == head.stream_id).values(**_head_row(head)))
        return head

    def _to_head(self, row: Row[Any]) -> Head:
        last = None
        if row.last_entry is not None:
            key = (LEDGER.c.stream_id == row.stream_id) & (LEDGER.c.seq == row.last_entry)
            found = self._connection.execute(select(LEDGER).where(key)).first()
            last = None if found is None else _to_entry(found)
        cause = None if row.cause is None else Cause(row.cause)
        return Head(row.stream_id, row.seq, row.hash, row.until_us, cause, last, row.segments, row.bytes)


def _head_row(head: Head) -> dict[str, Any]:
    return {
        "stream_id": head.stream_id,
        "seq": head.seq,
        "hash": head.hash,
        "until_us": head.until_us,
        "cause": None if head.cause is None else str(head.cause),
        "last_entry": None if head.last is None else head.last.seq,
        "segments": head.segments,
        "bytes": head.bytes,
    }


def _entry_row(entry: Entry) -> dict[str, Any]:
    row = {column.name: getattr(entry, column.name) for column in LEDGER.c}
    return row | {"kind": str(entry.kind)}


def _to_entry(row: Row[Any]) -> Entry:
    values = dict(row._mapping)
    return Entry(**values | {"kind": EntryKind(values["kind"])})
