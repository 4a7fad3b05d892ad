"""The one retry loop: it goes on for ever, waits longer each time, and starts afresh after health."""

import itertools

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vedette.kernel.clock import FakeClock
from vedette.kernel.lifecycle import Backoff, retry
from vedette.kernel.log import get_logger


@given(st.integers(min_value=1, max_value=10_000), st.floats(min_value=0, max_value=1))
def test_a_wait_stays_in_its_bounds(failures: int, jitter: float) -> None:
    waits = Backoff(first_s=0.5, most_s=30.0)
    assert 0.25 <= waits.wait_s(failures, jitter) <= 30.0


@given(st.integers(min_value=1, max_value=50))
def test_waits_never_shrink_while_it_fails(failures: int) -> None:
    waits = Backoff()
    assert waits.wait_s(failures, 1.0) <= waits.wait_s(failures + 1, 1.0)


async def _drive(clock: FakeClock, lives: list[float], seconds: int) -> tuple[list[float], list[str]]:
    starts: list[float] = []
    causes: list[str] = []

    async def work() -> None:
        starts.append(clock.monotonic())
        life_s = lives[min(len(starts), len(lives)) - 1]
        if life_s:
            await clock.sleep(life_s)
        raise OSError("camera went away")

    async with anyio.create_task_group() as tasks:

        async def guarded() -> None:
            await retry(
                work,
                clock=clock,
                log=get_logger("test"),
                name="part",
                backoff=Backoff(first_s=1.0, most_s=8.0, healthy_s=60.0),
                on_failure=lambda error: causes.append(str(error)),
            )

        tasks.start_soon(guarded)
        for _ in range(seconds):
            await anyio.wait_all_tasks_blocked()
            clock.advance(1)
        tasks.cancel_scope.cancel()
    return starts, causes


@pytest.mark.anyio
async def test_waits_double_up_to_the_limit() -> None:
    starts, causes = await _drive(FakeClock(), [0.0], 40)
    assert [round(b - a) for a, b in itertools.pairwise(starts)] == [1, 2, 4, 8, 8, 8, 8]
    assert set(causes) == {"camera went away"}


@pytest.mark.anyio
async def test_a_healthy_life_resets_the_wait() -> None:
    starts, _ = await _drive(FakeClock(), [0.0, 0.0, 0.0, 70.0, 0.0], 90)
    assert [round(b - a) for a, b in itertools.pairwise(starts)] == [1, 2, 4, 71, 2, 4]


@pytest.mark.anyio
async def test_work_that_returns_is_started_again_too() -> None:
    clock, count = FakeClock(), 0

    async def work() -> None:
        nonlocal count
        count += 1

    async with anyio.create_task_group() as tasks:

        async def guarded() -> None:
            await retry(work, clock=clock, log=get_logger("test"), name="part")

        tasks.start_soon(guarded)
        for _ in range(3):
            await anyio.wait_all_tasks_blocked()
            clock.advance(30)
        await anyio.wait_all_tasks_blocked()
        tasks.cancel_scope.cancel()
    assert count == 4
