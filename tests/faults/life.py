"""One life of a recorder in a child: it starts, is judged for its past, records, and is killed or loses its disk.

Everything is asked through the product's own API; only the cameras are made up (`synthetic`), because a hundred lives
in a minute need time to run faster than it does.
"""

import asyncio
import contextlib
import io
import os
import socket
import sys
import time
import traceback
from pathlib import Path
from typing import Any, override

import anyio
import av
import msgspec

from tests.faults.ledger import Ledger, Sent
from tests.faults.oracle import Found, Span, Verdict, judge
from tests.faults.synthetic import Encoded, NumberedCamera, number_of
from tests.support.vst_running import Running, running, settings_of
from vedette.cli.main import main as cli
from vedette.kernel.clock import Clock, from_iso, to_iso
from vedette.media import sources
from vedette.media.unit import CodecParameters

_TELL_EVERY_S = 0.04


class Order(msgspec.Struct):
    """What a life has to do. `epoch_us` is the instant of monotonic `epoch_s`; from there time runs `speed` times."""

    data_dir: str
    ledger: str
    reports: str
    cameras: int
    epoch_us: int
    epoch_s: float
    speed: float = 1.0
    lives: list[list[Sent]] = []
    since_us: int = 0
    settings: dict[str, Any] = {}
    lie: bool = False
    send: bool = True


class Report(msgspec.Struct):
    """What a life says: `checked` with a verdict, or `failed`."""

    kind: str
    verdict: Verdict = msgspec.field(default_factory=Verdict)
    error: str = ""


class FastClock(Clock):
    """Both clocks run `speed` times as fast, from an epoch that all lives share."""

    def __init__(self, order: Order) -> None:
        self._epoch_us, self._epoch_s, self._speed = order.epoch_us, order.epoch_s, order.speed

    @override
    def now(self) -> int:
        return self._epoch_us + round(self.monotonic() * 1e6)

    @override
    def monotonic(self) -> float:
        return (time.monotonic() - self._epoch_s) * self._speed

    @override
    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds / self._speed)


def live(order: Order, clips: list[Encoded]) -> None:
    """Runs until it is killed; what goes wrong before is reported."""
    if order.lie and order.lives:
        os.fsync = os.fdatasync = _believe
    try:
        before = fsck(Path(order.data_dir).parent) if Path(order.data_dir).exists() else Verdict()
        anyio.run(_live, order, clips, before)
    except BaseException as error:
        _say(order, Report("failed", error="".join(traceback.format_exception(error))[-4000:]))
        raise


def _believe(fd: Any) -> None:
    """A flush that does nothing."""


async def _live(order: Order, clips: list[Encoded], verdict: Verdict) -> None:
    clock, ledger, may_send = FastClock(order), Ledger(Path(order.ledger), order.cameras), asyncio.Event()

    def open_source(url: str, **_options: Any) -> NumberedCamera:
        camera = int(url.rpartition("/")[2])
        clip = clips[camera % len(clips)]
        return NumberedCamera(camera, clip, epoch_us=order.epoch_us, clock=clock, witness=ledger, may_send=may_send)

    async def probe(url: str, **_options: Any) -> CodecParameters:
        return clips[int(url.rpartition("/")[2]) % len(clips)].units[0].parameters

    replace_sources(open_source, probe)
    settings = settings_of(**{"segment_s": 2, "join_gap_s": 0, **order.settings})
    async with running(Path(order.data_dir), settings=settings, clock=clock) as vst:
        ids = await _cameras(vst, order.cameras)
        for camera, sensor_id in enumerate(ids):
            clip, lives = clips[camera % len(clips)], [life[camera] for life in order.lives]
            found = await look(vst, sensor_id, max(0, order.since_us - 5_000_000))
            verdict.add(
                judge(
                    camera,
                    found,
                    lives,
                    shown_us=lambda number, clip=clip: clip.shown_us(number, order.epoch_us),  # type: ignore[misc]
                    since_us=order.since_us,
                )
            )
        if not order.reports:
            return
        _say(order, Report("checked", verdict))
        if order.send:
            may_send.set()
        while True:
            await _tell(vst, ids, ledger)
            await asyncio.sleep(_TELL_EVERY_S)


