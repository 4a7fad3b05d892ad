"""The bus: ordered topics of opaque payloads, read from a position. One contract, three implementations.

A topic is written by one owner (`schema.topics`), capped in length, and holds bytes; what they mean is an encoding's
matter. Delivery is at least once: whoever must count once keeps the position beside its result.
"""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from typing import Protocol, override

from vedette.schema.topics import Topic

type Position = str
START: Position = "0-0"


@dataclass(frozen=True, slots=True)
class Entry:
    """One message with its place in the topic."""

    position: Position
    payload: bytes


@dataclass(frozen=True, slots=True)
class Batch:
    """Consecutive entries of one topic, never empty."""

    topic: Topic
    entries: tuple[Entry, ...]

    @property
    def last(self) -> Position:
        """The position to continue after."""
        return self.entries[-1].position


class Bus(Protocol):
    """What services know of one another."""

    async def publish(self, topic: Topic, messages: Sequence[bytes]) -> Position:
        """Appends in order, in one round trip; returns the position of the last. Fault 503 when the bus is away."""

    def subscribe(self, topic: Topic, after: Position = START, *, most: int = 256) -> AsyncGenerator[Batch]:
        """Entries after the position, then those to come, in batches of up to `most`. Raises Fault 503 when the bus is
        away; start again at the last position."""

    async def latest(self, topic: Topic) -> Position:
        """The position of the newest entry, or START in an empty topic: subscribe after it to see only what is new."""

    async def close(self) -> None:
        """Lets go of connections; subscriptions end."""


class MemoryBus(Bus):
    """The same contract inside one process, for tests."""

    def __init__(self) -> None:
        self._entries: dict[str, deque[tuple[int, bytes]]] = {}
        self._counter = 0
        self._changed = asyncio.Condition()
        self._closed = False

    @override
    async def publish(self, topic: Topic, messages: Sequence[bytes]) -> Position:
        async with self._changed:
            entries = self._entries.setdefault(topic.name, deque(maxlen=topic.cap))
            for message in messages:
                self._counter += 1
                entries.append((self._counter, bytes(message)))
            self._changed.notify_all()
        return _position(self._counter)

    @override
    async def subscribe(self, topic: Topic, after: Position = START, *, most: int = 256) -> AsyncGenerator[Batch]:
        seen = _number(after)
        while not self._closed:
            async with self._changed:
                fresh = [item for item in self._entries.get(topic.name, ()) if item[0] > seen][:most]
                if not fresh:
                    await self._changed.wait()
                    continue
            seen = fresh[-1][0]
            yield Batch(topic, tuple(Entry(_position(number), payload) for number, payload in fresh))

    @override
    async def latest(self, topic: Topic) -> Position:
        entries = self._entries.get(topic.name)
        return _position(entries[-1][0]) if entries else START

    @override
    async def close(self) -> None:
        self._closed = True
        async with self._changed:
            self._changed.notify_all()


def _position(number: int) -> Position:
    return f"{number}-0"


def _number(position: Position) -> int:
    return int(position.partition("-")[0])
