"""Every codec and every sound of the test camera through the whole service: what was sent is what the clip holds."""

import io
from itertools import pairwise
from pathlib import Path

import anyio
import av
import pytest

from tests.support.vst_running import Running, running, settings_of
from vedette.kernel.clock import SystemClock, to_iso
from vedette.media.unit import VideoCodec
from vedette.tools.camera import Camera, OpenReel, Shelf, StreamSpec, read_stamp
from vedette.tools.camera.tone import SoundCodec

pytestmark = pytest.mark.anyio
SENT: list[tuple[VideoCodec, int, SoundCodec | None]] = [
    ("h264", 0, "aac"),
    ("h264", 2, "pcmu"),
    ("hevc", 0, "pcma"),
    ("hevc", 2, None),
    ("av1", 0, "aac"),
]


async def test_every_codec_is_recorded_with_its_sound(data_dir: Path) -> None:
    shelf = Shelf()
    specs = {
        f"{codec}-{b_frames}-{sound}": StreamSpec(codec, 320, 180, 15, 15, b_frames, audio=sound)
        for codec, b_frames, sound in SENT
    }
    cameras = {name: OpenReel(spec, shelf) for name, spec in specs.items()}
    async with Camera(cameras, clock=SystemClock(), stamps=True) as camera, running(data_dir) as vst:
        ids = {name: await vst.add(camera.url(name), name) for name in specs}
        for name, spec in specs.items():
            if spec.audio is not None:
                rule = {"mode": "always", "audio": True}
                assert (await vst.ask("POST", f"/record/{ids[name]}/mode", body=rule)).status == 200
        for name, spec in specs.items():
            await check(vst, ids[name], spec)


async def check(vst: Running, stream_id: str, spec: StreamSpec) -> None:
    """Four seconds of the newest recording are whole, and sound as they should."""
    while True:
        span = (await vst.until_recorded(stream_id, 4))[-1]
        if span.end_us - span.start_us >= 4_000_000:
            break
        await anyio.sleep(0.2)
    query = f"startTime={to_iso(span.end_us - 3_500_000)}&endTime={to_iso(span.end_us)}"
    reply = await vst.ask("GET", f"/storage/file/{stream_id}?{query}")
    assert reply.status == 200, reply.body[:300]
    numbers: list[int] = []
    with av.open(io.BytesIO(reply.body), "r") as container:
        names = {str(stream.type): stream.codec_context.name for stream in container.streams}
        assert names["video"] in (spec.codec, "libdav1d")
        assert names.get("audio") == (None if spec.audio is None else "aac"), spec
        pictures = heard = 0
        for packet in container.demux():
            if isinstance(packet.stream, av.VideoStream):
                if packet.size:
                    stamp = read_stamp(bytes(packet))
                    numbers += [stamp.number] if stamp else []
                pictures += len(packet.decode())
            else:
                heard += sum(frame.samples for frame in packet.decode() if isinstance(frame, av.AudioFrame))
    assert pictures >= 45
    assert {right - left for left, right in pairwise(sorted(numbers))} == {1}
    assert spec.audio is None or heard > 16_000


async def test_a_camera_without_a_rule_for_sound_is_recorded_silently(data_dir: Path) -> None:
    spec = StreamSpec("h264", 320, 180, 15, 15, 0, audio="aac")
    async with (
        Camera({"gate": OpenReel(spec, Shelf())}, clock=SystemClock()) as camera,
        running(data_dir, settings=settings_of()) as vst,
    ):
        stream_id = await vst.add(camera.url("gate"), "Gate")
        [span, *_] = await vst.until_recorded(stream_id, 2)
        query = f"startTime={to_iso(span.start_us)}&endTime={to_iso(span.end_us)}"
        reply = await vst.ask("GET", f"/storage/file/{stream_id}?{query}")
        with av.open(io.BytesIO(reply.body), "r") as container:
            assert [str(stream.type) for stream in container.streams] == ["video"]
