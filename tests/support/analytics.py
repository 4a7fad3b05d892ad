"""A running analytics service over a memory bus, for tests: publish frames, settle, ask."""

import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, override

import anyio
import anyio.lowlevel
import msgspec
from sqlalchemy import Connection

from tests.support.asgi import ADMIN, Reply, call
from vedette.kernel.auth import Identity
from vedette.kernel.bus import START, MemoryBus, Position
from vedette.kernel.clock import FakeClock, to_iso
from vedette.kernel.context import Kernel
from vedette.kernel.database import Database
from vedette.kernel.telemetry import Telemetry
from vedette.schema.encodings import full
from vedette.schema.frame import FRAME_HEIGHT, FRAME_WIDTH, BBox, DetectedObject, FrameMessage
from vedette.schema.identity import Subject
from vedette.schema.sensor import Change, Reason, SensorEvent, StreamMetadata, StreamRef
from vedette.schema.topics import MDX_RAW, VST_EVENT, Topic
from vedette.services.analytics import app
from vedette.services.analytics.service.analytics import AnalyticsService
from vedette.services.analytics.settings import AnalyticsSettings
from vedette.services.analytics.store.store import Store

START_US = 1_700_000_000_000_000
S = 1_000_000
WIRE: dict[str, Any] = {
    "id": "door",
    "name": "Main door",
    "wire": [{"x": 100, "y": 100}, {"x": 300, "y": 100}],
    "direction": {
        "p1": {"x": 200, "y": 150},
        "p2": {"x": 200, "y": 50},
        "entry": {"name": "Inside"},
        "exit": {"name": "Outside"},
    },
}
ROI: dict[str, Any] = {
    "id": "hall",
    "name": "Hall",
    "coordinates": [{"x": 100, "y": 110}, {"x": 300, "y": 110}, {"x": 300, "y": 300}, {"x": 100, "y": 300}],
}
type Box = tuple[str, float, float]
"""Track id and anchor."""


def frame(
    seconds: float, *people: Box, sensor: str = "cam", size: tuple[int, int] | None = (640, 360), kind: str = "Person"
) -> FrameMessage:
    """A frame `seconds` after the start of the tests' time, with 20 × 60 px boxes at the anchors."""
    moment = to_iso(START_US + round(seconds * S))
    objects = [
        DetectedObject(id=track, bbox=BBox(left_x=x - 10, top_y=y - 60, right_x=x + 10, bottom_y=y), type=kind)
        for track, x, y in people
    ]
    info = {FRAME_WIDTH: str(size[0]), FRAME_HEIGHT: str(size[1])} if size else {}
    return FrameMessage(id="0", timestamp=moment, at_timestamp=moment, sensor_id=sensor, objects=objects, info=info)


def walk(
    track: str, start: tuple[float, float], end: tuple[float, float], *, begin: float, seconds: float, fps: float = 10
) -> list[FrameMessage]:
    """Frames of one walker on a straight line, both ends included."""
    count = round(seconds * fps)
    return [
        frame(
            begin + i / fps,
            (track, start[0] + (end[0] - start[0]) * i / count, start[1] + (end[1] - start[1]) * i / count),
        )
        for i in range(count + 1)
    ]


def device_event(
    sensor_id: str, name: str, change: Change = "camera_streaming", *, reason: Reason = "", resolution: str = ""
) -> bytes:
    """A device event as VST writes it."""
    ref = StreamRef(
        camera_id=sensor_id,
        camera_name=name,
        change=change,
        reason=reason,
        metadata=StreamMetadata(resolution=resolution),
    )
    return msgspec.json.encode(SensorEvent(created_at=to_iso(START_US), event=ref))


class Guillotine:
    """Fails the n-th effect of a service (database write or bus message), before or after it happened."""

    def __init__(self, blow: int | None = None, *, after: bool = False) -> None:
        self.blow, self.after, self.effects = blow, after, 0
        self.fell = anyio.Event()

    @property
    def is_due(self) -> bool:
        """Counts one effect; whether this is the one."""
        self.effects += 1
        return self.effects == self.blow

    def fall(self) -> None:
        """Ends the service's work."""
        self.fell.set()
        raise OSError("killed")


class _Database(Database):
    def __init__(self, url: str, guillotine: Guillotine) -> None:
        super().__init__(url)
        self.guillotine = guillotine

    @override
    async def write[T](self, work: Callable[[Connection], T], *, durable: bool = False) -> T:
        due = self.guillotine.is_due
        if due and not self.guillotine.after:
            self.guillotine.fall()
        result = await super().write(work, durable=durable)
        if due:
            self.guillotine.fall()
        return result


