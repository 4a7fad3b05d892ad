"""Seeking in a month of sixteen cameras: the first byte of a random clip, the timeline of a day, and how a start feels.

The segments are copies of a few real ones: rows and ledger lines are multiplied by SQL, files are linked where a clip
will ask for them.
"""

import http.client
import os
import random
import socket
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, override

import anyio
import anyio.to_thread

from bench import rig
from bench.processes import cpu_seconds
from bench.recording import make_clip
from bench.table import Figure
from vedette.kernel.auth import IDENTITY_HEADER, service_subject
from vedette.kernel.clock import to_iso

DAYS, STREAMS, SEGMENT_S = 30, 16, 10
CLIPS, TIMELINES, CLIP_S = 400, 400, 60
HOUR_US, SECOND_US = 3_600_000_000, 1_000_000
PER_STREAM = DAYS * 86_400 // SEGMENT_S
BASE = "/vst/api/v1"


@dataclass(frozen=True, slots=True)
class Month:
    """The catalogue: where it begins, and its first segment's id."""

    start_us: int
    first_id: int

    def stream(self, number: int) -> str:
        """The id of a stream."""
        return f"bench{number:02d}"

    def ids(self, number: int, start_us: int, end_us: int) -> range:
        """The segments of a stream that reach into a range."""
        first = (start_us - self.start_us) // (SEGMENT_S * SECOND_US)
        last = -(-(end_us - self.start_us) // (SEGMENT_S * SECOND_US))
        base = self.first_id + number * PER_STREAM
        return range(base + max(0, first - 1), base + min(PER_STREAM, last + 1))


def catalogue() -> list[Figure]:
    """p95 over random clips and days; the service starts on the full catalogue."""
    with tempfile.TemporaryDirectory(prefix="vedette-bench-") as folder:
        home = Path(folder)
        make_clip(home / "clip.mp4")
        with rig.cameras([str(home / "clip.mp4")]) as urls:
            anyio.run(_record_templates, home / "data", urls)
        month = multiply(home / "data" / "vst" / "catalogue.db")
        rng = random.Random(1)
        clips = [_random_range(rng, month, CLIP_S * SECOND_US) for _ in range(CLIPS)]
        days = [_random_range(rng, month, 24 * HOUR_US) for _ in range(TIMELINES)]
        link(home / "data" / "vst" / "media", month, clips)
        return anyio.run(_measure, home / "data", month, clips, days)


async def _record_templates(data: Path, urls: list[str]) -> None:
    async with rig.recorder({"segment_s": SEGMENT_S}, data=data) as running:
        (sensor_id,) = await rig.add_all(running.client, urls)
        await anyio.sleep(3.5 * SEGMENT_S)
        await running.client.request("DELETE", f"{BASE}/sensor/{sensor_id}")


def multiply(path: Path) -> Month:
    """A month of sixteen streams out of one recorded segment and one line of its ledger."""
    database = sqlite3.connect(path)
    database.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF; PRAGMA cache_size=-400000;")
    template = _row(database, "SELECT * FROM segment ORDER BY bytes DESC LIMIT 1")
    line = _row(database, "SELECT * FROM ledger WHERE kind = 'recorded' LIMIT 1")
    head = _row(database, "SELECT * FROM ledger_head LIMIT 1")
    month = Month(time.time_ns() // 1000 // HOUR_US * HOUR_US - DAYS * 24 * HOUR_US, 1_000_000)
    per_hour = 3600 // SEGMENT_S
    for number in range(STREAMS):
        changed = {
            "segment_id": f"{month.first_id + number * PER_STREAM} + n",
            "stream_id": f"'{month.stream(number)}'",
            "recording_id": str(month.first_id + number * PER_STREAM),
            "start_us": f"{month.start_us} + n * {SEGMENT_S * SECOND_US}",
            "end_us": f"{month.start_us} + (n + 1) * {SEGMENT_S * SECOND_US}",
            "seq": "n + 1",
        }
        _insert(database, "segment", template, changed, PER_STREAM)
        lines = {
            "stream_id": f"'{month.stream(number)}'",
            "seq": f"n * {per_hour} + 1",
            "last_seq": f"(n + 1) * {per_hour}",
            "start_us": f"{month.start_us} + n * {HOUR_US}",
            "end_us": f"{month.start_us} + (n + 1) * {HOUR_US}",
            "segments": str(per_hour),
            "bytes": str(per_hour * int(template["bytes"])),
        }
        _insert(database, "ledger", line, lines, DAYS * 24)
        heads = {
            "stream_id": f"'{month.stream(number)}'",
            "seq": str(PER_STREAM),
            "until_us": str(month.start_us + DAYS * 24 * HOUR_US),
            "last_entry": str((DAYS * 24 - 1) * per_hour + 1),
            "segments": str(PER_STREAM),
            "bytes": str(PER_STREAM * int(template["bytes"])),
        }
        _insert(database, "ledger_head", head, heads, 1)
    database.commit()
    database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    database.close()
    return month


def link(media: Path, month: Month, clips: list[tuple[int, int, int]]) -> None:
    """Files for those segments that the clips will read, the way that the recorder lays them out."""
    template = max(media.rglob("*.mp4"), key=lambda path: path.stat().st_size)
    folders_of = 4096
    for number, start_us, end_us in clips:
        for segment_id in month.ids(number, start_us, end_us):
            path = media / f"{segment_id // folders_of:06d}" / f"{segment_id}.mp4"
            path.parent.mkdir(exist_ok=True)
            if not path.exists():
                os.link(template, path)


async def _measure(
    data: Path, month: Month, clips: list[tuple[int, int, int]], days: list[tuple[int, int, int]]
) -> list[Figure]:
    begun = time.monotonic()
    async with rig.recorder({"segment_s": SEGMENT_S, "min_free_gib": 0}, data=data) as running:
        started = time.monotonic() - begun

        def ask(path: Callable[[str, str], str], asked: list[tuple[int, int, int]]) -> list[float]:
            token = running.identity.sign(service_subject("bench"))
            return [
                first_byte(
                    running.socket,
                    path(month.stream(number), f"startTime={to_iso(start)}&endTime={to_iso(end)}"),
                    token,
                )
                for number, start, end in asked
            ]

        async def measure(path: Callable[[str, str], str], asked: list[tuple[int, int, int]]) -> list[float]:
            await anyio.to_thread.run_sync(ask, path, asked[:20])
            found: list[float] = []
            for begin in range(20, len(asked), 100):  # a token lives for a minute
                found += await anyio.to_thread.run_sync(ask, path, asked[begin : begin + 100])
            return found

        spent = [cpu_seconds([running.child.pid])]
        clip_s = await measure(lambda stream, when: f"{BASE}/storage/file/{stream}?{when}", clips)
        spent.append(cpu_seconds([running.child.pid]))
        day_s = await measure(lambda stream, when: f"{BASE}/storage/{stream}/timelines?{when}", days)
        spent.append(cpu_seconds([running.child.pid]))
        coverage_s = await measure(lambda stream, when: f"{BASE}/record/{stream}/coverage?{when}", days)
        spent.append(cpu_seconds([running.child.pid]))
    each = [(after - before) / 400 * 1e3 for before, after in pairwise(spent)]
    size = f"{STREAMS} × {DAYS} days, {STREAMS * PER_STREAM / 1e6:.2f} million segments"
    return [
        _figure(f"first byte of a random {CLIP_S} s clip, {size}", clip_s, 20, each[0]),
        _figure("timeline of a random day", day_s, 10, each[1]),
        _figure("coverage of a random day", coverage_s, 10, each[2]),
        Figure("start of the service on that catalogue", f"{started:.1f} s"),
    ]


def first_byte(path: Path, target: str, token: str) -> float:
    """Seconds from the request on a new connection to the first byte of the body."""
    begun = time.perf_counter()
    connection = _Unix(path)
    try:
        connection.request("GET", target, headers={IDENTITY_HEADER.decode(): token})
        reply = connection.getresponse()
        reply.read(1)
        took = time.perf_counter() - begun
        if reply.status not in (200, 206):
            raise SystemExit(f"{target}: {reply.status} {reply.read(300)!r}")
        return took
    finally:
        connection.close()


class _Unix(http.client.HTTPConnection):
    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=30)
        self._path = path

    @override
    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(30)
        self.sock.connect(str(self._path))


def _figure(name: str, seconds: list[float], asked_ms: float, cpu_ms: float) -> Figure:
    cuts = statistics.quantiles(seconds, n=100)
    p50, p95 = statistics.median(seconds) * 1e3, cuts[94] * 1e3
    value = f"p95 {p95:.1f} ms (p50 {p50:.1f}, most {max(seconds) * 1e3:.1f})"
    return Figure(
        name, value, f"p95 ≤ {asked_ms:g} ms", p95 <= asked_ms, f"{len(seconds)} requests, {cpu_ms:.1f} ms CPU each"
    )


def _random_range(rng: random.Random, month: Month, length_us: int) -> tuple[int, int, int]:
    start_us = month.start_us + rng.randrange(DAYS * 24 * HOUR_US - length_us) // 1000 * 1000
    return rng.randrange(STREAMS), start_us, start_us + length_us


def _row(database: sqlite3.Connection, query: str) -> dict[str, Any]:
    cursor = database.execute(query)
    return dict(zip([column[0] for column in cursor.description], cursor.fetchone(), strict=True))


def _insert(database: sqlite3.Connection, table: str, row: dict[str, Any], changed: dict[str, str], count: int) -> None:
    """`count` copies of a row, with some columns by an expression of `n`."""
    columns = list(row)
    values = [changed.get(column, "?") for column in columns]
    fixed = [row[column] for column in columns if column not in changed]
    series = f"WITH RECURSIVE s(n) AS (VALUES(0) UNION ALL SELECT n + 1 FROM s WHERE n < {count - 1})"
    database.execute(f"{series} INSERT INTO {table} ({', '.join(columns)}) SELECT {', '.join(values)} FROM s", fixed)
