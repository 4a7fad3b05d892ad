"""Readings in the database, what the bus was read to with them, and the alerts of cameras that hold."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row, and_, delete, insert, or_, select, update

from vedette.services.vst.model import CameraAlert, Reading
from vedette.services.vst.store.sensor_tables import BUS_POSITION, CAMERA_ALERT, READING

_CHUNK = 200


class SensorStore:
    """Readings and camera alerts, seen through one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    # readings

    def add_readings(self, readings: Sequence[Reading]) -> None:
        """Stores readings; one with the sensor, time and name of another takes its place."""
        unique = {(reading.sensor_id, reading.at_us, reading.name): reading for reading in readings}
        rows = list(unique.values())
        for begin in range(0, len(rows), _CHUNK):
            part = rows[begin : begin + _CHUNK]
            same = [
                and_(
                    READING.c.sensor_id == reading.sensor_id,
                    READING.c.at_us == reading.at_us,
                    READING.c.name == reading.name,
                )
                for reading in part
            ]
            self._connection.execute(delete(READING).where(or_(*same)))
            self._connection.execute(insert(READING), [_reading_row(reading) for reading in part])

    def list_readings(
        self, sensor_id: str, *, name: str | None, start_us: int, end_us: int, limit: int
    ) -> list[Reading]:
        """Readings in `[start_us, end_us)`, the newest `limit` of them, oldest first."""
        query = select(READING).where(
            READING.c.sensor_id == sensor_id, READING.c.at_us >= start_us, READING.c.at_us < end_us
        )
        if name is not None:
            query = query.where(READING.c.name == name)
        rows = self._connection.execute(query.order_by(READING.c.at_us.desc(), READING.c.name.desc()).limit(limit))
        return [_to_reading(row) for row in rows][::-1]

    def delete_readings_before(self, at_us: int, *, most: int) -> int:
        """Forgets readings older than that, at most `most` in one go; returns how many."""
        old = select(READING.c.at_us).where(READING.c.at_us < at_us).order_by(READING.c.at_us).limit(most)
        times = list(self._connection.execute(old).scalars())
        if not times:
            return 0
        return self._connection.execute(delete(READING).where(READING.c.at_us <= times[-1])).rowcount

    def delete_readings_of(self, sensor_id: str) -> int:
        """Forgets all readings of a sensor; returns how many."""
        return self._connection.execute(delete(READING).where(READING.c.sensor_id == sensor_id)).rowcount

    # the bus

    def get_position(self, topic: str) -> str | None:
        """Where a topic was read to; None when it never was."""
        return self._connection.execute(select(BUS_POSITION.c.position).where(BUS_POSITION.c.topic == topic)).scalar()

    def set_position(self, topic: str, position: str) -> None:
        """A topic was read to here, in the transaction that holds what was read."""
        changed = self._connection.execute(
            update(BUS_POSITION).where(BUS_POSITION.c.topic == topic).values(position=position)
        )
        if not changed.rowcount:
            self._connection.execute(insert(BUS_POSITION).values(topic=topic, position=position))

    # alerts

    def list_alerts(self) -> list[CameraAlert]:
        """Alerts that hold."""
        rows = self._connection.execute(select(CAMERA_ALERT).order_by(CAMERA_ALERT.c.since_us))
        return [CameraAlert(**row._mapping) for row in rows]

    def add_alert(self, alert: CameraAlert) -> None:
        """An alert begins; in the place of one of the same sensor."""
        self.delete_alert(alert.sensor_id)
        self._connection.execute(
            insert(CAMERA_ALERT).values({column.name: getattr(alert, column.name) for column in CAMERA_ALERT.c})
        )

    def delete_alert(self, sensor_id: str) -> None:
        """The alert of a sensor is over."""
        self._connection.execute(delete(CAMERA_ALERT).where(CAMERA_ALERT.c.sensor_id == sensor_id))


def _reading_row(reading: Reading) -> dict[str, Any]:
    return {column.name: getattr(reading, column.name) for column in READING.c}


def _to_reading(row: Row[Any]) -> Reading:
    return Reading(row.sensor_id, row.at_us, row.name, bytes(row.value), row.unit)
