"""The hub: what each policy promises, who joins late, and how sinks learn of an end."""

from collections.abc import AsyncGenerator, Sequence
from itertools import pairwise
from typing import override

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vedette.kernel.clock import FakeClock
from vedette.kernel.errors import Fault, unavailable
from vedette.media.hub import DropOldestGop, Hub, Sink, Subscription
from vedette.media.source import Source
from vedette.media.unit import AccessUnit, CodecParameters

PARAMETERS = CodecParameters("h264", b"sets", 640, 360)
GONE = unavailable("The camera is gone.")
pytestmark = pytest.mark.anyio


def unit(number: int, *, size: int = 1, gop: int = 5) -> AccessUnit:
    return AccessUnit(bytes(size), number * 3000, number * 3000, number, number % gop == 0, PARAMETERS)


def numbers(units: Sequence[AccessUnit]) -> list[int]:
    return [some.wall_us for some in units]


class Feed(Source):
    """A source that a test plays by hand; a Fault is raised, None is a clean end."""

    def __init__(self) -> None:
        self.send, self._receive = anyio.create_memory_object_stream[AccessUnit | Fault | None](0)
        self.closed = anyio.Event()

    @override
    async def units(self) -> AsyncGenerator[AccessUnit]:
        try:
            async with self.send, self._receive:
                async for item in self._receive:
                    if isinstance(item, Fault):
                        raise item
                    if item is None:
                        return
                    yield item
        finally:
            self.closed.set()


async def play(hub: Hub, *items: AccessUnit | Fault | None) -> Fault | None:
    """One session of these items; returns the fault it ended with."""
    feed = Feed()
    fault: list[Fault] = []

    async def session() -> None:
        try:
            await hub.run(feed)
        except Fault as error:
            fault.append(error)

    async with anyio.create_task_group() as group:
        group.start_soon(session)
        for item in items:
            await feed.send.send(item)
    return fault[0] if fault else None


async def read(subscription: Subscription, count: int) -> list[int]:
    with anyio.fail_after(5):
        return [(await anext(subscription)).wall_us for _ in range(count)]


async def rest(subscription: Subscription) -> list[int]:
    with anyio.fail_after(5):
        return [item.wall_us async for item in subscription]


# --- queues --------------------------------------------------------------------------------------


@given(st.lists(st.tuples(st.integers(0, 9), st.booleans(), st.integers(0, 3)), max_size=60), st.integers(1, 30))
def test_a_dropping_queue_is_bounded_and_whole_from_keyframe_on(
    offers: list[tuple[int, bool, int]], limit: int
) -> None:
    """Random sizes, keyframes and readers: what comes out is in order, and every jump lands on a keyframe."""

    async def run() -> None:
        subscription = Subscription(DropOldestGop(limit), (), across_sessions=False)
        read: list[AccessUnit] = []
        joined = False
        offered = 0
        for number, (size, is_keyframe, reads) in enumerate(offers):
            some = AccessUnit(bytes(size), 0, 0, number, is_keyframe, PARAMETERS)
            joined = joined or is_keyframe
            offered += joined
            subscription.offer(some)
            assert subscription.queued_bytes <= max(limit, size)
            for _ in range(reads):
                if subscription.queued_bytes:
                    read.append(await anext(subscription))
        subscription.end(None)
        read += [item async for item in subscription]
        assert len(read) + subscription.dropped == offered
        assert not read or read[0].is_keyframe
        assert all(b.wall_us == a.wall_us + 1 or (b.is_keyframe and b.wall_us > a.wall_us) for a, b in pairwise(read))

    anyio.run(run)


async def test_the_burst_of_a_joining_viewer_may_exceed_its_bound() -> None:
    backlog = tuple(unit(number, size=10) for number in range(5))
    subscription = Subscription(DropOldestGop(20), backlog, across_sessions=False)
    subscription.offer(unit(6, size=10))
    assert subscription.dropped == 0
    assert await read(subscription, 6) == [0, 1, 2, 3, 4, 6]


# --- fan-out -------------------------------------------------------------------------------------


async def test_everyone_gets_everything_in_order() -> None:
    hub = Hub(clock=FakeClock())
    async with hub.subscribe(DropOldestGop()) as one, hub.subscribe(DropOldestGop()) as other:
        assert hub.subscribers == 2
        fault = await play(hub, *(unit(number) for number in range(12)), GONE)
        assert fault is GONE
        for subscription in (one, other):
            assert await read(subscription, 12) == list(range(12))
            with pytest.raises(Fault, match="gone"):
                await anext(subscription)
    assert hub.subscribers == 0
    counters = hub.counters
    assert (counters.sessions, counters.units, counters.keyframes, counters.bytes) == (1, 12, 3, 12)
    assert hub.parameters is PARAMETERS
    assert not hub.running


async def test_a_sink_before_the_first_keyframe_waits_for_it() -> None:
    hub = Hub(clock=FakeClock())
    async with hub.subscribe(DropOldestGop()) as subscription:
        await play(hub, *(unit(number) for number in range(3, 8)), None)
        assert await rest(subscription) == [5, 6, 7]


