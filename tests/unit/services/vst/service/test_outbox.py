"""The outbox: who asks whether it was told waits for the bus, but not for one that is away."""

from collections.abc import Sequence
from typing import override

import anyio
import pytest

from vedette.kernel.bus import MemoryBus
from vedette.kernel.clock import FakeClock
from vedette.kernel.telemetry import Telemetry
from vedette.schema.topics import VST_EVENT, Topic
from vedette.services.vst.model import Sensor
from vedette.services.vst.service import events
from vedette.services.vst.service.events import Outbox
from vedette.services.vst.service.meters import Meters

pytestmark = pytest.mark.anyio
SENSOR = Sensor("cam", "Gate", "rtsp://192.0.2.1/1", 0)


class HeldBus(MemoryBus):
    """Takes nothing until it is let go."""

    def __init__(self) -> None:
        super().__init__()
        self.free = anyio.Event()

    @override
    async def publish(self, topic: Topic, messages: Sequence[bytes]) -> str:
        await self.free.wait()
        return await super().publish(topic, messages)


def outbox_on(bus: MemoryBus) -> Outbox:
    return Outbox(bus, FakeClock(), Meters(Telemetry("vst")))


async def test_told_means_that_the_bus_has_it() -> None:
    bus = HeldBus()
    outbox = outbox_on(bus)
    outbox.tell(SENSOR, "camera_add")
    outbox.tell(SENSOR, "camera_proxy")
    seen: list[str] = []

    async def ask() -> None:
        await outbox.told()
        seen.append(await bus.latest(VST_EVENT))

    async with anyio.create_task_group() as group:
        group.start_soon(outbox.run)
        group.start_soon(ask)
        await anyio.lowlevel.checkpoint()
        assert seen == []
        bus.free.set()
        with anyio.fail_after(10):
            while not seen:
                await anyio.lowlevel.checkpoint()
        group.cancel_scope.cancel()
    assert seen[0] == await bus.latest(VST_EVENT)


async def test_nothing_to_tell_is_told_already() -> None:
    with anyio.fail_after(10):
        await outbox_on(HeldBus()).told()


async def test_a_bus_that_is_away_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "_PATIENCE_S", 0.01)
    outbox = outbox_on(HeldBus())
    outbox.tell(SENSOR, "camera_add")
    with anyio.fail_after(10):
        await outbox.told()
