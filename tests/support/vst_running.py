"""The whole service of VST on a temporary folder."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio
import msgspec

from tests.support.asgi import ADMIN, Reply, call
from vedette.kernel.auth import Identity
from vedette.kernel.bus import MemoryBus
from vedette.kernel.clock import Clock, SystemClock
from vedette.kernel.context import Kernel
from vedette.kernel.telemetry import Telemetry
from vedette.schema.identity import Subject
from vedette.schema.sensor import SensorEvent
from vedette.schema.topics import VST_EVENT
from vedette.services.vst.app import build
from vedette.services.vst.service import Vst
from vedette.services.vst.settings import VstSettings

LOOPBACK = ("127.0.0.0/8",)
BASE = "/vst/api/v1"
RELAY_SECRET = "relay-secret-of-the-test"


@dataclass
class Running:
    """A running VST and how to talk to it."""

    service: Vst
    kernel: Kernel
    bus: MemoryBus

    async def ask(
        self, method: str, path: str, *, body: Any = None, subject: Subject | None = ADMIN, headers: Any = None
    ) -> Reply:
        """One request below the base path."""
        return await call(self.service.app, method, BASE + path, body=body, subject=subject, headers=headers)

    async def add(self, url: str, name: str, **more: Any) -> str:
        """Adds a camera and returns its id."""
        reply = await self.ask("POST", "/sensor/add", body={"sensorUrl": url, "name": name, **more})
        assert reply.status == 200, reply.body
        return str(reply.json["sensorId"])

    async def until_online(self, sensor_id: str) -> None:
        """Waits until media flows."""
        await self.until_health(sensor_id, "online")

    async def until_health(self, sensor_id: str, health: str, *, within_s: float = 30.0) -> None:
        """Waits until a camera is in this state."""
        with anyio.fail_after(within_s):
            while (await self.ask("GET", f"/sensor/{sensor_id}/status")).json["health"] != health:
                await anyio.sleep(0.05)

    async def until_recorded(self, stream_id: str, seconds: float, *, within_s: float = 40.0) -> list[Any]:
        """Waits until a timeline covers so many seconds; returns it in microseconds."""
        with anyio.fail_after(within_s):
            while True:
                spans = await self.service.coverage.timeline(stream_id)
                if sum(span.end_us - span.start_us for span in spans) >= seconds * 1_000_000:
                    return spans
                await anyio.sleep(0.05)

    def events(self) -> list[SensorEvent]:
        """Every event that is on the bus."""
        entries = self.bus._entries.get(VST_EVENT.name, ())
        return [msgspec.json.decode(payload, type=SensorEvent) for _, payload in entries]


def settings_of(**changes: Any) -> VstSettings:
    """Settings that make a test quick: loopback cameras, short segments, short waits."""
    quick: dict[str, Any] = {
        "allowed_networks": LOOPBACK,
        "segment_s": 1,
        "retry_first_s": 0.1,
        "retry_most_s": 0.5,
        "read_timeout_s": 1.0,
        "offline_after_s": 2.0,
        "open_timeout_s": 3.0,
        "min_free_gib": 0,
        "discovery_every_s": 0,
    }
    return VstSettings(**{**quick, **changes})


@asynccontextmanager
async def running(
    data_dir: Path, *, settings: VstSettings | None = None, clock: Clock | None = None
) -> AsyncIterator[Running]:
    """A VST that lives as long as the block."""
    time = clock or SystemClock()
    bus = MemoryBus()
    kernel = Kernel(
        clock=time,
        bus=bus,
        telemetry=Telemetry("vst"),
        data_dir=data_dir,
        run_dir=data_dir,
        identity=Identity.load_or_create(data_dir.parent / "identity.pem", time),
        relay_secret=RELAY_SECRET,
    )
    service = build(settings or settings_of(), kernel)
    async with service.life():
        yield Running(service, kernel, bus)
