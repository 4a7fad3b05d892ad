"""When cameras are recorded, through the API and down to the ledger."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import msgspec
import pytest

from tests.support.asgi import VIEWER
from tests.support.vst_running import Running, running, settings_of
from vedette.kernel.clock import SystemClock, to_iso
from vedette.schema.alert import AlertMessage
from vedette.schema.identity import Role, Subject
from vedette.schema.topics import MDX_ALERTS
from vedette.services.vst.core.space import Room
from vedette.tools.camera import Camera, open_scene

pytestmark = pytest.mark.anyio
SECOND_US = 1_000_000


@asynccontextmanager
async def a_camera() -> AsyncIterator[Camera]:
    scenes = {"scene": open_scene(fps=10, width=320, height=180), "small": open_scene(fps=5, width=320, height=180)}
    async with Camera(scenes, clock=SystemClock()) as camera:
        yield camera


@asynccontextmanager
async def a_gate(data_dir: Path, **settings: Any) -> AsyncIterator[tuple[Running, str, Camera]]:
    """A VST that knows one camera, which is online."""
    async with a_camera() as camera, running(data_dir, settings=settings_of(**settings)) as vst:
        sensor_id = await vst.add(camera.url("scene"), "Gate", subUrl=camera.url("small"))
        await vst.until_online(sensor_id)
        yield vst, sensor_id, camera


async def state(vst: Running, stream_id: str) -> str:
    return str((await vst.ask("GET", f"/record/{stream_id}/status")).json["recordingStatus"])


async def set_mode(vst: Running, stream_id: str, mode: str, **more: Any) -> None:
    reply = await vst.ask("POST", f"/record/{stream_id}/mode", body={"mode": mode, **more})
    assert reply.status == 200, reply.body


async def seconds(vst: Running, stream_id: str) -> dict[str, float]:
    found: dict[str, float] = (await vst.ask("GET", f"/record/{stream_id}/coverage")).json["seconds"]
    return found


async def until_counted(vst: Running, stream_id: str, kind: str, least: float) -> dict[str, float]:
    with anyio.fail_after(30):
        while (found := await seconds(vst, stream_id))[kind] < least:
            await anyio.sleep(0.05)
    return found


def sub_of(streams: list[Any]) -> str:
    return str(next(item["streamId"] for item in streams if not item["isMain"]))


async def test_a_stream_is_recorded_always_until_somebody_says_otherwise(data_dir: Path) -> None:
    async with a_gate(data_dir) as (vst, gate, _camera):
        assert await state(vst, gate) == "alwaysOn"
        await vst.until_recorded(gate, 1)
        await set_mode(vst, gate, "off")
        assert await state(vst, gate) == "off"
        before = await until_counted(vst, gate, "not_scheduled", 1.5)
        assert (await vst.ask("GET", "/record/status")).json[gate] == {"id": gate, "recording_status": "off"}
        await set_mode(vst, gate, "always")
        after = await until_counted(vst, gate, "recorded", before["recorded"] + 1)
        assert after["recorder_down"] < 1.0
        gaps = (await vst.ask("GET", f"/record/{gate}/gaps")).json
        assert "switched_off" in {gap["cause"] for gap in gaps}


async def test_start_and_stop_by_hand_are_recorded_to_the_second(data_dir: Path) -> None:
    async with a_gate(data_dir, record=False) as (vst, gate, _camera):
        assert await state(vst, gate) == "off"
        assert (await vst.ask("POST", f"/record/{gate}/start")).status == 409
        await set_mode(vst, gate, "manual")
        assert (await vst.ask("POST", f"/record/{gate}/start")).status == 200
        assert await state(vst, gate) == "user"
        await until_counted(vst, gate, "recorded", 1.5)
        assert (await vst.ask("POST", f"/record/{gate}/stop")).status == 200
        assert await state(vst, gate) == "off"
        done = await until_counted(vst, gate, "not_scheduled", 1)
        assert done["recorded"] < 20
        await set_mode(vst, gate, "always")
        assert (await vst.ask("POST", f"/record/{gate}/stop")).status == 409


async def test_a_start_by_hand_goes_on_after_a_restart(data_dir: Path) -> None:
    async with a_camera() as camera:
        async with running(data_dir, settings=settings_of(record=False)) as vst:
            gate = await vst.add(camera.url("scene"), "Gate")
            await set_mode(vst, gate, "manual")
            await vst.ask("POST", f"/record/{gate}/start")
        async with running(data_dir, settings=settings_of(record=False)) as vst:
            assert await state(vst, gate) == "user"
            await vst.until_recorded(gate, 1)


async def test_an_event_is_recorded_with_its_pre_roll(data_dir: Path) -> None:
    async with a_gate(data_dir, record=False) as (vst, gate, _camera):
        await set_mode(vst, gate, "event", preRollSeconds=2, postRollSeconds=2)
        await until_counted(vst, gate, "not_scheduled", 4)
        asked_us = SystemClock().now()
        assert (await vst.ask("POST", f"/record/{gate}/event")).status == 200
        assert await state(vst, gate) == "event"
        spans = await vst.until_recorded(gate, 3)
        assert spans[0].start_us < asked_us - SECOND_US
        with anyio.fail_after(30):
            while await state(vst, gate) != "off":
                await anyio.sleep(0.05)
        assert (await seconds(vst, gate))["recorded"] < 12


async def test_an_alert_of_analytics_is_recorded(data_dir: Path) -> None:
    async with a_gate(data_dir, record=False) as (vst, gate, _camera):
        await set_mode(vst, gate, "event", preRollSeconds=0, postRollSeconds=1)
        began = to_iso(SystemClock().now())
        alert = AlertMessage(
            id="a", sensor_id="Gate", type="roi", rule_type="occupancy", rule_id="r", start_timestamp=began
        )
        await vst.bus.publish(MDX_ALERTS, [msgspec.json.encode(alert)])
        await vst.until_recorded(gate, 1)
        assert await state(vst, gate) == "event"
        ended = msgspec.structs.replace(alert, end_timestamp=to_iso(SystemClock().now()))
        await vst.bus.publish(MDX_ALERTS, [msgspec.json.encode(ended)])
        with anyio.fail_after(30):
            while await state(vst, gate) != "off":
                await anyio.sleep(0.05)


async def test_a_recorder_that_fails_is_told(data_dir: Path) -> None:
    async with a_gate(data_dir) as (vst, gate, _camera):
        vst.service._parts.disk.room = Room.NONE
        with anyio.fail_after(30):
            while await state(vst, gate) != "error":
                await anyio.sleep(0.05)
        await set_mode(vst, gate, "off")
        assert await state(vst, gate) == "off"


async def test_the_schedule_in_the_words_of_the_published_routes(data_dir: Path) -> None:
    async with a_gate(data_dir) as (vst, gate, _camera):
        path = f"/record/{gate}/schedule"
        assert (await vst.ask("GET", path)).json == []
        every = {"startTime": "* * * * *", "endTime": "0 0 1 1 *"}
        monday = {"startTime": "0 8 * * 1", "endTime": "0 18 * * 1"}
        assert (await vst.ask("POST", path, body=[every, monday])).status == 200
        assert (await vst.ask("GET", path)).json == [every, monday]
        assert await state(vst, gate) == "schedule"
        query = "startTime=*%20*%20*%20*%20*&endTime=0%200%201%201%20*"
        assert (await vst.ask("DELETE", f"{path}?{query.split('&')[0]}")).status == 400
        assert (await vst.ask("DELETE", f"{path}?{query}")).status == 200
        assert (await vst.ask("DELETE", f"{path}?{query}")).status == 404
        mode = (await vst.ask("GET", f"/record/{gate}/mode")).json
        assert mode["mode"] == "schedule"
        assert mode["schedule"] == [{"cron": "0 8 * * 1", "durationSeconds": 0, "end": "0 18 * * 1"}]
        assert (await vst.ask("POST", path, body=[{"startTime": "*/5 * * * *", "endTime": "* * * * *"}])).status == 400


NONSENSE: list[Any] = [
    {"mode": "sometimes"},
    {"mode": "schedule", "timeZone": "Mars/Olympus"},
    {"mode": "schedule", "schedule": [{"cron": "x", "durationSeconds": 5}]},
    {"mode": "schedule", "schedule": [{"cron": "0 8 * * *"}]},
    {"mode": "event", "preRollSeconds": -1},
    {"mode": "always", "more": 1},
    {},
]


async def test_modes_that_make_no_sense_are_refused(data_dir: Path) -> None:
    async with a_gate(data_dir) as (vst, gate, _camera):
        for body in NONSENSE:
            reply = await vst.ask("POST", f"/record/{gate}/mode", body=body)
            assert (reply.status, reply.json["error_code"]) == (400, "InvalidParameterError")
        assert await state(vst, gate) == "alwaysOn"


async def test_a_sub_stream_is_listed_and_read_only_when_a_rule_wants_it(data_dir: Path) -> None:
    async with a_gate(data_dir) as (vst, gate, camera):
        [listed] = (await vst.ask("GET", "/sensor/streams")).json
        [main, small] = listed[gate]
        assert (main["streamId"], main["isMain"]) == (gate, True)
        assert (small["isMain"], small["url"]) == (False, camera.url("small"))
        low = small["streamId"]
        assert await state(vst, low) == "off"
        assert vst.service.sensors.find(low) is None
        assert (await vst.ask("GET", f"/live/stream/{low}/picture")).status == 503
        assert (await vst.ask("GET", f"/record/{low}/timelines")).json == []
        await set_mode(vst, low, "always")
        await vst.until_recorded(low, 1)
        assert [event.event.camera_id for event in vst.events()] == [gate] * len(vst.events())
        with anyio.fail_after(20):
            while len((live := (await vst.ask("GET", "/live/streams")).json)[0][gate]) < 2:
                await anyio.sleep(0.05)
        assert [item["streamId"] for item in live[0][gate]] == [gate, low]
        assert (await vst.ask("GET", f"/live/stream/{low}/picture")).body.startswith(b"\xff\xd8\xff")
        await set_mode(vst, low, "off")
        assert vst.service.sensors.find(low) is None
        assert (await vst.ask("DELETE", f"/sensor/{gate}?deleteRecordings=true")).status == 200
        assert await vst.service.footage.usage() == {}


async def test_a_stream_is_added_under_an_id_that_others_keep(data_dir: Path) -> None:
    async with a_camera() as camera, running(data_dir) as vst:
        body = {"id": "yard-1", "url": camera.url("scene"), "codec": "h264"}
        assert (await vst.ask("POST", "/record/stream/add", body=body)).status == 200
        assert (await vst.ask("POST", "/record/stream/add", body=body)).status == 200
        other = await vst.ask("POST", "/record/stream/add", body=body | {"url": camera.url("small")})
        assert other.status == 409
        assert (await vst.ask("POST", "/record/stream/add", body={"id": "x"})).status == 400
        await vst.until_recorded("yard-1", 1)
        assert (await vst.ask("DELETE", "/record/yard-1")).status == 200
        assert await state(vst, "yard-1") == "off"
        assert (await vst.ask("GET", "/record/timelines?streams=yard-1")).json["yard-1"]
        assert (await vst.ask("GET", "/record/timelines?streams=other")).json == {}


async def test_who_may_see_one_camera_may_see_its_sub_stream_and_change_nothing(data_dir: Path) -> None:
    async with a_gate(data_dir) as (vst, gate, _camera):
        low = sub_of((await vst.ask("GET", f"/sensor/{gate}/streams")).json)
        mine = Subject(id="v", name="v", role=Role.VIEWER, sensors=[gate])
        stranger = Subject(id="s", name="s", role=Role.OPERATOR, sensors=["another"])
        assert (await vst.ask("GET", f"/record/{low}/mode", subject=mine)).status == 200
        assert (await vst.ask("GET", f"/record/{low}/mode", subject=stranger)).status in (403, 404)
        for verb in ("start", "stop", "event"):
            assert (await vst.ask("POST", f"/record/{gate}/{verb}", subject=VIEWER)).status == 403


async def test_unknown_streams_are_not_found(data_dir: Path) -> None:
    async with running(data_dir) as vst:
        for method, path in [
            ("GET", "status"), ("GET", "mode"), ("GET", "schedule"), ("POST", "start"), ("POST", "stop"),
            ("POST", "event"), ("GET", "timelines"),
        ]:  # fmt: skip
            assert (await vst.ask(method, f"/record/nobody/{path}")).status == 404
        assert (await vst.ask("DELETE", "/record/nobody")).status == 404
        help_text = (await vst.ask("GET", "/record/help")).json
        assert {"endpoint": "/record/status", "method": "GET"} in help_text
