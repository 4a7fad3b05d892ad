"""`vedette fsck --rebuild`: a catalogue that is lost or broken is made anew from the segment files, which explain
themselves. What no file holds (cameras, policies, protected ranges) is taken from the old catalogue where it can still
be read; the coverage ledger begins anew, since a chain that cannot be checked proves nothing.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import pairwise
from pathlib import Path

from vedette.kernel.clock import US_PER_SECOND
from vedette.kernel.database import Database, Transaction
from vedette.services.vst.adapters.segment_files import Finished, SegmentFolder, header_of
from vedette.services.vst.migrations import STEPS
from vedette.services.vst.model import Cause, Segment
from vedette.services.vst.service.catalogue import add_segment
from vedette.services.vst.service.recorder import segment_of
from vedette.services.vst.store import Store
from vedette.services.vst.store.salvage import Rows, kept_rows, write_kept

_JITTER_US = US_PER_SECOND
_BATCH = 500


@dataclass(slots=True)
class Rebuilt:
    """What a rebuild found. `kept` says how many rows of which table came from the old catalogue."""

    segments: int = 0
    streams: int = 0
    discarded: list[str] = field(default_factory=list)
    kept: dict[str, int] = field(default_factory=dict)
    aside: str = ""


def rebuild(data_dir: Path, *, catalogue: str, media: str) -> Rebuilt:
    """Makes the catalogue of a stopped node anew. Blocking; it reads every byte of every recording once.

    The old catalogue is kept beside it under another name; nothing is deleted but what no part of is certain.
    """
    report = Rebuilt()
    path, folder = data_dir / f"{catalogue}.db", SegmentFolder(data_dir / media)
    kept = _take_aside(path, report)
    database = Database(f"sqlite:///{path}")
    try:
        database.upgrade(STEPS)
        database.write_now(partial(_restore, kept), durable=True)
        report.kept = {name: len(rows) for name, rows in kept.items() if rows}
        segments = _adopted(folder, report)
        _add_all(database, segments, report)
    finally:
        database.close()
    return report


def _take_aside(path: Path, report: Rebuilt) -> Rows:
    if not path.exists():
        return {}
    old = Database(f"sqlite:///{path}")
    try:
        kept = kept_rows(old)
    finally:
        old.close()
    number = next(number for number in range(1, 1000) if not path.with_suffix(f".lost-{number}").exists())
    for suffix in ("", "-wal", "-shm"):
        part = path.with_name(path.name + suffix)
        if part.exists():
            part.rename(path.with_suffix(f".lost-{number}{suffix}"))
    report.aside = str(path.with_suffix(f".lost-{number}"))
    return kept


def _restore(kept: Rows, connection: Transaction) -> None:
    write_kept(connection, kept)


def _adopted(folder: SegmentFolder, report: Rebuilt) -> list[Segment]:
    """Every segment that a file vouches for, cut behind its last part that verifies."""
    found: list[Finished] = []
    for path, segment_id, suffix in list(folder.files()):
        if segment_id is None or suffix not in (".mp4", ".part") or header_of(path) is None:
            report.discarded.append(path.name)
            continue
        finished = folder.adopt_now(segment_id)
        if finished is None:
            report.discarded.append(path.name)
        else:
            found.append(finished)
    return [segment for stream in _by_stream(found) for segment in _timed(stream)]


def _by_stream(found: Sequence[Finished]) -> Iterator[list[Finished]]:
    streams: dict[str, list[Finished]] = {}
    for item in found:
        streams.setdefault(item.header.stream_id, []).append(item)
    for _, mine in sorted(streams.items()):
        # Of two that say the same time, the newer one counts: it cannot be an older state of anything.
        by_start = {item.header.start_us: item for item in sorted(mine, key=lambda item: item.header.segment_id)}
        yield [by_start[start_us] for start_us in sorted(by_start)]


def _timed(stream: Sequence[Finished]) -> list[Segment]:
    """Rows in order that do not overlap. Where the recording ran on, a segment ends where the next one begins."""
    ends = [_predicted(item) for item in stream]
    for index, (left, right) in enumerate(pairwise(stream)):
        next_us = right.header.start_us
        runs_on = left.header.recording_id == right.header.recording_id
        if next_us < ends[index] or (runs_on and next_us - ends[index] <= _JITTER_US):
            ends[index] = max(next_us, left.header.start_us + 1)
    return [segment_of(item, end_us) for item, end_us in zip(stream, ends, strict=True)]


def _predicted(item: Finished) -> int:
    return item.header.start_us + max(1, item.media_us)


def _add_all(database: Database, segments: Sequence[Segment], report: Rebuilt) -> None:
    report.segments = len(segments)
    report.streams = len({segment.stream_id for segment in segments})
    if segments:
        last_id = max(segment.segment_id for segment in segments)
        database.write_now(lambda connection: Store(connection).add_id_block(last_id), durable=True)
    for begin in range(0, len(segments), _BATCH):
        following = (*segments[begin + 1 : begin + _BATCH + 1], None)
        database.write_now(_adding(list(zip(segments[begin : begin + _BATCH], following, strict=False))), durable=True)


def _adding(pairs: Sequence[tuple[Segment, Segment | None]]) -> Callable[[Transaction], None]:
    """Rows and ledger lines. Why nothing is there between two segments was in the ledger that is lost."""

    def work(connection: Transaction) -> None:
        for segment, after in pairs:
            follows = after is not None and (after.stream_id, after.start_us) == (segment.stream_id, segment.end_us)
            add_segment(connection, segment, None if follows else Cause.DAMAGED)

    return work
