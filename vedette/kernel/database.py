"""One database a service: SQLAlchemy Core by URL, one writer, one transaction a call, Alembic for its shape."""

import threading
from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Any

import anyio.to_thread
from alembic.migration import MigrationContext
from alembic.operations import Operations
from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.exc import OperationalError

from vedette.kernel.errors import Fault

type Transaction = Connection
"""What `work` is given: a store is made over it, and the database commits it."""

_BUSY_MS = 10_000
_DISK_TROUBLE = ("disk I/O error", "readonly", "read-only", "unable to open", "locked", "malformed")


class Database:
    """An engine with a single writer. `work` runs in a thread, in one transaction that commits when it returns.

    A write that the database cannot take, as on a full or failing disk, is a Fault 507 or 500 and changes nothing.

    On SQLite (WAL) a durable write is flushed to the disk before the call returns (`synchronous=FULL`); any other may
    lose its last commits to a power cut and never corrupts (`NORMAL`).
    """

    def __init__(self, url: str) -> None:
        self._engine: Engine = create_engine(url)
        self._is_sqlite = self._engine.dialect.name == "sqlite"
        self._write_lock = threading.Lock()
        self._limiter = anyio.CapacityLimiter(4)
        if self._is_sqlite:
            event.listen(self._engine, "connect", _prepare_sqlite)

    async def write[T](self, work: Callable[[Connection], T], *, durable: bool = False) -> T:
        """The result of `work`, committed; nothing of it if it raises."""
        return await anyio.to_thread.run_sync(self.write_now, work, durable, limiter=self._limiter)

    async def read[T](self, work: Callable[[Connection], T]) -> T:
        """The result of `work` on a consistent view."""
        return await anyio.to_thread.run_sync(self.read_now, work, limiter=self._limiter)

    def write_now[T](self, work: Callable[[Connection], T], durable: bool = False) -> T:
        """`write` for callers that own a thread already."""
        try:
            with self._write_lock, self._engine.connect() as connection:
                if self._is_sqlite:
                    connection.exec_driver_sql(f"PRAGMA synchronous={'FULL' if durable else 'NORMAL'}")
                    connection.rollback()
                    connection.exec_driver_sql("BEGIN IMMEDIATE")
                result = work(connection)
                connection.commit()
                return result
        except OperationalError as error:
            refused = _refusal(str(error.orig))
            if refused is None:
                raise
            raise refused from error

    def read_now[T](self, work: Callable[[Connection], T]) -> T:
        """`read` for callers that own a thread already."""
        with self._engine.connect() as connection:
            return work(connection)

    def upgrade(self, migrations: Sequence[ModuleType]) -> None:
        """Runs the steps that are missing, in order, each in one durable transaction."""
        self.write_now(_create_history, durable=True)
        done = self.read_now(_history)
        unknown = done - {step.REVISION for step in migrations}
        if unknown:
            raise Fault(
                "DatabaseTooNew", 500, f"The database has steps {sorted(unknown)} of a newer version. Use that version."
            )
        for step in migrations:
            if step.REVISION not in done:
                self.write_now(_step(step), durable=True)

    def integrity_problems(self) -> list[str]:
        """What the database finds wrong with itself; empty when sound."""
        if not self._is_sqlite:
            return []
        rows = self.read_now(lambda connection: list(connection.exec_driver_sql("PRAGMA integrity_check").scalars()))
        return [row for row in rows if row != "ok"]

    def close(self) -> None:
        """Closes all connections."""
        self._engine.dispose()


def _refusal(said: str) -> Fault | None:
    """What a database means that cannot write; None when it is the statement that is wrong."""
    if "full" in said:
        return Fault("VMSInsufficientStorage", 507, "The database's disk is full. Free space on it.")
    if any(word in said for word in _DISK_TROUBLE):
        return Fault("VMSInternalError", 500, f"The database refuses to write: {said}. Check its disk.")
    return None


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # transactions are begun by us, not guessed from the statement
    for pragma in ("journal_mode=WAL", "foreign_keys=ON", f"busy_timeout={_BUSY_MS}"):
        connection.execute(f"PRAGMA {pragma}").close()


def _create_history(connection: Connection) -> None:
    connection.execute(text("CREATE TABLE IF NOT EXISTS schema_step (revision VARCHAR(32) PRIMARY KEY)"))


def _history(connection: Connection) -> set[str]:
    return set(connection.execute(text("SELECT revision FROM schema_step")).scalars())


def _step(step: ModuleType) -> Callable[[Connection], None]:
    def run(connection: Connection) -> None:
        step.upgrade(Operations(MigrationContext.configure(connection)))
        connection.execute(text("INSERT INTO schema_step (revision) VALUES (:revision)"), {"revision": step.REVISION})

    return run
