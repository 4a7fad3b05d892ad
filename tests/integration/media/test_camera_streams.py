"""Players read every codec and every sound of `vedette camera`, main and sub stream, over TCP and UDP."""

import subprocess
from itertools import pairwise
from typing import Literal

import anyio
import anyio.to_thread
import av
import pytest

from tests.support.rtsp_client import connected
from vedette.kernel.clock import SystemClock
from vedette.media.sdp import parse_sdp
from vedette.media.source import opened
from vedette.media.sources.rtsp import RtspSource
from vedette.media.unit import AccessUnit, VideoCodec
from vedette.tools.camera import Camera, OpenReel, Shelf, Stamp, StreamSpec, read_stamp
from vedette.tools.camera.tone import SoundCodec

VIDEO: list[tuple[VideoCodec, int]] = [
    ("h264", 0),
    ("h264", 2),
    ("hevc", 0),
    ("hevc", 2),
    ("av1", 0),
]
SOUND: list[SoundCodec | None] = [None, "aac", "pcmu", "pcma"]
NAMES = {"aac": "aac", "pcmu": "pcm_mulaw", "pcma": "pcm_alaw"}


def small(codec: VideoCodec, b_frames: int = 0, audio: SoundCodec | None = None) -> StreamSpec:
    return StreamSpec(codec, 320, 180, 30, 15, b_frames, audio=audio)


def read(url: str, transport: str, count: int) -> tuple[dict[str, str], list[Stamp | None], int]:
    """(codec of each stream, the stamps of the first pictures, frames of sound decoded beside them)."""
    stamps: list[Stamp | None] = []
    heard = 0
    with av.open(url, options={"rtsp_transport": transport}, timeout=(10, 5)) as container:
        codecs = {str(stream.type): stream.codec_context.name for stream in container.streams}
        for packet in container.demux():
            if isinstance(packet.stream, av.VideoStream):
                stamps.append(read_stamp(bytes(packet)))
                packet.decode()
            else:
                heard += len(packet.decode())
            if len(stamps) == count:
                break
    return codecs, stamps, heard


def follow(numbers: list[int], transport: str) -> None:
    """Each number comes after the one before it; over TCP none is missing, while a busy machine may lose datagrams."""
    steps = {b - a for a, b in pairwise(numbers)}
    assert steps == {1} if transport == "tcp" else min(steps) > 0


def test_players_and_our_own_client_read_every_codec_with_every_sound() -> None:
    async def run() -> None:
        shelf = Shelf()
        specs = {f"{codec}-{b}-{audio}": small(codec, b, audio) for codec, b in VIDEO for audio in SOUND}
        cameras = {name: OpenReel(spec, shelf) for name, spec in specs.items()}
        async with Camera(cameras, clock=SystemClock(), stamps=True) as camera, anyio.create_task_group() as group:
            threads = anyio.CapacityLimiter(8)

            async def check(name: str, spec: StreamSpec, transport: Literal["tcp", "udp"]) -> None:
                await check_ours(camera.url(name), spec, transport)
                found = await anyio.to_thread.run_sync(read, camera.url(name), transport, 30, limiter=threads)
                codecs, stamps, heard = found
                assert codecs["video"] in (spec.codec, "libdav1d")
                assert codecs.get("audio") == (None if spec.audio is None else NAMES[spec.audio])
                assert {(stamp.camera, stamp.stream) for stamp in stamps if stamp} == {(name, "main")}
                follow([stamp.number if stamp else 0 for stamp in stamps], transport)
                assert heard > 10 or spec.audio is None

            for number, (name, spec) in enumerate(specs.items()):
                group.start_soon(check, name, spec, "udp" if number % 4 in (1, 2) else "tcp")

    anyio.run(run)


