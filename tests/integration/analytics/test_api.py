"""The published surface: shapes, windows, refusals that say what to do, permissions."""

from pathlib import Path
from typing import Any

import pytest

from tests.support.analytics import ROI, START_US, WIRE, Bench, Running, S, device_event, frame, walk, window
from vedette.kernel.clock import to_iso
from vedette.schema.identity import Role, Subject

pytestmark = pytest.mark.anyio
V2 = "/emdx/api/v2"
RULES = f"{V2}/config/rule/alerts"


def altered(base: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {**base, **changes}


def tripwires(*wires: Any, **extra: Any) -> dict[str, Any]:
    return {"sensorId": "cam", "tripwires": list(wires), **extra}


def rois(*items: Any, **extra: Any) -> dict[str, Any]:
    return {"sensorId": "cam", "rois": list(items), **extra}


def points(*pairs: tuple[float, float]) -> list[dict[str, float]]:
    return [{"x": x, "y": y} for x, y in pairs]


async def scene(running: Running) -> None:
    await running.publish(frame(0))
    await running.configure()
    await running.publish(
        *walk("1", (200, 150), (200, 50), begin=1, seconds=2),
        *walk("2", (250, 50), (250, 150), begin=4, seconds=2),
        frame(9),
    )


async def test_both_drawings_come_from_either_address_and_without_the_prefix(tmp_path: Path) -> None:
    async with Bench(tmp_path).running() as running:
        await scene(running)
        replies = [
            await running.ask("GET", f"{prefix}/api/v2/config/{what}?sensorId=cam")
            for prefix in ("", "/emdx")
            for what in ("tripwire", "roi")
        ]
        assert (await running.reply("GET", "/core/healthz", subject=None)).status == 200
        assert (await running.reply("GET", "/emdx/core/healthz", subject=None)).status == 200
    assert all(reply == replies[0] for reply in replies)
    wire = altered(WIRE, arrowMeans="in", spatialBufferPx=8.0, temporalBufferMs=100)
    region = altered(ROI, spatialBufferPx=8.0, temporalBufferMs=100)
    assert replies[0] == {"sensorId": "cam", "tripwires": [wire], "rois": [region]}


async def test_posting_replaces_by_id_and_keeps_or_erases_what_was_counted(tmp_path: Path) -> None:
    async with Bench(tmp_path).running() as running:
        await scene(running)
        url = f"{V2}/config/tripwire"
        renamed = altered(WIRE, name="Side door", colour="red", arrowMeans="out")
        reply = await running.ask("POST", f"{url}?sensorId=cam", tripwires(renamed, altered(WIRE, id="back")))
        assert [(item["id"], item["name"], item["arrowMeans"]) for item in reply["tripwires"]] == [
            ("door", "Side door", "out"),
            ("back", "Main door", "in"),
        ]
        kpi = await running.ask("GET", f"{V2}/metrics/tripwire?{window()}&tripwireId=door")
        assert kpi["tripwireKpis"][0]["events"][0]["objects"][0]["count"] == 1
        await running.ask("POST", url, tripwires(WIRE, deleteIfPresent=True))
        kpi = await running.ask("GET", f"{V2}/metrics/tripwire/count?{window()}&tripwireId=door")
        assert [event["objects"] for event in kpi["tripwireKpis"][0]["events"]] == [[{"type": "*", "count": 0}]] * 2
        await running.ask("POST", f"{V2}/config/roi", rois(ROI, deleteIfPresent=True))
        roi = await running.ask("GET", f"{V2}/metrics/occupancy/roi/histogram?{window()}&roiId=hall&objectType=*")
        assert {item["max"] for bucket in roi["rois"][0]["histogram"] for item in bucket["objects"]} == {0}


async def test_deleting_a_drawing_takes_its_rules_and_ends_their_alerts(tmp_path: Path) -> None:
    async with Bench(tmp_path).running() as running:
        await scene(running)
        rule = {"id": "hall", "ruleType": "occupancy", "countThreshold": 1, "ruleId": "r1"}
        await running.ask("POST", f"{RULES}/roi", {"sensorId": "cam", "rules": [rule]})
        await running.publish(frame(10, ("5", 200, 200)))
        held = await running.ask("GET", f"{V2}/alerts/roi?{window()}")
        assert held["alerts"][0]["endTimestamp"] == ""
        reply = await running.ask("DELETE", f"{V2}/config/roi?sensorId=cam&tripwireId=hall&deleteIfPresent=true")
        assert (reply["rois"], len(reply["tripwires"])) == ([], 1)
        assert (await running.ask("GET", f"{RULES}/roi?sensorId=cam"))["rules"] == []
        ended = await running.ask("GET", f"{V2}/alerts/roi?{window(0, 1000)}")
        assert ended["alerts"][0]["endTimestamp"] != ""
        reply = await running.ask("DELETE", f"{V2}/config/tripwire?sensorId=cam&tripwireId=door")
        assert reply["tripwires"] == []


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"wire": points((1, 1))}, "at least two"),
        ({"wire": points((1, 1), (1, 1))}, "at least two"),
        ({"wire": points((100, 100), (900, 100))}, "outside the 640×360 picture"),
        ({"wire": points((100, -1), (300, 100))}, "outside the 640×360 picture"),
        ({"direction": {"p1": {"x": 1, "y": 1}, "p2": {"x": 1, "y": 1}}}, "same point"),
        ({"direction": {"p1": {"x": 120, "y": 90}, "p2": {"x": 180, "y": 90}}}, "runs along"),
        ({"direction": {"p1": {"x": 1, "y": 1}}}, "p2"),
        ({"id": "a b"}, "pattern"),
        ({"id": ""}, "pattern"),
        ({"spatialBufferPx": -1}, "greater than or equal to 0"),
    ],
)
async def test_wires_that_cannot_be_are_refused(tmp_path: Path, change: dict[str, Any], complaint: str) -> None:
    async with Bench(tmp_path).running() as running:
        await running.publish(frame(0))
        reply = await running.ask("POST", f"{V2}/config/tripwire", tripwires(altered(WIRE, **change)), status=400)
        assert list(reply) == ["error"]
        assert complaint in reply["error"]
        config = await running.ask("GET", f"{V2}/config/tripwire?sensorId=cam")
        assert config["tripwires"] == []


