"""A still from encoded video: the right picture, its time, its size, and what cannot be shown."""

from collections.abc import Sequence
from dataclasses import replace
from io import BytesIO

import av
import numpy as np
import pytest

from tests.support import clips
from vedette.kernel.errors import Fault
from vedette.media.picture import Picture, decode_picture
from vedette.media.unit import AccessUnit

STEP_US = 100_000 // 3


def number_of(picture: Picture) -> int:
    with av.open(BytesIO(picture.jpeg), "r", format="jpeg_pipe") as container:
        (frame,) = container.decode(video=0)
    assert (frame.width, frame.height) == (picture.width, picture.height)
    return clips.read_number(np.asarray(frame.to_ndarray(format="gray"), np.uint8))


@pytest.mark.parametrize("b_frames", [0, 2])
def test_every_instant_gets_its_own_picture(b_frames: int) -> None:
    units = clips.encode(20, gop=10, b_frames=b_frames)
    for shown in sorted(units, key=lambda unit: unit.pts_90k):
        number = shown.pts_90k // 3000
        for late_us in (0, STEP_US - 1):
            picture = decode_picture(units, at_wall_us=shown.wall_us + late_us)
            assert number_of(picture) == number
            assert picture.wall_us == shown.wall_us


@pytest.mark.parametrize("b_frames", [0, 2])
def test_without_a_time_it_is_the_newest(b_frames: int) -> None:
    picture = decode_picture(clips.encode(15, gop=10, b_frames=b_frames))
    assert number_of(picture) == 14
    assert (picture.width, picture.height) == (clips.WIDTH, clips.HEIGHT)


def test_a_picture_with_b_frames_is_whole() -> None:
    """The picture that is shown between its references needs the later one."""
    units = clips.encode(9, gop=9, b_frames=2)
    by_time = sorted(units, key=lambda unit: unit.pts_90k)
    assert units.index(by_time[1]) > units.index(by_time[3])
    assert number_of(decode_picture(units, at_wall_us=by_time[1].wall_us)) == 1


@pytest.mark.parametrize(
    ("asked", "given"),
    [
        ((None, None), (512, 128)),
        ((256, None), (256, 64)),
        ((None, 64), (256, 64)),
        ((300, 200), (300, 200)),
        ((333, 77), (332, 76)),
        ((1, None), (2, 2)),
        ((1024, None), (1024, 256)),
    ],
)
def test_sizes(asked: tuple[int | None, int | None], given: tuple[int, int]) -> None:
    picture = decode_picture(clips.encode(1), width=asked[0], height=asked[1])
    assert (picture.width, picture.height) == given
    assert picture.jpeg.startswith(b"\xff\xd8")


def test_hevc() -> None:
    if "libx265" not in av.codec.codecs_available:
        pytest.skip("this libav cannot encode HEVC")
    assert number_of(decode_picture(clips.encode(5, codec="libx265"))) == 4


def test_parameter_sets_may_come_out_of_band() -> None:
    units = clips.encode(3)
    bare = units[0].data.removeprefix(units[0].parameters.extradata)
    assert bare != units[0].data
    assert number_of(decode_picture([replace(units[0], data=bare), *units[1:]])) == 2


@pytest.mark.parametrize("units", [[], clips.encode(3)[1:]])
def test_nothing_to_show(units: Sequence[AccessUnit]) -> None:
    with pytest.raises(Fault) as caught:
        decode_picture(units)
    assert caught.value.status == 404


def test_nothing_that_early() -> None:
    with pytest.raises(Fault) as caught:
        decode_picture(clips.encode(3), at_wall_us=clips.WALL_US - 1)
    assert caught.value.status == 404


@pytest.mark.parametrize("data", [b"", b"no video", b"\x00\x00\x00\x01\x65\x88\x84garbage"])
def test_what_cannot_be_decoded_is_a_fault(data: bytes) -> None:
    unit = clips.encode(1)[0]
    with pytest.raises(Fault) as caught:
        decode_picture([replace(unit, data=data, parameters=replace(unit.parameters, extradata=b""))])
    assert caught.value.status == 503
