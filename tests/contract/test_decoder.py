"""What every decoder promises: each picture once, in order, with its own time; pixels only where they are wanted."""

from collections.abc import AsyncIterator, Sequence

import anyio
import av
import pytest

from tests.support import clips
from tests.support.perception import read_number
from vedette.kernel.clock import SystemClock
from vedette.kernel.errors import Fault
from vedette.media.unit import AccessUnit, CodecParameters, Frame
from vedette.services.perception.adapters.decoders import Decoder, PictureSize, Wanted
from vedette.services.perception.adapters.decoders.pyav import PyavDecoder


def pyav(wanted: Wanted, picture_size: PictureSize) -> Decoder:
    threads = anyio.CapacityLimiter(1)
    return PyavDecoder(wanted=wanted, picture_size=picture_size, clock=SystemClock(), threads=threads)


DECODERS = {"pyav": pyav}


async def feed(units: Sequence[AccessUnit]) -> AsyncIterator[AccessUnit]:
    for unit in units:
        yield unit


async def decode(name: str, units: Sequence[AccessUnit], wanted: Wanted = lambda _: True) -> list[Frame]:
    decoder = DECODERS[name](wanted, lambda width, height: (width, height))
    frames = [frame async for frame in decoder.frames(feed(units))]
    assert decoder.busy_s > 0
    return frames


@pytest.mark.anyio
@pytest.mark.parametrize("name", DECODERS)
async def test_every_picture_once_with_its_own_time(name: str) -> None:
    units = clips.encode(25)
    frames = await decode(name, units)
    assert [read_number(frame.image) for frame in frames] == list(range(25))
    assert [frame.wall_us for frame in frames] == [unit.wall_us for unit in units]
    assert [frame.number for frame in frames] == list(range(1, 26))
    assert {(frame.width, frame.height) for frame in frames} == {(clips.WIDTH, clips.HEIGHT)}


@pytest.mark.anyio
@pytest.mark.parametrize("name", DECODERS)
async def test_reordered_pictures_keep_their_times(name: str) -> None:
    frames = await decode(name, clips.encode(20, b_frames=2))
    numbers = [read_number(frame.image) for frame in frames]
    assert numbers == sorted(numbers)
    assert len(numbers) >= 16
    assert [(frame.wall_us - clips.WALL_US) * 30 // 1_000_000 for frame in frames] == pytest.approx(numbers, abs=1)


@pytest.mark.anyio
@pytest.mark.parametrize("name", DECODERS)
async def test_only_wanted_pictures_have_pixels(name: str) -> None:
    asked: list[int] = []

    def wanted(wall_us: int) -> bool:
        asked.append(wall_us)
        return len(asked) % 3 == 1

    frames = await decode(name, clips.encode(12), wanted)
    assert [bool(frame.image.size) for frame in frames] == [True, False, False] * 4
    assert asked == [frame.wall_us for frame in frames]


@pytest.mark.anyio
@pytest.mark.parametrize("name", DECODERS)
async def test_pictures_have_the_size_that_was_asked_for(name: str) -> None:
    decoder = DECODERS[name](lambda _: True, lambda width, height: (width // 2, height // 2))
    frames = [frame async for frame in decoder.frames(feed(clips.encode(3)))]
    assert {frame.image.shape for frame in frames} == {(clips.HEIGHT // 2, clips.WIDTH // 2, 3)}
    assert frames[0].width == clips.WIDTH


@pytest.mark.anyio
@pytest.mark.parametrize("name", DECODERS)
async def test_new_parameters_start_a_new_session(name: str) -> None:
    small, tall = clips.encode(5), clips.encode(5, height=256, first=5)
    frames = await decode(name, [*small, *tall])
    assert [frame.height for frame in frames] == [128] * 5 + [256] * 5


@pytest.mark.anyio
@pytest.mark.parametrize("name", DECODERS)
async def test_damage_is_skipped_and_an_unknown_codec_is_a_fault(name: str) -> None:
    units = clips.encode(20)
    damaged = [*units[:5], *[broken(unit) for unit in units[5:8]], *units[10:]]
    frames = await decode(name, damaged)
    assert {read_number(frame.image) for frame in frames[-10:]} == set(range(10, 20))
    strange = broken(units[0], CodecParameters("opus"))
    with pytest.raises(Fault) as caught:
        await decode(name, [strange])
    assert "H.264" in caught.value.message


@pytest.mark.anyio
async def test_a_stream_that_is_all_damage_is_given_up() -> None:
    units = [broken(unit) for unit in clips.encode(110)]
    with pytest.raises(Fault) as caught:
        await decode("pyav", units)
    assert caught.value.status == 503


def broken(unit: AccessUnit, parameters: CodecParameters | None = None) -> AccessUnit:
    """A unit whose bytes are no picture."""
    return AccessUnit(
        b"\0\0\0\1\x65" + bytes(40),
        unit.pts_90k,
        unit.dts_90k,
        unit.wall_us,
        unit.is_keyframe,
        parameters or unit.parameters,
    )


def test_this_build_has_the_encoder_that_tests_need() -> None:
    assert "libx264" in av.codec.codecs_available
