"""Cameras through the API: adding, states, events, secrets, and what goes wrong."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import anyio
import av
import pytest
from structlog.testing import capture_logs

from tests.support.asgi import VIEWER
from tests.support.vst_running import LOOPBACK, RELAY_SECRET, Running, running, settings_of
from vedette.kernel.clock import SystemClock
from vedette.kernel.errors import Fault
from vedette.schema.identity import Role, Subject
from vedette.tools.camera import Camera, open_scene

pytestmark = pytest.mark.anyio
PASSWORD = "canary-Pa55/w@rd"


@asynccontextmanager
async def a_camera(**more: object) -> AsyncIterator[Camera]:
    async with Camera({"scene": open_scene(fps=10, width=320, height=180)}, clock=SystemClock(), **more) as camera:  # type: ignore[arg-type]
        yield camera


@contextmanager
def a_web_server() -> Iterator[int]:
    """Something that listens and is no camera."""
    import socket
    import threading

    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            try:
                while True:
                    client, _ = server.accept()
                    with client:
                        client.recv(4096)
                        client.sendall(b"HTTP/1.0 200 OK\r\nContent-Type: text/html\r\n\r\n<html>")
            except OSError:
                return

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)
    thread.join(2)


async def test_a_camera_is_added_seen_and_removed(data_dir: Path) -> None:
    async with a_camera() as camera, running(data_dir) as vst:
        sensor_id = await vst.add(camera.url("scene"), "Gate", location="north", tags="door,out")
        await vst.until_online(sensor_id)
        [listed] = (await vst.ask("GET", "/sensor/list")).json
        assert (listed["sensorId"], listed["name"], listed["state"]) == (sensor_id, "Gate", "online")
        assert (listed["location"], listed["type"]) == ("north", "sensor_rtsp")
        [live] = (await vst.ask("GET", "/live/streams")).json
        [stream] = live[sensor_id]
        assert stream["streamId"] == sensor_id
        assert stream["isMain"] is True
        assert stream["metadata"]["codec"] == "H264"
        assert stream["metadata"]["resolution"] == "320x180"
        assert stream["url"] == f"rtsp://127.0.0.1:{vst.service.relay_port}/live/{sensor_id}"
        assert (await vst.ask("GET", f"/sensor/{sensor_id}/status")).json["state"] == "online"
        assert (await vst.ask("DELETE", f"/sensor/{sensor_id}")).status == 200
        assert (await vst.ask("GET", "/sensor/list")).json == []
        assert (await vst.ask("GET", f"/sensor/{sensor_id}/status")).status == 404
    changes = [(event.event.change, event.event.reason) for event in vst.events()]
    assert changes == [("camera_add", ""), ("camera_proxy", ""), ("camera_streaming", ""), ("camera_remove", "deleted")]
    streaming = vst.events()[2].event
    assert streaming.camera_url == stream["url"]
    assert (streaming.camera_name, streaming.tags) == ("Gate", "door,out")
    assert (streaming.metadata.codec, streaming.metadata.resolution) == ("H264", "320x180")
    assert vst.events()[0].event.camera_url == ""


async def test_the_relay_serves_the_camera_to_those_who_know_the_secret(data_dir: Path) -> None:
    def frames(url: str) -> int:
        with av.open(url, options={"rtsp_transport": "tcp"}, timeout=(5, 5)) as container:
            return sum(1 for _, _ in zip(container.decode(video=0), range(5), strict=False))

    async with a_camera() as camera, running(data_dir) as vst:
        sensor_id = await vst.add(camera.url("scene"), "Gate")
        await vst.until_online(sensor_id)
        host = f"127.0.0.1:{vst.service.relay_port}/live/{sensor_id}"
        assert await anyio.to_thread.run_sync(frames, f"rtsp://relay:{RELAY_SECRET}@{host}") == 5
        with pytest.raises(av.error.HTTPUnauthorizedError):
            await anyio.to_thread.run_sync(frames, f"rtsp://relay:wrong@{host}")


async def test_credentials_go_to_the_camera_and_nowhere_else(data_dir: Path) -> None:
    async with a_camera(credentials={"admin": PASSWORD}) as camera:
        with capture_logs() as logs:
            async with running(data_dir) as vst:
                sensor_id = await vst.add(camera.url("scene"), "Gate", username="admin", password=PASSWORD)
                await vst.until_online(sensor_id)
                replies = [
                    (await vst.ask("GET", path)).body
                    for path in ("/sensor/list", "/sensor/status", "/sensor/streams", "/live/streams",
                                 f"/sensor/{sensor_id}/info", "/sensor/configuration")
                ]  # fmt: skip
                wrong = await vst.ask(
                    "POST", "/sensor/add",
                    body={"sensorUrl": camera.url("scene").replace("rtsp://", "rtsp://admin:nope-canary@") + "?x",
                          "name": "Other"},
                )  # fmt: skip
        assert wrong.status == 403
        assert wrong.json["error_code"] == "CameraUnauthorizedError"
        canary = PASSWORD.split("/")[0]
        assert all(canary.encode() not in reply for reply in replies)
        assert canary not in repr(logs)
        assert "nope-canary" not in repr(logs) + wrong.body.decode()
        assert _files_with(data_dir, canary.encode()) == []
        assert (data_dir / "credentials.key").stat().st_mode & 0o777 == 0o600
        assert all(canary not in repr(event) for event in vst.events())
        async with running(data_dir) as again:
            await again.until_online(sensor_id)
            assert (await again.ask("POST", f"/sensor/{sensor_id}/credentials",
                                    body={"username": "admin", "password": "changed"})).status == 200  # fmt: skip
            await again.until_health(sensor_id, "offline")
            status = (await again.ask("GET", f"/sensor/{sensor_id}/status")).json
            assert status["errorCode"] == "CameraUnauthorizedError"


@pytest.mark.parametrize(
    ("url", "status", "code"),
    [
        ("rtsp://127.0.0.1:1/none", 502, "CommunicationError"),
        ("http://127.0.0.1/video", 400, "InvalidParameterError"),
        ("not a url", 400, "InvalidParameterError"),
        ("rtsp://10.255.255.1:554/x", 403, "ClientForbiddenError"),
        ("rtsp://169.254.169.254/latest", 403, "ClientForbiddenError"),
        ("rtsp://[::1]:554/x", 403, "ClientForbiddenError"),
        ("rtsp://no-such-host.invalid/x", 502, "CommunicationError"),
    ],
)
async def test_what_cannot_be_a_camera_is_refused(data_dir: Path, url: str, status: int, code: str) -> None:
    async with running(data_dir) as vst:
        reply = await vst.ask("POST", "/sensor/add", body={"sensorUrl": url, "name": "x"})
        assert (reply.status, reply.json["error_code"]) == (status, code)
        assert (await vst.ask("GET", "/sensor/list")).json == []
        assert vst.events() == []


async def test_loopback_is_refused_unless_it_is_allowed(data_dir: Path) -> None:
    async with running(data_dir, settings=settings_of(allowed_networks=("10.0.0.0/8",))) as vst:
        reply = await vst.ask("POST", "/sensor/add", body={"sensorUrl": "rtsp://localhost:554/x", "name": "x"})
        assert reply.status == 403
        assert "allowed_networks" in reply.json["error_message"]


async def test_a_web_server_is_no_camera(data_dir: Path) -> None:
    with a_web_server() as port:
        async with running(data_dir) as vst:
            reply = await vst.ask("POST", "/sensor/add", body={"sensorUrl": f"rtsp://127.0.0.1:{port}/", "name": "x"})
            assert reply.status in (400, 408)
            assert "RTSP" in reply.json["error_message"] or "answer" in reply.json["error_message"]


async def test_duplicates_and_the_limit_say_what_the_contract_says(data_dir: Path) -> None:
    async with a_camera(copies=3) as camera, running(data_dir, settings=settings_of(max_sensors=2)) as vst:
        first, second, third = (camera.url(f"scene-{number}") for number in range(3))
        await vst.add(first, "Gate")

        async def refusal(url: str, name: str) -> str:
            reply = await vst.ask("POST", "/sensor/add", body={"sensorUrl": url, "name": name})
            assert reply.status == 409
            return str(reply.json["error_message"])

        assert "Sensor exists already" in await refusal(first, "Other")
        assert "Sensor exists already" in await refusal(first.upper().replace("SCENE", "scene"), "Gate")
        assert "User given name is invalid or already exists" in await refusal(second, "Gate")
        await vst.add(second, "Door")
        assert "Sensors count limit reached" in await refusal(third, "Yard")
        reply = await vst.ask("POST", "/sensor/add", body={"sensorUrl": third, "name": "a\nb"})
        assert reply.status in (400, 409)


@pytest.mark.parametrize("body", [b"{", b"[]", b"null", b'{"sensorUrl": 7}', b"\xff\xfe", b"{}"])
async def test_malformed_bodies_are_400(data_dir: Path, body: bytes) -> None:
    async with running(data_dir) as vst:
        reply = await vst.ask("POST", "/sensor/add", body=body)
        assert reply.status == 400
        assert set(reply.json) == {"error_code", "error_message"}


async def test_adding_says_what_is_needed(data_dir: Path) -> None:
    async with running(data_dir) as vst:
        reply = await vst.ask("POST", "/sensor/add", body={"sensorIp": "192.0.2.1", "username": "", "password": ""})
        assert (reply.status, reply.json["error_code"]) == (403, "ClientForbiddenError")
        assert (await vst.ask("POST", "/sensor/add", body={"name": "Gate"})).status == 400
        odd = await vst.ask("POST", "/sensor/add", body={"sensorIp": "127.0.0.1:99999", "name": "Gate"})
        assert odd.status == 400


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/sensor/nope/status"), ("GET", "/sensor/nope/info"), ("GET", "/sensor/nope/streams"),
        ("DELETE", "/sensor/nope"), ("GET", "/storage/nope/timelines"), ("GET", "/storage/nope"),
        ("GET", "/storage/file/nope?startTime=2026-01-01T00:00:00Z&endTime=2026-01-01T00:01:00Z"),
        ("GET", "/live/stream/nope/picture"), ("GET", "/live/whep/nope/nope"), ("GET", "/record/nope/gaps"),
        ("GET", "/storage/stream/nope/picture?startTime=2026-01-01T00:00:00Z"),
    ],
)  # fmt: skip
async def test_unknown_ids_are_404(data_dir: Path, method: str, path: str) -> None:
    async with running(data_dir) as vst:
        assert (await vst.ask(method, path)).status == 404


async def test_lists_show_what_the_caller_may_see(data_dir: Path) -> None:
    async with a_camera(copies=2) as camera, running(data_dir) as vst:
        ours = await vst.add(camera.url("scene-0"), "Ours")
        theirs = await vst.add(camera.url("scene-1"), "Theirs")
        await vst.until_online(ours)
        await vst.until_recorded(theirs, 0.5)
        guest = Subject(id="u-guest", name="guest", role=Role.VIEWER, sensors=[ours])
        for path in ("/sensor/list", "/sensor/status", "/sensor/streams", "/live/streams", "/storage/timelines",
                     "/record/status", "/record/timelines", "/sensor/timelines", "/storage/size",
                     "/record/streams", "/replay/streams"):  # fmt: skip
            reply = await vst.ask("GET", path, subject=guest)
            assert reply.status == 200
            assert theirs not in reply.body.decode(), path
        assert (await vst.ask("GET", f"/sensor/{theirs}/status", subject=guest)).status == 404
        assert (await vst.ask("DELETE", f"/sensor/{ours}", subject=VIEWER)).status == 403
        assert (await vst.ask("GET", "/sensor/list", subject=None)).status == 401


async def test_a_camera_can_be_renamed_and_described(data_dir: Path) -> None:
    async with a_camera(copies=2) as camera, running(data_dir) as vst:
        gate = await vst.add(camera.url("scene-0"), "Gate", location="north")
        await vst.add(camera.url("scene-1"), "Door")
        assert (await vst.ask("POST", f"/sensor/{gate}/info", body={"name": "Door"})).status == 409
        assert (await vst.ask("POST", f"/sensor/{gate}/info", body={"name": "Main gate", "tags": "x"})).status == 200
        info = (await vst.ask("GET", f"/sensor/{gate}/info")).json
        assert (info["name"], info["location"], info["tags"]) == ("Main gate", "north", "x")


async def test_both_prefixes_answer_and_contradicting_headers_do_not(data_dir: Path) -> None:
    from tests.support.asgi import call

    async with running(data_dir) as vst:
        assert (await call(vst.service.app, "GET", "/api/v1/sensor/list")).status == 200
        reply = await vst.ask("GET", "/storage/abc/timelines", headers={"streamId": "xyz"})
        assert (reply.status, reply.json["error_code"]) == (400, "InvalidParameterError")


@pytest.mark.parametrize(
    "path",
    [
        *(f"/{group}/version" for group in ("sensor", "live", "replay", "record", "storage", "streambridge")),
        "/sensor/list", "/sensor/status", "/sensor/streams", "/live/streams", "/replay/streams", "/record/status",
        "/storage/size", "/live/configuration", "/sensor/configuration", "/record/configuration",
        "/storage/configuration", "/live/iceServers",
    ],
)  # fmt: skip
async def test_what_nvidia_s_page_asks_at_start_is_answered(data_dir: Path, path: str) -> None:
    async with running(data_dir) as vst:
        reply = await vst.ask("GET", path)
        assert reply.status == 200
        if path.endswith("/version"):
            assert {"type", "version"} <= set(reply.json)
        if path == "/live/configuration":
            assert {"WebrtcOutDefaultResolution", "webrtc_video_quality_tunning", "analyticServerAddress"} <= set(
                reply.json
            )


async def test_an_unusable_data_folder_stops_the_service_with_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "vst").write_text("a file where a folder should be")
    with pytest.raises(Fault) as raised:
        async with running(tmp_path / "vst"):
            pass
    assert "data folder" in raised.value.message


async def test_a_taken_relay_port_is_named(data_dir: Path) -> None:
    with a_web_server() as port:
        with pytest.raises(Fault) as raised:
            async with running(data_dir, settings=settings_of(relay_port=port)):
                pass
        assert str(port) in raised.value.message


async def test_loopback_settings_are_the_demo_s(data_dir: Path) -> None:
    assert settings_of().allowed_networks == LOOPBACK
    async with running(data_dir) as vst:
        assert isinstance(vst, Running)
        assert vst.service.ready() is None
    assert vst.service.ready() == "stopping"


def _files_with(folder: Path, secret: bytes) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file() and secret in path.read_bytes()]
