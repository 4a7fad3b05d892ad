"""Recording files on the disk, by the durability rules: nothing is finished that a power cut could take back.

A segment is one file. While it grows it is `<id>.part`; finishing syncs it, renames it to `<id>.mp4` and syncs the
folder. It explains itself: a header in front says what it is, and behind each part a seal says where the part ends and
what the digest of the file is so far (`media.fmp4_writer` has the layout). So one write and one sync make a part safe,
and `walk` tells from a file alone what of it is certain.
"""

import contextlib
import errno
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import BinaryIO

import anyio.to_thread
import msgspec

from vedette.kernel.errors import Fault
from vedette.media.fmp4_writer import (
    DIGEST_BYTES,
    HEADER_UUID,
    SEAL_UUID,
    SEALED_BYTES,
    read_seal,
    seal_head,
)
from vedette.media.mp4 import HEADER_BYTES, box_header
from vedette.media.unit import ticks_to_us

_FILES_A_FOLDER = 4096
_READ_BYTES = 1 << 20
_MOST_HEADER_BYTES = 1 << 16
_FULL = (errno.ENOSPC, errno.EDQUOT)
_SUFFIXES = (".mp4", ".part")
_STRAYS = "strays"


@dataclass(frozen=True, slots=True)
class SegmentHeader:
    """What a segment is, before any of it is in the catalogue; JSON in its file's header box."""

    segment_id: int
    stream_id: str
    recording_id: int
    start_us: int
    codec: str
    width: int
    height: int
    audio: str = ""


@dataclass(frozen=True, slots=True)
class Finished:
    """A file that is complete and safe: bytes, BLAKE2b-128 digest and length of its media in microseconds."""

    header: SegmentHeader
    bytes: int
    digest: str
    media_us: int


@dataclass(frozen=True, slots=True)
class Sealed:
    """A part that its seal vouches for: where the seal ends in the file, and the part in ticks from the begin."""

    offset: int
    end_90k: int


@dataclass(frozen=True, slots=True)
class Walked:
    """What a file says of itself. `parts` are the leading ones that verify, `digest` is that of the file up to the end
    of the last of them, `whole` says that nothing comes behind it."""

    header: SegmentHeader | None
    parts: tuple[Sealed, ...]
    digest: str
    whole: bool

    @property
    def bytes(self) -> int:
        """The length up to the end of the last part that verifies."""
        return self.parts[-1].offset if self.parts else 0

    @property
    def media_us(self) -> int:
        """How much media that is, in microseconds."""
        return ticks_to_us(self.parts[-1].end_90k) if self.parts else 0

    @property
    def finished(self) -> Finished | None:
        """The file cut behind its last certain part; None when there is none, or it does not say what it is."""
        if self.header is None or not self.media_us:
            return None
        return Finished(self.header, self.bytes, self.digest, self.media_us)


