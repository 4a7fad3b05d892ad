"""Frame-numbered H.264 clips, encoded in memory: any reader can tell which picture it got."""

from fractions import Fraction

import av
import numpy as np
from numpy.typing import NDArray

from tests.support.pictures import gray
from vedette.media import h264
from vedette.media.unit import AccessUnit, CodecParameters, ticks_to_us

BLOCK = 64
BITS = 8
WIDTH, HEIGHT = BLOCK * BITS, 2 * BLOCK
WALL_US = 1_700_000_000_000_000


def encode(
    count: int,
    *,
    codec: str = "libx264",
    gop: int = 10,
    b_frames: int = 0,
    ticks: int = 3000,
    wall_us: int = WALL_US,
    first: int = 0,
    height: int = HEIGHT,
) -> list[AccessUnit]:
    """`count` access units of `WIDTH` × `height` whose pictures show their number, parameter sets in band."""
    encoder = av.CodecContext.create(codec, "w")
    assert isinstance(encoder, av.VideoCodecContext)
    encoder.width, encoder.height, encoder.pix_fmt = WIDTH, height, "yuv420p"
    encoder.time_base = Fraction(1, 90_000)
    encoder.framerate = Fraction(90_000, ticks)
    key = "x265-params" if codec == "libx265" else "x264-params"
    common = f"keyint={gop}:min-keyint={gop}:scenecut=0:bframes={b_frames}:b-adapt=0:open-gop=0:repeat-headers=1"
    encoder.options = {"preset": "ultrafast", key: common + (":log-level=none" if codec == "libx265" else "")}
    packets = []
    for number in range(first, first + count):
        frame = av.VideoFrame.from_ndarray(draw(number, height), format="yuv420p")
        frame.pts = (number - first) * ticks
        frame.time_base = Fraction(1, 90_000)
        packets += encoder.encode(frame)
    packets += encoder.encode(None)
    data = [h264.join(h264.split(bytes(packet))) for packet in packets]
    parameters = parameters_of(data[0], codec=codec, height=height, b_frames=b_frames)
    return [
        AccessUnit(
            data=octets,
            pts_90k=packet.pts or 0,
            dts_90k=packet.dts or 0,
            wall_us=wall_us + ticks_to_us(packet.pts or 0),
            is_keyframe=packet.is_keyframe,
            parameters=parameters,
            duration_90k=ticks,
        )
        for octets, packet in zip(data, packets, strict=True)
    ]


def parameters_of(data: bytes, *, codec: str = "libx264", height: int = HEIGHT, b_frames: int = 0) -> CodecParameters:
    """Codec parameters out of a keyframe with parameter sets in band."""
    if codec == "libx265":
        from vedette.media import hevc

        return CodecParameters("hevc", hevc.extradata_of(data), WIDTH, height)
    return CodecParameters("h264", h264.extradata_of(data), WIDTH, height, has_b_frames=b_frames > 0)


def draw(number: int, height: int = HEIGHT) -> NDArray[np.uint8]:
    """A yuv420p picture with `number` as blocks along the top edge, least bit first."""
    picture = np.full((height * 3 // 2, WIDTH), 128, np.uint8)
    for bit in range(BITS):
        picture[:BLOCK, bit * BLOCK : (bit + 1) * BLOCK] = 235 if number >> bit & 1 else 16
    return picture


def read_number(luma: NDArray[np.uint8]) -> int:
    """The number that a decoded picture shows (modulo 256); `luma` is (height, width)."""
    scale = luma.shape[1] / WIDTH
    row = luma[int(BLOCK // 2 * scale)]
    return sum((int(row[int((bit + 0.5) * BLOCK * scale)]) > 125) << bit for bit in range(BITS))


def numbers_in(path: str) -> list[int]:
    """The numbers of all pictures of a media file, in display order, as libav decodes them."""
    with av.open(path) as container:
        return [read_number(gray(frame)) for frame in container.decode(video=0)]