class _Bus(MemoryBus):
    def __init__(self) -> None:
        super().__init__()
        self.guillotine = Guillotine()
        self.said: dict[str, list[bytes]] = {}

    @override
    async def publish(self, topic: Topic, messages: Sequence[bytes]) -> Position:
        ours = topic.owner == "analytics"
        due = ours and self.guillotine.is_due
        if due and not self.guillotine.after:
            self.guillotine.fall()
        position = await super().publish(topic, messages)
        self.said.setdefault(topic.name, []).extend(messages)
        if due:
            self.guillotine.fall()
        return position


@dataclass(frozen=True)
class _Kernel(Kernel):
    guillotine: Guillotine

    @override
    def open_database(self, name: str) -> Database:
        self.data_dir.mkdir(parents=True, exist_ok=True)
        return _Database(f"sqlite:///{self.data_dir / name}.db", self.guillotine)


@dataclass
class Bench:
    """What outlives a restart of the service: its folder, the bus, the time."""

    folder: Path
    clock: FakeClock = field(default_factory=lambda: FakeClock(START_US + 100 * S))
    bus: _Bus = field(default_factory=_Bus)
    settings: AnalyticsSettings = field(default_factory=lambda: AnalyticsSettings(silence_s=86_400))
    """Of their own accord the tests' cameras never fall silent: how much time passes while settling is chance."""

    @contextlib.asynccontextmanager
    async def running(self, guillotine: Guillotine | None = None) -> AsyncIterator["Running"]:
        """The service, started and ready."""
        blade = self.bus.guillotine = guillotine or Guillotine()
        kernel = _Kernel(
            clock=self.clock,
            bus=self.bus,
            telemetry=Telemetry("analytics"),
            data_dir=self.folder / "analytics",
            run_dir=self.folder,
            identity=Identity.load_or_create(self.folder / "identity.pem", self.clock),
            relay_secret="",
            guillotine=blade,
        )
        service = app.build(self.settings, kernel)
        reader = Database(f"sqlite:///{kernel.data_dir / 'analytics'}.db")
        running = Running(self, service, reader, blade)
        async with service.life():
            with anyio.fail_after(20):
                while service.ready() is not None and not blade.fell.is_set():
                    await running.breathe()
            yield running
        reader.close()


@dataclass
class Running:
    """One life of the service."""

    bench: Bench
    service: AnalyticsService
    reader: Database
    guillotine: Guillotine

    async def breathe(self) -> None:
        """Lets everything run that can, and a little time pass."""
        self.bench.clock.advance(0.1)
        for _ in range(10):
            await anyio.lowlevel.checkpoint()
        await self.reader.read(lambda connection: None)

    async def publish(self, *frames: FrameMessage) -> None:
        """Puts frames on the bus and waits until they are committed, or the service was killed."""
        await self.publish_raw([full.encode(item) for item in frames])

    async def publish_raw(self, payloads: list[bytes]) -> None:
        """The same for anything."""
        await self.bench.bus.publish(MDX_RAW, payloads)
        await self.settle()

    async def settle(self) -> None:
        """Waits until the store has everything that is on the bus, or the service was killed."""
        latest = await self.bench.bus.latest(MDX_RAW)
        with anyio.fail_after(20):
            while not self.guillotine.fell.is_set():
                await self.breathe()
                stored = await self.reader.read(lambda connection: Store(connection).get_position(MDX_RAW.name))
                if (stored or START) == latest:
                    return

    async def announce(self, *events: bytes) -> None:
        """Puts device events on the bus and waits until they are known."""
        position = await self.bench.bus.publish(VST_EVENT, list(events))
        with anyio.fail_after(20):
            while self.service.directory.read_up_to != position:
                await self.breathe()

    async def ask(
        self,
        method: str,
        path: str,
        body: bytes | dict[str, Any] | list[Any] | None = None,
        *,
        subject: Subject | None = ADMIN,
        status: int = 200,
    ) -> Any:
        """The JSON of a reply, whose status must be as said."""
        reply = await self.reply(method, path, body, subject=subject)
        assert reply.status == status, (reply.status, reply.body)
        return reply.json

    async def reply(
        self,
        method: str,
        path: str,
        body: bytes | dict[str, Any] | list[Any] | None = None,
        *,
        subject: Subject | None = ADMIN,
    ) -> Reply:
        """A whole reply."""
        return await call(self.service.app, method, path, body=body, subject=subject)

    async def configure(self, *, wire: bool = True, roi: bool = True, sensor: str = "cam") -> None:
        """Posts the tests' tripwire and ROI."""
        if wire:
            await self.ask("POST", "/emdx/api/v2/config/tripwire", {"sensorId": sensor, "tripwires": [WIRE]})
        if roi:
            await self.ask("POST", "/emdx/api/v2/config/roi", {"sensorId": sensor, "rois": [ROI]})


def window(begin: float = 0, end: float = 60, *, sensor: str = "cam") -> str:
    """Query parameters of a time window."""
    first, last = to_iso(START_US + round(begin * S)), to_iso(START_US + round(end * S))
    return f"sensorId={sensor}&fromTimestamp={first}&toTimestamp={last}"
