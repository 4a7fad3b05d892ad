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
from vedette.media.hub import Block, DropOldestGop, Hub, Policy, Subscription
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
            assert subscription.offer(some)
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


@given(st.lists(st.integers(1, 9), max_size=60), st.integers(1, 30))
def test_a_blocking_queue_takes_all_or_says_no(sizes: list[int], limit: int) -> None:
    async def run() -> None:
        subscription = Subscription(Block(limit), (), across_sessions=False)
        read = []
        for number, size in enumerate(sizes):
            some = unit(number, size=size)
            while not subscription.offer(some):
                read.append((await anext(subscription)).wall_us)
            assert subscription.queued_bytes <= max(limit, size)
        subscription.end(None)
        assert read + [item.wall_us async for item in subscription] == list(range(len(sizes)))
        assert subscription.dropped == 0

    anyio.run(run)


async def test_the_burst_of_a_joining_viewer_may_exceed_its_bound() -> None:
    backlog = tuple(unit(number, size=10) for number in range(5))
    subscription = Subscription(DropOldestGop(20), backlog, across_sessions=False)
    assert subscription.offer(unit(6, size=10))
    assert subscription.dropped == 0
    assert await read(subscription, 6) == [0, 1, 2, 3, 4, 6]


# --- fan-out -------------------------------------------------------------------------------------


async def test_everyone_gets_everything_in_order() -> None:
    hub = Hub(clock=FakeClock())
    async with hub.subscribe(Block()) as one, hub.subscribe(DropOldestGop()) as other:
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
    async with hub.subscribe(Block()) as subscription:
        await play(hub, *(unit(number) for number in range(3, 8)), None)
        assert await rest(subscription) == [5, 6, 7]


@pytest.mark.parametrize("policy", [Block(), DropOldestGop()])
@pytest.mark.parametrize("from_cache", [True, False])
async def test_who_joins_late_gets_the_gop(policy: Policy, from_cache: bool) -> None:
    hub, feed = Hub(clock=FakeClock()), Feed()
    async with anyio.create_task_group() as group:
        group.start_soon(hub.run, feed)
        for number in range(8):
            await feed.send.send(unit(number))
        await anyio.wait_all_tasks_blocked()
        assert numbers(hub.cached_units()) == [5, 6, 7]
        async with hub.subscribe(policy, from_cache=from_cache) as subscription:
            for number in range(8, 12):
                await feed.send.send(unit(number))
            await feed.send.send(None)
            assert await rest(subscription) == list(range(5 if from_cache else 10, 12))
    assert hub.cached_units() == ()


async def test_a_slow_viewer_drops_to_a_keyframe_and_harms_nobody() -> None:
    hub = Hub(clock=FakeClock())
    async with hub.subscribe(DropOldestGop(max_bytes=7)) as slow, hub.subscribe(Block()) as recorder:
        await play(hub, *(unit(number) for number in range(23)), None)
        assert await rest(recorder) == list(range(23))
        got = await rest(slow)
        assert got == [20, 21, 22]
        assert slow.dropped == hub.counters.dropped_units == 20


# --- holding back --------------------------------------------------------------------------------


async def test_a_full_recorder_holds_the_source_back_and_loses_nothing() -> None:
    hub, feed = Hub(clock=FakeClock()), Feed()
    async with hub.subscribe(Block(max_bytes=3)) as recorder, anyio.create_task_group() as group:
        group.start_soon(hub.run, feed)
        for number in range(4):
            await feed.send.send(unit(number))
        await anyio.wait_all_tasks_blocked()
        with pytest.raises(anyio.WouldBlock):
            feed.send.send_nowait(unit(4))
        assert await read(recorder, 1) == [0]
        for number in range(4, 6):  # one unit at a time: each needs the room that the reader makes
            await anyio.wait_all_tasks_blocked()
            feed.send.send_nowait(unit(number))
            assert await read(recorder, 1) == [number - 3]
        await feed.send.send(None)
        assert await rest(recorder) == [3, 4, 5]
        assert hub.counters.overflows == 0


async def test_an_overflow_ends_that_subscription_alone() -> None:
    clock, feed = FakeClock(), Feed()
    hub = Hub(clock=clock)
    async with (
        hub.subscribe(Block(max_bytes=2)) as stuck,
        hub.subscribe(Block(max_bytes=3)) as stuck_too,
        hub.subscribe(Block()) as healthy,
        anyio.create_task_group() as group,
    ):
        group.start_soon(hub.run, feed)
        for number in range(4):
            await feed.send.send(unit(number))
            await anyio.wait_all_tasks_blocked()
            clock.advance(2.0)
            await anyio.wait_all_tasks_blocked()
        await feed.send.send(None)
        for subscription, held in ((stuck, [0, 1]), (stuck_too, [0, 1, 2])):
            assert await read(subscription, len(held)) == held
            with pytest.raises(Fault, match="could not keep up") as caught:
                await anext(subscription)
            assert caught.value.status == 503
        assert await rest(healthy) == [0, 1, 2, 3]
        assert hub.counters.overflows == 2


async def test_two_full_recorders_share_one_wait() -> None:
    clock, feed = FakeClock(), Feed()
    hub = Hub(clock=clock)
    async with (
        hub.subscribe(Block(max_bytes=1)),
        hub.subscribe(Block(max_bytes=1)),
        anyio.create_task_group() as group,
    ):
        group.start_soon(hub.run, feed)
        for number in range(2):
            await feed.send.send(unit(number))
        await anyio.wait_all_tasks_blocked()
        clock.advance(2.0)
        await anyio.wait_all_tasks_blocked()
        assert hub.counters.overflows == 2
        await feed.send.send(None)


async def test_a_full_recorder_that_leaves_lets_the_source_go_on() -> None:
    hub, feed = Hub(clock=FakeClock()), Feed()
    async with anyio.create_task_group() as group, hub.subscribe(Block()) as other:
        async with hub.subscribe(Block(max_bytes=1)):
            group.start_soon(hub.run, feed)
            for number in range(2):
                await feed.send.send(unit(number))
            await anyio.wait_all_tasks_blocked()
        await feed.send.send(unit(2))
        await feed.send.send(None)
        assert await rest(other) == [0, 1, 2]


# --- ends ----------------------------------------------------------------------------------------


async def test_sinks_across_sessions_go_on_at_the_next_keyframe() -> None:
    hub = Hub(clock=FakeClock())
    async with (
        hub.subscribe(Block(), across_sessions=True) as recorder,
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
    async with hub.subscribe(Block()) as subscription:
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
    async with hub.subscribe(Block(), across_sessions=True) as early:
        hub.close(Fault("VMSNoDataError", 404, "The sensor was removed."))
        async with hub.subscribe(Block()) as late:
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
