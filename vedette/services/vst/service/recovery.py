"""Start-up: finishes what a stop or a crash left half done, before any camera is accepted.

Every step may be cut and run again. Nothing here guesses: a file is judged by its row, or by the index beside it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from vedette.kernel.database import Database
from vedette.kernel.log import get_logger
from vedette.services.vst.adapters.segment_files import SegmentFolder
from vedette.services.vst.model import Cause, Garbage, Segment
from vedette.services.vst.service.recorder import segment_of
from vedette.services.vst.store import Store


@dataclass(slots=True)
class Recovered:
    """What was done, in numbers; segment ids of what was adopted."""

    garbage: int = 0
    adopted: list[int] = field(default_factory=list)
    discarded: int = 0
    strays: list[str] = field(default_factory=list)
    crash_gaps: int = 0


def recover(database: Database, folder: SegmentFolder) -> Recovered:
    """Finishes garbage, adopts unfinished segments up to their last certain part, and declares the gaps. Blocking."""
    report = Recovered()
    folder.root.mkdir(parents=True, exist_ok=True)
    _finish_garbage(database, folder, report)
    _settle_files(database, folder, report)
    _declare_gaps(database, report)
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
    while garbage := database.read_now(lambda connection: Store(connection).list_garbage()):
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
        elif suffix == ".mp4" and not path.with_suffix(".idx").exists():
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

    def work(store: Store) -> None:
        last = store.last_segment(segment.stream_id)
        if last is None or last.end_us <= segment.start_us:
            store.close_gap(segment.stream_id, segment.start_us)
        store.add_segment(segment)

    database.write_now(lambda connection: work(Store(connection)), durable=True)
    folder.path(segment_id, ".idx").unlink(missing_ok=True)
    report.adopted.append(segment_id)


def _declare_gaps(database: Database, report: Recovered) -> None:
    """A sensor whose recording ends without a gap was cut off."""

    def work(store: Store) -> int:
        declared = 0
        for sensor in store.list_sensors():
            last = store.last_segment(sensor.sensor_id)
            if last is not None and store.get_open_gap(sensor.sensor_id) is None:
                store.open_gap(sensor.sensor_id, last.end_us, Cause.CRASH)
                declared += 1
        return declared

    report.crash_gaps = database.write_now(lambda connection: work(Store(connection)), durable=True)
