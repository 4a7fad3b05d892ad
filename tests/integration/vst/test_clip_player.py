"""Clips in a real browser: they play, and a seek shows the very picture."""

from pathlib import Path
from typing import Any

import pytest

from tests.integration.vst.test_whep import CHROMIUM, serving, signed_in
from tests.support import clips, elementary
from tests.support.recorded import add_recording
from tests.support.vst_running import running
from vedette.kernel.clock import to_iso

pytestmark = pytest.mark.anyio
FPS = 30

LOOK = """
async ([path, numbers, first, fps, bits, block]) => {
  const video = document.querySelector("video");
  const met = (name) => new Promise((resolve, reject) => {
    video.addEventListener(name, resolve, {once: true});
    video.addEventListener("error", () => reject(new Error(video.error.message)), {once: true});
  });
  let event = met("loadeddata");
  video.autoplay = false;
  video.src = path;
  await event;
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [video.videoWidth, video.videoHeight];
  const context = canvas.getContext("2d");
  const seen = [];
  for (const number of numbers) {
    event = met("seeked");
    video.currentTime = (number - first + 0.5) / fps;
    await event;
    context.drawImage(video, 0, 0);
    let value = 0;
    for (let bit = 0; bit < bits; bit++)
      value |= (context.getImageData((bit + 0.5) * block, block / 2, 1, 1).data[0] > 125) << bit;
    seen.push(value);
  }
  event = met("seeked");
  video.currentTime = 0;
  await event;
  event = met("ended");
  video.playbackRate = 4;
  await video.play();
  await event;
  return {seen, duration: video.duration, end: video.currentTime};
}
"""


@pytest.mark.e2e
@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")
@pytest.mark.parametrize("more", ["", "&cut=exact", "&cut=exact&transcode=gop"])
async def test_a_clip_over_seams_plays_and_seeks_in_a_browser(data_dir: Path, more: str) -> None:
    units = elementary.interleaved(clips.encode(240, gop=30, b_frames=2), elementary.encode_aac(8))
    async with running(data_dir) as vst:
        await add_recording(vst, [unit for unit in units if unit.dts_90k >= 0 or not unit.parameters.is_audio])
        start, end = to_iso(clips.WALL_US + 1_500_000), to_iso(clips.WALL_US + 7_000_000)
        path = f"/vst/api/v1/storage/file/cam?startTime={start}&endTime={end}{more}"
        first = 45 if more else 30
        wanted = [120, first, 59, 60, 61, 209, 200, 150, 119]
        result = await looked_at(signed_in(vst.service.app), path, wanted, first)
        assert result["seen"] == wanted
        assert result["duration"] == pytest.approx((210 - first) / FPS, abs=0.025)  # sound ends with a whole frame
        assert result["end"] == pytest.approx(result["duration"], abs=0.1)


async def looked_at(app: Any, path: str, numbers: list[int], first: int) -> Any:
    """What a browser shows at these pictures of a clip that begins with picture `first`."""
    from playwright.async_api import async_playwright

    async with serving(app) as address, async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        try:
            page = await browser.new_page()
            await page.goto(address)
            return await page.evaluate(LOOK, [path, numbers, first, FPS, clips.BITS, clips.BLOCK])
        finally:
            await browser.close()
