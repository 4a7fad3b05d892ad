"""Segments: what is written is read back to the byte, torn files play to their last part, clips join without a seam."""

import os
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from tests.support import clips
from vedette.kernel.errors import Fault
from vedette.media import fmp4, h264
from vedette.media.fmp4_writer import SegmentSummary, SegmentWriter
from vedette.media.mp4 import boxes
from vedette.media.unit import AccessUnit, CodecParameters

SECOND_90K = 90_000


def write(path: Path, units: Sequence[AccessUnit]) -> SegmentSummary:
    pieces, summary = written(units)
    path.write_bytes(b"".join(pieces))
    return summary


def written(
    units: Sequence[AccessUnit], *, next_dts_90k: int | None = None, audio: CodecParameters | None = None
) -> tuple[list[bytes], SegmentSummary]:
    """The pieces that a writer makes of units, and its summary."""
    writer = SegmentWriter(units[0].parameters, audio=audio, header=b'{"a":1}')
    pieces = [piece for unit in units if (piece := writer.write(unit)) is not None]
    last, summary = writer.close(next_dts_90k=next_dts_90k)
    return [*pieces, last], summary


@pytest.fixture
def segment(tmp_path: Path) -> Path:
    path = tmp_path / "segment.mp4"
    write(path, clips.encode(60, gop=20))
    return path


@pytest.mark.parametrize(("codec", "b_frames"), [("libx264", 0), ("libx264", 2), ("libx265", 0)])
def test_units_come_back_as_they_went_in(tmp_path: Path, codec: str, b_frames: int) -> None:
    units = [
        replace(unit, pts_90k=unit.pts_90k + 777_000, dts_90k=unit.dts_90k + 777_000)
        for unit in clips.encode(50, codec=codec, gop=20, b_frames=b_frames)
    ]
    summary = write(tmp_path / "a.mp4", units)
    back = list(fmp4.read_units(tmp_path / "a.mp4", wall_us=clips.WALL_US))
    assert [unit.data for unit in back] == [unit.data for unit in units]
    assert [unit.pts_90k + 777_000 for unit in back] == [unit.pts_90k for unit in units]
    assert [unit.dts_90k + 777_000 for unit in back] == [unit.dts_90k for unit in units]
    assert [unit.is_keyframe for unit in back] == [unit.is_keyframe for unit in units]
    assert [unit.wall_us for unit in back] == [unit.wall_us for unit in units]
    assert back[0].parameters == units[0].parameters == fmp4.parameters_of(tmp_path / "a.mp4")
    assert summary == SegmentSummary(50, (tmp_path / "a.mp4").stat().st_size, 50 * 3000)
    assert clips.numbers_in(str(tmp_path / "a.mp4")) == list(range(50))


def test_a_header_comes_first_and_then_whole_parts(tmp_path: Path) -> None:
    pieces, _ = written(clips.encode(80, gop=50))
    assert [name for name, _ in boxes(pieces[0])] == [b"ftyp", b"moov", b"uuid", b"moof", b"mdat"]
    assert [[name for name, _ in boxes(piece)] for piece in pieces[1:]] == [
        [b"moof", b"mdat"],
        [b"moof", b"mdat", b"uuid"],
    ]
    assert len(pieces) == 3
    (tmp_path / "growing.part").write_bytes(b"".join(pieces[:1]))
    assert len(list(fmp4.read_units(tmp_path / "growing.part"))) == 30


def test_durations_follow_a_varying_rate_and_the_next_unit(tmp_path: Path) -> None:
    times = [0, 3000, 9000, 9100, 60_000, 61_000]
    units = [
        replace(unit, pts_90k=time, dts_90k=time, duration_90k=0)
        for unit, time in zip(clips.encode(6, gop=3), times, strict=True)
    ]
    pieces, summary = written(units, next_dts_90k=65_000)
    assert summary.duration_90k == 65_000
    (tmp_path / "a.mp4").write_bytes(b"".join(pieces))
    back = list(fmp4.read_units(tmp_path / "a.mp4"))
    assert [unit.pts_90k for unit in back] == times
    assert [unit.duration_90k for unit in back] == [b - a for a, b in pairwise([*times, 65_000])]


def test_a_duration_nobody_knows_is_the_one_before(tmp_path: Path) -> None:
    units = [replace(unit, duration_90k=0) for unit in clips.encode(3, ticks=6000)]
    assert write(tmp_path / "a.mp4", units).duration_90k == 18_000
    assert write(tmp_path / "b.mp4", units[:1]).duration_90k == 3000


