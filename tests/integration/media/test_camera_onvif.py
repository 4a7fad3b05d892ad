"""`vedette camera` as ONVIF devices: found by discovery, asked over SOAP, streamed from what they say."""

import asyncio
import json
import os
import socket
import sys
import uuid
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread
import pytest

from tests.support import clips
from tests.support.rtsp_client import raw_http, signed
from tests.support.soap import ask, security
from vedette.kernel.clock import SystemClock, to_datetime
from vedette.kernel.errors import Fault
from vedette.tools.camera import Camera, FaultOrder, Opener, OpenReel, Shelf, StreamSpec, open_file, open_scene
from vedette.tools.camera.control import Control
from vedette.tools.camera.onvif.xml import Node, parse
from vedette.tools.camera.presence import Presence
from vedette.tools.camera.web import WebServer

CLOCK = SystemClock()
type Work = Callable[[Camera, Presence], Awaitable[None]]


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("clip") / "gate.h264"
    path.write_bytes(b"".join(unit.data for unit in clips.encode(25, gop=5)))
    return path


def with_device(source: Opener, work: Work, *, addresses: list[str] | None = None, **options: Any) -> None:
    async def run() -> None:
        with anyio.fail_after(60):
            async with (
                Camera({"Front door": source}, clock=CLOCK, subs={"Front door": source}, addresses=addresses) as camera,
                Presence(camera, **options) as presence,
            ):
                await work(camera, presence)

    anyio.run(run)


async def uri_of(url: str, prefix: str, operation: str, token: str) -> str:
    status, reply = await ask(url, prefix, operation, f"<{prefix}:ProfileToken>{token}</{prefix}:ProfileToken>")
    assert status == 200
    return next(node.text for node in reply.walk() if node.name == "Uri")


def test_who_it_is_and_where_its_streams_are(clip: Path) -> None:
    async def work(camera: Camera, presence: Presence) -> None:
        url = presence.url("Front door")
        status, reply = await ask(url, "tds", "GetDeviceInformation")
        assert status == 200
        assert (reply.value("Manufacturer"), len(reply.value("SerialNumber"))) == ("Vedette", 12)
        _, reply = await ask(url, "tds", "GetServices", "<tds:IncludeCapability>false</tds:IncludeCapability>")
        services = {node.value("Namespace"): node.value("XAddr") for node in reply.children}
        assert len(services) == 6
        media = services["http://www.onvif.org/ver10/media/wsdl"]
        _, reply = await ask(media, "trt", "GetProfiles")
        assert [node.attributes["token"] for node in reply.children] == ["profile_main", "profile_sub"]
        assert await uri_of(media, "trt", "GetStreamUri", "profile_main") == camera.url("Front door")
        assert await uri_of(media, "trt", "GetStreamUri", "profile_sub") == camera.url("Front door", sub=True)
        assert camera.url("Front door").endswith("/Front%20door")
        media2 = services["http://www.onvif.org/ver20/media/wsdl"]
        _, reply = await ask(media2, "tr2", "GetProfiles", "<tr2:Type>All</tr2:Type>")
        assert reply.children[0].value("Configurations", "VideoEncoder", "Encoding") == "H264"
        assert await uri_of(media2, "tr2", "GetStreamUri", "profile_main") == camera.url("Front door")
        status, reply = await ask(media, "trt", "GetStreamUri", "<trt:ProfileToken>other</trt:ProfileToken>")
        assert (status, reply.name) == (400, "Fault")

    with_device(open_file(clip), work)


