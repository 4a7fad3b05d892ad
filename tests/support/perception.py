"""A running perception service over a memory bus, whose streams are clips that show their frame numbers."""

import contextlib
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import override

import anyio
import numpy as np
from numpy.typing import NDArray

from tests.support import clips
from vedette.kernel.auth import Identity
from vedette.kernel.bus import START, MemoryBus
from vedette.kernel.clock import SystemClock
from vedette.kernel.context import Kernel
from vedette.kernel.errors import unavailable
from vedette.kernel.http import create_app
from vedette.kernel.lifecycle import ASGIApp
from vedette.kernel.telemetry import Telemetry
from vedette.media import scene
from vedette.media.source import Source
from vedette.media.unit import AccessUnit
from vedette.schema.encodings import full
from vedette.schema.frame import FrameMessage
from vedette.schema.topics import MDX_RAW
from vedette.services.perception.adapters.decoders.pyav import PyavDecoder
from vedette.services.perception.adapters.detectors import Detector
from vedette.services.perception.adapters.detectors.scripted import ScriptedDetector
from vedette.services.perception.api import build_router
from vedette.services.perception.model import Boxes
from vedette.services.perception.service import Perception
from vedette.services.perception.service.pipeline import Parts
from vedette.services.perception.settings import DetectorChoice, PerceptionSettings

SCRIPTED = (DetectorChoice(streams="*", detector="scripted"),)
SETTINGS = PerceptionSettings(vst="none", detectors=SCRIPTED, infer_fps=None)


def walkers(number: int) -> Boxes:
    """Two people of a scene of 512 x 128: one walks to the right from frame 2 on, one to the left."""
    boxes = [(400.0 - 3 * number, 10.0, 430.0 - 3 * number, 90.0)]
    if number >= 2:
        boxes.append((20.0 + 4 * number, 30.0, 50.0 + 4 * number, 110.0))
    return np.array(boxes, np.float32)


def read_number(picture: NDArray[np.uint8]) -> int:
    """The frame number of a BGR picture of a numbered clip."""
    return clips.read_number(picture[..., 1])


class ClipSource(Source):
    """Yields the units of a clip, then waits (`ends=False`) or fails as a lost camera does.

    The next unit comes when `handled` says that the one before was tracked: no camera is faster than that here.
    """

    def __init__(self, units: Sequence[AccessUnit], *, ends: bool = False) -> None:
        self._units, self._ends = units, ends
        self.handled: Callable[[], int] = lambda: len(units)
        self.given = 0

    @override
    async def units(self) -> AsyncIterator[AccessUnit]:
        before = self.handled()
        for number, unit in enumerate(self._units, 1):
            yield unit
            self.given = number
            while self.handled() - before < number:
                await anyio.sleep(0.001)
        if self._ends:
            raise unavailable("The camera is gone.")
        await anyio.sleep_forever()


@dataclass
class Bench:
    """The service, its bus, and the sources that URLs open, in order of opening."""

    service: Perception
    app: ASGIApp
    bus: MemoryBus
    kernel: Kernel
    sources: dict[str, list[Source]] = field(default_factory=dict)
    opened: list[str] = field(default_factory=list)

    def open_source(self, url: str) -> Source:
        """The next source of a URL; the last one again when they have run out."""
        self.opened.append(url)
        waiting = self.sources.get(url.rpartition("@")[2] if "@" in url else url.removeprefix("rtsp://"), [])
        if not waiting:
            raise unavailable("Nobody answers there.")
        source = waiting.pop(0) if len(waiting) > 1 else waiting[0]
        if isinstance(source, ClipSource):
            source.handled = lambda: self.handled(url.rpartition("/")[2])
        return source

    def handled(self, camera_id: str) -> int:
        """Frames of a stream that were tracked so far."""
        return sum(report.frames for report in self.service.list() if report.camera_id == camera_id)

    async def frames(self, count: int, sensor: str = "") -> list[FrameMessage]:
        """The first `count` messages of a sensor on the bus."""
        found: list[FrameMessage] = []
        with anyio.fail_after(20):
            async for batch in self.bus.subscribe(MDX_RAW, START):
                messages = [full.decode(entry.payload) for entry in batch.entries]
                found += [message for message in messages if sensor in ("", message.sensor_id)]
                if len(found) >= count:
                    break
        return found[:count]

    async def until(self, condition: Callable[[], bool]) -> None:
        """Returns when the condition holds; fails after 20 s."""
        with anyio.fail_after(20):
            while not condition():
                await anyio.sleep(0.01)


@contextlib.asynccontextmanager
async def running(
    folder: Path,
    settings: PerceptionSettings = SETTINGS,
    *,
    sources: Mapping[str, list[Source]] | None = None,
    bus: MemoryBus | None = None,
) -> AsyncIterator[Bench]:
    """A service in life."""
    bench = make(folder, settings, bus=bus)
    bench.sources.update(sources or {})
    async with bench.service.life():
        yield bench


@contextlib.asynccontextmanager
async def running_on_scene(folder: Path, *, sources: Mapping[str, list[Source]]) -> AsyncIterator[Bench]:
    """A service in life whose scripted detector knows the synthetic scene, as the shipped one does."""
    detector = ScriptedDetector(read_number=scene.read_barcode, boxes_at=scene.boxes, size=scene.SIZE)
    bench = make(folder, detector=detector)
    bench.sources.update(sources)
    async with bench.service.life():
        yield bench


def make(
    folder: Path,
    settings: PerceptionSettings = SETTINGS,
    *,
    bus: MemoryBus | None = None,
    detector: Detector | None = None,
) -> Bench:
    """A service that is built and not started."""
    clock, bus = SystemClock(), bus or MemoryBus()
    identity = Identity.load_or_create(folder / "identity.pem", clock)
    kernel = Kernel(clock, bus, Telemetry("perception"), folder / "data", folder, identity, "relay-secret")
    size = (clips.WIDTH, clips.HEIGHT)
    detector = detector or ScriptedDetector(read_number=read_number, boxes_at=walkers, size=size)
    threads = anyio.CapacityLimiter(1)
    holder: list[Bench] = []
    service = Perception(
        settings,
        kernel,
        detectors={"scripted": detector},
        open_parts=lambda publisher, ids, meters: Parts(
            clock,
            publisher,
            ids,
            meters,
            lambda url: holder[0].open_source(url),
            lambda wanted, size: PyavDecoder(wanted=wanted, picture_size=size, clock=clock, threads=threads),
        ),
    )
    app = create_app(
        "perception",
        routers=[build_router(service)],
        telemetry=kernel.telemetry,
        ready=service.ready,
        identity=kernel.identity,
    )
    service.mount(app)
    holder.append(Bench(service, app, bus, kernel))
    return holder[0]
