"""Files that come in pieces, in any order, several at a time, and again after a break: NVIDIA's chunk headers.

Pieces lie in a folder of the upload's own until the last one is there; a piece that comes again replaces itself. What
nobody goes on with is forgotten after a day.
"""

import hashlib
import os
import secrets
import shutil
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import anyio

from vedette.kernel.clock import US_PER_SECOND
from vedette.kernel.errors import Fault, conflict, invalid, not_found
from vedette.services.vst.adapters.segment_files import disk_fault
from vedette.services.vst.service.parts import Parts
from vedette.services.vst.service.uploads import Accepted, Settle, Uploads, Wanted

_MOST_CHUNKS = 100_000
_FORGOTTEN_US = 24 * 3600 * US_PER_SECOND
_COPY_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Piece:
    """One chunk of a file: the sender's name for the upload, the chunk's number, and how many there are, 0 while that
    is not known."""

    identifier: str
    number: int
    total: int
    is_last: bool


@dataclass(frozen=True, slots=True)
class Progress:
    """What has arrived of an upload; `accepted` once it is whole and kept."""

    identifier: str
    received: Sequence[int]
    total: int
    bytes: int
    accepted: Accepted | None = None


class Chunks:
    """Puts pieces together. Blocking work is done in threads."""

    def __init__(self, parts: Parts, uploads: Uploads, root: Path) -> None:
        self._folder, self._clock, self._uploads, self._root = parts.folder, parts.clock, uploads, root
        self._totals: dict[str, int] = {}
        self._finishing: set[str] = set()
        self._lock = anyio.Lock()

    async def take(
        self, piece: Piece, wanted: Wanted, body: AsyncIterator[bytes], *, settle: Settle | None = None
    ) -> Progress:
        """Keeps a piece; with the last one that is missing the file is kept. Faults as for a whole file."""
        if not 0 <= piece.number < _MOST_CHUNKS or piece.total > _MOST_CHUNKS:
            raise invalid(f"A file comes in at most {_MOST_CHUNKS} pieces.")
        if piece.identifier in self._finishing:
            raise conflict("This upload is being put together already.")
        self._uploads.refuse(wanted, None)
        folder = self._of(piece.identifier)
        await self._receive(folder, piece, body)
        total = self._total(piece)
        progress = await self.progress(piece.identifier)
        if not total or len(progress.received) < total:
            return progress
        async with self._lock:
            if piece.identifier in self._finishing or not folder.is_dir():
                raise conflict("This upload is being put together already.")
            self._finishing.add(piece.identifier)
        try:
            return await self._finish(piece.identifier, folder, settle(wanted) if settle else wanted, progress)
        finally:
            self._finishing.discard(piece.identifier)

    async def progress(self, identifier: str) -> Progress:
        """What has arrived so far. Fault 404 for an upload that nobody began."""
        folder = self._of(identifier)

        def look() -> tuple[list[int], int]:
            if not folder.is_dir():
                raise not_found("Nothing has arrived of this upload. Begin with its first piece.")
            pieces = [path for path in folder.iterdir() if path.name.isdecimal()]
            return sorted(int(path.name) for path in pieces), sum(path.stat().st_size for path in pieces)

        received, octets = await self._folder.run(look)
        return Progress(identifier, received, self._totals.get(identifier, 0), octets)

    def forget_old(self) -> None:
        """Removes uploads that nobody has gone on with for a day. Blocking."""
        self._root.mkdir(parents=True, exist_ok=True)
        for folder in self._root.iterdir():
            if folder.stat().st_mtime * US_PER_SECOND < self._clock.now() - _FORGOTTEN_US:
                shutil.rmtree(folder, ignore_errors=True)

    async def _finish(self, identifier: str, folder: Path, wanted: Wanted, progress: Progress) -> Progress:
        whole = folder / "whole"
        try:
            await self._folder.run(_join, [folder / str(number) for number in progress.received], whole)
            accepted = await self._uploads.keep(wanted, whole, progress.bytes)
        except Fault as fault:
            # What cannot be kept will not become better by going on; a full disk may.
            if fault.status in (415, 422):
                await self._folder.run(partial(shutil.rmtree, folder, ignore_errors=True))
            else:
                await self._folder.run(partial(whole.unlink, missing_ok=True))
            raise
        await self._folder.run(partial(shutil.rmtree, folder, ignore_errors=True))
        self._totals.pop(identifier, None)
        return Progress(identifier, progress.received, len(progress.received), progress.bytes, accepted)

    async def _receive(self, folder: Path, piece: Piece, body: AsyncIterator[bytes]) -> None:
        """The piece appears under its number when it is whole, so that a broken connection leaves none."""
        part = folder / f"{piece.number}.{secrets.token_hex(4)}"

        def append(data: bytes) -> None:
            folder.mkdir(parents=True, exist_ok=True)
            with part.open("ab") as file:
                file.write(data)

        try:
            await self._folder.run(append, b"")
            async for data in body:
                await self._folder.run(append, data)
            await self._folder.run(os.replace, part, folder / str(piece.number))
        except OSError as error:
            raise disk_fault(error) from error
        finally:
            with anyio.CancelScope(shield=True):
                await self._folder.run(partial(part.unlink, missing_ok=True))

    def _total(self, piece: Piece) -> int:
        """How many pieces there are; the last one says it by its number where nothing else does."""
        if piece.total:
            self._totals[piece.identifier] = piece.total
        elif piece.is_last:
            self._totals[piece.identifier] = piece.number + (0 if self._begins_with_one(piece.identifier) else 1)
        return self._totals.get(piece.identifier, 0)

    def _begins_with_one(self, identifier: str) -> bool:
        return not (self._of(identifier) / "0").exists()

    def _of(self, identifier: str) -> Path:
        return self._root / hashlib.sha256(identifier.encode()).hexdigest()[:32]


def _join(pieces: Sequence[Path], whole: Path) -> None:
    try:
        with whole.open("wb") as written:
            for piece in pieces:
                with piece.open("rb") as read:
                    shutil.copyfileobj(read, written, _COPY_BYTES)
    except OSError as error:
        raise disk_fault(error) from error
