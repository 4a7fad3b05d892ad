"""The control surface as its clients see it."""

from pathlib import Path
from typing import Any

import pytest

from tests.support import clips
from tests.support.asgi import ADMIN, VIEWER, call
from tests.support.perception import ClipSource, make, running
from vedette.schema.identity import Role, Subject

URL = "rtsp://127.0.0.1:8554/live/cam-1"
KEY = "127.0.0.1:8554/live/cam-1"
VALUE = {"camera_id": "cam-1", "camera_name": "Gate", "camera_url": URL, "change": "camera_add"}
ADD: dict[str, Any] = {
    "key": "sensor",
    "value": {**VALUE, "metadata": {"resolution": "512x128", "codec": "h264", "framerate": 30}},
    "headers": {"source": "vst", "created_at": "2026-01-01T00:00:00.000Z"},
}


def remove(camera_id: str = "cam-1") -> dict[str, Any]:
    return {"key": "sensor", "value": {**VALUE, "camera_id": camera_id, "change": "camera_remove"}}


@pytest.mark.anyio
async def test_a_stream_is_added_reported_slowed_and_removed(tmp_path: Path) -> None:
    async with running(tmp_path, sources={KEY: [ClipSource(clips.encode(20))]}) as bench:
        for _ in range(2):
            added = await call(bench.app, "POST", "/api/v1/stream/add", body=ADD)
            assert (added.status, added.json["reason"]) == (200, "STREAM_ADD_SUCCESS")
        await bench.frames(20)
        info = (await call(bench.app, "GET", "/api/v1/stream/get-stream-info", subject=VIEWER)).json["stream-info"]
        assert info["stream-count"] == 1
        stream = info["stream-info"][0]
        assert (stream["camera_id"], stream["camera_name"], stream["state"]) == ("cam-1", "Gate", "streaming")
        assert (stream["width"], stream["height"], stream["frames"]) == (clips.WIDTH, clips.HEIGHT, 20)
        pace = {"stream": {"stream_id": "cam-1", "infer_fps": 5}}
        assert (await call(bench.app, "POST", "/api/v1/infer/set-interval", body=pace)).status == 200
        assert bench.service.list()[0].pace.infer_fps == 5
        metrics = (await call(bench.app, "GET", "/metrics")).body.decode()
        assert 'vedette_perception_frames_total{sensor="cam-1"} 20.0' in metrics
        assert 'vedette_perception_cost_seconds_total{sensor="cam-1",step="decode"}' in metrics
        assert "vedette_perception_published_frames 20.0" in metrics
        gone = await call(bench.app, "POST", "/api/v1/stream/remove", body=remove())
        assert gone.json["reason"] == "STREAM_REMOVE_SUCCESS"
        await bench.until(lambda: 'sensor="cam-1"' not in bench.kernel.telemetry.render().decode())


@pytest.mark.anyio
async def test_the_envelope_of_the_bus_is_a_body_too(tmp_path: Path) -> None:
    envelope = {
        "alert_type": "camera_status_change",
        "created_at": "2026-01-01T00:00:00.000Z",
        "source": "vst",
        "event": {**VALUE, "change": "camera_streaming"},
    }
    async with running(tmp_path) as bench:
        assert (await call(bench.app, "POST", "/api/v1/stream/add", body=envelope)).status == 200
        assert [item.camera_id for item in bench.service.list()] == ["cam-1"]


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("path", "body", "status", "code"),
    [
        ("stream/add", b"{not json", 400, "InvalidParameterError"),
        ("stream/add", {}, 400, "InvalidParameterError"),
        ("stream/add", {"value": VALUE, "event": VALUE}, 400, "InvalidParameterError"),
        ("stream/add", {"value": {**VALUE, "camera_id": "../etc"}}, 400, "InvalidParameterError"),
        ("stream/add", {"value": {**VALUE, "camera_url": "file:///etc/passwd"}}, 400, "InvalidParameterError"),
        ("stream/add", {"value": {**VALUE, "camera_url": "rtsp://[::1"}}, 400, "InvalidParameterError"),
        ("stream/add", {"value": {**VALUE, "change": "camera_remove"}}, 400, "InvalidParameterError"),
        ("stream/remove", remove("nobody"), 404, "CameraNotFoundError"),
        ("infer/set-interval", {"stream": {"stream_id": "nobody", "interval": 1}}, 404, "CameraNotFoundError"),
        ("infer/set-interval", {"stream": {"stream_id": "cam-1"}}, 400, "InvalidParameterError"),
        ("infer/set-interval", {"stream": {"stream_id": "cam-1", "interval": -1}}, 400, "InvalidParameterError"),
        ("infer/set-interval", {"stream": {"stream_id": "cam-1", "infer_fps": 0}}, 400, "InvalidParameterError"),
    ],
)
async def test_bad_input_says_what_is_wrong(tmp_path: Path, path: str, body: Any, status: int, code: str) -> None:
    async with running(tmp_path) as bench:
        reply = await call(bench.app, "POST", f"/api/v1/{path}", body=body)
        assert (reply.status, reply.json["error_code"]) == (status, code)
        assert reply.json["error_message"]


@pytest.mark.anyio
async def test_who_may_do_what(tmp_path: Path) -> None:
    limited = Subject(id="u", name="guest", role=Role.VIEWER, sensors=["other"])
    async with running(tmp_path) as bench:
        for subject, status in ((None, 401), (VIEWER, 403), (ADMIN, 200)):
            assert (await call(bench.app, "POST", "/api/v1/stream/add", body=ADD, subject=subject)).status == status
        assert (await call(bench.app, "GET", "/api/v1/stream/get-stream-info", subject=None)).status == 401
        seen = await call(bench.app, "GET", "/api/v1/stream/get-stream-info", subject=limited)
        assert seen.json["stream-info"] == {"stream-count": 0, "stream-info": []}


@pytest.mark.anyio
async def test_probes_tell_when_the_detector_is_loaded(tmp_path: Path) -> None:
    bench = make(tmp_path)
    assert (await call(bench.app, "GET", "/api/v1/live", subject=None)).status == 200
    for name in ("ready", "startup"):
        assert (await call(bench.app, "GET", f"/api/v1/{name}", subject=None)).status == 503
    async with running(tmp_path / "other") as started:
        await started.until(lambda: started.service.ready() is None)
        for name in ("live", "ready", "startup"):
            assert (await call(started.app, "GET", f"/api/v1/{name}", subject=None)).status == 200
