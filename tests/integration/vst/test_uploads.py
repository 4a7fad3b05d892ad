"""Files that are sent: whole, as forms, in pieces; kept as footage; refused with the published words."""

import hashlib
import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread
import pytest

from tests.support.asgi import Reply
from tests.support.clips import encode, numbers_in
from tests.support.synthetic_footage import statvfs_of
from tests.support.vst_running import Running, running, settings_of
from vedette.kernel.clock import SystemClock, from_iso, to_iso
from vedette.media.fmp4_writer import SegmentWriter
from vedette.services.vst.service import staging
from vedette.services.vst.service.fsck import fsck

pytestmark = pytest.mark.anyio
BEGIN_MS = 1_700_000_000_000
BEGIN = to_iso(BEGIN_MS * 1000)
FFMPEG = shutil.which("ffmpeg") or "ffmpeg"


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """walk.mp4 with 150 numbered pictures, the same as .ts and .mkv, talk.mp4 with sound, others that are no use."""
    folder = tmp_path_factory.mktemp("files")
    units = encode(150, gop=15)
    writer = SegmentWriter(units[0].parameters)
    parts = [writer.write(unit) or b"" for unit in units]
    (folder / "fragments.mp4").write_bytes(b"".join(parts) + writer.close()[0])
    make(folder, "-i", "fragments.mp4", "-c", "copy", "walk.mp4")
    for name in ("walk.ts", "walk.mkv"):
        make(folder, "-i", "walk.mp4", "-c", "copy", name)
    sound = ("-f", "lavfi", "-i", "sine=frequency=440:duration=5")
    make(folder, "-i", "walk.mp4", *sound, "-c:v", "copy", "-c:a", "aac", "-shortest", "talk.mp4")
    make(folder, *sound, "sound.mp4")
    make(folder, "-i", "walk.mp4", "-c:v", "mjpeg", "-t", "1", "-strict", "-1", "-pix_fmt", "yuvj420p", "old.mkv")
    (folder / "text.mp4").write_text("This is no film." * 1000)
    (folder / "torn.mp4").write_bytes((folder / "walk.mp4").read_bytes()[:4000])
    return folder


def make(folder: Path, *options: str) -> None:
    subprocess.run([FFMPEG, "-v", "error", "-y", *options], cwd=folder, check=True)


async def put(vst: Running, path: Path, where: str = "", name: str = "") -> Reply:
    headers = {"content-type": "application/octet-stream"}
    body = await anyio.to_thread.run_sync(path.read_bytes)
    return await vst.ask("PUT", f"/storage/file/{name or path.name}{where}", body=body, headers=headers)


def form(
    content: bytes, *, name: str = "walk.mp4", metadata: Any = None, before: bool = True, field: str = "file"
) -> bytes:
    file = f'Content-Disposition: form-data; name="{field}"; filename="{name}"\r\n\r\n'.encode() + content
    parts = [file]
    if metadata is not None:
        told = b'Content-Disposition: form-data; name="metadata"\r\n\r\n' + json.dumps(metadata).encode()
        parts = [told, file] if before else [file, told]
    return b"".join(b"--XX\r\n" + part + b"\r\n" for part in parts) + b"--XX--\r\n"


async def post(vst: Running, body: bytes, **headers: str) -> Reply:
    sent = {"content-type": "multipart/form-data; boundary=XX"}
    sent |= {f"nvstreamer-{key.replace('_', '-')}": value for key, value in headers.items()}
    return await vst.ask("POST", "/storage/file", body=body, headers=sent)


async def clip(vst: Running, stream_id: str) -> Reply:
    return await vst.ask("GET", f"/storage/file/{stream_id}?fullLength=true")


def numbers_of(reply: Reply, folder: Path) -> list[int]:
    assert reply.status == 200, reply.body
    path = folder / "out.mp4"
    path.write_bytes(reply.body)
    return numbers_in(str(path))


async def sound(data_dir: Path) -> None:
    report = await anyio.to_thread.run_sync(lambda: fsck(data_dir, clock=SystemClock(), hashes=True))
    assert report.findings == []


