"""A recorder, a camera or the whole service of VST on a temporary folder."""

import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import override

import anyio
from sqlalchemy import Connection

from tests.support.clips import WALL_US
from vedette.kernel.bus import MemoryBus
from vedette.kernel.clock import Clock, Instant, SystemClock
from vedette.kernel.database import Database
from vedette.kernel.errors import Fault, unavailable
from vedette.kernel.telemetry import Telemetry
from vedette.media.hub import Hub
from vedette.media.source import Source
from vedette.media.unit import AccessUnit
from vedette.services.vst.adapters.segment_files import SegmentFolder
from vedette.services.vst.migrations import STEPS
from vedette.services.vst.model import Cause, EntryKind, Gap, Segment
from vedette.services.vst.service.catalogue import Catalogue
from vedette.services.vst.service.events import Outbox
from vedette.services.vst.service.meters import Meters
from vedette.services.vst.service.parts import Parts
from vedette.services.vst.service.recorder import Recorder
from vedette.services.vst.settings import VstSettings
from vedette.services.vst.store import CoverageStore, Store


class ClipClock(SystemClock):
    """A system clock that shows the time of the test clips at its begin."""

    def __init__(self) -> None:
        self._ahead_us = super().now() - WALL_US

    @override
    def now(self) -> Instant:
        return super().now() - self._ahead_us


class ListSource(Source):
    """Yields the given units as fast as they are taken, then fails as a camera that goes away does."""

    def __init__(self, units: Sequence[AccessUnit]) -> None:
        self._units = units

    @override
    async def units(self) -> AsyncIterator[AccessUnit]:
        """The units, one loop turn each."""
        for unit in self._units:
            yield unit
            await anyio.lowlevel.checkpoint()
        raise unavailable("The camera is gone.")


@dataclass
class RecorderBench:
    """One recorder over a hub, with its catalogue in reach."""

    folder: SegmentFolder
    database: Database
    hub: Hub
    recorder: Recorder

    def segments(self) -> list[Segment]:
        """Committed segments, in order."""
        return self.database.read_now(lambda connection: list(Store(connection).list_all_segments()))

    def gaps(self) -> list[Gap]:
        """Declared gaps, in order; the last has no end while it lasts."""
        return gaps_of(self.database, "cam")

    async def session(self, units: Sequence[AccessUnit]) -> None:
        """One camera session, to its end and until all of it is written."""
        with contextlib.suppress(Fault):
            await self.hub.run(ListSource(units))
        await self.written()

    async def push(self, units: Sequence[AccessUnit]) -> None:
        """Units of a session that goes on, until what they complete is written."""
        self.hub._running = True
        for unit in units:
            self.hub.push(unit)
            await anyio.lowlevel.checkpoint()
        await self.written()

    async def written(self) -> None:
        """Until the recorder has nothing to write."""
        await settled(lambda: self.recorder.idle)


async def settled(condition: Callable[[], bool], *, within_s: float = 20.0) -> None:
    """Waits until a condition holds; TimeoutError when it takes absurdly long."""
    with anyio.fail_after(within_s):
        while not condition():
            await anyio.sleep(0.01)


def gaps_of(database: Database, stream_id: str) -> list[Gap]:
    """What the ledger says was not recorded after the begin, and what pends now."""

    def look(connection: Connection) -> list[Gap]:
        store = CoverageStore(connection)
        head, entries = store.get_head(stream_id), store.list_entries(stream_id, 0, 1 << 62)
        gaps = [
            Gap(stream_id, entry.start_us, entry.end_us, Cause(entry.cause))
            for entry in entries
            if entry.kind is EntryKind.ABSENT and entry.cause != Cause.STARTING
        ]
        if head is not None and head.cause is not None:
            gaps.append(Gap(stream_id, head.until_us, None, head.cause))
        return gaps

    return database.read_now(look)


def open_catalogue(data_dir: Path) -> Database:
    """The catalogue of a data folder, in its newest shape."""
    database = Database(f"sqlite:///{data_dir / 'catalogue.db'}")
    database.upgrade(STEPS)
    return database


@asynccontextmanager
async def recording(
    data_dir: Path,
    *,
    settings: VstSettings | None = None,
    clock: Clock | None = None,
    folder: SegmentFolder | None = None,
) -> AsyncIterator[RecorderBench]:
    """A running recorder of stream `cam`, stopped in order at the end."""
    time = clock or ClipClock()
    database = open_catalogue(data_dir)
    files = SegmentFolder(data_dir / "media")
    files.root.mkdir(exist_ok=True)
    hub = Hub(clock=time)
    meters = Meters(Telemetry("vst"))
    parts = Parts(
        settings=settings or VstSettings(segment_s=1),
        clock=time,
        meters=meters,
        outbox=Outbox(MemoryBus(), time, meters),
        database=database,
        catalogue=Catalogue(database),
        folder=files,
    )
    database.write_now(lambda connection: CoverageStore(connection).add_stream("cam", 0, Cause.STARTING))
    recorder = Recorder("cam", hub, parts, phase=0.0)
    try:
        async with anyio.create_task_group() as group:
            group.start_soon(recorder.run)
            await settled(lambda: recorder.ready)
            yield RecorderBench(files, database, hub, recorder)
            group.cancel_scope.cancel()
    finally:
        database.close()