def test_every_reading_operation_answers(clip: Path) -> None:
    source = "<timg:VideoSourceToken>video_source</timg:VideoSourceToken>"
    operations = [
        *(("tds", name, "") for name in ("GetSystemDateAndTime", "GetCapabilities", "GetScopes", "GetHostname")),
        *(("tds", name, "") for name in ("GetNetworkInterfaces", "GetNetworkProtocols", "GetUsers", "GetDNS")),
        *(
            ("tds", name, "")
            for name in ("GetNTP", "GetNetworkDefaultGateway", "GetServiceCapabilities", "GetEndpointReference")
        ),
        *(
            ("trt", name, "")
            for name in ("GetVideoSources", "GetVideoEncoderConfigurations", "GetAudioEncoderConfigurations")
        ),
        ("trt", "GetVideoEncoderConfigurationOptions", ""),
        ("tr2", "GetVideoEncoderConfigurations", ""),
        ("tr2", "GetVideoEncoderConfigurationOptions", ""),
        ("timg", "GetImagingSettings", source),
        ("timg", "GetOptions", source),
        *(("tptz", name, "") for name in ("GetNodes", "GetNode", "GetConfigurations", "GetConfigurationOptions")),
        ("tptz", "GetStatus", ""),
        ("tptz", "GetPresets", ""),
        ("tev", "GetEventProperties", ""),
    ]

    async def work(_camera: Camera, presence: Presence) -> None:
        for prefix, name, inner in operations:
            status, reply = await ask(presence.url("Front door"), prefix, name, inner)
            assert (status, reply.name) == (200, f"{name}Response")
        status, reply = await ask(presence.url("Front door"), "tds", "StartFirmwareUpgrade")
        assert (status, reply.name) == (500, "Fault")

    with_device(open_file(clip), work)


def test_passwords_by_token_and_by_http_digest(clip: Path) -> None:
    async def work(_camera: Camera, presence: Presence) -> None:
        url = presence.url("Front door")
        assert (await ask(url, "tds", "GetSystemDateAndTime"))[0] == 200
        assert (await ask(url, "tds", "GetUsers"))[0] == 401
        now_us = CLOCK.now()
        for user, password, at_us, expected in (
            ("u", "p", now_us, 200),
            ("u", "q", now_us, 401),
            ("v", "p", now_us, 401),
            ("u", "p", now_us - 3_600_000_000, 401),
        ):
            assert (await ask(url, "tds", "GetUsers", header=security(user, password, at_us)))[0] == expected
        port = int(url.split(":")[2].split("/")[0])
        path = "/onvif/snapshot/main.jpg"
        challenge = await challenge_of(port, path)
        answer = signed(challenge, method="GET", uri=path, user="u", password="p")
        while (reply := await raw_http(port, "GET", path, b"", ("Authorization", answer)))[0] == 503:
            await anyio.sleep(0.05)
        assert reply[0] == 200
        assert reply[1].startswith(b"\xff\xd8")

    with_device(open_file(clip), work, credentials={"u": "p"})


