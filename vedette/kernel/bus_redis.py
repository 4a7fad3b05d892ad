"""The bus over the Redis Streams protocol: Valkey or Redis, by URL, embedded or not."""

from collections.abc import AsyncGenerator, Sequence
from typing import Any, override

from redis import RedisError
from redis.asyncio import Redis

from vedette.kernel.bus import START, Batch, Bus, Entry, Position
from vedette.kernel.errors import Fault, unavailable
from vedette.schema.topics import Topic

_BLOCK_MS = 1000


class RedisBus(Bus):
    """One connection pool. URLs: `redis://`, `rediss://`, `unix:///path`."""

    def __init__(self, url: str) -> None:
        self._redis: Redis = Redis.from_url(url, socket_connect_timeout=3, health_check_interval=30)

    @override
    async def publish(self, topic: Topic, messages: Sequence[bytes]) -> Position:
        if not messages:
            return await self.latest(topic)
        pipeline = self._redis.pipeline(transaction=False)
        for message in messages:
            pipeline.xadd(topic.name, {topic.field: message}, maxlen=topic.cap, approximate=True)
        try:
            positions = await pipeline.execute()
        except (RedisError, OSError) as error:
            raise _away(topic, error) from error
        return _text(positions[-1])

    @override
    async def subscribe(self, topic: Topic, after: Position = START, *, most: int = 256) -> AsyncGenerator[Batch]:
        position = after
        field = topic.field.encode()
        while True:
            try:
                reply = await self._redis.xread({topic.name: position}, count=most, block=_BLOCK_MS)
            except (RedisError, OSError) as error:
                raise _away(topic, error) from error
            rows = _rows(reply)
            if not rows:
                continue
            position = _text(rows[-1][0])
            entries = tuple(Entry(_text(row[0]), row[1][field]) for row in rows if row[1] and field in row[1])
            if entries:
                yield Batch(topic, entries)

    @override
    async def latest(self, topic: Topic) -> Position:
        try:
            rows = await self._redis.xrevrange(topic.name, count=1)
        except (RedisError, OSError) as error:
            raise _away(topic, error) from error
        return _text(rows[0][0]) if rows else START

    @override
    async def close(self) -> None:
        await self._redis.aclose()


def _rows(reply: Any) -> list[tuple[bytes, dict[bytes, bytes]]]:
    """The rows of the one topic asked for; RESP2 answers a list of pairs, RESP3 a mapping."""
    if not reply:
        return []
    topics = list(reply.values()) if isinstance(reply, dict) else [pair[1] for pair in reply]
    rows = topics[0]
    # RESP3 nests the rows once more
    return rows[0] if rows and isinstance(rows[0], list) else rows


def _text(position: bytes | str | None) -> Position:
    return position.decode() if isinstance(position, bytes) else position or START


def _away(topic: Topic, error: Exception) -> Fault:
    return unavailable(f"The bus does not answer ({topic.name}): {type(error).__name__}. It is tried again by itself.")
