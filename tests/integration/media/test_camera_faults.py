"""Every fault that `vedette camera` can be asked for shows on the wire, and ends when it should."""

import json
from collections.abc import Awaitable, Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import anyio
import pytest

from tests.support import clips
from tests.support.rtsp_client import RtspClient, connected, raw_http
from vedette.kernel.clock import SystemClock
from vedette.kernel.errors import Fault
from vedette.media import h264, rtp
from vedette.media.rtsp_messages import InterleavedFrame
from vedette.media.sdp import parse_sdp
from vedette.tools.camera import Camera, FaultOrder, open_file
from vedette.tools.camera.control import Control
from vedette.tools.camera.web import WebServer

type Work = Callable[[Camera], Awaitable[None]]


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("clip") / "gate.h264"
    path.write_bytes(b"".join(unit.data for unit in clips.encode(25, gop=5)))
    return path


def with_camera(clip: Path, work: Work, **options: Any) -> None:
    async def run() -> None:
        with anyio.fail_after(60):
            async with Camera({"a": open_file(clip)}, clock=SystemClock(), **options) as camera:
                await work(camera)

    anyio.run(run)


async def playing(client: RtspClient, path: str = "/a") -> None:
    assert (await client.set_up(path)).status == 200
    assert (await client.ask("PLAY", path)).status == 200
    while (await client.frame()).channel:
        continue


async def media(client: RtspClient) -> rtp.RtpPacket:
    """The next RTP packet."""
    while (frame := await client.frame()).channel != 0:
        continue
    return rtp.parse_packet(frame.data)


async def silence(client: RtspClient, seconds: float = 0.4) -> list[InterleavedFrame]:
    """What comes before the line has been quiet for so long."""
    found: list[InterleavedFrame] = []
    while True:
        with anyio.move_on_after(seconds) as scope:
            found.append(await client.frame())
        if scope.cancelled_caught:
            return found


def order(fault: str, **values: Any) -> FaultOrder:
    return FaultOrder.model_validate({"fault": fault, "camera": "a", **values})


def test_rtcp_only_and_stall_keep_the_connection(clip: Path) -> None:
    async def work(camera: Camera) -> None:
        for fault in ("stall", "rtcp_only"):
            async with connected(camera.port) as client:
                await playing(client)
                camera.obey(order(fault))
                await silence(client)
                assert (await client.ask("GET_PARAMETER", "/a")).status == 200
                if fault == "rtcp_only":
                    assert {frame.channel for frame in client.frames} <= {1}
                camera.resume("a")
                await media(client)

    with_camera(clip, work)


def test_half_open_says_nothing_and_is_reset_in_the_end(clip: Path) -> None:
    async def work(camera: Camera) -> None:
        async with connected(camera.port) as client:
            await playing(client)
            camera.obey(order("half_open"))
            await silence(client)
            client.send(b"OPTIONS * RTSP/1.0\r\nCSeq: 9\r\n\r\n")
            assert await silence(client) == []
            async with connected(camera.port) as second:
                second.send(b"OPTIONS * RTSP/1.0\r\nCSeq: 1\r\n\r\n")
                with anyio.move_on_after(0.3) as scope:
                    await second.ended()
                assert scope.cancelled_caught
            camera.resume("a")
            await client.ended()

    with_camera(clip, work)


def test_half_open_befalls_one_stream_of_a_shared_address(clip: Path) -> None:
    async def work(camera: Camera) -> None:
        camera.obey(FaultOrder(fault="half_open", camera="a-0"))
        async with connected(camera.port) as client, connected(camera.port) as second:
            assert (await second.ask("DESCRIBE", "/a-1")).status == 200
            with anyio.move_on_after(0.3) as scope:
                await client.ask("DESCRIBE", "/a-0")
            assert scope.cancelled_caught
            camera.resume("a-0")
            await client.ended()

    with_camera(clip, work, copies=2)


def test_loss_leaves_holes_in_the_numbering(clip: Path) -> None:
    async def work(camera: Camera) -> None:
        async with connected(camera.port) as client:
            await playing(client)
            camera.obey(order("loss", share=0.3))
            numbers = [(await media(client)).sequence for _ in range(60)]
            gaps = sum((b - a) % 65_536 - 1 for a, b in pairwise(numbers))
            assert 5 <= gaps <= 80

    with_camera(clip, work, seed=1)


