"""The recorder on a real disk and database: seams, gaps, failures of the disk, and what a crash leaves."""

import errno
import itertools
import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.support.clips import WALL_US, encode, numbers_in
from tests.support.vst import RecorderBench, gaps_of, open_catalogue, recording, settled
from vedette.kernel.clock import SystemClock
from vedette.media.mp4_clip import ClipCut, plan_clip
from vedette.media.unit import us_to_90k
from vedette.services.vst.adapters.clip_files import ClipFiles, ClipReader
from vedette.services.vst.adapters.segment_files import SegmentFolder
from vedette.services.vst.core import clip
from vedette.services.vst.core.segmenter import SegmentPolicy
from vedette.services.vst.model import Cause
from vedette.services.vst.service.fsck import Problem, fsck
from vedette.services.vst.service.recovery import recover
from vedette.services.vst.settings import VstSettings
from vedette.services.vst.store import CoverageStore, Store

pytestmark = pytest.mark.anyio
SECOND = 1_000_000


def numbers(bench: RecorderBench, out: Path) -> list[int]:
    """The frame numbers of everything that was recorded, as one clip."""
    files = ClipFiles(bench.folder)
    cuts = [
        ClipCut(
            str(item.segment.segment_id),
            files.tables(item.segment.segment_id),
            us_to_90k(item.media_start_us),
            us_to_90k(item.media_end_us),
            item.segment.start_us,
        )
        for item in clip.plan(bench.segments(), 0, 1 << 62)
    ]
    plan = plan_clip(cuts)
    reader = ClipReader(files, plan, {})
    out.write_bytes(reader.read(0, plan.size))
    reader.close()
    return numbers_in(str(out))


async def test_no_frame_is_missing_or_repeated_over_a_hundred_seams(tmp_path: Path) -> None:
    units = encode(505, gop=5)
    async with recording(tmp_path, settings=VstSettings(segment_s=1)) as bench:
        bench.recorder._cutter.policy = SegmentPolicy(15_000, 15_000)  # a cut at every keyframe
        await bench.session(units)
        assert len(bench.segments()) == 101
        assert numbers(bench, tmp_path / "out.mp4") == [number % 256 for number in range(505)]
        assert fsck(tmp_path, clock=SystemClock(), hashes=True).findings == []


async def test_a_camera_that_goes_leaves_a_gap_that_ends_where_it_returns(tmp_path: Path) -> None:
    async with recording(tmp_path) as bench:
        await bench.session(encode(45))
        await bench.session(encode(45, wall_us=WALL_US + 12 * SECOND))
        segments, gaps = bench.segments(), bench.gaps()
    ends = [(segment.start_us - WALL_US, segment.end_us - WALL_US) for segment in segments]
    assert ends == [(0, SECOND), (SECOND, 1_500_000), (12 * SECOND, 13 * SECOND), (13 * SECOND, 13_500_000)]
    assert [(gap.start_us - WALL_US, gap.cause) for gap in gaps] == [
        (1_500_000, Cause.CAMERA),
        (13_500_000, Cause.CAMERA),
    ]
    assert gaps[0].end_us == WALL_US + 12 * SECOND
    assert len({segment.recording_id for segment in segments}) == 2


async def test_an_orderly_stop_keeps_everything_and_says_so(tmp_path: Path) -> None:
    async with recording(tmp_path, settings=VstSettings(segment_s=600)) as bench:
        await bench.session(encode(20))
        units = encode(50, wall_us=WALL_US + 5 * SECOND)
        await bench.push(units)
        await settled(lambda: bench.recorder.growing is not None)
    database = open_catalogue(tmp_path)
    segments = database.read_now(lambda connection: list(Store(connection).list_all_segments()))
    gap = gaps_of(database, "cam")[-1]
    database.close()
    assert gap.end_us is None
    assert gap.cause is Cause.STOPPED
    assert segments[-1].end_us == gap.start_us
    report = fsck(tmp_path, clock=SystemClock(), hashes=True)
    assert report.findings == []
    assert not list((tmp_path / "media").rglob("*.part"))


async def test_a_wall_clock_that_runs_back_makes_no_overlap(tmp_path: Path) -> None:
    async with recording(tmp_path) as bench:
        await bench.session([*encode(60)])
        await bench.session(encode(60, wall_us=WALL_US - 3600 * SECOND))
        segments = bench.segments()
    assert all(left.end_us <= right.start_us for left, right in itertools.pairwise(segments))
    assert fsck(tmp_path, clock=SystemClock()).clean


async def test_a_failed_sync_is_final_for_the_parts_it_covered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = False
    real = os.fdatasync

    def fdatasync(descriptor: int) -> None:
        if broken:
            raise OSError(errno.EIO, "Input/output error")
        real(descriptor)

    monkeypatch.setattr(os, "fdatasync", fdatasync)
    async with recording(tmp_path, settings=VstSettings(segment_s=600)) as bench:
        units = encode(200)
        await bench.push(units[:45])
        await settled(lambda: bench.recorder.growing is not None)
        broken = True
        await bench.push(units[45:100])
        assert "refuses" in bench.recorder.failing
        broken = False
        await settled(lambda: bench.recorder.ready)
        assert bench.segments() == []
        assert [gap.cause for gap in bench.gaps()] == [Cause.DISK_FAILED]
        await bench.push(units[100:])
        await settled(lambda: bench.recorder.growing is not None)
        assert bench.recorder.failing == ""
    assert fsck(tmp_path, clock=SystemClock(), hashes=True).findings == []


