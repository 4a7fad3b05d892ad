"""The camera list from one box to another."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.support.asgi import VIEWER, Reply
from tests.support.vst_running import Running, running
from vedette.kernel.clock import SystemClock
from vedette.tools.camera import Camera, open_scene

pytestmark = pytest.mark.anyio
SECRET = "canary-Pa55/w@rd"


def a_rack() -> Camera:
    scene = open_scene(fps=5, width=320, height=180)
    return Camera({"gate": scene, "yard": scene}, clock=SystemClock(), credentials={"admin": SECRET})


async def sent(vst: Running, text: bytes, kind: str, **more: Any) -> Reply:
    return await vst.ask("POST", "/sensor/import", body=text, headers={"content-type": kind}, **more)


@pytest.mark.parametrize(("form", "kind"), [("json", "application/json"), ("csv", "text/csv")])
async def test_a_list_moves_to_another_box_without_its_passwords(tmp_path: Path, form: str, kind: str) -> None:
    async with a_rack() as camera:
        async with running(tmp_path / "one") as vst:
            for name in ("gate", "yard"):
                title = f"=cmd|'{name}'"
                await vst.add(camera.url(name), title, username="admin", password=SECRET, tags="a,b", location='"x"')
            reply = await vst.ask("GET", f"/sensor/export?format={form}")
            assert reply.headers["content-type"].startswith(kind)
            assert SECRET.encode() not in reply.body
            assert b"admin" not in reply.body
        async with running(tmp_path / "two") as vst:
            told = (await sent(vst, reply.body, kind)).json
            assert told["added"] == []
            assert [line["line"] for line in told["skipped"]] == [1, 2]
            assert "password" in told["skipped"][0]["reason"]
            if form == "json":
                rows = [row | {"username": "admin", "password": SECRET} for row in msgspec.json.decode(reply.body)]
                text = msgspec.json.encode(rows)
            else:
                first, *rest = reply.body.decode().strip().split("\r\n")
                text = "\r\n".join([f"{first},username,password", *[f"{row},admin,{SECRET}" for row in rest]]).encode()
            told = (await sent(vst, text, kind)).json
            assert [line["name"] for line in told["added"]] == ["=cmd|'gate'", "=cmd|'yard'"]
            assert told["skipped"] == []
            again = (await sent(vst, text, kind)).json
            assert "Sensor exists already" in again["skipped"][1]["reason"]
            [info, _] = sorted((await vst.ask("GET", "/sensor/list")).json, key=lambda item: str(item["name"]))
            assert (info["name"], info["tags"], info["location"]) == ("=cmd|'gate'", "a,b", '"x"')


async def test_lists_that_are_none_are_refused(data_dir: Path) -> None:
    async with running(data_dir) as vst:
        assert (await sent(vst, b"[]", "text/plain")).status == 415
        assert (await sent(vst, b"{", "application/json")).status == 400
        assert (await sent(vst, b"", "text/csv")).status == 400
        assert (await sent(vst, b"x" * (1 << 20) + b"y", "text/csv")).status == 413
        assert (await sent(vst, b"[]", "application/json", subject=VIEWER)).status == 403
        told = (await sent(vst, b'[{"name": "A"}, {"name": "B", "sensorUrl": "http://x"}]', "application/json")).json
        assert [line["line"] for line in told["skipped"]] == [1, 2]
        assert (await vst.ask("GET", "/sensor/export?format=xml")).status == 400
        assert (await vst.ask("GET", "/sensor/export")).json == []
