"""Loops in memory: time goes on over the seam, sound keeps step, every picture can say who it is."""

from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import override

import anyio
import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support import clips
from vedette.kernel.clock import FakeClock
from vedette.kernel.errors import Fault
from vedette.media import h264
from vedette.media.packetise import join_obus, split_obus
from vedette.media.scene import read_barcode
from vedette.media.source import opened
from vedette.media.unit import AccessUnit, Codec, CodecParameters
from vedette.tools.camera.encode import encode_scene
from vedette.tools.camera.files import decode_times, read_reel
from vedette.tools.camera.openers import OpenReel, OpenScene, resized, respecified
from vedette.tools.camera.reel import Reel, ReelSource, Shelf, Sound, WithSound
from vedette.tools.camera.spec import StreamSpec
from vedette.tools.camera.stamp import IDENTIFIER, Stamp, read_stamp, stamped
from vedette.tools.camera.tone import SoundCodec, alaw, beeps, tone, ulaw

SMALL = StreamSpec(width=320, height=180, fps=10, gop=5)


class HurriedClock(FakeClock):
    """Nobody waits: time is what was waited for."""

    @override
    async def sleep(self, seconds: float) -> None:
        self.advance(seconds)
        await anyio.lowlevel.checkpoint()


def reel_of(units: list[AccessUnit], sound: Sound | None = None) -> Reel:
    return Reel(tuple(units), len(units) * 3000, sound)


def played(reel: Reel, count: int) -> list[AccessUnit]:
    """The first units of an endless loop."""

    async def run() -> list[AccessUnit]:
        async def get() -> Reel:
            return reel

        async def hear() -> Sound | None:
            return reel.sound

        found: list[AccessUnit] = []
        async with opened(WithSound(ReelSource(get, clock=HurriedClock()), hear)) as units:
            async for unit in units:
                found.append(unit)
                if len(found) == count:
                    break
        return found

    return anyio.run(run)


