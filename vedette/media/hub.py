"""One source fanned out to many, so that a camera is read once.

A recorder is a sink that is called for each unit, since a task switch a frame costs more than recording it. Viewers and
relays have a queue with a stated bound, so that a slow one harms nobody.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Protocol, override

from vedette.kernel.clock import Clock
from vedette.kernel.errors import Fault, unavailable
from vedette.media.gop import GopCache
from vedette.media.source import Source, opened
from vedette.media.unit import AccessUnit, CodecParameters

_MIB = 1024 * 1024


class Sink(Protocol):
    """Takes every unit at once, in the order of the source, sound included. Neither call may block or raise."""

    def take(self, unit: AccessUnit) -> None:
        """The next unit of the session."""

    def end_session(self, fault: Fault | None) -> None:
        """The session is over; the next unit is a keyframe of another one."""


@dataclass(frozen=True, slots=True)
class DropOldestGop:
    """A queue for viewers and relays: when full it loses its oldest units up to the next keyframe, which may be yet to
    come; `dropped` counts them."""

    max_bytes: int = 8 * _MIB


@dataclass(slots=True)
class HubCounters:
    """Totals over all sessions of a hub; `units` are pictures, `bytes` count sound, too. `last_unit_at` is when the
    last picture came, in monotonic seconds of the clock, None before the first."""

    sessions: int = 0
    units: int = 0
    keyframes: int = 0
    bytes: int = 0
    dropped_units: int = 0
    last_unit_at: float | None = None


class Subscription(AsyncIterator[AccessUnit]):
    """The queue of one sink: iterate it. Made by `Hub.subscribe`."""

    def __init__(
        self, policy: DropOldestGop, backlog: tuple[AccessUnit, ...], *, across_sessions: bool, audio: bool = False
    ) -> None:
        self.across_sessions = across_sessions
        self.audio = audio
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
        return unit

    def offer(self, unit: AccessUnit) -> None:
        """Queue a unit, dropping older ones when there is no room."""
        if self._ended:
            return
        while self._queue and self._bytes + len(unit.data) > self._limit and self._takes(unit):
            self._drop_oldest_gop()
        if not self._takes(unit):
            self.dropped += self._broken
            return
        self._broken = False
        self._needs_keyframe = False
        self._queue.append(unit)
        self._bytes += len(unit.data)
        self._filled.set()

    def end(self, fault: Fault | None) -> None:
        """No more units: the reader gets what is queued, then the fault (None: a clean end)."""
        if not self._ended:
            self._ended = True
            self._end = Fault(fault.code, fault.status, fault.message) if fault else None
            self._filled.set()

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
        self._sinks: list[Sink] = []
        self._running = False
        self._parameters: CodecParameters | None = None
        self._audio_parameters: CodecParameters | None = None
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
    def audio_parameters(self) -> CodecParameters | None:
        """Those of the sound of this session; None between sessions and before the first unit of sound."""
        return self._audio_parameters

    @property
    def subscribers(self) -> int:
        """How many queues and sinks are attached."""
        return len(self._subscriptions) + len(self._sinks)

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
                    self.push(unit)
            fault = None
        except Fault as error:
            fault = error
            raise
        finally:
            self._running = False
            self._end_session(fault)

    @asynccontextmanager
    async def subscribe(
        self, policy: DropOldestGop, *, across_sessions: bool = False, from_cache: bool = True, audio: bool = False
    ) -> AsyncIterator[Subscription]:
        """Attach a queue: it gets the cached GOP, then every unit, sound when asked for. It may join before a session.

        At the end of a session it gets the Fault, or with `across_sessions` waits for the keyframe of the next one.
        """
        backlog = self._cache.units() if from_cache else ()
        subscription = Subscription(policy, backlog, across_sessions=across_sessions, audio=audio)
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

    def attach(self, sink: Sink) -> None:
        """From the next unit on the sink takes everything; it begins in the middle of a GOP when a session runs."""
        self._sinks.append(sink)

    def detach(self, sink: Sink) -> None:
        """The sink takes no more. ValueError when it is not attached."""
        self._sinks.remove(sink)

    def push(self, unit: AccessUnit) -> None:
        """One unit of the session to all, without waiting for any of them."""
        counters = self.counters
        counters.bytes += len(unit.data)
        is_audio = unit.parameters.is_audio
        if is_audio:
            self._audio_parameters = unit.parameters
        else:
            counters.last_unit_at = self._clock.monotonic()
            counters.units += 1
            counters.keyframes += unit.is_keyframe
            self._parameters = unit.parameters
            self._cache.feed(unit)
        for sink in self._sinks:
            sink.take(unit)
        for subscription in self._subscriptions:
            if is_audio and not subscription.audio:
                continue
            dropped = subscription.dropped
            subscription.offer(unit)
            counters.dropped_units += subscription.dropped - dropped

    def _end_session(self, fault: Fault | None) -> None:
        self._cache.clear()
        self._audio_parameters = None
        for sink in self._sinks:
            sink.end_session(fault)
        for subscription in self._subscriptions:
            if subscription.across_sessions:
                subscription.await_keyframe()
            else:
                subscription.end(fault)