class SegmentFile:
    """One growing file. Every method blocks on the disk and belongs to the one thread that writes the volume.

    An OSError from any of them is final for the file: only `salvage` is left.
    """

    def __init__(self, folder: "SegmentFolder", header: SegmentHeader) -> None:
        self.header = header
        self.durable_bytes = 0
        self.durable_90k = 0
        self._folder = folder
        self._digest = blake2b(digest_size=DIGEST_BYTES)
        self._durable_digest = ""
        self._written = self._end_90k = 0
        self._file = -1
        self._may_salvage = True

    @property
    def durable_us(self) -> int:
        """The wall time up to which it is safe on the disk."""
        return self.header.start_us + ticks_to_us(self.durable_90k)

    def create(self) -> None:
        """Makes the file and its folder entry durable."""
        path = self._folder.path(self.header.segment_id, ".part")
        if not path.parent.is_dir():
            path.parent.mkdir(parents=True, exist_ok=True)
            sync_folder(path.parent.parent)
        self._file = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o640)
        sync_folder(path.parent)

    def append(self, data: bytes, end_90k: int) -> None:
        """Writes a whole part, the first with the header of the file in front, and its seal; not yet durable."""
        self._digest.update(data)
        self._digest.update(head := seal_head(end_90k))
        box = head + (digest := self._digest.digest())
        _write_all(self._file, data, box)
        self._digest.update(digest)
        self._written += len(data) + len(box)
        self._end_90k = end_90k

    def sync(self) -> None:
        """Makes what was appended durable."""
        self._may_salvage = False
        os.fdatasync(self._file)
        self._may_salvage = True
        self._settle()

    def close_finish(self) -> Finished:
        """The complete file, durable, under its final name."""
        self._may_salvage = False
        os.fsync(self._file)
        self._may_salvage = True
        self._settle()
        return self._publish()

    def salvage(self) -> Finished | None:
        """After an OSError: what was durable before it as a finished file, None when nothing is certain."""
        if not self._may_salvage or not self.durable_90k:
            # A failed sync leaves the content unknown for good; a second one that succeeds would prove nothing.
            self._discard()
            return None
        try:
            if self._file >= 0:  # else it was complete and only its name is missing
                os.ftruncate(self._file, self.durable_bytes)
                os.fsync(self._file)
            return self._publish()
        except OSError:
            self._discard()
            return None

    def _publish(self) -> Finished:
        self._close()
        self._folder.rename_part(self.header.segment_id)
        return Finished(self.header, self.durable_bytes, self._durable_digest, ticks_to_us(self.durable_90k))

    def _settle(self) -> None:
        self.durable_bytes, self.durable_90k = self._written, self._end_90k
        self._durable_digest = self._digest.hexdigest()

    def _discard(self) -> None:
        self._close()
        with contextlib.suppress(OSError):  # what stays behind is judged by its seals at the next start
            self._folder.path(self.header.segment_id, ".part").unlink(missing_ok=True)
            self._folder.path(self.header.segment_id).unlink(missing_ok=True)

    def _close(self) -> None:
        if self._file >= 0:
            with contextlib.suppress(OSError):
                os.close(self._file)
        self._file = -1


class SegmentFolder:
    """The files of all segments below one root; names are made of ids and never read for meaning."""

    def __init__(self, root: Path, *, threads: int = 64) -> None:
        self.root = root
        self.elsewhere: Callable[[int], Path | None] | None = None
        """Where a finished segment lies that is not below the root, if somebody knows. Blocking."""
        self._threads = threads
        self._limiter: anyio.CapacityLimiter | None = None

    def path(self, segment_id: int, suffix: str = ".mp4") -> Path:
        """Where a segment's file lies; `.part` while it grows."""
        return self.root / f"{segment_id // _FILES_A_FOLDER:06d}" / f"{segment_id}{suffix}"

    def readable_path(self, segment_id: int) -> Path:
        """The file of a segment that may just be finishing."""
        part = self.path(segment_id, ".part")
        return part if part.exists() else self.locate(segment_id)

    def locate(self, segment_id: int) -> Path:
        """The file of a finished segment, wherever it lies; below the root when nobody knows. Blocking."""
        path = self.path(segment_id)
        if self.elsewhere is None or path.exists():
            return path
        return self.elsewhere(segment_id) or path

    async def run[*Ts, T](self, work: Callable[[*Ts], T], *arguments: *Ts) -> T:
        """Disk work in a thread; each stream has at most one at a time."""
        if self._limiter is None:
            self._limiter = anyio.CapacityLimiter(self._threads)
        return await anyio.to_thread.run_sync(work, *arguments, limiter=self._limiter)

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

    def set_aside(self, path: Path) -> Path:
        """Moves a file that nobody answers for out of the way, and tells where it is now. Blocking."""
        aside = self.root.parent / _STRAYS / path.name
        aside.parent.mkdir(exist_ok=True)
        path.rename(aside)
        return aside

    def files(self) -> Iterator[tuple[Path, int | None, str]]:
        """(path, segment id or None, suffix) of every file below the root. Blocking."""
        for folder in sorted(self.root.glob("*")):
            if not folder.is_dir():
                yield folder, None, folder.suffix
                continue
            for path in sorted(folder.iterdir()):
                known = path.suffix in _SUFFIXES and path.stem.isdecimal()
                yield path, int(path.stem) if known else None, path.suffix

    def is_segment(self, path: Path) -> bool:
        """Whether a file says for certain that it is the segment of its name, so that `adopt_now` may judge it. Reads
        it once. Blocking."""
        finished = walk(path).finished
        return finished is not None and path.stem == str(finished.header.segment_id)

    def adopt_now(self, segment_id: int) -> Finished | None:
        """Finishes a segment that a crash left behind: cut after its last part whose seal verifies.

        None, and no file any more, when no part is certain. May be cut and run again. Blocking.
        """
        final, part = self.path(segment_id), self.path(segment_id, ".part")
        path = final if final.exists() else part
        walked = walk(path)
        finished = walked.finished
        if finished is None or finished.header.segment_id != segment_id:
            self.unlink_now([segment_id])
            return None
        with path.open("r+b") as file:
            if not walked.whole:
                file.truncate(finished.bytes)
            os.fsync(file.fileno())
        if path == part:
            self.rename_part(segment_id)
        return finished


