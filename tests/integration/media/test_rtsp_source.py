"""The RTSP source against what answers on a camera's port: every failure says what to do and never a password."""

import asyncio
import re
import socket
import traceback
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from itertools import pairwise
from typing import override

import anyio
import anyio.to_thread
import av
import numpy as np
import pytest

from vedette.kernel.clock import Clock, SystemClock
from vedette.kernel.errors import Fault
from vedette.media.hub import DropOldestGop, Hub
from vedette.media.scene import read_barcode
from vedette.media.source import Source, opened
from vedette.media.sources import open_source, probe, rtsp_session
from vedette.media.sources.rtsp import RtspSource
from vedette.media.sources.test_pattern import ScenePattern
from vedette.media.unit import AccessUnit, CodecParameters
from vedette.tools.camera import Camera, open_scene
from vedette.tools.camera.openers import Opener

pytestmark = pytest.mark.anyio
PASSWORD = "gr1m-s3cret"  # also where a server may repeat it
SCENE = {"scene": open_scene(fps=30, width=320, height=180)}
ADVICE = re.compile(r"\b(check|choose|close|look up|restart|set it|is it|is RTSP)\b", re.IGNORECASE)


def source_of(url: str, *, open_s: float = 5.0, read_s: float = 5.0) -> RtspSource:
    return RtspSource(url, clock=SystemClock(), open_timeout_s=open_s, read_timeout_s=read_s)


async def fault_from(source: Source, each: Callable[[], None] = lambda: None) -> Fault:
    """The fault that ends a source; `each` is called for each unit."""
    with anyio.fail_after(30), pytest.raises(Fault) as caught:
        async with opened(source) as units:
            async for _ in units:
                each()
    fault = caught.value
    told = fault.message + "".join(traceback.format_exception(fault))
    assert PASSWORD not in told
    assert "127.0.0.1" not in told
    assert ADVICE.search(fault.message), fault.message
    return fault


