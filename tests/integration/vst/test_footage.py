"""Recordings through the API: timelines, clips, pictures, gaps, deletion."""

import io
from itertools import pairwise
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread
import av
import numpy as np
import pytest

from tests.integration.vst.test_cameras import a_camera
from tests.support.vst_running import Running, running, settings_of
from vedette.kernel.clock import SystemClock, from_iso, to_iso
from vedette.media.scene import read_barcode
from vedette.services.vst.service.fsck import fsck
from vedette.services.vst.service.policy import GIB, Limits

pytestmark = pytest.mark.anyio
SECOND = 1_000_000


def numbers_of(mp4: bytes) -> list[int]:
    """The frame numbers of the scene in a clip."""
    with av.open(io.BytesIO(mp4), "r") as container:
        return [
            number
            for frame in container.decode(video=0)
            if (number := read_barcode(np.asarray(frame.to_ndarray(format="bgr24"), np.uint8))) is not None
        ]


async def clip(vst: Running, stream_id: str, start_us: int, end_us: int, **more: Any) -> bytes:
    query = "".join(f"&{name}={value}" for name, value in more.items())
    times = f"startTime={to_iso(start_us)}&endTime={to_iso(end_us)}"
    reply = await vst.ask("GET", f"/storage/file/{stream_id}?{times}{query}")
    assert reply.status == 200, reply.body
    assert reply.headers["content-type"] == "video/mp4"
    return reply.body


async def test_what_is_recorded_is_listed_and_can_be_had_as_a_clip(data_dir: Path) -> None:
    async with a_camera() as camera, running(data_dir) as vst:
        stream_id = await vst.add(camera.url("scene"), "Gate")
        [span] = await vst.until_recorded(stream_id, 6)
        timelines = (await vst.ask("GET", f"/storage/{stream_id}/timelines")).json
        assert [set(entry) for entry in timelines] == [{"startTime", "endTime"}]
        assert from_iso(timelines[0]["startTime"]) == pytest.approx(span.start_us, abs=1000)
        assert from_iso(timelines[0]["endTime"]) >= span.end_us - 1000
        whole = numbers_of(await clip(vst, stream_id, span.start_us, span.end_us))
        assert len(whole) > 50
        assert whole == list(range(whole[0], whole[0] + len(whole)))
        middle = numbers_of(await clip(vst, stream_id, span.start_us + 2 * SECOND, span.start_us + 4 * SECOND))
        assert middle == list(range(middle[0], middle[0] + len(middle)))
        assert 19 <= len(middle) <= 32
        assert whole[0] < middle[0]
        everything = (await vst.ask("GET", "/storage/timelines")).json
        assert list(everything) == [stream_id]


async def test_ranges_that_make_no_clip(data_dir: Path) -> None:
    async with a_camera() as camera, running(data_dir) as vst:
        stream_id = await vst.add(camera.url("scene"), "Gate")
        [span] = await vst.until_recorded(stream_id, 1)
        start, end = to_iso(span.start_us), to_iso(span.end_us)
        early = to_iso(span.start_us - 3600 * SECOND)
        cases = [
            (f"startTime={end}&endTime={start}", 400), (f"startTime={start}&endTime={start}", 400),
            (f"startTime={early}&endTime={to_iso(span.start_us - 60 * SECOND)}", 404),
            (f"startTime={start}", 400), ("", 400), (f"startTime=yesterday&endTime={end}", 400),
            (f"startTime={start}&endTime={end}&fullLength=maybe", 400),
            (f"startTime={start}&endTime={end}&container=avi", 422),
            (f"startTime=2020-01-01T00:00:00Z&endTime={end}", 400),
        ]  # fmt: skip
        for query, status in cases:
            reply = await vst.ask("GET", f"/storage/file/{stream_id}?{query}")
            assert (query, reply.status) == (query, status)
            assert set(reply.json) == {"error_code", "error_message"}
        missing = await vst.ask("GET", f"/storage/file/{stream_id}?{cases[2][0]}")
        assert missing.json["error_code"] == "VMSNoDataError"


async def test_sizes_have_the_published_shape(data_dir: Path) -> None:
    async with a_camera() as camera, running(data_dir) as vst:
        stream_id = await vst.add(camera.url("scene"), "Gate")
        await vst.until_recorded(stream_id, 1)
        size = (await vst.ask("GET", "/storage/size?timelines=true")).json
        assert set(size) == {stream_id, "total"}
        assert set(size[stream_id]) == {"sizeInMegabytes", "state", "timelines"}
        assert set(size[stream_id]["timelines"][0]) == {"startTime", "endTime", "sizeInMegabytes"}
        assert set(size["total"]) == {
            "remainingStorageDays", "sizeInMegabytes", "totalAvailableStorageSize", "totalDiskCapacity"
        }  # fmt: skip
        assert size["total"]["totalDiskCapacity"] >= size["total"]["totalAvailableStorageSize"] > 0
        assert (await vst.ask("GET", "/storage/info")).json["total"] > 0


