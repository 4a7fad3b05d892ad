"""A recorder that lives and dies again and again on one disk, and what came of it."""

import atexit
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import msgspec

from tests.faults.ledger import Ledger, Sent
from tests.faults.life import Order, Report
from tests.faults.oracle import Verdict

_ROOT = Path(__file__).parents[2]
_PATIENCE_S = 30.0
_VERDICT_S = 240.0
"""Reading fifty lives back takes seconds, on a busy machine more."""
_BUFFER = 1 << 20


class Zygote:
    """The process that forks lives."""

    def __init__(self, environment: Mapping[str, str] | None = None) -> None:
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 (closed with the zygote)
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.zygote"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
            cwd=_ROOT,
            bufsize=1,
            env={**os.environ, **(environment or {})},
        )
        self._pid = 0

    def __enter__(self) -> Self:
        if self._ask("") != "ready":
            raise RuntimeError(f"the zygote did not start: {self.log()}")
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self.close()

    def log(self) -> str:
        """The end of what lives have written to their standard error."""
        self._log.seek(0)
        return self._log.read()[-4000:].decode(errors="replace")

    def close(self) -> None:
        """Kills everything."""
        self.kill()
        self._process.kill()
        self._process.communicate()
        self._log.close()

    def fork(self, order: Order) -> int:
        """Starts a life."""
        self._pid = int(self._ask(msgspec.json.encode(order).decode()))
        return self._pid

    def kill(self) -> None:
        """`kill -9` of the life that runs, and its end."""
        if self._pid:
            os.kill(self._pid, signal.SIGKILL)
            self._pid = 0
            self._ask("reap")

    def _ask(self, line: str) -> str:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        if line:
            self._process.stdin.write(line + "\n")
        return self._process.stdout.readline().strip()


@cache
def zygote(number: int = 0) -> Zygote:
    """The zygotes that campaigns share, because one takes seconds to start; they end with this process."""
    made = Zygote().__enter__()
    atexit.register(made.close)
    return made


@dataclass
class Lane:
    """Lives of one recorder. `blow` is what happens to it: called at the instant, then the life is killed."""

    home: Path
    data_dir: Path
    rng: random.Random
    cameras: int = 6
    speed: float = 6.0
    settings: dict[str, Any] = field(default_factory=dict)
    padding: int = 0
    lie: bool = False
    epoch_us: int = 0
    total: Verdict = field(default_factory=Verdict)
    lives: int = 0
    worst: list[str] = field(default_factory=list)
    slowest_s: float = 0.0

    def __post_init__(self) -> None:
        self._path = self.home / "reports"
        self._reports = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._reports.bind(str(self._path))
        self._ledger = Ledger(self.home / "ledger", self.cameras)
        self._epoch_us, self._epoch_s = self.epoch_us or time.time_ns() // 1000, time.monotonic()
        self._stepped = False
        self._history: list[list[Sent]] = []
        self._since_us = 0

    def close(self) -> None:
        """Gives back the socket."""
        self._reports.close()
        self._path.unlink(missing_ok=True)

    def one_life(self, zygote: Zygote, blow: Callable[[], None], *, early: bool = False) -> None:
        """A life that is judged for the past and struck at a random instant; early: while it still recovers."""
        self.begin(zygote, wait=not early)
        time.sleep(self.rng.uniform(0.0, 0.4) if early else self.rng.uniform(0.1, 3.6) / self.speed)
        blow()
        self.end(zygote)

    def begin(self, zygote: Zygote, *, wait: bool = True) -> None:
        """A life starts; unless told otherwise this returns when it has been judged and records."""
        self._ledger.begin()
        self._drain()
        (self.home / "asks").unlink(missing_ok=True)
        zygote.fork(self._order())
        if wait:
            self._take(self._report())

    def end(self, zygote: Zygote) -> None:
        """The life is killed; what it was sent until now is remembered."""
        sent = self._ledger.read()
        zygote.kill()
        self._history.append(sent)
        self.lives += 1

    def last_life(self, zygote: Zygote) -> None:
        """A life that sends nothing and is judged for all of the past."""
        self._ledger.begin()
        self._drain()
        order = self._order()
        order.since_us, order.send = 0, False
        zygote.fork(order)
        self._take(self._report())
        zygote.kill()

    def copy(self, home: Path, data_dir: Path, lives: list[list[Sent]]) -> "Lane":
        """Another lane, on what is left of this one's disk; it shares the clock."""
        other = Lane(home, data_dir, self.rng, self.cameras, self.speed, settings=self.settings)
        other._epoch_us, other._epoch_s = self._epoch_us, self._epoch_s
        other._history = lives
        return other

    def step(self, seconds: float) -> None:
        """Sets the wall clock of the life that runs."""
        self._stepped = True
        self._ledger.step_us += round(seconds * 1e6)

    def sent(self) -> list[Sent]:
        """What the life that runs was sent and has promised so far."""
        return self._ledger.read()

    def now_us(self) -> int:
        """The instant as lives see it."""
        return self._epoch_us + round((time.monotonic() - self._epoch_s) * self.speed * 1e6)

    def _order(self) -> Order:
        return Order(
            data_dir=str(self.data_dir),
            ledger=str(self.home / "ledger"),
            reports=str(self._path),
            asks=str(self.home / "asks"),
            padding=self.padding,
            cameras=self.cameras,
            epoch_us=self._epoch_us,
            epoch_s=self._epoch_s,
            speed=self.speed,
            lives=self._history,
            since_us=self._since_us,
            settings=self.settings,
            lie=self.lie,
            stepped=self._stepped,
        )

    def _take(self, report: Report) -> None:
        if report.kind != "checked":
            raise RuntimeError(f"life {self.lives} did not start: {report.error}")
        if report.verdict.broken:
            self.worst += [f"before life {self.lives}: {note}" for note in report.verdict.notes[:3]]
        self.total.add(report.verdict)
        self._since_us = self.now_us()

    def _report(self) -> Report:
        begun = time.monotonic()
        self._reports.settimeout(_VERDICT_S)
        report = msgspec.json.decode(self._reports.recv(_BUFFER), type=Report)
        self.slowest_s = max(self.slowest_s, time.monotonic() - begun)
        return report

    def ask(self, method: str, path: str, body: Any = None) -> Report:
        """A question to the API of the life that runs."""
        inbox = self.home / "asks"
        self.until(inbox.exists, "the life listens")
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as out:
            out.sendto(msgspec.json.encode((method, path, body)), str(inbox))
        return self._report()

    def timed(self, method: str, path: str) -> float:
        """Seconds that the API takes to answer, without acceleration."""
        begun = time.monotonic()
        self.ask(method, path)
        return time.monotonic() - begun

    def until(self, condition: Callable[[], bool], what: str, *, within_s: float = _PATIENCE_S) -> float:
        """Waits for a condition; the seconds it took as the life counts them."""
        begun = time.monotonic()
        while not condition():
            if time.monotonic() > begun + within_s:
                raise RuntimeError(f"not within {within_s} s: {what}")
            time.sleep(0.02)
        return (time.monotonic() - begun) * self.speed

    def _drain(self) -> None:
        self._reports.setblocking(False)
        try:
            while self._reports.recv(_BUFFER):
                pass
        except BlockingIOError:
            return
