"""What a media file is, for those who ask before they play it: container, codecs, sizes, rates. Blocking.

Files come from anywhere, so only containers that are named here are opened, and nothing but the file itself is read.
"""

from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import av
from av.container import InputContainer

from vedette.kernel.errors import not_found, unprocessable

_CONTAINERS = "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,mpegts,avi,h264,hevc,obu,wav,mp3,aac,ogg,flac"
_OPTIONS = {"format_whitelist": _CONTAINERS, "protocol_whitelist": "file"}
_NAMES = {"mov,mp4,m4a,3gp,3g2,mj2": "mp4", "matroska,webm": "matroska"}
_US_PER_SECOND = 1_000_000
_PROGRESSIVE = 1
"""libav's field order; 0 is unknown, more than this are the interlaced ones."""


@dataclass(frozen=True, slots=True)
class MediaInfo:
    """A file as libav sees it. Unknown numbers are 0 and unknown words empty; `duration_us` is microseconds, `bitrate`
    bits a second of the whole file, `depth` bits a sample of the pictures."""

    container: str
    duration_us: int
    bitrate: int
    codec: str = ""
    width: int = 0
    height: int = 0
    fps: Fraction = Fraction(0)
    depth: int = 0
    is_interlaced: bool = False
    audio_codec: str = ""
    sample_rate: int = 0
    channels: int = 0


def media_info(path: Path) -> MediaInfo:
    """Reads the beginning of a file. Fault 404 when it is not there, 422 when it is no media that we know."""
    if not path.is_file():
        raise not_found("The file is gone. Ask for the list of files again.")
    try:
        with av.open(f"file:{path}", "r", options=_OPTIONS) as container:
            return _with_sound(_with_pictures(_whole(container), container), container)
    except (av.error.FFmpegError, ValueError) as error:
        raise unprocessable(f"The file is no media that can be read here: {type(error).__name__}.") from error


def _whole(container: InputContainer) -> MediaInfo:
    name = container.format.name
    return MediaInfo(_NAMES.get(name, name), max(0, container.duration or 0), max(0, container.bit_rate or 0))


def _with_pictures(info: MediaInfo, container: InputContainer) -> MediaInfo:
    if not container.streams.video:
        return info
    stream = container.streams.video[0]
    context = stream.codec_context
    seconds = info.duration_us / _US_PER_SECOND
    rate = stream.average_rate or stream.guessed_rate
    fps = Fraction(rate.numerator, rate.denominator) if rate else Fraction(0)
    if not fps and seconds and stream.frames:
        fps = Fraction(stream.frames / seconds).limit_denominator(1001)
    depth = context.format.components[0].bits if context.format is not None else 0
    return replace(
        info,
        codec=context.codec.canonical_name,
        width=context.width,
        height=context.height,
        fps=fps,
        depth=depth,
        is_interlaced=int(context.field_order) > _PROGRESSIVE,
    )


def _with_sound(info: MediaInfo, container: InputContainer) -> MediaInfo:
    if not container.streams.audio:
        return info
    context = container.streams.audio[0].codec_context
    return replace(
        info,
        audio_codec=context.codec.canonical_name,
        sample_rate=context.sample_rate or 0,
        channels=context.channels or 0,
    )
