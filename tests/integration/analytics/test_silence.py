"""A camera that stops: what it raised does not hold for ever."""

from pathlib import Path
from typing import Any

import anyio
import msgspec
import pytest

from tests.support.analytics import Bench, Guillotine, Running, frame, window
from vedette.schema.encodings import full
from vedette.schema.topics import MDX_ALERTS, MDX_RAW
from vedette.services.analytics.model.domain import StoredAlert
from vedette.services.analytics.settings import AnalyticsSettings
from vedette.services.analytics.store.store import Store

pytestmark = pytest.mark.anyio
V2 = "/emdx/api/v2"
CROWD = {"ruleType": "occupancy", "ruleId": "crowd", "countThreshold": 1, "holdTime": 0}


def bench(folder: Path) -> Bench:
    return Bench(folder, settings=AnalyticsSettings(silence_s=60))


async def raise_an_alert(running: Running) -> None:
    await running.publish(frame(0))
    await running.ask("POST", f"{V2}/config/rule/alerts/fov", {"sensorId": "cam", "rules": [CROWD]})
    await running.publish(frame(1, ("1", 50, 50)), frame(2, ("1", 50, 50)))


async def alerts(running: Running) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await running.ask("GET", f"{V2}/alerts?{window()}"))["alerts"]
    return found


async def ended(running: Running) -> list[dict[str, Any]]:
    """The alerts, once none holds any more and all are told, or the service was killed."""
    with anyio.fail_after(20):
        while not running.guillotine.fell.is_set():
            await running.breathe()
            if all(item["endTimestamp"] for item in await alerts(running)) and not await untold(running):
                break
    return await alerts(running)


async def untold(running: Running) -> list[StoredAlert]:
    return await running.reader.read(lambda connection: Store(connection).list_unpublished_alerts())


def told(bench: Bench) -> list[tuple[str, bool, bool]]:
    said = [msgspec.json.decode(item) for item in bench.bus.said[MDX_ALERTS.name]]
    return [(item["id"], bool(item.get("endTimestamp")), reason(item) == "no data") for item in said]


def reason(alert: dict[str, Any]) -> str:
    return "".join(pair["value"] for pair in alert["attributes"] if pair["name"] == "reason")


async def test_an_alert_ends_with_the_last_frame_of_a_silent_sensor(tmp_path: Path) -> None:
    place = bench(tmp_path)
    async with place.running() as running:
        await raise_an_alert(running)
        place.clock.advance(30)
        await running.breathe()
        assert [(item["endTimestamp"], reason(item)) for item in await alerts(running)] == [("", "")]
        place.clock.advance(60)
        (found,) = await ended(running)
        place.clock.advance(600)
        await running.breathe()
        assert await alerts(running) == [found]
    assert (found["duration"], reason(found)) == (1.0, "no data")
    assert [item[1:] for item in told(place)] == [(False, False), (True, True)]


async def test_what_comes_back_raises_anew(tmp_path: Path) -> None:
    place = bench(tmp_path)
    async with place.running() as running:
        await raise_an_alert(running)
        place.clock.advance(90)
        await ended(running)
        await running.publish(frame(50, ("1", 50, 50)))
        assert [reason(item) for item in await alerts(running)] == ["", "no data"]
        await running.publish(frame(51))
        assert [(reason(item), item["duration"]) for item in await alerts(running)] == [("", 1.0), ("no data", 1.0)]


async def test_a_sensor_that_is_silent_from_a_restart_on_is_noticed(tmp_path: Path) -> None:
    place = bench(tmp_path)
    async with place.running() as running:
        await raise_an_alert(running)
    place.clock.advance(600)
    async with place.running() as running:
        assert [reason(item) for item in await alerts(running)] == [""]
        place.clock.advance(90)
        assert [reason(item) for item in await ended(running)] == ["no data"]


async def test_frames_that_wait_on_the_bus_are_no_silence(tmp_path: Path) -> None:
    place = bench(tmp_path)
    async with place.running() as running:
        await raise_an_alert(running)
        async with running.service.counting.paused():
            await place.bus.publish(MDX_RAW, [full.encode(frame(t, ("1", 50, 50))) for t in range(3, 70)])
            place.clock.advance(90)
        await running.settle()
        assert [(item["endTimestamp"], reason(item)) for item in await alerts(running)] == [("", "")]


@pytest.mark.parametrize("blow", range(1, 9))
async def test_killed_while_it_ends_the_alert_is_told_all_the_same(tmp_path: Path, blow: int) -> None:
    """The effects in question are the commit, the bus and the mark; ageing writes a few times among them."""
    place = bench(tmp_path)
    async with place.running() as running:
        await raise_an_alert(running)
    blade = Guillotine(blow)
    async with place.running(blade) as running:
        place.clock.advance(90)
        await ended(running)
    async with place.running() as running:
        place.clock.advance(90)
        (found,) = await ended(running)
    assert reason(found) == "no data"
    assert set(told(place)) == {(found["id"], False, False), (found["id"], True, True)}
