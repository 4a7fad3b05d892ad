"""Recordings as files: listed, looked at, protected and deleted by the names that clients know."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from vedette.kernel.clock import US_PER_SECOND, Instant
from vedette.kernel.database import Transaction
from vedette.kernel.errors import invalid, not_found
from vedette.kernel.log import get_logger
from vedette.media.media_info import MediaInfo, media_info
from vedette.services.vst.core import files
from vedette.services.vst.core.ageing import is_protected
from vedette.services.vst.core.timeline import Span
from vedette.services.vst.model import File, Protection, Segment
from vedette.services.vst.service.deletion import FOR_EVER_US, Deleted, Deletion
from vedette.services.vst.service.parts import Parts
from vedette.services.vst.store import CoverageStore, StorageStore, Store, UploadStore

_MOST_RANGES = 1000

type Sees = Callable[[str], bool]
"""Whether the caller may see a stream."""


@dataclass(frozen=True, slots=True)
class Range:
    """Footage of a stream in `[start_us, end_us)`."""

    stream_id: str
    start_us: Instant
    end_us: Instant


@dataclass(slots=True)
class FilesDeleted:
    """What became of the files that were named."""

    bytes: int = 0
    unknown: list[str] = field(default_factory=list)
    protected: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class FileMedia:
    """A file, its first segment, and what that holds."""

    file: File
    segment: Segment
    info: MediaInfo


class Files:
    """Names on the wire to ranges of footage and back."""

    def __init__(self, parts: Parts, deletion: Deletion) -> None:
        self._database, self._folder, self._clock = parts.database, parts.folder, parts.clock
        self._deletion = deletion

    async def list(self, stream_ids: Iterable[str]) -> Mapping[str, Sequence[File]]:
        """The files of streams, the oldest first."""
        wanted = tuple(dict.fromkeys(stream_ids))
        return await self._database.read(
            lambda connection: {stream_id: _files(connection, stream_id) for stream_id in wanted}
        )

    async def in_range(self, stream_id: str, start_us: Instant | None, end_us: Instant | None) -> Sequence[File]:
        """The files of a stream that reach into a range; None leaves a side open."""
        found = await self.list([stream_id])
        return files.reaching_into(found[stream_id], start_us, end_us)

    async def newest(self, stream_id: str) -> File:
        """The newest file of a stream; Fault 404 when it has none."""
        found = (await self.list([stream_id]))[stream_id]
        if not found:
            raise not_found("Nothing was recorded of this sensor. Ask file/list for what there is.")
        return found[-1]

    async def get(self, file_id: str) -> File:
        """One file by its id; Fault 404 when there is none."""
        named = files.parse_id(file_id)
        found = None if named is None else await self._find(*named)
        if found is None:
            raise not_found(f"There is no file '{file_id[:100]}'. Ask file/list for what there is.")
        return found

    async def of_path(self, path: str) -> File | None:
        """One file by its path."""
        named = files.parse_path(path)
        return None if named is None else await self._find(*named)

    async def media(self, file: File) -> FileMedia:
        """What a file holds, told by its first segment. Fault 404 when it is gone."""
        found = await self._database.read(
            lambda connection: Store(connection).list_segments(file.stream_id, file.start_us, file.start_us + 1)
        )
        if not found:
            raise not_found("The recording is gone. Ask file/list for what there is.")
        path = await self._folder.run(self._folder.locate, found[0].segment_id)
        info = await self._folder.run(media_info, path)
        return FileMedia(file, found[0], info)

    async def protect(
        self, paths: Sequence[str], ranges: Sequence[Range], *, protect: bool, actor: str
    ) -> Sequence[str]:
        """Protects footage from ageing and deletion, or lifts that; returns the paths that name no file."""
        unknown, wanted = [], [*ranges]
        for path in paths:
            file = await self.of_path(path)
            if file is None:
                unknown.append(path)
            else:
                wanted.append(Range(file.stream_id, file.start_us, file.end_us))
        at_us = self._clock.now()
        for item in wanted:
            if item.end_us <= item.start_us:
                raise invalid("A range ends after it begins.")
            await self._database.write(_protect(item, protect=protect, actor=actor, at_us=at_us), durable=True)
            get_logger("vst").info(
                "footage_protected" if protect else "protection_lifted",
                stream_id=item.stream_id,
                start_us=item.start_us,
                end_us=item.end_us,
                actor=actor,
            )
        return unknown

    async def protections(self) -> Sequence[Protection]:
        """All protected ranges."""
        return await self._database.read(lambda connection: StorageStore(connection).list_protections())

    async def protected(self, sees: Sees, *, limit: int) -> Sequence[File]:
        """The first files that a protected range touches."""
        ranges: dict[str, list[Span]] = {}
        for item in await self.protections():
            if sees(item.stream_id):
                ranges.setdefault(item.stream_id, []).append(Span(item.start_us, item.end_us))
        found = await self.list(ranges)
        touched = [file for key, mine in found.items() for file in mine if is_protected(file, ranges[key])]
        return touched[:limit]

    async def delete(self, paths: Sequence[str], *, actor: str, sees: Sees) -> FilesDeleted:
        """Deletes files by path; those of which something is protected stay as a whole."""
        done = FilesDeleted()
        for path in dict.fromkeys(paths):
            file = await self.of_path(path)
            if file is None or not sees(file.stream_id):
                done.unknown.append(path)
            elif await self._is_protected(file):
                done.protected.append(path)
            else:
                done.bytes += (await self._delete(file, actor)).bytes
        return done

    async def _delete(self, file: File, actor: str) -> Deleted:
        deleted = await self._deletion.range(file.stream_id, file.start_us, file.end_us, actor=actor)
        if file.upload is not None:
            upload_id = file.upload.upload_id
            await self._database.write(lambda connection: UploadStore(connection).delete_upload(upload_id))
        return deleted

    async def _is_protected(self, file: File) -> bool:
        found = await self._database.read(lambda connection: StorageStore(connection).list_protections(file.stream_id))
        return is_protected(file, [Span(item.start_us, item.end_us) for item in found])

    async def _find(self, stream_id: str, key: str) -> File | None:
        found = await self.list([stream_id])
        return next((file for file in found[stream_id] if file.key == key), None)


def _files(connection: Transaction, stream_id: str) -> list[File]:
    first = StorageStore(connection).list_from(stream_id, 0, FOR_EVER_US, limit=1)
    if not first:
        return []
    entries = CoverageStore(connection).list_entries(stream_id, first[0].start_us, FOR_EVER_US)
    return files.files_of(entries, UploadStore(connection).list_uploads(stream_id))


def _protect(item: Range, *, protect: bool, actor: str, at_us: Instant) -> Callable[[Transaction], None]:
    def work(connection: Transaction) -> None:
        store = StorageStore(connection)
        known = store.list_protections(item.stream_id)
        if protect:
            if len(known) >= _MOST_RANGES:
                raise invalid(f"At most {_MOST_RANGES} ranges of a stream can be protected. Lift some first.")
            known.append(Protection(item.stream_id, item.start_us, item.end_us, actor, at_us))
        else:
            lifted = Span(item.start_us, item.end_us)
            known = [
                Protection(item.stream_id, piece.start_us, piece.end_us, kept.actor, kept.at_us)
                for kept in known
                for piece in files.without([Span(kept.start_us, kept.end_us)], lifted)
            ]
        store.set_protections(item.stream_id, known)

    return work


def duration_s(file: File) -> float:
    """How long a file is."""
    return (file.end_us - file.start_us) / US_PER_SECOND
