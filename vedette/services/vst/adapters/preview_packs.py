"""Small pictures for scrubbing on the disk: one pack and one index a stream and hour, appended to and never synced.

Previews can be had again from the recordings, so nothing here is durable, and a torn tail is simply not seen. The index
has a line of 24 bytes a picture: capture time in microseconds UTC, offset and length in the pack, and its CRC-32.
"""

import struct
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

HOUR_US = 3600 * 1_000_000
_LINE = struct.Struct("<qQII")


@dataclass(frozen=True, slots=True)
class Preview:
    """Where a picture lies."""

    wall_us: int
    offset: int
    length: int
    crc: int


class PreviewPacks:
    """All packs below one root. Every method blocks."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def append(self, stream_id: str, wall_us: int, jpeg: bytes) -> None:
        """Adds a picture. OSError when the disk refuses."""
        pack, index = self._paths(stream_id, wall_us // HOUR_US)
        pack.parent.mkdir(parents=True, exist_ok=True)
        with pack.open("ab") as file:
            offset = file.tell()
            file.write(jpeg)
        with index.open("ab") as file:
            # A torn line of an earlier life would shift all that follow it.
            file.write(bytes(-file.tell() % _LINE.size))
            file.write(_LINE.pack(wall_us, offset, len(jpeg), zlib.crc32(jpeg)))

    def list(self, stream_id: str, start_us: int, end_us: int) -> "tuple[Preview, ...]":
        """The pictures in `[start_us, end_us)`, in order."""
        found = [
            item
            for hour in range(start_us // HOUR_US, (end_us - 1) // HOUR_US + 1)
            for item in self._index(stream_id, hour)
            if start_us <= item.wall_us < end_us
        ]
        return tuple(sorted(found, key=lambda item: item.wall_us))

    def read(self, stream_id: str, item: Preview) -> bytes | None:
        """The JPEG, None when it is not there or damaged."""
        pack, _ = self._paths(stream_id, item.wall_us // HOUR_US)
        try:
            with pack.open("rb") as file:
                file.seek(item.offset)
                jpeg = file.read(item.length)
        except FileNotFoundError:
            return None
        return jpeg if zlib.crc32(jpeg) == item.crc else None

    def keep(self, stream_id: str, start_us: int, end_us: int, is_kept: Callable[[int], bool]) -> None:
        """Removes the pictures in `[start_us, end_us)` whose time is not to be kept."""
        for hour in self._hours(stream_id):
            if hour * HOUR_US < end_us and (hour + 1) * HOUR_US > start_us:
                self._rewrite(stream_id, hour, lambda at: not start_us <= at < end_us or is_kept(at))

    def drop_before(self, stream_id: str, oldest_us: int | None) -> None:
        """Removes the hours that end before an instant, all of them when it is None."""
        for hour in list(self._hours(stream_id)):
            if oldest_us is None or (hour + 1) * HOUR_US <= oldest_us:
                self._unlink(stream_id, hour)
        folder = self._root / stream_id
        if oldest_us is None and folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()

    def streams(self) -> "tuple[str, ...]":
        """Ids of the streams that have packs."""
        return tuple(sorted(folder.name for folder in self._root.glob("*") if folder.is_dir()))

    def _rewrite(self, stream_id: str, hour: int, is_kept: Callable[[int], bool]) -> None:
        items = self._index(stream_id, hour)
        kept = [item for item in items if is_kept(item.wall_us)]
        if len(kept) == len(items):
            return
        pictures = [(item.wall_us, self.read(stream_id, item)) for item in kept]
        self._unlink(stream_id, hour)
        for wall_us, jpeg in pictures:
            if jpeg is not None:
                self.append(stream_id, wall_us, jpeg)

    def _index(self, stream_id: str, hour: int) -> "tuple[Preview, ...]":
        _, index = self._paths(stream_id, hour)
        try:
            data = index.read_bytes()
        except FileNotFoundError:
            return ()
        whole = data[: len(data) // _LINE.size * _LINE.size]
        return tuple(Preview(*line) for line in _LINE.iter_unpack(whole) if line[2])

    def _hours(self, stream_id: str) -> Iterator[int]:
        for path in sorted((self._root / stream_id).glob("*.index")):
            if path.stem.isdecimal():
                yield int(path.stem)

    def _unlink(self, stream_id: str, hour: int) -> None:
        for path in self._paths(stream_id, hour):
            path.unlink(missing_ok=True)

    def _paths(self, stream_id: str, hour: int) -> tuple[Path, Path]:
        folder = self._root / stream_id
        return folder / f"{hour}.pack", folder / f"{hour}.index"
