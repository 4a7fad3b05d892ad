"""Deletes footage by ledger: the row goes to garbage first, the file after, and a crash in between loses nothing.

What is protected is looked up in the same transaction that deletes, so that nothing slips in between.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import pairwise

import anyio

from vedette.kernel.clock import Instant
from vedette.kernel.database import Transaction
from vedette.kernel.errors import conflict
from vedette.kernel.log import get_logger
from vedette.services.vst.core import ageing
from vedette.services.vst.core.timeline import Span
from vedette.services.vst.model import MAIN_VOLUME, Cause, Segment
from vedette.services.vst.service.catalogue import forget_segments
from vedette.services.vst.service.parts import Parts
from vedette.services.vst.service.tiers import Tiers, settle
from vedette.services.vst.store import StorageStore, Store
from vedette.services.vst.store.volumes import VolumeStore

BATCH = 500
FOR_EVER_US = 1 << 62
AGEING = "ageing"


type OnDeleted = Callable[[str, Instant, Instant], Awaitable[None]]
"""Told of each stream and range of which a person deleted something, once the files are gone."""


@dataclass(frozen=True, slots=True)
class Deleted:
    """What a deletion did. `[start_us, end_us)` is what is gone, cut at segment borders, both 0 when nothing is."""

    segments: int = 0
    bytes: int = 0
    start_us: Instant = 0
    end_us: Instant = 0

    def and_then(self, more: "Deleted") -> "Deleted":
        """This and what was deleted after it."""
        if not self.segments or not more.segments:
            return more if more.segments else self
        return Deleted(
            self.segments + more.segments,
            self.bytes + more.bytes,
            min(self.start_us, more.start_us),
            max(self.end_us, more.end_us),
        )


class Deletion:
    """The only part that deletes footage. One deletion at a time."""

    def __init__(self, parts: Parts) -> None:
        self._database, self._folder = parts.database, parts.folder
        self._clock, self._meters = parts.clock, parts.meters
        self._one = anyio.Lock()
        self.on_deleted: OnDeleted | None = None
        self.tiers: Tiers | None = None

    async def segments(self, segments: Sequence[Segment], *, actor: str) -> Deleted:
        """Deletes segments and their files, but for what is protected."""
        done = Deleted()
        for begin in range(0, len(segments), BATCH):
            async with self._one:
                done = done.and_then(await self._batch(segments[begin : begin + BATCH], actor))
        return done

    async def move(self, segments: Sequence[Segment], to: str) -> Deleted:
        """Moves segments to another volume; what was freed where they lay. Stops at the first that cannot be moved."""
        if self.tiers is None:
            return Deleted()
        copied = await self.tiers.copy(segments, to)
        async with self._one:
            moved = await self._database.write(lambda connection: settle(connection, copied, to), durable=True)
            await self.finish_garbage()
        if not moved:
            return Deleted()
        freed = sum(segment.bytes for segment in moved)
        get_logger("vst").info("recordings_moved", segments=len(moved), bytes=freed, to=to)
        return Deleted(len(moved), freed, min(item.start_us for item in moved), max(item.end_us for item in moved))

    async def range(
        self, stream_id: str, start_us: Instant, end_us: Instant, *, actor: str, partial: bool = False
    ) -> Deleted:
        """Deletes what lies in a range as a whole, and with `partial` also what only reaches into it. Fault 409, and
        nothing deleted, when footage in the range is protected."""
        await self.refuse_protected(stream_id, start_us, end_us)
        done, cursor_us = Deleted(), start_us
        if partial:
            done = await self.segments(await self._reaching_into(stream_id, start_us, end_us), actor=actor)
        while found := await self._from(stream_id, cursor_us, end_us):
            cursor_us = found[-1].end_us
            whole = [segment for segment in found if partial or segment.end_us <= end_us]
            done = done.and_then(await self.segments(whole, actor=actor))
        return done

    async def stream(self, stream_id: str, *, actor: str) -> Deleted:
        """Deletes everything that a stream has recorded; Fault 409, and nothing deleted, when some is protected."""
        return await self.range(stream_id, 0, FOR_EVER_US, actor=actor)

    async def refuse_protected(self, stream_id: str, start_us: Instant, end_us: Instant) -> None:
        """Fault 409 when footage in the range is protected."""

        def look(connection: Transaction) -> Segment | None:
            for item in StorageStore(connection).list_protections(stream_id):
                begin, end = max(item.start_us, start_us), min(item.end_us, end_us)
                if begin < end and (held := Store(connection).list_segments(stream_id, begin, min(end, begin + 1))):
                    return held[0]
                if begin < end and (held := StorageStore(connection).list_from(stream_id, begin, end, limit=1)):
                    return held[0]
            return None

        if await self._database.read(look) is not None:
            raise conflict("Footage in this range is protected. Lift the protection first (file/protect).")

    async def _reaching_into(self, stream_id: str, start_us: Instant, end_us: Instant) -> list[Segment]:
        """The segment that is cut by the begin of a range, if there is one."""
        found = await self._database.read(
            lambda connection: Store(connection).list_segments(stream_id, start_us, min(end_us, start_us + 1))
        )
        return [segment for segment in found if segment.start_us < start_us]

    async def _from(self, stream_id: str, start_us: Instant, end_us: Instant) -> list[Segment]:
        return await self._database.read(
            lambda connection: StorageStore(connection).list_from(stream_id, start_us, end_us, limit=BATCH)
        )

    @asynccontextmanager
    async def waiting(self) -> AsyncIterator[None]:
        """As long as the block lasts nothing is deleted, and no garbage is finished but by `finish_garbage`."""
        async with self._one:
            yield

    async def finish_garbage(self) -> None:
        """Removes the files of all garbage, then forgets it. Only inside of `waiting`."""
        garbage = await self._database.read(lambda connection: Store(connection).list_garbage())
        gone = [item for item in garbage if item.volume == MAIN_VOLUME]
        await self._folder.unlink([item.segment_id for item in gone])
        if self.tiers is not None and len(gone) < len(garbage):
            gone += await self.tiers.unlink([item for item in garbage if item.volume != MAIN_VOLUME])
        await self._database.write(lambda connection: Store(connection).forget(gone), durable=True)

    async def _batch(self, segments: Sequence[Segment], actor: str) -> Deleted:
        at_us, cause = self._clock.now(), Cause.AGED_OUT if actor == AGEING else Cause.DELETED
        gone = await self._database.write(
            lambda connection: forget_unprotected(connection, segments, cause=cause, actor=actor, at_us=at_us),
            durable=True,
        )
        await self.finish_garbage()
        if not gone:
            return Deleted()
        if self.on_deleted is not None and actor != AGEING:
            for stream_id in sorted({segment.stream_id for segment in gone}):
                mine = [segment for segment in gone if segment.stream_id == stream_id]
                await self.on_deleted(stream_id, min(item.start_us for item in mine), max(item.end_us for item in mine))
        freed = sum(segment.bytes for segment in gone)
        self._meters.deleted_bytes.labels(actor if actor == AGEING else "user").inc(freed)
        get_logger("vst").info("recordings_deleted", segments=len(gone), bytes=freed, actor=actor)
        return Deleted(len(gone), freed, min(item.start_us for item in gone), max(item.end_us for item in gone))


def forget_unprotected(
    connection: Transaction, segments: Sequence[Segment], *, cause: Cause, actor: str, at_us: Instant
) -> list[Segment]:
    """The first half of a deletion: rows to garbage, a line to the ledger for each stretch without anything that stays.

    Returns what was forgotten; what is protected or was gone before is not among it.
    """
    store = StorageStore(connection)
    # As they are now: one may be gone since it was listed, or lie on another volume.
    present = store.list_by_id([segment.segment_id for segment in segments])
    gone: list[Segment] = []
    for stream_id in sorted({segment.stream_id for segment in present}):
        protected = [Span(item.start_us, item.end_us) for item in store.list_protections(stream_id)]
        mine = [
            segment
            for segment in present
            if segment.stream_id == stream_id and not ageing.is_protected(segment, protected)
        ]
        kept = _kept_between(connection, stream_id, mine)
        for stretch in ageing.runs(mine, kept):
            forget_segments(connection, stretch, cause=cause, actor=actor, at_us=at_us)
        VolumeStore(connection).count(mine, -1)
        gone += mine
    return gone


def _kept_between(connection: Transaction, stream_id: str, chosen: Sequence[Segment]) -> list[Span]:
    """Segments that stay between the first and the last of those that go.

    Two neighbours of the chosen that touch have nothing between them, so only holes are looked into, and only for one.
    """
    store, kept = StorageStore(connection), list[Span]()
    ordered = sorted(chosen, key=lambda segment: segment.start_us)
    for left, right in pairwise(ordered):
        if left.end_us < right.start_us and (found := store.list_from(stream_id, left.end_us, right.start_us, limit=1)):
            kept.append(Span(found[0].start_us, found[0].end_us))
    return kept
