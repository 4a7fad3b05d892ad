"""`vedette fsck`: does the disk hold what the catalogue promises? Run it while VST is stopped; it needs no service.

I1: every row has its file, of that size, playable (and of that content, when asked). I2: every file is exactly one of
catalogue row, garbage row, unfinished part. I4: the coverage ledger's chain holds, every second of it is a segment, an
absence or a removal, and nothing protected was removed. The database's own integrity is checked along.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import partial
from pathlib import Path

from vedette.kernel.clock import Clock
from vedette.kernel.database import Database, Transaction
from vedette.kernel.errors import Fault
from vedette.media.fmp4 import parameters_of, whole_boxes_length
from vedette.services.vst.adapters.segment_files import SegmentFolder, digest_of, header_of
from vedette.services.vst.adapters.volumes import FolderVolume
from vedette.services.vst.model import MAIN_VOLUME, Cause, Segment
from vedette.services.vst.service.catalogue import forget_segments
from vedette.services.vst.service.fsck_ledger import ledger_problems
from vedette.services.vst.service.recovery import recover
from vedette.services.vst.store import StorageStore, Store
from vedette.services.vst.store.salvage import why_unreadable
from vedette.services.vst.store.volumes import CATALOGUE_IDENTITY, VolumeStore

CATALOGUE = "catalogue"
MEDIA = "media"
_BATCH = 1000


class Problem(StrEnum):
    """What can be wrong. `unfinished` is no damage: the next start finishes it."""

    DATABASE = "database"
    MISSING = "missing"
    SIZE = "size"
    UNPLAYABLE = "unplayable"
    CONTENT = "content"
    STRAY = "stray"
    GARBAGE = "garbage"
    UNFINISHED = "unfinished"
    OVERLAP = "overlap"
    HEADER = "header"
    LEDGER = "ledger"
    PROTECTED = "protected"
    VOLUME = "volume"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is not as promised."""

    problem: Problem
    subject: str
    detail: str = ""
    repaired: bool = False


@dataclass(slots=True)
class FsckReport:
    """What was looked at and found."""

    segments: int = 0
    bytes: int = 0
    elsewhere: int = 0
    """Segments on other volumes than the main one, whose files were not looked at."""
    findings: list[Finding] = field(default_factory=list)

    @property
    def clean(self) -> bool:
        """Whether every promise holds, after repair if there was one."""
        harmless = (Problem.UNFINISHED, Problem.GARBAGE)
        return all(item.repaired or item.problem in harmless for item in self.findings)


@dataclass(frozen=True, slots=True)
class _Checks:
    clock: Clock
    repair: bool
    hashes: bool
    volumes: Mapping[str, FolderVolume]


def fsck(
    data_dir: Path, *, clock: Clock, repair: bool = False, hashes: bool = False, tiers: Mapping[str, Path] | None = None
) -> FsckReport:
    """Checks VST's data folder. Blocking; `repair` also finishes what a crash left, forgets rows whose file is lost or
    damaged (with a gap in their place), and moves files that nobody knows to `strays`. `tiers` are the folders of
    further volumes by name; what lies on a volume that is away or foreign is counted and left alone."""
    report = FsckReport()
    folder = SegmentFolder(data_dir / MEDIA)
    path = data_dir / f"{CATALOGUE}.db"
    if not path.exists():
        return report
    database = Database(f"sqlite:///{path}")
    try:
        reason = why_unreadable(database)
        if reason:
            text = f"it cannot be read ({reason}); --rebuild makes it anew from the recordings"
            report.findings.append(Finding(Problem.DATABASE, CATALOGUE, text))
            return report
        report.findings += [Finding(Problem.DATABASE, CATALOGUE, text) for text in database.integrity_problems()]
        if repair:
            recover(database, folder)
        volumes = _volumes(database, tiers or {}, report)
        checks = _Checks(clock, repair, hashes, volumes)
        rows = _check_rows(database, folder, report, checks)
        _check_files(database, folder, rows, report, repair=repair)
        for kind, subject, detail in ledger_problems(database):
            report.findings.append(Finding(Problem(kind), subject, detail))
    finally:
        database.close()
    return report


def _check_rows(database: Database, folder: SegmentFolder, report: FsckReport, checks: _Checks) -> set[int]:
    """Checks one stream after the other, a batch at a time; returns the ids of all rows."""
    rows: set[int] = set()
    for stream_id in database.read_now(lambda connection: Store(connection).list_recorded_streams()):
        cursor_us, end_us = 0, 0
        while found := database.read_now(partial(_batch, stream_id, cursor_us)):
            cursor_us = found[-1].start_us + 1
            for segment in found:
                _check_order(segment, end_us, report)
                end_us = max(segment.end_us, end_us)
                rows.add(segment.segment_id)
                _check_segment(database, folder, segment, report, checks=checks)
    return rows