@pytest.mark.parametrize(
    ("corners", "status", "complaint"),
    [
        (points((1, 1), (9, 9)), 400, "at least three"),
        (points((1, 1), (9, 9), (1, 1), (1, 1)), 400, "at least three"),
        (points((1, 1), (9, 9), (5, 361)), 400, "outside"),
        (points((0, 0), (40, 40), (40, 0), (0, 40)), 422, "cross"),
        (points((0, 0), (40, 40), (80, 80)), 422, "no area"),
    ],
)
async def test_rois_that_cannot_be_are_refused(
    tmp_path: Path, corners: list[dict[str, float]], status: int, complaint: str
) -> None:
    async with Bench(tmp_path).running() as running:
        await running.publish(frame(0))
        body = rois(altered(ROI, coordinates=corners))
        reply = await running.ask("POST", f"{V2}/config/roi", body, status=status)
        assert complaint in reply["error"]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'{"sensorId":"cam"}',
        b'{"sensorId":"cam","tripwires":[]}',
        b'{"sensorId":"cam","tripwires":[{"id":"w","wire":[{"x":NaN,"y":1},{"x":2,"y":2}],'
        b'"direction":{"p1":{"x":1,"y":1},"p2":{"x":2,"y":3}}}]}',
        b'{"sensorId":"cam","tripwires":[{"id":"w","wire":[{"x":Infinity,"y":1},{"x":2,"y":2}],'
        b'"direction":{"p1":{"x":1,"y":1},"p2":{"x":2,"y":3}}}]}',
        b'{"sensorId":"cam","wires":[],"tripwires":[]}',
        b'{"sensorId":"cam","tripwires":"all"}',
    ],
)
async def test_malformed_bodies_are_refused(tmp_path: Path, body: bytes) -> None:
    async with Bench(tmp_path).running() as running:
        await running.publish(frame(0))
        reply = await running.ask("POST", f"{V2}/config/tripwire", body, status=400)
        assert reply["error"]


