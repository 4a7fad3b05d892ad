"""Live view by WHEP: through the API with an aiortc client, and in a real browser."""

import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import pytest
import uvicorn
from aioice import ice
from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription

from tests.integration.vst.test_cameras import a_camera
from tests.support.asgi import ADMIN, Reply, call
from tests.support.clips import encode
from tests.support.vst_running import Running, running, settings_of
from vedette.kernel.clock import from_iso
from vedette.kernel.http import SUBJECT
from vedette.kernel.lifecycle import ASGIApp, Receive, Scope, Send

pytestmark = pytest.mark.anyio
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


@pytest.fixture
def loopback_ice(monkeypatch: pytest.MonkeyPatch) -> None:
    """ICE on loopback alone."""
    monkeypatch.setattr(ice, "get_host_addresses", lambda use_ipv4, use_ipv6: ["127.0.0.1"])


async def post(vst: Running, stream_id: str, offer: str, kind: str = "application/sdp") -> Reply:
    path = f"/vst/api/v1/live/whep/{stream_id}"
    return await call(vst.service.app, "POST", path, body=offer.encode(), headers={"content-type": kind})


@asynccontextmanager
async def viewing(vst: Running, stream_id: str) -> AsyncIterator[tuple[str, RTCPeerConnection]]:
    """(location, connection) of a viewer that is connected."""
    connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    try:
        connection.addTransceiver("video", direction="recvonly")
        await connection.setLocalDescription(await connection.createOffer())
        reply = await post(vst, stream_id, connection.localDescription.sdp)
        assert reply.status == 201, reply.body
        assert reply.headers["content-type"] == "application/sdp"
        await connection.setRemoteDescription(RTCSessionDescription(reply.body.decode(), "answer"))
        yield reply.headers["location"], connection
    finally:
        await connection.close()


async def session(vst: Running, location: str) -> Reply:
    return await call(vst.service.app, "GET", location)


async def until_gone(vst: Running, location: str) -> None:
    with anyio.fail_after(15):
        while (await session(vst, location)).status != 404:
            await anyio.sleep(0.05)


@pytest.mark.usefixtures("loopback_ice")
async def test_a_viewer_gets_pictures_and_the_clock(data_dir: Path) -> None:
    async with a_camera() as camera, running(data_dir) as vst:
        stream_id = await vst.add(camera.url("scene"), "Gate")
        await vst.until_online(stream_id)
        async with viewing(vst, stream_id) as (location, connection):
            assert location.startswith(f"/vst/api/v1/live/whep/{stream_id}/")
            track = connection.getReceivers()[0].track
            with anyio.fail_after(15):
                frame: Any = await track.recv()
                assert (frame.width, frame.height) == (320, 180)
                for _ in range(10):
                    await track.recv()
                told = (await session(vst, location)).json
            assert (told["streamId"], told["state"]) == (stream_id, "connected")
            assert told["stats"]["units"] >= 10
            clock = told["clock"]
            assert 0 <= clock["rtpTimestamp"] < 2**32
            assert abs(vst.kernel.clock.now() - clock["wallTimeUs"]) < 5_000_000
            assert abs(from_iso(clock["wallTime"]) - clock["wallTimeUs"]) < 1000
            assert (await call(vst.service.app, "PATCH", location, body=b"")).status == 204
            assert (await call(vst.service.app, "DELETE", location)).status == 200
            assert (await session(vst, location)).status == 404
            assert (await call(vst.service.app, "DELETE", location)).status == 404


@pytest.mark.usefixtures("loopback_ice")
async def test_sessions_end_with_their_viewer_and_with_their_sensor(data_dir: Path) -> None:
    async with a_camera() as camera, running(data_dir, settings=settings_of(max_viewers=1)) as vst:
        stream_id = await vst.add(camera.url("scene"), "Gate")
        await vst.until_online(stream_id)
        async with viewing(vst, stream_id) as (location, connection):
            with anyio.fail_after(15):
                await connection.getReceivers()[0].track.recv()
            second = RTCPeerConnection(RTCConfiguration(iceServers=[]))
            second.addTransceiver("video", direction="recvonly")
            await second.setLocalDescription(await second.createOffer())
            refused = await post(vst, stream_id, second.localDescription.sdp)
            await second.close()
            assert (refused.status, refused.json["error_code"]) == (429, "TooManyRequestsError")
            await connection.close()
            await until_gone(vst, location)
        async with viewing(vst, stream_id) as (location, connection):
            with anyio.fail_after(15):
                await connection.getReceivers()[0].track.recv()
            assert (await vst.ask("DELETE", f"/sensor/{stream_id}")).status == 200
            assert (await session(vst, location)).status == 404


