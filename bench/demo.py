"""The demo as a user meets it: seconds to the first count, memory, and counts against the truth."""

import contextlib
import json
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from bench.processes import cpu_seconds, memory_mb
from bench.table import Figure, spread
from vedette.media import scene

PERIOD_S = scene.PERIOD / scene.FPS
STARTS = 3


@dataclass(frozen=True, slots=True)
class Running:
    """A demo that answered."""

    process: subprocess.Popen[str]
    ready: dict[str, Any]
    seconds: float

    def get(self, path: str) -> Any:
        """The decoded reply."""
        headers = {"Authorization": f"Bearer {self.ready['token']}"}
        with urllib.request.urlopen(urllib.request.Request(self.ready["url"] + path, headers=headers)) as reply:
            return json.loads(reply.read())


@contextlib.contextmanager
def demo() -> Iterator[Running]:
    """`vedette demo --json` on a temporary folder."""
    with tempfile.TemporaryDirectory(prefix="vedette-bench-") as folder, (Path(folder) / "log").open("w") as log:
        started = time.monotonic()
        argv = [sys.executable, "-m", "vedette", "demo", "--json", "--port", "0"]
        with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=log, text=True) as process:
            assert process.stdout is not None
            try:
                line = process.stdout.readline()
                yield Running(process, json.loads(line), time.monotonic() - started)
            finally:
                process.terminate()


def startup() -> list[Figure]:
    """From the command to the first count that the API answers."""
    seconds = []
    for _ in range(STARTS):
        with demo() as running:
            seconds.append(running.seconds)
    middle = sorted(seconds)[len(seconds) // 2]
    return [Figure("demo: start to first live count", spread(seconds, " s", 1), "≤ 15 s", middle <= 15)]


def counting() -> list[Figure]:
    """One period of the synthetic scene, its memory and its CPU."""
    with demo() as running:
        before = cpu_seconds([running.process.pid])
        # Counts are kept by the second: a window of whole seconds holds exactly one period.
        start = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=1)
        time.sleep(PERIOD_S + 4)
        used = cpu_seconds([running.process.pid]) - before
        memory = memory_mb([running.process.pid])
        crossings, occupancy = _crossings(running, start), _occupancy(running, start)
    truth = scene.Scene().truth(0, scene.PERIOD)
    true_crossings = {
        kind: sum(crossing.direction == word for item in truth for crossing in item.crossings)
        for kind, word in (("IN", "along"), ("OUT", "against"))
    }
    true_mean = sum(item.in_view for item in truth) / len(truth)
    return [
        Figure(
            "synthetic scene: crossings IN/OUT in one period",
            f"{crossings['IN']}/{crossings['OUT']}",
            f"{true_crossings['IN']}/{true_crossings['OUT']} (exact)",
            crossings == true_crossings,
        ),
        Figure(
            "synthetic scene: mean people in view",
            f"{occupancy:.3f}",
            f"{true_mean:.3f}",
            abs(occupancy - true_mean) < 0.05,
            "a window of wall time starts between two frames",
        ),
        Figure("demo: memory", f"{memory:.0f} MB", "≤ 600 MB", memory <= 600, "proportional, all processes"),
        Figure("demo: CPU", f"{used / (PERIOD_S + 4) * 100:.0f} % of a core", note="two cameras, detector at 10/s"),
    ]


def _query(start: datetime) -> str:
    def iso(moment: datetime) -> str:
        return moment.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"

    return f"sensorId=Plaza&fromTimestamp={iso(start)}&toTimestamp={iso(start + timedelta(seconds=PERIOD_S))}"


def _crossings(running: Running, start: datetime) -> dict[str, int]:
    reply = running.get(f"/emdx/api/v2/metrics/tripwire?{_query(start)}&tripwireId=wire-1")
    return {
        event["type"]: sum(item["count"] for item in event["objects"] if item["type"] == "*")
        for event in reply["tripwireKpis"][0]["events"]
    }


def _occupancy(running: Running, start: datetime) -> float:
    reply = running.get(f"/emdx/api/v2/metrics/occupancy/fov/histogram?{_query(start)}&bucketSizeInSec=1")
    bins = reply["histogram"]
    people: float = sum(item["average"] for bucket in bins for item in bucket["objects"] if item["type"] == "Person")
    return people / len(bins)
