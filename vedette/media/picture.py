"""One JPEG out of encoded video: the newest picture at or before a wall time."""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from fractions import Fraction

import av

from vedette.kernel.errors import not_found, unavailable
from vedette.media.decoding import new_decoder
from vedette.media.unit import TICKS_PER_SECOND, AccessUnit

_TICK = Fraction(1, TICKS_PER_SECOND)
_QUALITY = 4
"""Quantiser of the JPEG, 1 (best) to 31; 4 is about libjpeg's quality 88."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A JPEG with its capture time in microseconds UTC; `width` and `height` are its own, in pixels."""

    jpeg: bytes
    width: int
    height: int
    wall_us: int


def decode_picture(
    units: Sequence[AccessUnit], *, at_wall_us: int | None = None, width: int | None = None, height: int | None = None
) -> Picture:
    """Decodes from the last keyframe that is early enough. Blocks for as long as a GOP takes to decode.

    `units` are in decode order and begin at a keyframe. With one of `width` and `height` the other follows the shape
    of the picture. Fault 404 when nothing is early enough, 503 when the picture cannot be decoded.
    """
    early = [index for index, unit in enumerate(units) if at_wall_us is None or unit.wall_us <= at_wall_us]
    start = max((index for index in early if units[index].is_keyframe), default=None)
    if start is None:
        raise not_found("There is no picture at or before this time.")
    # Between them lie pictures that are shown later and that the wanted one may refer to (B-frames).
    frame = _newest(units[start : early[-1] + 1], {units[index].pts_90k for index in early if index >= start})
    wide, high = _size(frame.width, frame.height, width, height)
    wall_us = {unit.pts_90k: unit.wall_us for unit in units[start : early[-1] + 1]}[frame.pts or 0]
    return Picture(_jpeg(frame, wide, high), wide, high, wall_us)


def _newest(units: Sequence[AccessUnit], wanted: AbstractSet[int]) -> av.VideoFrame:
    """The picture of one GOP that is shown last of those whose pts are wanted."""
    decoder = new_decoder(units[0].parameters)
    newest: av.VideoFrame | None = None
    try:
        for unit in units:
            packet = av.Packet(unit.data)
            packet.pts, packet.dts, packet.time_base = unit.pts_90k, unit.dts_90k, _TICK
            newest = _newer(newest, decoder.decode(packet), wanted)
        newest = _newer(newest, decoder.decode(None), wanted)
    except av.error.FFmpegError as error:
        raise unavailable(f"The picture cannot be decoded: {type(error).__name__}. Try again in a second.") from error
    if newest is None:
        raise unavailable("The picture cannot be decoded yet. Try again in a second.")
    return newest


def _newer(
    newest: av.VideoFrame | None, frames: Sequence[av.VideoFrame], wanted: AbstractSet[int]
) -> av.VideoFrame | None:
    shown = [frame for frame in frames if frame.pts in wanted]
    return max([*([newest] if newest else []), *shown], key=lambda frame: frame.pts or 0, default=None)


def _size(width: int, height: int, wanted_width: int | None, wanted_height: int | None) -> tuple[int, int]:
    """Even sizes; what is not asked for keeps the shape."""
    if wanted_width is None and wanted_height is None:
        return width, height
    if wanted_width is None:
        wanted_width = round(width * (wanted_height or height) / height)
    if wanted_height is None:
        wanted_height = round(height * wanted_width / width)
    return max(2, wanted_width // 2 * 2), max(2, wanted_height // 2 * 2)


def _jpeg(frame: av.VideoFrame, width: int, height: int) -> bytes:
    encoder = av.CodecContext.create("mjpeg", "w")
    assert isinstance(encoder, av.VideoCodecContext)  # noqa: S101 - mjpeg is video
    encoder.width, encoder.height, encoder.pix_fmt = width, height, "yuvj420p"
    encoder.time_base = _TICK
    encoder.options = {"qmin": str(_QUALITY), "qmax": str(_QUALITY)}
    scaled = frame.reformat(width=width, height=height, format="yuvj420p", interpolation="AREA")
    scaled.pts, scaled.time_base = 0, _TICK
    packets = [*encoder.encode(scaled), *encoder.encode(None)]
    return b"".join(bytes(packet) for packet in packets)
