"""`vedette fsck`: does the disk hold what the catalogue promises? Run it while VST is stopped; it needs no service.

I1: every row has its file, of that size, playable (and of that content, when asked). I2: every file is exactly one of
catalogue row, garbage row, unfinished part. The database's own integrity is checked along.
"""

from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from vedette.kernel.clock import Clock
from vedette.kernel.database import Database
from vedette.kernel.errors import Fault
from vedette.media.fmp4 import parameters_of, whole_boxes_length
from vedette.services.vst.adapters.segment_files import SegmentFolder, digest_of
from vedette.services.vst.model import Cause, Segment
from vedette.services.vst.service.catalogue import forget_segments
from vedette.services.vst.service.recovery import recover
from vedette.services.vst.store import Store

CATALOGUE = "catalogue"
MEDIA = "media"
STRAYS = "strays"


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


def fsck(data_dir: Path, *, clock: Clock, repair: bool = False, hashes: bool = False) -> FsckReport:
    """Checks VST's data folder. Blocking; `repair` also finishes what a crash left, forgets rows whose file is lost or
    damaged (with a gap in their place), and moves files that nobody knows to `strays`."""
    report = FsckReport()
    folder = SegmentFolder(data_dir / MEDIA)
    path = data_dir / f"{CATALOGUE}.db"
    if not path.exists():
        return report
    database = Database(f"sqlite:///{path}")
    try:
        report.findings += [Finding(Problem.DATABASE, CATALOGUE, text) for text in database.integrity_problems()]
        if repair:
            recover(database, folder)
        segments = database.read_now(lambda connection: list(Store(connection).list_all_segments()))
        _check_rows(database, folder, segments, report, checks=_Checks(clock, repair, hashes))
        _check_files(database, folder, {segment.segment_id for segment in segments}, report, repair=repair)
        _check_order(segments, report)
    finally:
        database.close()
    return report


def _check_rows(
    database: Database, folder: SegmentFolder, segments: list[Segment], report: FsckReport, *, checks: _Checks
) -> None:
    for segment in segments:
        report.segments += 1
        report.bytes += segment.bytes
        found = _check_row(folder, segment, hashes=checks.hashes)
        if found is None:
            continue
        problem, detail = found
        if checks.repair:
            _forget(database, folder, segment, checks.clock)
        where = str(folder.path(segment.segment_id))
        report.findings.append(Finding(problem, where, detail, repaired=checks.repair))


def _check_row(folder: SegmentFolder, segment: Segment, *, hashes: bool) -> tuple[Problem, str] | None:
    path = folder.path(segment.segment_id)
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
    return None


def _forget(database: Database, folder: SegmentFolder, segment: Segment, clock: Clock) -> None:
    """A row that cannot be kept becomes a gap; its file goes the way of all deletions."""

    database.write_now(
        lambda connection: forget_segments(connection, [segment], cause=Cause.DAMAGED, actor="fsck", at_us=clock.now()),
        durable=True,
    )
    garbage = database.read_now(lambda connection: Store(connection).list_garbage())
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
            aside = folder.root.parent / STRAYS / path.name
            aside.parent.mkdir(exist_ok=True)
            path.rename(aside)
            report.findings.append(Finding(Problem.STRAY, str(path), f"moved to {aside}", repaired=True))
        else:
            report.findings.append(Finding(Problem.STRAY, str(path), "no row knows it"))


def _check_order(segments: list[Segment], report: FsckReport) -> None:
    ends: dict[str, int] = {}
    for segment in sorted(segments, key=lambda item: (item.stream_id, item.start_us)):
        if segment.start_us < ends.get(segment.stream_id, 0) or segment.end_us <= segment.start_us:
            report.findings.append(Finding(Problem.OVERLAP, str(segment.segment_id), "overlaps the segment before it"))
        ends[segment.stream_id] = max(segment.end_us, ends.get(segment.stream_id, 0))
