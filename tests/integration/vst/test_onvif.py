"""Our ONVIF client against devices that are sloppy, slow, locked or hostile."""

import gzip
from typing import override

import pytest
from aiohttp import web

from tests.fakes.onvif_device import (
    JPEG,
    NAMESPACES,
    FakeOnvif,
    fake_onvif,
    media_uri,
    never,
    soap,
    soap_fault,
    streams,
    trickles,
)
from vedette.kernel.clock import SystemClock
from vedette.kernel.errors import Fault
from vedette.services.vst.adapters.onvif import OnvifDevice
from vedette.services.vst.adapters.onvif import probe as probe_at
from vedette.services.vst.adapters.resolver import CameraDialler
from vedette.services.vst.core.onvif_types import Capabilities, Device, DeviceInfo, Profile
from vedette.services.vst.model import Credentials

pytestmark = pytest.mark.anyio
LOOPBACK = ("127.0.0.0/8",)
PASSWORD = "canary-Pa55/w@rd"
KNOWN = Credentials("admin", PASSWORD)


def client(device: FakeOnvif, known: Credentials | None = None, *, timeout_s: float = 5.0) -> OnvifDevice:
    return OnvifDevice(device.address, known, dialler=CameraDialler(LOOPBACK), clock=SystemClock(), timeout_s=timeout_s)


async def probed(device: FakeOnvif, known: Credentials | None = None) -> Device:
    async with fake_onvif(device):
        return await probe_at(device.address, known, dialler=CameraDialler(LOOPBACK), clock=SystemClock())


async def refused(device: FakeOnvif, known: Credentials | None = None, *, timeout_s: float = 5.0) -> Fault:
    async with fake_onvif(device), client(device, known, timeout_s=timeout_s) as asking:
        with pytest.raises(Fault) as caught:
            await asking.probe()
    assert PASSWORD not in caught.value.message
    return caught.value


async def test_a_device_of_profile_s_is_known_after_a_probe() -> None:
    found = await probed(FakeOnvif())
    assert found.info == DeviceInfo("Fake & Sons", "F1", "1.2", "F-0001", "HW")
    assert found.capabilities == Capabilities(ptz=True, imaging=True, events=True, media2=False)
    assert found.endpoint == "urn:uuid:fa4e"
    assert found.clock_offset_s is not None
    assert abs(found.clock_offset_s) < 5
    assert found.problems == {}
    main, sub = found.main, found.sub
    assert main is not None
    assert sub is not None
    assert (main.token, main.codec, main.width, main.height, main.fps, main.bitrate, main.gov, main.has_audio) == (
        "P1", "h264", 1920, 1080, 25.0, 4096, 50, True,
    )  # fmt: skip
    assert (sub.token, sub.width, sub.has_audio) == ("P2", 640, False)
    assert main.stream_url == "rtsp://127.0.0.1/live?a=1&b=2"


async def test_media2_is_preferred_because_it_knows_more_codecs() -> None:
    found = await probed(FakeOnvif(services=("media", "media2")))
    assert found.capabilities.media2
    assert [(item.token, item.codec, item.gov, item.width) for item in found.profiles] == [("M1", "hevc", 60, 3840)]


@pytest.mark.parametrize("host", ["192.168.99.99:80", "camera.invalid", "169.254.169.254", "[fe80::1]:8080"])
async def test_whatever_address_a_device_tells_the_reached_one_is_used(host: str) -> None:
    found = await probed(FakeOnvif(told_host=host))
    assert found.main is not None
    assert found.main.stream_url.startswith("rtsp://127.0.0.1")
    assert found.main.snapshot_url.startswith("http://127.0.0.1:")


@pytest.mark.parametrize(
    "namespaces",
    [
        NAMESPACES.replace("http://www.onvif.org/ver10/", "http://example.com/wrong/"),
        'xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"',  # every other prefix is undeclared
    ],
)
async def test_wrong_and_undeclared_name_spaces_are_read(namespaces: str) -> None:
    found = await probed(FakeOnvif(namespaces=namespaces))
    assert found.info.serial == "F-0001"
    assert len(found.profiles) == 2


async def test_one_failing_call_hides_no_other() -> None:
    device = FakeOnvif(replies={"GetDeviceInformation": soap_fault("Broken", "no"), "GetSnapshotUri": "<trt:Odd/>"})
    found = await probed(device)
    assert found.info == DeviceInfo()
    assert len(found.profiles) == 2
    assert list(found.problems) == ["GetDeviceInformation"]
    assert found.profiles[0].snapshot_url == ""


