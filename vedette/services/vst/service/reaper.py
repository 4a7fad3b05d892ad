"""Ages recordings: looks at the disk now and then, and deletes the oldest until every limit of the policy holds."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from functools import partial

from vedette.kernel.clock import US_PER_SECOND
from vedette.kernel.database import Transaction
from vedette.kernel.lifecycle import Backoff, retry
from vedette.kernel.log import get_logger
from vedette.services.vst.core import ageing, forecast
from vedette.services.vst.core.ageing import AgeingPolicy, Holding, Targets
from vedette.services.vst.core.space import Room, Space
from vedette.services.vst.core.timeline import Span
from vedette.services.vst.model import MAIN_VOLUME, Head, Segment
from vedette.services.vst.service.deletion import AGEING, BATCH, FOR_EVER_US, Deleted, Deletion
from vedette.services.vst.service.forecast import disk_space
from vedette.services.vst.service.parts import Parts
from vedette.services.vst.service.policy import Policies
from vedette.services.vst.service.tiers import Tiers
from vedette.services.vst.store import CoverageStore, StorageStore
from vedette.services.vst.store.volumes import VolumeStore

_RATE_WINDOW_US = 3600 * US_PER_SECOND
_JUMP_US = 3600 * US_PER_SECOND
_LOOK_EVERY_S = 2.0

type Holdings = Callable[[Transaction, int, int], list[Holding[Segment]]]
type Act = Callable[[Sequence[Segment]], Awaitable[Deleted]]


class Reaper:
    """Never scans the catalogue: a look costs one seek a stream, whatever it holds."""

    def __init__(self, parts: Parts, policies: Policies, deletion: Deletion, tiers: Tiers | None = None) -> None:
        self._database, self._folder, self._clock = parts.database, parts.folder, parts.clock
        self._meters, self._disk = parts.meters, parts.disk
        self._policies, self._deletion = policies, deletion
        self._tiers = tiers if tiers is not None and len(tiers.names) > 1 else None
        self._move_after_us = round(parts.settings.move_after_h * 3600 * US_PER_SECOND)
        self._every_s = parts.settings.ageing_every_s
        self._floor_bytes = 0
        self._seen: tuple[int, float] | None = None
        self._distrusted_at: int | None = None

    @property
    def clock_suspect(self) -> bool:
        """Whether wall time jumped ahead by more than an hour: nothing is deleted for its age until the policy is set
        again, or VST is started again."""
        return self._distrusted_at == self._policies.changes

    async def run(self) -> None:
        """Ages recordings for ever."""
        await retry(
            self._age_for_ever, clock=self._clock, log=get_logger("vst"), name="ageing", backoff=Backoff(1.0, 60.0)
        )

    async def age(self) -> int:
        """Deletes what the policy says, the oldest first; returns how many segments."""
        self._watch_clock()
        space = await self._look()
        policy = self._policy()
        self._floor_bytes = deleted = 0
        if self._tiers is not None:
            for name in self._tiers.names:
                deleted += await self._relieve(name, policy, space if name == MAIN_VOLUME else None)
            # What is left concerns all volumes together: deleting elsewhere would free nothing on a full disk.
            policy = replace(policy, min_free_bytes=0, max_used_percent=0)
        deleted += await self._keep(policy, space, holdings_of, self._delete)
        if deleted:
            await self._look()
        return deleted

    async def _relieve(self, name: str, policy: AgeingPolicy, space: Space | None) -> int:
        """Moves the oldest footage off a volume that is too full, or where it has been long enough; where there is no
        next volume that can be used, what is too much for the disk is deleted. Returns how many segments were."""
        tiers = self._tiers
        if tiers is None or (name != MAIN_VOLUME and tiers.reasons[name]):
            return 0
        room, following = space or await tiers.space(name), tiers.after(name)
        if following is None and name != tiers.names[-1] and self._disk.room is Room.ENOUGH:
            return 0  # the next volume may come back before it gets tight
        full = replace(policy, max_age_us=0, max_bytes=0, max_stream_bytes=0)
        if name == MAIN_VOLUME and following is not None:
            full = replace(full, max_age_us=self._move_after_us)
        if room is None:
            return 0

        async def move(segments: Sequence[Segment]) -> Deleted:
            return await self._deletion.move(segments, following or "")

        act = self._delete if following is None else move
        done = await self._keep(full, room, partial(holdings_on, name, following is None), act)
        return done if following is None else 0

    async def _keep(self, policy: AgeingPolicy, space: Space, holdings: Holdings, act: Act) -> int:
        """Acts on the oldest until the policy holds, or nothing more can be done; returns on how many segments."""
        now_us = self._clock.now()
        first = await self._database.read(lambda connection: holdings(connection, now_us, 1))
        rate = sum(item.bytes_per_s for item in first)
        self._floor_bytes = max(self._floor_bytes, ageing.floor_bytes(policy, space, rate))
        wanted = ageing.targets(first, policy, now_us=now_us, space=space)
        total = 0
        while wanted != Targets():
            found = await self._database.read(lambda connection: holdings(connection, now_us, BATCH))
            done = await act(ageing.pick(found, wanted))
            if not done.segments:
                break
            total += done.segments
            wanted = Targets(wanted.cutoff_us, wanted.stream_bytes, max(0, wanted.excess_bytes - done.bytes))
        return total

    async def _delete(self, segments: Sequence[Segment]) -> Deleted:
        return await self._deletion.segments(segments, actor=AGEING)

    async def _age_for_ever(self) -> None:
        while True:
            await self.age()
            await self._until_due()

    async def _until_due(self) -> None:
        """Looks at the disk alone every two seconds, and no longer than that once it is fuller than it should be."""
        aged_s = self._clock.monotonic()
        while self._clock.monotonic() - aged_s < self._every_s:
            await self._clock.sleep(min(self._every_s, _LOOK_EVERY_S))
            space = await self._look()
            if self._disk.room is not Room.ENOUGH or space.free_bytes < self._floor_bytes:
                return

    async def _look(self) -> Space:
        space = await self._folder.run(disk_space, str(self._folder.root))
        before, room = self._disk.room, self._disk.look(space)
        self._meters.free_bytes.set(space.free_bytes)
        self._meters.disk_alarm.set(room)
        if room is not before:
            log = get_logger("vst")
            (log.error if room is Room.NONE else log.warning)("disk_room", room=room.name, free_bytes=space.free_bytes)
        return space

    def _policy(self) -> AgeingPolicy:
        policy = self._policies.limits.policy
        return AgeingPolicy(
            max_age_us=0 if self.clock_suspect else policy.max_age_us,
            max_bytes=policy.max_bytes,
            min_free_bytes=policy.min_free_bytes,
            max_stream_bytes=policy.max_stream_bytes,
            max_used_percent=policy.max_used_percent,
        )

    def _watch_clock(self) -> None:
        now_us, at_s = self._clock.now(), self._clock.monotonic()
        if self._seen is not None:
            ahead_us = now_us - self._seen[0] - round((at_s - self._seen[1]) * US_PER_SECOND)
            if ahead_us > _JUMP_US:
                self._distrusted_at = self._policies.changes
                get_logger("vst").warning("ageing_by_age_stopped", clock_ahead_s=ahead_us // US_PER_SECOND)
        self._seen = now_us, at_s


def holdings_of(connection: Transaction, now_us: int, limit: int) -> list[Holding[Segment]]:
    """What each stream keeps, with the first `limit` of its oldest unprotected segments."""
    coverage, store = CoverageStore(connection), StorageStore(connection)
    found = []
    for head in coverage.list_heads():
        if head.segments:
            protected = [Span(item.start_us, item.end_us) for item in store.list_protections(head.stream_id)]
            oldest = _oldest(store, head, protected, limit)
            recent = coverage.list_entries(head.stream_id, now_us - _RATE_WINDOW_US, now_us)
            rate = forecast.bytes_per_s(recent, now_us=now_us, window_us=_RATE_WINDOW_US)
            found.append(Holding(head.stream_id, head.bytes, oldest, len(oldest) >= limit, rate))
    return found


def holdings_on(
    volume: str, to_delete: bool, connection: Transaction, now_us: int, limit: int
) -> list[Holding[Segment]]:
    """What each stream keeps on one volume, with the first `limit` of its oldest segments there; protected ones are
    left out when they would be deleted."""
    coverage = CoverageStore(connection)
    stock, found = VolumeStore(connection).list_stock(), []
    for head in coverage.list_heads():
        mine = sum(octets for (_, stream_id), octets in stock.items() if stream_id == head.stream_id)
        octets = head.bytes - mine if volume == MAIN_VOLUME else stock.get((volume, head.stream_id), 0)
        if octets > 0:
            there = VolumeStore(connection).list_on(volume, head.stream_id, limit=BATCH if to_delete else limit)
            guard = StorageStore(connection).list_protections(head.stream_id) if to_delete else []
            protected = [Span(item.start_us, item.end_us) for item in guard]
            oldest = [item for item in there if not ageing.is_protected(item, protected)][:limit]
            recent = coverage.list_entries(head.stream_id, now_us - _RATE_WINDOW_US, now_us)
            rate = forecast.bytes_per_s(recent, now_us=now_us, window_us=_RATE_WINDOW_US)
            found.append(Holding(head.stream_id, octets, oldest, len(oldest) >= limit, rate))
    return found


def _oldest(store: StorageStore, head: Head, protected: Sequence[Span], limit: int) -> list[Segment]:
    found: list[Segment] = []
    for window in ageing.outside(protected, 0, FOR_EVER_US):
        more = store.list_from(head.stream_id, window.start_us, window.end_us, limit=limit - len(found))
        found += [segment for segment in more if segment.end_us <= window.end_us]
        if len(found) >= limit:
            break
    return found
