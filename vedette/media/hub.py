"""One source fanned out to many sinks, so that a camera is read once; every sink has a queue with a stated policy."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import override

import anyio

from vedette.kernel.clock import Clock
from vedette.kernel.errors import Fault, unavailable
from vedette.media.gop import GopCache
from vedette.media.source import Source, opened
from vedette.media.unit import AccessUnit, CodecParameters

_MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Block:
    """For a recorder: nothing is dropped. A full queue holds the source back for at most `max_wait_s`; after that the
    subscription ends with Fault 503 once what is queued has been read, and the other sinks go on."""

    max_bytes: int = 32 * _MIB
    max_wait_s: float = 2.0


@dataclass(frozen=True, slots=True)
class DropOldestGop:
    """For viewers and relays: a full queue loses its oldest units up to the next keyframe, which may be yet to come;
    `dropped` counts them."""

    max_bytes: int = 8 * _MIB


type Policy = Block | DropOldestGop


@dataclass(slots=True)
class HubCounters:
    """Totals over all sessions of a hub. `last_unit_at` is monotonic seconds of the clock, None before the first."""

    sessions: int = 0
    units: int = 0
    keyframes: int = 0
    bytes: int = 0
    dropped_units: int = 0
    overflows: int = 0
    last_unit_at: float | None = None


class Subscription(AsyncIterator[AccessUnit]):
    """The queue of one sink: iterate it. Made by `Hub.subscribe`."""

    def __init__(self, policy: Policy, backlog: tuple[AccessUnit, ...], *, across_sessions: bool) -> None:
        self.policy = policy
        self.across_sessions = across_sessions
        self.dropped = 0
        self._queue = deque(backlog)
        self._bytes = sum(len(unit.data) for unit in backlog)
        # The burst of a joining viewer may be larger than the bound; it must not cost it the first picture.
        self._limit = policy.max_bytes + self._bytes
        self._needs_keyframe = not backlog
        self._broken = False
        self._end: Fault | None = None
        self._ended = False
        self._filled = asyncio.Event()
        self.drained = asyncio.Event()

    @property
    def queued_bytes(self) -> int:
        """Bytes of media waiting to be read."""
        return self._bytes

    @override
    async def __anext__(self) -> AccessUnit:
        while not self._queue:
            if self._ended:
                raise self._end or StopAsyncIteration
            self._filled.clear()
            await self._filled.wait()
        unit = self._queue.popleft()
        self._bytes -= len(unit.data)
        self.drained.set()
        return unit

    def offer(self, unit: AccessUnit) -> bool:
        """Queue a unit, dropping older ones when the policy says so; False when `Block` has no room for it."""
        if self._ended:
            return True
        while self._queue and self._bytes + len(unit.data) > self._limit and self._takes(unit):
            if isinstance(self.policy, Block):
                self.drained.clear()
                return False
            self._drop_oldest_gop()
        if not self._takes(unit):
            self.dropped += self._broken
            return True
        self._broken = False
        self._needs_keyframe = False
        self._queue.append(unit)
        self._bytes += len(unit.data)
        self._filled.set()
        return True

    def end(self, fault: Fault | None) -> None:
        """No more units: the reader gets what is queued, then the fault (None: a clean end)."""
        if not self._ended:
            self._ended = True
            self._end = Fault(fault.code, fault.status, fault.message) if fault else None
            self._filled.set()
            self.drained.set()

    def await_keyframe(self) -> None:
        """Skip to the next keyframe, because the session that the queued units belong to is over."""
        self._needs_keyframe = True

    def _takes(self, unit: AccessUnit) -> bool:
        return unit.is_keyframe or not self._needs_keyframe

    def _drop_oldest_gop(self) -> None:
        while self._queue:
            self._bytes -= len(self._queue.popleft().data)
            self.dropped += 1
            if self._queue and self._queue[0].is_keyframe:
                return
        self._needs_keyframe = self._broken = True


class Hub:
    """Fans one source out. `run` is one session of it, called again after a failure; subscriptions are independent.

    Every unit of a session carries a `CodecParameters` object of that session: another object means that clocks or
    parameters changed, and it comes with a keyframe.
    """

    def __init__(self, *, clock: Clock, cache_bytes: int = 8 * _MIB) -> None:
        self._clock = clock
        self._cache = GopCache(cache_bytes)
        self._subscriptions: list[Subscription] = []
        self._running = False
        self._parameters: CodecParameters | None = None
        self._closed: Fault | None = None
        self.counters = HubCounters()

    @property
    def running(self) -> bool:
        """Whether a session has a source attached; media may not have arrived yet."""
        return self._running

    @property
    def parameters(self) -> CodecParameters | None:
        """Those of the newest unit; kept after a session ends, None before the first unit."""
        return self._parameters

    @property
    def subscribers(self) -> int:
        """How many sinks are attached."""
        return len(self._subscriptions)

    def cached_units(self) -> tuple[AccessUnit, ...]:
        """The current GOP from its keyframe, for a picture or a new viewer; empty between sessions."""
        return self._cache.units()

    async def run(self, source: Source) -> None:
        """Pump one session of a source to the sinks. Raises the source's Fault; returns when a finite source ends."""
        if self._running:
            raise RuntimeError("the hub has a source already")
        self._running = True
        self.counters.sessions += 1
        fault: Fault | None = unavailable("The stream was stopped. Open it again.")
        try:
            async with opened(source) as units:
                async for unit in units:
                    await self._fan_out(unit)
            fault = None
        except Fault as error:
            fault = error
            raise
        finally:
            self._running = False
            self._end_session(fault)

    @asynccontextmanager
    async def subscribe(
        self, policy: Policy, *, across_sessions: bool = False, from_cache: bool = True
    ) -> AsyncIterator[Subscription]:
        """Attach a sink: it gets the cached GOP, then every unit. It may join before a session starts.

        At the end of a session it gets the Fault, or with `across_sessions` waits for the keyframe of the next one.
        """
        backlog = self._cache.units() if from_cache else ()
        subscription = Subscription(policy, backlog, across_sessions=across_sessions)
        if self._closed is not None:
            subscription.end(self._closed)
        self._subscriptions.append(subscription)
        try:
            yield subscription
        finally:
            self._subscriptions.remove(subscription)
            subscription.end(None)

    def close(self, fault: Fault) -> None:
        """End every subscription, present and future, with this fault, as when a sensor is removed."""
        self._closed = fault
        for subscription in self._subscriptions:
            subscription.end(fault)

    async def _fan_out(self, unit: AccessUnit) -> None:
        counters = self.counters
        counters.units += 1
        counters.keyframes += unit.is_keyframe
        counters.bytes += len(unit.data)
        counters.last_unit_at = self._clock.monotonic()
        self._parameters = unit.parameters
        self._cache.feed(unit)
        full = []
        for subscription in self._subscriptions:
            dropped = subscription.dropped
            if not subscription.offer(unit):
                full.append(subscription)
            counters.dropped_units += subscription.dropped - dropped
        begun = self._clock.monotonic()
        for subscription in full:
            await self._hold_back(subscription, unit, begun)

    async def _hold_back(self, subscription: Subscription, unit: AccessUnit, begun: float) -> None:
        """Wait for room in a `Block` queue, or end that subscription; all of them wait from `begun` on."""
        policy = subscription.policy
        deadline = begun + (policy.max_wait_s if isinstance(policy, Block) else 0.0)
        while not subscription.offer(unit):
            left_s = deadline - self._clock.monotonic()
            if left_s <= 0:
                self.counters.overflows += 1
                subscription.end(unavailable("The recorder could not keep up: its queue is full. Check the disk."))
                return
            await self._first_of(subscription.drained, left_s)

    async def _first_of(self, event: asyncio.Event, seconds: float) -> None:
        async with anyio.create_task_group() as group:

            async def wake() -> None:
                await event.wait()
                group.cancel_scope.cancel()

            group.start_soon(wake)
            await self._clock.sleep(seconds)
            group.cancel_scope.cancel()

    def _end_session(self, fault: Fault | None) -> None:
        self._cache.clear()
        for subscription in self._subscriptions:
            if subscription.across_sessions:
                subscription.await_keyframe()
            else:
                subscription.end(fault)
