"""Every SQL statement of VST. A store lives for one transaction and never commits it."""

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, delete, func, insert, select, update

from vedette.services.vst.model import Garbage, RecordingRule, Segment, Sensor, SensorDetails, Stream, StreamKind, Usage
from vedette.services.vst.store.tables import GARBAGE, HEAD, ID_BLOCK, SEGMENT, SENSOR, STREAM

_SEGMENT_IDS = "segment"
_CHUNK = 500


class Store:
    """The catalogue, seen through one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    # sensors

    def add_sensor(self, sensor: Sensor) -> None:
        """A new sensor. IntegrityError when its name or URL is taken: look first, in the same transaction."""
        self._connection.execute(insert(SENSOR).values(**_sensor_row(sensor)))

    def set_sensor(self, sensor: Sensor) -> None:
        """Replaces what is known of a sensor."""
        row = _sensor_row(sensor)
        self._connection.execute(update(SENSOR).where(SENSOR.c.sensor_id == row.pop("sensor_id")).values(**row))

    def delete_sensor(self, sensor_id: str) -> None:
        """Forgets a sensor and its streams; recordings and ledgers stay."""
        self._connection.execute(delete(STREAM).where(STREAM.c.sensor_id == sensor_id))
        self._connection.execute(delete(SENSOR).where(SENSOR.c.sensor_id == sensor_id))

    def list_sensors(self) -> list[Sensor]:
        """All sensors, the oldest first."""
        rows = self._connection.execute(select(SENSOR).order_by(SENSOR.c.created_us, SENSOR.c.sensor_id))
        return [_to_sensor(row) for row in rows]

    # streams

    def add_stream(self, stream: Stream) -> None:
        """A new stream of a sensor."""
        self._connection.execute(insert(STREAM).values(**_stream_row(stream)))

    def set_stream(self, stream: Stream) -> None:
        """Replaces what is known of a stream."""
        row = _stream_row(stream)
        self._connection.execute(update(STREAM).where(STREAM.c.stream_id == row.pop("stream_id")).values(**row))

    def delete_stream(self, stream_id: str) -> None:
        """Forgets a stream; its recordings and its ledger stay."""
        self._connection.execute(delete(STREAM).where(STREAM.c.stream_id == stream_id))

    def list_streams(self) -> list[Stream]:
        """All streams, a sensor's main stream first."""
        rows = self._connection.execute(select(STREAM).order_by(STREAM.c.sensor_id, STREAM.c.kind, STREAM.c.stream_id))
        return [_to_stream(row) for row in rows]

    # segments

    def add_id_block(self, size: int) -> int:
        """Takes `size` segment ids for good and returns the first of them; ids are never used twice."""
        taken = self._connection.execute(select(ID_BLOCK.c.next_id).where(ID_BLOCK.c.name == _SEGMENT_IDS)).scalar()
        if taken is None:
            self._connection.execute(insert(ID_BLOCK).values(name=_SEGMENT_IDS, next_id=1 + size))
            return 1
        self._connection.execute(update(ID_BLOCK).where(ID_BLOCK.c.name == _SEGMENT_IDS).values(next_id=taken + size))
        return int(taken)

    def add_segment(self, segment: Segment) -> None:
        """A finished segment, and the end of the gap before it."""
        values = {column.name: getattr(segment, column.name) for column in SEGMENT.c}
        self._connection.execute(insert(SEGMENT).values(**values))

    def set_seq(self, segment_id: int, seq: int) -> None:
        """Gives a segment from before the ledger its place in it."""
        self._connection.execute(update(SEGMENT).where(SEGMENT.c.segment_id == segment_id).values(seq=seq))

    def list_recorded_streams(self) -> list[str]:
        """Ids of the streams that have segments."""
        return list(self._connection.execute(select(SEGMENT.c.stream_id).distinct()).scalars())

    def get_segment(self, segment_id: int) -> Segment | None:
        """One segment."""
        row = self._connection.execute(select(SEGMENT).where(SEGMENT.c.segment_id == segment_id)).first()
        return None if row is None else _to_segment(row)

    def list_segments(self, stream_id: str, start_us: int, end_us: int) -> list[Segment]:
        """Segments that reach into `[start_us, end_us)`, in order.

        Segments of a stream do not overlap, so the search begins at the last one that starts at or before the range.
        """
        first = (
            select(func.max(SEGMENT.c.start_us))
            .where(SEGMENT.c.stream_id == stream_id, SEGMENT.c.start_us <= start_us)
            .scalar_subquery()
        )
        rows = self._connection.execute(
            select(SEGMENT)
            .where(
                SEGMENT.c.stream_id == stream_id,
                SEGMENT.c.start_us >= func.coalesce(first, start_us),
                SEGMENT.c.start_us < end_us,
                SEGMENT.c.end_us > start_us,
            )
            .order_by(SEGMENT.c.start_us)
        )
        return [_to_segment(row) for row in rows]

    def list_usage(self) -> list[Usage]:
        """Bytes and covered time of every stream that has recordings, of deleted sensors too."""
        mine = SEGMENT.c.stream_id == HEAD.c.stream_id
        first = select(SEGMENT.c.start_us).where(mine).order_by(SEGMENT.c.start_us).limit(1)
        last = select(SEGMENT.c.end_us).where(mine).order_by(SEGMENT.c.start_us.desc()).limit(1)
        query = select(HEAD.c.stream_id, HEAD.c.bytes, first.scalar_subquery(), last.scalar_subquery())
        rows = self._connection.execute(query.where(HEAD.c.segments > 0))
        return [Usage(row[0], row[1], row[2], row[3]) for row in rows]

    def list_oldest(self, limit: int) -> list[Segment]:
        """The oldest segments of all streams."""
        rows = self._connection.execute(select(SEGMENT).order_by(SEGMENT.c.start_us).limit(limit))
        return [_to_segment(row) for row in rows]

    def list_all_segments(self) -> Iterable[Segment]:
        """Every segment by id, for the check command."""
        return (_to_segment(row) for row in self._connection.execute(select(SEGMENT).order_by(SEGMENT.c.segment_id)))

    # deletion

    def move_to_garbage(self, segments: Sequence[Segment]) -> None:
        """Forgets segments and remembers that their files must go. The ledger is told in the same transaction."""
        if not segments:
            return
        rows = [{column.name: getattr(segment, column.name) for column in GARBAGE.c} for segment in segments]
        self._connection.execute(insert(GARBAGE), rows)
        ids = [segment.segment_id for segment in segments]
        for begin in range(0, len(ids), _CHUNK):
            self._connection.execute(delete(SEGMENT).where(SEGMENT.c.segment_id.in_(ids[begin : begin + _CHUNK])))

    def add_garbage(self, garbage: Sequence[Garbage]) -> None:
        """Files that must go although their segments stay, because they lie elsewhere now."""
        if garbage:
            self._connection.execute(
                insert(GARBAGE), [{column.name: getattr(item, column.name) for column in GARBAGE.c} for item in garbage]
            )

    def list_garbage(self, limit: int = 10_000, *, volume: str | None = None) -> list[Garbage]:
        """Segments whose files must go, everywhere or on one volume."""
        query = select(GARBAGE).order_by(GARBAGE.c.segment_id).limit(limit)
        rows = self._connection.execute(query if volume is None else query.where(GARBAGE.c.volume == volume))
        return [Garbage(row.segment_id, row.stream_id, row.bytes, row.volume) for row in rows]

    def forget(self, garbage: Sequence[Garbage]) -> None:
        """Drops garbage whose files are gone for certain."""
        ids = [item.segment_id for item in garbage]
        for begin in range(0, len(ids), _CHUNK):
            self._connection.execute(delete(GARBAGE).where(GARBAGE.c.segment_id.in_(ids[begin : begin + _CHUNK])))


