"""How a verb that goes on until told otherwise starts its event loop and stops it."""

import signal
from collections.abc import Awaitable, Callable

import anyio


def run_until_signal(work: Callable[[], Awaitable[None]]) -> int:
    """Runs `work` on uvloop; SIGINT or SIGTERM cancels it, and its clean-up is waited for. Returns 0."""
    anyio.run(_guard, work, backend_options={"use_uvloop": True})
    return 0


async def _guard(work: Callable[[], Awaitable[None]]) -> None:
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(_cancel_on_signal, tasks.cancel_scope)
        await work()
        tasks.cancel_scope.cancel()


async def _cancel_on_signal(scope: anyio.CancelScope) -> None:
    with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
        async for _ in signals:
            scope.cancel()
            return
