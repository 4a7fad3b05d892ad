"""Our ONVIF client on the project's own test camera: every service, its sloppy manners, and a new address."""

from collections.abc import AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager

import anyio
import pytest

from vedette.kernel.clock import SystemClock
from vedette.kernel.errors import Fault
from vedette.services.vst.adapters.discovery import Discovery, Found
from vedette.services.vst.adapters.onvif import OnvifDevice
from vedette.services.vst.adapters.onvif.controls import (
    Ptz,
    get_encoder,
    get_imaging,
    get_network,
    set_encoder,
    set_imaging,
)
from vedette.services.vst.adapters.onvif.events import events
from vedette.services.vst.adapters.resolver import CameraDialler
from vedette.services.vst.core.onvif_types import Device, Encoder, Event, Identity, Imaging, Position, same_device
from vedette.services.vst.model import Credentials
from vedette.tools.camera import Camera, open_scene
from vedette.tools.camera.orders import FaultOrder
from vedette.tools.camera.presence import Presence

pytestmark = pytest.mark.anyio
LOOPBACK = ("127.0.0.0/8",)
KNOWN = Credentials("admin", "canary-Pa55/w@rd")
NAME = "gate"


@asynccontextmanager
async def own_camera(
    *, sloppy: bool = False, known: Credentials | None = KNOWN
) -> AsyncIterator[tuple[Camera, Presence]]:
    """One camera with a sub stream at 127.0.0.2, found at a UDP port of its own."""
    users = None if known is None else {known.username: known.password}
    async with (
        Camera(
            {NAME: open_scene(fps=5, width=640, height=360)},
            subs={NAME: open_scene(fps=5, width=320, height=180)},
            clock=SystemClock(),
            credentials=users,
            addresses=["127.0.0.2"],
        ) as camera,
        Presence(camera, credentials=users, sloppy=sloppy, discovery=0, reboot_s=0.1) as presence,
    ):
        yield camera, presence


def device_at(where: str, known: Credentials | None = KNOWN) -> OnvifDevice:
    return OnvifDevice(where, known, dialler=CameraDialler(LOOPBACK), clock=SystemClock())


async def probed(where: str, endpoint: str = "") -> Device:
    async with device_at(where) as device:
        return await device.probe(endpoint)


async def looked_for(presence: Presence, wanted: Callable[[Found], bool] = lambda found: True) -> Found:
    """Scans until a camera is there that is wanted."""
    assert presence.responder is not None
    looking = Discovery(LOOPBACK, clock=SystemClock(), interfaces=("127.0.0.1",), port=presence.responder.port)
    with anyio.fail_after(60):
        while True:
            for found in await looking.scan(wait_s=0.2):
                if wanted(found):
                    return found


@pytest.mark.parametrize("sloppy", [False, True])
async def test_it_is_found_and_probed_however_sloppy_it_is(sloppy: bool) -> None:
    async with own_camera(sloppy=sloppy) as (_camera, presence):
        found = await looked_for(presence)
        assert found.address == "127.0.0.2"
        where = presence.url(NAME) if sloppy else found.xaddrs[0]  # it tells no port when it is sloppy
        device = await probed(where, found.endpoint)
    assert device.problems == {}
    assert device.endpoint == found.endpoint
    assert device.info.manufacturer == "Vedette"
    assert device.main is not None
    assert device.sub is not None
    assert (device.main.codec, device.main.width, device.sub.width) == ("h264", 640, 320)
    assert device.main.stream_url.startswith("rtsp://127.0.0.2:")
    assert device.capabilities.ptz
    assert device.capabilities.imaging
    assert device.capabilities.events
    assert device.capabilities.media2
    assert device.clock_offset_s == pytest.approx(0, abs=5)


async def test_a_camera_at_a_new_address_is_the_same_camera() -> None:
    async with own_camera() as (camera, presence):
        before = await probed((await looked_for(presence)).xaddrs[0])
        camera.obey(FaultOrder(fault="reboot", camera=NAME, seconds=0.1, host="127.0.0.3"))
        moved = await looked_for(presence, lambda found: found.address == "127.0.0.3")
        after = await probed(moved.xaddrs[0])
    assert after.xaddr != before.xaddr
    assert same_device(
        Identity(before.info.manufacturer, before.info.model, before.info.serial, before.endpoint),
        Identity(after.info.manufacturer, after.info.model, after.info.serial, moved.endpoint),
    )


async def test_its_settings_are_read_and_set() -> None:
    async with own_camera() as (_camera, presence), device_at(presence.url(NAME)) as device:
        main = (await device.probe()).main
        assert main is not None
        await set_imaging(device, main.source_token, Imaging(brightness=70))
        assert (await get_imaging(device, main.source_token)).brightness == 70
        with pytest.raises(Fault):
            await set_imaging(device, main.source_token, Imaging(contrast=1000))
        size = next(
            size for size in (await get_encoder(device, main.encoder_token)).options.resolutions if size[0] != 640
        )
        await set_encoder(device, Encoder(main.encoder_token, width=size[0], height=size[1]))
        changed = await get_encoder(device, main.encoder_token)
        assert (changed.width, changed.height) == size
        network = await get_network(device)
        assert network.address == "127.0.0.2"
        assert network.hardware_address.startswith("02:")


async def test_it_is_moved() -> None:
    async with own_camera() as (_camera, presence), device_at(presence.url(NAME)) as device:
        main = (await device.probe()).main
        assert main is not None
        ptz = Ptz(device, main.token)
        await ptz.absolute(Position(pan=0.5, tilt=-0.25, zoom=0.5))
        assert (await ptz.status()).position == Position(0.5, -0.25, 0.5)
        token = await ptz.set_preset("Door")
        await ptz.relative(Position(pan=-0.5))
        await ptz.goto_preset(token)
        assert (await ptz.status()).position.pan == 0.5
        await ptz.continuous(Position(pan=0.1), timeout_s=5)
        assert (await ptz.status()).moving is True
        await ptz.stop()
        assert (await ptz.status()).moving is False
        assert [preset.name for preset in await ptz.presets()] == ["Door"]
        await ptz.remove_preset(token)
        assert await ptz.presets() == []


async def test_motion_is_told() -> None:
    async with own_camera() as (_camera, presence), device_at(presence.url(NAME)) as device:
        seen: list[Event] = []
        with anyio.fail_after(30):
            async with aclosing(events(device)) as pulls:
                async for told in pulls:
                    seen += told
                    presence.set_motion(NAME, True)
                    if any(event.data.get("IsMotion", event.data.get("State")) == "true" for event in seen):
                        break
    assert {event.operation for event in seen} <= {"Initialized", "Changed"}


async def test_a_picture_and_a_keyframe_are_had() -> None:
    async with own_camera() as (camera, presence), device_at(presence.url(NAME)) as device:
        main = (await device.probe()).main
        assert main is not None
        with anyio.fail_after(30):
            while not camera.devices[NAME].main.pump.hub.cached_units():
                await anyio.lowlevel.checkpoint()
        assert (await device.snapshot(main)).startswith(b"\xff\xd8")
        await device.sync_point(main.token)


@pytest.mark.parametrize(("fault", "status"), [("xml_bomb", 502), ("unauthorized", 403), ("refuse", 502)])
async def test_its_faults_are_told_apart(fault: str, status: int) -> None:
    async with own_camera() as (camera, presence):
        camera.obey(FaultOrder.model_validate({"fault": fault, "camera": NAME}))
        async with device_at(presence.url(NAME)) as device:
            with pytest.raises(Fault) as caught:
                await device.info()
    assert caught.value.status == status