async def challenge_of(port: int, path: str) -> str:
    async with await anyio.connect_tcp("127.0.0.1", port) as stream:
        await stream.send(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        head = (await stream.receive()).decode()
    return next(line.partition(": ")[2] for line in head.split("\r\n") if "SHA-256" in line)


def test_a_wrong_clock_is_told_and_counts(clip: Path) -> None:
    async def work(camera: Camera, presence: Presence) -> None:
        url = presence.url("Front door")
        camera.obey(FaultOrder(fault="clock_jump", wall_seconds=-86_400 * 366))
        _, reply = await ask(url, "tds", "GetSystemDateAndTime")
        year = int(next(node.value("Year") for node in reply.walk() if node.name == "Date"))
        now_us = CLOCK.now()
        assert year < to_datetime(now_us).year
        assert (await ask(url, "tds", "GetUsers", header=security("u", "p", now_us)))[0] == 401
        skewed_us = now_us - 86_400 * 366 * 1_000_000
        assert (await ask(url, "tds", "GetUsers", header=security("u", "p", skewed_us)))[0] == 200

    with_device(open_file(clip), work, credentials={"u": "p"})


def test_ptz_imaging_and_encoder_remember(clip: Path) -> None:
    profile = "<tptz:ProfileToken>profile_main</tptz:ProfileToken>"

    async def work(camera: Camera, presence: Presence) -> None:
        url = presence.url("Front door")
        move = f'{profile}<tptz:Position><tt:PanTilt x="0.5" y="-0.25"/><tt:Zoom x="0.1"/></tptz:Position>'
        assert (await ask(url, "tptz", "AbsoluteMove", move))[0] == 200
        _, reply = await ask(url, "tptz", "SetPreset", f"{profile}<tptz:PresetName>Gate</tptz:PresetName>")
        token = reply.value("PresetToken")
        step = f'{profile}<tptz:Translation><tt:PanTilt x="-1" y="0"/></tptz:Translation>'
        assert (await ask(url, "tptz", "RelativeMove", step))[0] == 200
        assert await pan(url) == -0.5
        assert (await ask(url, "tptz", "GotoPreset", f"{profile}<tptz:PresetToken>{token}</tptz:PresetToken>"))[
            0
        ] == 200
        assert await pan(url) == 0.5
        speed = f'{profile}<tptz:Velocity><tt:PanTilt x="0.9" y="0"/></tptz:Velocity><tptz:Timeout>PT5S</tptz:Timeout>'
        assert (await ask(url, "tptz", "ContinuousMove", speed))[0] == 200
        while await pan(url) == 0.5:
            await anyio.sleep(0.02)
        assert (await ask(url, "tptz", "Stop", profile))[0] == 200
        assert await pan(url) == await pan(url)
        wrong = f'{profile}<tptz:Position><tt:PanTilt x="3" y="0"/></tptz:Position>'
        assert (await ask(url, "tptz", "AbsoluteMove", wrong))[0] == 400
        assert (await ask(url, "tptz", "RemovePreset", f"{profile}<tptz:PresetToken>9</tptz:PresetToken>"))[0] == 400

        source = "<timg:VideoSourceToken>video_source</timg:VideoSourceToken>"
        wanted = f"{source}<timg:ImagingSettings><tt:Contrast>70</tt:Contrast></timg:ImagingSettings>"
        assert (await ask(url, "timg", "SetImagingSettings", wanted))[0] == 200
        _, reply = await ask(url, "timg", "GetImagingSettings", source)
        assert reply.children[0].value("Contrast") == "70"

        size = "<tt:Resolution><tt:Width>640</tt:Width><tt:Height>360</tt:Height></tt:Resolution>"
        rate = "<tt:RateControl><tt:FrameRateLimit>10</tt:FrameRateLimit></tt:RateControl>"
        inner = f'<trt:Configuration token="encoder_main">{size}{rate}</trt:Configuration>'
        assert (await ask(url, "trt", "SetVideoEncoderConfiguration", inner))[0] == 200
        await until(lambda: (video := camera.devices["Front door"].main.pump.video) is not None and video.width == 640)
        small = inner.replace("640", "64")
        assert (await ask(url, "trt", "SetVideoEncoderConfiguration", small))[0] == 400

    with_device(open_scene(width=320, height=180), work)


async def until(check: Callable[[], bool]) -> None:
    while not check():
        await anyio.sleep(0.02)


async def pan(url: str) -> float:
    _, reply = await ask(url, "tptz", "GetStatus", "<tptz:ProfileToken>profile_main</tptz:ProfileToken>")
    return float(next(node.attributes["x"] for node in reply.walk() if node.name == "PanTilt"))


def test_another_codec_is_asked_for_and_told_by_media2_alone(clip: Path) -> None:
    wanted = (
        '<tr2:Configuration token="encoder_main" GovLength="10"><tt:Encoding>H265</tt:Encoding><tt:RateControl>'
        "<tt:FrameRateLimit>10</tt:FrameRateLimit></tt:RateControl></tr2:Configuration>"
    )

    async def work(camera: Camera, presence: Presence) -> None:
        url = presence.url("Front door")
        token = "<tr2:ConfigurationToken>encoder_main</tr2:ConfigurationToken>"
        assert (await ask(url, "tr2", "SetVideoEncoderConfiguration", wanted))[0] == 200
        await until(
            lambda: (video := camera.devices["Front door"].main.pump.video) is not None and video.codec == "hevc"
        )
        _, reply = await ask(url, "tr2", "GetVideoEncoderConfigurations", token)
        assert (reply.children[0].value("Encoding"), reply.children[0].attributes["GovLength"]) == ("H265", "10")
        _, reply = await ask(url, "tr2", "GetProfiles", "<tr2:Token>profile_main</tr2:Token><tr2:Type>All</tr2:Type>")
        assert len(reply.children) == 1
        assert reply.children[0].value("Configurations", "AudioEncoder", "Encoding") == "MP4A-LATM"
        _, reply = await ask(url, "trt", "GetProfiles")
        assert reply.children[0].child("VideoEncoderConfiguration") is None
        assert reply.children[0].value("AudioEncoderConfiguration", "Encoding") == "AAC"
        _, reply = await ask(url, "trt", "GetProfile", "<trt:ProfileToken>profile_main</trt:ProfileToken>")
        assert reply.children[0].attributes["token"] == "profile_main"
        for prefix in ("trt", "tr2"):
            inner = f"<{prefix}:ProfileToken>profile_main</{prefix}:ProfileToken>"
            assert (await ask(url, prefix, "SetSynchronizationPoint", inner))[0] == 200
        assert (await uri_of(url, "tr2", "GetSnapshotUri", "profile_main")).endswith("/onvif/snapshot/main.jpg")

    with_device(OpenReel(StreamSpec(width=320, height=180, fps=10, gop=5, audio="aac"), Shelf()), work)


def test_a_file_stays_as_it_is(clip: Path) -> None:
    async def work(camera: Camera, presence: Presence) -> None:
        await camera.devices["Front door"].main.pump.parameters()
        size = "<tt:Resolution><tt:Width>640</tt:Width><tt:Height>360</tt:Height></tt:Resolution>"
        inner = f'<trt:Configuration token="encoder_main">{size}</trt:Configuration>'
        status, reply = await ask(presence.url("Front door"), "trt", "SetVideoEncoderConfiguration", inner)
        assert (status, "recording" in reply.value("Reason", "Text")) == (400, True)

    with_device(open_file(clip), work)


def test_a_taken_port_is_said_at_once(clip: Path) -> None:
    async def work(camera: Camera, presence: Presence) -> None:
        port = int(presence.url("Front door").split(":")[2].split("/")[0])
        with pytest.raises(OSError, match="in use"):
            async with Presence(camera, port=port):
                pass
        with pytest.raises(OSError, match="in use"):
            async with Camera({"a": open_file(clip)}, clock=CLOCK, port=camera.port):
                pass

    with_device(open_file(clip), work)


@pytest.mark.parametrize(
    ("prefix", "operation", "inner"),
    [
        ("tds", "SetHostname", "<tds:Name>a b</tds:Name>"),
        ("tds", "SetNetworkInterfaces", "<tds:InterfaceToken>eth9</tds:InterfaceToken>"),
        ("timg", "GetImagingSettings", "<timg:VideoSourceToken>x</timg:VideoSourceToken>"),
        (
            "timg",
            "SetImagingSettings",
            "<timg:VideoSourceToken>video_source</timg:VideoSourceToken><timg:ImagingSettings>"
            "<tt:Contrast>900</tt:Contrast></timg:ImagingSettings>",
        ),
        ("trt", "SetVideoEncoderConfiguration", ""),
        ("trt", "SetVideoEncoderConfiguration", '<trt:Configuration token="x"/>'),
        ("tr2", "SetVideoEncoderConfiguration", '<tr2:Configuration token="encoder_main"/>'),
        ("tptz", "AbsoluteMove", ""),
        ("tptz", "AbsoluteMove", '<tptz:Position><tt:PanTilt x="left" y="0"/></tptz:Position>'),
        ("tptz", "ContinuousMove", "<tptz:Velocity/><tptz:Timeout>soon</tptz:Timeout>"),
        ("tptz", "SetPreset", "<tptz:PresetToken>7</tptz:PresetToken>"),
        ("tptz", "GotoPreset", ""),
        ("tev", "CreatePullPointSubscription", "<tev:InitialTerminationTime>P9D</tev:InitialTerminationTime>"),
        ("tev", "CreatePullPointSubscription", "<tev:InitialTerminationTime>PT9H</tev:InitialTerminationTime>"),
        ("tev", "PullMessages", ""),
        ("wsnt", "Renew", ""),
    ],
)
def test_what_makes_no_sense_is_a_fault(clip: Path, prefix: str, operation: str, inner: str) -> None:
    async def work(_camera: Camera, presence: Presence) -> None:
        status, reply = await ask(presence.url("Front door"), prefix, operation, inner)
        assert (status, reply.name) == (400, "Fault")
        assert reply.value("Reason", "Text")

    with_device(open_file(clip), work)


def test_motion_reaches_a_pull_point(clip: Path) -> None:
    async def pull(url: str, wait: str) -> list[str]:
        inner = f"<tev:Timeout>{wait}</tev:Timeout><tev:MessageLimit>10</tev:MessageLimit>"
        status, reply = await ask(url, "tev", "PullMessages", inner)
        assert status == 200
        return [node.attributes["Value"] for node in reply.walk() if node.attributes.get("Name") == "IsMotion"]

    async def work(camera: Camera, presence: Presence) -> None:
        web = WebServer(Control(camera, presence.set_motion).answer, camera.start)
        port = await web.open("127.0.0.1", 0)
        url = presence.url("Front door")
        _, reply = await ask(url, "tev", "CreatePullPointSubscription")
        point = reply.value("SubscriptionReference", "Address")
        assert await pull(point, "PT0S") == ["false"]
        async with anyio.create_task_group() as group:

            async def wait() -> None:
                assert await pull(point, "PT30S") == ["true"]

            group.start_soon(wait)
            order = b'{"camera": "Front door", "active": true}'
            assert (await raw_http(port, "POST", "/motion", order))[0] == 200
        assert (await raw_http(port, "POST", "/motion", b'{"camera": "no", "active": true}'))[0] == 404
        assert (await ask(point, "wsnt", "Renew", "<wsnt:TerminationTime>PT60S</wsnt:TerminationTime>"))[0] == 200
        camera.obey(FaultOrder(fault="endless_events"))
        assert len(await pull(point, "PT10S")) == 10
        camera.resume()
        assert (await ask(point, "wsnt", "Unsubscribe"))[0] == 200
        assert (await ask(point, "tev", "PullMessages", "<tev:Timeout>PT0S</tev:Timeout>"))[0] == 400
        web.close()

    with_device(open_file(clip), work)


def test_faults_reach_the_services_too(clip: Path) -> None:
    async def work(camera: Camera, presence: Presence) -> None:
        url = presence.url("Front door")
        port = int(url.split(":")[2].split("/")[0])
        camera.obey(FaultOrder(fault="unauthorized"))
        assert (await ask(url, "tds", "GetSystemDateAndTime"))[0] == 401
        camera.resume()
        camera.obey(FaultOrder(fault="xml_bomb"))
        status, body = await raw_http(port, "POST", "/onvif/device_service", b"<a/>")
        assert status == 200
        with pytest.raises(ValueError, match="document type"):
            parse(body)
        camera.resume()
        camera.obey(FaultOrder(fault="half_open"))
        with anyio.move_on_after(0.3) as scope:
            await raw_http(port, "GET", "/onvif/snapshot/main.jpg")
        assert scope.cancelled_caught

    with_device(open_file(clip), work)


def test_a_sloppy_device_names_what_nobody_reaches(clip: Path) -> None:
    async def work(_camera: Camera, presence: Presence) -> None:
        url = presence.url("Front door")
        status, reply = await ask(url, "trt", "GetProfiles")
        assert status == 200
        assert reply.namespace.endswith("/onvif/ver10/media/wsdl")
        assert "192.0.2.10" in await uri_of(url, "trt", "GetStreamUri", "profile_main")

    with_device(open_file(clip), work, sloppy=True)


# --- discovery -------------------------------------------------------------------------------------------------------

PROBE = (
    '<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" '
    'xmlns:a="http://schemas.xmlsoap.org/ws/2004/08/addressing" '
    'xmlns:d="http://schemas.xmlsoap.org/ws/2005/04/discovery">'
    "<s:Header><a:MessageID>{}</a:MessageID></s:Header><s:Body>{}</s:Body></s:Envelope>"
)


def question(address: str, port: int, body: str) -> list[Node]:
    """What answers within a moment."""
    found: list[Node] = []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton("127.0.0.1"))
        sock.settimeout(0.7)
        message_id = f"urn:uuid:{uuid.uuid4()}"
        sock.sendto(PROBE.format(message_id, body).encode(), (address, port))
        while True:
            try:
                root = parse(sock.recv(65_536))
            except TimeoutError:
                return found
            assert root.value("Header", "RelatesTo") == message_id
            found.append(root)


