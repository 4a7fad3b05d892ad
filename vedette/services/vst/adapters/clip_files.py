"""The files behind clips: sample tables of segments, the last used ones kept, and the bytes that a plan names.

Everything here blocks and belongs into a thread; one `ClipFiles` serves all threads.
"""

import os
import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence

from vedette.kernel.errors import Fault, not_found
from vedette.media.fmp4 import read_tables
from vedette.media.mp4 import SampleTable
from vedette.media.mp4_clip import ClipPlan
from vedette.services.vst.adapters.segment_files import SegmentFolder

_MOST_SAMPLES = 300_000
"""What is kept of tables; a sample takes about 50 bytes."""


class ClipFiles:
    """Reads segments by id, whether they still grow or are finished."""

    def __init__(self, folder: SegmentFolder, *, most_samples: int = _MOST_SAMPLES) -> None:
        self._folder, self._most = folder, most_samples
        self._tables: OrderedDict[int, Sequence[SampleTable]] = OrderedDict()
        self._samples = 0
        self._lock = threading.Lock()

    def tables(self, segment_id: int) -> Sequence[SampleTable]:
        """The sample tables of a segment, pictures first; Fault 404 when its file is gone, 422 when it is none."""
        with self._lock:
            known = self._tables.get(segment_id)
            if known is not None:
                self._tables.move_to_end(segment_id)
                return known
        descriptor, finished = self.open(segment_id)
        with open(descriptor, "rb") as file:
            tables = read_tables(file)
        if finished:
            self._keep(segment_id, tables)
        return tables

    def open(self, segment_id: int) -> tuple[int, bool]:
        """(a descriptor to read from, whether the segment is finished); Fault 404 when its file is gone."""
        # It may get its final name between the first try and the second.
        for suffix in (".mp4", ".part", ".mp4"):
            try:
                path = self._folder.path(segment_id, suffix)
                return os.open(path, os.O_RDONLY | os.O_CLOEXEC), suffix == ".mp4"
            except FileNotFoundError:
                continue
        moved = self._folder.locate(segment_id)
        if moved.exists():
            return os.open(moved, os.O_RDONLY | os.O_CLOEXEC), True
        raise not_found("The recording's file is gone. It was deleted just now, or `vedette fsck` says more.")

    def _keep(self, segment_id: int, tables: Sequence[SampleTable]) -> None:
        with self._lock:
            if segment_id not in self._tables:
                self._tables[segment_id] = tables
                self._samples += _count(tables)
            while self._samples > self._most and len(self._tables) > 1:
                _, oldest = self._tables.popitem(last=False)
                self._samples -= _count(oldest)


class ClipReader:
    """Reads the bytes of one clip, one file open at a time. `extra` holds sources that are no segments."""

    def __init__(self, files: ClipFiles, plan: ClipPlan, extra: Mapping[str, bytes]) -> None:
        self._files, self._plan, self._extra = files, plan, extra
        self._source, self._descriptor = "", -1

    def read(self, start: int, stop: int) -> bytes:
        """The bytes `[start, stop)` of the clip. Faults: 404 when a file is gone, 500 when it is too short."""
        pieces = (self.piece(source, offset, length) for source, offset, length in self._plan.pieces(start, stop))
        return b"".join(pieces)

    def piece(self, source: str | None, offset: int, length: int) -> bytes:
        """So many bytes of a source; of the clip's head when it is None."""
        kept = self._plan.head if source is None else self._extra.get(source)
        if kept is not None:
            return kept[offset : offset + length]
        if source is not None and source != self._source:
            self.close()
            self._descriptor, _ = self._files.open(int(source))
            self._source = source
        found = []
        while length:
            data = os.pread(self._descriptor, length, offset)
            if not data:
                raise Fault("VMSInternalError", 500, "A recording is shorter than it was. Run `vedette fsck`.")
            found.append(data)
            offset, length = offset + len(data), length - len(data)
        return found[0] if len(found) == 1 else b"".join(found)

    def close(self) -> None:
        """Gives back the open file."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
        self._source, self._descriptor = "", -1


def _count(tables: Sequence[SampleTable]) -> int:
    return sum(map(len, tables))
