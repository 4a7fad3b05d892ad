"""Children: started again when they end, stopped in time, never left behind."""

import os
import signal
import sys
from pathlib import Path

import anyio
import pytest

from vedette.kernel.clock import SystemClock
from vedette.kernel.process import Child

pytestmark = pytest.mark.anyio
SLEEPER = [sys.executable, "-c", "import time; time.sleep(600)"]
STUBBORN = [
    sys.executable,
    "-c",
    "import signal, time; signal.signal(15, signal.SIG_IGN); print('', flush=True); time.sleep(600)",
]


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0] != "Z"


async def until_started(child: Child, not_pid: int = 0) -> int:
    with anyio.fail_after(20):
        while child.pid in {0, not_pid}:
            await anyio.sleep(0.01)
    return child.pid


async def test_a_killed_child_comes_back_and_a_stopped_one_does_not() -> None:
    child = Child("sleeper", SLEEPER, clock=SystemClock())
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(child.run)
        first = await until_started(child)
        os.kill(first, signal.SIGKILL)
        second = await until_started(child, first)
        assert child.starts == 2
        tasks.cancel_scope.cancel()
    assert not alive(first)
    assert not alive(second)
    assert child.pid == 0


async def test_a_child_that_ignores_the_signal_is_killed() -> None:
    child = Child("stubborn", STUBBORN, clock=SystemClock(), patience_s=0.2)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(child.run)
        pid = await until_started(child)
        await anyio.sleep(0.5)
        tasks.cancel_scope.cancel()
    assert not alive(pid)


async def test_a_program_that_is_not_there_is_tried_again() -> None:
    child = Child("absent", ["/nonexistent/program"], clock=SystemClock())
    with anyio.move_on_after(0.5):
        await child.run()
    assert child.starts == 0


async def test_children_die_with_their_parent(tmp_path: Path) -> None:
    file = tmp_path / "pid"
    parent = f"""
import anyio, pathlib, sys
from vedette.kernel.clock import SystemClock
from vedette.kernel.process import Child
child = Child("sleeper", {SLEEPER!r}, clock=SystemClock())
async def main():
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(child.run)
        while not child.pid: await anyio.sleep(0.01)
        pathlib.Path({str(file)!r}).write_text(str(child.pid))
anyio.run(main)
"""
    process = await anyio.open_process([sys.executable, "-c", parent], stdout=None, stderr=None)
    with anyio.fail_after(20):
        while not file.exists() or not file.read_text(encoding="ascii"):
            await anyio.sleep(0.02)
        pid = int(file.read_text(encoding="ascii"))
        assert alive(pid)
        process.kill()
        await process.wait()
        while alive(pid):
            await anyio.sleep(0.02)
    await process.aclose()
