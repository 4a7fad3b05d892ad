"""The RTSP client against a camera that misbehaves in time: silence, keep-alives, jumps, losses, garbage, TLS, UDP."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Literal

import anyio
import anyio.lowlevel
import av
import numpy as np
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.support import clips
from tests.support.playing_camera import PlayingCamera, playing_camera, refusal
from vedette.kernel.clock import FakeClock, SystemClock
from vedette.kernel.errors import Fault
from vedette.media.rtsp_digest import parse_answer
from vedette.media.rtsp_messages import Request
from vedette.media.scene import read_barcode
from vedette.media.source import opened
from vedette.media.sources import open_source, probe
from vedette.media.sources.rtsp import RtspSource
from vedette.media.sources.rtsp_session import RtspSession
from vedette.media.unit import AccessUnit, VideoCodec
from vedette.tools.camera import Camera, open_scene
from vedette.tools.camera.openers import OpenReel
from vedette.tools.camera.reel import Shelf
from vedette.tools.camera.spec import StreamSpec
from vedette.tools.camera.tone import SoundCodec

pytestmark = pytest.mark.anyio
UNITS = clips.encode(60, gop=10)


@asynccontextmanager
async def watched(camera: PlayingCamera, clock: FakeClock) -> AsyncIterator[AsyncIterator[AccessUnit]]:
    """The units of the camera, once it plays."""
    source = RtspSource(camera.url, clock=clock, read_timeout_s=5, open_timeout_s=5)
    with anyio.fail_after(20):
        async with opened(source) as units:
            yield units


async def first(camera: PlayingCamera, units: AsyncIterator[AccessUnit], *shown: AccessUnit) -> AccessUnit:
    """Starts the source, shows it two units or these, and returns the first that it yields."""
    got: list[AccessUnit] = []
    async with anyio.create_task_group() as group:
        group.start_soon(_show_when_playing, camera, shown or UNITS[:2])
        got.append(await anext(units))
    return got[0]


async def _show_when_playing(camera: PlayingCamera, shown: Sequence[AccessUnit]) -> None:
    await camera.until("PLAY")
    camera.show(*shown)


# --- silence and keep-alives --------------------------------------------------------------------------------------


async def test_reports_do_not_hide_a_stall() -> None:
    clock = FakeClock()
    async with playing_camera() as camera, watched(camera, clock) as units:
        await first(camera, units)
        await anext(units)
        for number in range(2, 5):
            clock.advance(4)
            camera.show(UNITS[number])
            await anext(units)
        camera.report(clock.now(), 0)
        clock.advance(3)
        camera.report(clock.now(), 0)
        clock.advance(2)
        with pytest.raises(Fault, match="stopped sending") as caught:
            await anext(units)
        assert caught.value.status == 408


async def test_a_camera_that_sends_no_keyframe_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vedette.media.sources.rtsp_session.KEYFRAME_S", 4.0)
    clock = FakeClock()
    async with playing_camera() as camera, watched(camera, clock) as units, anyio.create_task_group() as group:

        async def show() -> None:
            await camera.until("PLAY")
            camera.show(*UNITS[1:10])
            await _until_it_plays(clock)
            clock.advance(4)

        group.start_soon(show)
        with pytest.raises(Fault, match="no keyframe") as caught:
            await anext(units)
        assert caught.value.status == 408


async def _until_it_plays(clock: FakeClock) -> None:
    """The deadlines of a session that plays are waited for, not the one of opening it."""
    while [deadline for deadline, _, wake in clock._sleepers if not wake.done()] != [4.0]:
        await anyio.lowlevel.checkpoint()


async def test_the_session_is_kept_alive_at_half_its_timeout() -> None:
    clock = FakeClock()
    async with playing_camera() as camera, watched(camera, clock) as units:
        await first(camera, units)
        await anext(units)
        for number in range(2, 6):
            clock.advance(4)
            camera.show(UNITS[number])
            await anext(units)
        kept = await camera.until("GET_PARAMETER")
        assert kept.headers.get("Session") == "1"
        assert (await camera.until_frame()).channel == 1  # a receiver report came, too


async def test_a_nonce_that_goes_stale_after_hours_is_renewed_without_a_break() -> None:
    clock, stale = FakeClock(), 'WWW-Authenticate: Digest realm="r", nonce="new", stale=true'

    def answer(request: Request) -> bytes | None:
        is_answered = parse_answer(request.headers.get("Authorization")) is not None
        return refusal(request, 401, stale) if request.method == "GET_PARAMETER" and not is_answered else None

    async with playing_camera(answer) as camera, watched(camera, clock) as units:
        await first(camera, units)
        await anext(units)
        for number in range(2, 6):
            clock.advance(4)
            camera.show(UNITS[number])
            await anext(units)
        again = await camera.until("GET_PARAMETER", times=2)
        assert parse_answer(again.headers.get("Authorization")) is not None
        camera.show(UNITS[6])
        assert (await anext(units)).data == UNITS[6].data


async def test_a_keep_alive_that_is_refused_for_good_ends_the_session() -> None:
    clock = FakeClock()

    def answer(request: Request) -> bytes | None:
        challenge = 'WWW-Authenticate: Digest realm="r", nonce="n"'
        return refusal(request, 401, challenge) if request.method == "GET_PARAMETER" else None

    async with playing_camera(answer) as camera, watched(camera, clock) as units:
        await first(camera, units)
        await anext(units)
        for number in range(2, 6):
            clock.advance(4)
            camera.show(UNITS[number])
            await anext(units)
        with pytest.raises(Fault, match="user name or password"):
            await anext(units)


async def test_a_handshake_that_hangs_ends_by_the_clock() -> None:
    clock = FakeClock()
    async with playing_camera(lambda request: b"" if request.method == "SETUP" else None) as camera:
        async with anyio.create_task_group() as group:

            async def wait() -> None:
                await camera.until("SETUP")
                clock.advance(5)

            group.start_soon(wait)
            with pytest.raises(Fault, match="did not answer in time"):
                await RtspSource(camera.url, clock=clock, open_timeout_s=5).probe()
        with anyio.fail_after(10):
            await camera.gone.wait()


async def test_a_reader_that_is_stuck_ends_the_session(monkeypatch: pytest.MonkeyPatch) -> None:
    held, hold_back = anyio.Event(), RtspSession._hold_back

    def hold(session: RtspSession) -> None:
        hold_back(session)
        held.set()

    monkeypatch.setattr("vedette.media.sources.rtsp_session.QUEUE_BYTES", 100)
    clock = FakeClock()
    async with playing_camera() as camera, watched(camera, clock) as units:
        await first(camera, units)
        monkeypatch.setattr(RtspSession, "_hold_back", hold)
        camera.show(*UNITS[2:30])
        await held.wait()
        clock.advance(9)
        await anyio.wait_all_tasks_blocked()
        clock.advance(1)
        await anyio.wait_all_tasks_blocked()
        with pytest.raises(Fault, match="overloaded") as caught:
            while True:
                await anext(units)
        assert caught.value.status == 503


async def test_who_stops_reading_says_goodbye_and_closes_at_once() -> None:
    async with playing_camera() as camera:
        async with watched(camera, FakeClock()) as units:
            await first(camera, units)
        with anyio.fail_after(10):
            await camera.gone.wait()
        assert camera.methods[-1] == "TEARDOWN"


# --- media --------------------------------------------------------------------------------------------------------


async def test_a_clock_that_jumps_costs_nothing_and_starts_new_parameters() -> None:
    """From the next keyframe on; media time goes on as arrivals do."""
    clock = FakeClock()
    async with playing_camera() as camera, watched(camera, clock) as units:
        got = [await first(camera, units)]
        camera.show(*UNITS[2:25], jump_90k=0)
        camera.show(*UNITS[25:50], jump_90k=-(10**9))
        got += [await anext(units) for _ in range(49)]
    assert [unit.data for unit in got] == [unit.data for unit in UNITS[:50]]
    assert all(0 < b.dts_90k - a.dts_90k <= 3000 for a, b in pairwise(got))
    changes = [n for n, (a, b) in enumerate(pairwise(got), 1) if a.parameters is not b.parameters]
    assert changes == [30]
    assert got[29].parameters == got[30].parameters


async def test_another_size_starts_new_parameters() -> None:
    clock, large = FakeClock(), clips.encode(10, gop=10, height=2 * clips.HEIGHT)
    async with playing_camera() as camera, watched(camera, clock) as units:
        got = [await first(camera, units)]
        camera.show(*UNITS[2:10])
        camera.show(*large, jump_90k=UNITS[10].pts_90k)
        got += [await anext(units) for _ in range(19)]
    assert [unit.parameters.height for unit in got] == [clips.HEIGHT] * 10 + [2 * clips.HEIGHT] * 10
    assert got[9].parameters is got[0].parameters
    assert got[10].is_keyframe


async def test_a_lost_packet_costs_its_picture_and_no_other() -> None:
    async with playing_camera() as camera:
        source = RtspSource(camera.url, clock=FakeClock())
        with anyio.fail_after(20):
            async with opened(source) as units:
                got = [await first(camera, units)]
                camera.show(*UNITS[2:5])
                camera.show(*UNITS[6:20], skip=1)
                got += [await anext(units) for _ in range(18)]
    assert (source.counters.lost, source.counters.late, source.counters.strange) == (1, 0, 0)
    assert [unit.data for unit in got] == [unit.data for unit in UNITS[:20] if unit is not UNITS[5]]


async def test_garbage_between_frames_is_read_over() -> None:
    clock = FakeClock()
    async with playing_camera() as camera, watched(camera, clock) as units:
        await first(camera, units)
        await anext(units)
        camera.send(b"\x00\xff" * 500)
        camera.send(b"OPTIONS * RTSP/1.0\r\nCSeq: 1\r\n\r\n")
        camera.show(*UNITS[2:4])
        assert (await anext(units)).data == UNITS[2].data


async def test_the_senders_time_is_taken_when_it_is_believable() -> None:
    clock = FakeClock()
    async with playing_camera() as camera, watched(camera, clock) as units:
        await first(camera, units)
        await anext(units)
        camera.report(clock.now() - 700_000, UNITS[2].pts_90k)
        camera.show(UNITS[2])
        assert abs((await anext(units)).wall_us - (clock.now() - 700_000)) <= 1
        camera.report(clock.now() - 86_400_000_000, UNITS[3].pts_90k)
        camera.show(UNITS[3])
        assert abs((await anext(units)).wall_us - clock.now()) <= 200_000


async def test_a_goodbye_ends_the_session_after_what_came() -> None:
    clock = FakeClock()
    async with playing_camera() as camera, watched(camera, clock) as units:
        await first(camera, units)
        camera.send(b"$\x01\x00\x08\x81\xcb\x00\x01\x00\x00\x00\x07")
        with pytest.raises(Fault, match="ended the stream"):
            while True:
                await anext(units)


async def test_the_connection_breaks() -> None:
    async with playing_camera() as camera, watched(camera, FakeClock()) as units:
        await first(camera, units)
        await anext(units)
        camera.hang_up()
        with pytest.raises(Fault, match="ended the stream") as caught:
            await anext(units)
        assert caught.value.status == 502


async def test_a_redirection_reaches_nobody() -> None:
    """Whoever answers at a camera's address must not choose where this box connects to."""
    async with playing_camera() as trap:
        target = f"Location: rtsp://127.0.0.1:{trap.port}/internal"
        async with playing_camera(lambda request: refusal(request, 302, target)) as camera:
            with pytest.raises(Fault, match=r"redirects to 127\.0\.0\.1,"):
                await probe(camera.url, clock=SystemClock())
        assert trap.asked == []