def fsck(node_dir: Path) -> Verdict:
    """`vedette fsck --hash` on a stopped node: what it finds wrong."""
    output = io.StringIO()
    with contextlib.redirect_stdout(output):
        status = cli(["fsck", "--hash", "--data-dir", str(node_dir)])
    return Verdict(damaged=1, notes=[f"fsck {status}: {output.getvalue()[:500]}"]) if status else Verdict()


def warm_up(clips: list[Encoded], home: Path) -> None:
    """One short life in this process, so that lives that are forked from it find everything imported."""
    order = Order(
        data_dir=str(home / "vst"),
        ledger=str(home / "ledger"),
        reports="",
        cameras=1,
        epoch_us=time.time_ns() // 1000,
        epoch_s=time.monotonic(),
    )
    anyio.run(_live, order, clips, fsck(home))


def replace_sources(open_source: Any, probe: Any) -> None:
    """The service opens our cameras instead of dialling addresses."""
    names = sources.open_source.__name__, sources.probe.__name__
    for module in list(sys.modules.values()):
        if module.__name__.startswith("vedette.services.vst"):
            for name, new in zip(names, (open_source, probe), strict=True):
                if hasattr(module, name):
                    setattr(module, name, new)


async def _cameras(vst: Running, count: int) -> list[str]:
    """The ids of the cameras, which are added when they are not there yet."""
    known = {item["name"]: item["sensorId"] for item in (await vst.ask("GET", "/sensor/list")).json}
    for camera in range(count):
        name = f"camera {camera}"
        if name not in known:
            known[name] = await vst.add(f"rtsp://127.0.0.1:9554/numbered/{camera}", name)
    return [known[f"camera {camera}"] for camera in range(count)]


async def _tell(vst: Running, ids: list[str], ledger: Ledger) -> None:
    reply = await vst.ask("GET", "/record/timelines")
    for camera, sensor_id in enumerate(ids):
        spans = reply.json.get(sensor_id) or []
        if spans:
            ledger.tell(camera, from_iso(spans[-1]["endTime"]))


async def look(vst: Running, stream_id: str, since_us: int) -> Found:
    """What the API lists of a stream from an instant on, and every unit in it, decoded."""
    found = Found(spans=await states(vst, stream_id, since_us))
    for span in found.spans:
        if span.state != "recorded" or span.end_us <= since_us:
            continue
        where = f"startTime={to_iso(max(span.start_us, since_us))}&endTime={to_iso(span.end_us)}"
        reply = await vst.ask("GET", f"/storage/file/{stream_id}?{where}")
        if reply.status != 200:
            found.unplayable.append(f"{where}: {reply.status} {reply.body[:200]!r}")
            continue
        try:
            found.clips.append(read_clip(reply.body))
        except (av.error.FFmpegError, ValueError) as error:
            found.unplayable.append(f"{where}: {error}")
    return found


async def states(vst: Running, stream_id: str, since_us: int) -> list[Span]:
    """Spans and gaps of a stream that reach beyond `since_us`, in order."""
    timeline = (await vst.ask("GET", f"/record/{stream_id}/timelines")).json
    gaps = (await vst.ask("GET", f"/record/{stream_id}/gaps")).json
    spans = [Span(from_iso(item["startTime"]), from_iso(item["endTime"]), "recorded") for item in timeline]
    for gap in gaps:
        end_us = 1 << 62 if gap["endTime"] is None else from_iso(gap["endTime"])
        spans.append(Span(from_iso(gap["startTime"]), end_us, gap["cause"]))
    return sorted((span for span in spans if span.end_us > since_us), key=lambda span: span.start_us)


def read_clip(content: bytes) -> list[tuple[int, int] | None]:
    """(camera, number) of every unit of an MP4; ValueError when not each of them becomes a picture."""
    numbers: list[tuple[int, int] | None] = []
    pictures = 0
    with av.open(io.BytesIO(content), "r") as container:
        stream = container.streams.video[0]
        stream.thread_type = "NONE"
        for packet in container.demux(stream):
            if packet.size:
                numbers.append(number_of(bytes(packet)))
            pictures += len(packet.decode())
    if pictures != len(numbers):
        raise ValueError(f"{pictures} pictures out of {len(numbers)} units")
    return numbers


def _say(order: Order, report: Report) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as out:
        out.sendto(msgspec.json.encode(report), order.reports)
