"""A third party's camera: found, asked, moved and watched by our client, which nobody wrote for it."""

from collections.abc import Iterator

import anyio
import pytest

from tests.support.ipycam import IpyCam, Wanted, ipycam
from vedette.kernel.clock import SystemClock
from vedette.kernel.errors import Fault
from vedette.media.sources import probe as probe_stream
from vedette.services.vst.adapters.discovery import Discovery, Found
from vedette.services.vst.adapters.onvif import OnvifDevice
from vedette.services.vst.adapters.onvif.controls import Ptz
from vedette.services.vst.adapters.resolver import CameraDialler
from vedette.services.vst.core.onvif_types import Identity, Position, same_device
from vedette.services.vst.model import Credentials

pytestmark = pytest.mark.anyio
LOOPBACK = ("127.0.0.0/8",)
KNOWN = Credentials("admin", "canary-Pa55/w@rd")


@pytest.fixture(scope="module")
def camera() -> Iterator[IpyCam]:
    with ipycam(Wanted(username=KNOWN.username, password=KNOWN.password)) as running:
        yield running


def device_at(camera: IpyCam, known: Credentials | None = KNOWN) -> OnvifDevice:
    return OnvifDevice(camera.xaddr, known, dialler=CameraDialler(LOOPBACK), clock=SystemClock())


@pytest.mark.parametrize("multicast", [True, False])
async def test_it_is_found_by_multicast_and_by_unicast(camera: IpyCam, multicast: bool) -> None:
    discovery = Discovery(LOOPBACK, clock=SystemClock(), interfaces=("127.0.0.1",), port=camera.discovery_port)
    answers: list[Found] = []
    with anyio.fail_after(60):
        while not answers:
            answers = await discovery.scan([] if multicast else ["127.0.0.1"], wait_s=0.3, multicast=multicast)
    [found] = answers
    assert found.name == "Third party"
    assert found.endpoint.startswith("urn:uuid:")
    assert found.xaddrs == (camera.xaddr,)
    assert found.address == "127.0.0.1"


async def test_it_is_probed_and_its_main_stream_plays(camera: IpyCam) -> None:
    async with device_at(camera) as device:
        found = await device.probe()
    assert (found.info.manufacturer, found.info.serial) == ("PythonCam", camera.serial)
    assert found.capabilities.ptz
    assert not found.capabilities.events
    assert found.main is not None
    assert found.sub is not None
    assert (found.main.codec, found.main.width, found.sub.width) == ("h264", 640, 320)
    assert found.main.stream_url.startswith(f"rtsp://127.0.0.1:{camera.rtsp_port}/")
    parameters = await probe_stream(found.main.stream_url, clock=SystemClock(), timeout_s=20.0)
    assert (parameters.codec, parameters.width, parameters.height) == ("h264", 640, 360)
    moved = Identity("pythoncam", serial=camera.serial, endpoint="urn:uuid:made-anew-at-each-start")
    assert same_device(Identity(found.info.manufacturer, found.info.model, found.info.serial, found.endpoint), moved)


async def test_a_wrong_password_is_refused(camera: IpyCam) -> None:
    for known in (None, Credentials("admin", "wrong")):
        async with device_at(camera, known) as device:
            with pytest.raises(Fault) as caught:
                await device.probe()
        assert (caught.value.code, caught.value.status) == ("CameraUnauthorizedError", 403)


async def test_it_moves_and_keeps_presets(camera: IpyCam) -> None:
    async with device_at(camera) as device:
        ptz = Ptz(device, "Profile_Main")
        await ptz.absolute(Position(pan=0.25, tilt=-0.5, zoom=0.5))
        token = await ptz.set_preset("Door")
        assert [(preset.token, preset.name) for preset in await ptz.presets()][-1] == (token, "Door")
        await ptz.continuous(Position(pan=0.5), timeout_s=1.0)
        await ptz.stop()
        await ptz.goto_preset(token)
        with pytest.raises(Fault) as caught:
            await ptz.remove_preset(token)
        assert caught.value.status == 501


async def test_a_picture_that_wants_the_password_in_clear_is_not_fetched(camera: IpyCam) -> None:
    async with device_at(camera) as device:
        found = await device.probe()
        assert found.main is not None
        with pytest.raises(Fault, match="clear text") as caught:
            await device.snapshot(found.main)
    assert caught.value.status == 403


async def test_an_open_camera_gives_its_picture() -> None:
    with ipycam() as camera:
        async with device_at(camera, None) as device:
            found = await device.probe()
            assert found.main is not None
            picture = await device.snapshot(found.main)
    assert picture.startswith(b"\xff\xd8")