def endpoints(answers: list[Node]) -> list[str]:
    return [node.value("Address") for root in answers for node in root.walk() if node.name == "EndpointReference"]


def test_discovery_by_multicast_and_unicast_and_a_new_address(clip: Path) -> None:
    async def work(camera: Camera, presence: Presence) -> None:
        assert presence.responder is not None
        port = presence.responder.port
        probe = "<d:Probe><d:Types>NetworkVideoTransmitter</d:Types></d:Probe>"
        answers = await anyio.to_thread.run_sync(question, "239.255.255.250", port, probe)
        (endpoint,) = endpoints(answers)
        xaddrs = [node.text for root in answers for node in root.walk() if node.name == "XAddrs"]
        assert xaddrs == [presence.url("Front door")]
        assert endpoints(await anyio.to_thread.run_sync(question, "127.0.7.3", port, probe)) == [endpoint]
        resolve = f"<d:Resolve><a:EndpointReference><a:Address>{endpoint}</a:Address></a:EndpointReference></d:Resolve>"
        assert endpoints(await anyio.to_thread.run_sync(question, "127.0.7.3", port, resolve)) == [endpoint]
        printer = "<d:Probe><d:Types>Printer</d:Types></d:Probe>"
        assert await anyio.to_thread.run_sync(question, "127.0.7.3", port, printer) == []

        serial = camera.describe()[0]["serialNumber"]
        camera.obey(FaultOrder(fault="reboot", seconds=0.2, host="127.0.7.4"))
        while "127.0.7.4" not in presence.url("Front door") or not presence.hosts["Front door"].is_up:
            await anyio.sleep(0.05)
        _, reply = await ask(presence.url("Front door"), "tds", "GetDeviceInformation")
        assert reply.value("SerialNumber") == serial
        assert endpoints(await anyio.to_thread.run_sync(question, "127.0.7.4", port, probe)) == [endpoint]
        async with await anyio.connect_tcp("127.0.7.4", camera.port):
            pass

    with_device(open_file(clip), work, addresses=["127.0.7.3"], discovery=0)


