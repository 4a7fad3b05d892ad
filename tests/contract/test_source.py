"""Every source keeps the same promises, whatever it reads."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from itertools import pairwise
from pathlib import Path

import anyio
import pytest

from tests.support import clips
from tests.support.files import write_clip
from vedette.kernel.clock import SystemClock
from vedette.kernel.errors import Fault
from vedette.media import h264
from vedette.media.source import Source, opened
from vedette.media.sources import open_source
from vedette.media.unit import AccessUnit
from vedette.tools.camera import Camera, open_file, open_scene

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


OFFERS: dict[str, Offer] = {
    "rtsp": _rtsp_scene,
    "rtsp file": _rtsp_file,
    "rtsp with B-frames": _rtsp_b_frames,
    "file": _file,
    "test": _scene,
}
every_source = pytest.mark.parametrize("offer", OFFERS.values(), ids=OFFERS)


async def read(source: Source, count: int) -> list[AccessUnit]:
    units: list[AccessUnit] = []
    with anyio.fail_after(30):
        async with opened(source) as stream:
            async for unit in stream:
                units.append(unit)
                if len(units) == count:
                    break
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
        (sps, *_), pps = h264.parameter_sets(parameters.extradata)
        found = h264.parse_sps(sps)
        assert pps
        assert parameters.codec == "h264"
        assert (parameters.width, parameters.height) == (found.width, found.height)
        assert parameters.has_b_frames == any(unit.pts_90k > unit.dts_90k for unit in units)


@every_source
async def test_units_are_annex_b_with_their_capture_time(offer: Offer, tmp_path: Path) -> None:
    clock = SystemClock()
    async with offer(tmp_path) as source:
        before_us = clock.now()
        units = await read(source, 30)
        assert all(unit.data.startswith(h264.START_CODE) for unit in units)
        assert all(h264.is_keyframe(unit.data) == unit.is_keyframe for unit in units)
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


async def test_the_end_of_a_live_source_is_a_fault() -> None:
    async with Camera({"scene": open_scene(fps=30, width=320, height=180)}, clock=SystemClock()) as camera:
        with anyio.fail_after(20), pytest.raises(Fault) as caught:
            async with opened(_open(camera.url("scene"))) as units:
                async for _ in units:
                    camera.drop()
        assert caught.value.status == 502
