"""What can still be read of a catalogue that is damaged: the tables that no file on the disk could give back."""

from typing import Any

from sqlalchemy import Connection, Table, insert, select
from sqlalchemy.exc import DatabaseError

from vedette.kernel.database import Database
from vedette.services.vst.store.storage_tables import CHOICE, PROTECTION, UPLOAD, VOLUME
from vedette.services.vst.store.tables import SENSOR, STREAM

KEPT: tuple[Table, ...] = (SENSOR, STREAM, CHOICE, PROTECTION, UPLOAD, VOLUME)
type Rows = dict[str, list[dict[str, Any]]]


def kept_rows(database: Database) -> Rows:
    """What can be read of a catalogue, nothing when it is none at all. Blocking."""
    try:
        return database.read_now(read_kept)
    except DatabaseError:
        return {}


def why_unreadable(database: Database) -> str:
    """What the database says when it is asked, empty when it answers. Blocking."""
    try:
        database.read_now(lambda connection: connection.execute(select(SENSOR.c.sensor_id).limit(1)).all())
    except DatabaseError as error:
        return str(error.orig)
    return ""


def read_kept(connection: Connection) -> Rows:
    """The rows of each kept table, as far as the database gives them; a table that cannot be read is left out."""
    found: Rows = {}
    for table in KEPT:
        try:
            found[table.name] = [dict(row._mapping) for row in connection.execute(select(table))]
        except DatabaseError:
            continue
    return found


def write_kept(connection: Connection, rows: Rows) -> None:
    """Puts them into a new catalogue."""
    for table in KEPT:
        if rows.get(table.name):
            connection.execute(insert(table), rows[table.name])
