"""A catalogue full of segments that nobody recorded: rows, ledger lines and small files, in milliseconds."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.vst import open_catalogue
from vedette.kernel.bus import MemoryBus
from vedette.kernel.clock import Clock, FakeClock
from vedette.kernel.database import Database, Transaction
from vedette.kernel.telemetry import Telemetry
from vedette.services.vst.adapters.segment_files import SegmentFolder
from vedette.services.vst.model import Entry, Segment
from vedette.services.vst.service.catalogue import Catalogue, add_segment
from vedette.services.vst.service.deletion import Deletion
from vedette.services.vst.service.events import Outbox
from vedette.services.vst.service.meters import Meters
from vedette.services.vst.service.parts import Parts
from vedette.services.vst.service.policy import Policies
from vedette.services.vst.service.reaper import Reaper
from vedette.services.vst.settings import VstSettings
from vedette.services.vst.store import CoverageStore, Store

SECOND = 1_000_000
HOUR = 3600 * SECOND


@dataclass
class Footage:
    """Synthetic footage and the parts of VST that keep and delete it."""

    parts: Parts
    policies: Policies
    deletion: Deletion
    reaper: Reaper
    next_id: int = 1

    @property
    def database(self) -> Database:
        """The catalogue."""
        return self.parts.database

    def record(
        self, stream_id: str, start_us: int, count: int, *, seconds: int = 10, octets: int = 1000
    ) -> list[Segment]:
        """`count` segments that follow one another, each with a file of `octets` bytes."""
        made = []
        for index in range(count):
            begin = start_us + index * seconds * SECOND
            end = begin + seconds * SECOND
            length = seconds * SECOND
            made.append(Segment(self.next_id, stream_id, 1, begin, end, length, octets, "ab", "h264", 320, 180))
            path = self.parts.folder.path(self.next_id)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(bytes(octets))
            self.next_id += 1

        def add(connection: Transaction) -> None:
            for segment in made:
                add_segment(connection, segment)

        self.database.write_now(add)
        return made

    def segments(self, stream_id: str = "") -> list[Segment]:
        """What the catalogue holds, in order of ids."""
        found = self.database.read_now(lambda connection: list(Store(connection).list_all_segments()))
        return [segment for segment in found if not stream_id or segment.stream_id == stream_id]

    def ledger(self, stream_id: str) -> list[Entry]:
        """Every line of a stream."""
        return self.database.read_now(lambda connection: CoverageStore(connection).list_chain(stream_id, 0, 1 << 62))

    def file_ids(self) -> set[int]:
        """Ids of the files on the disk."""
        return {segment_id for _, segment_id, _ in self.parts.folder.files() if segment_id is not None}


@asynccontextmanager
async def synthetic(data_dir: Path, *, clock: Clock | None = None, **settings: Any) -> AsyncIterator[Footage]:
    """An empty catalogue to be filled, closed at the end. No limit holds unless the settings name one."""
    time = clock or FakeClock()
    meters = Meters(Telemetry("vst"))
    data_dir.mkdir(parents=True, exist_ok=True)
    database = open_catalogue(data_dir)
    parts = Parts(
        settings=VstSettings(**{"min_free_gib": 0, **settings}),
        clock=time,
        meters=meters,
        outbox=Outbox(MemoryBus(), time, meters),
        database=database,
        catalogue=Catalogue(database),
        folder=SegmentFolder(data_dir / "media"),
    )
    parts.folder.root.mkdir(parents=True, exist_ok=True)
    policies, deletion = Policies(parts), Deletion(parts)
    try:
        yield Footage(parts, policies, deletion, Reaper(parts, policies, deletion))
    finally:
        database.close()


def statvfs_of(total: int, free: Callable[[], int]) -> Any:
    """A stand-in for `os.statvfs`: a disk of `total` bytes whose free bytes are asked for each time."""

    @dataclass
    class _Disk:
        f_frsize: int = 1
        f_blocks: int = total
        f_bavail: int = 0
        f_files: int = 0
        f_favail: int = 0

    return lambda _path: _Disk(f_bavail=free())
