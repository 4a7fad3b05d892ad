"""A disk without room, seen by a whole VST: recording stops with an alarm, everything else goes on, and it resumes."""

import os
from pathlib import Path

import anyio
import pytest

from tests.integration.vst.test_cameras import a_camera
from tests.support.asgi import call
from tests.support.synthetic_footage import statvfs_of
from tests.support.vst_running import Running, running, settings_of

pytestmark = pytest.mark.anyio
GB = 1_000_000_000


async def ready(vst: Running) -> tuple[int, str]:
    reply = await call(vst.service.app, "GET", "/readyz", subject=None)
    return reply.status, reply.json["status"]


async def test_recording_stops_with_an_alarm_and_resumes_by_itself(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    free = [500 * GB]
    monkeypatch.setattr(os, "statvfs", statvfs_of(1000 * GB, lambda: free[0]))
    async with a_camera() as camera, running(data_dir, settings=settings_of(ageing_every_s=0.5)) as vst:
        stream_id = await vst.add(camera.url("scene"), "Gate")
        await vst.until_recorded(stream_id, 2)
        assert await ready(vst) == (200, "ready")
        free[0] = GB // 10
        with anyio.fail_after(30):
            while (await vst.ask("GET", f"/record/{stream_id}/gaps")).json[-1]["cause"] != "disk_full":
                await anyio.sleep(0.1)
        status, reason = await ready(vst)
        assert (status, "disk is full" in reason) == (503, True)
        metrics = (await call(vst.service.app, "GET", "/metrics")).body
        assert b"vedette_vst_disk_alarm 2.0" in metrics
        assert (await vst.ask("GET", f"/record/{stream_id}/status")).json == {"recordingStatus": "error"}
        assert (await vst.ask("GET", f"/live/stream/{stream_id}/picture")).status == 200
        before = await vst.service.coverage.timeline(stream_id)
        free[0] = 500 * GB
        with anyio.fail_after(30):
            while len(await vst.service.coverage.timeline(stream_id)) == len(before):
                await anyio.sleep(0.1)
        assert await ready(vst) == (200, "ready")
        assert (await vst.ask("GET", f"/record/{stream_id}/status")).json == {"recordingStatus": "alwaysOn"}