async def test_a_stream_without_a_usable_address_is_a_problem_and_no_profile() -> None:
    found = await probed(FakeOnvif(replies={"GetStreamUri": media_uri("file:///etc/passwd")}))
    assert found.profiles == ()
    assert set(found.problems) == {"GetStreamUri P1", "GetStreamUri P2"}


async def test_a_device_without_get_services_is_asked_for_its_capabilities() -> None:
    told = (
        "<tds:GetCapabilitiesResponse><tds:Capabilities><tt:Media><tt:XAddr>http://10.0.0.9/onvif/media</tt:XAddr></tt:Media>"
        "<tt:PTZ><tt:XAddr>http://10.0.0.9/onvif/ptz</tt:XAddr></tt:PTZ></tds:Capabilities></tds:GetCapabilitiesResponse>"
    )
    device = FakeOnvif(replies={"GetServices": soap_fault("ActionNotSupported", "no"), "GetCapabilities": told})
    found = await probed(device)
    assert found.capabilities == Capabilities(ptz=True)
    assert len(found.profiles) == 2


@pytest.mark.parametrize("http_digest", [False, True])
@pytest.mark.parametrize("skew_s", [0.0, -86_400.0 * 365, 7200.0])
async def test_a_password_is_proven_on_the_clock_of_the_camera(http_digest: bool, skew_s: float) -> None:
    device = FakeOnvif(password=PASSWORD, http_digest=http_digest, clock_skew_s=skew_s)
    found = await probed(device, KNOWN)
    assert found.info.serial == "F-0001"
    assert found.clock_offset_s == pytest.approx(skew_s, abs=5)
    assert not any(PASSWORD in document for _name, document in device.asked)


@pytest.mark.parametrize("http_digest", [False, True])
async def test_a_wrong_password_is_said_so_after_few_tries(http_digest: bool) -> None:
    device = FakeOnvif(password="another", http_digest=http_digest)
    fault = await refused(device, KNOWN)
    assert (fault.code, fault.status) == ("CameraUnauthorizedError", 403)
    assert len(device.asked) <= 3  # cameras lock accounts


async def test_a_locked_camera_asks_for_a_password() -> None:
    fault = await refused(FakeOnvif(password="another"))
    assert (fault.code, fault.status) == ("CameraUnauthorizedError", 403)
    assert "Give both" in fault.message


async def test_a_silent_camera_is_given_up() -> None:
    fault = await refused(FakeOnvif(replies={"GetSystemDateAndTime": never}), timeout_s=0.2)
    assert (fault.code, fault.status) == ("DeviceRequestTimeoutError", 408)


async def test_a_camera_that_trickles_is_given_up() -> None:
    fault = await refused(FakeOnvif(replies={"GetSystemDateAndTime": trickles}), timeout_s=0.2)
    assert (fault.code, fault.status) == ("DeviceRequestTimeoutError", 408)


async def test_nobody_there() -> None:
    device = FakeOnvif()
    async with fake_onvif(device):
        pass
    async with client(device) as asking:
        with pytest.raises(Fault, match="Nothing listens") as caught:
            await asking.probe()
    assert caught.value.status == 502


async def test_addresses_outside_the_allowed_networks_are_not_dialled() -> None:
    device = FakeOnvif()
    async with fake_onvif(device):
        with pytest.raises(Fault, match="outside the networks") as caught:
            await probe_at(device.address, None, dialler=CameraDialler(("10.0.0.0/8",)), clock=SystemClock())
    assert caught.value.status == 403
    assert device.asked == []


@pytest.mark.parametrize("where", ["ftp://h/", "http://", "http://h:0/", "http://h:99999", "a b", "http://[1/"])
async def test_what_is_no_address_is_refused(where: str) -> None:
    with pytest.raises(Fault) as caught:
        OnvifDevice(where, dialler=CameraDialler(LOOPBACK), clock=SystemClock())
    assert caught.value.status == 400


async def test_redirects_are_not_followed() -> None:
    other = FakeOnvif()
    async with fake_onvif(other):
        away = web.Response(
            status=307, headers={"Location": f"http://admin:secret@{other.address}/onvif/device_service"}
        )
        device = FakeOnvif(replies={"GetDeviceInformation": away})
        found = await probed(device)
    assert other.asked == []
    assert other.address in found.problems["GetDeviceInformation"]
    assert "secret" not in found.problems["GetDeviceInformation"]


