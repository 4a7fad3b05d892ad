"""The files behind clips: what is kept stays within its bounds, what is gone is said."""

from pathlib import Path

import pytest

from tests.support import clips
from tests.support.recorded import write_segment
from vedette.kernel.errors import Fault
from vedette.media.mp4_clip import ClipCut, ClipPlan, plan_clip
from vedette.services.vst.adapters.clip_files import ClipFiles, ClipReader
from vedette.services.vst.adapters.segment_files import SegmentFolder

UNITS = clips.encode(30, gop=10)


@pytest.fixture
def folder(tmp_path: Path) -> SegmentFolder:
    folder = SegmentFolder(tmp_path)
    for segment_id in range(1, 5):
        write_segment(folder, UNITS, segment_id)
    return folder


def planned(files: ClipFiles, *segment_ids: int) -> ClipPlan:
    return plan_clip([ClipCut(str(key), files.tables(key), 0, 90_000, clips.WALL_US) for key in segment_ids])


def test_tables_are_kept_within_a_bound(folder: SegmentFolder) -> None:
    files = ClipFiles(folder, most_samples=70)
    first = files.tables(1)
    assert files.tables(1) is first
    files.tables(2)
    files.tables(1)
    files.tables(3)
    assert list(files._tables) == [1, 3]
    assert files._samples == 60
    assert len(ClipFiles(folder, most_samples=1).tables(1)[0]) == 30


def test_a_growing_segment_is_read_anew(folder: SegmentFolder) -> None:
    path = folder.path(1)
    path.rename(path.with_suffix(".part"))
    files = ClipFiles(folder)
    assert files.tables(1) is not files.tables(1)
    path.with_suffix(".part").rename(path)
    assert files.tables(1) is files.tables(1)


def test_a_clip_is_read_over_several_files(folder: SegmentFolder) -> None:
    files = ClipFiles(folder)
    plan = planned(files, 1, 2, 3)
    reader = ClipReader(files, plan, {})
    whole = reader.read(0, plan.size)
    assert len(whole) == plan.size
    assert b"".join(reader.read(at, at + 777) for at in range(0, plan.size, 777)) == whole
    reader.close()
    reader.close()


def test_what_is_gone_or_cut_is_said(folder: SegmentFolder) -> None:
    files = ClipFiles(folder)
    plan = planned(files, 1)
    with folder.path(1).open("r+b") as file:
        file.truncate(2000)
    reader = ClipReader(files, plan, {})
    with pytest.raises(Fault, match="shorter"):
        reader.read(0, plan.size)
    reader.close()
    folder.path(1).unlink()
    with pytest.raises(Fault) as fault:
        ClipReader(files, plan, {}).read(0, plan.size)
    assert fault.value.status == 404
    with pytest.raises(Fault) as fault:
        files.tables(9)
    assert fault.value.status == 404
