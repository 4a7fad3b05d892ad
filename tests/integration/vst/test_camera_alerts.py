"""A dead camera is known in time, told once, and its alert ends when it is back or deleted."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest

from tests.support.vst import settled
from tests.support.vst_running import Running, running
from vedette.kernel.clock import SystemClock, from_iso
from vedette.schema.alert import AlertMessage
from vedette.schema.topics import VST_ALERTS
from vedette.services.vst.settings import VstSettings
from vedette.tools.camera import Camera, open_scene

pytestmark = pytest.mark.anyio


@asynccontextmanager
async def a_camera() -> AsyncIterator[Camera]:
    async with Camera({"gate": open_scene(fps=10, width=320, height=180)}, clock=SystemClock()) as camera:
        yield camera


def alerts(vst: Running) -> list[AlertMessage]:
    """Every alert of a camera that is on the bus."""
    entries = vst.bus._entries.get(VST_ALERTS.name, ())
    return [msgspec.json.decode(payload, type=AlertMessage) for _, payload in entries]


async def test_an_alert_begins_with_a_dead_camera_and_ends_when_it_is_back(data_dir: Path) -> None:
    async with a_camera() as camera, running(data_dir) as vst:
        sensor_id = await vst.add(camera.url("gate"), "Gate")
        await vst.until_online(sensor_id)
        assert alerts(vst) == []
        camera.stall("gate")
        await settled(lambda: len(alerts(vst)) == 1, within_s=30)
        [begun] = alerts(vst)
        assert (begun.sensor_id, begun.type, begun.rule_type, begun.end_timestamp) == ("Gate", "sensor", "offline", "")
        assert "Gate is offline" in begun.description
        assert b'sensor_offline_alert{sensor_id="%s"} 1.0' % sensor_id.encode() in vst.kernel.telemetry.render()
        camera.resume("gate")
        await settled(lambda: len(alerts(vst)) == 2, within_s=30)
        ended = alerts(vst)[1]
        assert (ended.id, ended.start_timestamp) == (begun.id, begun.start_timestamp)
        assert from_iso(ended.end_timestamp) > from_iso(begun.start_timestamp)
        assert vst.service.alerts.holding() == []


async def test_an_alert_outlives_a_restart_and_ends_with_its_sensor(data_dir: Path) -> None:
    async with running(data_dir) as vst:
        async with a_camera() as camera:
            sensor_id = await vst.add(camera.url("gate"), "Gate")
            await vst.until_online(sensor_id)
        await settled(lambda: len(alerts(vst)) == 1, within_s=30)
        begun = alerts(vst)[0].id
    async with running(data_dir) as vst:
        assert [alert.alert_id for alert in vst.service.alerts.holding()] == [begun]
        await vst.until_health(sensor_id, "offline")
        assert alerts(vst) == []
        assert (await vst.ask("DELETE", f"/sensor/{sensor_id}")).status == 200
        await settled(lambda: len(alerts(vst)) == 1)
        assert (alerts(vst)[0].id, alerts(vst)[0].end_timestamp > "") == (begun, True)
    async with running(data_dir) as vst:
        assert vst.service.alerts.holding() == []


def test_a_dead_camera_is_known_within_five_seconds_by_default() -> None:
    """Offline is counted from the last picture; beside it, a camera is looked at four times a second."""
    settings = VstSettings()
    assert settings.offline_after_s + 0.25 < 5.0
    assert settings.read_timeout_s < settings.offline_after_s
