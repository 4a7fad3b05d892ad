"""Clips by synthesis: readers see each picture once and in its place, and any byte range is what the whole has."""

import io
import subprocess
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support import clips, elementary
from tests.support.pictures import gray
from vedette.kernel.errors import Fault
from vedette.media import fmp4, h264
from vedette.media.fmp4_writer import SegmentWriter
from vedette.media.mp4_clip import ClipCut, ClipPlan, plan_clip
from vedette.media.unit import AccessUnit, us_to_90k

SECOND_90K = 90_000
FOR_EVER = 1 << 40


def segment(path: Path, units: list[AccessUnit], *, next_dts_90k: int | None = None) -> Path:
    audio = next((unit.parameters for unit in units if unit.parameters.is_audio), None)
    writer = SegmentWriter(units[0].parameters, audio=audio)
    pieces = [piece for unit in units if (piece := writer.write(unit)) is not None]
    path.write_bytes(b"".join([*pieces, writer.close(next_dts_90k=next_dts_90k)[0]]))
    return path


def cut(path: Path, start_us: int, end_us: int, *, wall_us: int = clips.WALL_US, follows: bool = False) -> ClipCut:
    with path.open("rb") as file:
        tables = fmp4.read_tables(file)
    return ClipCut(str(path), tables, us_to_90k(start_us), us_to_90k(end_us), wall_us, follows)


def octets(plan: ClipPlan, start: int = 0, stop: int | None = None) -> bytes:
    """Bytes of a clip, read as a server reads them."""
    found = []
    for source, offset, length in plan.pieces(start, plan.size if stop is None else stop):
        data = plan.head if source is None else Path(source).read_bytes()
        assert offset + length <= len(data)
        found.append(data[offset : offset + length])
    return b"".join(found)


def pictures(plan: ClipPlan) -> list[tuple[int, int]]:
    """(number, time in 90 kHz ticks) of each picture that a player shows."""
    with av.open(io.BytesIO(octets(plan)), "r") as container:
        stream = container.streams.video[0]
        return [
            (clips.read_number(gray(frame)), round((frame.pts or 0) * stream.time_base * SECOND_90K))
            for frame in container.decode(stream)
        ]


def chain(tmp_path: Path, count: int, *, codec: str = "libx264", b_frames: int = 0) -> list[Path]:
    """Segments of 60 pictures, cut from one stream as a recorder cuts them."""
    gop = 20
    units = clips.encode(60 * count, codec=codec, gop=gop, b_frames=b_frames)
    keys = [index for index, unit in enumerate(units) if unit.is_keyframe]
    starts = [keys[index * 3] for index in range(count)]
    paths = []
    for index, start in enumerate(starts):
        stop = starts[index + 1] if index + 1 < count else len(units)
        following = units[stop].dts_90k if stop < len(units) else None
        paths.append(segment(tmp_path / f"{index}.mp4", units[start:stop], next_dts_90k=following))
    return paths