async def test_a_file_becomes_a_sensor_with_its_footage(data_dir: Path, files: Path) -> None:
    told, stream_id, name = {}, "", ""
    async with running(data_dir) as vst:
        for name in ("walk.mkv", "walk.ts", "walk.mp4"):
            reply = await put(vst, files / name, f"/{BEGIN_MS}")
            assert reply.status == 200, reply.body
            told = reply.json
            assert (told["filename"], told["timestamp"]) == (name, BEGIN)
            assert told["bytes"] == (files / name).stat().st_size
            stream_id = told["streamId"]
            [span] = (await vst.ask("GET", f"/storage/{stream_id}/timelines")).json
            assert span["startTime"] == BEGIN
            assert from_iso(span["endTime"]) - from_iso(BEGIN) == pytest.approx(5_000_000, abs=70_000)
            assert numbers_of(await clip(vst, stream_id), data_dir) == list(range(150))
        sensor = (await vst.ask("GET", "/sensor/list")).json[-1]
        assert (sensor["name"], sensor["type"], sensor["sensorId"]) == (name, "sensor_file", told["sensorId"])
        [file] = (await vst.ask("GET", f"/storage/file/{stream_id}/list")).json[stream_id]
        assert (file["mediaFilePath"], file["metadata"]["streamName"]) == (told["filePath"], name)
        assert (await vst.ask("GET", f"/storage/file?id={told['id']}")).status == 200
        assert (await vst.ask("GET", "/live/streams")).json == []
        assert vst.service.ready() is None
    await sound(data_dir)
    async with running(data_dir) as again:
        assert numbers_of(await clip(again, stream_id), data_dir) == list(range(150))
        gaps = (await again.ask("GET", f"/record/{stream_id}/gaps")).json
        assert [gap["cause"] for gap in gaps] == ["switched_off"]
        assert (await again.ask("DELETE", f"/sensor/{stream_id}?deleteRecordings=true")).status == 200
        assert (await put(again, files / name, f"/{BEGIN_MS}")).status == 200
    assert list((data_dir / "uploads").iterdir()) == []


async def test_sound_comes_along(data_dir: Path, files: Path) -> None:
    async with running(data_dir) as vst:
        told = (await put(vst, files / "talk.mp4")).json
        assert from_iso(told["timestamp"]) < SystemClock().now() - 4_000_000
        info = (await vst.ask("GET", f"/storage/file/mediainfo?id={told['id']}")).json
        assert (info["Codec"], info["AudioCodec"].upper()) == ("H264", "AAC")
    await sound(data_dir)


USELESS = {
    "walk.doc": (415, "ending"),
    "text.mp4": (415, "no video"),
    "sound.mp4": (422, "no pictures"),
    "old.mkv": (422, "mjpeg"),
    "torn.mp4": (415, "no video"),
    "empty.mp4": (422, "empty"),
}


async def test_what_is_no_use_is_refused_and_leaves_nothing(data_dir: Path, files: Path) -> None:
    (files / "empty.mp4").write_bytes(b"")
    async with running(data_dir) as vst:
        for name, (status, words) in USELESS.items():
            path = files / name if (files / name).exists() else files / "walk.mp4"
            reply = await put(vst, path, name=name)
            assert (reply.status, words in reply.json["error_message"]) == (status, True), reply.body
        assert (await vst.ask("GET", "/sensor/list")).json == []
        assert list((data_dir / "uploads").iterdir()) == []
        assert list(vst.service._parts.folder.files()) == []
    await sound(data_dir)


