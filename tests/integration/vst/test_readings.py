"""Values beside the video: over HTTP, from the bus and from a real MQTT broker; what is acknowledged is stored."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiomqtt
import anyio
import msgspec
import pytest

from tests.support.asgi import VIEWER
from tests.support.mqtt_broker import mqtt_broker
from tests.support.vst_running import Running, running, settings_of
from vedette.kernel.clock import SystemClock, to_iso
from vedette.kernel.errors import Fault
from vedette.schema.sensor import SensorReading
from vedette.schema.topics import VST_READINGS
from vedette.services.vst.adapters.mqtt import MqttReader
from vedette.tools.camera import Camera, open_scene

pytestmark = pytest.mark.anyio


@asynccontextmanager
async def a_gate(data_dir: Path, **settings: Any) -> AsyncIterator[tuple[Running, str]]:
    """A VST with one sensor of the name Gate; its camera needs not be there any more."""
    async with running(data_dir, settings=settings_of(**{"record": False, "readings_max_age_h": 0, **settings})) as vst:
        if not (known := (await vst.ask("GET", "/sensor/list")).json):
            scene = {"gate": open_scene(fps=5, width=320, height=180)}
            async with Camera(scene, clock=SystemClock()) as camera:
                sensor_id = await vst.add(camera.url("gate"), "Gate")
        else:
            sensor_id = known[0]["sensorId"]
        yield vst, sensor_id


async def stored(vst: Running, sensor_id: str, query: str = "") -> list[Any]:
    reply = await vst.ask("GET", f"/sensor/{sensor_id}/data{query}")
    assert reply.status == 200, reply.body
    found: list[Any] = reply.json["readings"]
    return found


async def until_stored(vst: Running, sensor_id: str, count: int) -> list[Any]:
    with anyio.fail_after(30):
        while len(found := await stored(vst, sensor_id)) < count:
            await anyio.sleep(0.05)
    return found


async def test_values_are_stored_and_found_by_name_and_time(data_dir: Path) -> None:
    async with a_gate(data_dir) as (vst, gate):
        path, values = f"/sensor/{gate}/data", [21.5, 7, "open", True, {"x": 1, "y": [2]}]
        readings = [
            {"name": f"n{index}", "timestamp": f"2026-03-01T12:00:0{index}.123Z", "value": value, "unit": "C"}
            for index, value in enumerate(values)
        ]
        assert (await vst.ask("POST", path, body={"readings": readings})).json == {"stored": 5}
        assert (await vst.ask("POST", path, body={"readings": readings})).json == {"stored": 5}
        found = await stored(vst, gate)
        assert [item["value"] for item in found] == values
        assert found[0] == {"name": "n0", "timestamp": "2026-03-01T12:00:00.123Z", "value": 21.5, "unit": "C"}
        assert [item["name"] for item in await stored(vst, gate, "?name=n2")] == ["n2"]
        window = "?startTime=2026-03-01T12:00:01.123Z&endTime=2026-03-01T12:00:03.123Z"
        assert [item["name"] for item in await stored(vst, gate, window)] == ["n1", "n2"]
        assert [item["name"] for item in await stored(vst, gate, "?limit=2")] == ["n3", "n4"]
        now = {"readings": [{"name": "now", "value": 1}, {"name": "ms", "value": 2, "timestamp": 1_772_366_400_000}]}
        assert (await vst.ask("POST", path, body=now)).status == 200
        assert (await stored(vst, gate, "?name=ms"))[0]["timestamp"] == "2026-03-01T12:00:00.000Z"
    async with a_gate(data_dir) as (vst, gate):
        assert len(await stored(vst, gate)) == 7
        assert (await vst.ask("DELETE", f"/sensor/{gate}?deleteRecordings=true")).status == 200
        assert await stored(vst, gate) == []
        assert (await vst.ask("GET", "/sensor/nobody/data")).status == 404


NONSENSE: list[Any] = [
    {},
    {"readings": []},
    {"readings": [{"name": "a"}]},
    {"readings": [{"name": "a", "value": None}]},
    {"readings": [{"name": "a", "value": [1]}]},
    {"readings": [{"name": "", "value": 1}]},
    {"readings": [{"name": "a", "value": 1, "timestamp": "yesterday"}]},
    {"readings": [{"name": "a", "value": 1, "timestamp": "2099-01-01T00:00:00Z"}]},
    {"readings": [{"name": "good", "value": 1}, {"name": "a", "value": "x" * 20_000}]},
    {"readings": [{"name": "a", "value": 1}] * 1001},
]


async def test_values_that_make_no_sense_are_refused_and_none_of_them_is_kept(data_dir: Path) -> None:
    async with a_gate(data_dir) as (vst, gate):
        for body in NONSENSE:
            assert (await vst.ask("POST", f"/sensor/{gate}/data", body=body)).status == 400
        assert await stored(vst, gate) == []
        good = {"readings": [{"name": "a", "value": 1}]}
        assert (await vst.ask("POST", "/sensor/nobody/data", body=good)).status == 404
        assert (await vst.ask("POST", f"/sensor/{gate}/data", body=good, subject=VIEWER)).status == 403


async def test_values_from_the_bus_are_stored_once_over_a_restart(data_dir: Path) -> None:
    def message(sensor: str, value: float) -> bytes:
        at = f"2026-03-01T12:00:0{value:g}.000Z"
        return msgspec.json.encode(SensorReading(sensor_id=sensor, name="t", value=value, timestamp=at))

    async with a_gate(data_dir) as (vst, gate):
        await vst.bus.publish(VST_READINGS, [message("Gate", 1), message("Nobody", 2), b"{", message(gate, 3)])
        found = await until_stored(vst, gate, 2)
        assert [item["value"] for item in found] == [1, 3]
        assert b'readings_refused_total{way="bus"} 2.0' in vst.kernel.telemetry.render()


async def test_old_values_are_forgotten(data_dir: Path) -> None:
    async with a_gate(data_dir) as (vst, gate):
        now_us = SystemClock().now()
        old, young = to_iso(now_us - 2 * 3600 * 1_000_000), to_iso(now_us)
        readings = [{"name": "a", "value": 1, "timestamp": at} for at in (old, young)]
        assert (await vst.ask("POST", f"/sensor/{gate}/data", body={"readings": readings})).status == 200
    async with a_gate(data_dir, readings_max_age_h=1) as (vst, gate):
        with anyio.fail_after(30):
            while len(found := await stored(vst, gate)) != 1:
                await anyio.sleep(0.05)
        assert found[0]["timestamp"] == young


async def test_values_from_mqtt_are_stored_before_they_are_acknowledged(data_dir: Path, tmp_path: Path) -> None:
    with mqtt_broker(tmp_path) as port:
        async with a_gate(data_dir, mqtt_url=f"mqtt://127.0.0.1:{port}", mqtt_prefix="site") as (vst, gate):
            async with aiomqtt.Client("127.0.0.1", port) as client:
                with anyio.fail_after(60):
                    while not await stored(vst, gate):  # until the subscription stands
                        await client.publish("site/Gate/door", b'"open"', qos=1)
                        await anyio.sleep(0.1)
                await client.publish("site/Gate/t", b'{"value": 21.5, "unit": "C", "timestamp": 1772366400000}', qos=1)
                await client.publish("site/Gate/t", b"nonsense", qos=1)
                await client.publish("site/Nobody/t", b"1", qos=1)
                with anyio.fail_after(30):
                    while not (found := await stored(vst, gate, "?name=t")):
                        await anyio.sleep(0.05)
            assert found == [{"name": "t", "timestamp": "2026-03-01T12:00:00.000Z", "value": 21.5, "unit": "C"}]


async def test_a_broker_that_is_away_is_said_and_an_address_that_is_none_too() -> None:
    with pytest.raises(Fault, match="is away"):
        async for _ in MqttReader("mqtt://127.0.0.1:9", "a/+").batches():
            pass
    with pytest.raises(Fault, match="mqtt_url"):
        MqttReader("http://127.0.0.1", "a/+")