def test_a_loop_goes_on_over_its_seam() -> None:
    units = clips.encode(10, gop=5, b_frames=1)
    found = played(reel_of(units), 35)
    assert [unit.data for unit in found] == [units[index % 10].data for index in range(35)]
    assert [b.dts_90k - a.dts_90k for a, b in pairwise(found)] == [3000] * 34
    assert len({id(unit.parameters) for unit in found}) == 1
    assert found[0].parameters is not units[0].parameters
    assert all(unit.wall_us - found[0].wall_us == (unit.pts_90k - found[0].pts_90k) * 100 // 9 for unit in found)


@pytest.mark.parametrize("codec", ["aac", "pcmu", "pcma"])
def test_sound_keeps_step_with_the_picture(codec: SoundCodec) -> None:
    sound = tone(codec)
    found = played(reel_of(clips.encode(10, gop=5), sound), 400)
    assert found[0].is_keyframe
    heard = [unit for unit in found if unit.parameters.is_audio]
    shown = [unit for unit in found if not unit.parameters.is_audio]
    assert len(heard) > 100
    assert all(abs((b.pts_90k - a.pts_90k) - sound.frame_90k) <= 1 for a, b in pairwise(heard))
    assert abs(heard[-1].pts_90k - shown[-1].pts_90k) <= sound.frame_90k + 3000
    assert all(abs((unit.wall_us - found[0].wall_us) - unit.pts_90k * 100 / 9) < 50 for unit in heard)


@pytest.mark.parametrize("codec", ["pcmu", "pcma"])
def test_g711_is_what_libav_decodes(codec: str) -> None:
    samples = np.concatenate([beeps(8000)[:800], np.linspace(-32_768, 32_767, 700).astype(np.int16)])
    octets = (ulaw if codec == "pcmu" else alaw)(samples).tobytes()
    decoder = av.CodecContext.create("pcm_mulaw" if codec == "pcmu" else "pcm_alaw", "r")
    assert isinstance(decoder, av.AudioCodecContext)
    decoder.sample_rate, decoder.layout = 8000, "mono"
    (frame,) = decoder.decode(av.Packet(octets))
    back = np.asarray(frame.to_ndarray()).reshape(-1).astype(np.int64)
    assert np.all(np.abs(back - samples) <= np.maximum(16, np.abs(samples.astype(np.int64)) // 16))


@pytest.mark.parametrize(
    "spec",
    [
        StreamSpec("h264", 320, 180, 10, 5, 2),
        StreamSpec("hevc", 320, 180, 10, 5, 2),
        StreamSpec("av1", 320, 180, 10, 5),
    ],
)
def test_the_scene_is_encoded_as_asked(spec: StreamSpec) -> None:
    reel = encode_scene(spec, seconds=1)
    assert (len(reel.units), reel.duration_90k) == (10, 90_000)
    assert [index for index, unit in enumerate(reel.units) if unit.is_keyframe] == [0, 5]
    assert [unit.dts_90k for unit in reel.units] == [9000 * index for index in range(10)]
    decoder = av.CodecContext.create("libdav1d" if spec.codec == "av1" else spec.codec, "r")
    assert isinstance(decoder, av.VideoCodecContext)
    frames = []
    for unit in reel.units:
        packet = av.Packet(stamped(spec.codec, unit.data, Stamp("ü", "main", 7, 9)))
        packet.pts, packet.dts, packet.time_base = unit.pts_90k, unit.dts_90k, Fraction(1, 90_000)
        frames += decoder.decode(packet)
    frames += decoder.decode(None)
    numbers = [read_barcode(np.asarray(frame.to_ndarray(format="bgr24"), np.uint8)) for frame in frames]
    assert numbers == list(range(10))


def test_a_bit_rate_is_reached_by_grain() -> None:
    plain, grained = (
        sum(len(unit.data) for unit in encode_scene(StreamSpec(width=320, height=180, kbps=kbps), seconds=2).units)
        for kbps in (0, 1500)
    )
    assert plain < 60_000 < 250_000 < grained


@pytest.mark.parametrize(
    "spec",
    [
        StreamSpec(width=321),
        StreamSpec(width=160),
        StreamSpec(width=4000),
        StreamSpec(fps=0),
        StreamSpec(codec="av1", b_frames=1),
        StreamSpec(kbps=-1),
    ],
)
def test_what_cannot_be_encoded_is_refused(spec: StreamSpec) -> None:
    with pytest.raises(Fault) as caught:
        spec.check()
    assert caught.value.status == 400


FILES = [
    *((codec, "mp4", "aac") for codec in ("libx264", "libx265", "libsvtav1")),
    *((codec, "mkv", "") for codec in ("libx264", "libx265", "libsvtav1")),
    ("libx264", "mov", "pcm_alaw"),
    ("libx265", "mov", "pcm_mulaw"),
]


@pytest.mark.parametrize(("codec", "container", "audio"), FILES)
def test_a_file_is_read_as_it_is(tmp_path: Path, codec: str, container: str, audio: str) -> None:
    path = tmp_path / f"clip.{container}"
    write_file(path, codec, audio)
    reel = read_reel(str(path))
    assert len(reel.units) == 20
    assert reel.units[0].is_keyframe
    assert reel.units[0].parameters.extradata
    assert abs(reel.duration_90k - 20 * 9000) <= 90
    assert (reel.sound is None) == (not audio)
    if reel.sound is not None:
        assert reel.sound.frames
        assert bool(reel.sound.parameters.extradata) == (audio == "aac")


def write_file(path: Path, codec: str, audio: str) -> None:
    with av.open(str(path), "w") as out:
        video = out.add_stream(codec, rate=10)
        assert isinstance(video, av.VideoStream)
        video.width, video.height, video.pix_fmt = 320, 180, "yuv420p"
        sound = out.add_stream(audio, rate=8000) if audio else None
        for number in range(20):
            frame = av.VideoFrame.from_ndarray(np.full((180, 320, 3), number * 10, np.uint8), format="rgb24")
            out.mux(video.encode(frame.reformat(format="yuv420p")))
        out.mux(video.encode(None))
        if isinstance(sound, av.AudioStream):
            heard = av.AudioFrame.from_ndarray(np.zeros((1, 16_000), np.int16), format="s16", layout="mono")
            heard.sample_rate = 8000
            out.mux(sound.encode(heard))
            out.mux(sound.encode(None))


@given(st.lists(st.integers(0, 10**6), min_size=1, max_size=40, unique=True))
def test_decode_times_rise_and_come_before_the_picture(shown: list[int]) -> None:
    times = decode_times(shown, 3000)
    assert all(dts <= pts for pts, dts in times)
    assert all(a < b for (_, a), (_, b) in pairwise(times))
    assert [pts - times[0][0] for pts, _ in times] == [moment - shown[0] for moment in shown]
    assert times[0][1] == 0
    assert decode_times([*shown, None], 10) == [(10 * n, 10 * n) for n in range(len(shown) + 1)]


def test_a_file_without_video_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "none.mp4"
    for content in (b"", b"no video at all"):
        path.write_bytes(content)
        with pytest.raises(Fault, match="cannot be read"):
            read_reel(str(path))


# --- stamps ----------------------------------------------------------------------------------------------------------


@given(st.text(max_size=300), st.integers(0, 10**12), st.integers(0, 10**15))
def test_a_stamp_is_found_again(name: str, number: int, monotonic_us: int) -> None:
    stamp = Stamp(name, "main", number, monotonic_us)
    keyframe = h264.join([b"\x67sps", b"\x68pps", b"\x65" + b"slice" * 10])
    data = stamped("h264", keyframe, stamp)
    nals = h264.split(data)
    assert read_stamp(data) == stamp
    assert [nal[0] & 31 for nal in nals] == [7, 8, 6, 5]
    assert [nal for nal in nals if nal[0] != 6] == h264.split(keyframe)
    assert data[data.index(b"\x00\x00\x00\x01\x06") + 4 :].find(b"\x00\x00") > len(IDENTIFIER)


def test_stamps_of_the_other_codecs_stand_before_the_picture() -> None:
    stamp = Stamp("a", "sub", 3, 4)
    data = stamped("hevc", h264.join([b"\x40\x01vps", b"\x26\x01slice"]), stamp)
    assert [nal[0] >> 1 for nal in h264.split(data)] == [32, 39, 19]
    assert read_stamp(data) == stamp
    data = stamped("av1", join_obus([b"\x08seq", b"\x30frame"]), stamp)
    assert [obu[0] >> 3 for obu in split_obus(data)] == [1, 5, 6]
    assert read_stamp(data) == stamp


@given(st.binary(max_size=60))
def test_no_stamp_is_no_stamp(data: bytes) -> None:
    assert read_stamp(data) is None
    found = read_stamp(IDENTIFIER + data)
    assert found is None or isinstance(found, Stamp)


# --- openers ---------------------------------------------------------------------------------------------------------


def test_the_same_is_encoded_once() -> None:
    made: list[int] = []

    def make() -> Reel:
        made.append(1)
        return reel_of([AccessUnit(b"", 0, 0, 0, True, CodecParameters("h264"))])

    async def run() -> None:
        shelf = Shelf()
        async with anyio.create_task_group() as group:
            for _ in range(5):
                group.start_soon(shelf.get, "key", make)

    anyio.run(run)
    assert made == [1]


def test_another_size_is_another_stream() -> None:
    reel = OpenReel(SMALL, Shelf())
    assert resized(reel, 640, 361).encoded_as() == StreamSpec(width=640, height=360, fps=10, gop=5)
    assert resized(OpenScene(), None, None) == OpenScene(15, 1280, 720)
    assert resized(OpenScene(15, 1280, 720), None, None) == OpenScene()
    changed = respecified(OpenScene(), StreamSpec("hevc"))
    assert isinstance(changed, OpenReel)


@pytest.mark.parametrize("codec", ["h264", "hevc"])
def test_the_first_slice_is_found(codec: Codec) -> None:
    data = stamped(codec, b"", Stamp("a", "main", 1, 1))
    assert read_stamp(data) == Stamp("a", "main", 1, 1)