async def test_names_limits_and_space(data_dir: Path, files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with running(data_dir, settings=settings_of(max_sensors=2, ageing_every_s=3600, max_upload_gib=1)) as vst:
        assert (await put(vst, files / "walk.mp4")).status == 200
        taken = await put(vst, files / "walk.mp4")
        assert (taken.status, taken.json["error_code"]) == (409, "ResourceConflictError")
        assert "User given name is invalid or already exists" in taken.json["error_message"]
        declared = await vst.ask("PUT", "/storage/file/huge.mp4", body=b"x", headers={"content-length": str(2 << 30)})
        assert (declared.status, declared.json["error_code"]) == (413, "PayloadTooLargeError")
        monkeypatch.setattr(os, "statvfs", statvfs_of(10_000_000, lambda: 20_000))
        await vst.service.reaper.age()
        full = await put(vst, files / "walk.mkv")
        assert (full.status, full.json["error_code"]) == (507, "VMSInsufficientStorage")
        monkeypatch.undo()
        await vst.service.reaper.age()
        assert (await put(vst, files / "walk.ts")).status == 200
        limit = await put(vst, files / "walk.mkv")
        assert (limit.status, "Sensors count limit reached" in limit.json["error_message"]) == (409, True)


async def test_a_file_goes_on_a_file_sensor_but_never_back(data_dir: Path, files: Path) -> None:
    async with running(data_dir) as vst:
        first = (await put(vst, files / "walk.mp4", f"/{BEGIN_MS}")).json
        sensor = f"?sensorId={first['sensorId']}"
        later = await put(vst, files / "walk.ts", f"/{BEGIN_MS + 60_000}{sensor}")
        assert (later.status, later.json["sensorId"]) == (200, first["sensorId"])
        assert len((await vst.ask("GET", f"/storage/{first['streamId']}/timelines")).json) == 2
        back = await put(vst, files / "walk.mkv", f"/{BEGIN_MS + 1000}{sensor}")
        assert back.status == 409
        assert (await put(vst, files / "walk.mkv", "?sensorId=nobody")).status == 404
    await sound(data_dir)


@pytest.mark.parametrize("before", [True, False])
async def test_a_form_says_when_it_was(data_dir: Path, files: Path, before: bool) -> None:
    content = (files / "walk.mp4").read_bytes()
    metadata = {
        "sensorId": "x",
        "timestamp": BEGIN_MS,
        "eventInfo": "ä",
        "checksum": hashlib.sha256(content).hexdigest(),
    }
    async with running(data_dir) as vst:
        reply = await post(vst, form(content, metadata=metadata, before=before, field="mediaFile"))
        assert reply.status == 200, reply.body
        assert set(reply.json) >= {"bytes", "created_at", "fileName", "filePath", "id", "sensorId"}
        path = (await vst.ask("GET", f"/storage/file/path?id={reply.json['id']}&metadata=true")).json
        assert json.loads(path["metadata"])["eventInfo"] == "ä"
        [span] = (await vst.ask("GET", f"/storage/{reply.json['streamId']}/timelines")).json
        assert span["startTime"] == BEGIN
        wrong = await post(vst, form(content, name="b.mp4", metadata=metadata | {"checksum": "00"}))
        assert (wrong.status, "SHA-256" in wrong.json["error_message"]) == (422, True)
        for body in (b"nothing", form(content, name="b.mp4")[:-9], form(content, name="a/b.mp4"), b"--XX--\r\n"):
            assert (await post(vst, body)).status == 400
        path_only = b'--XX\r\nContent-Disposition: form-data; name="mediaFilePath"\r\n\r\n/etc/passwd\r\n'
        assert (await post(vst, path_only + form(content, name="c.mp4"))).status == 422
        assert [sensor["name"] for sensor in (await vst.ask("GET", "/sensor/list")).json] == ["walk.mp4"]


async def test_pieces_come_in_any_order_and_again(data_dir: Path, files: Path) -> None:
    content = (files / "walk.mp4").read_bytes()
    size = len(content) // 5 + 1
    pieces = [content[at : at + size] for at in range(0, len(content), size)]
    async with running(data_dir) as vst:

        async def send(number: int, **more: str) -> Reply:
            told = {"identifier": "up-1", "file_name": "walk.mp4", "chunk_number": str(number), "total_chunks": "5"}
            return await post(vst, form(pieces[number]), **(told | more))

        broken = await post(vst, form(pieces[2])[:-50], identifier="up-1", chunk_number="2", file_name="walk.mp4")
        assert broken.status == 400
        for number in (4, 0, 2, 0):
            reply = await send(number)
            assert (reply.status, reply.json["filePath"]) == (200, "")
        progress = (await vst.ask("GET", "/storage/uploads/up-1")).json
        assert progress == {
            "received": [0, 2, 4],
            "total": 5,
            "bytes": sum(map(len, (pieces[0], pieces[2], pieces[4]))),
        }
        replies: list[Reply] = []

        async def keep(number: int) -> None:
            replies.append(await send(number))

        async with anyio.create_task_group() as group:
            group.start_soon(keep, 1)
            group.start_soon(keep, 3)
        [done] = [reply.json for reply in replies if reply.json.get("filePath")]
        assert done["bytes"] == len(content)
        assert numbers_of(await clip(vst, done["streamId"]), data_dir) == list(range(150))
        assert (await vst.ask("GET", "/storage/uploads/up-1")).status == 404
        assert (await post(vst, form(b"x"), identifier="up-2", chunk_number="one")).status == 400
        assert (await post(vst, form(b"x"), chunk_number="1")).status == 400
    await sound(data_dir)


async def test_the_last_piece_says_how_many_there_are(data_dir: Path, files: Path) -> None:
    content = (files / "walk.mp4").read_bytes()
    async with running(data_dir) as vst:
        told = {"identifier": "i", "file_name": "walk.mp4"}
        first = await post(vst, form(content[:5000]), **told, chunk_number="1", is_last_chunk="false")
        assert first.json["filePath"] == ""
        last = await post(vst, form(content[5000:]), **told, chunk_number="2", is_last_chunk="true")
        assert last.json["filePath"]


@pytest.mark.parametrize("point", ["stage", "promise_garbage", "move_files", "commit"])
async def test_a_break_in_the_middle_leaves_nothing(
    data_dir: Path, files: Path, point: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whichever step fails, after that step was done: the next start finds all promises kept and no sensor."""

    class BreakError(BaseException):  # nobody handles it, as nobody handles the end of a process
        pass

    holder = staging.Stager if point == "stage" else staging
    real = getattr(holder, point)

    def broken(*given: Any, **named: Any) -> Any:
        done = real(*given, **named)
        if point != "commit":
            raise BreakError

        def work(connection: Any) -> None:
            done(connection)
            raise BreakError

        return work

    monkeypatch.setattr(holder, point, broken)
    async with running(data_dir) as vst:
        with pytest.raises(BreakError):
            await put(vst, files / "walk.mp4")
    monkeypatch.undo()
    async with running(data_dir) as again:
        assert (await again.ask("GET", "/sensor/list")).json == []
        assert list(again.service._parts.folder.files()) == []
        assert list((data_dir / "uploads").iterdir()) == []
        assert (await put(again, files / "walk.mp4")).status == 200
    await sound(data_dir)
