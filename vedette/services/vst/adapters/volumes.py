"""Disks and object stores that old footage moves to. Everything here blocks and belongs into a thread.

A volume is known by the identity that lies on it, never by its path: an absent, foreign or swapped disk is refused, and
nothing is ever written into an empty mount point.
"""

import contextlib
import os
import secrets
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol, override

import msgspec

from vedette.kernel.errors import Fault, unavailable
from vedette.services.vst.adapters.segment_files import digest_of, sync_folder
from vedette.services.vst.core.s3_signing import S3Keys, signed_headers
from vedette.services.vst.core.space import Space
from vedette.services.vst.core.tiers import S3Tier

IDENTITY = "vedette.volume"
_FILES_A_FOLDER = 4096
_COPY_BYTES = 1 << 20

type Exchange = Callable[[str, str, bytes, dict[str, str]], tuple[int, bytes]]
"""(method, path, content, headers) to (status, content). Fault 503 when nobody answers."""


def identity_of(root: Path) -> "VolumeIdentity | None":
    """What lies on a folder's volume, None when it is no volume. Blocking."""
    try:
        return msgspec.json.decode((root / IDENTITY).read_bytes(), type=VolumeIdentity)
    except (FileNotFoundError, msgspec.DecodeError):
        return None


class VolumeIdentity(msgspec.Struct, frozen=True):
    """What lies on a volume: its own id, and that of the catalogue that it belongs to."""

    volume: str
    catalogue: str


class Volume(Protocol):
    """A place for old footage. Faults are 503 while it is away, and 409 when it is another one than it was."""

    name: str

    def check(self, known: str | None, catalogue: str) -> str:
        """The identity of the volume, which is made when `known` is None and there is none; else it must be that."""

    def space(self) -> Space | None:
        """How full it is, None when it has no limit."""

    def put(self, segment_id: int, source: Path, digest: str) -> None:
        """Keeps a copy, durable and verified when this returns."""

    def local(self, segment_id: int) -> Path | None:
        """A file to read a segment from, None when it is not here."""

    def unlink(self, segment_ids: Sequence[int]) -> None:
        """Removes segments for certain."""


class FolderVolume(Volume):
    """A folder on another disk."""

    def __init__(self, name: str, root: Path) -> None:
        self.name, self._root = name, root
        self._device: int | None = None

    @override
    def check(self, known: str | None, catalogue: str) -> str:
        if not self._root.is_dir():
            raise unavailable(f"The disk of tier '{self.name}' is away: there is no folder {self._root}.")
        try:
            found = msgspec.json.decode((self._root / IDENTITY).read_bytes(), type=VolumeIdentity)
        except FileNotFoundError:
            if known is not None:
                message = f"{self._root} is not the disk that tier '{self.name}' was: nothing lies on it."
                raise unavailable(message) from None
            found = self._make_identity(catalogue)
        except msgspec.DecodeError as error:
            raise _foreign(self.name, self._root) from error
        if found.catalogue != catalogue or found.volume != (known or found.volume):
            raise _foreign(self.name, self._root)
        self._device = self._root.stat().st_dev
        return found.volume

    @override
    def space(self) -> Space | None:
        disk = os.statvfs(self._root)
        return Space(disk.f_blocks * disk.f_frsize, disk.f_bavail * disk.f_frsize, disk.f_files, disk.f_favail)

    @override
    def put(self, segment_id: int, source: Path, digest: str) -> None:
        if self._root.stat().st_dev != self._device or not (self._root / IDENTITY).exists():
            raise unavailable(f"The disk of tier '{self.name}' was taken away.")
        target = self.path(segment_id)
        if not target.parent.is_dir():
            target.parent.mkdir()
            sync_folder(self._root)
        unfinished = target.with_suffix(".moving")
        with source.open("rb") as read, unfinished.open("wb") as written:
            while data := read.read(_COPY_BYTES):
                written.write(data)
            written.flush()
            os.fsync(written.fileno())
        if digest_of(unfinished) != digest:
            unfinished.unlink()
            raise Fault("VMSInternalError", 500, f"A copy on tier '{self.name}' is not what was recorded.")
        os.replace(unfinished, target)
        sync_folder(target.parent)

    @override
    def local(self, segment_id: int) -> Path | None:
        path = self.path(segment_id)
        return path if path.exists() else None

    @override
    def unlink(self, segment_ids: Sequence[int]) -> None:
        folders = set()
        for segment_id in segment_ids:
            path = self.path(segment_id)
            path.unlink(missing_ok=True)
            folders.add(path.parent)
        for folder in folders:
            if folder.is_dir():
                sync_folder(folder)

    def path(self, segment_id: int) -> Path:
        """Where a segment lies, or would."""
        return self._root / f"{segment_id // _FILES_A_FOLDER:06d}" / f"{segment_id}.mp4"

    def _make_identity(self, catalogue: str) -> VolumeIdentity:
        made = VolumeIdentity(secrets.token_hex(16), catalogue)
        unfinished = self._root / f"{IDENTITY}.new"
        with unfinished.open("wb") as file:
            file.write(msgspec.json.encode(made))
            file.flush()
            os.fsync(file.fileno())
        os.replace(unfinished, self._root / IDENTITY)
        sync_folder(self._root)
        return made


