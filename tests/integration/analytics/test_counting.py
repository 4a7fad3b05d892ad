"""From the bus to the store: counted once, committed together, told afterwards."""

import shutil
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.support.analytics import ROI, START_US, WIRE, Bench, Guillotine, S, device_event, frame, walk, window
from vedette.kernel.bus import START
from vedette.schema.encodings import full, minimal
from vedette.schema.frame import EARLY, FrameMessage
from vedette.schema.topics import MDX_ALERTS, MDX_EVENTS, MDX_RAW
from vedette.services.analytics.settings import AnalyticsSettings

pytestmark = pytest.mark.anyio
V2 = "/emdx/api/v2"


def footage() -> list[list[FrameMessage]]:
    """Two people walk in and one comes back; in portions as a bus would hand them over."""
    first = walk("1", (200, 150), (200, 50), begin=1, seconds=2)
    second = walk("2", (260, 200), (260, 50), begin=4, seconds=2)
    back = walk("3", (150, 50), (150, 250), begin=7, seconds=2)
    frames = [*first, *second, *back, frame(12)]
    return [frames[i : i + 9] for i in range(0, len(frames), 9)]


ATTEMPTS = 8
CROWD = {"ruleType": "occupancy", "id": "hall", "ruleId": "crowd", "countThreshold": 1, "holdTime": 0.5}


async def whole_state(running: Any) -> dict[str, Any]:
    """Everything that clients can see of the footage."""
    ask = running.ask
    return {
        "kpi": await ask("GET", f"{V2}/metrics/tripwire?{window()}&objectType=*"),
        "wires": await ask("GET", f"{V2}/metrics/tripwire/histogram?{window()}&bucketSizeInSec=1"),
        "rois": await ask("GET", f"{V2}/metrics/occupancy/roi/histogram?{window()}&bucketSizeInSec=1"),
        "fov": await ask("GET", f"{V2}/metrics/occupancy/fov/histogram?{window()}&bucketSizeInSec=2&objectType=*"),
        "alerts": await ask("GET", f"{V2}/alerts?{window()}"),
    }


def told(bench: Bench) -> tuple[set[bytes], set[bytes]]:
    return set(bench.bus.said.get(MDX_EVENTS.name, ())), set(bench.bus.said.get(MDX_ALERTS.name, ()))


async def prepare(bench: Bench) -> None:
    async with bench.running() as running:
        await running.publish(frame(0))
        await running.configure()
        await running.ask("POST", f"{V2}/config/rule/alerts/roi", {"sensorId": "cam", "rules": [CROWD]})


async def undisturbed(folder: Path) -> tuple[dict[str, Any], tuple[set[bytes], set[bytes]], int]:
    bench, blade = Bench(folder), Guillotine()
    await prepare(bench)
    async with bench.running(blade) as running:
        for part in footage():
            await running.publish(*part)
        return await whole_state(running), told(bench), blade.effects


async def test_counts_crossings_and_alerts_of_a_scene(tmp_path: Path) -> None:
    state, (events, alerts), _ = await undisturbed(tmp_path)
    assert state["kpi"]["tripwireKpis"][0]["events"] == [
        {"type": "IN", "objects": [{"type": "*", "count": 2}, {"type": "Person", "count": 2}]},
        {"type": "OUT", "objects": [{"type": "*", "count": 1}, {"type": "Person", "count": 1}]},
    ]
    found = [msgspec.json.decode(item) for item in events]
    kinds = sorted((item["event"]["info"]["class"], item["event"]["type"]) for item in found)
    assert kinds == [("roi", "ENTRY")] * 3 + [("roi", "EXIT")] * 3 + [("tripwire", "IN")] * 2 + [("tripwire", "OUT")]
    assert {item["analyticsModule"]["id"] for item in found} == {"TripEvent", "ROIEvent"}
    assert {item["id"] for item in found} == {"cam #-# 1", "cam #-# 2", "cam #-# 3"}
    assert sorted(bool(msgspec.json.decode(item).get("endTimestamp")) for item in alerts) == [False] * 3 + [True] * 3


async def test_killed_before_or_after_every_effect_the_counts_are_the_same(tmp_path: Path) -> None:
    """After one effect is before the next, so only the last is cut on both sides. How many commits there are depends on
    what falls into one interval: a run that ended before its blow is made again."""
    expected, said, effects = await undisturbed(tmp_path / "whole")
    assert effects > 10
    await prepare(Bench(tmp_path / "prepared"))
    for blow, after in [*((blow, False) for blow in range(1, effects + 1)), (effects, True)]:
        fell = False
        for attempt in range(ATTEMPTS):
            folder = Path(shutil.copytree(tmp_path / "prepared", tmp_path / f"{blow}-{after}-{attempt}"))
            bench, blade = Bench(folder), Guillotine(blow, after=after)
            await cut(bench, blade)
            async with bench.running() as running:
                await running.settle()
                assert await whole_state(running) == expected
            assert told(bench) == said
            fell = blade.fell.is_set()
            if fell:
                break
        assert fell, (blow, after)


