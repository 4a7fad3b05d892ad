"""The clock of made media: due times, and wall time that follows media time exactly."""

import anyio

from vedette.kernel.clock import FakeClock
from vedette.media.sources.pace import Pace

START = 1_700_000_000_000_000


def test_wall_time_advances_as_media_time_does() -> None:
    async def run() -> None:
        clock = FakeClock(START)
        pace = Pace(clock)
        await pace.reach(0)
        assert pace.wall_us(0) == START
        clock.advance(0.5)
        await pace.reach(400_000)
        assert pace.wall_us(400_000) == START + 400_000

    anyio.run(run)


def test_a_stepped_wall_clock_is_followed_and_a_slewed_one_is_not() -> None:
    async def run() -> None:
        clock = FakeClock(START)
        pace = Pace(clock)
        await pace.reach(0)
        clock.step(0.01)
        assert pace.wall_us(0) == START
        clock.step(3600)
        assert pace.wall_us(0) == START + 3_600_010_000

    anyio.run(run)


def test_a_source_that_fell_behind_does_not_race() -> None:
    async def run() -> None:
        clock = FakeClock(START)
        pace = Pace(clock)
        await pace.reach(0)
        clock.advance(10)
        await pace.reach(100_000)
        assert pace.wall_us(100_000) == START + 10_000_000
        async with anyio.create_task_group() as group:
            group.start_soon(pace.reach, 200_000)
            await anyio.wait_all_tasks_blocked()
            clock.advance(0.1)

    anyio.run(run)


def test_without_pacing_nothing_waits() -> None:
    async def run() -> None:
        pace = Pace(FakeClock(START), paced=False)
        await pace.reach(0)
        await pace.reach(10**9)
        assert pace.wall_us(10**9) == START + 10**9

    anyio.run(run)
