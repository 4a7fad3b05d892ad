"""Every SQL statement of VST. A store lives for one transaction and never commits it."""

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Integer,
    LargeBinary,
    MetaData,
    Row,
    Table,
    Text,
    delete,
    func,
    insert,
    select,
    update,
)

from vedette.services.vst.model import Cause, Gap, Garbage, Segment, Sensor, SensorDetails, Usage

_metadata = MetaData()
_sensor = Table(
    "sensor",
    _metadata,
    Column("sensor_id", Text, primary_key=True),
    Column("name", Text),
    Column("url", Text),
    Column("sealed", LargeBinary),
    Column("details", LargeBinary),
    Column("created_us", BigInteger),
)
_segment = Table(
    "segment",
    _metadata,
    Column("segment_id", BigInteger, primary_key=True),
    Column("stream_id", Text),
    Column("recording_id", BigInteger),
    Column("start_us", BigInteger),
    Column("end_us", BigInteger),
    Column("media_us", BigInteger),
    Column("bytes", BigInteger),
    Column("digest", Text),
    Column("codec", Text),
    Column("width", Integer),
    Column("height", Integer),
)
_gap = Table(
    "gap",
    _metadata,
    Column("stream_id", Text, primary_key=True),
    Column("start_us", BigInteger, primary_key=True),
    Column("end_us", BigInteger),
    Column("cause", Text),
)
_id_block = Table("id_block", _metadata, Column("name", Text, primary_key=True), Column("next_id", BigInteger))
_garbage = Table(
    "garbage",
    _metadata,
    Column("segment_id", BigInteger, primary_key=True),
    Column("stream_id", Text),
    Column("bytes", BigInteger),
)
_deletion = Table(
    "deletion",
    _metadata,
    Column("deletion_id", Integer, primary_key=True),
    Column("stream_id", Text),
    Column("start_us", BigInteger),
    Column("end_us", BigInteger),
    Column("segments", Integer),
    Column("bytes", BigInteger),
    Column("actor", Text),
    Column("at_us", BigInteger),
)
_SEGMENT_IDS = "segment"
_CHUNK = 500


