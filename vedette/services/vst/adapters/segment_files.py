"""Recording files on the disk, by the durability rules: nothing is finished that a power cut could take back.

While a segment grows it is `<id>.part` with `<id>.idx` beside it: a line that says what it is, then one line a part
with its length and the digest so far. Finishing syncs the file, renames it to `<id>.mp4` and syncs the folder; the
caller then commits the row and drops the index. Every method that blocks on the disk is asynchronous and runs in a
thread.
"""

import contextlib
import errno
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from hashlib import blake2b
from pathlib import Path

import anyio.to_thread
import msgspec

from vedette.kernel.errors import Fault
from vedette.media.fmp4 import SegmentWriter
from vedette.media.unit import AccessUnit, CodecParameters, ticks_to_us

DIGEST_BYTES = 16
_FILES_A_FOLDER = 4096
_READ_BYTES = 1 << 20
_FULL = (errno.ENOSPC, errno.EDQUOT)
_SUFFIXES = (".mp4", ".part", ".idx")


@dataclass(frozen=True, slots=True)
class SegmentHeader:
    """What a segment is, before any of it is in the catalogue; the first line of its index."""

    segment_id: int
    stream_id: str
    recording_id: int
    start_us: int
    codec: str
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Finished:
    """A file that is complete and safe: bytes, BLAKE2b-128 digest and length of its media in microseconds."""

    header: SegmentHeader
    bytes: int
    digest: str
    media_us: int


@dataclass(frozen=True, slots=True)
class _PartRecord:
    """`digest` is that of the file up to the end of this part, so that each byte is hashed once."""

    length: int
    digest: str
    end_90k: int