@pytest.mark.parametrize("from_cache", [True, False])
async def test_who_joins_late_gets_the_gop(from_cache: bool) -> None:
    hub, feed = Hub(clock=FakeClock()), Feed()
    async with anyio.create_task_group() as group:
        group.start_soon(hub.run, feed)
        for number in range(8):
            await feed.send.send(unit(number))
        await anyio.wait_all_tasks_blocked()
        assert numbers(hub.cached_units()) == [5, 6, 7]
        async with hub.subscribe(DropOldestGop(), from_cache=from_cache) as subscription:
            for number in range(8, 12):
                await feed.send.send(unit(number))
            await feed.send.send(None)
            assert await rest(subscription) == list(range(5 if from_cache else 10, 12))
    assert hub.cached_units() == ()


async def test_a_slow_viewer_drops_to_a_keyframe_and_harms_nobody() -> None:
    hub = Hub(clock=FakeClock())
    async with hub.subscribe(DropOldestGop(max_bytes=7)) as slow, hub.subscribe(DropOldestGop()) as recorder:
        await play(hub, *(unit(number) for number in range(23)), None)
        assert await rest(recorder) == list(range(23))
        got = await rest(slow)
        assert got == [20, 21, 22]
        assert slow.dropped == hub.counters.dropped_units == 20


# --- sinks and sound ------------------------------------------------------------------------------


class Recording(Sink):
    """Keeps what it is given."""

    def __init__(self) -> None:
        self.units: list[AccessUnit] = []
        self.ends: list[Fault | None] = []

    @override
    def take(self, unit: AccessUnit) -> None:
        self.units.append(unit)

    @override
    def end_session(self, fault: Fault | None) -> None:
        self.ends.append(fault)


def heard(number: int) -> AccessUnit:
    return AccessUnit(b"sound", number, number, number, False, CodecParameters("aac", b"asc", sample_rate=48_000))


async def test_a_sink_takes_everything_at_once_and_hears_of_each_end() -> None:
    hub, sink = Hub(clock=FakeClock()), Recording()
    hub.attach(sink)
    await play(hub, unit(3), unit(4), heard(50), unit(5), GONE)
    await play(hub, unit(10), None)
    assert numbers(sink.units) == [3, 4, 50, 5, 10]
    assert sink.ends == [GONE, None]
    hub.detach(sink)
    await play(hub, unit(15), None)
    assert len(sink.units) == 5


async def test_sound_reaches_only_who_asks_for_it_and_counts_as_no_picture() -> None:
    hub = Hub(clock=FakeClock())
    async with (
        hub.subscribe(DropOldestGop()) as seeing,
        hub.subscribe(DropOldestGop(), audio=True) as hearing,
    ):
        await play(hub, heard(1), unit(0), heard(2), unit(1), None)
        assert await rest(seeing) == [0, 1]
        assert await rest(hearing) == [0, 2, 1]
    assert (hub.counters.units, hub.counters.keyframes, hub.counters.bytes) == (2, 1, 12)
    assert hub.parameters is PARAMETERS


# --- ends ----------------------------------------------------------------------------------------


async def test_sinks_across_sessions_go_on_at_the_next_keyframe() -> None:
    hub = Hub(clock=FakeClock())
    async with (
        hub.subscribe(DropOldestGop(), across_sessions=True) as recorder,
        hub.subscribe(DropOldestGop()) as viewer,
    ):
        await play(hub, *(unit(number) for number in range(7)), GONE)
        assert hub.cached_units() == ()
        async with hub.subscribe(DropOldestGop()) as between:
            await play(hub, *(unit(number) for number in range(8, 12)), None)
            assert await rest(between) == [10, 11]
        assert await read(recorder, 9) == [0, 1, 2, 3, 4, 5, 6, 10, 11]
        assert await read(viewer, 7) == [0, 1, 2, 3, 4, 5, 6]
        with pytest.raises(Fault, match="gone"):
            await anext(viewer)
    assert hub.counters.sessions == 2


async def test_a_stopped_session_is_a_fault_for_its_sinks_and_closes_the_source() -> None:
    hub, feed = Hub(clock=FakeClock()), Feed()
    async with hub.subscribe(DropOldestGop()) as subscription:
        async with anyio.create_task_group() as group:
            group.start_soon(hub.run, feed)
            await feed.send.send(unit(0))
            await anyio.wait_all_tasks_blocked()
            assert hub.running
            group.cancel_scope.cancel()
        assert feed.closed.is_set()
        assert await read(subscription, 1) == [0]
        with pytest.raises(Fault) as caught:
            await anext(subscription)
        assert caught.value.status == 503


async def test_closing_ends_present_and_future_sinks() -> None:
    hub = Hub(clock=FakeClock())
    async with hub.subscribe(DropOldestGop(), across_sessions=True) as early:
        hub.close(Fault("VMSNoDataError", 404, "The sensor was removed."))
        async with hub.subscribe(DropOldestGop()) as late:
            for subscription in (early, late):
                with pytest.raises(Fault, match="removed") as caught:
                    await anext(subscription)
                assert caught.value.status == 404


async def test_one_source_at_a_time() -> None:
    hub, feed = Hub(clock=FakeClock()), Feed()
    async with anyio.create_task_group() as group:
        group.start_soon(hub.run, feed)
        await anyio.wait_all_tasks_blocked()
        with pytest.raises(RuntimeError):
            await hub.run(feed)
        await feed.send.send(None)