BOMB = (
    '<!DOCTYPE b [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;">]>'
    + soap("<tds:GetDeviceInformationResponse/>").split("?>")[1]
)


@pytest.mark.parametrize(
    "reply",
    [
        web.Response(text=BOMB),
        web.Response(text=soap("<a>" * 100 + "</a>" * 100)),
        web.Response(text=soap("<a/>" * 100_000)),
        web.Response(body=soap("<a>\xe9</a>").encode("latin-1")),
        web.Response(body=gzip.compress(b" " * 10_000_000), headers={"Content-Encoding": "gzip"}),
        web.Response(body=b"\0" * 2_000_000),
        web.Response(text="<html><body>Login</body></html>", status=404),
        web.Response(text=""),
        web.Response(text=soap("<unclosed>")),
        streams(b"<a/>" * 1000),
    ],
    ids=["entities", "deep", "many", "latin", "gzip", "long", "page", "empty", "torn", "endless"],
)
async def test_hostile_answers_are_refused_and_hide_nothing(reply: web.StreamResponse) -> None:
    found = await probed(FakeOnvif(replies={"GetDeviceInformation": reply}))
    assert found.info == DeviceInfo()
    assert len(found.profiles) == 2
    assert set(found.problems) == {"GetDeviceInformation"}


@pytest.mark.parametrize("known", [None, KNOWN])
async def test_a_picture_is_fetched_with_digest(known: Credentials | None) -> None:
    device = FakeOnvif(password=PASSWORD if known else None, told_host="192.168.77.1")
    async with fake_onvif(device), client(device, known) as asking:
        found = await asking.probe()
        assert found.main is not None
        assert await asking.snapshot(found.main) == JPEG


async def test_a_picture_is_asked_for_when_its_address_is_not_known() -> None:
    async with fake_onvif(FakeOnvif()) as device, client(device) as asking:
        assert await asking.snapshot(Profile("P1")) == JPEG


@pytest.mark.parametrize(
    ("reply", "status"),
    [(media_uri("file:///etc/passwd"), 501), (media_uri("http://10.0.0.9/none.jpg"), 404)],
)
async def test_a_picture_that_is_not_there(reply: str, status: int) -> None:
    device = FakeOnvif(replies={"GetSnapshotUri": reply})
    async with fake_onvif(device), client(device) as asking:
        with pytest.raises(Fault) as caught:
            await asking.snapshot(Profile("P1"))
    assert caught.value.status == status


async def test_a_stored_address_of_another_host_is_not_fetched() -> None:
    async with fake_onvif(FakeOnvif()) as device, client(device) as asking:
        with pytest.raises(Fault, match="another host") as caught:
            await asking.snapshot(Profile("P1", snapshot_url="http://127.0.0.2/picture.jpg"))
    assert caught.value.status == 502


async def test_a_device_that_hides_its_clock_is_read_by_the_date_of_its_replies() -> None:
    device = FakeOnvif(password=PASSWORD, clock_skew_s=0.0, replies={"GetSystemDateAndTime": soap_fault("No", "no")})
    found = await probed(device, KNOWN)
    assert found.info.serial == "F-0001"
    assert found.clock_offset_s == pytest.approx(0, abs=5)


async def test_what_is_no_picture_is_refused() -> None:
    device = FakeOnvif(picture=b"<html>")
    async with fake_onvif(device), client(device) as asking:
        found = await asking.probe()
        assert found.main is not None
        with pytest.raises(Fault) as caught:
            await asking.snapshot(found.main)
    assert caught.value.status == 415


async def test_a_clock_that_was_set_is_read_again() -> None:
    device = FakeOnvif(password=PASSWORD)
    clock = SystemClock()

    class LaterClock(SystemClock):
        ahead_s = 0.0

        @override
        def monotonic(self) -> float:
            return clock.monotonic() + self.ahead_s

    later = LaterClock()
    async with (
        fake_onvif(device),
        OnvifDevice(device.address, KNOWN, dialler=CameraDialler(LOOPBACK), clock=later) as asking,
    ):
        await asking.info()
        device.clock_skew_s = 3600
        with pytest.raises(Fault):
            await asking.info()
        later.ahead_s = 60.0
        assert (await asking.info()).serial == "F-0001"