async def test_pictures_of_now_and_of_then(data_dir: Path) -> None:
    async with a_camera() as camera, running(data_dir) as vst:
        stream_id = await vst.add(camera.url("scene"), "Gate")
        [span] = await vst.until_recorded(stream_id, 3)
        live = await vst.ask("GET", f"/live/stream/{stream_id}/picture")
        assert (live.status, live.headers["content-type"]) == (200, "image/jpeg")
        with av.open(io.BytesIO(live.body), "r") as container:
            picture = next(container.decode(video=0))
            assert (picture.width, picture.height) == (320, 180)
        small = await vst.ask("GET", f"/live/stream/{stream_id}/picture?width=160")
        with av.open(io.BytesIO(small.body), "r") as container:
            assert next(container.decode(video=0)).width == 160
        then = await vst.ask(
            "GET", f"/storage/stream/{stream_id}/picture?startTime={to_iso(span.start_us + 3 * SECOND // 2)}"
        )
        assert then.status == 200
        with av.open(io.BytesIO(then.body), "r") as container:
            frame = next(container.decode(video=0)).to_ndarray(format="bgr24")
        number = read_barcode(np.asarray(frame, np.uint8))
        whole = numbers_of(await clip(vst, stream_id, span.start_us, span.end_us))
        assert number is not None
        assert number - whole[0] in (14, 15)
        assert (await vst.ask("GET", f"/live/stream/{stream_id}/picture?width=99999")).status == 400
        nothing = await vst.ask("GET", f"/storage/stream/{stream_id}/picture?startTime=2020-01-01T00:00:00Z")
        assert nothing.status == 404


async def test_a_stalled_camera_leaves_a_gap_and_recording_resumes(data_dir: Path) -> None:
    async with a_camera() as camera, running(data_dir) as vst:
        stream_id = await vst.add(camera.url("scene"), "Gate")
        await vst.until_recorded(stream_id, 2)
        camera.stall("scene")
        await vst.until_health(stream_id, "offline")
        status = (await vst.ask("GET", f"/sensor/{stream_id}/status")).json
        assert (status["state"], status["errorCode"]) == ("offline", "DeviceRequestTimeoutError")
        assert (await vst.ask("GET", "/live/streams")).json == []
        assert (await vst.ask("GET", f"/live/stream/{stream_id}/picture")).status == 503
        [before] = await vst.service.coverage.timeline(stream_id)
        camera.resume("scene")
        await vst.until_online(stream_id)
        spans = await vst.until_recorded(stream_id, (before.end_us - before.start_us) / SECOND + 2)
        assert len(spans) == 2
        assert spans[0] == before
        assert spans[1].start_us - before.end_us > SECOND
        gaps = (await vst.ask("GET", f"/record/{stream_id}/gaps")).json
        assert gaps[0]["cause"] == "starting"
        assert gaps[1] == {"startTime": to_iso(before.end_us), "endTime": to_iso(spans[1].start_us), "cause": "camera"}
        numbers = numbers_of(await clip(vst, stream_id, spans[0].start_us, spans[1].end_us))
        steps = [right - left for left, right in pairwise(numbers)]
        assert sum(step != 1 for step in steps) == 1
        changes = [event.event.change for event in vst.events()]
        assert changes == ["camera_add", "camera_proxy", "camera_streaming", "camera_remove", "camera_streaming"]
        assert vst.events()[3].event.reason == "offline"
    assert await anyio.to_thread.run_sync(lambda: fsck(data_dir, clock=SystemClock(), hashes=True).findings) == []


async def test_deleting_a_camera_keeps_or_takes_its_recordings(data_dir: Path) -> None:
    async with a_camera(copies=2) as camera, running(data_dir) as vst:
        kept, gone = await vst.add(camera.url("scene-0"), "Kept"), await vst.add(camera.url("scene-1"), "Gone")
        await vst.until_recorded(kept, 2)
        await vst.until_recorded(gone, 2)
        assert (await vst.ask("DELETE", f"/sensor/{kept}")).status == 200
        assert (await vst.ask("DELETE", f"/sensor/{gone}?deleteRecordings=true")).status == 200
        assert (await vst.ask("GET", f"/storage/{kept}/timelines")).status == 200
        assert (await vst.ask("GET", f"/storage/{gone}/timelines")).json == []
        reply = await vst.ask("DELETE", f"/storage/file/{kept}")
        assert reply.json["spaceSaved"] >= 0
        assert (await vst.ask("GET", f"/storage/{kept}/timelines")).json == []
    report = await anyio.to_thread.run_sync(lambda: fsck(data_dir, clock=SystemClock()))
    assert (report.segments, report.findings) == (0, [])


async def test_ageing_deletes_the_oldest_over_the_limit(data_dir: Path) -> None:
    async with a_camera() as camera, running(data_dir, settings=settings_of(ageing_every_s=3600)) as vst:
        stream_id = await vst.add(camera.url("scene"), "Gate")
        [span] = await vst.until_recorded(stream_id, 5)
        usage = (await vst.service.footage.usage())[stream_id]
        reaper = vst.service.reaper
        await vst.service.policies.change(Limits(max_gib=usage.bytes / 2 / GIB), actor="a person")
        assert await reaper.age() > 0
        [left] = await vst.service.coverage.timeline(stream_id)
        assert left.start_us > span.start_us
        assert await reaper.age() == 0
    report = await anyio.to_thread.run_sync(lambda: fsck(data_dir, clock=SystemClock(), hashes=True))
    assert report.findings == []


async def test_a_restart_goes_on_recording_the_same_cameras(data_dir: Path) -> None:
    async with a_camera() as camera:
        async with running(data_dir) as vst:
            stream_id = await vst.add(camera.url("scene"), "Gate")
            await vst.until_recorded(stream_id, 2)
        async with running(data_dir) as again:
            await again.until_online(stream_id)
            spans = await again.until_recorded(stream_id, 4)
            gaps = (await again.ask("GET", f"/record/{stream_id}/gaps")).json
            assert [gap["cause"] for gap in gaps] == ["starting", "stopped"]
            assert all(left.end_us <= right.start_us for left, right in pairwise(spans))
            assert [event.event.change for event in again.events()] == [
                "camera_add",
                "camera_proxy",
                "camera_streaming",
            ]