async def test_a_full_disk_keeps_what_was_safe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    full = False
    real = os.writev

    def writev(descriptor: int, buffers: Sequence[bytes]) -> int:
        if full:
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(descriptor, buffers)

    monkeypatch.setattr(os, "writev", writev)
    async with recording(tmp_path, settings=VstSettings(segment_s=600)) as bench:
        units = encode(120)
        await bench.push(units[:45])
        await settled(lambda: bench.recorder.growing is not None)
        full = True
        await bench.push(units[45:])
        assert "full" in bench.recorder.failing
        full = False
        await settled(lambda: bench.recorder.ready)
        [kept] = bench.segments()
        assert kept.media_us >= 333_333
        assert bench.gaps()[0].start_us == kept.end_us
    assert fsck(tmp_path, clock=SystemClock(), hashes=True).findings == []


async def test_what_a_crash_leaves_is_adopted_to_its_last_certain_part(tmp_path: Path) -> None:
    async with recording(tmp_path, settings=VstSettings(segment_s=600)) as bench:
        await bench.push(encode(100))
        await settled(lambda: bench.recorder.growing is not None and bench.recorder.growing.durable_us > WALL_US)
        crashed = tmp_path / "crashed"
        _copy(tmp_path / "media", crashed / "media")
        growing = bench.recorder.growing
    assert growing is not None
    part = next((crashed / "media").rglob("*.part"))
    with part.open("ab") as file:
        file.write(b"torn" * 100)
    database = open_catalogue(crashed)
    folder = SegmentFolder(crashed / "media")
    report = recover(database, folder)
    again = recover(database, folder)
    [segment] = database.read_now(lambda connection: list(Store(connection).list_all_segments()))
    database.close()
    assert report.adopted == [segment.segment_id]
    assert again.adopted == []
    assert segment.end_us == growing.durable_us
    assert fsck(crashed, clock=SystemClock(), hashes=True).findings == []
    recorded = numbers_in(str(folder.path(segment.segment_id)))
    assert recorded == list(range(len(recorded)))


async def test_bytes_that_the_index_does_not_vouch_for_are_cut_off(tmp_path: Path) -> None:
    async with recording(tmp_path, settings=VstSettings(segment_s=600)) as bench:
        await bench.push(encode(100))
        await settled(lambda: bench.recorder.growing is not None)
        _copy(tmp_path / "media", tmp_path / "crashed" / "media")
    part = next((tmp_path / "crashed").rglob("*.part"))
    content = bytearray(part.read_bytes())
    content[-200:] = bytes(200)  # as a power cut leaves a page that was never written
    part.write_bytes(content)
    database = open_catalogue(tmp_path / "crashed")
    recover(database, SegmentFolder(tmp_path / "crashed" / "media"))
    [segment] = database.read_now(lambda connection: list(Store(connection).list_all_segments()))
    database.close()
    assert segment.bytes < len(content)
    assert fsck(tmp_path / "crashed", clock=SystemClock(), hashes=True).findings == []


async def test_a_segment_that_was_given_up_is_set_aside_at_the_next_start(tmp_path: Path) -> None:
    """The disk refused to sync it and to remove it, and the gap in its place was declared."""
    async with recording(tmp_path, settings=VstSettings(segment_s=600)) as bench:
        await bench.push(encode(100))
        await settled(lambda: bench.recorder.growing is not None)
        _copy(tmp_path / "media", tmp_path / "crashed" / "media")
    database = open_catalogue(tmp_path / "crashed")
    database.write_now(lambda connection: CoverageStore(connection).add_stream("cam", 0, Cause.STARTING))
    database.write_now(
        lambda connection: CoverageStore(connection).set_absent("cam", WALL_US + 60 * SECOND, Cause.DISK_FAILED)
    )
    report = recover(database, SegmentFolder(tmp_path / "crashed" / "media"))
    assert (report.adopted, len(report.strays)) == ([], 1)
    assert (tmp_path / "crashed" / "strays" / report.strays[0]).exists()
    assert recover(database, SegmentFolder(tmp_path / "crashed" / "media")).strays == []
    database.close()
    assert fsck(tmp_path / "crashed", clock=SystemClock(), hashes=True).findings == []


async def test_fsck_finds_and_repairs_damage(tmp_path: Path) -> None:
    async with recording(tmp_path) as bench:
        await bench.session(encode(130))
        first, second, third, fourth = (bench.folder.path(item.segment_id) for item in bench.segments()[:4])
    first.unlink()
    second.write_bytes(second.read_bytes()[:-5])
    flipped = bytearray(third.read_bytes())
    flipped[len(flipped) // 2] ^= 0xFF
    third.write_bytes(flipped)
    (fourth.parent / "holiday.mp4").write_bytes(b"mine")
    clock = SystemClock()
    found = fsck(tmp_path, clock=clock, hashes=True)
    assert {item.problem for item in found.findings} == {Problem.MISSING, Problem.SIZE, Problem.CONTENT, Problem.STRAY}
    assert not found.clean
    assert fsck(tmp_path, clock=clock, repair=True, hashes=True).clean
    after = fsck(tmp_path, clock=clock, hashes=True)
    assert after.findings == []
    assert after.segments == 2
    assert (tmp_path / "strays" / "holiday.mp4").read_bytes() == b"mine"


def _copy(source: Path, target: Path) -> None:
    for path in source.rglob("*"):
        if path.is_file():
            copy = target / path.relative_to(source)
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(path.read_bytes())
