"""Files of segments: what is acknowledged is sealed, and a file cut or spoilt anywhere gives back its whole parts."""

import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support import clips
from vedette.media import fmp4
from vedette.media.fmp4_writer import SEAL_BYTES, SegmentWriter
from vedette.services.vst.adapters import segment_files
from vedette.services.vst.adapters.segment_files import (
    Finished,
    SegmentFile,
    SegmentFolder,
    SegmentHeader,
    digest_of,
    disk_fault,
    walk,
)

UNITS = clips.encode(100, gop=50)
HEADER = SegmentHeader(7, "cam", 7, clips.WALL_US, "h264", clips.WIDTH, clips.HEIGHT)


def parts(header: SegmentHeader = HEADER) -> list[tuple[bytes, int]]:
    """(bytes, end) of the parts of `UNITS`: 1 s, 1 s, 1 s, 1/3 s."""
    writer = SegmentWriter(UNITS[0].parameters, header=segment_files.header_bytes(header))
    found = [(data, writer.end_90k) for unit in UNITS if (data := writer.write(unit)) is not None]
    last, summary = writer.close()
    return [*found, (last, summary.duration_90k)]


def grown(folder: SegmentFolder, count: int = 4) -> SegmentFile:
    """A growing file with so many durable parts."""
    file = SegmentFile(folder, HEADER)
    file.create()
    for data, end_90k in parts()[:count]:
        file.append(data, end_90k)
        file.sync()
    return file


@pytest.fixture
def folder(tmp_path: Path) -> SegmentFolder:
    return SegmentFolder(tmp_path / "media")


def test_a_finished_file_explains_itself(folder: SegmentFolder) -> None:
    file = grown(folder)
    assert (file.durable_90k, file.durable_us) == (300_000, clips.WALL_US + 3_333_333)
    finished = file.close_finish()
    path = folder.path(7)
    assert not folder.path(7, ".part").exists()
    assert finished == Finished(HEADER, path.stat().st_size, digest_of(path), 3_333_333)
    walked = walk(path)
    assert walked.finished == finished
    assert walked.whole
    assert [part.end_90k for part in walked.parts] == [90_000, 180_000, 270_000, 300_000]
    assert finished.bytes == sum(len(data) + SEAL_BYTES for data, _ in parts())
    assert [unit.data for unit in fmp4.read_units(path)] == [unit.data for unit in UNITS]
    assert fmp4.whole_boxes_length(path) == finished.bytes
    assert folder.is_segment(path)
    assert folder.adopt_now(7) == finished
    assert list(folder.files()) == [(path, 7, ".mp4")]


def test_a_growing_file_plays(folder: SegmentFolder) -> None:
    grown(folder, 2)
    assert len(list(fmp4.read_units(folder.readable_path(7)))) == 60


def torn_copy(tmp_path: Path, data: bytes) -> SegmentFolder:
    folder = SegmentFolder(tmp_path / "torn")
    path = folder.path(7, ".part")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    folder.path(7).unlink(missing_ok=True)
    return folder


def ends(data: bytes) -> list[int]:
    """Where each part ends with its seal."""
    lengths = [len(part) + SEAL_BYTES for part, _ in parts()]
    assert sum(lengths) == len(data)
    return [sum(lengths[: index + 1]) for index in range(len(lengths))]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("whole")
    grown(SegmentFolder(root)).close_finish()
    return root


@settings(max_examples=150, deadline=None)
@given(share=st.floats(0, 1), tail=st.binary(max_size=64))
def test_a_torn_file_keeps_exactly_its_whole_parts(whole: Path, share: float, tail: bytes) -> None:
    data = SegmentFolder(whole).path(7).read_bytes()
    cut = round(share * len(data))
    folder = torn_copy(whole, data[:cut] + tail)
    kept = [end for end in ends(data) if end <= cut or data[:end] == (data[:cut] + tail)[:end]]
    finished = folder.adopt_now(7)
    if not kept:
        assert finished is None
        assert list(folder.files()) == []
        return
    assert finished is not None
    assert finished.bytes == kept[-1] == folder.path(7).stat().st_size
    assert finished.digest == digest_of(folder.path(7))
    assert finished.media_us == [1_000_000, 2_000_000, 3_000_000, 3_333_333][len(kept) - 1]
    assert len(list(fmp4.read_units(folder.path(7)))) == [30, 60, 90, 100][len(kept) - 1]
    assert folder.adopt_now(7) == finished


