"""A looped file: every picture in order over the seams, timestamps that go on, keyframes at each start."""

from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import anyio
import av
import numpy as np
import pytest

from tests.support import clips
from vedette.kernel.clock import FakeClock
from vedette.kernel.errors import Fault
from vedette.media import h264
from vedette.media.sources.looped import LoopedFile
from vedette.media.unit import AccessUnit


def write(path: Path, *, count: int = 12, b_frames: int = 0) -> Path:
    """A clip of `count` numbered pictures at 30 per second."""
    units = clips.encode(count, gop=6, b_frames=b_frames)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("h264", rate=30)
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height, stream.pix_fmt = clips.WIDTH, clips.HEIGHT, "yuv420p"
        stream.codec_context.extradata = units[0].parameters.extradata
        for unit in units:
            packet = av.Packet(unit.data)
            packet.stream, packet.time_base = stream, Fraction(1, 90_000)
            packet.pts, packet.dts, packet.is_keyframe = unit.pts_90k, unit.dts_90k, unit.is_keyframe
            container.mux(packet)
    return path


def write_mjpeg(path: Path, *, count: int = 8) -> Path:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mjpeg", rate=10)
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height, stream.pix_fmt = clips.WIDTH, clips.HEIGHT, "yuvj420p"
        for number in range(count):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(clips.draw(number), format="yuv420p")))
        container.mux(stream.encode(None))
    return path


def collect(path: Path, passes: int) -> list[AccessUnit]:
    async def run() -> list[AccessUnit]:
        source = LoopedFile(str(path), clock=FakeClock(), passes=passes, paced=False)
        return [unit async for unit in source.units()]

    return anyio.run(run)


def numbers(units: list[AccessUnit]) -> list[int]:
    decoder = av.CodecContext.create("h264", "r")
    assert isinstance(decoder, av.VideoCodecContext)
    frames = [frame for unit in units for frame in decoder.decode(av.Packet(unit.data))]
    return [
        clips.read_number(np.asarray(frame.to_ndarray(format="gray"), np.uint8))
        for frame in [*frames, *decoder.decode(None)]
    ]


@pytest.mark.parametrize("suffix", ["mp4", "mkv", "ts", "h264"])
def test_h264_is_copied_over_the_seam(tmp_path: Path, suffix: str) -> None:
    path = write(tmp_path / f"clip.{suffix}")
    units = collect(path, 3)
    assert numbers(units) == [*range(12)] * 3
    assert [n for n, unit in enumerate(units) if unit.is_keyframe] == [0, 6, 12, 18, 24, 30]
    assert all(b.dts_90k > a.dts_90k for a, b in pairwise(units))
    if suffix != "h264":
        steps = [b.dts_90k - a.dts_90k for a, b in pairwise(units)]
        assert all(abs(step - 3000) <= 90 for step in steps)
    assert len({id(unit.parameters) for unit in units}) == 1
    assert h264.parameter_sets(units[0].parameters.extradata)[0]
    assert units[0].parameters.width == clips.WIDTH


def test_b_frames_keep_their_display_order(tmp_path: Path) -> None:
    units = collect(write(tmp_path / "clip.mp4", b_frames=2), 2)
    assert numbers(units) == [*range(12)] * 2
    assert units[0].parameters.has_b_frames
    assert all(b.dts_90k > a.dts_90k for a, b in pairwise(units))
    shown = sorted(unit.pts_90k for unit in units)
    assert [b - a for a, b in pairwise(shown)] == [3000] * 23
    assert all(unit.pts_90k >= unit.dts_90k for unit in units)


def test_other_codecs_are_encoded(tmp_path: Path) -> None:
    path = write_mjpeg(tmp_path / "clip.avi")
    assert LoopedFile(str(path), clock=FakeClock()).check() is False
    units = collect(path, 2)
    assert numbers(units) == [*range(8)] * 2
    assert [b.pts_90k - a.pts_90k for a, b in pairwise(units)] == [9000] * 15
    assert units[0].is_keyframe
    assert units[10].is_keyframe


@pytest.mark.parametrize("content", [None, b"", b"this is no video" * 100])
def test_what_is_no_video_is_a_fault(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "file.mp4"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(Fault) as caught:
        LoopedFile(str(path), clock=FakeClock()).check()
    assert caught.value.status == 400
