"""From a thread to the loop: order, the bound, both ends' ways of leaving."""

import threading
from collections.abc import Callable

import anyio
import anyio.lowlevel
import anyio.to_thread
import pytest

from vedette.kernel.errors import Fault, unavailable
from vedette.media.sources.handover import Handover
from vedette.media.unit import AccessUnit, CodecParameters

PARAMETERS = CodecParameters("h264")
GONE = unavailable("gone")
pytestmark = pytest.mark.anyio


def unit(number: int, size: int = 1) -> AccessUnit:
    return AccessUnit(bytes(size), number, number, number, True, PARAMETERS)


def started(work: Callable[[], None]) -> threading.Thread:
    thread = threading.Thread(target=work, name="puts")
    thread.start()
    return thread


async def test_everything_arrives_in_order_then_the_fault() -> None:
    handover = Handover(max_bytes=7)

    def work() -> None:
        for number in range(1000):
            assert handover.put(unit(number))
        handover.finish(GONE)

    thread = started(work)
    got = []
    with anyio.fail_after(30), pytest.raises(Fault, match="gone"):
        while True:
            some = await handover.take()
            assert 0 < sum(len(item.data) for item in some) <= 7
            got += [item.pts_90k for item in some]
    assert got == list(range(1000))
    await handover.finished.wait()
    thread.join()


async def test_a_full_queue_holds_the_thread_back() -> None:
    handover = Handover(max_bytes=2)
    reached = threading.Event()

    def work() -> None:
        for number in range(2):
            handover.put(unit(number))
        reached.set()
        handover.put(unit(2))
        handover.finish(GONE)

    thread = started(work)
    await anyio.to_thread.run_sync(reached.wait)
    assert thread.is_alive()
    assert len(await handover.take()) == 2
    assert [item.pts_90k for item in await handover.take()] == [2]
    thread.join()


async def test_a_reader_that_does_not_come_is_a_fault_for_the_thread() -> None:
    handover = Handover(max_bytes=1, stuck_s=0.01)
    handover.put(unit(0))
    with pytest.raises(Fault, match="overloaded") as caught:
        handover.put(unit(1))
    assert caught.value.status == 503


async def test_closing_frees_a_thread_that_is_held_back() -> None:
    handover = Handover(max_bytes=1)
    answers: list[bool] = []

    def work() -> None:
        answers.extend(handover.put(unit(number)) for number in range(2))
        handover.finish(GONE)

    thread = started(work)
    while not answers:
        await anyio.lowlevel.checkpoint()
    handover.close()
    await handover.finished.wait()
    thread.join()
    assert answers == [True, False] or answers == [False, False]