def _sensor_row(sensor: Sensor) -> dict[str, Any]:
    return {
        "sensor_id": sensor.sensor_id,
        "name": sensor.name,
        "url": sensor.url,
        "sealed": sensor.sealed,
        "details": msgspec.json.encode(sensor.details),
        "created_us": sensor.created_us,
        "kind": sensor.kind,
        "device": sensor.device,
    }


def _to_sensor(row: Row[Any]) -> Sensor:
    details = msgspec.json.decode(row.details, type=SensorDetails)
    return Sensor(
        sensor_id=row.sensor_id,
        name=row.name,
        url=row.url,
        created_us=row.created_us,
        sealed=row.sealed,
        details=details,
        kind=row.kind,
        device=row.device,
    )


def _to_segment(row: Row[Any]) -> Segment:
    return Segment(**row._mapping)


def _stream_row(stream: Stream) -> dict[str, Any]:
    return {
        "stream_id": stream.stream_id,
        "sensor_id": stream.sensor_id,
        "kind": str(stream.kind),
        "url": stream.url,
        "profile": stream.profile,
        "rule": None if stream.rule is None else msgspec.json.encode(stream.rule),
    }


def _to_stream(row: Row[Any]) -> Stream:
    rule = None if row.rule is None else msgspec.json.decode(row.rule, type=RecordingRule)
    return Stream(row.stream_id, row.sensor_id, StreamKind(row.kind), row.url, row.profile, rule)