def _batch(stream_id: str, start_us: int, connection: Transaction) -> list[Segment]:
    return StorageStore(connection).list_from(stream_id, start_us, 1 << 62, limit=_BATCH)


def _check_segment(
    database: Database, folder: SegmentFolder, segment: Segment, report: FsckReport, *, checks: _Checks
) -> None:
    report.segments += 1
    report.bytes += segment.bytes
    path = folder.path(segment.segment_id)
    if segment.volume != MAIN_VOLUME:
        if segment.volume not in checks.volumes:
            report.elsewhere += 1
            return
        path = checks.volumes[segment.volume].path(segment.segment_id)
    found = _check_row(path, segment, hashes=checks.hashes)
    if found is None:
        return
    problem, detail = found
    if checks.repair:
        _forget(database, folder, segment, checks.clock)
    report.findings.append(Finding(problem, str(path), detail, repaired=checks.repair))


def _volumes(database: Database, tiers: Mapping[str, Path], report: FsckReport) -> dict[str, FolderVolume]:
    """The further volumes that are there, and are those that they were."""
    known = database.read_now(lambda connection: VolumeStore(connection).list_volumes())
    catalogue = database.read_now(lambda connection: StorageStore(connection).get_choice(CATALOGUE_IDENTITY)) or b""
    found = {}
    for name, root in tiers.items():
        if name not in known:
            continue
        volume = FolderVolume(name, root)
        try:
            volume.check(known[name], catalogue.decode())
            found[name] = volume
        except Fault as fault:
            report.findings.append(Finding(Problem.VOLUME, name, fault.message))
    return found


def _check_row(path: Path, segment: Segment, *, hashes: bool) -> tuple[Problem, str] | None:
    if not path.exists():
        return Problem.MISSING, f"{segment.stream_id}, {segment.bytes} bytes"
    size = path.stat().st_size
    if size != segment.bytes:
        return Problem.SIZE, f"{size} bytes on the disk, {segment.bytes} in the catalogue"
    try:
        parameters_of(path)
        whole = whole_boxes_length(path)
    except Fault as fault:
        return Problem.UNPLAYABLE, fault.message
    if whole != size:
        return Problem.UNPLAYABLE, f"the last whole part ends at {whole} of {size} bytes"
    if hashes and digest_of(path) != segment.digest:
        return Problem.CONTENT, "the content is not what was recorded"
    return _check_header(path, segment)


def _check_header(path: Path, segment: Segment) -> tuple[Problem, str] | None:
    """A file says itself what it is; files from before they did say nothing."""
    header = header_of(path)
    if header is None:
        return None
    told = header.segment_id, header.stream_id, header.start_us
    if told != (segment.segment_id, segment.stream_id, segment.start_us):
        return Problem.HEADER, f"the file says that it is segment {told[0]} of {told[1]}"
    return None


def _forget_row(segment: Segment, at_us: int, connection: Transaction) -> None:
    forget_segments(connection, [segment], cause=Cause.DAMAGED, actor="fsck", at_us=at_us)
    VolumeStore(connection).count([segment], -1)


def _forget(database: Database, folder: SegmentFolder, segment: Segment, clock: Clock) -> None:
    """A row that cannot be kept becomes a gap; its file goes the way of all deletions."""

    database.write_now(
        partial(_forget_row, segment, clock.now()),
        durable=True,
    )
    garbage = database.read_now(lambda connection: Store(connection).list_garbage(volume=MAIN_VOLUME))
    folder.unlink_now([item.segment_id for item in garbage])
    database.write_now(lambda connection: Store(connection).forget(garbage), durable=True)


def _check_files(
    database: Database, folder: SegmentFolder, rows: set[int], report: FsckReport, *, repair: bool
) -> None:
    garbage = {item.segment_id for item in database.read_now(lambda connection: Store(connection).list_garbage())}
    report.findings += [Finding(Problem.GARBAGE, str(key), "its file is still to be deleted") for key in garbage]
    for path, segment_id, suffix in list(folder.files()):
        if segment_id is not None and (segment_id in garbage or (segment_id in rows and suffix != ".part")):
            continue
        if segment_id is not None and (suffix == ".part" or folder.is_segment(path)):
            report.findings.append(Finding(Problem.UNFINISHED, str(path), "the next start finishes it"))
        elif repair:
            aside = folder.set_aside(path)
            report.findings.append(Finding(Problem.STRAY, str(path), f"moved to {aside}", repaired=True))
        else:
            report.findings.append(Finding(Problem.STRAY, str(path), "no row knows it"))


def _check_order(segment: Segment, end_us: int, report: FsckReport) -> None:
    if segment.start_us < end_us or segment.end_us <= segment.start_us:
        report.findings.append(Finding(Problem.OVERLAP, str(segment.segment_id), "overlaps the segment before it"))