@settings(max_examples=150, deadline=None)
@given(share=st.floats(0, 1, exclude_max=True), flip=st.integers(1, 255))
def test_a_spoilt_byte_costs_its_part_and_what_follows(whole: Path, share: float, flip: int) -> None:
    data = SegmentFolder(whole).path(7).read_bytes()
    at = int(share * len(data))
    spoilt = bytearray(data)
    spoilt[at] ^= flip
    folder = torn_copy(whole, bytes(spoilt))
    kept = [end for end in ends(data) if end <= at]
    finished = folder.adopt_now(7)
    assert (finished.bytes if finished else 0) == (kept[-1] if kept else 0)


def test_what_is_not_ours_is_left_alone(folder: SegmentFolder) -> None:
    path = folder.path(9)
    path.parent.mkdir(parents=True)
    path.write_bytes(b"\0\0\0\x10moov\0\0\0\x08free")
    assert not folder.is_segment(path)
    assert walk(folder.path(10)).finished is None
    grown(folder).close_finish()
    folder.path(7).rename(folder.path(8))
    assert not folder.is_segment(folder.path(8))


def test_a_failed_sync_leaves_nothing(folder: SegmentFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    file = grown(folder, 2)
    data, end_90k = parts()[2]
    file.append(data, end_90k)

    def refuse(_descriptor: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fdatasync", refuse)
        with pytest.raises(OSError, match="Input/output"):
            file.sync()
    assert file.salvage() is None
    assert list(folder.files()) == []


def test_a_full_disk_keeps_what_was_durable(folder: SegmentFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    file = grown(folder, 2)
    real = os.writev

    def half(descriptor: int, pieces: list[memoryview]) -> int:
        if len(pieces) == 1:
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(descriptor, [pieces[0][: len(pieces[0])]])

    with monkeypatch.context() as patch:
        patch.setattr(os, "writev", half)
        with pytest.raises(OSError, match="No space") as full:
            file.append(*parts()[2])
    assert disk_fault(full.value).status == 507
    finished = file.salvage()
    assert finished is not None
    assert finished.media_us == 2_000_000
    assert walk(folder.path(7)).finished == finished


class FailingDisk:
    """Every call of the disk counts; the n-th one and all after it fail, as on a disk that is gone."""

    CALLS = ("open", "writev", "fdatasync", "fsync", "ftruncate", "rename")

    def __init__(self, patch: pytest.MonkeyPatch, fails_at: int, *, lasting: bool) -> None:
        self.done = 0
        self.failed: list[str] = []
        for name in self.CALLS:
            patch.setattr(os, name, self._counted(name, fails_at, lasting))

    def _counted(self, name: str, fails_at: int, lasting: bool) -> Callable[..., Any]:
        real = getattr(os, name)

        def call(*arguments: Any, **named: Any) -> Any:
            self.done += 1
            if self.done == fails_at or (lasting and self.done > fails_at):
                self.failed.append(name)
                raise OSError(errno.EIO, "Input/output error")
            return real(*arguments, **named)

        return call


@pytest.mark.parametrize("lasting", [True, False])
@pytest.mark.parametrize("fails_at", range(1, 18))
def test_a_fault_at_any_call_of_the_disk_loses_nothing_acknowledged(
    folder: SegmentFolder, monkeypatch: pytest.MonkeyPatch, fails_at: int, lasting: bool
) -> None:
    file, finished = SegmentFile(folder, HEADER), None
    with monkeypatch.context() as patch:
        disk = FailingDisk(patch, fails_at, lasting=lasting)
        try:
            file.create()
            for data, end_90k in parts():
                file.append(data, end_90k)
                file.sync()
            finished = file.close_finish()
        except OSError:
            acknowledged = file.durable_90k
            finished = file.salvage()
        else:
            acknowledged = 300_000
        if disk.failed == ["writev"] or disk.failed == ["rename"]:
            assert (finished.media_us if finished else 0) == acknowledged * 100 // 9
    # A file whose sync failed is given up, and its loss declared; one that only could not grow keeps what was safe.
    kept = finished or folder.adopt_now(7)
    if finished is not None:
        assert finished.media_us == acknowledged * 100 // 9
        assert folder.path(7).stat().st_size == finished.bytes
        assert walk(folder.path(7)).finished == finished
    if kept is not None:
        assert len(list(fmp4.read_units(folder.path(7)))) in (30, 60, 90, 100)
    assert {path.suffix for path, _, _ in folder.files()} <= {".mp4"}


def test_nothing_durable_is_nothing_to_salvage(folder: SegmentFolder) -> None:
    file = SegmentFile(folder, HEADER)
    file.create()
    with pytest.raises(FileExistsError):
        SegmentFile(folder, HEADER).create()
    assert file.salvage() is None
    assert list(folder.files()) == []
