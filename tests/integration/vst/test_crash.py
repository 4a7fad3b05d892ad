"""`kill -9` of a recording VST: what was committed is there, the rest up to the last part too, and fsck is clean."""

import asyncio
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import pairwise
from pathlib import Path

import anyio
import anyio.to_thread
import pytest

from tests.integration.vst.test_cameras import a_camera
from tests.integration.vst.test_footage import clip, numbers_of
from tests.support.vst_running import running
from vedette.kernel.clock import SystemClock
from vedette.kernel.database import Database
from vedette.services.vst.model import Segment
from vedette.services.vst.service.fsck import FsckReport, fsck
from vedette.services.vst.store import Store

pytestmark = pytest.mark.anyio
SECOND = 1_000_000


@asynccontextmanager
async def a_recorder(data_dir: Path, url: str) -> AsyncIterator[Process]:
    """A VST in a process of its own, that records already."""
    command = [sys.executable, "-m", "tests.support.vst_child", str(data_dir), url]
    process = await asyncio.create_subprocess_exec(*command, stdout=PIPE, cwd=Path(__file__).parents[3])
    assert process.stdout is not None
    try:
        with anyio.fail_after(60):
            while await process.stdout.readline() != b"recording\n":
                assert process.returncode is None
        yield process
    finally:
        if process.returncode is None:
            os.kill(process.pid, signal.SIGKILL)
        await process.wait()


def committed(data_dir: Path) -> list[Segment]:
    database = Database(f"sqlite:///{data_dir / 'catalogue.db'}")
    try:
        return database.read_now(lambda connection: list(Store(connection).list_all_segments()))
    finally:
        database.close()


async def check(data_dir: Path) -> FsckReport:
    return await anyio.to_thread.run_sync(lambda: fsck(data_dir, clock=SystemClock(), hashes=True))


async def test_nothing_committed_is_lost_and_the_rest_is_adopted(data_dir: Path) -> None:
    stream_id = ""
    async with a_camera() as camera:
        for lives in range(1, 4):
            async with a_recorder(data_dir, camera.url("scene")) as process:
                await anyio.sleep(1.5 + 0.4 * lives)  # the kill comes at another point of a segment each time
                killed_us = SystemClock().now()
                os.kill(process.pid, signal.SIGKILL)
                await process.wait()
            before = committed(data_dir)
            assert (await check(data_dir)).clean
            async with running(data_dir) as vst:
                [status] = vst.service.sensors.list()
                stream_id = status.sensor.sensor_id
                gap = next(gap for gap in reversed(await vst.service.coverage.gaps(stream_id)) if gap.cause == "crash")
                after = committed(data_dir)
            assert before == after[: len(before)]
            assert killed_us - gap.start_us < 2 * SECOND
            assert (await check(data_dir)).findings == []
        async with running(data_dir) as vst:
            spans = await vst.service.coverage.timeline(stream_id)
            numbers = numbers_of(await clip(vst, stream_id, spans[0].start_us, spans[-1].end_us))
    assert all(left < right for left, right in pairwise(numbers))
