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
import msgspec

from tests.faults.ledger import Ledger, Sent
from tests.faults.look import look
from tests.faults.oracle import Verdict, judge
from tests.faults.synthetic import Encoded, NumberedCamera
from tests.support.asgi import call
from tests.support.vst_running import Running, running, settings_of
from vedette.cli.main import main as cli
from vedette.kernel.clock import Clock, from_iso
from vedette.media import sources
from vedette.media.unit import CodecParameters

_TELL_EVERY_S = 0.04
_AGAIN_US = 5_000_000
"""What was judged this long before is judged again, so that no span is cut at the seam."""


class Order(msgspec.Struct):
    """What a life has to do. `epoch_us` is the instant of monotonic `epoch_s`; from there time runs `speed` times.

    Units of cameras are made larger by `padding` bytes. `lie`: nothing is flushed. `stepped`: wall time has stepped, so
    that it does not say which units must be there. `send`: cameras send.
    """

    data_dir: str
    ledger: str
    cameras: int
    epoch_us: int
    epoch_s: float
    reports: str = ""
    asks: str = ""
    speed: float = 1.0
    lives: list[list[Sent]] = []
    since_us: int = 0
    settings: dict[str, Any] = {}
    padding: int = 0
    lie: bool = False
    stepped: bool = False
    send: bool = True


class Report(msgspec.Struct):
    """What a life says: `checked` with a verdict, `failed`, or the `answer` of its API."""

    kind: str
    verdict: Verdict = msgspec.field(default_factory=Verdict)
    error: str = ""
    status: int = 0
    body: str = ""


class FastClock(Clock):
    """Both clocks run `speed` times as fast, from an epoch that all lives share; wall time steps as the ledger says."""

    def __init__(self, order: Order, ledger: Ledger) -> None:
        self._epoch_us, self._epoch_s, self._speed = order.epoch_us, order.epoch_s, order.speed
        self._ledger = ledger

    @override
    def now(self) -> int:
        return self._epoch_us + round(self.monotonic() * 1e6) + self._ledger.step_us

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
        say(order, Report("failed", error="".join(traceback.format_exception(error))[-4000:]))
        raise


def warm_up(clips: list[Encoded], home: Path) -> None:
    """One short life in this process, so that lives that are forked from it find everything imported."""
    order = Order(
        data_dir=str(home / "vst"),
        ledger=str(home / "ledger"),
        cameras=1,
        epoch_us=time.time_ns() // 1000,
        epoch_s=time.monotonic(),
    )
    anyio.run(_live, order, clips, fsck(home))


def fsck(node_dir: Path) -> Verdict:
    """`vedette fsck --hash` on a stopped node: what it finds wrong."""
    output = io.StringIO()
    with contextlib.redirect_stdout(output):
        status = cli(["fsck", "--hash", "--data-dir", str(node_dir)])
    return Verdict(damaged=1, notes=[f"fsck {status}: {output.getvalue()[:500]}"]) if status else Verdict()


def say(order: Order, report: Report) -> None:
    """Tells the campaign."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as out:
        out.sendto(msgspec.json.encode(report), order.reports)


class _Seam:
    """Stands where the service had a function of `media.sources`, whatever name it has there."""

    def __init__(self) -> None:
        self.current: Any = None

    def __call__(self, *arguments: Any, **options: Any) -> Any:
        return self.current(*arguments, **options)


_open_source, _probe = _Seam(), _Seam()


def replace_sources(open_source: Any, probe: Any) -> None:
    """The service opens our cameras instead of dialling addresses."""
    _open_source.current, _probe.current = open_source, probe
    replaced = {id(sources.open_source): _open_source, id(sources.probe): _probe}
    for module in list(sys.modules.values()):
        if module.__name__.startswith("vedette.services.vst"):
            for name, value in list(vars(module).items()):
                if id(value) in replaced:
                    setattr(module, name, replaced[id(value)])


def _believe(fd: Any) -> None:
    """A flush that does nothing."""


async def _live(order: Order, clips: list[Encoded], verdict: Verdict) -> None:
    ledger, may_send = Ledger(Path(order.ledger), order.cameras), asyncio.Event()
    clock = FastClock(order, ledger)

    def open_source(url: str, **_options: Any) -> NumberedCamera:
        camera = int(url.rpartition("/")[2])
        return NumberedCamera(
            camera,
            clips[camera % len(clips)].padded(order.padding),
            epoch_us=order.epoch_us,
            clock=clock,
            witness=ledger,
            may_send=may_send,
        )

    async def probe(url: str, **_options: Any) -> CodecParameters:
        return clips[int(url.rpartition("/")[2]) % len(clips)].units[0].parameters

    replace_sources(open_source, probe)
    settings = settings_of(**{"segment_s": 2, "join_gap_s": 0, **order.settings})
    async with running(Path(order.data_dir), settings=settings, clock=clock) as vst:
        ids = await _cameras(vst, order.cameras)
        verdict.add(await _judge(vst, ids, order, clips))
        if not order.reports:
            return
        say(order, Report("checked", verdict))
        if order.send:
            may_send.set()
        async with anyio.create_task_group() as group:
            group.start_soon(_answer, vst, order)
            while True:
                await _tell(vst, ids, ledger)
                await asyncio.sleep(_TELL_EVERY_S)


async def _judge(vst: Running, ids: list[str], order: Order, clips: list[Encoded]) -> Verdict:
    verdict = Verdict()
    for camera, sensor_id in enumerate(ids):
        clip = clips[camera % len(clips)]
        found = await look(vst, sensor_id, max(0, order.since_us - _AGAIN_US))
        lives = [life[camera] for life in order.lives]
        times = None if order.stepped else clip.times(order.epoch_us)
        verdict.add(judge(camera, found, lives, shown_us=times, since_us=order.since_us))
    return verdict


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


async def _answer(vst: Running, order: Order) -> None:
    """Passes what the campaign asks to the service's own API, one question at a time."""
    loop = asyncio.get_running_loop()
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as inbox:
        inbox.setblocking(False)
        inbox.bind(order.asks)
        while True:
            method, path, body = msgspec.json.decode(await loop.sock_recv(inbox, 1 << 16))
            reply = await call(vst.service.app, method, path, body=body)
            say(order, Report("answer", status=reply.status, body=reply.body.decode(errors="replace")))
