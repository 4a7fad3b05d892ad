"""Track ids are handed out once, whatever happens in between."""

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from vedette.kernel.database import Database
from vedette.services.perception import store
from vedette.services.perception.migrations import m0001_initial


def database(folder: Path | None = None) -> Database:
    made = Database(f"sqlite:///{folder / 'ids.db'}" if folder else "sqlite://")
    made.upgrade([m0001_initial])
    return made


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("xyz"), st.integers(1, 50), st.integers(0, 50))))
def test_no_key_sees_an_id_twice(steps: list[tuple[str, str, int, int]]) -> None:
    made = database()
    used: dict[str, set[int]] = {}
    for sensor, name, size, count in steps:
        keys = (f"id:{sensor}", f"name:{name}")
        first = made.write_now(lambda c, k=keys, n=size: store.add_block(c, k, n))  # type: ignore[misc]
        spent = set(range(first, first + min(count, size)))
        for key in keys:
            assert not spent & used.setdefault(key, set())
            used[key] |= spent
        end, following = first + size, first + len(spent)
        made.write_now(lambda c, k=keys, e=end, f=following: store.set_next(c, k, reserved_end=e, next_id=f))  # type: ignore[misc]
    made.close()


def test_a_block_that_is_not_the_last_cannot_be_given_back(tmp_path: Path) -> None:
    made = database(tmp_path)
    keys = ("id:a", "name:x")
    assert made.write_now(lambda c: store.add_block(c, keys, 100)) == 1
    assert made.write_now(lambda c: store.add_block(c, keys, 100)) == 101
    made.write_now(lambda c: store.set_next(c, keys, reserved_end=101, next_id=7))
    assert made.write_now(lambda c: store.add_block(c, keys, 1)) == 201
    made.close()
