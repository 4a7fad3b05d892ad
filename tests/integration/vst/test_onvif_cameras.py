"""Cameras over ONVIF through the API: a third party's and our own are found, added with one call, and recorded."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import pytest
from structlog.testing import capture_logs

from tests.support.asgi import VIEWER
from tests.support.ipycam import Wanted, ipycam
from tests.support.vst_running import Running, running, settings_of
from vedette.kernel.clock import SystemClock
from vedette.services.vst.adapters.discovery import Found
from vedette.tools.camera import Camera, FaultOrder, Presence, open_scene

pytestmark = pytest.mark.anyio
USER, PASSWORD = "admin", "canary-Pa55/w@rd"
KNOWN = {"username": USER, "password": PASSWORD}
NAME = "gate"


@asynccontextmanager
async def own_camera(names: tuple[str, ...] = (NAME,), **more: Any) -> AsyncIterator[tuple[Camera, Presence]]:
    """Cameras with sub streams at 127.0.0.2 and on, found at a UDP port of their own."""
    users = {USER: PASSWORD}
    async with (
        Camera(
            {name: open_scene(fps=10, width=640, height=360) for name in names},
            subs={name: open_scene(fps=5, width=320, height=180) for name in names},
            clock=SystemClock(),
            credentials=users,
            addresses=[f"127.0.0.{number}" for number in range(2, 2 + len(names))],
        ) as camera,
        Presence(camera, credentials=users, discovery=0, reboot_s=0.1, **more) as presence,
    ):
        yield camera, presence


def looking(port: int, **changes: Any) -> Any:
    """Settings that look for cameras on loopback, at this port."""
    return settings_of(discovery_interfaces=("127.0.0.1",), discovery_port=port, discovery_wait_s=0.4, **changes)


@asynccontextmanager
async def vst_beside(data_dir: Path, presence: Presence, **changes: Any) -> AsyncIterator[Running]:
    assert presence.responder is not None
    async with running(data_dir, settings=looking(presence.responder.port, **changes)) as vst:
        yield vst


async def until_found(vst: Running) -> list[Any]:
    """Scans until somebody answers."""
    with anyio.fail_after(60):
        while True:
            assert (await vst.ask("POST", "/sensor/scan")).status == 200
            found: list[Any] = (await vst.ask("GET", "/sensor/discovered")).json
            if found:
                return found


async def added(vst: Running, endpoint: str, name: str = "") -> str:
    reply = await vst.ask("POST", f"/sensor/discovered/{endpoint}/add", body={"name": name, **KNOWN})
    assert reply.status == 200, reply.body
    return str(reply.json["sensorId"])


async def test_a_third_partys_camera_is_found_added_and_recorded(data_dir: Path) -> None:
    with ipycam(Wanted(username=USER, password=PASSWORD)) as camera:
        async with running(data_dir, settings=looking(camera.discovery_port, open_timeout_s=20.0)) as vst:
            [found] = await until_found(vst)
            assert (found["name"], found["sensorId"]) == ("Third party", None)
            assert found["xaddrs"] == [camera.xaddr]
            sensor_id = await added(vst, found["endpoint"], "Yard")
            await vst.until_recorded(sensor_id, 2)
            [again] = (await vst.ask("GET", "/sensor/discovered")).json
            assert again["sensorId"] == sensor_id
            info = (await vst.ask("GET", f"/sensor/{sensor_id}/info")).json
            assert (info["type"], info["manufacturer"], info["serialNumber"]) == (
                "sensor_onvif", "PythonCam", camera.serial,
            )  # fmt: skip
            [main, sub] = (await vst.ask("GET", f"/sensor/{sensor_id}/streams")).json
            assert (main["streamId"], main["isMain"], main["metadata"]["resolution"]) == (sensor_id, True, "640x360")
            assert (sub["isMain"], sub["metadata"]["resolution"]) == (False, "320x180")
            twice = await vst.ask("POST", f"/sensor/discovered/{found['endpoint']}/add", body={"name": "B", **KNOWN})
            assert twice.status == 409
            assert "Sensor exists already" in twice.json["error_message"]
            looked = (await vst.ask("GET", f"/sensor/{sensor_id}/ptz")).json
            assert looked["supported"] is True
            assert (await vst.ask("POST", f"/sensor/{sensor_id}/ptz/absolute", body={"pan": 0.5})).status == 200


async def test_our_own_camera_is_found_added_and_recorded(data_dir: Path) -> None:
    async with own_camera() as (_camera, presence), vst_beside(data_dir, presence) as vst:
        [found] = await until_found(vst)
        assert (found["address"], found["sensorId"]) == ("127.0.0.2", None)
        sensor_id = await added(vst, found["endpoint"])
        await vst.until_recorded(sensor_id, 2)
        [main, sub] = (await vst.ask("GET", f"/sensor/{sensor_id}/streams")).json
        assert (main["metadata"]["resolution"], sub["metadata"]["resolution"]) == ("640x360", "320x180")
        reply = await vst.ask("POST", f"/record/{sub['streamId']}/mode", body={"mode": "always"})
        assert reply.status == 200
        await vst.until_recorded(sub["streamId"], 1)
        bodies = [
            (await vst.ask("GET", f"/sensor/{path}")).body for path in ("list", "streams", "discovered", "status")
        ]
        assert all(PASSWORD.encode() not in body for body in bodies)


async def test_a_camera_is_added_by_its_address(data_dir: Path) -> None:
    async with own_camera() as (_camera, presence), vst_beside(data_dir, presence) as vst:
        where = presence.url(NAME).removeprefix("http://").split("/")[0]
        body = {"sensorIp": where, "name": "Gate", "tags": "door", **KNOWN}
        wrong = await vst.ask("POST", "/sensor/add", body=body | {"password": "nope"})
        assert (wrong.status, wrong.json["error_code"]) == (403, "CameraUnauthorizedError")
        reply = await vst.ask("POST", "/sensor/add", body=body)
        assert reply.status == 200, reply.body
        sensor_id = reply.json["sensorId"]
        await vst.until_online(sensor_id)
        info = (await vst.ask("GET", f"/sensor/{sensor_id}/info")).json
        assert (info["tags"], info["manufacturer"], info["type"]) == ("door", "Vedette", "sensor_onvif")
        again = await vst.ask("POST", "/sensor/add", body=body)
        assert (again.status, again.json["error_code"]) == (409, "ResourceConflictError")
        assert "Sensor exists already" in again.json["error_message"]
        for bare in ({"sensorIp": "127.0.0.2"}, {"sensorIp": "127.0.0.2", "name": "Other"}):
            known = await vst.ask("POST", "/sensor/add", body=body | bare)
            assert (known.status, "Sensor exists already" in known.json["error_message"]) == (409, True)
        sub = (await vst.ask("GET", f"/sensor/{sensor_id}/streams")).json[1]["url"]
        known = await vst.ask("POST", "/sensor/add", body={"sensorUrl": sub, "name": "Small", **KNOWN})
        assert (known.status, "Sensor exists already" in known.json["error_message"]) == (409, True)
        nobody = await vst.ask("POST", "/sensor/add", body=body | {"sensorIp": "127.0.0.9:9", "name": "Other"})
        assert nobody.status in (408, 502)


async def test_a_found_camera_that_was_added_by_its_rtsp_address_is_known(data_dir: Path) -> None:
    async with own_camera() as (camera, presence), vst_beside(data_dir, presence, record=False) as vst:
        sensor_id = await vst.add(camera.url(NAME), "Gate", **KNOWN)
        [found] = await until_found(vst)
        assert found["sensorId"] == sensor_id


async def test_a_camera_at_a_new_address_is_followed_and_loses_nothing_else(data_dir: Path) -> None:
    async with own_camera() as (camera, presence), vst_beside(data_dir, presence) as vst:
        [found] = await until_found(vst)
        sensor_id = await added(vst, found["endpoint"], "Gate")
        before = await vst.until_recorded(sensor_id, 1)
        with capture_logs() as logs:
            camera.obey(FaultOrder(fault="reboot", camera=NAME, seconds=0.2, host="127.0.0.3"))
            with anyio.fail_after(60):
                while (await vst.ask("GET", f"/sensor/{sensor_id}/info")).json["sensorIp"] != "127.0.0.3":
                    await vst.ask("POST", "/sensor/scan")
            await vst.until_online(sensor_id)
        [moved] = [entry for entry in logs if entry["event"] == "camera_moved"]
        assert (moved["sensor_id"], moved["now"]) == (sensor_id, "127.0.0.3")
        await vst.until_recorded(sensor_id, sum(span.end_us - span.start_us for span in before) / 1e6 + 1)
        assert PASSWORD not in repr(logs)
        [listed] = (await vst.ask("GET", "/sensor/list")).json
        assert (listed["sensorId"], listed["name"]) == (sensor_id, "Gate")


async def test_nobody_takes_a_cameras_place_by_claiming_to_be_it(data_dir: Path) -> None:
    async with own_camera(("gate", "spare")) as (camera, presence), vst_beside(data_dir, presence) as vst:
        where = presence.url("gate").removeprefix("http://").split("/")[0]
        reply = await vst.ask("POST", "/sensor/add", body={"sensorIp": where, "name": "Gate", **KNOWN})
        sensor_id = reply.json["sensorId"]
        await vst.until_online(sensor_id)
        endpoint = presence.hosts["gate"].announced.endpoint
        liar = Found(endpoint, (presence.url("spare"),), hardware="Vedette camera", address="127.0.0.3")
        await vst.service.finder._take(liar)
        assert (await vst.ask("GET", f"/sensor/{sensor_id}/info")).json["sensorIp"] == "127.0.0.2"
        camera.refuse("gate")
        camera.drop("gate")
        await vst.until_health(sensor_id, "offline")
        await vst.service.finder._take(liar)
        assert (await vst.ask("GET", f"/sensor/{sensor_id}/info")).json["sensorIp"] == "127.0.0.2"


async def test_a_camera_that_says_hello_from_a_new_address_is_followed_by_itself(data_dir: Path) -> None:
    async with own_camera() as (camera, presence), vst_beside(data_dir, presence, discovery_every_s=3600) as vst:
        [found] = await until_found(vst)
        sensor_id = await added(vst, found["endpoint"], "Gate")
        await vst.until_online(sensor_id)
        camera.obey(FaultOrder(fault="reboot", camera=NAME, seconds=1.0, host="127.0.0.3"))
        with anyio.fail_after(60):
            while (await vst.ask("GET", f"/sensor/{sensor_id}/info")).json["sensorIp"] != "127.0.0.3":
                await anyio.sleep(0.05)
        await vst.until_online(sensor_id)


async def test_a_camera_that_answers_a_scan_again_is_dialled_at_once(data_dir: Path) -> None:
    async with (
        own_camera() as (camera, presence),
        vst_beside(data_dir, presence, retry_first_s=120.0, retry_most_s=120.0) as vst,
    ):
        [found] = await until_found(vst)
        sensor_id = await added(vst, found["endpoint"], "Gate")
        await vst.until_online(sensor_id)
        camera.obey(FaultOrder(fault="reboot", camera=NAME, seconds=0.5))
        await vst.until_health(sensor_id, "offline")
        with anyio.fail_after(60):
            while (await vst.ask("GET", f"/sensor/{sensor_id}/status")).json["health"] != "online":
                await vst.ask("POST", "/sensor/scan")


async def test_settings_network_and_restart_go_through_to_the_camera(data_dir: Path) -> None:
    async with own_camera() as (_camera, presence), vst_beside(data_dir, presence) as vst:
        [found] = await until_found(vst)
        sensor_id = await added(vst, found["endpoint"], "Gate")
        path = f"/sensor/{sensor_id}"
        told = (await vst.ask("GET", f"{path}/settings")).json
        assert len(told) == 2
        assert told[sensor_id]["Encode"]["Encoding"]["Value"] == "H264"
        size = told[sensor_id]["Encode"]["Options"][0]["H264"]["Resolution"]
        assert size["Value"] == {"Height": "360", "Width": "640"}
        change = {"Image": {"Brightness": "70", "Contrast": ""}, "Encode": {"FrameRate": "5"}}
        assert (await vst.ask("POST", f"{path}/settings", body=change)).status == 200
        told = (await vst.ask("GET", f"{path}/settings")).json
        assert told[sensor_id]["Image"]["Brightness"]["Value"] == "70"
        assert told[sensor_id]["Encode"]["Options"][0]["H264"]["FrameRate"]["Value"] == "5"
        for body, status in [
            ({"Image": {"Brightness": "much"}}, 400), ({"Image": {"Sparkle": "1"}}, 400),
            ({"Image": {"Brightness": "100000"}}, 422), ({"Encode": {"Encoding": "MPEG-2"}}, 400),
        ]:  # fmt: skip
            assert (await vst.ask("POST", f"{path}/settings", body=body)).status == status
        network = (await vst.ask("GET", f"{path}/network")).json
        assert network["ipAddressV4"]
        assert (await vst.ask("POST", f"{path}/network", body={"ipAddressV4": "127.0.0.4"})).status == 400
        assert (await vst.ask("POST", f"{path}/network", body={})).status == 400
        await vst.until_online(sensor_id)
        assert (await vst.ask("GET", f"{path}/snapshot")).body.startswith(b"\xff\xd8\xff")
        assert (await vst.ask("POST", f"{path}/reboot", subject=VIEWER)).status == 403
        assert (await vst.ask("POST", f"{path}/reboot")).status == 200
        with anyio.fail_after(60):
            while vst.service.sensors.camera(sensor_id).hub.counters.sessions < 2:
                await anyio.sleep(0.05)
        await vst.until_online(sensor_id)


async def test_what_the_camera_itself_notices_is_recorded_while_it_lasts(data_dir: Path) -> None:
    async with own_camera() as (_camera, presence), vst_beside(data_dir, presence, record=False) as vst:
        [found] = await until_found(vst)
        sensor_id = await added(vst, found["endpoint"], "Gate")
        path = f"/record/{sensor_id}"
        body = {"mode": "event", "preRollSeconds": 1, "postRollSeconds": 0.5}
        assert (await vst.ask("POST", f"{path}/mode", body=body)).status == 200

        async def until(state: str) -> None:
            with anyio.fail_after(30):
                while (await vst.ask("GET", f"{path}/status")).json["recordingStatus"] != state:
                    await anyio.sleep(0.02)

        await until("off")
        presence.set_motion(NAME, True)
        await until("event")
        await vst.until_recorded(sensor_id, 2)
        assert (await vst.ask("GET", f"{path}/status")).json["recordingStatus"] == "event"
        presence.set_motion(NAME, False)
        await until("off")


async def test_a_camera_is_turned(data_dir: Path) -> None:
    async with own_camera() as (_camera, presence), vst_beside(data_dir, presence) as vst:
        [found] = await until_found(vst)
        path = f"/sensor/{await added(vst, found['endpoint'], 'Gate')}/ptz"
        assert (await vst.ask("POST", f"{path}/absolute", body={"pan": 0.25, "zoom": 0.5})).status == 200
        told = (await vst.ask("GET", path)).json
        assert told["supported"] is True
        stored = (await vst.ask("POST", f"{path}/preset", body={"action": "set", "name": "door"})).json["preset"]
        assert stored in [preset["token"] for preset in (await vst.ask("GET", path)).json["presets"]]
        assert (await vst.ask("POST", f"{path}/preset", body={"preset": stored})).status == 200
        assert (await vst.ask("POST", f"{path}/continuous", body={"pan": 1.0, "timeoutSeconds": 1})).status == 200
        assert (await vst.ask("POST", f"{path}/stop", body={})).status == 200
        assert (await vst.ask("POST", f"{path}/preset", body={"preset": stored, "action": "remove"})).status == 200
        for body in ({}, {"pan": 5}):
            assert (await vst.ask("POST", f"{path}/absolute", body=body)).status == 400
        assert (await vst.ask("POST", f"{path}/preset", body={})).status == 400
        assert (await vst.ask("POST", f"{path}/stop", body={}, subject=VIEWER)).status == 403


async def test_a_new_camera_takes_the_place_of_a_broken_one(data_dir: Path) -> None:
    async with own_camera(("gate", "spare")) as (camera, presence), vst_beside(data_dir, presence) as vst:
        places = {name: presence.url(name).removeprefix("http://").split("/")[0] for name in ("gate", "spare")}
        gate, spare = [
            (await vst.ask("POST", "/sensor/add", body={"sensorIp": where, "name": name, **KNOWN})).json["sensorId"]
            for name, where in places.items()
        ]
        await vst.until_recorded(gate, 1)
        await vst.ask("POST", f"/sensor/{gate}/info", body={"location": "north"})
        old = (await vst.ask("GET", f"/sensor/{gate}/info")).json
        new = (await vst.ask("GET", f"/sensor/{spare}/info")).json
        subs = [(await vst.ask("GET", f"/sensor/{key}/streams")).json[1] for key in (gate, spare)]
        assert (await vst.ask("POST", f"/sensor/{gate}/replace", body={"sensorId": gate})).status == 409
        assert (await vst.ask("POST", f"/sensor/{gate}/replace", body={})).status == 400
        assert (await vst.ask("POST", f"/sensor/{gate}/replace", body={"sensorId": spare})).status == 200
        [left] = (await vst.ask("GET", "/sensor/list")).json
        assert (left["sensorId"], left["name"], left["location"]) == (gate, "gate", "north")
        assert left["serialNumber"] == new["serialNumber"] != old["serialNumber"]
        assert left["sensorIp"] == "127.0.0.3"
        [main, sub] = (await vst.ask("GET", f"/sensor/{gate}/streams")).json
        assert main["url"] == camera.url("spare")
        assert (sub["streamId"], sub["url"]) == (subs[0]["streamId"], subs[1]["url"])
        await vst.until_online(gate)
        await vst.until_recorded(gate, 2)


async def test_a_camera_is_moved_by_hand_to_where_it_really_is(data_dir: Path) -> None:
    async with own_camera(("gate", "spare")) as (camera, presence), running(data_dir) as vst:
        gate = await vst.add(camera.url("gate"), "Gate", subUrl=camera.url("gate", sub=True), **KNOWN)
        path, port = f"/sensor/{gate}/info", camera.url("spare").split(":")[2].split("/")[0]
        nobody = await vst.ask("POST", path, body={"sensorIp": "127.0.0.9", "name": "Yard"})
        assert nobody.status == 502
        assert (await vst.ask("GET", path)).json["name"] == "Gate"
        assert (await vst.ask("POST", path, body={"sensorIp": "not a host"})).status == 400
        assert (await vst.ask("POST", path, body={"sensorIp": "192.0.2.1"})).status == 403
        camera.obey(FaultOrder(fault="reboot", camera="gate", seconds=0.2, host="127.0.0.4"))
        with anyio.fail_after(30):
            while (await vst.ask("POST", path, body={"sensorIp": "127.0.0.4", "name": "Yard"})).status != 200:
                await anyio.sleep(0.1)
        info = (await vst.ask("GET", path)).json
        assert (info["sensorIp"], info["name"]) == ("127.0.0.4", "Yard")
        [main, sub] = (await vst.ask("GET", f"/sensor/{gate}/streams")).json
        assert (main["url"], sub["url"]) == (camera.url("gate"), camera.url("gate", sub=True))
        await vst.until_online(gate)
        spare = presence.url("spare").removeprefix("http://").split("/")[0]
        other = (await vst.ask("POST", "/sensor/add", body={"sensorIp": spare, "name": "Spare", **KNOWN})).json
        wrong = await vst.ask("POST", f"/sensor/{other['sensorId']}/info", body={"sensorIp": f"127.0.0.4:{port}"})
        assert wrong.status in (408, 409, 502)


async def test_a_plain_rtsp_camera_says_what_it_cannot(data_dir: Path) -> None:
    async with own_camera() as (camera, _presence), running(data_dir) as vst:
        sensor_id = await vst.add(camera.url(NAME), "Gate", **KNOWN)
        assert (await vst.ask("GET", f"/sensor/{sensor_id}/settings")).json == {}
        for method, path, status in [
            ("GET", "network", 404), ("GET", "ptz", 404), ("POST", "reboot", 501), ("POST", "settings", 501),
        ]:  # fmt: skip
            reply = await vst.ask(method, f"/sensor/{sensor_id}/{path}", body={} if method == "POST" else None)
            assert reply.status == status, path
            assert "sensorIp" in reply.json["error_message"]
        await vst.until_online(sensor_id)
        assert (await vst.ask("GET", f"/sensor/{sensor_id}/snapshot")).body.startswith(b"\xff\xd8\xff")


async def test_where_is_looked_can_be_changed_and_is_kept(data_dir: Path) -> None:
    async with running(data_dir) as vst:
        reply = await vst.ask("POST", "/sensor/configuration", body={"deviceDiscoveryInterfaces": ["lo"]})
        assert reply.status == 200
        refused = await vst.ask("POST", "/sensor/configuration", body={"deviceDiscoveryInterfaces": ["; rm"]})
        assert refused.status == 400
        assert (await vst.ask("POST", "/sensor/configuration", body={"ntpServers": ["pool.ntp.org"]})).status == 200
    async with running(data_dir) as vst:
        with anyio.fail_after(20):
            while (told := (await vst.ask("GET", "/sensor/configuration")).json)["deviceDiscoveryInterfaces"] != ["lo"]:
                await anyio.sleep(0.01)
        assert told["ntpServers"] == ["pool.ntp.org"]
        assert (await vst.ask("POST", "/sensor/scan", body={"targets": ["8.8.8.8"]})).status == 403
        assert (await vst.ask("POST", "/sensor/scan", body={"targets": ["nonsense"]})).status == 400
        assert (await vst.ask("POST", "/sensor/discovered/urn:uuid:x/add", body={})).status == 404


async def test_a_drill_pulls_the_plug_of_a_camera(data_dir: Path) -> None:
    async with own_camera() as (camera, _presence), running(data_dir) as vst:
        sensor_id = await vst.add(camera.url(NAME), "Gate", **KNOWN)
        await vst.until_online(sensor_id)
        path, ip = "/sensor/debug", "127.0.0.2"
        assert (await vst.ask("GET", f"{path}/status?ip={ip}")).json == {"status": "plug"}
        assert (await vst.ask("POST", f"{path}/unplug", body={"action": "unplug", "ip": ip})).status == 200
        assert (await vst.ask("GET", f"{path}/status?ip={ip}")).json == {"status": "unplug"}
        await vst.until_health(sensor_id, "offline")
        assert "debug/unplug" in (await vst.ask("GET", f"/sensor/{sensor_id}/status")).json["reason"]
        assert (await vst.ask("POST", f"{path}/plug", body={"action": "plug", "ip": ip})).status == 200
        await vst.until_online(sensor_id)
        assert (await vst.ask("GET", f"{path}/status?ip=127.0.0.99")).status == 404
        assert (await vst.ask("POST", f"{path}/plug", body={"action": "plug", "ip": "x"})).status == 400
        stats = (await vst.ask("GET", f"{path}/system/stats")).json
        assert stats["rss_MB"] > 10
        assert stats["open_files_count"] > 3
        with anyio.fail_after(30):
            while not (quality := (await vst.ask("GET", "/sensor/qos")).json)["stats"]:
                vst.service.quality.sample()
                await anyio.sleep(0.2)
        assert quality["stats"][0]["name"] == "Gate"
        assert "GET /sensor/list" in (await vst.ask("GET", "/sensor/help")).json