class S3Volume(Volume):
    """A bucket. What is read of it lies in a small cache of its own for a while."""

    def __init__(
        self, tier: S3Tier, keys: S3Keys, exchange: Exchange, *, moment: Callable[[], str], cache: Path
    ) -> None:
        self.name = tier.name
        self._tier, self._keys, self._exchange, self._moment = tier, keys, exchange, moment
        self._cache, self._most_cached = cache, 200

    @override
    def check(self, known: str | None, catalogue: str) -> str:
        status, content = self._ask("GET", IDENTITY)
        if status == 404:
            if known is not None:
                raise unavailable(f"The bucket of tier '{self.name}' is not the one that it was: it is empty.")
            made = VolumeIdentity(secrets.token_hex(16), catalogue)
            self._must(self._ask("PUT", IDENTITY, msgspec.json.encode(made)))
            return made.volume
        self._must((status, content))
        try:
            found = msgspec.json.decode(content, type=VolumeIdentity)
        except msgspec.DecodeError as error:
            raise _foreign(self.name, self._tier.bucket) from error
        if found.catalogue != catalogue or found.volume != (known or found.volume):
            raise _foreign(self.name, self._tier.bucket)
        return found.volume

    @override
    def space(self) -> Space | None:
        return None

    @override
    def put(self, segment_id: int, source: Path, digest: str) -> None:
        content = source.read_bytes()
        self._must(self._ask("PUT", _key(segment_id), content))
        status, kept = self._ask("GET", _key(segment_id))
        if status != 200 or kept != content or digest_of(source) != digest:
            raise Fault("VMSInternalError", 500, f"A copy on tier '{self.name}' is not what was recorded.")

    @override
    def local(self, segment_id: int) -> Path | None:
        path = self._cache / f"{segment_id}.mp4"
        if path.exists():
            return path
        status, content = self._ask("GET", _key(segment_id))
        if status == 404:
            return None
        self._must((status, content))
        self._cache.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_suffix(f".{secrets.token_hex(4)}")
        unfinished.write_bytes(content)
        os.replace(unfinished, path)
        self._trim()
        return path

    @override
    def unlink(self, segment_ids: Sequence[int]) -> None:
        for segment_id in segment_ids:
            status, content = self._ask("DELETE", _key(segment_id))
            if status != 404:
                self._must((status, content))
            (self._cache / f"{segment_id}.mp4").unlink(missing_ok=True)

    def _trim(self) -> None:
        kept = sorted(self._cache.glob("*.mp4"), key=lambda path: path.stat().st_mtime)
        for path in kept[: -self._most_cached]:
            with contextlib.suppress(FileNotFoundError):
                path.unlink()

    def _ask(self, method: str, key: str, content: bytes = b"") -> tuple[int, bytes]:
        prefix = f"/{self._tier.prefix}" if self._tier.prefix else ""
        path = f"/{self._tier.bucket}{prefix}/{key}"
        host = self._tier.endpoint.partition("://")[2]
        headers = signed_headers(method, host, path, self._keys, content=content, moment=self._moment(), extra={})
        return self._exchange(method, path, content, headers)

    def _must(self, reply: tuple[int, bytes]) -> None:
        status, content = reply
        if not 200 <= status < 300:
            told = content[:200].decode("utf-8", "replace")
            raise unavailable(f"The object store of tier '{self.name}' answers {status}: {told}")


def _key(segment_id: int) -> str:
    return f"{segment_id // _FILES_A_FOLDER:06d}/{segment_id}.mp4"


def _foreign(name: str, where: object) -> Fault:
    message = f"{where} belongs to another recorder. Tier '{name}' is not used, and nothing on it was changed."
    return Fault("ResourceConflictError", 409, message)