async def test_requests_that_contradict_themselves_are_refused(tmp_path: Path) -> None:
    async with Bench(tmp_path).running() as running:
        await running.publish(frame(0))
        url = f"{V2}/config/tripwire"
        await running.ask("POST", f"{url}?sensorId=other", tripwires(WIRE), status=400)
        twice = await running.ask("POST", url, tripwires(WIRE, WIRE), status=400)
        assert "twice" in twice["error"]
        await running.ask("DELETE", f"{url}?sensorId=cam", status=400)
        for query, status in (
            ("", 400),
            (f"&fromTimestamp={to_iso(START_US)}&minutesAgo=5", 400),
            ("&minutesAgo=0", 400),
            ("&minutesAgo=10001", 400),
            (f"&minutesAgo=5&toTimestamp={to_iso(START_US)}", 400),
            ("&fromTimestamp=yesterday", 400),
            (f"&fromTimestamp={to_iso(START_US + S)}&toTimestamp={to_iso(START_US)}", 422),
            ("&minutesAgo=5&bucketSizeInSec=0", 400),
            ("&minutesAgo=5&bucketSizeInSec=86401", 400),
            ("&minutesAgo=10000&bucketSizeInSec=1", 422),
            ("&minutesAgo=5&colour=red", 400),
        ):
            reply = await running.ask("GET", f"{V2}/metrics/occupancy/fov/histogram?sensorId=cam{query}", status=status)
            assert reply["error"], query


async def test_what_is_unknown_is_404(tmp_path: Path) -> None:
    async with Bench(tmp_path).running() as running:
        await running.publish(frame(0))
        for path in (
            f"{V2}/config/tripwire?sensorId=nobody",
            f"{V2}/metrics/occupancy/fov/histogram?sensorId=nobody&minutesAgo=5",
            f"{V2}/metrics/tripwire?{window()}&tripwireId=nowhere",
            f"{V2}/metrics/occupancy/roi/histogram?{window()}&roiId=nowhere",
            f"{V2}/alerts?sensorId=nobody&minutesAgo=5",
        ):
            assert (await running.ask("GET", path, status=404))["error"]
        await running.ask("POST", f"{V2}/config/roi", altered(rois(ROI), sensorId="nobody"), status=404)
        for path in (
            f"{V2}/config/tripwire?sensorId=cam&tripwireId=nowhere",
            f"{V2}/config/roi?sensorId=cam&roiId=nowhere",
            f"{RULES}/fov?sensorId=cam&ruleId=nothing",
        ):
            assert (await running.ask("DELETE", path, status=404))["error"]
        body = {"sensorId": "cam", "rules": [{"id": "nowhere", "ruleType": "occupancy", "countThreshold": 1}]}
        await running.ask("POST", f"{RULES}/roi", body, status=404)


