"""One contract, three buses: in memory, the embedded server, an external one by URL."""

import contextlib
import itertools
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import anyio
import pytest

from vedette.kernel.bus import START, Bus, Entry, MemoryBus
from vedette.kernel.bus_redis import RedisBus
from vedette.kernel.clock import SystemClock
from vedette.kernel.errors import Fault
from vedette.kernel.process import Child
from vedette.kernel.valkey import EmbeddedValkey, server_binary
from vedette.schema.topics import MDX_RAW, VST_EVENT, Topic

pytestmark = pytest.mark.anyio
KINDS = ["memory", "embedded", "external"]


@contextlib.asynccontextmanager
async def open_bus(kind: str, folder: Path) -> AsyncIterator[Bus]:
    if kind == "memory":
        bus: Bus = MemoryBus()
        yield bus
        await bus.close()
        return
    async with anyio.create_task_group() as tasks:
        if kind == "embedded":
            server = EmbeddedValkey(folder, folder / "bus.sock", SystemClock())
            tasks.start_soon(server.run)
            await server.wait_ready()
            url = server.url
        else:
            url = await _external(tasks, folder)
        bus = RedisBus(url)
        try:
            yield bus
        finally:
            await bus.close()
            tasks.cancel_scope.cancel()


async def _external(tasks: anyio.abc.TaskGroup, folder: Path) -> str:
    """A server over TCP that somebody else runs."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    argv = [server_binary(), "--port", str(port), "--bind", "127.0.0.1", "--dir", str(folder), "--save", ""]
    tasks.start_soon(Child("external", argv, clock=SystemClock()).run)
    for _ in range(200):
        with contextlib.suppress(OSError):
            stream = await anyio.connect_tcp("127.0.0.1", port)
            await stream.aclose()
            return f"redis://127.0.0.1:{port}"
        await anyio.sleep(0.02)
    raise AssertionError("the external server did not start")


async def take(bus: Bus, topic: Topic, after: str, count: int, most: int = 256) -> list[Entry]:
    entries: list[Entry] = []
    with anyio.fail_after(10):
        async with contextlib.aclosing(bus.subscribe(topic, after, most=most)) as batches:
            async for batch in batches:
                assert 0 < len(batch.entries) <= most
                assert batch.topic is topic
                entries.extend(batch.entries)
                if len(entries) >= count:
                    break
    return entries


@pytest.mark.parametrize("kind", KINDS)
async def test_what_is_published_is_read_in_order(kind: str, tmp_path: Path) -> None:
    async with open_bus(kind, tmp_path) as bus:
        payloads = [f"message {number}".encode() for number in range(40)]
        last = await bus.publish(MDX_RAW, payloads[:25])
        assert await bus.latest(MDX_RAW) == last
        await bus.publish(MDX_RAW, payloads[25:])
        entries = await take(bus, MDX_RAW, START, 40, most=7)
        assert [entry.payload for entry in entries] == payloads
        assert entries[24].position == last


@pytest.mark.parametrize("kind", KINDS)
async def test_reading_goes_on_after_a_position(kind: str, tmp_path: Path) -> None:
    async with open_bus(kind, tmp_path) as bus:
        await bus.publish(MDX_RAW, [b"a", b"b", b"c", b"d"])
        entries = await take(bus, MDX_RAW, START, 4)
        rest = await take(bus, MDX_RAW, entries[1].position, 2)
        assert [entry.payload for entry in rest] == [b"c", b"d"]


@pytest.mark.parametrize("kind", KINDS)
async def test_a_reader_waits_for_what_comes(kind: str, tmp_path: Path) -> None:
    async with open_bus(kind, tmp_path) as bus:
        await bus.publish(VST_EVENT, [b"old"])
        start = await bus.latest(VST_EVENT)
        seen: list[Entry] = []

        async def read() -> None:
            seen.extend(await take(bus, VST_EVENT, start, 1))

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(read)
            await anyio.wait_all_tasks_blocked()
            await bus.publish(VST_EVENT, [b"new"])
        assert [entry.payload for entry in seen] == [b"new"]


@pytest.mark.parametrize("kind", KINDS)
async def test_topics_are_apart_and_an_empty_one_starts_at_the_start(kind: str, tmp_path: Path) -> None:
    async with open_bus(kind, tmp_path) as bus:
        await bus.publish(MDX_RAW, [b"frame"])
        assert await bus.latest(VST_EVENT) == START
        await bus.publish(VST_EVENT, [b"event"])
        assert [entry.payload for entry in await take(bus, VST_EVENT, START, 1)] == [b"event"]


@pytest.mark.parametrize("kind", KINDS)
async def test_any_bytes_pass_unchanged(kind: str, tmp_path: Path) -> None:
    payloads = [bytes(range(256)), b"\x00", b"x" * 100_000]
    async with open_bus(kind, tmp_path) as bus:
        await bus.publish(MDX_RAW, payloads)
        assert [entry.payload for entry in await take(bus, MDX_RAW, START, 3)] == payloads


@pytest.mark.parametrize("kind", KINDS)
async def test_a_topic_is_capped(kind: str, tmp_path: Path) -> None:
    topic = Topic("capped", "test", "metadata", MDX_RAW.message, 200)
    async with open_bus(kind, tmp_path) as bus:
        for chunk in itertools.batched((str(number).encode() for number in range(2000)), 500):
            await bus.publish(topic, chunk)
        entries = await take(bus, topic, START, 200)
        assert len(entries) < 500
        assert entries[-1].payload == b"1999"


async def test_a_bus_that_is_away_is_a_503_that_says_so(tmp_path: Path) -> None:
    bus = RedisBus(f"unix://{tmp_path / 'nobody.sock'}")
    for attempt in (bus.publish(MDX_RAW, [b"x"]), bus.latest(MDX_RAW), take(bus, MDX_RAW, START, 1)):
        with pytest.raises(Fault) as caught:
            await attempt
        assert caught.value.status == 503
        assert "bus does not answer" in caught.value.message
    await bus.close()


async def test_the_embedded_server_comes_back_with_what_it_had(tmp_path: Path) -> None:
    import os
    import signal

    async with anyio.create_task_group() as tasks:
        server = EmbeddedValkey(tmp_path, tmp_path / "bus.sock", SystemClock())
        tasks.start_soon(server.run)
        await server.wait_ready()
        bus = RedisBus(server.url)
        await bus.publish(MDX_RAW, [b"kept"])
        await anyio.sleep(1.2)  # the append-only file is flushed each second
        first = server.pid
        os.kill(first, signal.SIGKILL)
        while server.pid in {0, first}:
            await anyio.sleep(0.01)
        await server.wait_ready()
        assert [entry.payload for entry in await take(bus, MDX_RAW, START, 1)] == [b"kept"]
        await bus.close()
        tasks.cancel_scope.cancel()


async def test_the_socket_of_the_embedded_server_is_private(tmp_path: Path) -> None:
    async with open_bus("embedded", tmp_path):
        assert (tmp_path / "bus.sock").stat().st_mode & 0o077 == 0
