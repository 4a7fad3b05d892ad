"""Volumes and what lies on them, in the database."""

from collections.abc import Iterable, Sequence

from sqlalchemy import Connection, insert, select, update

from vedette.services.vst.model import MAIN_VOLUME, Segment
from vedette.services.vst.store.storage_tables import STOCK, VOLUME
from vedette.services.vst.store.tables import SEGMENT

CATALOGUE_IDENTITY = "catalogue_identity"
"""The choice that holds the catalogue's own id, which lies on each of its volumes, too."""
_CHUNK = 500


class VolumeStore:
    """Volumes, seen through one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def list_volumes(self) -> dict[str, str]:
        """The identity that each volume had when it was first used, by name."""
        return {row.name: row.identity for row in self._connection.execute(select(VOLUME))}

    def add_volume(self, name: str, identity: str) -> None:
        """A volume is used for the first time."""
        self._connection.execute(insert(VOLUME).values(name=name, identity=identity))

    def list_stock(self) -> dict[tuple[str, str], int]:
        """Bytes by volume and stream, for all volumes but the main one."""
        rows = self._connection.execute(select(STOCK).where(STOCK.c.bytes > 0))
        return {(row.volume, row.stream_id): row.bytes for row in rows}

    def list_on(self, volume: str, stream_id: str, *, limit: int) -> list[Segment]:
        """The oldest segments of a stream on a volume: one seek in the index."""
        query = (
            select(SEGMENT)
            .where(SEGMENT.c.volume == volume, SEGMENT.c.stream_id == stream_id)
            .order_by(SEGMENT.c.start_us)
            .limit(limit)
        )
        return [Segment(**row._mapping) for row in self._connection.execute(query)]

    def set_volume(self, segments: Sequence[Segment], volume: str) -> list[Segment]:
        """Segments lie elsewhere from now on; returns those that were still where they are said to be."""
        ids, there = [segment.segment_id for segment in segments], list[Segment]()
        for begin in range(0, len(ids), _CHUNK):
            chosen = ids[begin : begin + _CHUNK]
            rows = self._connection.execute(select(SEGMENT).where(SEGMENT.c.segment_id.in_(chosen)))
            known = {row.segment_id: row.volume for row in rows}
            there += [item for item in segments[begin : begin + _CHUNK] if known.get(item.segment_id) == item.volume]
            moved = [item.segment_id for item in there if item.segment_id in chosen]
            self._connection.execute(update(SEGMENT).where(SEGMENT.c.segment_id.in_(moved)).values(volume=volume))
        self.count(there, -1)
        self.count([_on(item, volume) for item in there], 1)
        return there

    def count(self, segments: Iterable[Segment], sign: int) -> None:
        """Segments came to where they lie, or went (`sign` -1)."""
        totals: dict[tuple[str, str], tuple[int, int]] = {}
        for item in segments:
            if item.volume != MAIN_VOLUME:
                number, octets = totals.get((item.volume, item.stream_id), (0, 0))
                totals[item.volume, item.stream_id] = number + 1, octets + item.bytes
        for (volume, stream_id), (number, octets) in totals.items():
            key = (STOCK.c.volume == volume) & (STOCK.c.stream_id == stream_id)
            grown = {"segments": STOCK.c.segments + sign * number, "bytes": STOCK.c.bytes + sign * octets}
            if self._connection.execute(update(STOCK).where(key).values(**grown)).rowcount == 0:
                row = {"segments": sign * number, "bytes": sign * octets}
                self._connection.execute(insert(STOCK).values(volume=volume, stream_id=stream_id, **row))


def _on(segment: Segment, volume: str) -> Segment:
    values = {name: getattr(segment, name) for name in Segment.__dataclass_fields__}
    return Segment(**values | {"volume": volume})
