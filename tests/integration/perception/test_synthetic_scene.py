"""The synthetic scene through decoder, scripted detector and tracker: what the script says is what comes out."""

from collections import defaultdict
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from tests.support.perception import Bench, ClipSource
from tests.support.perception import running_on_scene as running
from vedette.media import h264, scene
from vedette.media.scene import Scene
from vedette.media.unit import AccessUnit, CodecParameters, ticks_to_us
from vedette.schema.frame import PREDICTED, FrameMessage
from vedette.services.perception.model import Pace, StreamRequest

FIRST = 165  # 11 s: people walk both ways, meet, stand and turn round
COUNT = 300
PLAZA = StreamRequest("plaza", "Plaza", "rtsp://127.0.0.1/live/plaza")
TICKS = 90_000 // scene.FPS


def encode(first: int, count: int) -> list[AccessUnit]:
    """The scene as H.264, as a camera would send it."""
    encoder = av.CodecContext.create("libx264", "w")
    assert isinstance(encoder, av.VideoCodecContext)
    encoder.width, encoder.height, encoder.pix_fmt = *scene.SIZE, "yuv420p"
    encoder.time_base, encoder.framerate = Fraction(1, 90_000), Fraction(scene.FPS)
    encoder.options = {"preset": "ultrafast", "tune": "zerolatency", "x264-params": "keyint=30:repeat-headers=1"}
    plaza, packets = Scene(), []
    for number in range(first, first + count):
        picture = av.VideoFrame.from_ndarray(plaza.draw(number), format="bgr24").reformat(format="yuv420p")
        picture.pts, picture.time_base = (number - first) * TICKS, Fraction(1, 90_000)
        packets += encoder.encode(picture)
    packets += encoder.encode(None)
    data = [h264.join(h264.split(bytes(packet))) for packet in packets]
    parameters = CodecParameters("h264", h264.extradata_of(data[0]), *scene.SIZE)
    return [
        AccessUnit(
            octets, p.pts or 0, p.dts or 0, 1_700_000_000_000_000 + ticks_to_us(p.pts or 0), p.is_keyframe, parameters
        )
        for octets, p in zip(data, packets, strict=True)
    ]


async def watch(bench: Bench, interval: int) -> list[FrameMessage]:
    bench.service.add(PLAZA)
    bench.service.set_pace("plaza", Pace(interval=interval))
    return await bench.frames(COUNT)


def keys_of(messages: list[FrameMessage]) -> dict[str, set[str]]:
    """Which people of the script each track id stood for, by nearest box."""
    seen: dict[str, set[str]] = defaultdict(set)
    for number, message in enumerate(messages, FIRST):
        truth = [box for box in Scene().boxes(number) if box.x2 - box.x1 >= 4]
        for item in message.objects:
            middle = (item.bbox.left_x + item.bbox.right_x) / 2, item.bbox.bottom_y
            for box in truth:
                if abs((box.x1 + box.x2) / 2 - middle[0]) + abs(box.y2 - middle[1]) < 12:
                    seen[item.id].add(box.key)
    return seen


@pytest.mark.anyio
@pytest.mark.parametrize("interval", [0, 2])
async def test_people_keep_their_ids_and_their_boxes(tmp_path: Path, interval: int) -> None:
    source = ClipSource(encode(FIRST, COUNT))
    async with running(tmp_path, sources={"127.0.0.1/live/plaza": [source]}) as bench:
        messages = await watch(bench, interval)
    off = []
    for number, message in enumerate(messages, FIRST):
        truth = scene.boxes(number)
        if interval == 0:
            assert len(message.objects) == len(truth), number
            assert not any(PREDICTED in item.info for item in message.objects)
        found = np.array([[i.bbox.left_x, i.bbox.top_y, i.bbox.right_x, i.bbox.bottom_y] for i in message.objects])
        for box in truth:
            if len(found):
                off.append(float(np.abs(found - box).max(axis=1).min()))
    assert np.quantile(off, 0.95) < 6
    seen = keys_of(messages)
    assert all(len(keys) == 1 for keys in seen.values()), {i: k for i, k in seen.items() if len(k) > 1}
    assert len({key for keys in seen.values() for key in keys}) == len(seen)
