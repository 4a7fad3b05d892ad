"""Players that people use read what we serve: libav through PyAV and the ffmpeg program, over TCP and UDP."""

import asyncio
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Literal, override

import anyio
import anyio.to_thread
import av
import numpy as np
import pytest

from tests.support import clips
from vedette.kernel.clock import SystemClock
from vedette.media.rtsp_server import Mount, RtspServer
from vedette.media.unit import AccessUnit, CodecParameters

COUNT = 40
SPARE = 10  # a player may give up the last datagrams when the connection ends
type Transport = Literal["tcp", "udp"]


class Clip(Mount):
    """Units at about their own speed, once."""

    def __init__(self, units: list[AccessUnit]) -> None:
        self._units = units

    @override
    async def parameters(self) -> CodecParameters:
        return self._units[0].parameters

    @override
    @asynccontextmanager
    async def subscribe(self) -> AsyncIterator[AsyncIterator[AccessUnit]]:
        yield self._give()

    async def _give(self) -> AsyncIterator[AccessUnit]:
        for unit in self._units:
            yield unit
            await asyncio.sleep(0.01)


def uneven(units: list[AccessUnit]) -> list[AccessUnit]:
    """Capture times that do not follow the timestamps, near the wrap of the RTP clock."""
    shift = 2**32 - 20 * 3000
    return [
        replace(
            unit,
            pts_90k=unit.pts_90k + shift,
            dts_90k=unit.dts_90k + shift,
            wall_us=unit.wall_us + 7919 * number % 20_000,
        )
        for number, unit in enumerate(units)
    ]


def with_server(units: list[AccessUnit], client: str, transport: Transport) -> tuple[list[int], list[int]]:
    """(numbers seen, capture times in µs that arrived) by one client."""

    async def run() -> tuple[list[int], list[int]]:
        clip = Clip(units)
        server = RtspServer(
            host="127.0.0.1", port=0, mounts=lambda _: clip, authenticate={"u": "p:@/ü"}, clock=SystemClock()
        )
        with anyio.fail_after(60):
            async with server:
                url = f"rtsp://u:p%3A%40%2F%C3%BC@127.0.0.1:{server.port}/live/clip?x=1"
                read = read_by_pyav if client == "pyav" else read_by_ffmpeg
                return await anyio.to_thread.run_sync(read, url, transport)

    return anyio.run(run)


def read_by_pyav(url: str, transport: Transport) -> tuple[list[int], list[int]]:
    numbers, walls = [], []
    with av.open(url, options={"rtsp_transport": transport}, timeout=(10, 5)) as container:
        for packet in container.demux(container.streams.video[0]):
            if packet.size:
                prft = bytes(packet.get_sidedata("prft"))
                walls.append(int.from_bytes(prft[:8], "little", signed=True))
            for frame in packet.decode():
                assert isinstance(frame, av.VideoFrame)
                numbers.append(clips.read_number(np.asarray(frame.to_ndarray(format="gray"), np.uint8)))
    return numbers, walls


def read_by_ffmpeg(url: str, transport: Transport) -> tuple[list[int], list[int]]:
    command = ["ffmpeg", "-v", "error", "-rtsp_transport", transport, "-i", url, "-pix_fmt", "gray", "-f", "rawvideo"]
    # -vsync passthrough: no picture twice, none left out
    done = subprocess.run([*command, "-vsync", "passthrough", "-"], capture_output=True, check=True, timeout=50)
    size = clips.WIDTH * clips.HEIGHT
    pictures = np.frombuffer(done.stdout, np.uint8).reshape(-1, clips.HEIGHT, clips.WIDTH)
    assert len(done.stdout) % size == 0
    return [clips.read_number(picture) for picture in pictures], []


@pytest.mark.parametrize("transport", ["tcp", "udp"])
@pytest.mark.parametrize("client", ["pyav", "ffmpeg"])
def test_h264_arrives_whole(client: str, transport: Transport) -> None:
    numbers, _ = with_server(clips.encode(COUNT + SPARE), client, transport)
    assert numbers[:COUNT] == list(range(COUNT))


@pytest.mark.parametrize("transport", ["tcp", "udp"])
def test_hevc_arrives_whole(transport: Transport) -> None:
    numbers, _ = with_server(clips.encode(COUNT + SPARE, codec="libx265"), "pyav", transport)
    assert numbers[:COUNT] == list(range(COUNT))


def test_b_frames_arrive_whole() -> None:
    numbers, _ = with_server(clips.encode(COUNT + SPARE, b_frames=2), "pyav", "tcp")
    assert numbers[:COUNT] == list(range(COUNT))


@pytest.mark.parametrize("transport", ["tcp", "udp"])
def test_the_capture_time_of_every_picture_arrives(transport: Transport) -> None:
    units = uneven(clips.encode(COUNT + SPARE))
    numbers, walls = with_server(units, "pyav", transport)
    assert numbers[:COUNT] == list(range(COUNT))
    assert walls[:COUNT] == pytest.approx([unit.wall_us for unit in units[:COUNT]], abs=1000)