class OpenSegment:
    """One growing segment. `append` never blocks; `flush` when `pending` is true makes what it holds durable."""

    def __init__(
        self, folder: "SegmentFolder", header: SegmentHeader, parameters: CodecParameters, part_us: int
    ) -> None:
        self.header = header
        self.durable_bytes = 0
        self.durable_90k = 0
        self._folder = folder
        self._parts: list[tuple[bytes, int]] = []
        self._writer = SegmentWriter(parameters, self._take_part, part_us=part_us)
        self._digest = blake2b(digest_size=DIGEST_BYTES)
        self._durable_digest = ""
        self._first_dts: int | None = None
        self._previous_dts = 0
        self._last_dts = 0
        self._file = self._index = -1
        self._may_salvage = True

    @property
    def pending(self) -> bool:
        """Whether a whole part waits to be written."""
        return bool(self._parts)

    @property
    def durable_us(self) -> int:
        """The wall time up to which it is safe on the disk."""
        return self.header.start_us + ticks_to_us(self.durable_90k)

    def append(self, unit: AccessUnit) -> None:
        """Takes the next unit; Fault 422 when it does not fit."""
        if self._first_dts is None:
            self._first_dts = self._previous_dts = self._last_dts = unit.dts_90k
        self._writer.write(unit)
        self._previous_dts, self._last_dts = self._last_dts, unit.dts_90k

    async def flush(self) -> None:
        """Writes and syncs the parts that are whole. OSError when the disk refuses; then only `salvage` is left."""
        await self._folder.run(self._flush)

    async def close(self, next_dts_90k: int | None) -> Finished:
        """The finished file, under its final name. OSError as in `flush`."""
        return await self._folder.run(self._close, next_dts_90k)

    async def salvage(self) -> Finished | None:
        """After an OSError: what was durable before it as a finished file, None when nothing is certain."""
        return await self._folder.run(self._salvage)

    def create(self) -> None:
        """Makes both files and their folder entries durable. Blocking."""
        path = self._folder.path(self.header.segment_id, ".part")
        path.parent.mkdir(parents=True, exist_ok=True)
        flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC
        self._index = os.open(path.with_suffix(".idx"), flags, 0o640)
        self._file = os.open(path, flags, 0o640)
        _write_all(self._index, msgspec.json.encode(self.header) + b"\n")
        os.fdatasync(self._index)
        sync_folder(path.parent)

    def _take_part(self, data: bytes) -> None:
        # libav ends a part before the unit it was just given: the part reaches to that unit's dts.
        end = 0 if self._first_dts is None else self._last_dts - self._first_dts
        self._parts.append((data, end))

    def _flush(self) -> None:
        parts, self._parts = self._parts, []
        for data, end_90k in parts:
            _write_all(self._file, data)
            self._digest.update(data)
            record = _PartRecord(len(data), self._digest.copy().hexdigest(), end_90k)
            _write_all(self._index, msgspec.json.encode(record) + b"\n")
        self._may_salvage = False
        os.fdatasync(self._file)
        os.fdatasync(self._index)
        self._may_salvage = True
        for data, end_90k in parts:
            self.durable_bytes += len(data)
            self.durable_90k = end_90k
        self._durable_digest = self._digest.hexdigest()

    def _close(self, next_dts_90k: int | None) -> Finished:
        summary = self._writer.close(next_dts_90k=next_dts_90k)
        if self._parts:
            self._parts[-1] = (self._parts[-1][0], summary.duration_90k)
        self._flush()
        self.durable_90k = summary.duration_90k
        return self._finish()

    def _finish(self) -> Finished:
        self._may_salvage = False
        os.fsync(self._file)
        self._close_files()
        self._folder.rename_part(self.header.segment_id)
        return Finished(self.header, self.durable_bytes, self._durable_digest, ticks_to_us(self.durable_90k))

    def _salvage(self) -> Finished | None:
        if not self._may_salvage or not self.durable_90k:
            # A failed sync leaves the content unknown for good; a second one that succeeds would prove nothing.
            self._discard()
            return None
        try:
            os.ftruncate(self._file, self.durable_bytes)
            return self._finish()
        except OSError:
            self._discard()
            return None

    def _discard(self) -> None:
        self._close_files()
        with contextlib.suppress(OSError):  # what stays behind is judged by its index at the next start
            self._folder.path(self.header.segment_id, ".part").unlink(missing_ok=True)
            self._folder.path(self.header.segment_id, ".idx").unlink(missing_ok=True)

    def _close_files(self) -> None:
        for descriptor in (self._file, self._index):
            if descriptor >= 0:
                with contextlib.suppress(OSError):
                    os.close(descriptor)
        self._file = self._index = -1