async def test_histograms_have_the_published_shape(tmp_path: Path) -> None:
    async with Bench(tmp_path).running() as running:
        await scene(running)
        fov = await running.ask("GET", f"{V2}/metrics/occupancy/fov/histogram?{window(0.5, 6)}&bucketSizeInSec=2")
        wires = await running.ask("GET", f"{V2}/metrics/tripwire/histogram?{window(0, 10)}&bucketSizeInSec=5")
        roi = await running.ask(
            "GET", f"{V2}/metrics/occupancy/roi/histogram?{window(1, 2)}&bucketSizeInSec=1&objectType=Person,Dog"
        )
        named = await running.ask("GET", f"{V2}/metrics/occupancy/fov/histogram?{window(0, 60)}&objectType=*")
        empty = await running.ask("GET", f"{V2}/metrics/occupancy/fov/histogram?{window(30, 40)}")
    assert fov["bucketSizeInSec"] == 2
    assert fov["histogram"][0]["start"] == to_iso(START_US + S // 2)
    assert fov["histogram"][0]["end"] == fov["histogram"][1]["start"] == to_iso(START_US + 2 * S)
    assert fov["histogram"][1]["objects"] == [{"type": "Person", "average": 1.0, "min": 1, "max": 1}]
    first, second = wires["tripwires"][0]["histogram"]
    assert first["events"] == [
        {"type": "IN", "objects": [{"type": "*", "count": 1}]},
        {"type": "OUT", "objects": [{"type": "*", "count": 0}]},
    ]
    assert second["events"][1]["objects"] == [{"type": "*", "count": 1}]
    assert [item["type"] for item in roi["rois"][0]["histogram"][0]["objects"]] == ["Person", "Dog"]
    assert named["bucketSizeInSec"] == 5
    assert [item["type"] for item in named["histogram"][0]["objects"]] == ["*", "Person"]
    assert empty["histogram"][0]["objects"] == [{"type": "*", "average": 0.0, "min": 0, "max": 0}]


async def test_the_fov_reply_of_v1_has_exactly_the_published_keys(tmp_path: Path) -> None:
    async with Bench(tmp_path).running() as running:
        await scene(running)
        rule = {"ruleType": "occupancy", "countThreshold": 1}
        await running.ask("POST", f"{RULES}/fov", {"sensorId": "cam", "rules": [rule]})
        await running.publish(frame(10, ("5", 200, 200)), frame(10.1, ("5", 200, 200), ("6", 50, 50)))
        query = f"/metrics/occupancy/fov/histogram?{window(10, 14)}&fixedInterval=2000"
        replies = [
            await running.ask("GET", f"{base}{query}") for base in ("/emdx/api", "/emdx/api/v1", "/api", "/api/v1")
        ]
        with_alerts = await running.ask("GET", f"/emdx/api{query}&alerts=true")
        await running.ask("GET", f"/emdx/api/metrics/occupancy/fov/histogram?{window()}&fixedInterval=1500", status=400)
        assert (await running.ask("GET", f"/emdx/api/alerts/count?{window()}")) == {"count": 1}
    first = {
        "start": to_iso(START_US + 10 * S),
        "end": to_iso(START_US + 12 * S),
        "avg_count": 1.5,
        "min_count": 1,
        "max_count": 2,
    }
    second = {
        "start": to_iso(START_US + 12 * S),
        "end": to_iso(START_US + 14 * S),
        "avg_count": 0.0,
        "min_count": 0,
        "max_count": 0,
    }
    counts = {
        "agg_window": "2 sec",
        "histogram": [first, second],
        "attributes": [],
        "sensorId": "cam",
        "type": "fov_count",
    }
    assert all(reply == {"alerts": [], "counts": [counts]} for reply in replies)
    assert len(with_alerts["alerts"]) == 1


async def test_the_successors_fov_histogram(tmp_path: Path) -> None:
    async with Bench(tmp_path).running() as running:
        await scene(running)
        query = f"metrics/occupancy/fov/histogram?{window(0, 20)}&bucketCount=2"
        replies = [await running.ask("GET", base + query) for base in ("/emdx/api/v3/", "/api/v3.2/analytics/")]
        await running.ask("GET", f"/api/v3/{query}&bucketCount=0", status=400)
    assert replies[0] == replies[1]
    assert (replies[0]["bucketSizeInSec"], len(replies[0]["histogram"])) == (10, 2)
    bucket = replies[0]["histogram"][0]
    assert (bucket["start"], bucket["end"]) == (to_iso(START_US), to_iso(START_US + 10 * S))
    assert bucket["objects"] == [{"type": "Person", "averageCount": 0.955}]


async def test_rules_raise_alerts_that_can_be_asked_for(tmp_path: Path) -> None:
    async with Bench(tmp_path).running() as running:
        await scene(running)
        wire_rule = {
            "id": "door",
            "name": "busy",
            "type": "tripwire",
            "ruleType": "increment",
            "timeInterval": 5,
            "countThreshold": 1,
            "direction": "entry",
            "parameters": [],
        }
        made = await running.ask("POST", f"{RULES}/tripwire", {"sensorId": "cam", "rules": [wire_rule]})
        rule_id = made["rules"][0]["ruleId"]
        fov_rule = {"ruleType": "vacancy", "countThreshold": 0, "holdTime": 1, "coolDown": 60, "name": "empty"}
        await running.ask("POST", f"{RULES}/fov", {"sensorId": "cam", "rules": [fov_rule]})
        await running.publish(*walk("7", (200, 150), (200, 50), begin=20, seconds=2), frame(30), frame(32), frame(33))
        found = (await running.ask("GET", f"{V2}/alerts?{window(15, 60)}"))["alerts"]
        assert [(item["type"], item["ruleType"]) for item in found] == [("fov", "vacancy"), ("tripwire", "increment")]
        busy = found[1]
        assert (busy["ruleId"], busy["count"], busy["sensorId"]) == (rule_id, 1, "cam")
        assert (busy["direction"], busy["directionName"]) == ("entry", "Inside")
        assert busy["duration"] > 0
        assert {item["name"] for item in busy["attributes"]} == {"ruleName", "threshold", "objectType", "tripwireId"}
        assert "door within 5 s" in busy["description"]
        assert len((await running.ask("GET", f"{V2}/alerts/tripwire?{window(15, 60)}&limit=1"))["alerts"]) == 1
        assert (await running.ask("GET", f"{V2}/alerts/roi/count?{window(15, 60)}")) == {"count": 0}
        gone = await running.ask("DELETE", f"{RULES}/tripwire?sensorId=cam&ruleId={rule_id}&tripwireId=door")
        assert gone["rules"] == []


@pytest.mark.parametrize(
    ("kind", "change", "status"),
    [
        ("fov", {"ruleType": "increment"}, 400),
        ("fov", {"ruleType": "often"}, 400),
        ("fov", {"type": "roi"}, 400),
        ("fov", {"countThreshold": -1}, 400),
        ("roi", {}, 400),
        ("tripwire", {"ruleType": "increment", "id": "door"}, 400),
        ("tripwire", {"ruleType": "increment", "id": "door", "timeInterval": 5, "direction": "up"}, 400),
        ("roi", {"id": "hall", "ruleId": "taken"}, 409),
    ],
)
async def test_rules_that_cannot_be_are_refused(tmp_path: Path, kind: str, change: dict[str, Any], status: int) -> None:
    async with Bench(tmp_path).running() as running:
        await running.publish(frame(0), frame(0.1, sensor="other"))
        await running.configure()
        rule = {"ruleType": "occupancy", "countThreshold": 1}
        taken = altered(rule, ruleId="taken")
        await running.ask("POST", f"{RULES}/fov", {"sensorId": "other", "rules": [taken]})
        body = {"sensorId": "cam", "rules": [altered(rule, **change)]}
        assert (await running.ask("POST", f"{RULES}/{kind}", body, status=status))["error"]


async def test_frames_of_a_window(tmp_path: Path) -> None:
    async with Bench(tmp_path).running() as running:
        await running.publish(*[frame(i / 10, ("1", 50, 50)) for i in range(20)])
        reply = await running.ask("GET", f"{V2}/frames?{window(0.5, 1)}")
        newest = await running.ask("GET", f"{V2}/frames?{window()}&limit=2")
    assert [item["timestamp"] for item in reply["frames"]] == [to_iso(START_US + i * S // 10) for i in range(5, 10)]
    assert reply["frames"][0]["objects"][0]["bbox"]["rightX"] == 60
    assert [item["timestamp"] for item in newest["frames"]] == [to_iso(START_US + i * S // 10) for i in (18, 19)]


async def test_who_may_see_some_sensors_sees_those_by_name_or_id(tmp_path: Path) -> None:
    viewer = Subject(id="u", name="u", role=Role.VIEWER, sensors=["uuid-1"])
    operator = Subject(id="o", name="o", role=Role.OPERATOR, sensors=["uuid-1"])
    async with Bench(tmp_path).running() as running:
        await running.announce(device_event("uuid-1", "cam"), device_event("uuid-2", "gate"))
        assert running.service.name == "analytics"
        for name, status in (("cam", 200), ("uuid-1", 200), ("gate", 404), ("uuid-2", 404), ("nobody", 404)):
            query = f"{V2}/config/roi?sensorId={name}"
            assert (await running.reply("GET", query, subject=viewer)).status == status, name
            body = altered(rois(ROI), sensorId=name)
            assert (await running.reply("POST", f"{V2}/config/roi", body, subject=operator)).status == status, name
        assert (await running.reply("POST", f"{V2}/config/roi", rois(ROI), subject=viewer)).status == 403
        assert (await running.reply("GET", f"{V2}/config/roi?sensorId=cam", subject=None)).status == 401
        delete = f"{V2}/config/roi?sensorId=gate&roiId=hall"
        assert (await running.reply("DELETE", delete, subject=operator)).status == 404
