"""How a part lives: construct (no effects), enter (effects), exit (undo). The only retry loop is here too."""

from collections.abc import Awaitable, Callable, MutableMapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any, Protocol

from vedette.kernel.clock import Clock
from vedette.kernel.log import Logger

type Scope = MutableMapping[str, Any]
type Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
type Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
type ASGIApp = Callable[[Scope, Receive, Send], Awaitable[None]]


class Service(Protocol):
    """A microservice: an HTTP surface and a life. Mounted or run alone, it is the same object."""

    @property
    def name(self) -> str:
        """Its name in the table of services."""

    @property
    def app(self) -> ASGIApp:
        """Its HTTP surface; has no lifespan of its own."""

    def ready(self) -> str | None:
        """None when it can serve, else the reason why not, for the probe and the person who reads it."""

    def life(self) -> AbstractAsyncContextManager[None]:
        """Starts it on entry and stops it on exit; cancellation is the stop signal."""


@dataclass(frozen=True, slots=True)
class Backoff:
    """Waits that double from `first_s` to `most_s`, and start again after `healthy_s` of success."""

    first_s: float = 0.5
    most_s: float = 30.0
    healthy_s: float = 60.0

    def wait_s(self, failures: int, jitter: float) -> float:
        """Seconds before the next try: full jitter over the upper half, so that a fleet does not move in step."""
        ceiling: float = min(self.most_s, self.first_s * 2.0 ** min(failures - 1, 30))
        return ceiling * (0.5 + 0.5 * jitter)


async def retry(
    work: Callable[[], Awaitable[None]],
    *,
    clock: Clock,
    log: Logger,
    name: str,
    backoff: Backoff | None = None,
    jitter: Callable[[], float] = lambda: 1.0,
    on_failure: Callable[[Exception], None] | None = None,
) -> None:
    """Runs `work` for ever: when it raises or returns, waits and runs it again. Ends only by cancellation.

    A failure is logged once with its cause and handed to `on_failure`; `jitter` gives numbers in [0, 1).
    """
    waits = backoff or Backoff()
    failures = 0
    while True:
        started = clock.monotonic()
        try:
            await work()
            failure: Exception = RuntimeError("ended")
        except Exception as error:  # noqa: BLE001 - the one place where any failure of a guarded part is met
            failure = error
        failures = 1 if clock.monotonic() - started >= waits.healthy_s else failures + 1
        wait_s = waits.wait_s(failures, jitter())
        log.warning("retry", part=name, cause=failure, failures=failures, wait_s=round(wait_s, 2))
        if on_failure is not None:
            on_failure(failure)
        await clock.sleep(wait_s)
