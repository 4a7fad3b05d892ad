"""Looking for cameras: who counts as found, and what nobody can do to the one who looks."""

import socket
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager

import anyio
import pytest

from tests.fakes.discovery_responder import match, responder
from vedette.kernel.clock import FakeClock, SystemClock
from vedette.kernel.errors import Fault
from vedette.services.vst.adapters.discovery import Discovery, Found, Gone
from vedette.services.vst.core.onvif_discovery import GROUP

pytestmark = pytest.mark.anyio
LOOPBACK = ("127.0.0.0/8",)
GATE = Found(
    endpoint="urn:uuid:1",
    xaddrs=("http://127.0.0.1:8080/onvif/device_service",),
    name="Gate Cam",
    hardware="M1",
    address="127.0.0.1",
)


async def scanned(looking: Discovery, clock: FakeClock, *targets: str) -> list[Found]:
    """A whole scan. Loopback delivers while it is sent, so a few turns of the loop carry question and answer."""
    scans: list[list[Found]] = []

    async def scan() -> None:
        scans.append(await looking.scan(targets, multicast=False))

    async with anyio.create_task_group() as group:
        group.start_soon(scan)
        while not scans:
            for _ in range(50):
                await anyio.lowlevel.checkpoint()
            clock.advance(1.5)
    return scans[0]


async def found_by_unicast(answers: Callable[[str], list[bytes]], target: str = "127.0.0.1") -> list[Found]:
    """What a scan finds when loopback answers so."""
    clock = FakeClock()
    async with responder(answers, []) as port:
        return await scanned(Discovery(LOOPBACK, clock=clock, port=port), clock, target)


async def test_a_camera_is_found_once_however_often_it_answers() -> None:
    assert await found_by_unicast(lambda asked: [match(relates_to=asked), match(relates_to=asked)]) == [GATE]


async def test_several_devices_behind_one_address_are_several() -> None:
    found = await found_by_unicast(lambda asked: [match("urn:uuid:1"), match("urn:uuid:2", relates_to=asked)])
    assert [item.endpoint for item in found] == ["urn:uuid:1", "urn:uuid:2"]


@pytest.mark.parametrize(
    ("told", "xaddrs"),
    [
        ("http://192.168.7.7/onvif/device_service", ("http://127.0.0.1/onvif/device_service",)),
        ("https://camera.local:8443/x", ("https://127.0.0.1:8443/x",)),
        ("http://127.0.0.9/x http://127.0.0.1:81/y", ("http://127.0.0.1:81/y", "http://127.0.0.9/x")),
        ("file:///etc/passwd http://[ ftp://h/", ("http://127.0.0.1/onvif/device_service",)),
        ("", ("http://127.0.0.1/onvif/device_service",)),
    ],
)
async def test_addresses_lead_to_allowed_networks_only(told: str, xaddrs: tuple[str, ...]) -> None:
    [found] = await found_by_unicast(lambda asked: [match(relates_to=asked, xaddrs=told)])
    assert found.xaddrs == xaddrs


@pytest.mark.parametrize(
    "answer",
    [
        match(relates_to="urn:uuid:another-question"),
        match(types="wsdp:Device pwg:Printer", scopes="http://printer/"),
        match(endpoint=""),
        match(kind="Hello"),
        b"<!DOCTYPE a><a/>",
        b"\xff" * 60_000,
        b"<a>" * 20_000,
        match().replace(b"</s:Envelope>", b""),
        match(scopes="x " * 30_000),
        b"",
    ],
    ids=["foreign", "printer", "nameless", "hello", "doctype", "bytes", "deep", "torn", "large", "empty"],
)
async def test_what_does_not_answer_us_is_not_found(answer: bytes) -> None:
    found = await found_by_unicast(lambda asked: [answer, match("urn:uuid:good", relates_to=asked)])
    assert "urn:uuid:good" in [item.endpoint for item in found]
    assert len(found) == (2 if answer == match(scopes="x " * 30_000) else 1)


async def test_a_flood_from_one_address_is_read_in_part() -> None:
    found = await found_by_unicast(
        lambda asked: [match(f"urn:uuid:{number}", relates_to=asked) for number in range(100)]
    )
    assert 0 < len(found) <= 16


async def test_answers_from_outside_the_allowed_networks_are_not_heard() -> None:
    asked: list[bytes] = []
    async with responder(lambda asked: [match(relates_to=asked)], asked) as port:
        looking = Discovery(("10.0.0.0/8",), clock=FakeClock(), port=port)
        with pytest.raises(Fault) as caught:
            await looking.scan(["127.0.0.1"], multicast=False)
        assert caught.value.status == 403
        assert asked == []


async def test_hello_from_outside_the_allowed_networks_is_not_heard() -> None:
    async with listening(("10.0.0.0/8",)) as (port, heard):
        for _ in range(50):
            send_to_group(port, match(kind="Hello"), match(kind="Bye"))
            await anyio.lowlevel.checkpoint()
    assert heard == []


@pytest.mark.parametrize("target", ["camera.local", "10.0.0.0/8", "fd00::/120", "", "10.0.0.1; rm"])
async def test_what_cannot_be_asked(target: str) -> None:
    looking = Discovery(("10.0.0.0/8", "fd00::/8"), clock=FakeClock())
    with pytest.raises(Fault) as caught:
        await looking.scan([target])
    assert caught.value.status == 400


async def test_a_network_is_asked_address_by_address() -> None:
    found = await found_by_unicast(lambda asked: [match(relates_to=asked)], "127.0.0.0/30")
    assert found == [GATE]


@pytest.mark.parametrize("interfaces", [("192.0.2.77",), ("none0",)])
async def test_an_interface_that_is_not_there(interfaces: tuple[str, ...]) -> None:
    with pytest.raises(Fault, match="discovery_interfaces") as caught:
        await Discovery(LOOPBACK, clock=FakeClock(), interfaces=interfaces).scan()
    assert caught.value.status == 502


def send_to_group(port: int, *datagrams: bytes) -> None:
    """As a camera does that starts or stops."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sending:
        sending.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton("127.0.0.1"))
        sending.bind(("127.0.0.1", 0))
        for datagram in datagrams:
            sending.sendto(datagram, (GROUP, port))


@asynccontextmanager
async def listening(networks: tuple[str, ...]) -> AsyncIterator[tuple[int, list[Found | Gone]]]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        asking.bind(("127.0.0.1", 0))
        port = asking.getsockname()[1]
    heard: list[Found | Gone] = []
    looking = Discovery(networks, clock=SystemClock(), interfaces=("127.0.0.1",), port=port)

    async def listen() -> None:
        async with aclosing(looking.announcements()) as told:
            async for item in told:
                heard.append(item)

    async with anyio.create_task_group() as group:
        group.start_soon(listen)
        yield port, heard
        group.cancel_scope.cancel()


async def test_cameras_that_come_and_go_are_heard() -> None:
    last = match("urn:uuid:last", kind="Hello")
    async with listening(LOOPBACK) as (port, heard):
        with anyio.fail_after(20):
            while not heard:  # the socket is open when the first one is heard
                send_to_group(port, match(kind="Hello"))
                await anyio.lowlevel.checkpoint()
            heard.clear()
            send_to_group(port, match(), b"rubbish", match(kind="Bye", types="", scopes=""), last)
            while not any(isinstance(item, Found) and item.endpoint == "urn:uuid:last" for item in heard):
                await anyio.lowlevel.checkpoint()
    assert Gone("urn:uuid:1", "127.0.0.1") in heard
    assert all(item == GATE for item in heard if isinstance(item, Found) and item.endpoint == "urn:uuid:1")