# --- cameras ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("transport", ["tcp", "udp"])
async def test_every_picture_arrives(transport: Literal["tcp", "udp"]) -> None:
    scene = {"scene": open_scene(fps=30, width=640, height=360)}
    async with Camera(scene, clock=SystemClock()) as camera:
        source = open_source(camera.url("scene"), clock=SystemClock(), transport=transport)
        got: list[AccessUnit] = []
        with anyio.fail_after(30):
            async with opened(source) as units:
                async for unit in units:
                    got.append(unit)
                    if len(got) == 60:
                        break
    decoder = av.CodecContext.create("h264", "r")
    assert isinstance(decoder, av.VideoCodecContext)
    frames = [frame for unit in got for frame in decoder.decode(av.Packet(unit.data))] + decoder.decode(None)
    numbers = [read_barcode(np.asarray(frame.to_ndarray(format="bgr24"), np.uint8)) for frame in frames]
    known = [number for number in numbers if number is not None]
    assert len(known) == 60
    assert all(b - a == 1 for a, b in pairwise(known))


@pytest.mark.parametrize(
    ("codec", "audio", "b_frames", "transport"),
    [("h264", "aac", 0, "tcp"), ("hevc", "pcma", 2, "udp"), ("av1", "pcmu", 0, "tcp")],
)
async def test_every_codec_with_its_sound(
    codec: VideoCodec, audio: SoundCodec | None, b_frames: int, transport: Literal["tcp", "udp"]
) -> None:
    spec = StreamSpec(codec, 640, 360, 30, 15, b_frames, 0, audio)
    async with Camera({"c": OpenReel(spec, Shelf())}, clock=SystemClock()) as camera:
        source = open_source(camera.url("c"), clock=SystemClock(), transport=transport, audio=True)
        got: list[AccessUnit] = []
        with anyio.fail_after(40):
            async with opened(source) as units:
                async for unit in units:
                    got.append(unit)
                    if len(got) == 100:
                        break
    pictures = [unit for unit in got if not unit.parameters.is_audio]
    sounds = [unit for unit in got if unit.parameters.is_audio]
    assert got[0].is_keyframe
    assert got[0].parameters.codec == codec
    assert (got[0].parameters.width, got[0].parameters.has_b_frames) == (640, b_frames > 0)
    assert bool(sounds) == (audio is not None)
    assert {unit.parameters.codec for unit in sounds} <= {audio}
    for units_of_one in (pictures, sounds):
        steps = [b.dts_90k - a.dts_90k for a, b in pairwise(units_of_one)]
        assert all(step > 0 for step in steps)
        assert not steps or steps.count(max(set(steps), key=steps.count)) >= len(steps) - 2
    for unit in sounds:
        near = min(pictures, key=lambda picture: abs(picture.pts_90k - unit.pts_90k))
        assert abs((unit.wall_us - near.wall_us) - (unit.pts_90k - near.pts_90k) * 100 // 9) < 45_000
    name = {"h264": "h264", "hevc": "hevc", "av1": "libdav1d"}[codec]
    decoder = av.CodecContext.create(name, "r")
    assert isinstance(decoder, av.VideoCodecContext)
    frames = [frame for unit in pictures for frame in decoder.decode(av.Packet(unit.data))] + decoder.decode(None)
    assert len(frames) == len(pictures)


async def test_sound_is_left_out_unless_asked_for() -> None:
    spec = StreamSpec("h264", 320, 180, 30, 15, audio="pcmu")
    async with Camera({"c": OpenReel(spec, Shelf())}, clock=SystemClock()) as camera:
        with anyio.fail_after(30):
            async with opened(open_source(camera.url("c"), clock=SystemClock())) as units:
                got = [await anext(units) for _ in range(20)]
    assert not any(unit.parameters.is_audio for unit in got)


def certificate(folder: Path) -> ssl.SSLContext:
    """A server's context with a certificate of its own, as cameras have."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "camera")])
    now = datetime(2026, 1, 1, tzinfo=UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=400))
        .not_valid_after(now - timedelta(days=300))  # and nobody renews it
        .sign(key, hashes.SHA256())
    )
    pem, secret = folder / "camera.pem", folder / "camera.key"
    pem.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    secret.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem, secret)
    return context


@asynccontextmanager
async def behind_tls(port: int, context: ssl.SSLContext | None) -> AsyncIterator[int]:
    """A port that takes TLS (or not) off what it passes on."""

    async def carry(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        try:
            while data := await source.read(65_536):
                sink.write(data)
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            sink.close()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        inner, outward = await asyncio.open_connection("127.0.0.1", port)
        await asyncio.gather(carry(reader, outward), carry(inner, writer))

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    async with server:
        yield server.sockets[0].getsockname()[1]


async def test_rtsps_with_a_certificate_that_nobody_signed(tmp_path: Path) -> None:
    async with (
        Camera({"scene": open_scene(fps=30, width=320, height=180)}, clock=SystemClock()) as camera,
        behind_tls(int(camera.url("scene").split(":")[2].split("/")[0]), certificate(tmp_path)) as port,
    ):
        url = f"rtsps://127.0.0.1:{port}/scene"
        with anyio.fail_after(30):
            async with opened(open_source(url, clock=SystemClock())) as units:
                got = [await anext(units) for _ in range(40)]
        assert got[0].is_keyframe
        assert all(b.dts_90k > a.dts_90k for a, b in pairwise(got))


async def test_rtsps_to_a_port_without_tls() -> None:
    async with playing_camera() as camera:
        with pytest.raises(Fault, match="secure connection") as caught:
            await probe(camera.url.replace("rtsp:", "rtsps:"), clock=SystemClock(), timeout_s=5)
        assert caught.value.status == 502
