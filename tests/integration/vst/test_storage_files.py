"""`storage/file/…` over HTTP on footage that nobody recorded."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.support.asgi import ADMIN
from tests.support.synthetic_footage import HOUR, SECOND, synthetic
from tests.support.vst_running import Running, running
from vedette.kernel.clock import to_iso
from vedette.schema.identity import Role, Subject

pytestmark = pytest.mark.anyio
BEGIN = 1_699_999_200 * SECOND
VISITOR = Subject(id="v", name="v", role=Role.ADMIN, sensors=["b"])


@dataclass
class Stored:
    """A VST with three hours of stream `a` in four files, and ten minutes of `b`."""

    vst: Running
    paths: list[str]


@asynccontextmanager
async def stored(data_dir: Path) -> AsyncIterator[Stored]:
    async with synthetic(data_dir) as footage:
        footage.record("a", BEGIN, 180, seconds=60, octets=100_000)
        footage.record("a", BEGIN + 4 * HOUR, 10, seconds=60, octets=100_000)
        footage.record("b", BEGIN, 10, seconds=60)
    async with running(data_dir) as vst:
        listed = (await vst.ask("GET", "/storage/file/list")).json
        yield Stored(vst, [item["mediaFilePath"] for item in listed["a"]])


async def test_files_are_stretches_of_up_to_an_hour(data_dir: Path) -> None:
    async with stored(data_dir) as it:
        listed = (await it.vst.ask("GET", "/storage/file/list")).json
        assert {key: len(files) for key, files in listed.items()} == {"a": 4, "b": 1}
        first = listed["a"][0]["metadata"]
        assert (first["timestamp"], first["bytes"], first["sensorId"]) == (BEGIN // 1000, 6_000_000, "a")
        assert (await it.vst.ask("GET", "/storage/file/a/list")).json == {"a": listed["a"]}
        assert (await it.vst.ask("GET", "/storage/file/nobody/list")).status == 404
        seen = (await it.vst.ask("GET", "/storage/file/list", subject=VISITOR)).json
        assert list(seen) == ["b"]
        assert (await it.vst.ask("GET", "/storage/file/a/list", subject=VISITOR)).status in (403, 404)


async def test_paths_by_id_and_by_range(data_dir: Path) -> None:
    async with stored(data_dir) as it:
        listed = (await it.vst.ask("GET", "/storage/file/a/list")).json["a"]
        one = listed[1]["metadata"]["id"]
        reply = await it.vst.ask("GET", f"/storage/file/path?id={one}&metadata=true")
        assert reply.json == {"id": one, "mediaFilePath": it.paths[1], "metaDataFilePath": "", "metadata": ""}
        assert (await it.vst.ask("GET", "/storage/file/path")).status == 400
        assert (await it.vst.ask("GET", "/storage/file/path?id=a_999")).status == 404
        assert (await it.vst.ask("GET", "/storage/file/path?id=nonsense")).status == 404
        assert (await it.vst.ask("GET", f"/storage/file/path?id={one}", subject=VISITOR)).status in (403, 404)
        window = f"startTime={to_iso(BEGIN + HOUR)}&endTime={to_iso(BEGIN + 2 * HOUR)}"
        inside = (await it.vst.ask("GET", f"/storage/file/a/path?{window}")).json
        assert inside == [{"id": one, "mediaFilePath": it.paths[1]}]


async def test_protected_files_cannot_be_deleted_until_they_are_free_again(data_dir: Path) -> None:
    async with stored(data_dir) as it:
        body = {"filePath": [it.paths[1], "a/999.mp4", "../etc/passwd"], "protect": True}
        reply = await it.vst.ask("POST", "/storage/file/protect", body=body)
        assert reply.json == {"invalidFiles": ["a/999.mp4", "../etc/passwd"]}
        assert (await it.vst.ask("GET", "/storage/file/protected")).json == [it.paths[1]]
        [kept] = (await it.vst.ask("GET", "/storage/protections")).json
        assert (kept["streamId"], kept["by"]) == ("a", ADMIN.id)
        assert (await it.vst.ask("GET", "/storage/protections", subject=VISITOR)).json == []
        forecast = (await it.vst.ask("GET", "/storage/forecast")).json
        assert forecast["streams"][0]["protectedBytes"] == 6_000_000
        refused = await it.vst.ask("DELETE", "/storage/file/a")
        assert (refused.status, refused.json["error_code"]) == (409, "ResourceConflictError")
        query = "&".join(f"filePath={quote(path)}" for path in [*it.paths, "a/77.mp4"])
        done = (await it.vst.ask("DELETE", f"/storage/file?{query}")).json
        assert done == {"spaceSaved": 13, "invalidFiles": ["a/77.mp4"], "protectedFiles": [it.paths[1]]}
        assert [item["mediaFilePath"] for item in (await it.vst.ask("GET", "/storage/file/a/list")).json["a"]] == [
            it.paths[1]
        ]
        await it.vst.ask("POST", "/storage/file/protect", body={"filePath": [it.paths[1]], "protect": False})
        assert (await it.vst.ask("GET", "/storage/file/protected")).json == []
        assert (await it.vst.ask("DELETE", "/storage/file/a")).json["spaceSaved"] == 6


async def test_ranges_are_protected_too(data_dir: Path) -> None:
    async with stored(data_dir) as it:
        whole = {"streamId": "a", "startTime": to_iso(BEGIN), "endTime": to_iso(BEGIN + 3 * HOUR)}
        middle = {"streamId": "a", "startTime": to_iso(BEGIN + HOUR), "endTime": to_iso(BEGIN + 2 * HOUR)}
        for body in ({"ranges": [whole], "protect": True}, {"ranges": [middle], "protect": False}):
            assert (await it.vst.ask("POST", "/storage/file/protect", body=body)).json == {"invalidFiles": []}
        assert len((await it.vst.ask("GET", "/storage/protections")).json) == 2
        assert (await it.vst.ask("DELETE", f"/storage/file/a?startTime={to_iso(BEGIN)}")).status == 409
        window = f"startTime={to_iso(BEGIN + HOUR)}&endTime={to_iso(BEGIN + 2 * HOUR)}"
        assert (await it.vst.ask("DELETE", f"/storage/file/a?{window}")).json["deleted"]["segments"] == 60
        for wrong in ({"protect": True}, {"filePath": [it.paths[0]]}, {"ranges": [{"streamId": "a"}], "protect": True}):
            assert (await it.vst.ask("POST", "/storage/file/protect", body=wrong)).status == 400
        backwards = whole | {"endTime": to_iso(BEGIN - 1)}
        assert (
            await it.vst.ask("POST", "/storage/file/protect", body={"ranges": [backwards], "protect": True})
        ).status == 400
        unseen = await it.vst.ask(
            "POST", "/storage/file/protect", body={"ranges": [whole], "protect": True}, subject=VISITOR
        )
        assert unseen.status == 403


async def test_a_range_is_deleted_and_the_reply_says_where_the_cuts_are(data_dir: Path) -> None:
    async with stored(data_dir) as it:
        start, end = to_iso(BEGIN + 90 * SECOND), to_iso(BEGIN + 270 * SECOND)
        reply = await it.vst.ask("DELETE", f"/storage/file/a?startTime={start}&endTime={end}")
        assert reply.json["deleted"] == {
            "segments": 2,
            "bytes": 200_000,
            "startTime": to_iso(BEGIN + 120 * SECOND),
            "endTime": to_iso(BEGIN + 240 * SECOND),
        }
        more = await it.vst.ask("DELETE", f"/storage/file/a?startTime={start}&endTime={end}&partial=true")
        assert more.json["deleted"]["segments"] == 2
        states = (await it.vst.ask("GET", "/record/a/coverage")).json["spans"]
        deleted = [span for span in states if span["state"] == "deleted"]
        assert [(span["startTime"], span["endTime"], span["by"]) for span in deleted] == [
            (to_iso(BEGIN + 60 * SECOND), to_iso(BEGIN + 300 * SECOND), ADMIN.id)
        ]
        assert (await it.vst.ask("DELETE", f"/storage/file/a?startTime={end}&endTime={start}")).status == 400
        nothing = (await it.vst.ask("DELETE", f"/storage/file/a?startTime={start}&endTime={end}")).json
        assert nothing == {
            "spaceSaved": 0,
            "deleted": {"segments": 0, "bytes": 0, "startTime": None, "endTime": None},
        }


async def test_deleting_needs_names(data_dir: Path) -> None:
    async with stored(data_dir) as it:
        assert (await it.vst.ask("DELETE", "/storage/file")).status == 400
        mine = f"/storage/file?filePath={quote(it.paths[0])}"
        assert (await it.vst.ask("DELETE", mine, subject=VISITOR)).status == 403
        assert (await it.vst.ask("DELETE", mine)).json == {
            "spaceSaved": 6,
            "invalidFiles": [],
            "protectedFiles": [],
        }
