"""Clips through the API: what arrives plays, is what was asked for, and says so."""

import io
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import pytest

from tests.support import clips, elementary
from tests.support.asgi import Reply
from tests.support.pictures import gray
from tests.support.recorded import add_recording
from tests.support.vst_running import Running, running
from vedette.kernel.clock import to_iso

pytestmark = pytest.mark.anyio
SECOND = 1_000_000
START = clips.WALL_US


def shown(data: bytes) -> list[tuple[int, int]]:
    """(number, time in 90 kHz ticks from the first) of each picture."""
    with av.open(io.BytesIO(data), "r") as container:
        stream = container.streams.video[0]
        found = [
            (clips.read_number(gray(frame)), round((frame.pts or 0) * stream.time_base * 90_000))
            for frame in container.decode(stream)
        ]
    return [(number, time - found[0][1]) for number, time in found]


async def ask(vst: Running, start_s: float, end_s: float, *, headers: Any = None, **more: Any) -> Reply:
    times = f"startTime={to_iso(START + round(start_s * SECOND))}&endTime={to_iso(START + round(end_s * SECOND))}"
    query = "".join(f"&{name}={value}" for name, value in more.items())
    return await vst.ask("GET", f"/storage/file/cam?{times}{query}", headers=headers)


async def test_a_clip_says_what_it_is(data_dir: Path) -> None:
    async with running(data_dir) as vst:
        await add_recording(vst, clips.encode(180, gop=30))
        reply = await ask(vst, 1.5, 4.5)
        assert reply.status == 200
        assert shown(reply.body) == [(number + 30, number * 3000) for number in range(105)]
        assert reply.headers["content-type"] == "video/mp4"
        assert int(reply.headers["content-length"]) == len(reply.body)
        assert reply.headers["accept-ranges"] == "bytes"
        assert reply.headers["vedette-clip-start"] == to_iso(START + SECOND)
        assert reply.headers["vedette-clip-seconds"] == "3.500"
        assert reply.headers["vedette-clip-cut"] == "keyframe"
        assert reply.headers["vedette-clip-gaps"] == "close; count=0; seconds=0.000"
        assert reply.headers["content-disposition"] == 'attachment; filename="cam_20231114T221321Z.mp4"'
        exact = await ask(vst, 1.5, 4.5, cut="exact")
        assert shown(exact.body) == [(number + 45, number * 3000) for number in range(90)]
        assert exact.headers["vedette-clip-start"] == to_iso(START + 3 * SECOND // 2)
        assert exact.headers["vedette-clip-cut"] == "exact"
        whole = await ask(vst, 2.5, 3.5, fullFile="true")
        assert shown(whole.body) == [(number + 60, number * 3000) for number in range(60)]
        everything = await vst.ask("GET", "/storage/file/cam?fullLength=true")
        assert len(shown(everything.body)) == 180


async def test_ranges(data_dir: Path) -> None:
    async with running(data_dir) as vst:
        await add_recording(vst, clips.encode(120, gop=30))
        whole = await ask(vst, 0, 4)
        size, tag = len(whole.body), whole.headers["etag"]
        joined = b""
        for start in range(0, size, 5000):
            reply = await ask(vst, 0, 4, headers={"range": f"bytes={start}-{start + 4999}"})
            stop = min(size, start + 5000)
            assert (reply.status, reply.headers["content-range"]) == (206, f"bytes {start}-{stop - 1}/{size}")
            assert int(reply.headers["content-length"]) == len(reply.body)
            joined += reply.body
        assert joined == whole.body
        tail = await ask(vst, 0, 4, headers={"range": "bytes=-100", "if-range": tag})
        assert (tail.status, tail.body) == (206, whole.body[-100:])
        other = await ask(vst, 0, 4, headers={"range": "bytes=-100", "if-range": '"older"'})
        assert (other.status, other.body) == (200, whole.body)
        many = await ask(vst, 0, 4, headers={"range": "bytes=0-1,5-6"})
        assert (many.status, many.body) == (200, whole.body)
        beyond = await ask(vst, 0, 4, headers={"range": f"bytes={size}-"})
        assert (beyond.status, beyond.headers["content-range"]) == (416, f"bytes */{size}")
        assert set(beyond.json) == {"error_code", "error_message"}


async def test_gaps_are_closed_kept_or_refused_as_asked(data_dir: Path) -> None:
    async with running(data_dir) as vst:
        await add_recording(vst, clips.encode(60, gop=30))
        await add_recording(vst, clips.encode(60, gop=30, first=60), first_id=10, start_us=START + 7 * SECOND)
        closed = await ask(vst, 0, 9)
        assert shown(closed.body) == [(number, number * 3000) for number in range(120)]
        assert closed.headers["vedette-clip-gaps"] == "close; count=1; seconds=5.000"
        kept = await ask(vst, 0, 9, gaps="keep")
        steps = [b - a for (_, a), (_, b) in pairwise(shown(kept.body))]
        assert steps.count(3000) == 118
        assert max(steps) == 5 * 90_000 + 3000
        refused = await ask(vst, 0, 9, gaps="refuse")
        assert refused.status == 422
        assert to_iso(START + 2 * SECOND) in refused.json["error_message"]
        assert (await ask(vst, 0, 2, gaps="refuse")).status == 200


@pytest.mark.parametrize("b_frames", [0, 2])
async def test_the_first_pictures_can_be_encoded_again(data_dir: Path, b_frames: int) -> None:
    async with running(data_dir) as vst:
        units = elementary.interleaved(clips.encode(150, gop=30, b_frames=b_frames), elementary.encode_aac(5))
        await add_recording(vst, [unit for unit in units if unit.dts_90k >= 0 or not unit.parameters.is_audio])
        reply = await ask(vst, 1.5, 4.5, transcode="gop")
        assert shown(reply.body) == [(number + 45, number * 3000) for number in range(90)]
        with av.open(io.BytesIO(reply.body), "r") as container:
            heard = [packet.pts or 0 for packet in container.demux(audio=0) if packet.size]
        assert {b - a for a, b in pairwise(heard)} == {1024}
        last = await ask(vst, 4.2, 4.8, transcode="gop")
        assert [number for number, _ in shown(last.body)] == list(range(126, 144))
        at_keyframe = await ask(vst, 3, 4, transcode="gop")
        assert shown(at_keyframe.body) == [(number + 90, number * 3000) for number in range(30)]


async def test_everything_can_be_encoded_again_over_a_change_of_codec(data_dir: Path) -> None:
    async with running(data_dir) as vst:
        await add_recording(vst, clips.encode(60, gop=30, codec="libx265"))
        await add_recording(vst, clips.encode(60, gop=30, first=60), first_id=10, start_us=START + 2 * SECOND)
        mixed = await ask(vst, 0, 4)
        assert mixed.status == 422
        assert "hevc and h264" in mixed.json["error_message"]

        reply = await ask(vst, 0.5, 3, transcode="full", cut="exact", configuration='{"resolution":"256x64"}')
        assert reply.status == 200
        assert "content-length" not in reply.headers
        assert shown(reply.body) == [(number + 15, number * 3000) for number in range(75)]
        with av.open(io.BytesIO(reply.body), "r") as container:
            stream = container.streams.video[0]
            assert (stream.codec_context.name, stream.width, stream.height) == ("h264", 256, 64)


async def test_transport_streams(data_dir: Path) -> None:
    async with running(data_dir) as vst:
        units = elementary.interleaved(clips.encode(120, gop=30, b_frames=2), elementary.encode_aac(4))
        await add_recording(vst, [unit for unit in units if unit.dts_90k >= 0 or not unit.parameters.is_audio])
        reply = await ask(vst, 1, 3, container="ts")
        assert (reply.status, reply.headers["content-type"]) == (200, "video/mp2t")
        assert len(reply.body) % 188 == 0
        numbers = [number for number, _ in shown(reply.body)]
        assert numbers[:60] == list(range(30, 90))
        with av.open(io.BytesIO(reply.body), "r") as container:
            assert sum(frame.samples for frame in container.decode(audio=0)) == pytest.approx(96_000, abs=4096)
        assert reply.headers["content-disposition"].endswith('.ts"')
        await add_recording(vst, elementary.encode_av1(30, gop=30), first_id=20, start_us=START + 10 * SECOND)
        assert (await ask(vst, 10, 11, container="ts")).status == 422
        again = await ask(vst, 10, 11, container="ts", transcode="full")
        assert [number for number, _ in shown(again.body)] == list(range(30))


async def test_sound_can_be_left_out(data_dir: Path) -> None:
    async with running(data_dir) as vst:
        await add_recording(vst, elementary.interleaved(clips.encode(60, gop=30), elementary.encode_aac(2)))
        for configuration, count in (("{}", 2), ('{"disableAudio":true}', 1)):
            reply = await ask(vst, 0, 2, configuration=configuration)
            with av.open(io.BytesIO(reply.body), "r") as container:
                assert len(container.streams) == count


async def test_what_makes_no_clip(data_dir: Path) -> None:
    async with running(data_dir) as vst:
        segments = await add_recording(vst, clips.encode(60, gop=30))
        for more, status in (
            ({"fullLength": "maybe"}, 400), ({"fullFile": "maybe"}, 400), ({"transcode": "half"}, 400),
            ({"gaps": "jump"}, 400), ({"cut": "rough"}, 400), ({"container": "avi"}, 422),
            ({"configuration": "{"}, 400), ({"configuration": '{"framerate":10}'}, 422),
            ({"configuration": '{"resolution":"huge"}'}, 400), ({"configuration": '{"resolution":"640x360"}'}, 422),
            ({"configuration": '{"overlay":{"needBbox":true}}'}, 501),
        ):  # fmt: skip
            reply = await ask(vst, 0, 2, **more)
            assert (more, reply.status) == (more, status)
            assert set(reply.json) == {"error_code", "error_message"}
        assert (await ask(vst, 2, 1)).status == 400
        assert (await ask(vst, 100, 101)).json["error_code"] == "VMSNoDataError"
        assert (await vst.ask("GET", "/storage/file/cam?startTime=2020-01-01T00:00:00Z")).status == 400
        assert (await vst.ask("GET", "/storage/file/nobody?fullLength=true")).status == 404
        vst.service._parts.folder.path(segments[0].segment_id).unlink()
        assert (await ask(vst, 0, 2)).status == 404


async def test_a_file_says_what_it_holds(data_dir: Path) -> None:
    async with running(data_dir) as vst:
        await add_recording(vst, elementary.interleaved(clips.encode(60, gop=30), elementary.encode_aac(2)))

        info = (await vst.ask("GET", "/storage/file/mediainfo?sensorId=cam")).json
        assert (info["Codec"], info["Width"], info["Height"], info["Framerate"]) == ("H264", "512", "128", "30")
        assert (info["Depth"], info["ScanType"], info["Container"]) == ("8", "Progressive", "MP4")
        assert (info["AudioCodec"], info["SampleRate"], info["Channels"]) == ("AAC", "48000", "1")
        assert float(info["Duration"]) == pytest.approx(2, abs=0.1)
