"""`vedette export`: a folder of evidence that explains and proves itself, and needs nothing of ours to be checked.

It holds the segments as they were recorded, a clip to look at, the signed manifest of the coverage ledger, the device's
public key, a verifier and how to use it.
"""

import hashlib
import os
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from vedette.kernel.bus import MemoryBus
from vedette.kernel.clock import Clock, Instant, to_iso
from vedette.kernel.database import Database, Transaction
from vedette.kernel.errors import Fault, conflict, not_found
from vedette.kernel.telemetry import Telemetry
from vedette.services.vst.adapters.segment_files import SegmentFolder, digest_of, sync_folder
from vedette.services.vst.adapters.volumes import FolderVolume
from vedette.services.vst.core import coverage
from vedette.services.vst.core.manifest import Account
from vedette.services.vst.model import Segment
from vedette.services.vst.service.catalogue import Catalogue
from vedette.services.vst.service.clips import ClipRequest, Clips
from vedette.services.vst.service.events import Outbox
from vedette.services.vst.service.evidence import KEY_FILE, Evidence, account_of
from vedette.services.vst.service.meters import Meters
from vedette.services.vst.service.parts import Parts
from vedette.services.vst.settings import VstSettings
from vedette.services.vst.store import CoverageStore, Store

_CHUNK_BYTES = 1 << 20
_UNFIT = 422
_README = """Footage exported by Vedette
===========================

Stream {stream} ({name}), {start} to {end} (UTC).

clip*.mp4       to look at: what was recorded in this time, copied and not encoded again
segments/       the recordings as they were written, byte for byte
manifest.json   what the device's coverage ledger says of every second, signed by the device
device.pub      the device's public key, 64 hexadecimal digits
verify.py       checks all of it; needs Python 3.9 or later and nothing else

How to check
------------

1. Get the device's public key from somebody you trust, not from this folder:
   `vedette export --key` on the device prints it.
2. Run `python3 verify.py --key KEY .` in this folder; `vedette verify --key KEY FOLDER` does the same.
   A verifier that came with the evidence proves little: take the one of your own Vedette where it matters.

It says `genuine` when the signature is the device's, the ledger's chain holds, every segment is the one that the
recorder wrote, and no file was changed, added or left out. What it cannot prove is what a camera saw.
"""


@dataclass(frozen=True, slots=True)
class StreamKnown:
    """A stream that can be exported: its footage in `[start_us, end_us)`."""

    stream_id: str
    name: str
    start_us: Instant
    end_us: Instant
    bytes: int


@dataclass(slots=True)
class Exported:
    """What was written. `notes` say what could not be."""

    segments: int = 0
    bytes: int = 0
    clips: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


