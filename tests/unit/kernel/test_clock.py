"""Time: conversions are exact, and the fake clock wakes sleepers in order."""

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vedette.kernel.clock import FakeClock, from_iso, to_iso
from vedette.kernel.errors import Fault

MILLISECONDS = st.integers(min_value=0, max_value=4_102_444_800_000)


@given(MILLISECONDS)
def test_iso_round_trip_is_exact_to_the_millisecond(ms: int) -> None:
    assert from_iso(to_iso(ms * 1000)) == ms * 1000


@given(st.integers(min_value=0, max_value=4_102_444_800_000_000))
def test_iso_cuts_below_the_millisecond(us: int) -> None:
    assert from_iso(to_iso(us)) == us // 1000 * 1000


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-01-31T12:00:00Z", 1_769_860_800_000_000),
        ("2026-01-31T12:00:00.5Z", 1_769_860_800_500_000),
        ("2026-01-31T12:00:00.123456789Z", 1_769_860_800_123_456),
        ("2026-01-31T13:00:00.000+01:00", 1_769_860_800_000_000),
        ("2026-01-31T12:00:00.000+00:00", 1_769_860_800_000_000),
    ],
)
def test_known_times(text: str, expected: int) -> None:
    assert from_iso(text) == expected


@pytest.mark.parametrize(
    "text", ["", "yesterday", "2026-13-01T00:00:00Z", "2026-01-31T12:00:00", "1769860800", "Z" * 99]
)
def test_anything_else_is_a_400_that_shows_the_form(text: str) -> None:
    with pytest.raises(Fault) as caught:
        from_iso(text)
    assert caught.value.status == 400
    assert "2026-01-31T12:00:00.000Z" in caught.value.message or "not a time" in caught.value.message


def test_sleepers_wake_in_order_of_their_deadlines() -> None:
    woken: list[int] = []
    clock = FakeClock()

    async def sleeper(seconds: int) -> None:
        await clock.sleep(seconds)
        woken.append(seconds)

    async def main() -> None:
        async with anyio.create_task_group() as tasks:
            for seconds in (3, 1, 2):
                tasks.start_soon(sleeper, seconds)
            await anyio.wait_all_tasks_blocked()
            clock.advance(2)
            await anyio.wait_all_tasks_blocked()
            assert woken == [1, 2]
            clock.advance(1)

    anyio.run(main)
    assert woken == [1, 2, 3]


def test_a_step_moves_wall_time_alone() -> None:
    clock = FakeClock(start=10_000_000)
    clock.step(-5)
    assert (clock.now(), clock.monotonic()) == (5_000_000, 0.0)
