"""The synthetic scene encoded into a reel: H.264, H.265 or AV1, with the keyframes and B-frames that are asked for."""

import math
import os
from collections.abc import Iterator
from fractions import Fraction

import av
import numpy as np
from numpy.typing import NDArray

from vedette.kernel.errors import unavailable
from vedette.media import h264, hevc
from vedette.media.packetise import join_obus, obu_type, split_obus
from vedette.media.scene import Scene
from vedette.media.unit import TICKS_PER_SECOND, AccessUnit, CodecParameters, VideoCodec
from vedette.tools.camera.reel import Reel
from vedette.tools.camera.spec import StreamSpec

type Packet = "av.Packet[av.VideoStream]"
_TICK = Fraction(1, TICKS_PER_SECOND)
_ENCODERS: dict[VideoCodec, str] = {"h264": "libx264", "hevc": "libx265", "av1": "libsvtav1"}
_GRAIN = 24
_SEQUENCE_HEADER, _DELIMITER = 1, 2


def encode_scene(spec: StreamSpec, *, seconds: float) -> Reel:
    """A reel of at least so many seconds, whole GOPs. Blocks; Fault 503 without the encoder, 400 for a bad spec."""
    spec.check()
    count = math.ceil(seconds * spec.fps / spec.gop) * spec.gop
    ticks = TICKS_PER_SECOND // spec.fps
    encoder = _encoder(spec)
    packets: list[Packet] = []
    for number, image in enumerate(_pictures(spec, count)):
        frame = av.VideoFrame.from_ndarray(image, format="bgr24").reformat(format="yuv420p")
        frame.pts, frame.time_base = number * ticks, _TICK
        packets += encoder.encode(frame)
    packets += encoder.encode(None)
    return Reel(tuple(_units(spec, packets, ticks)), count * ticks)


def _pictures(spec: StreamSpec, count: int) -> Iterator[NDArray[np.uint8]]:
    scene = Scene(spec.width, spec.height)
    grain = np.random.default_rng(7).integers(-_GRAIN, _GRAIN + 1, (spec.height, spec.width, 1), np.int16)
    block = max(8, spec.width // 40)
    for number in range(count):
        image = scene.draw(number)
        if spec.kbps:
            rolled = np.roll(grain, 7919 * number, axis=1)
            grained = np.clip(image.astype(np.int16) + rolled, 0, 255).astype(np.uint8)
            grained[:block] = image[:block]
            image = grained
        yield image


def _encoder(spec: StreamSpec) -> av.VideoCodecContext:
    name = _ENCODERS[spec.codec]
    os.environ.setdefault("SVT_LOG", "1")  # the one way to keep the AV1 encoder from talking on standard error
    if name not in av.codec.codecs_available:
        raise unavailable(f"This installation cannot encode {spec.codec}: libav was built without {name}.")
    context = av.CodecContext.create(name, "w")
    assert isinstance(context, av.VideoCodecContext)  # noqa: S101 - the table holds video encoders
    context.width, context.height, context.pix_fmt = spec.width, spec.height, "yuv420p"
    context.time_base, context.framerate = _TICK, Fraction(spec.fps)
    context.gop_size = spec.gop
    if spec.kbps:
        context.bit_rate = spec.kbps * 1000
    context.options = _options(spec)
    return context


def _options(spec: StreamSpec) -> dict[str, str]:
    gop = f"keyint={spec.gop}:min-keyint={spec.gop}:scenecut=0:open-gop=0"
    b_frames = f"bframes={spec.b_frames}:b-adapt=0"
    if spec.codec == "h264":
        return {"preset": "veryfast", "threads": "1", "x264-params": f"{gop}:{b_frames}:repeat-headers=1"}
    if spec.codec == "hevc":
        quiet = "log-level=none:pools=none:frame-threads=1"
        return {"preset": "ultrafast", "x265-params": f"{gop}:{b_frames}:repeat-headers=1:{quiet}"}
    return {"preset": "12", "svtav1-params": "pred-struct=1:lp=1:scd=0"}


def _units(spec: StreamSpec, packets: list[Packet], ticks: int) -> Iterator[AccessUnit]:
    first = packets[0].dts or 0
    parameters: CodecParameters | None = None
    for packet in packets:
        data = tidy(spec.codec, bytes(packet))
        if parameters is None:
            extradata = extradata_of(spec.codec, data)
            parameters = CodecParameters(spec.codec, extradata, spec.width, spec.height, has_b_frames=spec.b_frames > 0)
        pts, dts = (packet.pts or 0) - first, (packet.dts or 0) - first
        yield AccessUnit(data, pts, dts, 0, bool(packet.is_keyframe), parameters, ticks)


def tidy(codec: VideoCodec, data: bytes) -> bytes:
    """Annex B with 4-byte start codes, or a temporal unit without its delimiter."""
    if codec == "av1":
        return join_obus([obu for obu in split_obus(data) if obu_type(obu) != _DELIMITER])
    return h264.join(h264.split(data))


def extradata_of(codec: VideoCodec, keyframe: bytes) -> bytes:
    """The parameter sets or the sequence header of a keyframe."""
    if codec == "av1":
        return join_obus([obu for obu in split_obus(keyframe) if obu_type(obu) == _SEQUENCE_HEADER])
    return h264.extradata_of(keyframe) if codec == "h264" else hevc.extradata_of(keyframe)
