"""The service as it ships, reading the synthetic scene from an RTSP camera."""

from pathlib import Path

import anyio
import pytest

from tests.support.asgi import call
from vedette.kernel.auth import Identity
from vedette.kernel.bus import START, MemoryBus
from vedette.kernel.clock import SystemClock, from_iso
from vedette.kernel.context import Kernel
from vedette.kernel.telemetry import Telemetry
from vedette.media import scene
from vedette.schema.encodings import full
from vedette.schema.frame import FrameMessage
from vedette.schema.topics import MDX_RAW
from vedette.services.perception.app import build
from vedette.services.perception.settings import PerceptionSettings
from vedette.tools.camera import Camera, open_scene


async def read(bus: MemoryBus, count: int) -> list[FrameMessage]:
    found: list[FrameMessage] = []
    with anyio.fail_after(40):
        async for batch in bus.subscribe(MDX_RAW, START):
            found += [full.decode(entry.payload) for entry in batch.entries]
            if len(found) >= count:
                break
    return found


@pytest.mark.anyio
async def test_an_rtsp_camera_becomes_frames_on_the_bus(tmp_path: Path) -> None:
    clock, bus = SystemClock(), MemoryBus()
    identity = Identity.load_or_create(tmp_path / "identity.pem", clock)
    kernel = Kernel(clock, bus, Telemetry("perception"), tmp_path / "data", tmp_path, identity, "secret")
    settings = PerceptionSettings.parse(
        "perception", {"vst": "none", "detectors": [{"streams": "Plaza*", "detector": "scripted"}]}
    )
    service = build(settings, kernel)
    async with Camera({"plaza": open_scene()}, clock=clock) as camera, service.life():
        value = {
            "camera_id": "plaza",
            "camera_name": "Plaza",
            "camera_url": camera.url("plaza"),
            "change": "camera_add",
        }
        added = await call(service.app, "POST", "/api/v1/stream/add", body={"key": "sensor", "value": value})
        assert added.status == 200
        messages = await read(bus, 45)
        (report,) = service.list()
    assert (report.state, report.width, report.height) == ("streaming", *scene.SIZE)
    times = [from_iso(message.captured_at) for message in messages]
    assert times == sorted(times)
    assert {message.sensor_id for message in messages} == {"Plaza"}
    assert any(message.objects for message in messages)
