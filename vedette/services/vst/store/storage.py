"""What storage keeps beside the catalogue: choices made at run time and protected ranges; and its questions to it."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row, delete, insert, select, update

from vedette.services.vst.model import Protection, Segment
from vedette.services.vst.store.storage_tables import CHOICE, PROTECTION
from vedette.services.vst.store.tables import SEGMENT


class StorageStore:
    """Storage, seen through one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    # choices

    def get_choice(self, name: str) -> bytes | None:
        """What somebody chose at run time; None when nobody did."""
        value = self._connection.execute(select(CHOICE.c.value).where(CHOICE.c.name == name)).scalar()
        return None if value is None else bytes(value)

    def set_choice(self, name: str, value: bytes, *, actor: str, at_us: int) -> None:
        """Replaces a choice."""
        row = {"value": value, "actor": actor, "at_us": at_us}
        if self._connection.execute(update(CHOICE).where(CHOICE.c.name == name).values(**row)).rowcount == 0:
            self._connection.execute(insert(CHOICE).values(name=name, **row))

    # protection

    def list_protections(self, stream_id: str | None = None) -> list[Protection]:
        """Protected ranges of one stream, or of all, in order."""
        query = select(PROTECTION).order_by(PROTECTION.c.stream_id, PROTECTION.c.start_us, PROTECTION.c.protection_id)
        if stream_id is not None:
            query = query.where(PROTECTION.c.stream_id == stream_id)
        return [_to_protection(row) for row in self._connection.execute(query)]

    def set_protections(self, stream_id: str, protections: Sequence[Protection]) -> None:
        """Replaces all protected ranges of a stream."""
        self._connection.execute(delete(PROTECTION).where(PROTECTION.c.stream_id == stream_id))
        for item in protections:
            row = {name: getattr(item, name) for name in ("stream_id", "start_us", "end_us", "actor", "at_us")}
            self._connection.execute(insert(PROTECTION).values(**row))

    # segments

    def list_from(self, stream_id: str, start_us: int, end_us: int, *, limit: int) -> list[Segment]:
        """The first segments that begin in `[start_us, end_us)`, in order: one seek in the index."""
        query = (
            select(SEGMENT)
            .where(SEGMENT.c.stream_id == stream_id, SEGMENT.c.start_us >= start_us, SEGMENT.c.start_us < end_us)
            .order_by(SEGMENT.c.start_us)
            .limit(limit)
        )
        return [Segment(**row._mapping) for row in self._connection.execute(query)]

    def list_by_id(self, segment_ids: Sequence[int]) -> list[Segment]:
        """Those of the segments that the catalogue has, as they are now; a few hundred at most."""
        query = select(SEGMENT).where(SEGMENT.c.segment_id.in_(segment_ids)).order_by(SEGMENT.c.start_us)
        return [Segment(**row._mapping) for row in self._connection.execute(query)]


def _to_protection(row: Row[Any]) -> Protection:
    return Protection(row.stream_id, row.start_us, row.end_us, row.actor, row.at_us)
