"""An uploaded file becomes segments beside the recordings, and all of them recordings at once, or none.

The segments are cut into a folder of their own. Then, in this order: their ids become garbage rows, their files move
to the recordings, and one transaction turns the garbage into segments, ledger lines, upload and sensor. Whatever is cut
off before that transaction is deleted by the next start as any garbage is.
"""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from vedette.kernel.clock import US_PER_SECOND, Instant
from vedette.kernel.database import Database, Transaction
from vedette.kernel.errors import unprocessable
from vedette.media.demux import contents_of, demux
from vedette.media.unit import AccessUnit, CodecParameters, seconds_to_90k
from vedette.services.vst.adapters.segment_files import (
    Finished,
    SegmentFile,
    SegmentFolder,
    disk_fault,
    sync_folder,
)
from vedette.services.vst.core.segmenter import SegmentPolicy
from vedette.services.vst.model import Cause, Garbage, Segment
from vedette.services.vst.service.catalogue import add_segment
from vedette.services.vst.service.cutter import Begin, Cutter, Finish, Order, Part
from vedette.services.vst.service.recorder import segment_of
from vedette.services.vst.settings import VstSettings
from vedette.services.vst.store import CoverageStore, Store

_ID_BLOCK = 64


@dataclass(frozen=True, slots=True)
class Staged:
    """The segments of a file, finished and durable in a folder of their own."""

    segments: tuple[Segment, ...]
    folder: SegmentFolder

    @property
    def bytes(self) -> int:
        """What they take."""
        return sum(segment.bytes for segment in self.segments)


class Stager:
    """Cuts files into segments. Everything here blocks and belongs into a thread."""

    def __init__(self, database: Database, settings: VstSettings, root: Path) -> None:
        self._database, self._settings, self._root = database, settings, root

    def stage(self, path: Path, stream_id: str, start_us: Instant | None, now_us: Instant) -> Staged:
        """The segments of a file that begins at `start_us`, or ends now when that is None. Faults: 415 and 422 for what
        cannot be kept, 507 when the disk is full."""
        contents = contents_of(path)
        begin_us = max(0, now_us - contents.duration_us) if start_us is None else start_us
        folder = SegmentFolder(self._root)
        folder.root.mkdir(parents=True, exist_ok=True)
        try:
            segments = tuple(self._cut(path, folder, stream_id, begin_us, contents.audio))
        except OSError as error:
            raise disk_fault(error) from error
        if not segments:
            raise unprocessable("The file holds no picture that can be kept.")
        return Staged(segments, folder)

    def _cut(
        self, path: Path, folder: SegmentFolder, stream_id: str, begin_us: Instant, audio: CodecParameters | None
    ) -> Iterator[Segment]:
        length = seconds_to_90k(self._settings.segment_s)
        part_us = round(self._settings.part_s * US_PER_SECOND)
        cutter = Cutter(stream_id, SegmentPolicy(length, length), part_us=part_us, next_id=self._ids().__next__)
        if audio is not None:
            # Says at the begin that there will be sound, so that the first segment has a track for it.
            cutter.feed(AccessUnit(b"", 0, 0, 0, False, audio))
        writing = _Writing(folder)
        for unit in demux(path, start_us=begin_us):
            for order in cutter.feed(unit):
                yield from writing.obey(order)
        for order in cutter.stop(Cause.SWITCHED_OFF):
            yield from writing.obey(order)

    def _ids(self) -> Iterator[int]:
        while True:
            first = self._database.write_now(lambda tx: Store(tx).add_id_block(_ID_BLOCK), durable=True)
            yield from range(first, first + _ID_BLOCK)


class _Writing:
    """Obeys a cutter's orders on one file after the other."""

    def __init__(self, folder: SegmentFolder) -> None:
        self._folder = folder
        self._file: SegmentFile | None = None

    def obey(self, order: Order) -> Iterator[Segment]:
        """Gives the segment that an order finished."""
        match order:
            case Begin(header):
                self._file = SegmentFile(self._folder, header)
                self._file.create()
            case Part(data, end_90k):
                self._open.append(data, end_90k)
            case Finish(data, end_90k, end_us):
                if data:
                    self._open.append(data, end_90k)
                finished: Finished = self._open.close_finish()
                yield segment_of(finished, end_us)

    @property
    def _open(self) -> SegmentFile:
        if self._file is None:
            raise RuntimeError("a part without a file")
        return self._file


def promise_garbage(database: Database, staged: Staged) -> None:
    """From here on a crash means that the files of these segments are deleted. Blocking."""
    database.write_now(lambda connection: Store(connection).move_to_garbage(staged.segments), durable=True)


def move_files(staged: Staged, recordings: SegmentFolder) -> None:
    """Puts the files among the recordings, durably. OSError when the disk refuses. Blocking."""
    folders = set()
    for segment in staged.segments:
        target = recordings.path(segment.segment_id)
        if not target.parent.is_dir():
            target.parent.mkdir(parents=True, exist_ok=True)
            sync_folder(target.parent.parent)
        os.rename(staged.folder.path(segment.segment_id), target)
        folders.add(target.parent)
    for folder in folders:
        sync_folder(folder)


def commit(staged: Staged, *, first: Callable[[Transaction], None]) -> Callable[[Transaction], tuple[Segment, ...]]:
    """The work of the one transaction: `first`, then rows and ledger lines instead of garbage."""

    def work(connection: Transaction) -> tuple[Segment, ...]:
        first(connection)
        store, segments = Store(connection), staged.segments
        store.forget([Garbage(item.segment_id, item.stream_id, item.bytes) for item in segments])
        for segment in segments:
            add_segment(connection, replace(segment))
        # A file is never "down" behind its end: nothing more was to be recorded.
        CoverageStore(connection).set_absent(segments[-1].stream_id, segments[-1].end_us, Cause.SWITCHED_OFF)
        return segments

    return work