@pytest.mark.parametrize(("codec", "b_frames"), [("libx264", 0), ("libx264", 2), ("libx265", 2)])
def test_clips_are_seamless(tmp_path: Path, codec: str, b_frames: int) -> None:
    paths = chain(tmp_path, 3, codec=codec, b_frames=b_frames)
    cuts = [
        cut(path, 0, 2_000_000, wall_us=clips.WALL_US + index * 2_000_000, follows=index > 0)
        for index, path in enumerate(paths)
    ]
    plan = plan_clip(cuts)
    assert pictures(plan) == [(number, number * 3000) for number in range(180)]
    assert (plan.units, plan.duration_90k, plan.wall_us, plan.has_audio) == (180, 540_000, clips.WALL_US, False)
    assert len(octets(plan)) == plan.size
    assert plan.head.count(b"hvc1" if codec == "libx265" else b"avc1") == 1
    cuts[0], cuts[2] = replace(cuts[0], start_90k=SECOND_90K), replace(cuts[2], end_90k=SECOND_90K // 2)
    shorter = plan_clip(cuts)
    assert pictures(shorter) == [(number + 20, number * 3000) for number in range(115)]
    # The tail may hold pictures that a B-frame before the end leans on; nobody sees them.
    assert 115 <= shorter.units <= 115 + b_frames
    assert shorter.wall_us == shorter.shown_us == clips.WALL_US + 666_666
    assert shorter.tag != plan.tag


def test_strict_readers_have_nothing_to_say(tmp_path: Path) -> None:
    paths = chain(tmp_path, 2, b_frames=2)
    plan = plan_clip([cut(path, 0, 2_000_000, follows=index > 0) for index, path in enumerate(paths)])
    data = octets(plan)
    (tmp_path / "clip.mp4").write_bytes(data)
    assert data.index(b"moov") < data.index(b"mdat")
    done = subprocess.run(
        ["ffmpeg", "-v", "warning", "-i", tmp_path / "clip.mp4", "-f", "null", "-"], capture_output=True, check=True
    )
    assert done.stderr == b""


@pytest.mark.parametrize("b_frames", [0, 2])
def test_exact_clips_hide_what_was_not_asked_for(tmp_path: Path, b_frames: int) -> None:
    [path] = chain(tmp_path, 1, b_frames=b_frames)
    plan = plan_clip([cut(path, 500_000, 1_500_000)], exact=True)
    found = pictures(plan)
    assert found == [(number + 15, number * 3000) for number in range(30)]
    assert (plan.duration_90k, plan.shown_us) == (90_000, clips.WALL_US + 500_000)
    assert plan.wall_us == clips.WALL_US


@pytest.mark.parametrize(("gaps", "step"), [("close", 3000), ("keep", 5 * SECOND_90K)])
def test_gaps_are_closed_or_kept(tmp_path: Path, gaps: str, step: int) -> None:
    first = segment(tmp_path / "0.mp4", clips.encode(30, gop=10))
    second = segment(tmp_path / "1.mp4", clips.encode(30, gop=10, first=30))
    cuts = [cut(first, 0, 1_000_000), cut(second, 0, 1_000_000, wall_us=clips.WALL_US + 5_966_667)]
    found = pictures(plan_clip(cuts, gaps="keep" if gaps == "keep" else "close"))
    assert [number for number, _ in found] == list(range(60))
    assert found[30][1] - found[29][1] == step


def test_jitter_of_the_wall_clock_never_turns_time_back(tmp_path: Path) -> None:
    path = segment(tmp_path / "0.mp4", clips.encode(30, gop=10))
    cuts = [cut(path, 0, 1_000_000), cut(path, 0, 1_000_000, wall_us=clips.WALL_US + 980_000)]
    found = pictures(plan_clip(cuts, gaps="keep"))
    assert {b - a for (_, a), (_, b) in pairwise(found)} == {3000}


def test_new_parameter_sets_inside_a_clip_still_decode(tmp_path: Path) -> None:
    def bare(units: list[AccessUnit]) -> list[AccessUnit]:
        return [replace(unit, data=h264.join([n for n in h264.split(unit.data) if n[0] & 31 < 6])) for unit in units]

    first = segment(tmp_path / "0.mp4", bare(clips.encode(10, gop=10)))
    second = segment(tmp_path / "1.mp4", bare(clips.encode(10, gop=10, height=192, first=10)))
    third = segment(tmp_path / "2.mp4", bare(clips.encode(10, gop=10, first=20)))
    plan = plan_clip([cut(path, 0, FOR_EVER) for path in (first, second, third)])
    assert [number for number, _ in pictures(plan)] == list(range(30))
    assert plan.head.count(b"avc1") == 2


def test_av1_and_sound(tmp_path: Path) -> None:
    units, sound = elementary.encode_av1(60, gop=30), elementary.encode_aac(2)
    path = segment(tmp_path / "0.mp4", elementary.interleaved(units, sound))
    plan = plan_clip([cut(path, 1_000_000, 2_000_000)])
    assert pictures(plan) == [(number + 30, number * 3000) for number in range(30)]
    assert plan.has_audio


def tone_of(data: bytes) -> tuple[int, float]:
    """(samples, time of the first one in seconds) of the sound of a clip."""
    with av.open(io.BytesIO(data), "r") as container:
        frames = list(container.decode(audio=0))
        return sum(frame.samples for frame in frames), float(frames[0].time or 0)


@pytest.mark.parametrize("rate", [48_000, 44_100, 8_000])
def test_sound_runs_on_over_seams(tmp_path: Path, rate: int) -> None:
    video, sound = clips.encode(90, gop=30), elementary.encode_aac(3, rate=rate)
    units = elementary.interleaved(video, sound)
    seam = next(i for i, unit in enumerate(units) if unit.dts_90k >= SECOND_90K and not unit.parameters.is_audio)
    # A frame of sound from before the keyframe comes behind it, as late packets do.
    late = units.pop(max(index for index in range(seam) if units[index].parameters.is_audio))
    units.insert(seam, late)
    first = segment(tmp_path / "0.mp4", units[: seam - 1], next_dts_90k=SECOND_90K)
    second = segment(tmp_path / "1.mp4", units[seam - 1 :])
    plan = plan_clip(
        [cut(first, 0, 1_000_000), cut(second, 0, 2_000_000, wall_us=clips.WALL_US + 1_000_000, follows=True)]
    )
    assert plan.has_audio
    with av.open(io.BytesIO(octets(plan)), "r") as container:
        packets = [packet for packet in container.demux(audio=0) if packet.size]
    times = [packet.pts or 0 for packet in packets]
    assert [bytes(packet) for packet in packets] == [unit.data for unit in sound]
    assert {b - a for a, b in pairwise(times)} == {1024}
    later = plan_clip([cut(second, 1_000_000, 2_000_000)], exact=True)
    samples, begin = tone_of(octets(later))
    assert samples == pytest.approx(rate, abs=2 * 1024 + 1)
    assert begin == pytest.approx(0, abs=1024 / rate)


def test_sound_that_begins_late_is_heard_late(tmp_path: Path) -> None:
    sound = elementary.encode_aac(1, start_90k=SECOND_90K)
    path = segment(tmp_path / "0.mp4", elementary.interleaved(clips.encode(60, gop=30), sound))
    _, begin = tone_of(octets(plan_clip([cut(path, 0, 2_000_000)])))
    assert begin == pytest.approx(1.0, abs=0.001)


def test_sound_is_left_out_where_a_part_has_none(tmp_path: Path) -> None:
    loud = segment(tmp_path / "0.mp4", elementary.interleaved(clips.encode(30, gop=30), elementary.encode_aac(1)))
    mute = segment(tmp_path / "1.mp4", clips.encode(30, gop=30, first=30))
    plan = plan_clip([cut(loud, 0, 1_000_000), cut(mute, 0, 1_000_000)])
    assert not plan.has_audio
    assert [number for number, _ in pictures(plan)] == list(range(60))


def test_segments_of_earlier_versions_make_clips(tmp_path: Path) -> None:
    units = clips.encode(60, gop=20, b_frames=2)
    options = {"movflags": "frag_keyframe+empty_moov+default_base_moof+skip_trailer", "frag_duration": "1000000"}
    with av.open(str(tmp_path / "old.mp4"), "w", format="mp4", options=options) as container:
        stream = container.add_mux_stream(
            "h264", width=clips.WIDTH, height=clips.HEIGHT, time_base=Fraction(1, SECOND_90K)
        )
        for unit in units:
            packet = av.Packet(unit.data)
            packet.stream, packet.time_base = stream, stream.time_base
            packet.pts, packet.dts = unit.pts_90k - units[0].dts_90k, unit.dts_90k - units[0].dts_90k
            packet.duration, packet.is_keyframe = 3000, unit.is_keyframe
            container.mux_one(packet)
    assert [unit.data for unit in fmp4.read_units(tmp_path / "old.mp4")] == [unit.data for unit in units]
    found = pictures(plan_clip([cut(tmp_path / "old.mp4", 1_000_000, 2_000_000)]))
    assert found == [(number + 20, number * 3000) for number in range(40)]


def test_a_clip_of_nothing_or_of_two_codecs_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Fault) as fault:
        plan_clip([])
    assert (fault.value.status, fault.value.code) == (404, "VMSNoDataError")
    first = segment(tmp_path / "0.mp4", clips.encode(10, gop=10))
    second = segment(tmp_path / "1.mp4", clips.encode(10, gop=10, codec="libx265"))
    with pytest.raises(Fault, match="h264 and hevc") as fault:
        plan_clip([cut(first, 0, FOR_EVER), cut(second, 0, FOR_EVER)])
    assert fault.value.status == 422


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> ClipPlan:
    root = tmp_path_factory.mktemp("plan")
    units = elementary.interleaved(clips.encode(60, gop=20, b_frames=2), elementary.encode_aac(2))
    path = segment(root / "a.mp4", [unit for unit in units if unit.dts_90k >= 0 or not unit.parameters.is_audio])
    return plan_clip([cut(path, 0, 2_000_000), cut(path, 700_000, 1_200_000)])


@settings(max_examples=100, deadline=None)
@given(points=st.lists(st.floats(0, 1), max_size=8))
def test_ranges_of_any_split_join_to_the_whole(plan: ClipPlan, points: list[float]) -> None:
    bounds = [0, *sorted(round(point * plan.size) for point in points), plan.size]
    assert b"".join(octets(plan, start, stop) for start, stop in pairwise(bounds)) == octets(plan)
    assert octets(plan, plan.size - 1, plan.size + 100) == octets(plan)[-1:]


def test_large_clips_use_wide_offsets(tmp_path: Path) -> None:
    """More than 4 GiB of media, which nobody has to write for this test."""
    path = segment(tmp_path / "a.mp4", clips.encode(30, gop=10))
    base = cut(path, 0, 1_000_000)
    table = base.tables[0]
    huge = replace(table, size=np.full(len(table), 1 << 28), offset=np.arange(len(table)) << 28)
    plan = plan_clip([replace(base, tables=[huge])])
    assert plan.size == len(plan.head) + (30 << 28)
    assert b"co64" in plan.head
    assert plan.head[-16:-8] == b"\0\0\0\1mdat"