class SegmentFolder:
    """The files of all segments below one root; names are made of ids and never read for meaning."""

    def __init__(self, root: Path, *, threads: int = 64) -> None:
        self.root = root
        self._threads = threads
        self._limiter: anyio.CapacityLimiter | None = None

    def path(self, segment_id: int, suffix: str = ".mp4") -> Path:
        """Where a segment's file lies; `.part` and `.idx` while it grows."""
        return self.root / f"{segment_id // _FILES_A_FOLDER:06d}" / f"{segment_id}{suffix}"

    def readable_path(self, segment_id: int) -> Path:
        """The file of a segment that may just be finishing."""
        part = self.path(segment_id, ".part")
        return part if part.exists() else self.path(segment_id)

    async def run[*Ts, T](self, work: Callable[[*Ts], T], *arguments: *Ts) -> T:
        """Disk work in a thread; each stream has at most one at a time."""
        if self._limiter is None:
            self._limiter = anyio.CapacityLimiter(self._threads)
        return await anyio.to_thread.run_sync(work, *arguments, limiter=self._limiter)

    async def open(self, header: SegmentHeader, parameters: CodecParameters, *, part_us: int) -> OpenSegment:
        """A new growing segment. OSError when the disk refuses."""
        segment = OpenSegment(self, header, parameters, part_us)
        await self.run(segment.create)
        return segment

    async def drop_index(self, segment_id: int) -> None:
        """The row is committed, so the index has done its work."""
        await self.run(partial(self.path(segment_id, ".idx").unlink, missing_ok=True))

    async def unlink(self, segment_ids: Sequence[int]) -> None:
        """Removes files for certain: the folders are synced before this returns."""
        await self.run(self.unlink_now, segment_ids)

    def unlink_now(self, segment_ids: Sequence[int]) -> None:
        """`unlink` for callers that own a thread."""
        folders = set()
        for segment_id in segment_ids:
            for suffix in _SUFFIXES:
                path = self.path(segment_id, suffix)
                path.unlink(missing_ok=True)
                folders.add(path.parent)
        for folder in folders:
            if folder.is_dir():
                sync_folder(folder)

    def rename_part(self, segment_id: int) -> None:
        """A complete `.part` gets its final name, durably. Blocking."""
        path = self.path(segment_id)
        os.rename(path.with_suffix(".part"), path)
        sync_folder(path.parent)

    def files(self) -> Iterator[tuple[Path, int | None, str]]:
        """(path, segment id or None, suffix) of every file below the root. Blocking."""
        for folder in sorted(self.root.glob("*")):
            if not folder.is_dir():
                yield folder, None, folder.suffix
                continue
            for path in sorted(folder.iterdir()):
                known = path.suffix in _SUFFIXES and path.stem.isdecimal()
                yield path, int(path.stem) if known else None, path.suffix

    def adopt_now(self, segment_id: int) -> Finished | None:
        """Finishes a segment that a crash left behind: cut after its last part that its index vouches for.

        None, and no file any more, when no whole part is certain. May be cut and run again. Blocking.
        """
        final, part = self.path(segment_id), self.path(segment_id, ".part")
        path = final if final.exists() else part
        header, records = _read_index(self.path(segment_id, ".idx"))
        length, digest, end_90k = _verified(path, records)
        if header is None or not end_90k:
            self.unlink_now([segment_id])
            return None
        with path.open("r+b") as file:
            file.truncate(length)
            file.flush()
            os.fsync(file.fileno())
        if path == part:
            self.rename_part(segment_id)
        return Finished(header, length, digest, ticks_to_us(end_90k))


def digest_of(path: Path) -> str:
    """The BLAKE2b-128 of a file, hexadecimal. Blocking."""
    digest = blake2b(digest_size=DIGEST_BYTES)
    with path.open("rb") as file:
        while data := file.read(_READ_BYTES):
            digest.update(data)
    return digest.hexdigest()


def sync_folder(folder: Path) -> None:
    """Makes the entries of a folder durable. Blocking."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def disk_fault(error: OSError) -> Fault:
    """What an OSError of the disk means to a reader."""
    if error.errno in _FULL:
        return Fault("VMSInsufficientStorage", 507, "The disk is full. Delete recordings or lower the ageing limits.")
    return Fault("VMSInternalError", 500, f"The disk refuses recordings: {error.strerror}. Check the data folder.")


def _write_all(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def _read_index(path: Path) -> tuple[SegmentHeader | None, list[_PartRecord]]:
    """The header and the records of an index as far as they make sense; a torn last line is no error."""
    try:
        lines = path.read_bytes().split(b"\n")
        header = msgspec.json.decode(lines[0], type=SegmentHeader)
    except (FileNotFoundError, msgspec.DecodeError):
        return None, []
    records = []
    for line in lines[1:]:
        try:
            records.append(msgspec.json.decode(line, type=_PartRecord))
        except msgspec.DecodeError:
            break
    return header, records


def _verified(path: Path, records: Sequence[_PartRecord]) -> tuple[int, str, int]:
    """(bytes, digest, end in ticks) of the leading parts whose content is what the index says."""
    whole = blake2b(digest_size=DIGEST_BYTES)
    length, digest, end_90k = 0, "", 0
    if not path.exists():
        return length, digest, end_90k
    with path.open("rb") as file:
        for record in records:
            data = file.read(record.length)
            whole.update(data)
            if len(data) != record.length or whole.copy().hexdigest() != record.digest:
                break
            length, digest, end_90k = length + record.length, record.digest, record.end_90k
    return length, digest, end_90k