def test_parameter_sets_out_of_band_are_put_in(tmp_path: Path) -> None:
    units = clips.encode(10, gop=5)
    bare = [replace(unit, data=h264.join([n for n in h264.split(unit.data) if n[0] & 31 < 6])) for unit in units]
    write(tmp_path / "a.mp4", bare)
    assert clips.numbers_in(str(tmp_path / "a.mp4")) == list(range(10))
    assert fmp4.parameters_of(tmp_path / "a.mp4") == units[0].parameters


def test_changed_parameter_sets_still_decode(tmp_path: Path) -> None:
    before, after = clips.encode(10, gop=10), clips.encode(10, gop=10, height=192, first=10)
    bare = [replace(unit, data=h264.join([n for n in h264.split(unit.data) if n[0] & 31 < 6])) for unit in after]
    moved = [replace(unit, pts_90k=unit.pts_90k + 30_000, dts_90k=unit.dts_90k + 30_000) for unit in bare]
    write(tmp_path / "a.mp4", [*before, *moved])
    assert clips.numbers_in(str(tmp_path / "a.mp4")) == list(range(20))


def test_what_cannot_be_recorded_is_refused() -> None:
    units = clips.encode(4, gop=4)
    with pytest.raises(Fault, match="keyframe"):
        SegmentWriter(units[0].parameters).write(units[1])
    with pytest.raises(Fault, match="pcmu"):
        SegmentWriter(CodecParameters("pcmu"))
    with pytest.raises(Fault, match="opus"):
        SegmentWriter(units[0].parameters, audio=CodecParameters("opus", sample_rate=48_000))
    writer = SegmentWriter(units[0].parameters)
    writer.write(units[0])
    with pytest.raises(Fault, match="rise"):
        writer.write(units[0])
    with pytest.raises(Fault, match="rise"):
        writer.close(next_dts_90k=units[0].dts_90k)
    with pytest.raises(Fault, match="codec changes"):
        writer.write(replace(units[1], parameters=replace(units[1].parameters, codec="hevc")))
    bare = replace(units[0], data=h264.join([h264.split(units[0].data)[-1]]), parameters=CodecParameters("h264"))
    with pytest.raises(Fault, match="parameter sets"):
        SegmentWriter(bare.parameters).write(bare)
    assert SegmentWriter(units[0].parameters).close() == (b"", SegmentSummary(0, 0, 0))


@pytest.mark.parametrize(("start", "first"), [(0, 0), (1, 0), (19, 0), (20, 20), (39, 20), (59, 40), (500, 40)])
def test_reading_starts_at_the_keyframe_before(segment: Path, start: int, first: int) -> None:
    units = list(fmp4.read_units(segment, start_us=start * 100_000 // 3 + 1, wall_us=0))
    assert units[0].is_keyframe
    assert units[0].pts_90k == first * 3000
    assert len(units) == 60 - first


def test_a_file_torn_anywhere_plays_to_its_last_part(segment: Path, tmp_path: Path) -> None:
    data = segment.read_bytes()
    torn = tmp_path / "torn.part"
    lengths = set()
    for cut in [*range(0, len(data), 97), len(data)]:
        torn.write_bytes(data[:cut])
        good = fmp4.whole_boxes_length(torn)
        assert good <= cut
        lengths.add(good)
        if good:
            before = [unit.data for unit in fmp4.read_units(torn)]
            os.truncate(torn, good)
            assert [unit.data for unit in fmp4.read_units(torn)] == before
            assert len(before) in (0, 30, 60)
    assert len(lengths) == 5  # nothing, the header, two parts, the index
    assert max(lengths) == len(data)


def test_files_that_are_no_segments(tmp_path: Path) -> None:
    with pytest.raises(Fault) as fault:
        fmp4.parameters_of(tmp_path / "absent.mp4")
    assert fault.value.status == 404
    for name, data in (
        ("empty", b""),
        ("text", b"hello, this is not a movie"),
        ("moov", b"\0\0\0\x10moov\0\0\0\x08free"),
    ):
        (tmp_path / name).write_bytes(data)
        with pytest.raises(Fault) as fault:
            list(fmp4.read_units(tmp_path / name))
        assert fault.value.status == 422