def test_a_new_address_by_onvif_and_restarts(clip: Path) -> None:
    manual = "<tt:Manual><tt:Address>{}</tt:Address><tt:PrefixLength>8</tt:PrefixLength></tt:Manual>"
    moved = (
        "<tds:InterfaceToken>eth0</tds:InterfaceToken><tds:NetworkInterface><tt:IPv4>"
        f"{manual}<tt:DHCP>false</tt:DHCP></tt:IPv4></tds:NetworkInterface>"
    )

    async def work(camera: Camera, presence: Presence) -> None:
        url = presence.url("Front door")
        with pytest.raises(Fault, match="no address of this machine"):
            camera.obey(FaultOrder(fault="reboot", host="192.0.2.1"))
        assert (await ask(url, "tds", "SetNetworkInterfaces", moved.format("192.0.2.1")))[0] == 400
        assert (await ask(url, "tds", "SetNetworkInterfaces", moved.format("127.0.7.6")))[0] == 200
        while "127.0.7.6" not in camera.url("Front door") or not presence.hosts["Front door"].is_up:
            await anyio.sleep(0.05)
        assert (await ask(presence.url("Front door"), "tds", "SystemReboot"))[0] == 200
        await until(lambda: not presence.hosts["Front door"].is_up)
        await until(lambda: presence.hosts["Front door"].is_up)

    with_device(open_file(clip), work, addresses=["127.0.7.5"], reboot_s=0.2)


