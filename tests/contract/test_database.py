"""The database: a transaction is all or nothing, migrations run once, a durable write is flushed."""

import types
from pathlib import Path
from typing import Any

import anyio
import pytest
import sqlalchemy as sa

from vedette.kernel.database import Database
from vedette.kernel.errors import Fault

pytestmark = pytest.mark.anyio


def step(revision: str, statement: str) -> types.ModuleType:
    module: Any = types.ModuleType(f"m{revision}")
    module.REVISION = revision
    module.upgrade = lambda op: op.execute(statement)
    made: types.ModuleType = module
    return made


FIRST = step("0001", "CREATE TABLE thing (id INTEGER PRIMARY KEY, name TEXT)")
SECOND = step("0002", "ALTER TABLE thing ADD COLUMN size INTEGER DEFAULT 7")


def insert(number: int) -> Any:
    def work(connection: sa.Connection) -> int:
        connection.execute(sa.text("INSERT INTO thing (id, name) VALUES (:id, 'x')"), {"id": number})
        return number

    return work


def count(connection: sa.Connection) -> int:
    found: int = connection.execute(sa.text("SELECT count(*) FROM thing")).scalar_one()
    return found


def opened(folder: Path) -> Database:
    database = Database(f"sqlite:///{folder / 'test.db'}")
    database.upgrade([FIRST])
    return database


async def test_what_is_written_is_read_and_the_result_comes_back(tmp_path: Path) -> None:
    database = opened(tmp_path)
    assert await database.write(insert(4), durable=True) == 4
    assert await database.read(count) == 1
    database.close()


async def test_a_failed_write_leaves_nothing(tmp_path: Path) -> None:
    database = opened(tmp_path)

    def half(connection: sa.Connection) -> None:
        insert(1)(connection)
        raise ValueError("the rest did not work")

    with pytest.raises(ValueError, match="the rest"):
        await database.write(half)
    assert await database.read(count) == 0
    await database.write(insert(1))
    database.close()


async def test_many_writers_wait_for_one_another(tmp_path: Path) -> None:
    database = opened(tmp_path)
    async with anyio.create_task_group() as tasks:
        for number in range(30):
            tasks.start_soon(database.write, insert(number))
    assert await database.read(count) == 30
    database.close()


@pytest.mark.parametrize(("durable", "level"), [(True, 2), (False, 1)])
async def test_durable_means_that_sqlite_flushes(tmp_path: Path, durable: bool, level: int) -> None:
    database = opened(tmp_path)

    def synchronous(connection: sa.Connection) -> Any:
        return connection.exec_driver_sql("PRAGMA synchronous").scalar_one()

    assert await database.write(synchronous, durable=durable) == level
    database.close()


async def test_steps_run_once_and_in_order(tmp_path: Path) -> None:
    opened(tmp_path).close()
    database = Database(f"sqlite:///{tmp_path / 'test.db'}")
    database.upgrade([FIRST, SECOND])
    database.upgrade([FIRST, SECOND])
    await database.write(insert(1))
    sizes = await database.read(
        lambda connection: list(connection.execute(sa.text("SELECT size FROM thing")).scalars())
    )
    assert sizes == [7]
    database.close()


async def test_a_step_that_fails_is_not_recorded(tmp_path: Path) -> None:
    database = opened(tmp_path)
    with pytest.raises(sa.exc.OperationalError):
        database.upgrade([FIRST, step("0002", "ALTER TABLE absent ADD COLUMN size INTEGER")])
    database.upgrade([FIRST, SECOND])
    database.close()


async def test_a_database_of_a_newer_version_is_refused(tmp_path: Path) -> None:
    database = opened(tmp_path)
    database.upgrade([FIRST, SECOND])
    with pytest.raises(Fault, match="0002"):
        database.upgrade([FIRST])
    database.close()


async def test_damage_is_found(tmp_path: Path) -> None:
    database = opened(tmp_path)
    for number in range(400):
        await database.write(insert(number))
    assert database.integrity_problems() == []
    database.close()
    file = tmp_path / "test.db"
    content = bytearray(file.read_bytes())
    content[-2000:-1000] = b"\xff" * 1000
    file.write_bytes(content)
    damaged = Database(f"sqlite:///{file}")
    try:
        problems = damaged.integrity_problems()
    except sa.exc.DatabaseError as error:
        problems = [str(error)]
    assert problems
    damaged.close()
