"""The test pattern: every picture shows its number, times come from the clock, keyframes come each second."""

from contextlib import aclosing
from fractions import Fraction
from typing import override

import anyio
import av
import numpy as np
import pytest

from vedette.kernel.clock import FakeClock
from vedette.kernel.errors import Fault
from vedette.media import h264
from vedette.media.scene import read_barcode
from vedette.media.sources.test_pattern import ScenePattern, scene_of_url
from vedette.media.unit import AccessUnit

START = 1_700_000_000_000_000


def collect(pattern: ScenePattern) -> list[AccessUnit]:
    async def run() -> list[AccessUnit]:
        return [unit async for unit in pattern.units()]

    return anyio.run(run)


def numbers(units: list[AccessUnit]) -> list[int | None]:
    decoder = av.CodecContext.create("h264", "r")
    assert isinstance(decoder, av.VideoCodecContext)
    frames = [frame for unit in units for frame in decoder.decode(av.Packet(unit.data))]
    frames += decoder.decode(None)
    return [read_barcode(np.asarray(frame.to_ndarray(format="bgr24"), np.uint8)) for frame in frames]


def test_every_picture_shows_its_number() -> None:
    units = collect(scene_of_url("test://scene?fps=15&frames=32&first=590", clock=FakeClock(START), paced=False))
    assert numbers(units) == list(range(590, 622))
    assert [n for n, unit in enumerate(units) if unit.is_keyframe] == [0, 15, 30]
    assert [unit.pts_90k for unit in units] == [n * 6000 for n in range(32)]
    assert all(unit.pts_90k == unit.dts_90k for unit in units)
    assert len({id(unit.parameters) for unit in units}) == 1
    parameters = units[0].parameters
    assert (parameters.width, parameters.height, parameters.has_b_frames) == (640, 360, False)
    sps, pps = h264.parameter_sets(parameters.extradata)
    assert h264.parse_sps(sps[0]).fps == Fraction(15)
    assert not h264.parse_sps(sps[0]).may_reorder
    assert pps


class SleptClock(FakeClock):
    """Time passes only while somebody sleeps."""

    @override
    async def sleep(self, seconds: float) -> None:
        self.advance(seconds)


def test_pictures_are_due_by_the_clock_and_carry_that_instant() -> None:
    clock = SleptClock(START)

    async def run() -> list[tuple[int, int]]:
        async with aclosing(ScenePattern(clock=clock, fps=10, frames=5, width=320, height=180).units()) as units:
            return [(clock.now(), unit.wall_us) async for unit in units]

    found = anyio.run(run)
    assert [wall_us for _, wall_us in found] == [START + n * 100_000 for n in range(5)]
    assert [seen for seen, _ in found] == [wall_us for _, wall_us in found]


@pytest.mark.parametrize(
    "url",
    [
        "test://bars",
        "test://scene/x",
        "rtsp://scene",
        "test://scene?fps=0",
        "test://scene?fps=x",
        "test://scene?fps=²",
        "test://scene?shell=1",
        "test://scene?width=641",
        "test://scene?width=",
    ],
)
def test_senseless_urls_are_faults(url: str) -> None:
    with pytest.raises(Fault) as caught:
        scene_of_url(url, clock=FakeClock())
    assert caught.value.status == 400