@asynccontextmanager
async def scripted(replies: Sequence[bytes], *, then_hang: bool = False) -> AsyncIterator[str]:
    """A server that answers each request with the next reply; `%SEQ%` is the request's. Yields its URL."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            for reply in replies:
                request = await reader.readuntil(b"\r\n\r\n")
                sequence = re.search(rb"CSeq: (\d+)", request)
                writer.write(reply.replace(b"%SEQ%", sequence[1] if sequence else b"0"))
            while then_hang and await reader.read(4096):
                pass
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    async with server:
        yield f"rtsp://admin:{PASSWORD}@127.0.0.1:{server.sockets[0].getsockname()[1]}/live?u=admin&p={PASSWORD}"


def reply(status: str = "200 OK", *headers: str, body: str = "") -> bytes:
    lines = [f"RTSP/1.0 {status}", "CSeq: %SEQ%", *headers, *([f"Content-Length: {len(body)}"] if body else [])]
    return ("\r\n".join(lines) + "\r\n\r\n" + body).encode()


def description(media: str) -> bytes:
    body = f"v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n{media}"
    return reply("200 OK", "Content-Type: application/sdp", body=body)


OPTIONS = reply("200 OK", "Public: OPTIONS, DESCRIBE, SETUP, PLAY")
VIDEO = description("m=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\na=control:track1\r\n")
SETUP = reply("200 OK", "Session: 1", "Transport: RTP/AVP/TCP;unicast;interleaved=0-1")
HTTP = b"HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\nContent-Length: 4\r\n\r\nno\r\n"


@pytest.mark.parametrize(
    ("replies", "status", "words"),
    [
        ([reply("401 Unauthorized", 'WWW-Authenticate: Basic realm="x"')] * 4, 403, "password"),
        ([OPTIONS, reply("403 Forbidden")], 403, "password"),
        ([OPTIONS, reply("404 Not Found")], 404, "path"),
        ([OPTIONS, reply("400 Bad Request")], 400, "does not speak RTSP"),
        ([OPTIONS, reply("453 Not Enough Bandwidth")], 502, "too many viewers"),
        ([OPTIONS, reply("503 Service Unavailable")], 502, "too many viewers"),
        ([OPTIONS, VIDEO, reply("454 Session Not Found")], 502, "refuses"),
        ([OPTIONS, VIDEO, reply("461 Unsupported Transport")], 502, "transport"),
        ([OPTIONS, VIDEO, SETUP, reply("500 Internal Server Error")], 502, "refuses"),
        ([OPTIONS, VIDEO, SETUP, reply()], 502, "ended the stream"),
        ([OPTIONS, description("")], 422, "no video"),
        ([OPTIONS, description("m=audio 0 RTP/AVP 0\r\na=control:track1\r\n"), reply(), reply()], 422, "no video"),
        ([OPTIONS, reply("200 OK", "Content-Type: text/html", body="<html></html>")], 422, "no video"),
        ([HTTP], 400, "does not speak RTSP"),
        ([b"HTTP/1.0 200 OK\r\n\r\n<html>hello</html>"], 400, "does not speak RTSP"),
        ([bytes(range(256)) * 16], 400, "does not speak RTSP"),
        ([b"SSH-2.0-OpenSSH_9.2\r\n"], 400, "does not speak RTSP"),
        ([b""], 400, "does not speak RTSP"),
    ],
)
async def test_what_a_server_may_answer(replies: list[bytes], status: int, words: str) -> None:
    async with scripted(replies) as url:
        fault = await fault_from(source_of(url))
        assert (fault.status, words in fault.message) == (status, True), fault
        with pytest.raises(Fault) as caught:
            await probe(url, clock=SystemClock())
        assert caught.value.status == status


async def test_a_codec_that_is_not_read_is_named() -> None:
    media = "m=video 0 RTP/AVP 26\r\na=control:track1\r\n"
    async with scripted([OPTIONS, description(media), SETUP, reply()]) as url:
        fault = await fault_from(source_of(url))
        assert (fault.status, "mjpeg" in fault.message) == (415, True)


async def test_nobody_listens() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        fault = await fault_from(source_of(f"rtsp://admin:{PASSWORD}@127.0.0.1:{unused.getsockname()[1]}/x"))
    assert (fault.status, "Nothing listens" in fault.message) == (502, True)


@pytest.mark.parametrize("replies", [[], [OPTIONS], [OPTIONS, VIDEO], [OPTIONS, VIDEO, SETUP]])
async def test_a_server_that_falls_silent_while_opening(replies: list[bytes]) -> None:
    async with scripted(replies, then_hang=True) as url:
        fault = await fault_from(source_of(url, open_s=0.3))
        assert (fault.status, "did not answer in time" in fault.message) == (408, True)


async def test_a_server_that_plays_and_sends_nothing() -> None:
    async with scripted([OPTIONS, VIDEO, SETUP, reply()], then_hang=True) as url:
        fault = await fault_from(source_of(url, open_s=0.5, read_s=0.3))
        assert fault.status == 408


@pytest.mark.parametrize("url", [f"rtsp://admin:{PASSWORD}@127.0.0.1:99999/x", f"rtsp://admin:{PASSWORD}@/x"])
async def test_a_url_that_is_none(url: str) -> None:
    fault = await fault_from(source_of(url))
    assert fault.status in (400, 502)


# --- cameras -------------------------------------------------------------------------------------


@pytest.mark.parametrize("login", ["", "admin:wrong@", f"other:{PASSWORD}@"])
async def test_a_camera_refuses_who_is_not_known(login: str) -> None:
    async with Camera(SCENE, clock=SystemClock(), credentials={"admin": PASSWORD}) as camera:
        fault = await fault_from(source_of(camera.url("scene").replace("//", f"//{login}")))
        assert (fault.code, fault.status) == ("CameraUnauthorizedError", 403)


async def test_a_camera_lets_in_who_is_known() -> None:
    async with Camera(SCENE, clock=SystemClock(), credentials={"admin": PASSWORD}) as camera:
        url = camera.url("scene").replace("//", f"//admin:{PASSWORD}@")
        parameters = await probe(url, clock=SystemClock())
        assert (parameters.codec, parameters.width, parameters.height) == ("h264", 320, 180)


async def test_a_path_that_a_camera_does_not_have() -> None:
    async with Camera(SCENE, clock=SystemClock()) as camera:
        fault = await fault_from(source_of(camera.url("scene") + "/nothing"))
        assert (fault.status, "RTSP path" in fault.message) == (404, True)


async def test_a_camera_that_stalls_is_noticed_after_the_read_timeout() -> None:
    async with Camera(SCENE, clock=SystemClock()) as camera:
        fault = await fault_from(source_of(camera.url("scene"), read_s=0.5), lambda: camera.stall())
        assert (fault.status, "stopped sending" in fault.message) == (408, True)


async def test_a_camera_that_goes_away_is_a_fault() -> None:
    async with Camera(SCENE, clock=SystemClock()) as camera:
        fault = await fault_from(source_of(camera.url("scene")), lambda: camera.drop())
        assert (fault.status, "ended the stream" in fault.message) == (502, True)


async def test_a_camera_that_refuses_says_so() -> None:
    async with Camera(SCENE, clock=SystemClock()) as camera:
        camera.refuse()
        fault = await fault_from(source_of(camera.url("scene")))
        assert (fault.status, "refuses" in fault.message) == (502, True)


async def test_only_keyframes() -> None:
    async with Camera(SCENE, clock=SystemClock()) as camera:
        source = open_source(camera.url("scene"), clock=SystemClock(), keyframes_only=True)
        with anyio.fail_after(20):
            async with opened(source) as units:
                got = [await anext(units) for _ in range(3)]
        assert all(unit.is_keyframe for unit in got)


def decoded(units: Sequence[AccessUnit]) -> list[int | None]:
    decoder = av.CodecContext.create("h264", "r")
    assert isinstance(decoder, av.VideoCodecContext)
    frames = [frame for unit in units for frame in decoder.decode(av.Packet(unit.data))]
    frames += decoder.decode(None)
    return [read_barcode(np.asarray(frame.to_ndarray(format="bgr24"), np.uint8)) for frame in frames]


async def test_a_slow_reader_holds_the_camera_back_and_loses_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rtsp_session, "QUEUE_BYTES", 20_000)
    got: list[AccessUnit] = []
    async with Camera(SCENE, clock=SystemClock()) as camera:
        with anyio.fail_after(30):
            async with opened(source_of(camera.url("scene"))) as units:
                async for unit in units:
                    got.append(unit)
                    if len(got) in (10, 40):
                        await anyio.sleep(1)
                    if len(got) == 90:
                        break
    numbers = [number for number in decoded(got) if number is not None]
    assert len(numbers) == 90
    assert [b - a for a, b in pairwise(numbers)] == [1] * 89


class Turning(Opener):
    """A scene of another size each time it is opened."""

    def __init__(self, *sizes: tuple[int, int]) -> None:
        self._sizes = list(sizes)

    @override
    def encoded_as(self) -> None:
        return None

    @override
    def __call__(self, clock: Clock) -> Source:
        width, height = self._sizes.pop(0)
        return ScenePattern(clock=clock, fps=30, width=width, height=height, frames=40)

    @override
    async def prepare(self, clock: Clock) -> bool:
        return False


async def test_a_camera_that_changes_its_size_gets_new_parameters_in_the_hub() -> None:
    turning = Turning((320, 180), (640, 360), (320, 180), (640, 360))
    hub, seen = Hub(clock=SystemClock()), list[CodecParameters]()
    async with (
        Camera({"scene": turning}, clock=SystemClock()) as camera,
        hub.subscribe(DropOldestGop()) as units,
        anyio.create_task_group() as group,
    ):
        group.start_soon(hub.run, source_of(camera.url("scene")))
        last: AccessUnit | None = None
        with anyio.fail_after(30):
            while len(seen) < 2:
                unit = await anext(units)
                assert last is None or unit.dts_90k > last.dts_90k
                last = unit
                if not seen or unit.parameters is not seen[-1]:
                    assert unit.is_keyframe
                    seen.append(unit.parameters)
        group.cancel_scope.cancel()
    assert [(found.width, found.height) for found in seen] == [(320, 180), (640, 360)]