async def cut(bench: Bench, blade: Guillotine) -> None:
    """A life that ends when the blade falls; what the service no longer takes stays on the bus."""
    await bench.bus.publish(MDX_RAW, [full.encode(frame(0))])
    async with bench.running(blade) as running:
        for part in footage():
            if not blade.fell.is_set():
                await running.publish(*part)
            else:
                await bench.bus.publish(MDX_RAW, [full.encode(item) for item in part])


async def test_a_failure_is_retried_in_the_same_life(tmp_path: Path) -> None:
    expected, said, _ = await undisturbed(tmp_path / "whole")
    bench = Bench(tmp_path / "hurt")
    await prepare(bench)
    blade = Guillotine(3)
    async with bench.running(blade) as running:
        await running.publish(*[item for part in footage() for item in part])
        blade.fell = type(blade.fell)()
        await running.settle()
        assert await whole_state(running) == expected
    assert told(bench) == said


async def test_counts_are_committed_without_further_frames(tmp_path: Path) -> None:
    async with Bench(tmp_path).running() as running:
        await running.publish(frame(0.1, ("1", 50, 50)))
        await running.publish(frame(0.2, ("1", 50, 50), ("2", 90, 90)))
        reply = await running.ask("GET", f"{V2}/metrics/occupancy/fov/histogram?{window(0, 1)}&bucketSizeInSec=1")
    assert reply["histogram"][0]["objects"] == [{"type": "Person", "average": 1.5, "min": 1, "max": 2}]


