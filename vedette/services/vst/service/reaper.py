"""Deletes recordings by ledger: the row goes to garbage first, the file after, and a crash in between loses nothing."""

import os
from collections.abc import Sequence

import anyio

from vedette.kernel.clock import US_PER_SECOND
from vedette.kernel.lifecycle import Backoff, retry
from vedette.kernel.log import get_logger
from vedette.services.vst.core import ageing
from vedette.services.vst.core.ageing import AgeingPolicy
from vedette.services.vst.model import Cause, Segment
from vedette.services.vst.service.catalogue import forget_segments
from vedette.services.vst.service.parts import Parts
from vedette.services.vst.store import Store

_BATCH = 500
_GIB = 1 << 30
_AGEING = "ageing"


class Reaper:
    """The only part that deletes footage. One deletion at a time."""

    def __init__(self, parts: Parts) -> None:
        self._database, self._folder, self._clock = parts.database, parts.folder, parts.clock
        self._meters, settings = parts.meters, parts.settings
        self._policy = AgeingPolicy(
            max_age_us=round(settings.max_age_h * 3600 * US_PER_SECOND),
            max_bytes=round(settings.max_gib * _GIB),
            min_free_bytes=round(settings.min_free_gib * _GIB),
        )
        self._every_s = settings.ageing_every_s
        self._one = anyio.Lock()

    async def run(self) -> None:
        """Ages recordings for ever."""
        await retry(
            self._age_for_ever, clock=self._clock, log=get_logger("vst"), name="ageing", backoff=Backoff(1.0, 60.0)
        )

    async def age(self) -> int:
        """Deletes what the policy says, the oldest first; returns how many segments."""
        deleted = 0
        while True:
            oldest = await self._database.read(lambda connection: Store(connection).list_oldest(_BATCH))
            usage = await self._database.read(lambda connection: Store(connection).list_usage())
            free_bytes = await self._folder.run(self._free_bytes)
            self._meters.free_bytes.set(free_bytes)
            chosen = ageing.select(
                oldest,
                self._policy,
                now_us=self._clock.now(),
                used_bytes=sum(item.bytes for item in usage),
                free_bytes=free_bytes,
            )
            if not chosen:
                return deleted
            await self.delete(chosen, actor=_AGEING)
            deleted += len(chosen)
            if len(chosen) < len(oldest):
                return deleted

    async def delete(self, segments: Sequence[Segment], *, actor: str) -> int:
        """Deletes segments and their files; returns the bytes that were freed."""
        async with self._one:
            for begin in range(0, len(segments), _BATCH):
                await self._delete_batch(segments[begin : begin + _BATCH], actor)
        return sum(segment.bytes for segment in segments)

    async def delete_stream(self, stream_id: str, *, actor: str) -> int:
        """Deletes everything that a stream has recorded; returns the bytes that were freed."""
        everything = await self._database.read(
            lambda connection: Store(connection).list_segments(stream_id, 0, 1 << 62)
        )
        return await self.delete(everything, actor=actor)

    async def _delete_batch(self, segments: Sequence[Segment], actor: str) -> None:
        at_us = self._clock.now()
        cause = Cause.AGED_OUT if actor == _AGEING else Cause.DELETED
        await self._database.write(
            lambda connection: forget_segments(connection, segments, cause=cause, actor=actor, at_us=at_us),
            durable=True,
        )
        garbage = await self._database.read(lambda connection: Store(connection).list_garbage())
        await self._folder.unlink([item.segment_id for item in garbage])
        await self._database.write(lambda connection: Store(connection).forget(garbage), durable=True)
        self._meters.deleted_bytes.labels(actor if actor == _AGEING else "user").inc(sum(s.bytes for s in segments))
        get_logger("vst").info("recordings_deleted", segments=len(segments), actor=actor)

    async def _age_for_ever(self) -> None:
        while True:
            await self.age()
            await self._clock.sleep(self._every_s)

    def _free_bytes(self) -> int:
        disk = os.statvfs(self._folder.root)
        return disk.f_bavail * disk.f_frsize
