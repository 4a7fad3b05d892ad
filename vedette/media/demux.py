"""A media file as the access units it holds: nothing is decoded, nothing encoded. Blocking.

Files come from anywhere, so only containers that are named here are opened, and nothing but the file itself is read.
"""

from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
from av.container import InputContainer

from vedette.kernel.errors import Fault, unprocessable
from vedette.media import av1_config, h264
from vedette.media.unit import TICKS_PER_SECOND, AccessUnit, CodecParameters, VideoCodec, ticks_to_us
from vedette.media.video_parameters import ParameterTracker

_CONTAINERS = "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,mpegts,avi,h264,hevc,obu"
_OPTIONS = {"format_whitelist": _CONTAINERS, "protocol_whitelist": "file"}
_TICK = Fraction(1, TICKS_PER_SECOND)
_DEFAULT_FPS = Fraction(25)
_CODECS: Mapping[str, VideoCodec] = {"h264": "h264", "hevc": "hevc", "av1": "av1"}
_FILTERS = {"h264": "h264_mp4toannexb", "hevc": "hevc_mp4toannexb"}


@dataclass(frozen=True, slots=True)
class Contents:
    """What a file holds that can be taken over: the codec of its pictures, its sound if that is AAC, and how long it
    lasts as far as it says so, in microseconds."""

    codec: VideoCodec
    audio: CodecParameters | None
    duration_us: int


def contents_of(path: Path) -> Contents:
    """Looks into a file. Faults: 415 for what is no container that we know, 422 for one without usable pictures."""
    with closing(_opened(path)) as container:
        return _contents(container)


def demux(path: Path, *, start_us: int) -> Iterator[AccessUnit]:
    """The units of a file in decode order of each stream, from the first keyframe on, whose picture is shown at
    `start_us`; H.264 and HEVC as Annex B. Faults as for `contents_of`, and 422 when the file ends in the middle."""
    with closing(_opened(path)) as container:
        found = _contents(container)
        video, sound = container.streams.video[0], container.streams.audio[0] if found.audio else None
        pictures = _Pictures(found.codec, video, start_us)
        streams = [video] if sound is None else [video, sound]
        try:
            for packet in container.demux(streams):
                if not packet.size:
                    continue
                if packet.stream.index == video.index:
                    yield from pictures.of(packet)
                elif found.audio is not None:
                    yield from pictures.beside(packet, found.audio)
        except (av.error.FFmpegError, ValueError) as error:
            raise unprocessable(f"The file is damaged: {type(error).__name__}.") from error
        if not pictures.units:
            raise unprocessable("The file holds no keyframe.")


class _Pictures:
    """Puts the pictures of one file into units, on one clock with the sound beside them."""

    def __init__(self, codec: VideoCodec, stream: Any, start_us: int) -> None:
        self._codec, self._start_us = codec, start_us
        self._tracker = ParameterTracker(codec)
        self._filter = av.BitStreamFilterContext(_FILTERS[codec], stream) if codec in _FILTERS else None
        rate = stream.average_rate or stream.guessed_rate or _DEFAULT_FPS
        self._ticks = max(1, round(TICKS_PER_SECOND / Fraction(rate.numerator, rate.denominator)))
        self._reorders = bool(stream.codec_context.has_b_frames)
        self._parameters: CodecParameters | None = None
        self._origin = self._shown = self._last = 0
        self._sound_last = -1
        self.units = 0

    def of(self, packet: Any) -> Iterator[AccessUnit]:
        """The units of a packet of video."""
        # The filter takes the packet's content away: what is needed is read before.
        is_keyframe, scale = bool(packet.is_keyframe), (packet.time_base or _TICK) / _TICK
        dts = self._last + self._ticks if packet.dts is None else round(packet.dts * scale)
        pts = dts if packet.pts is None else round(packet.pts * scale)
        for data in self._data(packet):
            if self._parameters is None and not is_keyframe:
                return
            if is_keyframe:
                self._tracker.see(data)
                self._parameters = self._tracker.of(data, has_b_frames=self._reorders)
            if self._parameters is None or not data:
                continue
            if not self.units:
                self._origin, self._shown, self._last = dts, pts, dts - 1
            dts = max(dts, self._last + 1)
            self._last = dts
            self.units += 1
            yield self._unit(data, max(pts, dts), dts, is_keyframe=is_keyframe)

    def beside(self, packet: Any, parameters: CodecParameters) -> Iterator[AccessUnit]:
        """The unit of a packet of sound, once there is a picture."""
        scale = (packet.time_base or _TICK) / _TICK
        if not self.units or packet.pts is None:
            return
        at = max(round(packet.pts * scale) - self._origin, self._sound_last + 1)
        self._sound_last = at
        length = round((packet.duration or 0) * scale)
        wall_us = self._start_us + ticks_to_us(at - (self._shown - self._origin))
        yield AccessUnit(bytes(packet), at, at, wall_us, False, parameters, length)

    def _unit(self, data: bytes, pts: int, dts: int, *, is_keyframe: bool) -> AccessUnit:
        assert self._parameters is not None  # noqa: S101 - the caller has just looked
        wall_us = self._start_us + ticks_to_us(max(0, pts - self._shown))
        pts, dts = pts - self._origin, dts - self._origin
        return AccessUnit(data, pts, dts, wall_us, is_keyframe, self._parameters, self._ticks)

    def _data(self, packet: Any) -> list[bytes]:
        if self._filter is None:
            return [av1_config.without_delimiter(bytes(packet))]
        return [h264.join(h264.split(bytes(filtered))) for filtered in self._filter.filter(packet)]


def _opened(path: Path) -> InputContainer:
    try:
        return av.open(f"file:{path}", "r", options=_OPTIONS)
    except (av.error.FFmpegError, OSError, ValueError) as error:
        message = "The file is no video that can be read here. Send MP4, MOV, Matroska or MPEG-TS."
        raise Fault("UnsupportedMediaTypeError", 415, message) from error


def _contents(container: InputContainer) -> Contents:
    if not container.streams.video:
        raise unprocessable("The file holds no pictures.")
    name = container.streams.video[0].codec_context.codec.canonical_name
    codec = _CODECS.get(name)
    if codec is None:
        raise unprocessable(f"Pictures are kept as H.264, H.265 or AV1, not {name}. Convert the file first.")
    audio = None
    if container.streams.audio:
        context = container.streams.audio[0].codec_context
        if context.codec.canonical_name == "aac" and context.extradata:
            audio = CodecParameters(
                "aac", bytes(context.extradata), sample_rate=context.sample_rate, channels=context.channels
            )
    return Contents(codec, audio, max(0, container.duration or 0))