async def test_offers_that_cannot_be_served_say_why(data_dir: Path) -> None:
    async with a_camera() as camera, running(data_dir) as vst:
        stream_id = await vst.add(camera.url("scene"), "Gate")
        await vst.until_online(stream_id)
        assert (await post(vst, "nope", "v=0")).status == 404
        assert (await post(vst, stream_id, "v=0", "application/json")).status == 415
        assert (await post(vst, stream_id, "hello")).status == 400
        assert (await post(vst, stream_id, "v=0\r\n" + "a=x\r\n" * 20_000)).status == 413
        camera.refuse("scene")
        await vst.until_health(stream_id, "offline")
        offline = await post(vst, stream_id, "v=0")
        assert (offline.status, offline.json["error_code"]) == (503, "ServiceUnavailableError")
        camera.resume("scene")


async def test_b_frames_are_refused_with_a_way_out(data_dir: Path) -> None:
    async with a_camera() as camera, running(data_dir) as vst:
        stream_id = await vst.add(camera.url("scene"), "Gate")
        await vst.until_online(stream_id)
        seen = vst.service.sensors.camera(stream_id).hub
        seen._parameters = encode(10, b_frames=2)[0].parameters  # the next unit brings the camera's own back
        reply = await post(vst, stream_id, "v=0")
        assert reply.status == 422
        assert "B-frames" in reply.json["error_message"]


def signed_in(app: ASGIApp) -> ASGIApp:
    """The app as ingress shows it to an admin, with a page to stand on."""

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] == "/":
            headers = [(b"content-type", b"text/html")]
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            await send({"type": "http.response.body", "body": b"<video muted autoplay playsinline></video>"})
            return
        await app({**scope, SUBJECT: ADMIN}, receive, send)

    return serve


@asynccontextmanager
async def serving(app: ASGIApp) -> AsyncIterator[str]:
    """The address of the app on a free port."""
    config = uvicorn.Config(app, port=0, lifespan="off", log_config=None, ws="websockets-sansio")
    server = uvicorn.Server(config)
    async with anyio.create_task_group() as group:
        group.start_soon(server.serve)
        while not server.started:
            await anyio.sleep(0.02)
        port = server.servers[0].sockets[0].getsockname()[1]
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            server.should_exit = True


WATCH = """
async ([path, count]) => {
  const started = performance.now();
  const peer = new RTCPeerConnection({iceServers: []});
  peer.addTransceiver("video", {direction: "recvonly"});
  const video = document.querySelector("video");
  peer.ontrack = (event) => { video.srcObject = new MediaStream([event.track]); video.play(); };
  await peer.setLocalDescription(await peer.createOffer());
  const reply = await fetch(path, {
    method: "POST", headers: {"content-type": "application/sdp"}, body: peer.localDescription.sdp});
  if (reply.status !== 201) return {error: await reply.text()};
  await peer.setRemoteDescription({type: "answer", sdp: await reply.text()});
  const frames = [];
  let first = 0;
  await new Promise((resolve, reject) => {
    setTimeout(() => reject(new Error("only " + frames.length + " frames, " + peer.connectionState)), 20000);
    const step = (_now, meta) => {
      first = first || performance.now() - started;
      frames.push(meta.rtpTimestamp);
      if (frames.length >= count) resolve(); else video.requestVideoFrameCallback(step);
    };
    video.requestVideoFrameCallback(step);
  });
  const session = await (await fetch(reply.headers.get("location"))).json();
  const size = [video.videoWidth, video.videoHeight];
  peer.close();
  return {frames, session, size, first, location: reply.headers.get("location")};
}
"""


@pytest.mark.e2e
@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")
async def test_a_browser_shows_the_stream_in_step_with_the_clock(data_dir: Path) -> None:
    from playwright.async_api import async_playwright

    async with (
        a_camera() as camera,
        running(data_dir) as vst,
        serving(signed_in(vst.service.app)) as url,
        async_playwright() as playwright,
    ):
        stream_id = await vst.add(camera.url("scene"), "Gate")
        await vst.until_online(stream_id)
        options = ["--no-sandbox", "--autoplay-policy=no-user-gesture-required"]
        environment: Any = {**os.environ}
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=options, env=environment)
        try:
            page = await browser.new_page()
            await page.goto(url)
            seen = await page.evaluate(WATCH, [f"/vst/api/v1/live/whep/{stream_id}", 30])
            assert "error" not in seen, seen
            assert seen["size"] == [320, 180]
            clock = seen["session"]["clock"]
            for rtp in seen["frames"]:
                ticks = (rtp - clock["rtpTimestamp"] + 2**31) % 2**32 - 2**31
                wall_us = clock["wallTimeUs"] + ticks * 100 // 9
                assert abs(vst.kernel.clock.now() - wall_us) < 20_000_000
            await until_gone(vst, seen["location"])
        finally:
            await browser.close()