async def test_a_bus_that_began_anew_is_read_from_its_start(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    async with bench.running() as running:
        await running.publish(*[frame(i / 10, ("1", 50, 50)) for i in range(10)])
    again = Bench(tmp_path)
    async with again.running() as running:
        await running.publish(frame(2, ("1", 50, 50)))
        reply = await running.ask("GET", f"{V2}/metrics/occupancy/fov/histogram?{window(2, 3)}")
    assert reply["histogram"][0]["objects"][0]["max"] == 1


async def test_what_is_no_frame_is_refused_and_counted(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    far = frame(3600, ("1", 1, 1))
    nameless = frame(0.3, ("1", 1, 1), sensor="")
    timeless = msgspec.structs.replace(frame(0.3), timestamp="", at_timestamp="")
    async with bench.running() as running:
        await running.publish_raw([b"", b"{", b'{"id": 7}', *(full.encode(item) for item in (far, nameless, timeless))])
        await running.publish(frame(1, ("1", 1, 1)), frame(0.5, ("1", 1, 1)))
        numbers = (await running.reply("GET", "/metrics")).body.decode()
    for reason, count in (("malformed", 4), ("future", 1), ("no sensor", 1), ("late", 1)):
        assert f'vedette_analytics_frames_refused_total{{reason="{reason}"}} {count}.0' in numbers
    assert "vedette_analytics_frames_total 1.0" in numbers


def with_past(message: FrameMessage, text: str) -> FrameMessage:
    (item,) = message.objects
    return msgspec.structs.replace(message, objects=[msgspec.structs.replace(item, info={EARLY: text})])


async def test_a_crossing_before_the_confirmation_is_counted_once_across_a_restart(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    past = ";".join(f"{START_US + t * S // 10},190,{y - 60}.00,210,{y}.00" for t, y in ((8, 180), (9, 120), (10, 80)))
    shown = [with_past(frame(1 + i / 10, ("1", 200, 80 - 20 * i)), past if i == 1 else "junk") for i in range(1, 4)]
    async with bench.running() as running:
        await running.publish(frame(0))
        await running.configure()
        await running.publish(shown[0])
    async with bench.running() as running:
        await running.publish(shown[0], *shown[1:])
        kpi = await running.ask("GET", f"{V2}/metrics/tripwire?{window()}")
        numbers = (await running.reply("GET", "/metrics")).body.decode()
    assert [item["objects"][0]["count"] for item in kpi["tripwireKpis"][0]["events"]] == [1, 0]
    events, _ = told(bench)  # a set: what was not marked as sent before the restart is sent again
    assert sorted(msgspec.json.decode(item)["event"]["type"] for item in events) == ["ENTRY", "EXIT", "IN"]
    assert "vedette_analytics_pasts_refused_total 2.0" in numbers


async def test_the_minimal_encoding_is_a_setting(tmp_path: Path) -> None:
    bench = Bench(tmp_path, settings=AnalyticsSettings(encoding="minimal"))
    async with bench.running() as running:
        await running.publish_raw([minimal.encode(frame(0.5, ("1", 50, 50)))])
        reply = await running.ask("GET", f"{V2}/metrics/occupancy/fov/histogram?{window(0, 1)}&bucketSizeInSec=1")
    assert reply["histogram"][0]["objects"][0]["average"] == 1


async def test_a_rename_keeps_the_history(tmp_path: Path) -> None:
    async with Bench(tmp_path).running() as running:
        await running.announce(device_event("uuid-1", "cam", resolution="640x360"))
        await running.publish(frame(0.5, ("1", 50, 50), size=None))
        await running.configure()
        await running.announce(device_event("uuid-1", "gate"))
        await running.publish(frame(1.5, ("1", 50, 50), sensor="gate"))
        reply = await running.ask(
            "GET", f"{V2}/metrics/occupancy/fov/histogram?{window(0, 2, sensor='gate')}&bucketSizeInSec=1"
        )
        config = await running.ask("GET", f"{V2}/config/roi?sensorId=uuid-1")
        await running.ask("GET", f"{V2}/config/roi?sensorId=cam", status=404)
    assert [bucket["objects"][0]["average"] for bucket in reply["histogram"]] == [1, 1]
    assert (config["sensorId"], config["rois"][0]["id"]) == ("gate", "hall")


async def test_a_name_that_only_frames_knew_gets_its_id_with_everything(tmp_path: Path) -> None:
    async with Bench(tmp_path).running() as running:
        await running.publish(frame(0.5, ("1", 200, 150)))
        await running.configure()
        await running.announce(device_event("uuid-1", "cam"))
        await running.publish(*walk("1", (200, 150), (200, 50), begin=1, seconds=2))
        kpi = await running.ask("GET", f"{V2}/metrics/tripwire?{window(sensor='uuid-1')}")
        fov = await running.ask("GET", f"{V2}/metrics/occupancy/fov/histogram?{window(0, 2)}&bucketSizeInSec=1")
    assert kpi["tripwireKpis"][0]["events"][0]["objects"] == [{"type": "*", "count": 1}]
    assert [bucket["objects"][0]["max"] for bucket in fov["histogram"]] == [1, 1]


async def test_a_deleted_sensor_is_forgotten_until_it_is_added_again(tmp_path: Path) -> None:
    async with Bench(tmp_path).running() as running:
        await running.announce(device_event("uuid-1", "cam"))
        await running.publish(frame(0.5))
        await running.configure()
        await running.announce(device_event("uuid-1", "cam", "camera_remove", reason="offline"))
        await running.ask("GET", f"{V2}/config/roi?sensorId=cam")
        await running.announce(device_event("uuid-1", "cam", "camera_remove", reason="deleted"), b"nonsense")
        await running.publish(frame(0.6))
        await running.ask("GET", f"{V2}/config/roi?sensorId=cam", status=404)
        await running.announce(device_event("uuid-2", "cam"))
        assert (await running.ask("GET", f"{V2}/config/roi?sensorId=cam"))["rois"] == []


async def test_a_sensor_that_was_just_added_can_be_configured_at_once(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    async with bench.running() as running:
        from vedette.schema.topics import VST_EVENT

        await bench.bus.publish(VST_EVENT, [device_event("uuid-1", "cam")])
        await running.configure()


async def test_old_counts_and_events_are_deleted(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    await prepare(bench)
    async with bench.running() as running:
        for part in footage():
            await running.publish(*part)
    bench.clock.advance(8 * 86_400)
    bench.settings = AnalyticsSettings(events_kept_days=7)
    async with bench.running() as running:
        for _ in range(20):
            await running.breathe()
        seconds = await running.ask("GET", f"{V2}/metrics/occupancy/fov/histogram?{window(0, 3)}&bucketSizeInSec=1")
        kpi = await running.ask("GET", f"{V2}/metrics/tripwire?{window()}")
        alerts = await running.ask("GET", f"{V2}/alerts/count?{window()}")
    assert [bucket["objects"][0]["max"] for bucket in seconds["histogram"]] == [1, 0, 0]
    assert kpi["tripwireKpis"][0]["events"][0]["objects"] == [{"type": "*", "count": 2}]
    assert alerts == {"count": 0}


def test_the_scene_is_what_the_tests_think() -> None:
    assert (START, START_US % (60 * S), len(WIRE["wire"]), len(ROI["coordinates"])) == ("0-0", 20 * S, 2, 4)
