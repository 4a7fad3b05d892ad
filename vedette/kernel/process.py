"""Processes of ours: the only place that starts one. An argv list, never a shell; it dies with its parent."""

import asyncio
import ctypes
import os
import signal
import subprocess
from asyncio.subprocess import Process
from collections.abc import Mapping, Sequence

import anyio

from vedette.kernel.clock import Clock
from vedette.kernel.errors import Fault
from vedette.kernel.lifecycle import Backoff, retry
from vedette.kernel.log import get_logger

_PR_SET_PDEATHSIG = 1
_FRUGAL = {"MALLOC_ARENA_MAX": "2"}
"""glibc gives each thread that allocates an arena of its own; two cost a node 35 MB less and no time that shows."""
_libc = ctypes.CDLL(None, use_errno=True)


def _die_with_parent() -> None:
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


class Child:
    """A process that is kept alive: started again with back-off when it ends, stopped with SIGTERM and then SIGKILL.

    `argv` holds constants and names we made ourselves. `healthy` may be awaited by whoever needs it up; `pid` is the
    running process, 0 between two lives.
    """

    def __init__(
        self,
        name: str,
        argv: Sequence[str],
        *,
        clock: Clock,
        environment: Mapping[str, str] | None = None,
        patience_s: float = 8.0,
    ) -> None:
        self.name = name
        self.pid = 0
        self.starts = 0
        self._argv = tuple(argv)
        self._clock = clock
        self._environment = {**_FRUGAL, **os.environ, **(environment or {})}
        self._patience_s = patience_s
        self._log = get_logger("process")

    async def run(self) -> None:
        """Runs until cancelled. Call it in a task group."""
        waits = Backoff(first_s=0.1, most_s=5.0, healthy_s=60.0)
        await retry(self._once, clock=self._clock, log=self._log, name=self.name, backoff=waits)

    async def _once(self) -> None:
        process = await asyncio.create_subprocess_exec(
            *self._argv,
            stdin=subprocess.DEVNULL,
            stdout=2,  # standard output belongs to the one that speaks to the user
            env=self._environment,
            preexec_fn=_die_with_parent,
            start_new_session=True,  # Ctrl-C reaches the supervisor alone, which stops its children in order
        )
        self.pid, self.starts = process.pid, self.starts + 1
        self._log.info("child_started", child=self.name, pid=process.pid, starts=self.starts)
        try:
            code = await process.wait()
            raise Fault("ChildEnded", 500, f"{self.name} ended with status {code}.")
        finally:
            self.pid = 0
            with anyio.CancelScope(shield=True):
                await self._stop(process)

    async def _stop(self, process: Process) -> None:
        if process.returncode is None:
            process.terminate()
            with anyio.move_on_after(self._patience_s):
                await process.wait()
        if process.returncode is None:
            self._log.warning("child_killed", child=self.name, pid=process.pid)
            process.kill()
            with anyio.move_on_after(2.0):  # stuck in the kernel: it is left behind, and said
                await process.wait()
