"""Every operation of VST's sensor, record and storage services against the published contract.

The route exists, what is required is asked for with 400, and the reply is what the schema says. An operation with
parameters has its row below; one that is left out is called as it stands.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.integration.vst.test_cameras import a_camera
from tests.support.asgi import Reply
from tests.support.clips import encode
from tests.support.vst_contract import Operation, operations
from tests.support.vst_running import Running, running
from vedette.kernel.clock import to_iso
from vedette.media.fmp4_writer import SegmentWriter
from vedette.node import openapi

pytestmark = pytest.mark.anyio
SERVICES = ("sensor", "record", "storage")


@dataclass(frozen=True)
class Example:
    """A request that must succeed: query, body, and the status of the reply where it is not 200."""

    query: Mapping[str, str] = field(default_factory=dict)
    body: Any = None
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class World:
    """A running VST with a recorded camera, and the words that rows may use."""

    vst: Running
    words: Mapping[str, str]


OCTETS = {"content-type": "application/octet-stream"}
FORM_HEAD = b'--X\r\nContent-Disposition: form-data; name="file"; filename="form.mp4"\r\n\r\n'


def film() -> bytes:
    """A short fragmented MP4."""
    units = encode(20)
    writer = SegmentWriter(units[0].parameters)
    parts = [writer.write(unit) or b"" for unit in units]
    return b"".join(parts) + writer.close()[0]


FILM = film()
EXAMPLES: dict[str, Example] = {
    # sensor; the camera of the world was added by its RTSP address, so what only ONVIF can do has its own answers
    "POST /sensor/add": Example(body={"sensorUrl": "{other}", "name": "Another"}),
    "POST /sensor/configuration": Example(body={}),
    "GET /sensor/debug/status": Example({"ip": "127.0.0.1"}),
    "POST /sensor/debug/plug": Example(body={"ip": "192.0.2.1", "action": "plug"}, status=404),
    "POST /sensor/debug/unplug": Example(body={"ip": "192.0.2.1", "action": "unplug"}, status=404),
    "POST /sensor/{sensorId}/credentials": Example(body={"username": "u", "password": "p"}),
    "POST /sensor/{sensorId}/info": Example(body={"name": "Gate", "location": "north"}),
    "GET /sensor/{sensorId}/network": Example(status=404),
    "POST /sensor/{sensorId}/network": Example(body={"isIpv4Enabled": True}, status=501),
    "POST /sensor/{sensorId}/reboot": Example(status=501),
    "POST /sensor/{sensorId}/replace": Example(body={"sensorId": "nobody"}, status=404),
    "POST /sensor/{sensorId}/settings": Example(body={"Image": {}}, status=501),
    # record
    "POST /record/stream/add": Example(body={"id": "added", "url": "{other}"}),
    "POST /record/{streamId}/schedule": Example(body=[{"startTime": "0 8 * * 1", "endTime": "0 9 * * 1"}]),
    "DELETE /record/{streamId}/schedule": Example({"startTime": "0 8 * * 1", "endTime": "0 9 * * 1"}),
    # storage
    "GET /storage/file": Example({"id": "{file}"}),
    "GET /storage/file/path": Example({"id": "{file}"}),
    "GET /storage/file/mediainfo": Example({"id": "{file}"}),
    "GET /storage/file/{sensorId}": Example({"startTime": "{start}", "endTime": "{end}"}),
    "GET /storage/file/{streamId}": Example({"startTime": "{start}", "endTime": "{end}"}),
    "GET /storage/file/{streamId}/url": Example({"startTime": "{start}", "endTime": "{end}"}),
    "GET /storage/stream/{streamId}/picture": Example({"startTime": "{start}"}),
    "GET /storage/stream/{streamId}/picture/url": Example({"startTime": "{start}"}),
    "PUT /storage/file/{filename}": Example(body=FILM, headers=OCTETS),
    "PUT /storage/file/{filename}/{timestamp}": Example(body=FILM, headers=OCTETS),
    "POST /storage/file": Example(
        body=FORM_HEAD + FILM + b"\r\n--X--\r\n", headers={"content-type": "multipart/form-data; boundary=X"}
    ),
    "POST /storage/file/protect": Example(body={"filePath": ["{path}"], "protect": False}),
    "DELETE /storage/file": Example({"filePath": "nobody/1.mp4"}),
}
LAST = (
    "DELETE /record/{streamId}/schedule",
    "DELETE /storage/file/{streamId}",
    "DELETE /record/{streamId}",
    "DELETE /sensor/{sensorId}",
)
"""What takes something away comes at the end, so that the others find it."""


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    return tmp_path / "vst"


@asynccontextmanager
async def world(data_dir: Path) -> AsyncIterator[World]:
    async with a_camera(copies=2) as camera, running(data_dir) as vst:
        stream_id = await vst.add(camera.url("scene-0"), "Gate")
        [span] = await vst.until_recorded(stream_id, 3)
        [file] = (await vst.ask("GET", f"/storage/file/{stream_id}/list")).json[stream_id]
        words = {
            "sensorId": stream_id,
            "streamId": stream_id,
            "other": camera.url("scene-1"),
            "start": to_iso(span.start_us + 1_000_000),
            "end": to_iso(span.start_us + 2_000_000),
            "file": file["metadata"]["id"],
            "path": file["mediaFilePath"],
            "timestamp": str(span.start_us // 1000),
        }
        yield World(vst, words)


def filled(value: Any, words: Mapping[str, str]) -> Any:
    """A value with its words in place."""
    if isinstance(value, str):
        for word, text in words.items():
            value = value.replace("{" + word + "}", text)
        return value
    if isinstance(value, Mapping):
        return {key: filled(item, words) for key, item in value.items()}
    return [filled(item, words) for item in value] if isinstance(value, list) else value


async def asked(it: World, operation: Operation, example: Example, *, without: str = "") -> Reply:
    query = {key: value for key, value in filled(example.query, it.words).items() if key != without}
    text = "&".join(f"{key}={value.replace(' ', '%20').replace('*', '%2A')}" for key, value in query.items())
    words = {**it.words, "filename": f"film-{operation.path.count('/')}.mp4"}
    path = filled(operation.path, words) + (f"?{text}" if text else "")
    body = None if without == "body" else filled(example.body, it.words)
    return await it.vst.ask(operation.method, path, body=body, headers=dict(example.headers))


@pytest.mark.parametrize("service", SERVICES)
def test_every_route_exists(service: str) -> None:
    document = openapi("vst")
    ours = {
        (method.upper(), Operation("", "", path.removeprefix("/vst/api/v1"), {}).shape)
        for path, item in document["paths"].items()
        for method in item
    }
    missing = [operation.name for operation in operations(service) if (operation.method, operation.shape) not in ours]
    assert missing == []


@pytest.mark.parametrize("service", SERVICES)
async def test_what_is_required_is_asked_for(service: str, data_dir: Path) -> None:
    wrong = []
    async with world(data_dir) as it:
        for operation in operations(service):
            example = EXAMPLES.get(operation.name, Example())
            if example.status == 404:
                continue
            needed = [*operation.required_queries, *(["body"] if operation.needs_json else [])]
            for name in needed:
                reply = await asked(it, operation, example, without=name)
                if reply.status != 400 or set(reply.json) != {"error_code", "error_message"}:
                    wrong.append((operation.name, name, reply.status))
    assert wrong == []


@pytest.mark.parametrize("service", SERVICES)
async def test_replies_are_what_the_schema_says(service: str, data_dir: Path) -> None:
    wrong: list[object] = []
    async with world(data_dir) as it:
        for operation in sorted(operations(service), key=lambda item: item.name in LAST):
            example = EXAMPLES.get(operation.name, Example())
            if operation.name not in EXAMPLES and (operation.required_queries or "body" in operation.facts):
                wrong.append((operation.name, "has no example"))
                continue
            reply = await asked(it, operation, example)
            if reply.status != example.status:
                wrong.append((operation.name, reply.status, reply.body[:200]))
            elif reply.status == 200 and "application/json" in operation.media_types:
                wrong += [(operation.name, text) for text in operation.complaints(reply.json)]
    assert wrong == []