def test_garbage_breaks_the_framing(clip: Path) -> None:
    async def work(camera: Camera) -> None:
        async with connected(camera.port) as client:
            await playing(client)
            camera.obey(order("garbage", share=1))
            with pytest.raises((ValueError, AssertionError)):
                for _ in range(200):
                    frame = await client.frame()
                    assert frame.channel in (0, 1)

    with_camera(clip, work)


def test_wrong_labels_and_order(clip: Path) -> None:
    async def work(camera: Camera) -> None:
        async with connected(camera.port) as client:
            await playing(client)
            ssrc = (await media(client)).ssrc
            camera.obey(order("wrong_ssrc"))
            while (await media(client)).ssrc == ssrc:
                continue
            camera.resume()
            camera.obey(order("reorder"))
            numbers = [(await media(client)).sequence]
            while len(numbers) < 2 or (numbers[-1] - numbers[-2]) % 65_536 == 1:
                numbers.append((await media(client)).sequence)
            camera.resume()
            camera.obey(order("wrong_channel"))
            while (await client.frame()).channel != 200:
                continue

    with_camera(clip, work)


def test_answers_that_redirect_or_lie(clip: Path) -> None:
    async def work(camera: Camera) -> None:
        async with connected(camera.port) as client:
            camera.obey(order("bare_sdp"))
            described = await client.ask("DESCRIBE", "/a")
            (section,) = parse_sdp(described.body)
            assert (described.status, section.extradata()) == (200, b"")
            camera.resume()
            camera.obey(order("redirect", url="rtsp://192.0.2.1/b"))
            answer = await client.ask("DESCRIBE", "/a")
            assert (answer.status, answer.headers.get("Location")) == (302, "rtsp://192.0.2.1/b")
            camera.resume()
            camera.obey(order("bad_length"))
            with pytest.raises(ValueError, match="e"):
                await client.ask("DESCRIBE", "/a")

    with_camera(clip, work)


def test_without_keyframes_and_half_closed(clip: Path) -> None:
    async def work(camera: Camera) -> None:
        async with connected(camera.port) as client:
            await playing(client)
            camera.obey(order("no_keyframes"))
            await media(client)
            depacketiser = rtp.Depacketiser("h264")
            kinds: list[int] = []
            while len(kinds) < 40:
                kinds += [nal[0] & 31 for nal in depacketiser.push((await media(client)).payload)]
            assert h264.NalType.IDR not in kinds[20:]
            camera.obey(order("half_close"))
            await client.ended()
            assert len(camera.server.clients) == 1

    with_camera(clip, work)


def test_unauthorized_refuse_and_their_end(clip: Path) -> None:
    async def work(camera: Camera) -> None:
        async with connected(camera.port) as client:
            camera.obey(order("unauthorized", seconds=0.2))
            answer = await client.ask("DESCRIBE", "/a")
            assert answer.status == 401
            assert "Digest" in answer.headers.get("WWW-Authenticate")
            while (await client.ask("DESCRIBE", "/a")).status == 401:
                await anyio.sleep(0.05)
            camera.obey(order("refuse"))
        async with connected(camera.port) as client:
            assert (await client.ask("DESCRIBE", "/a")).status == 503

    with_camera(clip, work)


def test_sps_change_reaches_a_client_that_stays(clip: Path) -> None:
    async def work(camera: Camera) -> None:
        async with connected(camera.port) as client:
            await playing(client)
            camera.obey(order("sps_change", width=320, height=180))
            sizes = {(clips.WIDTH, clips.HEIGHT)}
            depacketiser = rtp.Depacketiser("h264")
            while len(sizes) == 1:
                for nal in depacketiser.push((await media(client)).payload):
                    if nal[0] & 31 == h264.NalType.SPS:
                        sps = h264.parse_sps(nal)
                        sizes.add((sps.width, sps.height))
            assert (320, 180) in sizes

    with_camera(clip, work)