def header_bytes(header: SegmentHeader) -> bytes:
    """What a `SegmentWriter` is given as the header of the file."""
    return msgspec.json.encode(header)


def walk(path: Path) -> Walked:
    """What a segment file says of itself, each byte up to its last good seal verified; an absent file says nothing.

    Reads the file once. Blocking.
    """
    header: SegmentHeader | None = None
    sealed: list[Sealed] = []
    digest = ""
    running = blake2b(digest_size=DIGEST_BYTES)
    if not path.exists():
        return Walked(None, (), "", whole=False)
    with path.open("rb") as file:
        length = os.fstat(file.fileno()).st_size
        while (end := _box_end(file)) is not None and end <= length:
            name, data = _uuid_box(file, end)
            if name == SEAL_UUID:
                found, data = read_seal(data), _vouched(running, data)
                if found is None or found[1] != running.digest():
                    break
                sealed.append(Sealed(end, found[0]))
            elif name == HEADER_UUID:
                header = _header(data[24:])
            running.update(data)
            while data := file.read(min(_READ_BYTES, end - file.tell())):
                running.update(data)
            if name == SEAL_UUID:
                digest = running.hexdigest()
    return Walked(header, tuple(sealed), digest, whole=bool(sealed) and sealed[-1].offset == length)


def header_of(path: Path) -> SegmentHeader | None:
    """What a segment file says it is, without a look at its media; None when it says nothing. Blocking."""
    with path.open("rb") as file:
        while (end := _box_end(file)) is not None:
            name, data = _uuid_box(file, end)
            if name == HEADER_UUID:
                return _header(data[24:])
            if name == SEAL_UUID:
                return None
            file.seek(end)
    return None


def _vouched(running: "blake2b", data: bytes) -> bytes:
    """Takes the head of a seal into the digest, and returns the rest of it."""
    running.update(data[:SEALED_BYTES])
    return data[SEALED_BYTES:]


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


def _write_all(descriptor: int, *pieces: bytes) -> None:
    left = [memoryview(piece) for piece in pieces]
    while left:
        written = os.writev(descriptor, left)
        while left and written >= len(left[0]):
            written -= len(left.pop(0))
        if left:
            left[0] = left[0][written:]


def _header(payload: bytes) -> SegmentHeader | None:
    try:
        return msgspec.json.decode(payload, type=SegmentHeader)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def _box_end(file: BinaryIO) -> int | None:
    """Where the box ends that begins at the file's position, which stays; None when there is none."""
    begin = file.tell()
    header = box_header(file.read(HEADER_BYTES))
    file.seek(begin)
    return None if header is None else begin + header[1]


def _uuid_box(file: BinaryIO, end: int) -> tuple[bytes, bytes]:
    """(name, whole box) of a small `uuid` box at the file's position, which moves behind it; empty for any other."""
    begin = file.tell()
    if end - begin > _MOST_HEADER_BYTES:
        return b"", b""
    data = file.read(end - begin)
    if data[4:8] == b"uuid":
        return data[8:24], data
    file.seek(begin)
    return b"", b""
