"""Every source keeps the same promises, whatever it reads."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from itertools import pairwise
from pathlib import Path
from typing import Literal, cast

import anyio
import pytest

from tests.support import clips
from tests.support.files import write_clip
from vedette.kernel.clock import SystemClock
from vedette.kernel.errors import Fault
from vedette.media import av1_config, h264, hevc, packetise
from vedette.media.source import Source, opened
from vedette.media.sources import open_source
from vedette.media.unit import AccessUnit, VideoCodec
from vedette.media.video_parameters import shape_of
from vedette.tools.camera import Camera, open_file, open_scene
from vedette.tools.camera.openers import OpenReel
from vedette.tools.camera.reel import Shelf
from vedette.tools.camera.spec import StreamSpec

pytestmark = pytest.mark.anyio
type Offer = Callable[[Path], AbstractAsyncContextManager[Source]]


def _open(url: str) -> Source:
    return open_source(url, clock=SystemClock(), open_timeout_s=5, read_timeout_s=2)


@asynccontextmanager
async def _rtsp_scene(_: Path) -> AsyncIterator[Source]:
    async with Camera({"scene": open_scene(fps=30, width=320, height=180)}, clock=SystemClock()) as camera:
        yield _open(camera.url("scene"))


@asynccontextmanager
async def _rtsp_file(folder: Path) -> AsyncIterator[Source]:
    path = write_clip(folder / "clip.mp4", clips.encode(30, gop=6))
    async with Camera({"clip": open_file(path)}, clock=SystemClock()) as camera:
        yield _open(camera.url("clip"))


@asynccontextmanager
async def _rtsp_b_frames(folder: Path) -> AsyncIterator[Source]:
    path = write_clip(folder / "clip.mp4", clips.encode(30, gop=6, b_frames=2))
    async with Camera({"clip": open_file(path)}, clock=SystemClock()) as camera:
        yield _open(camera.url("clip"))


@asynccontextmanager
async def _file(folder: Path) -> AsyncIterator[Source]:
    yield _open(write_clip(folder / "a clip.mp4", clips.encode(30, gop=6, b_frames=2)).as_uri())


@asynccontextmanager
async def _scene(_: Path) -> AsyncIterator[Source]:
    yield _open("test://scene?fps=30&width=320&height=180")


def _rtsp(spec: StreamSpec, *, transport: Literal["tcp", "udp"] = "tcp") -> Offer:
    """A camera that streams by this specification."""

    @asynccontextmanager
    async def offer(_: Path) -> AsyncIterator[Source]:
        async with Camera({"c": OpenReel(spec, Shelf())}, clock=SystemClock()) as camera:
            yield open_source(camera.url("c"), clock=SystemClock(), transport=transport, audio=bool(spec.audio))

    return offer


OFFERS: dict[str, Offer] = {
    "rtsp": _rtsp_scene,
    "rtsp file": _rtsp_file,
    "rtsp with B-frames": _rtsp_b_frames,
    "rtsp hevc": _rtsp(StreamSpec("hevc", 320, 180, 30, 6)),
    "rtsp av1": _rtsp(StreamSpec("av1", 320, 180, 30, 6)),
    "rtsp with sound": _rtsp(StreamSpec("h264", 320, 180, 30, 6, audio="aac")),
    "rtsp over udp": _rtsp(StreamSpec("h264", 320, 180, 30, 6), transport="udp"),
    "file": _file,
    "test": _scene,
}
SETS: dict[VideoCodec, Callable[[bytes], bytes]] = {
    "h264": h264.extradata_of,
    "hevc": hevc.extradata_of,
    "av1": av1_config.extradata_of,
}
DELIMITER = 2
every_source = pytest.mark.parametrize("offer", OFFERS.values(), ids=OFFERS)


async def read(source: Source, count: int) -> list[AccessUnit]:
    """So many pictures; the sound between them is only looked at."""
    units: list[AccessUnit] = []
    sounds: list[AccessUnit] = []
    with anyio.fail_after(30):
        async with opened(source) as stream:
            async for unit in stream:
                assert units or not unit.parameters.is_audio
                (sounds if unit.parameters.is_audio else units).append(unit)
                if len(units) == count:
                    break
    assert all(b.dts_90k > a.dts_90k for a, b in pairwise(sounds))
    assert not any(unit.is_keyframe for unit in sounds)
    assert len({id(unit.parameters) for unit in sounds}) <= 1
    return units


@every_source
async def test_a_source_starts_at_a_keyframe_and_its_dts_rises(offer: Offer, tmp_path: Path) -> None:
    async with offer(tmp_path) as source:
        units = await read(source, 45)
        assert units[0].is_keyframe
        assert sum(unit.is_keyframe for unit in units) >= 2
        assert all(b.dts_90k > a.dts_90k for a, b in pairwise(units))
        assert all(unit.pts_90k >= unit.dts_90k for unit in units)
        shown = sorted(unit.pts_90k for unit in units)[3:-3]
        assert all(abs(b - a - 3000) <= 90 for a, b in pairwise(shown))


@every_source
async def test_one_parameters_object_says_how_to_decode(offer: Offer, tmp_path: Path) -> None:
    async with offer(tmp_path) as source:
        units = await read(source, 45)
        parameters = units[0].parameters
        assert all(unit.parameters is parameters for unit in units)
        codec = cast(VideoCodec, parameters.codec)
        assert SETS[codec](units[0].data) == parameters.extradata
        found = shape_of(codec, parameters.extradata)
        assert (parameters.width, parameters.height) == (found.width, found.height)
        assert found.width
        assert parameters.has_b_frames == any(unit.pts_90k > unit.dts_90k for unit in units)


@every_source
async def test_units_are_whole_with_their_capture_time(offer: Offer, tmp_path: Path) -> None:
    clock = SystemClock()
    async with offer(tmp_path) as source:
        before_us = clock.now()
        units = await read(source, 30)
        for unit in units:
            if unit.parameters.codec == "av1":
                kinds = [packetise.obu_type(obu) for obu in packetise.split_obus(unit.data)]
                assert DELIMITER not in kinds
            else:
                assert unit.data.startswith(h264.START_CODE)
                module = h264 if unit.parameters.codec == "h264" else hevc
                assert module.is_keyframe(unit.data) == unit.is_keyframe
        shown = sorted(units, key=lambda unit: unit.pts_90k)
        assert all(b.wall_us > a.wall_us for a, b in pairwise(shown))
        assert before_us - 5_000_000 < shown[0].wall_us
        assert shown[-1].wall_us < clock.now() + 200_000  # B-frames of a file are due a little later than they are sent


@every_source
async def test_closing_ends_connections_and_it_can_be_read_again(offer: Offer, tmp_path: Path) -> None:
    async with offer(tmp_path) as source:
        for _ in range(2):
            assert (await read(source, 3))[0].is_keyframe


@every_source
async def test_a_cancelled_reader_leaves_nothing_behind(offer: Offer, tmp_path: Path) -> None:
    async with offer(tmp_path) as source:
        with anyio.move_on_after(10) as scope:
            async with opened(source) as units:
                async for _ in units:
                    scope.cancel()
        assert not [task for task in asyncio.all_tasks() if "_watch_deadlines" in repr(task.get_coro())]


async def test_the_end_of_a_live_source_is_a_fault() -> None:
    async with Camera({"scene": open_scene(fps=30, width=320, height=180)}, clock=SystemClock()) as camera:
        with anyio.fail_after(20), pytest.raises(Fault) as caught:
            async with opened(_open(camera.url("scene"))) as units:
                async for _ in units:
                    camera.drop()
        assert caught.value.status == 502