PROGRAM = """
import argparse, anyio
from vedette.tools import camera
parser = argparse.ArgumentParser()
camera.add_options(parser)
anyio.run(camera.serve, parser.parse_args())
"""


@pytest.mark.anyio
async def test_the_program_serves_all_of_it() -> None:
    scene = ("--cameras", "2", "--size", "320x180", "--fps", "5", "--sub", "--audio", "pcmu", "--stamps")
    network = ("--port", "0", "--addresses", "127.0.8.1", "--onvif", "0", "--motion", "0.2", "--control", "0")
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        PROGRAM,
        *scene,
        *network,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.getcwd()},
    )
    assert child.stdout is not None
    try:
        with anyio.fail_after(60):
            lines = [(await child.stdout.readline()).decode().strip() for _ in range(3)]
            assert [line.split("/")[2].split(":")[0] for line in lines] == ["127.0.8.1", "127.0.8.2", "127.0.0.1"]
            port = int(lines[2].rsplit(":", 1)[1])
            first, second = json.loads((await raw_http(port, "GET", "/cameras"))[1])
            assert first["rtsp"]["sub"] == f"{first['rtsp']['main']}/sub"
            assert first["serialNumber"] != second["serialNumber"]
            _, reply = await ask(second["onvif"], "tev", "CreatePullPointSubscription")
            point = reply.value("SubscriptionReference", "Address")
            moved = False
            while not moved:
                _, reply = await ask(point, "tev", "PullMessages", "<tev:Timeout>PT5S</tev:Timeout>")
                moved = any(node.attributes.get("Value") == "true" for node in reply.walk())
    finally:
        child.terminate()
        await child.wait()
