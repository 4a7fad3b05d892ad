"""Time is passed in. `Instant` is integer microseconds UTC; deadlines use the monotonic clock, in seconds."""

import asyncio
import heapq
import itertools
import re
import time
from datetime import UTC, datetime
from typing import Protocol, override

from vedette.kernel.errors import invalid

type Instant = int
US_PER_SECOND = 1_000_000

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_ISO = re.compile(r"^(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:?\d\d)$", re.ASCII)


class Clock(Protocol):
    """What a service knows of time."""

    def now(self) -> Instant:
        """Wall time in microseconds UTC; may step."""

    def monotonic(self) -> float:
        """Seconds that never step; only differences mean something."""

    async def sleep(self, seconds: float) -> None:
        """Returns after `seconds` on the monotonic clock."""


class SystemClock(Clock):
    """The machine's clocks."""

    @override
    def now(self) -> Instant:
        return time.time_ns() // 1000

    @override
    def monotonic(self) -> float:
        return time.monotonic()

    @override
    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class FakeClock(Clock):
    """A clock that tests turn by hand; sleepers wake in order of their deadlines."""

    def __init__(self, start: Instant = 1_700_000_000 * US_PER_SECOND) -> None:
        self._now = start
        self._monotonic = 0.0
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        self._order = itertools.count()

    @override
    def now(self) -> Instant:
        return self._now

    @override
    def monotonic(self) -> float:
        return self._monotonic

    @override
    async def sleep(self, seconds: float) -> None:
        wake: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self._monotonic + max(0.0, seconds), next(self._order), wake))
        await wake

    def advance(self, seconds: float) -> None:
        """Moves both clocks on and wakes whoever's deadline has passed."""
        self._now += round(seconds * US_PER_SECOND)
        self._monotonic += seconds
        while self._sleepers and self._sleepers[0][0] <= self._monotonic:
            _, _, wake = heapq.heappop(self._sleepers)
            if not wake.done():
                wake.set_result(None)

    def step(self, seconds: float) -> None:
        """Moves wall time alone, as a clock correction does."""
        self._now += round(seconds * US_PER_SECOND)


def to_datetime(instant: Instant) -> datetime:
    """An aware UTC datetime, exact to the microsecond."""
    seconds, us = divmod(instant, US_PER_SECOND)
    return datetime.fromtimestamp(seconds, UTC).replace(microsecond=us)


def from_datetime(moment: datetime) -> Instant:
    """An aware datetime to microseconds UTC."""
    delta = moment - _EPOCH
    return (delta.days * 86_400 + delta.seconds) * US_PER_SECOND + delta.microseconds


def to_iso(instant: Instant) -> str:
    """`YYYY-MM-DDTHH:MM:SS.mmmZ`; what is below a millisecond is cut."""
    return to_datetime(instant).strftime("%Y-%m-%dT%H:%M:%S.") + f"{instant // 1000 % 1000:03d}Z"


def from_iso(text: str) -> Instant:
    """ISO-8601 with a zone and up to nine fractional digits to microseconds UTC; Fault 400 otherwise."""
    match = _ISO.match(text.strip())
    if match is None:
        raise invalid(f"'{text[:40]}' is not a time. Write UTC as 2026-01-31T12:00:00.000Z.")
    day, clock, fraction, zone = match.groups()
    try:
        moment = datetime.fromisoformat(f"{day}T{clock}{'+00:00' if zone == 'Z' else zone}")
    except ValueError as error:
        raise invalid(f"'{text[:40]}' is not a time: {error}.") from error
    return from_datetime(moment) + int((fraction or "0").ljust(6, "0")[:6])