async def check_ours(url: str, spec: StreamSpec, transport: Literal["tcp", "udp"]) -> None:
    """The product's client gets every picture and all the sound."""
    numbers, heard = list[int](), list[AccessUnit]()
    async with opened(RtspSource(url, clock=SystemClock(), transport=transport, audio=True)) as units:
        while len(numbers) < 45:
            unit = await anext(units)
            if unit.parameters.is_audio:
                heard.append(unit)
                continue
            assert unit.parameters.codec == spec.codec
            stamp = read_stamp(unit.data)
            assert stamp is not None
            numbers.append(stamp.number)
    follow(numbers, transport)
    assert {unit.parameters.codec for unit in heard} == ({spec.audio} if spec.audio else set())
    assert all(a.dts_90k < b.dts_90k for a, b in pairwise(heard))


@pytest.mark.parametrize(("audio", "transport"), [("aac", "tcp"), ("pcma", "udp")])
def test_the_ffmpeg_program_copies_both_streams(audio: SoundCodec, transport: str) -> None:
    def copied(url: str) -> list[str]:
        command = ["ffmpeg", "-v", "error", "-rtsp_transport", transport, "-i", url, "-t", "1.5", "-c", "copy"]
        done = subprocess.run([*command, "-f", "framecrc", "-"], capture_output=True, check=True, timeout=50, text=True)
        return [line for line in done.stdout.splitlines() if line and not line.startswith("#")]

    async def run() -> None:
        source = OpenReel(small("h264", 2, audio), Shelf())
        with anyio.fail_after(60):
            async with Camera({"a": source}, clock=SystemClock()) as camera:
                lines = await anyio.to_thread.run_sync(copied, camera.url("a"))
        tracks = [line.split(",")[0] for line in lines]
        assert tracks.count("0") >= 30
        assert tracks.count("1") >= 40

    anyio.run(run)


def test_the_sub_stream_is_another_picture_of_the_same_camera() -> None:
    async def run() -> None:
        shelf = Shelf()
        main, sub = OpenReel(small("h264", 0, "aac"), shelf), OpenReel(StreamSpec(width=640), shelf)
        with anyio.fail_after(60):
            async with Camera({"a": main}, clock=SystemClock(), subs={"a": sub}) as camera:
                assert camera.url("a", sub=True) == camera.url("a") + "/sub"
                async with connected(camera.port) as client:
                    described = await client.ask("DESCRIBE", "/a/sub")
                    (media,) = parse_sdp(described.body)
                    assert media.encoding == "H264"
                    described = await client.ask("DESCRIBE", "/a")
                    video, audio = parse_sdp(described.body)
                    assert (video.encoding, audio.encoding) == ("H264", "MPEG4-GENERIC")

    anyio.run(run)


def test_tracks_of_one_session_are_set_up_alone_or_together() -> None:
    async def run() -> None:
        source = OpenReel(small("h264", 0, "pcmu"), Shelf())
        with anyio.fail_after(60):
            async with Camera({"a": source}, clock=SystemClock()) as camera:
                async with connected(camera.port) as client:
                    first = await client.set_up("/a/trackID=0", "RTP/AVP/TCP;unicast")
                    second = await client.set_up("/a/trackID=1", "RTP/AVP/TCP;unicast")
                    assert "interleaved=0-1" in first.headers.get("Transport")
                    assert "interleaved=2-3" in second.headers.get("Transport")
                    assert (await client.ask("SETUP", "/a/trackID=2", ("Transport", "RTP/AVP/TCP"))).status == 404
                    played = await client.ask("PLAY", "/a")
                    assert played.headers.get("RTP-Info").count("trackID=") == 2
                    channels = {(await client.frame()).channel for _ in range(100)}
                    assert channels == {0, 1, 2, 3}
                async with connected(camera.port) as client:
                    await client.set_up("/a/trackID=1", "RTP/AVP/TCP;unicast;interleaved=4-5")
                    assert (await client.ask("PLAY", "/a")).status == 200
                    assert {(await client.frame()).channel for _ in range(20)} == {4, 5}

    anyio.run(run)
