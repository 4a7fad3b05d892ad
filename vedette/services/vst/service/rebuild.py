"""`vedette fsck --rebuild`: a catalogue that is lost or broken is made anew from the segment files, which explain
themselves. What no file holds (cameras, policies, protected ranges) is taken from the old catalogue where it can still
be read; the coverage ledger begins anew, since a chain that cannot be checked proves nothing.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import pairwise
from pathlib import Path

from vedette.kernel.clock import US_PER_SECOND
from vedette.kernel.database import Database, Transaction
from vedette.services.vst.adapters.segment_files import Finished, SegmentFolder, header_of
from vedette.services.vst.adapters.volumes import IDENTITY, identity_of
from vedette.services.vst.migrations import STEPS
from vedette.services.vst.model import MAIN_VOLUME, Cause, Segment
from vedette.services.vst.service.catalogue import add_segment
from vedette.services.vst.service.recorder import segment_of
from vedette.services.vst.store import StorageStore, Store
from vedette.services.vst.store.salvage import Rows, kept_rows, write_kept
from vedette.services.vst.store.volumes import CATALOGUE_IDENTITY, VolumeStore

type Placed = tuple[Finished, str]
"""A file and the volume that it lies on."""
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


def rebuild(data_dir: Path, *, catalogue: str, media: str, tiers: Mapping[str, Path] | None = None) -> Rebuilt:
    """Makes the catalogue of a stopped node anew. Blocking; it reads every byte of every recording once.

    `tiers` are the folders of further volumes by name; those that hold footage of this catalogue are taken in.

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
        found = [(item, MAIN_VOLUME) for item in _adopted(folder, report)]
        for name, root in (tiers or {}).items():
            if database.write_now(partial(_restore_volume, name, root), durable=True):
                found += [(item, name) for item in _adopted(SegmentFolder(root), report)]
        _add_all(database, [item for stream in _by_stream(found) for item in _timed(stream)], report)
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


def _restore_volume(name: str, root: Path, connection: Transaction) -> bool:
    """Whether a folder is a volume of this catalogue; one whose own id is lost takes the one that lies there."""
    identity, store = identity_of(root), StorageStore(connection)
    if identity is None:
        return False
    known = store.get_choice(CATALOGUE_IDENTITY)
    if known is None:
        store.set_choice(CATALOGUE_IDENTITY, identity.catalogue.encode(), actor="fsck", at_us=0)
    elif known.decode() != identity.catalogue:
        return False
    volumes = VolumeStore(connection)
    if name not in volumes.list_volumes():
        volumes.add_volume(name, identity.volume)
    return True


def _adopted(folder: SegmentFolder, report: Rebuilt) -> list[Finished]:
    """Every segment that a file vouches for, cut behind its last part that verifies."""
    found: list[Finished] = []
    for path, segment_id, suffix in list(folder.files()):
        if path.name == IDENTITY:
            continue
        if segment_id is None or suffix not in (".mp4", ".part") or header_of(path) is None:
            report.discarded.append(path.name)
            continue
        finished = folder.adopt_now(segment_id)
        if finished is None:
            report.discarded.append(path.name)
        else:
            found.append(finished)
    return found


def _by_stream(found: Sequence[Placed]) -> Iterator[list[Placed]]:
    streams: dict[str, list[Placed]] = {}
    for item in found:
        streams.setdefault(item[0].header.stream_id, []).append(item)
    for _, mine in sorted(streams.items()):
        # Of two that say the same time, the newer one counts: it cannot be an older state of anything.
        by_start = {item.header.start_us: (item, where) for item, where in sorted(mine, key=_segment_id)}
        yield [by_start[start_us] for start_us in sorted(by_start)]


def _segment_id(placed: Placed) -> int:
    return placed[0].header.segment_id


def _timed(stream: Sequence[Placed]) -> list[Segment]:
    """Rows in order that do not overlap. Where the recording ran on, a segment ends where the next one begins."""
    ends = [_predicted(item) for item, _ in stream]
    for index, ((left, _), (right, _)) in enumerate(pairwise(stream)):
        next_us = right.header.start_us
        runs_on = left.header.recording_id == right.header.recording_id
        if next_us < ends[index] or (runs_on and next_us - ends[index] <= _JITTER_US):
            ends[index] = max(next_us, left.header.start_us + 1)
    return [replace(segment_of(item, end_us), volume=where) for (item, where), end_us in zip(stream, ends, strict=True)]


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
        VolumeStore(connection).count([segment for segment, _ in pairs], 1)

    return work
