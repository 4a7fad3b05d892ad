"""Pictures decoded and encoded again, for the few who cannot use them as they were recorded. Blocking.

Which encoder there is depends on how libav was built and on the hardware, so each is tried before it is promised.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Any, cast

import av

from vedette.kernel.errors import unavailable
from vedette.media import av1_config, h264, hevc
from vedette.media.decoding import new_decoder
from vedette.media.unit import TICKS_PER_SECOND, AccessUnit, CodecParameters, VideoCodec

_TICK = Fraction(1, TICKS_PER_SECOND)
_ENCODERS: dict[VideoCodec, tuple[str, ...]] = {
    "h264": ("libx264", "h264_nvenc", "h264_qsv", "h264_v4l2m2m", "libopenh264"),
    "hevc": ("libx265", "hevc_nvenc", "hevc_qsv", "hevc_v4l2m2m"),
    "av1": ("libsvtav1", "av1_nvenc", "av1_qsv"),
}
_OPTIONS = {
    "libx264": {"preset": "veryfast", "crf": "20", "x264-params": "repeat-headers=1"},
    "libx265": {"preset": "ultrafast", "crf": "22", "x265-params": "repeat-headers=1:bframes=0:log-level=none"},
    "libsvtav1": {"preset": "10", "crf": "28", "svtav1-params": "pred-struct=1"},
}
_EXTRADATA = {"h264": h264.extradata_of, "hevc": hevc.extradata_of, "av1": av1_config.extradata_of}
_GOP = 60


class Encoder:
    """Decoded frames in, access units out, no B-frames. Fault 503 when nothing here encodes the codec.

    `size` is (width, height) in pixels; odd ones become even.
    """

    def __init__(self, codec: VideoCodec, size: tuple[int, int]) -> None:
        self._codec, self._size = codec, (size[0] // 2 * 2, size[1] // 2 * 2)
        self._context = _open_encoder(codec, self._size)
        self._parameters: CodecParameters | None = None

    def encode(self, frame: av.VideoFrame | None, pts_90k: int = 0) -> Iterator[AccessUnit]:
        """One more frame; the last units come for None. The units carry no wall time."""
        picture = frame
        if frame is not None:
            picture = frame.reformat(*self._size, format="yuv420p")
            picture.pts, picture.time_base, picture.pict_type = pts_90k, _TICK, 0
        for packet in self._context.encode(picture):
            data = bytes(packet)
            if self._codec == "av1":
                data = av1_config.without_delimiter(data)
            if self._parameters is None:
                self._parameters = CodecParameters(self._codec, _EXTRADATA[self._codec](data), *self._size)
            pts = packet.pts or 0
            yield AccessUnit(data, pts, pts, 0, bool(packet.is_keyframe), self._parameters)


def decode(units: Iterator[AccessUnit]) -> Iterator[av.VideoFrame]:
    """The pictures of video units in the order they are shown, their pts in 90 kHz ticks; broken ones are left out."""
    decoder: av.VideoCodecContext | None = None
    parameters: CodecParameters | None = None
    for unit in units:
        if decoder is None or unit.parameters.codec != (parameters or unit.parameters).codec:
            if decoder is not None:
                yield from _decoded(decoder, None)
            decoder = new_decoder(unit.parameters)
        data = unit.data
        if unit.parameters is not parameters and unit.parameters.extradata:
            data = unit.parameters.extradata + data
        parameters = unit.parameters
        packet = av.Packet(data)
        packet.pts, packet.dts, packet.time_base = unit.pts_90k, unit.dts_90k, _TICK
        yield from _decoded(decoder, packet)
    if decoder is not None:
        yield from _decoded(decoder, None)


def reencode(
    units: Iterator[AccessUnit],
    codec: VideoCodec,
    *,
    size: tuple[int, int] | None = None,
    span_90k: tuple[int, int],
) -> Iterator[AccessUnit]:
    """The pictures that are shown in `[start, end)` of video units, encoded anew; the first one is shown at the start,
    also when it began before. Fault 503 without an encoder."""
    encoder: Encoder | None = None
    start, end = span_90k
    for frame, pts in _shown(decode(units), start):
        if pts >= end:
            break
        encoder = encoder or Encoder(codec, size or (frame.width, frame.height))
        yield from encoder.encode(frame, pts)
    if encoder is not None:
        yield from encoder.encode(None)


def with_durations(units: Iterator[AccessUnit], end_90k: int) -> Iterator[AccessUnit]:
    """The units, each lasting to the next, the last to the end."""
    held: AccessUnit | None = None
    for unit in units:
        if held is not None:
            yield replace(held, duration_90k=unit.dts_90k - held.dts_90k)
        held = unit
    if held is not None:
        yield replace(held, duration_90k=max(1, end_90k - held.dts_90k))


def _shown(frames: Iterator[av.VideoFrame], start: int) -> Iterator[tuple[av.VideoFrame, int]]:
    before: av.VideoFrame | None = None
    for frame in frames:
        pts = frame.pts or 0
        if pts < start:
            before = frame
            continue
        if before is not None and pts > start:
            yield before, start
        before = None
        yield frame, pts
    if before is not None:
        yield before, start


def _decoded(decoder: av.VideoCodecContext, packet: "av.Packet[Any] | None") -> Sequence[av.VideoFrame]:
    try:
        return decoder.decode(packet)
    except av.error.InvalidDataError:
        return ()


def _open_encoder(codec: VideoCodec, size: tuple[int, int]) -> av.VideoCodecContext:
    for name in _ENCODERS[codec]:
        if name not in av.codec.codecs_available:
            continue
        context = cast(av.VideoCodecContext, av.CodecContext.create(name, "w"))
        context.width, context.height = size
        context.pix_fmt, context.time_base, context.framerate = "yuv420p", _TICK, Fraction(30)
        context.gop_size, context.max_b_frames = _GOP, 0
        context.options = _OPTIONS.get(name, {})
        try:
            context.open()
        except av.error.FFmpegError:
            continue
        return context
    raise unavailable(
        f"Nothing here encodes {codec}: libav was built without an encoder for it and no hardware has one. "
        "Ask for the clip with transcode=none."
    )
