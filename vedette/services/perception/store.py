"""Every SQL statement of perception: which track ids have been handed out."""

from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy import Connection

_counter = sa.table("track_counter", sa.column("key", sa.String), sa.column("next_id", sa.BigInteger))


def add_block(connection: Connection, keys: Sequence[str], size: int) -> int:
    """Reserves `size` consecutive ids that none of `keys` was given before; returns the first, 1 in a new database.

    A sensor has two keys, its id and its name, so that neither a rename nor a re-created sensor of that name reuses an
    id.
    """
    found = connection.execute(sa.select(sa.func.max(_counter.c.next_id)).where(_counter.c.key.in_(keys))).scalar()
    first = int(found or 1)
    _set(connection, keys, first + size)
    return first


def set_next(connection: Connection, keys: Sequence[str], *, reserved_end: int, next_id: int) -> None:
    """Gives back the unused end of a block, if that block is still the last one reserved for `keys`."""
    found = connection.execute(sa.select(sa.func.max(_counter.c.next_id)).where(_counter.c.key.in_(keys))).scalar()
    if found == reserved_end:
        _set(connection, keys, next_id)


def _set(connection: Connection, keys: Sequence[str], next_id: int) -> None:
    connection.execute(sa.delete(_counter).where(_counter.c.key.in_(keys)))
    connection.execute(sa.insert(_counter), [{"key": key, "next_id": next_id} for key in dict.fromkeys(keys)])
