"""The live socket: what is pushed to whom, and what a slow viewer loses."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import msgspec
import pytest

from tests.support.analytics import Bench, Running, device_event, frame, walk
from tests.support.asgi import ADMIN
from vedette.kernel.http import SUBJECT
from vedette.schema.identity import Role, Subject
from vedette.services.analytics.service.live import Live, Viewer

pytestmark = pytest.mark.anyio


class Socket:
    """The client's end of a WebSocket that is spoken to in the same process."""

    def __init__(self) -> None:
        self.to_app: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.from_app: asyncio.Queue[Any] = asyncio.Queue()

    async def next(self) -> Any:
        with anyio.fail_after(10):
            return await self.from_app.get()

    def pending(self) -> list[Any]:
        return [msgspec.json.decode(self.from_app.get_nowait()["text"]) for _ in range(self.from_app.qsize())]


@asynccontextmanager
async def connected(running: Running, query: str = "", subject: Subject | None = ADMIN) -> AsyncIterator[Socket]:
    socket = Socket()
    scope: dict[str, Any] = {
        "type": "websocket",
        "asgi": {"version": "3.0"},
        "scheme": "ws",
        "path": "/ws-emdx/",
        "raw_path": b"/ws-emdx/",
        "query_string": query.encode(),
        "root_path": "",
        "headers": [],
        "subprotocols": [],
        "client": ("127.0.0.1", 1),
        "server": ("localhost", 80),
        "state": {},
    }
    if subject is not None:
        scope[SUBJECT] = subject

    async def serve() -> None:
        await running.service.app(scope, socket.to_app.get, socket.from_app.put)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(serve)
        await socket.to_app.put({"type": "websocket.connect"})
        yield socket
        await socket.to_app.put({"type": "websocket.disconnect", "code": 1000})


async def test_frames_crossings_and_alerts_are_pushed(tmp_path: Path) -> None:
    rule = {"id": "hall", "ruleType": "occupancy", "countThreshold": 1, "ruleId": "r1", "coolDown": 60}
    async with Bench(tmp_path).running() as running:
        await running.publish(frame(0))
        await running.configure()
        body = {"sensorId": "cam", "rules": [rule]}
        await running.ask("POST", "/emdx/api/v2/config/rule/alerts/roi", body)
        async with connected(running, "sensorId=cam") as socket:
            assert (await socket.next())["type"] == "websocket.accept"
            for item in walk("1", (200, 150), (200, 50), begin=1, seconds=2):
                await running.publish(item, frame(0, sensor="other"))
            said = socket.pending()
        assert not running.service.live.is_watched
    frames = [item for item in said if item["type"] == "frame"]
    assert {item["sensorId"] for item in said} == {"cam"}
    assert frames[0]["counts"] == {
        "fov": {"Person": 1},
        "rois": {"hall": {"Person": 1}},
        "tripwires": {"door": {"IN": 0, "OUT": 0}},
    }
    assert frames[-1]["counts"]["tripwires"] == {"door": {"IN": 1, "OUT": 0}}
    assert frames[0]["objects"][0]["bbox"] == {"leftX": 190, "topY": 90, "rightX": 210, "bottomY": 150}
    crossing = next(item for item in said if item["type"] == "crossing")
    assert (crossing["tripwireId"], crossing["direction"], crossing["objectId"]) == ("door", "IN", "1")
    assert crossing["point"] == {"x": 200, "y": 100}
    assert [item["direction"] for item in said if item["type"] == "visit"] == ["ENTRY", "EXIT"]
    alerts = [item for item in said if item["type"] == "alert"]
    assert [(item["state"], item["alertType"], item["ruleType"]) for item in alerts] == [
        ("raised", "roi", "occupancy"),
        ("cleared", "roi", "occupancy"),
    ]


async def test_a_limited_viewer_sees_its_sensors_only(tmp_path: Path) -> None:
    viewer = Subject(id="u", name="u", role=Role.VIEWER, sensors=["uuid-1"])
    async with Bench(tmp_path).running() as running:
        await running.announce(device_event("uuid-1", "cam"), device_event("uuid-2", "gate"))
        async with connected(running, "", viewer) as socket:
            await socket.next()
            await running.publish(frame(1, sensor="gate"), frame(1, sensor="cam"))
            assert [item["sensorId"] for item in socket.pending()] == ["cam"]


@pytest.mark.parametrize("query", ["sensorId=gate", "sensorId=cam&sensorId=uuid-2", "sensorId=nobody"])
async def test_foreign_and_unknown_sensors_are_refused(tmp_path: Path, query: str) -> None:
    viewer = Subject(id="u", name="u", role=Role.VIEWER, sensors=["uuid-1"])
    async with Bench(tmp_path).running() as running:
        await running.announce(device_event("uuid-1", "cam"), device_event("uuid-2", "gate"))
        async with connected(running, query, viewer) as socket:
            refusal = await socket.next()
    assert (refusal["type"], refusal["code"]) == ("websocket.close", 1008)


async def test_nobody_is_refused(tmp_path: Path) -> None:
    async with Bench(tmp_path).running() as running, connected(running, "", None) as socket:
        assert (await socket.next())["type"] == "websocket.close"


async def test_a_slow_viewer_loses_frames_and_no_events() -> None:
    live = Live()
    with live.watching(None) as viewer:
        for number in range(100):
            live.push("cam", b"frame %d" % number, droppable=True)
            live.push("cam", b"event %d" % number)
        got = [await viewer.next() for _ in range(108)]
    assert got[:100] == [b"event %d" % number for number in range(100)]
    assert got[100:] == [b"frame %d" % number for number in range(92, 100)]


async def test_a_viewer_that_is_far_behind_is_given_up() -> None:
    viewer = Viewer(None)
    for _ in range(2001):
        viewer.offer(b"event", droppable=False)
    assert await viewer.next() is None
