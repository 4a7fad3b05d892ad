"""Frames reach the bus in order; while it is away the newest are kept and the rest counted."""

from collections.abc import Sequence
from typing import override

import anyio
import pytest

from vedette.kernel.bus import START, MemoryBus, Position
from vedette.kernel.errors import Fault, unavailable
from vedette.schema.encodings import full, minimal
from vedette.schema.frame import FrameMessage
from vedette.schema.topics import MDX_RAW, Topic
from vedette.services.perception.service.publisher import Outlet, Publisher

OTHER = Topic("test", "perception", "metadata", FrameMessage, 100)


def message(number: int) -> FrameMessage:
    return FrameMessage(id=str(number), timestamp="2026-01-01T00:00:00.000Z", sensor_id="Gate")


class LameBus(MemoryBus):
    """Refuses until it is told not to."""

    away = True

    @override
    async def publish(self, topic: Topic, messages: Sequence[bytes]) -> Position:
        if self.away:
            raise unavailable("The bus is away.")
        return await super().publish(topic, messages)


async def ids(bus: MemoryBus, topic: Topic) -> list[str]:
    decode = full.decode if topic is MDX_RAW else minimal.decode
    async for batch in bus.subscribe(topic, START):
        return [decode(entry.payload).id for entry in batch.entries]
    return []


def test_all_topics_get_all_frames_in_order() -> None:
    async def main() -> None:
        bus = MemoryBus()
        publisher = Publisher(bus, (Outlet(MDX_RAW, "full"), Outlet(OTHER, "minimal")))
        for number in range(5):
            publisher.put(message(number))
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(publisher.run)
            await anyio.wait_all_tasks_blocked()
            tasks.cancel_scope.cancel()
        expected = [str(number) for number in range(5)]
        assert await ids(bus, MDX_RAW) == await ids(bus, OTHER) == expected
        assert (publisher.published, publisher.dropped) == (5, 0)

    anyio.run(main)


def test_what_the_bus_refused_is_sent_when_it_is_back() -> None:
    async def main() -> None:
        bus = LameBus()
        publisher = Publisher(bus, (Outlet(MDX_RAW, "full"),), size=4)
        for number in range(3):
            publisher.put(message(number))
        with pytest.raises(Fault):
            await publisher.run()
        for number in range(3, 6):
            publisher.put(message(number))
        assert publisher.dropped == 2
        bus.away = False
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(publisher.run)
            await anyio.wait_all_tasks_blocked()
            tasks.cancel_scope.cancel()
        assert await ids(bus, MDX_RAW) == ["2", "3", "4", "5"]

    anyio.run(main)
