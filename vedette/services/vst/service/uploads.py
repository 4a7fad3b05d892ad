"""Files that people send: each becomes a sensor of kind `file`, with its footage where and when they say it was taken.

Acknowledged only after the durable commit; what fails or is cut off in the middle leaves nothing behind.
"""

import hashlib
import secrets
import shutil
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from vedette.kernel.clock import Instant
from vedette.kernel.database import Transaction
from vedette.kernel.errors import Fault, conflict, unprocessable
from vedette.kernel.log import get_logger
from vedette.services.vst.adapters.segment_files import disk_fault
from vedette.services.vst.model import (
    FILE_KIND,
    Cause,
    File,
    Mode,
    RecordingRule,
    Sensor,
    Stream,
    StreamKind,
    Upload,
)
from vedette.services.vst.service import staging
from vedette.services.vst.service.deletion import Deletion
from vedette.services.vst.service.parts import Parts
from vedette.services.vst.service.sensors import Sensors
from vedette.services.vst.service.staging import Staged, Stager
from vedette.services.vst.store import CoverageStore, Store, UploadStore

_SUFFIXES = frozenset({".mp4", ".m4v", ".mov", ".mkv", ".webm", ".ts", ".m2ts", ".mts", ".avi", ".h264", ".h265"})
_UNKNOWN = "Files are kept as {}, by their ending. Convert the file first."
_FULL = "There is not enough space for this file. Delete recordings or lower the ageing limits."
_ID_BYTES = 8


@dataclass(frozen=True, slots=True)
class Wanted:
    """A file as it is sent: `start_us` is when its footage begins, None for footage that ends now. `sensor_id` names
    the file sensor that it goes on, empty for a new one. `details` are kept and given back as they are; `checksum` is
    the SHA-256 that the sender states, hexadecimal, or empty."""

    file_name: str
    start_us: Instant | None = None
    sensor_id: str = ""
    details: bytes = b"{}"
    checksum: str = ""