class Exporter:
    """Reads a node's footage beside a running service or without one; writes nothing but the export and the key."""

    def __init__(
        self, data_dir: Path, clock: Clock, *, catalogue: str, media: str, tiers: Mapping[str, Path] | None = None
    ) -> None:
        path = data_dir / f"{catalogue}.db"
        if not path.exists():
            raise Fault("ConfigurationError", 500, f"There is no recording catalogue in {data_dir}.")
        self._database = Database(f"sqlite:///{path}")
        self._folder, self._clock = SegmentFolder(data_dir / media), clock
        self._volumes = [FolderVolume(name, root) for name, root in (tiers or {}).items()]
        self._folder.elsewhere = self._elsewhere
        self._evidence = Evidence(self._database, clock, data_dir / KEY_FILE)

    def close(self) -> None:
        """Closes the catalogue."""
        self._database.close()

    @property
    def public_key(self) -> str:
        """The device's public key; makes the key when there is none. Blocking."""
        return self._evidence.public_key

    def _elsewhere(self, segment_id: int) -> Path | None:
        """Each segment is compared with its row, so a foreign disk would be noticed."""
        found = (volume.local(segment_id) for volume in self._volumes)
        return next((path for path in found if path is not None), None)

    async def streams(self) -> list[StreamKnown]:
        """Every stream that has footage, with the name of its sensor."""
        return await self._database.read(_streams)

    async def find(self, named: str) -> StreamKnown:
        """A stream by its id, or by the name of its sensor. Fault 404."""
        known = await self.streams()
        for item in known:
            if named in (item.stream_id, item.name):
                return item
        raise not_found(f"Nothing is recorded of '{named}'. `vedette export --list` shows what there is.")

    async def export(
        self, stream: StreamKnown, start_us: Instant, end_us: Instant, *, to: Path, verifier: bytes
    ) -> Exported:
        """Writes the evidence of a range into a new folder. Faults: 404 when nothing was recorded, 409 when the folder
        is there already, 500 when a segment is not what it was."""
        now_us = self._clock.now()
        account = await self._database.read(
            lambda connection: account_of(connection, stream.stream_id, stream.name, start_us, end_us, now_us=now_us)
        )
        segments = [item for item in account.segments if item.start_us < end_us and item.end_us > start_us]
        if not segments:
            raise not_found("Nothing was recorded in this time range, or it was deleted since.")
        report = Exported()
        await self._folder.run(_make, to)
        await self._folder.run(self._copy, segments, to / "segments", report)
        await self._write_clips(account, to, report)
        await self._folder.run(self._seal, account, to, verifier)
        return report

    def _copy(self, segments: list[Segment], to: Path, report: Exported) -> None:
        to.mkdir()
        for segment in segments:
            target = to / f"{segment.segment_id}.mp4"
            try:
                _copy_file(self._folder.locate(segment.segment_id), target)
            except FileNotFoundError as error:
                raise not_found("A segment was deleted while it was exported. Export a later range.") from error
            if digest_of(target) != segment.digest:
                raise Fault("VMSInternalError", 500, f"{target.name} is not what was recorded. Run `vedette fsck`.")
            report.segments += 1
            report.bytes += segment.bytes

    async def _write_clips(self, account: Account, to: Path, report: Exported) -> None:
        """One clip of it all; where the camera changed its pictures on the way, one of each stretch."""
        try:
            await self._write_clip(account.stream_id, account.start_us, account.end_us, to / "clip.mp4")
            report.clips.append("clip.mp4")
        except Fault as fault:
            if fault.status != _UNFIT:
                raise
            for number, span in enumerate(coverage.recorded_spans(account.spans), start=1):
                name = f"clip-{number:03d}.mp4"
                try:
                    await self._write_clip(account.stream_id, span.start_us, span.end_us, to / name)
                    report.clips.append(name)
                except Fault as unfit:
                    report.notes.append(f"no {name}: {unfit.message}")

    async def _write_clip(self, stream_id: str, start_us: Instant, end_us: Instant, path: Path) -> None:
        most_h = (end_us - start_us) / 3_600_000_000 + 1
        clips = Clips(self._parts(most_h), self._segments, self._is_known)
        clip = await clips.open(ClipRequest(stream_id, start_us, end_us, cut="exact"))
        await self._folder.run(path.write_bytes, b"")
        await _append(clip.chunks, path, self._folder)

    def _seal(self, account: Account, to: Path, verifier: bytes) -> None:
        """What proves it comes last, and the folder is durable when this returns."""
        (to / "device.pub").write_text(self.public_key + "\n")
        (to / "verify.py").write_bytes(verifier)
        times = {"start": to_iso(account.start_us), "end": to_iso(account.end_us)}
        (to / "README.txt").write_text(_README.format(stream=account.stream_id, name=account.name, **times))
        names = sorted(str(path.relative_to(to)) for path in to.rglob("*") if path.is_file())
        files = {name: _sha256(to / name) for name in names}
        manifest = self._evidence.signed(account, files)
        (to / "manifest.json").write_bytes(msgspec.json.format(msgspec.json.encode(manifest), indent=1))
        for path in to.rglob("*"):
            _sync(path)
        _sync(to)
        sync_folder(to.parent)

    def _parts(self, most_h: float) -> Parts:
        meters = Meters(Telemetry("export"))
        return Parts(
            settings=VstSettings(clip_most_h=most_h),
            clock=self._clock,
            meters=meters,
            outbox=Outbox(MemoryBus(), self._clock, meters),
            database=self._database,
            catalogue=Catalogue(self._database),
            folder=self._folder,
        )

    async def _segments(self, stream_id: str, start_us: Instant, end_us: Instant) -> list[Segment]:
        return await self._database.read(
            lambda connection: Store(connection).list_segments(stream_id, start_us, end_us)
        )

    async def _is_known(self, _stream_id: str) -> bool:
        return True


def _streams(connection: Transaction) -> list[StreamKnown]:
    store = Store(connection)
    names = {sensor.sensor_id: sensor.name for sensor in store.list_sensors()}
    owners = {stream.stream_id: stream.sensor_id for stream in store.list_streams()}
    heads = {head.stream_id for head in CoverageStore(connection).list_heads()}
    return [
        StreamKnown(
            item.stream_id,
            names.get(owners.get(item.stream_id, item.stream_id), ""),
            item.start_us,
            item.end_us,
            item.bytes,
        )
        for item in store.list_usage()
        if item.stream_id in heads
    ]


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True)
    except FileExistsError as error:
        raise conflict(f"{folder} is there already. Name a new folder.") from error


def _copy_file(source: Path, target: Path) -> None:
    with source.open("rb") as read, target.open("xb") as written:
        while data := read.read(_CHUNK_BYTES):
            written.write(data)


async def _append(chunks: AsyncIterator[bytes], path: Path, folder: SegmentFolder) -> None:
    def add(data: bytes) -> None:
        with path.open("ab") as file:
            file.write(data)

    async for chunk in chunks:
        await folder.run(add, chunk)


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while data := file.read(_CHUNK_BYTES):
            digest.update(data)
    return digest.hexdigest()


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
