"""Start-up: finishes what a stop or a crash left half done, before any camera is accepted.

Every step may be cut and run again. Nothing here guesses: a file is judged by its row, or by its own seals.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from vedette.kernel.database import Database
from vedette.kernel.log import get_logger
from vedette.services.vst.adapters.segment_files import SegmentFolder
from vedette.services.vst.model import MAIN_VOLUME, Cause, Garbage, Segment
from vedette.services.vst.service.catalogue import add_segment
from vedette.services.vst.service.recorder import segment_of
from vedette.services.vst.store import CoverageStore, Store

_FOR_EVER_US = 1 << 62
_LASTING = (Cause.STOPPED, Cause.CRASH, Cause.SWITCHED_OFF, Cause.SENSOR_REMOVED)
"""A restart changes nothing about these."""


@dataclass(slots=True)
class Recovered:
    """What was done, in numbers; segment ids of what was adopted."""

    garbage: int = 0
    adopted: list[int] = field(default_factory=list)
    discarded: int = 0
    strays: list[str] = field(default_factory=list)
    crash_gaps: int = 0


def recover(database: Database, folder: SegmentFolder, *, alive_us: int = 0) -> Recovered:
    """Finishes garbage, adopts unfinished segments up to their last certain part, and declares the gaps. Blocking.

    `alive_us` is when the recorder was last seen alive, UTC, 0 when nobody knows: streams that were waiting for their
    camera then were waiting until that instant.
    """
    report = Recovered()
    folder.root.mkdir(parents=True, exist_ok=True)
    _finish_garbage(database, folder, report)
    _begin_ledgers(database)
    _settle_files(database, folder, report)
    _declare_gaps(database, report, alive_us=alive_us)
    if report != Recovered():
        get_logger("vst").warning(
            "recovered",
            garbage=report.garbage,
            adopted=len(report.adopted),
            discarded=report.discarded,
            strays=report.strays,
            crash_gaps=report.crash_gaps,
        )
    return report


def _finish_garbage(database: Database, folder: SegmentFolder, report: Recovered) -> None:
    while garbage := database.read_now(lambda connection: Store(connection).list_garbage(volume=MAIN_VOLUME)):
        folder.unlink_now([item.segment_id for item in garbage])
        database.write_now(partial(_forget, garbage), durable=True)
        report.garbage += len(garbage)


def _settle_files(database: Database, folder: SegmentFolder, report: Recovered) -> None:
    for path, segment_id, suffix in list(folder.files()):
        if segment_id is None:
            report.strays.append(path.name)
        elif database.read_now(partial(_row, segment_id)) is not None:
            if suffix != ".mp4":
                path.unlink(missing_ok=True)
        elif suffix == ".mp4" and not folder.is_segment(path):
            report.strays.append(path.name)
        elif path.exists():
            _adopt(database, folder, segment_id, report)


def _forget(garbage: Sequence[Garbage], connection: Any) -> None:
    Store(connection).forget(garbage)


def _row(segment_id: int, connection: Any) -> Segment | None:
    return Store(connection).get_segment(segment_id)


def _adopt(database: Database, folder: SegmentFolder, segment_id: int, report: Recovered) -> None:
    finished = folder.adopt_now(segment_id)
    if finished is None:
        report.discarded += 1
        return
    segment = segment_of(finished, finished.header.start_us + finished.media_us)
    if database.write_now(partial(_add, segment), durable=True):
        report.adopted.append(segment_id)
    else:
        # It was given up, and its time accounted for, because the disk refused to remove it.
        report.strays.append(folder.set_aside(folder.path(segment_id)).name)


def _add(segment: Segment, connection: Any) -> bool:
    """Whether its time is still free in the ledger."""
    head = CoverageStore(connection).get_head(segment.stream_id)
    if head is not None and segment.start_us < head.until_us:
        return False
    add_segment(connection, segment)
    return True


def _begin_ledgers(database: Database) -> None:
    """Gives segments from before the ledger their place in it, oldest first, one stream a transaction."""

    def missing(connection: Any) -> list[str]:
        heads = {head.stream_id for head in CoverageStore(connection).list_heads()}
        return [stream_id for stream_id in Store(connection).list_recorded_streams() if stream_id not in heads]

    def begin(stream_id: str, connection: Any) -> None:
        store, coverage = Store(connection), CoverageStore(connection)
        for segment in store.list_segments(stream_id, 0, _FOR_EVER_US):
            store.set_seq(segment.segment_id, coverage.add_segment(segment))

    for stream_id in database.read_now(missing):
        database.write_now(partial(begin, stream_id), durable=True)


def _declare_gaps(database: Database, report: Recovered, *, alive_us: int) -> None:
    """A stream whose recording ends without a word was cut off; one that waited was alive until `alive_us`."""

    def work(connection: Any) -> int:
        coverage, declared = CoverageStore(connection), 0
        for head in coverage.list_heads():
            if head.cause not in _LASTING:
                declared += head.cause is None
                coverage.set_absent(head.stream_id, max(alive_us, head.until_us), Cause.CRASH)
        return declared

    report.crash_gaps = database.write_now(work, durable=True)