type Settle = Callable[[Wanted], Wanted]
"""What is known of a file once all of it was read: a form may say it behind the file."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """An upload that is safe on the disk. `sent_bytes` is the size of the file as it came."""

    file: File
    sensor_id: str
    sent_bytes: int


class Uploads:
    """Takes whole files; the pieces of one are put together in `chunks`."""

    def __init__(self, parts: Parts, sensors: Sensors, deletion: Deletion, *, root: Path) -> None:
        self._parts, self._sensors, self._deletion = parts, sensors, deletion
        self._root = root
        self._coming: set[str] = set()

    def clear(self) -> None:
        """Removes what an earlier life left half done. Blocking."""
        shutil.rmtree(self._root, ignore_errors=True)
        self._root.mkdir(parents=True, exist_ok=True)

    def refuse(self, wanted: Wanted, size_bytes: int | None) -> None:
        """Faults, before a byte is read: 400 and 409 for the name, 415 for the ending, 413 and 507 for the size."""
        suffix = Path(wanted.file_name).suffix.lower()
        if suffix not in _SUFFIXES:
            names = ", ".join(sorted(_SUFFIXES))
            raise Fault("UnsupportedMediaTypeError", 415, _UNKNOWN.format(names))
        if wanted.file_name in self._coming:
            raise conflict(f"User given name is invalid or already exists: '{wanted.file_name}' is being sent now.")
        if wanted.sensor_id:
            self._file_sensor(wanted.sensor_id)
        else:
            self._sensors.refuse_name(wanted.file_name)
        self._refuse_size(size_bytes or 0)

    async def take(
        self, wanted: Wanted, body: AsyncIterator[bytes], size_bytes: int | None, *, settle: Settle | None = None
    ) -> Accepted:
        """Reads a file and keeps it. Faults as `refuse`, and 422 for what cannot be kept."""
        self.refuse(wanted, size_bytes)
        folder = self._root / secrets.token_hex(_ID_BYTES)
        self._coming.add(wanted.file_name)
        try:
            path, sent = await self._receive(folder, body)
            return await self._keep(settle(wanted) if settle else wanted, path, folder, sent)
        finally:
            self._coming.discard(wanted.file_name)
            await self._parts.folder.run(partial(shutil.rmtree, folder, ignore_errors=True))

    async def keep(self, wanted: Wanted, path: Path, sent_bytes: int) -> Accepted:
        """Keeps a file that has arrived by other means; it stays where it is."""
        self.refuse(wanted, sent_bytes)
        folder = self._root / secrets.token_hex(_ID_BYTES)
        self._coming.add(wanted.file_name)
        try:
            await self._parts.folder.run(folder.mkdir)
            return await self._keep(wanted, path, folder, sent_bytes)
        finally:
            self._coming.discard(wanted.file_name)
            await self._parts.folder.run(partial(shutil.rmtree, folder, ignore_errors=True))

    async def _receive(self, folder: Path, body: AsyncIterator[bytes]) -> tuple[Path, int]:
        await self._parts.folder.run(folder.mkdir)
        path, sent = folder / "sent", 0
        async for data in body:
            sent += len(data)
            self._refuse_size(len(data), sent)
            await self._parts.folder.run(_append, path, data)
        if not sent:
            raise unprocessable("The file is empty.")
        return path, sent

    async def _keep(self, wanted: Wanted, path: Path, folder: Path, sent: int) -> Accepted:
        if wanted.checksum:
            await self._parts.folder.run(_check, path, wanted.checksum)
        known = self._file_sensor(wanted.sensor_id) if wanted.sensor_id else None
        sensor_id = known.sensor_id if known else secrets.token_hex(_ID_BYTES)
        stager = Stager(self._parts.database, self._parts.settings, folder / "cut")
        now_us = self._parts.clock.now()
        staged = await self._parts.folder.run(stager.stage, path, sensor_id, wanted.start_us, now_us)
        upload = _upload(wanted, staged, sent, at_us=now_us)
        sensor = known or Sensor(sensor_id, wanted.file_name, f"file:{sensor_id}", now_us, kind=FILE_KIND)
        async with self._sensors.changing:
            if known is None:
                self._sensors.refuse_name(wanted.file_name)
            stream = await self._commit(staged, sensor, upload, is_new=known is None)
            if known is None:
                self._sensors.adopt(sensor, stream)
        get_logger("vst").info("file_uploaded", sensor_id=sensor_id, bytes=sent, segments=len(staged.segments))
        file = File(sensor_id, upload.upload_id, upload.start_us, upload.end_us, upload.size_bytes, upload)
        return Accepted(file, sensor_id, sent)

    async def _commit(self, staged: Staged, sensor: Sensor, upload: Upload, *, is_new: bool) -> Stream:
        """Nobody may finish garbage between the promise and the commit: that is why deletions wait."""
        database = self._parts.database
        main = Stream(sensor.sensor_id, sensor.sensor_id, StreamKind.MAIN, sensor.url, rule=RecordingRule(Mode.OFF))

        def first(connection: Transaction) -> None:
            if is_new:
                Store(connection).add_sensor(sensor)
                Store(connection).add_stream(main)
                CoverageStore(connection).add_stream(sensor.sensor_id, upload.start_us, Cause.SWITCHED_OFF)
            else:
                _refuse_past(connection, sensor.sensor_id, upload.start_us)
            UploadStore(connection).add_upload(upload)

        async with self._deletion.waiting():
            await self._parts.folder.run(staging.promise_garbage, database, staged)
            try:
                await self._parts.folder.run(staging.move_files, staged, self._parts.folder)
                await database.write(staging.commit(staged, first=first), durable=True)
            except OSError as error:
                await self._deletion.finish_garbage()
                raise disk_fault(error) from error
            except Fault:
                await self._deletion.finish_garbage()
                raise
        return main

    def _file_sensor(self, sensor_id: str) -> Sensor:
        sensor = self._sensors.camera(sensor_id).sensor
        if sensor.kind != FILE_KIND:
            raise conflict(f"Sensor exists already: '{sensor.name}' is a camera. Files go to sensors of their own.")
        return sensor

    def _refuse_size(self, more: int, sent: int = 0) -> None:
        most = round(self._parts.settings.max_upload_gib * (1 << 30))
        if max(more, sent) > most:
            limit = f"{self._parts.settings.max_upload_gib:g} GiB"
            raise Fault("PayloadTooLargeError", 413, f"A file has at most {limit} (vst.max_upload_gib).")
        space = self._parts.disk.space
        # The file as it came and its segments lie side by side for a moment.
        if not self._parts.disk.accepts or (space is not None and 2 * more > space.free_bytes):
            raise Fault("VMSInsufficientStorage", 507, _FULL)


def _refuse_past(connection: Transaction, stream_id: str, start_us: Instant) -> None:
    head = CoverageStore(connection).get_head(stream_id)
    if head is not None and start_us < head.until_us:
        raise conflict("This sensor has footage of that time or a later one already. Send the file as a new sensor.")


def _upload(wanted: Wanted, staged: Staged, sent: int, *, at_us: Instant) -> Upload:
    first, last = staged.segments[0], staged.segments[-1]
    return Upload(
        upload_id=f"u{first.segment_id}",
        stream_id=first.stream_id,
        file_name=wanted.file_name,
        start_us=first.start_us,
        end_us=last.end_us,
        size_bytes=staged.bytes,
        details=wanted.details,
        at_us=at_us,
    )


def _check(path: Path, checksum: str) -> None:
    with path.open("rb") as file:
        if hashlib.file_digest(file, "sha256").hexdigest() != checksum.lower():
            raise unprocessable("The file did not arrive as it was sent: its SHA-256 is another. Send it again.")


def _append(path: Path, data: bytes) -> None:
    try:
        with path.open("ab") as file:
            file.write(data)
    except OSError as error:
        raise disk_fault(error) from error
