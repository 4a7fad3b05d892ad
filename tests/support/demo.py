"""The real thing for end-to-end tests: `vedette demo` as a child, its public API, and its processes."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PATIENCE_S = 90.0


@dataclass(frozen=True)
class Demo:
    """A running demo."""

    url: str
    token: str
    data_dir: Path
    cameras: dict[str, str]
    process: subprocess.Popen[str]
    log: Path

    def request(self, method: str, path: str, body: Any = None, *, token: str | None = None) -> tuple[int, bytes]:
        """Status and body of one call; `token` "" asks anonymously."""
        bearer = self.token if token is None else token
        headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {bearer}"} if bearer else {})
        content = None if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, content, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=30) as reply:
                return reply.status, reply.read()
        except urllib.error.HTTPError as error:
            return error.code, error.read()

    def get(self, path: str) -> Any:
        """The decoded body of a call that must succeed."""
        status, content = self.request("GET", path)
        assert status == 200, (path, status, content[:300])
        return json.loads(content)

    def ticket_url(self) -> str:
        """The one-time sign-in that the demo printed for the person at the terminal."""
        text = self.log.read_text(encoding="utf-8")
        return next(word for word in text.split() if "#ticket=" in word)

    def child_pid(self, name: str) -> int:
        """The newest process id of a child, as the supervisor logged it; 0 before its first start."""
        pids = [
            json.loads(line)["pid"]
            for line in self.log.read_text(encoding="utf-8").splitlines()
            if line.startswith("{") and f'"child": "{name}"' in line and '"child_started"' in line
        ]
        return pids[-1] if pids else 0


def until(check: Any, what: str, patience_s: float = PATIENCE_S) -> Any:
    """The first true value of `check()`; fails with `what` when the patience ends."""
    deadline = time.monotonic() + patience_s
    while time.monotonic() < deadline:
        value = check()
        if value:
            return value
        time.sleep(0.1)
    raise AssertionError(f"not within {patience_s:.0f} s: {what}")


@contextlib.contextmanager
def demo(folder: Path, *arguments: str, environment: dict[str, str] | None = None) -> Iterator[Demo]:
    """Runs `vedette demo --json` on a folder; fails if it leaves a process behind."""
    log = folder / "demo.log"
    argv = [sys.executable, "-m", "vedette", "demo", "--json", "--port", "0", "--data-dir", str(folder / "data")]
    with log.open("w", encoding="utf-8") as errors:
        process = subprocess.Popen(
            [*argv, *arguments],
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            env={**os.environ, "VEDETTE_NODE__LOG_LEVEL": "info", **(environment or {})},
        )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line, f"the demo ended: {log.read_text(encoding='utf-8')[-3000:]}"
        ready = json.loads(line)
        cameras = {item["name"]: item["sensorId"] for item in ready["cameras"]}
        yield Demo(ready["url"], ready["token"], Path(ready["data_dir"]), cameras, process, log)
    finally:
        _stop(process, log)


def _stop(process: subprocess.Popen[str], log: Path) -> None:
    group = descendants(process.pid)
    if process.poll() is None:
        process.send_signal(signal.SIGINT)
    try:
        process.wait(30)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(10)
        raise AssertionError(f"the demo did not stop: {log.read_text(encoding='utf-8')[-2000:]}") from None
    finally:
        if process.stdout is not None:
            process.stdout.close()
    left = [pid for pid in group if Path(f"/proc/{pid}").exists()]
    assert not left, f"processes left behind: {left}"


def descendants(pid: int) -> list[int]:
    """All processes below this one."""
    found: list[int] = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                if int((entry / "stat").read_text(encoding="utf-8").rpartition(")")[2].split()[1]) == pid:
                    found += [int(entry.name), *descendants(int(entry.name))]
    return found


def memory_bytes(pid: int) -> int:
    """Proportional memory of a process and all below it."""
    total = 0
    for member in [pid, *descendants(pid)]:
        with contextlib.suppress(OSError):
            for line in Path(f"/proc/{member}/smaps_rollup").read_text(encoding="ascii").splitlines():
                if line.startswith("Pss:"):
                    total += int(line.split()[1]) * 1024
    return total