def test_clock_jump_moves_timestamps_and_ntp(clip: Path) -> None:
    async def work(camera: Camera) -> None:
        async with connected(camera.port) as client:
            await playing(client)
            before = await media(client)
            camera.obey(order("clock_jump", mediaSeconds=1000, wallSeconds=-86_400))
            while (step := ((await media(client)).timestamp - before.timestamp) % 2**32) < 900 * 90_000:
                assert step < 90_000 * 60
            assert step < 1100 * 90_000

    with_camera(clip, work)


def test_end_drop_and_slow(clip: Path) -> None:
    async def work(camera: Camera) -> None:
        for fault in ("end", "drop"):
            async with connected(camera.port) as client:
                await playing(client)
                camera.obey(order(fault))
                await client.ended()
        async with connected(camera.port) as client:
            await playing(client)
            camera.obey(order("slow", bytesPerSecond=100))
            await silence(client, 1.0)
            assert camera.describe()[0]["faults"]["main"] == ["slow"]

    with_camera(clip, work)


def test_burst_holds_media_and_lets_it_out_at_once(clip: Path) -> None:
    async def work(camera: Camera) -> None:
        async with connected(camera.port) as client:
            await playing(client)
            camera.obey(order("burst", holdSeconds=0.5))
            await silence(client, 0.2)
            held = [await client.frame() for _ in range(5)]
            assert len(held) == 5

    with_camera(clip, work)


def test_reboot_with_a_new_address(clip: Path) -> None:
    async def work(camera: Camera) -> None:
        old = camera.url("a")
        async with connected(camera.port) as client:
            await playing(client)
            camera.obey(order("reboot", seconds=0.2, port=0))
            await client.ended()
        with pytest.raises(OSError, match="failed"):
            async with connected(int(old.rsplit(":", 1)[1].split("/")[0])):
                pass
        while camera.url("a") == old or camera.url("a").startswith("rtsp://127.0.0.1:0/"):
            await anyio.sleep(0.05)
        async with connected(camera.port) as client:
            await playing(client)

    with_camera(clip, work)


def test_cameras_of_one_address_move_together_or_not_at_all(clip: Path) -> None:
    async def work(camera: Camera) -> None:
        with pytest.raises(Fault, match="address of its own"):
            camera.obey(FaultOrder(fault="reboot", camera="a-0", port=0))
        camera.obey(FaultOrder(fault="reboot", camera="a-0", seconds=0.2))
        async with connected(camera.port) as client:
            assert (await client.ask("DESCRIBE", "/a-0")).status == 503
            assert (await client.ask("DESCRIBE", "/a-1")).status == 200
            while (await client.ask("DESCRIBE", "/a-0")).status == 503:
                await anyio.sleep(0.05)

    with_camera(clip, work, copies=2)


def test_each_camera_at_an_address_of_its_own(clip: Path) -> None:
    async def work(camera: Camera) -> None:
        hosts = [camera.url(name).split("/")[2].split(":")[0] for name in camera.names]
        assert hosts == ["127.0.7.1", "127.0.7.2"]

    with_camera(clip, work, copies=2, addresses=["127.0.7.1", "127.0.7.2"])


def test_the_control_api(clip: Path) -> None:
    async def work(camera: Camera) -> None:
        web = WebServer(Control(camera).answer, camera.start)
        port = await web.open("127.0.0.1", 0)
        status, body = await raw_http(port, "GET", "/cameras")
        (listed,) = json.loads(body)
        assert status == 200
        assert listed["name"] == "a"
        assert listed["rtsp"] == {"main": camera.url("a")}
        bad: list[tuple[str, str, bytes, int]] = [
            ("POST", "/faults", b'{"fault": "explode"}', 400),
            ("POST", "/faults", b"[", 400),
            ("POST", "/faults", b'{"fault": "stall", "camera": "b"}', 404),
            ("POST", "/cameras", b"", 405),
            ("GET", "/", b"", 404),
        ]
        for method, path, body, expected in bad:
            assert (await raw_http(port, method, path, body))[0] == expected
        assert (await raw_http(port, "POST", "/faults", b'{"fault": "stall", "camera": "a"}'))[0] == 200
        _, body = await raw_http(port, "GET", "/cameras")
        assert json.loads(body)[0]["faults"]["main"] == ["stall"]
        web.close()

    with_camera(clip, work)