class Store:
    """The catalogue, seen through one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    # sensors

    def add_sensor(self, sensor: Sensor) -> None:
        """A new sensor. IntegrityError when its name or URL is taken: look first, in the same transaction."""
        self._connection.execute(insert(_sensor).values(**_sensor_row(sensor)))

    def set_sensor(self, sensor: Sensor) -> None:
        """Replaces what is known of a sensor."""
        row = _sensor_row(sensor)
        self._connection.execute(update(_sensor).where(_sensor.c.sensor_id == row.pop("sensor_id")).values(**row))

    def delete_sensor(self, sensor_id: str) -> None:
        """Forgets a sensor; its recordings stay."""
        self._connection.execute(delete(_sensor).where(_sensor.c.sensor_id == sensor_id))

    def list_sensors(self) -> list[Sensor]:
        """All sensors, the oldest first."""
        rows = self._connection.execute(select(_sensor).order_by(_sensor.c.created_us, _sensor.c.sensor_id))
        return [_to_sensor(row) for row in rows]

    # segments

    def add_id_block(self, size: int) -> int:
        """Takes `size` segment ids for good and returns the first of them; ids are never used twice."""
        taken = self._connection.execute(select(_id_block.c.next_id).where(_id_block.c.name == _SEGMENT_IDS)).scalar()
        if taken is None:
            self._connection.execute(insert(_id_block).values(name=_SEGMENT_IDS, next_id=1 + size))
            return 1
        self._connection.execute(update(_id_block).where(_id_block.c.name == _SEGMENT_IDS).values(next_id=taken + size))
        return int(taken)

    def add_segment(self, segment: Segment) -> None:
        """A finished segment, and the end of the gap before it."""
        values = {column.name: getattr(segment, column.name) for column in _segment.c}
        self._connection.execute(insert(_segment).values(**values))

    def get_segment(self, segment_id: int) -> Segment | None:
        """One segment."""
        row = self._connection.execute(select(_segment).where(_segment.c.segment_id == segment_id)).first()
        return None if row is None else _to_segment(row)

    def list_segments(self, stream_id: str, start_us: int, end_us: int) -> list[Segment]:
        """Segments that reach into `[start_us, end_us)`, in order.

        Segments of a stream do not overlap, so the search begins at the last one that starts at or before the range.
        """
        first = (
            select(func.max(_segment.c.start_us))
            .where(_segment.c.stream_id == stream_id, _segment.c.start_us <= start_us)
            .scalar_subquery()
        )
        rows = self._connection.execute(
            select(_segment)
            .where(
                _segment.c.stream_id == stream_id,
                _segment.c.start_us >= func.coalesce(first, start_us),
                _segment.c.start_us < end_us,
                _segment.c.end_us > start_us,
            )
            .order_by(_segment.c.start_us)
        )
        return [_to_segment(row) for row in rows]

    def list_spans(self, stream_id: str, start_us: int | None = None, end_us: int | None = None) -> list[Row[Any]]:
        """(start_us, end_us) of the stream's segments, in order."""
        query = select(_segment.c.start_us, _segment.c.end_us).where(_segment.c.stream_id == stream_id)
        if start_us is not None:
            query = query.where(_segment.c.end_us > start_us)
        if end_us is not None:
            query = query.where(_segment.c.start_us < end_us)
        return list(self._connection.execute(query.order_by(_segment.c.start_us)))

    def last_segment(self, stream_id: str) -> Segment | None:
        """The newest segment of a stream."""
        query = select(_segment).where(_segment.c.stream_id == stream_id).order_by(_segment.c.start_us.desc()).limit(1)
        row = self._connection.execute(query).first()
        return None if row is None else _to_segment(row)

    def list_usage(self) -> list[Usage]:
        """Bytes and covered time of every stream that has recordings, of deleted sensors too."""
        rows = self._connection.execute(
            select(
                _segment.c.stream_id,
                func.sum(_segment.c.bytes),
                func.min(_segment.c.start_us),
                func.max(_segment.c.end_us),
            ).group_by(_segment.c.stream_id)
        )
        return [Usage(row[0], int(row[1]), row[2], row[3]) for row in rows]

    def list_oldest(self, limit: int) -> list[Segment]:
        """The oldest segments of all streams."""
        rows = self._connection.execute(select(_segment).order_by(_segment.c.start_us).limit(limit))
        return [_to_segment(row) for row in rows]

    def list_all_segments(self) -> Iterable[Segment]:
        """Every segment by id, for the check command."""
        return (_to_segment(row) for row in self._connection.execute(select(_segment).order_by(_segment.c.segment_id)))

    # gaps

    def open_gap(self, stream_id: str, start_us: int, cause: Cause) -> None:
        """Notes that nothing is recorded from `start_us` on; an open gap stays as it is."""
        if self.get_open_gap(stream_id) is not None:
            return
        self._connection.execute(
            delete(_gap).where(_gap.c.stream_id == stream_id, _gap.c.start_us == start_us)
        )  # a gap that lasted no time
        self._connection.execute(insert(_gap).values(stream_id=stream_id, start_us=start_us, cause=str(cause)))

    def add_gap(self, gap: Gap) -> None:
        """A gap whose begin and end are known."""
        same = (_gap.c.stream_id == gap.stream_id) & (_gap.c.start_us == gap.start_us)
        self._connection.execute(delete(_gap).where(same))
        values = {"stream_id": gap.stream_id, "start_us": gap.start_us, "end_us": gap.end_us, "cause": str(gap.cause)}
        self._connection.execute(insert(_gap).values(**values))

    def close_gap(self, stream_id: str, end_us: int) -> None:
        """Ends the open gap, if there is one; a gap that took no time vanishes."""
        is_open = (_gap.c.stream_id == stream_id) & _gap.c.end_us.is_(None)
        self._connection.execute(delete(_gap).where(is_open, _gap.c.start_us >= end_us))
        self._connection.execute(update(_gap).where(is_open).values(end_us=end_us))

    def get_open_gap(self, stream_id: str) -> Gap | None:
        """The gap that lasts until now."""
        row = self._connection.execute(
            select(_gap).where(_gap.c.stream_id == stream_id, _gap.c.end_us.is_(None))
        ).first()
        return None if row is None else _to_gap(row)

    def list_gaps(self, stream_id: str, start_us: int | None = None, end_us: int | None = None) -> list[Gap]:
        """Gaps that reach into the range, in order; None leaves a side open."""
        query = select(_gap).where(_gap.c.stream_id == stream_id)
        if start_us is not None:
            query = query.where(_gap.c.end_us.is_(None) | (_gap.c.end_us > start_us))
        if end_us is not None:
            query = query.where(_gap.c.start_us < end_us)
        return [_to_gap(row) for row in self._connection.execute(query.order_by(_gap.c.start_us))]

    def delete_gaps(self, stream_id: str) -> None:
        """Forgets a stream's gaps, together with its recordings."""
        self._connection.execute(delete(_gap).where(_gap.c.stream_id == stream_id))

    # deletion

    def move_to_garbage(self, segments: Sequence[Segment], *, actor: str, at_us: int) -> None:
        """Forgets segments and remembers that their files must go; one ledger line a stream."""
        if not segments:
            return
        rows = [{"segment_id": s.segment_id, "stream_id": s.stream_id, "bytes": s.bytes} for s in segments]
        self._connection.execute(insert(_garbage), rows)
        ids = [segment.segment_id for segment in segments]
        for begin in range(0, len(ids), _CHUNK):
            self._connection.execute(delete(_segment).where(_segment.c.segment_id.in_(ids[begin : begin + _CHUNK])))
        for stream_id in {segment.stream_id for segment in segments}:
            self._add_deletion([s for s in segments if s.stream_id == stream_id], actor=actor, at_us=at_us)

    def _add_deletion(self, segments: Sequence[Segment], *, actor: str, at_us: int) -> None:
        self._connection.execute(
            insert(_deletion).values(
                stream_id=segments[0].stream_id,
                start_us=min(segment.start_us for segment in segments),
                end_us=max(segment.end_us for segment in segments),
                segments=len(segments),
                bytes=sum(segment.bytes for segment in segments),
                actor=actor,
                at_us=at_us,
            )
        )

    def list_garbage(self, limit: int = 10_000) -> list[Garbage]:
        """Segments whose files must go."""
        rows = self._connection.execute(select(_garbage).order_by(_garbage.c.segment_id).limit(limit))
        return [Garbage(row.segment_id, row.stream_id, row.bytes) for row in rows]

    def forget(self, garbage: Sequence[Garbage]) -> None:
        """Drops garbage whose files are gone for certain."""
        ids = [item.segment_id for item in garbage]
        for begin in range(0, len(ids), _CHUNK):
            self._connection.execute(delete(_garbage).where(_garbage.c.segment_id.in_(ids[begin : begin + _CHUNK])))


def _sensor_row(sensor: Sensor) -> dict[str, Any]:
    return {
        "sensor_id": sensor.sensor_id,
        "name": sensor.name,
        "url": sensor.url,
        "sealed": sensor.sealed,
        "details": msgspec.json.encode(sensor.details),
        "created_us": sensor.created_us,
    }


def _to_sensor(row: Row[Any]) -> Sensor:
    details = msgspec.json.decode(row.details, type=SensorDetails)
    return Sensor(row.sensor_id, row.name, row.url, row.created_us, row.sealed, details)


def _to_segment(row: Row[Any]) -> Segment:
    return Segment(**row._mapping)


def _to_gap(row: Row[Any]) -> Gap:
    return Gap(row.stream_id, row.start_us, row.end_us, Cause(row.cause))
