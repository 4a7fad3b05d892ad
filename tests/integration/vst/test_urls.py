"""Temporary addresses, files by id and pictures by number, over HTTP."""

import io
from pathlib import Path
from typing import override

import av
import numpy as np
import pytest

from tests.integration.vst.test_cameras import a_camera
from tests.integration.vst.test_footage import numbers_of
from tests.support.asgi import Reply
from tests.support.vst_running import BASE, Running, running
from vedette.kernel.clock import Instant, SystemClock, from_iso, to_iso
from vedette.media.scene import read_barcode

pytestmark = pytest.mark.anyio
SECOND = 1_000_000


class LateClock(SystemClock):
    """The machine's clock, and more when a test says so."""

    ahead_us = 0

    @override
    def now(self) -> Instant:
        return super().now() + self.ahead_us


def number_of(jpeg: bytes) -> int:
    with av.open(io.BytesIO(jpeg), "r") as container:
        frame = next(container.decode(video=0)).to_ndarray(format="bgr24")
    number = read_barcode(np.asarray(frame, np.uint8))
    assert number is not None
    return number


async def fetched(vst: Running, url: str) -> Reply:
    """Whatever an address gives to somebody who is not signed in."""
    path = url[url.index(BASE) + len(BASE) :]
    return await vst.ask("GET", path, subject=None)


async def test_a_clip_has_an_address_that_expires(data_dir: Path) -> None:
    clock = LateClock()
    async with a_camera() as camera, running(data_dir, clock=clock) as vst:
        stream_id = await vst.add(camera.url("scene"), "Gate")
        [span] = await vst.until_recorded(stream_id, 3)
        times = f"startTime={to_iso(span.start_us)}&endTime={to_iso(span.start_us + 2 * SECOND)}"
        url = f"/storage/file/{stream_id}/url?{times}"
        first = (await vst.ask("GET", f"{url}&expiryMinutes=5")).json
        assert first["videoUrl"].endswith(first["absolutePath"])
        assert (first["type"], first["streamId"], first["fullFile"]) == ("replay", stream_id, False)
        assert first["startTimeEpochMs"] == from_iso(first["startTime"]) // 1000
        clip = await fetched(vst, first["videoUrl"])
        assert (clip.status, clip.headers["content-type"]) == (200, "video/mp4")
        assert len(numbers_of(clip.body)) >= 20
        again = (await vst.ask("GET", f"{url}&expiryMinutes=60")).json
        assert again["videoUrl"] == first["videoUrl"]
        assert from_iso(again["expiryISO"]) > from_iso(first["expiryISO"]) + 50 * 60 * SECOND
        other = (await vst.ask("GET", f"{url}&expiryMinutes=5&container=ts")).json
        assert other["videoUrl"] != first["videoUrl"]
        assert (await fetched(vst, other["videoUrl"])).headers["content-type"] == "video/mp2t"
        clock.ahead_us = 10 * 60 * SECOND
        assert (await fetched(vst, first["videoUrl"])).status == 200
        assert (await fetched(vst, other["videoUrl"])).status == 410
        clock.ahead_us = 0
        guessed = first["videoUrl"].replace(first["videoUrl"][-36:-4], "A" * 32)
        assert (await fetched(vst, guessed)).status == 404
        assert (await fetched(vst, first["videoUrl"].replace(".mp4", ".jpg"))).status == 404
        assert (await fetched(vst, first["videoUrl"].replace(".mp4", ".exe"))).status == 400
        for wrong in ("expiryMinutes=0", "expiryMinutes=-1", "transcode=much", "container=avi"):
            assert 400 <= (await vst.ask("GET", f"{url}&{wrong}")).status < 500
        assert (await vst.ask("GET", url, subject=None)).status == 401
        nothing = "startTime=2020-01-01T00:00:00Z&endTime=2020-01-01T00:01:00Z"
        assert (await vst.ask("GET", f"/storage/file/{stream_id}/url?{nothing}")).status == 404
        newest = (await vst.ask("GET", f"/storage/file/{stream_id}/url?fullFile=true")).json
        assert newest["fullFile"]
        assert (await fetched(vst, newest["videoUrl"])).status == 200


async def test_a_picture_has_an_address_too(data_dir: Path) -> None:
    async with a_camera() as camera, running(data_dir) as vst:
        stream_id = await vst.add(camera.url("scene"), "Gate")
        [span] = await vst.until_recorded(stream_id, 2)
        url = f"/storage/stream/{stream_id}/picture/url?startTime={to_iso(span.start_us + SECOND)}"
        first = (await vst.ask("GET", f"{url}&expiryMinutes=1")).json
        assert first["imageUrl"].endswith(".jpg")
        assert (await vst.ask("GET", url)).json["imageUrl"] == first["imageUrl"]
        assert (await fetched(vst, first["imageUrl"])).headers["content-type"] == "image/jpeg"
        assert (await vst.ask("GET", f"/storage/stream/{stream_id}/picture/url")).status == 400
        assert (await vst.ask("GET", f"{url}&expiryMinutes=0")).status == 400


async def test_pictures_are_counted(data_dir: Path) -> None:
    async with a_camera() as camera, running(data_dir) as vst:
        stream_id = await vst.add(camera.url("scene"), "Gate")
        [span] = await vst.until_recorded(stream_id, 4)
        base = f"/storage/stream/{stream_id}/picture"
        first = number_of((await vst.ask("GET", f"{base}?frameId=0")).body)
        for frame in (1, 7, 25):
            assert number_of((await vst.ask("GET", f"{base}?frameId={frame}")).body) == first + frame
        start = f"startTime={to_iso(span.start_us + SECOND)}"
        there = number_of((await vst.ask("GET", f"{base}?{start}")).body)
        drawn = await vst.ask("GET", f'{base}?{start}&frameId=3&overlay={{"debug":true}}')
        assert number_of(drawn.body) == there + 3
        assert drawn.headers["vedette-overlay"] == "none"
        assert (await vst.ask("GET", f"{base}?frameId=99999")).status == 404
        for wrong in ("", "?frameId=-1", f"?{start}&overlay=nonsense", f"?{start}&width=x"):
            assert (await vst.ask("GET", base + wrong)).status == 400


async def test_a_file_by_its_id(data_dir: Path) -> None:
    async with a_camera() as camera, running(data_dir) as vst:
        stream_id = await vst.add(camera.url("scene"), "Gate")
        await vst.until_recorded(stream_id, 3)
        [file] = (await vst.ask("GET", f"/storage/file/{stream_id}/list")).json[stream_id]
        whole = await vst.ask("GET", f"/storage/file?id={file['metadata']['id']}")
        assert len(numbers_of(whole.body)) >= 25
        info = (await vst.ask("GET", f"/storage/file/mediainfo?sensorId={stream_id}")).json
        assert (info["Codec"], info["Width"], info["Height"], info["Container"]) == ("H264", "320", "180", "MP4")
        assert float(info["Duration"]) >= 2
        assert (await vst.ask("GET", "/storage/file/mediainfo")).status == 400
        assert (await vst.ask("GET", "/storage/file?id=nobody_1")).status == 404
        routes = (await vst.ask("GET", "/storage/help")).json
        assert {"endpoint": "/storage/file/list", "method": "GET"} in routes
