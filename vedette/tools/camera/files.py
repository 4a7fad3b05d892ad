"""A video file as a reel: its pictures and its sound as they are, read once into memory."""

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from fractions import Fraction

import av

from vedette.kernel.errors import invalid
from vedette.media.unit import TICKS_PER_SECOND, AccessUnit, AudioCodec, CodecParameters, VideoCodec
from vedette.tools.camera.encode import extradata_of, tidy
from vedette.tools.camera.reel import Reel, Sound

_TICK = Fraction(1, TICKS_PER_SECOND)
_VIDEO: dict[str, VideoCodec] = {"h264": "h264", "hevc": "hevc", "av1": "av1"}
_AUDIO: dict[str, AudioCodec] = {"aac": "aac", "pcm_mulaw": "pcmu", "pcm_alaw": "pcma"}
_FILTERS = {"h264": "h264_mp4toannexb", "hevc": "hevc_mp4toannexb"}
_MOST_BYTES = 1024 * 1024 * 1024


def read_reel(path: str) -> Reel:
    """The whole file. Blocks; Fault 400 when it cannot be read, is too large, or holds no H.264, H.265 or AV1."""
    try:
        container = av.open(path)
    except (av.error.FFmpegError, OSError, ValueError) as error:
        raise invalid(f"{path} cannot be read as a video file: {error}.") from error
    with closing(container):
        if not container.streams.video or container.streams.video[0].codec_context.name not in _NAMES:
            raise invalid(f"{path} holds no H.264, H.265 or AV1.")
        try:
            return _read(path, container)
        except (av.error.FFmpegError, ValueError) as error:
            raise invalid(f"{path} cannot be read to its end: {error}.") from error


_NAMES = {"h264": "h264", "hevc": "hevc", "av1": "av1", "libdav1d": "av1"}


@dataclass(slots=True)
class _Pictures:
    """The pictures of a file so far, from the first keyframe on; times in ticks, None where the file has none."""

    codec: VideoCodec
    annex_b: av.BitStreamFilterContext | None
    data: list[bytes] = field(default_factory=list)
    shown: list[int | None] = field(default_factory=list)
    keyframes: list[bool] = field(default_factory=list)
    size: int = 0

    def add(self, packet: "av.Packet[av.stream.Stream]") -> None:
        """The next packet."""
        scale = (packet.time_base or _TICK) / _TICK
        is_keyframe, pts = packet.is_keyframe, packet.pts
        if not self.data and not is_keyframe:
            return
        for filtered in [packet] if self.annex_b is None else self.annex_b.filter(packet):
            self.data.append(tidy(self.codec, bytes(filtered)))
            self.shown.append(None if pts is None else round(pts * scale))
            self.keyframes.append(is_keyframe)
            self.size += len(self.data[-1])

    def units(self, stream: av.VideoStream, ticks: int) -> Iterator[AccessUnit]:
        """The access units, dts from 0."""
        context = stream.codec_context
        extradata, reorders = extradata_of(self.codec, self.data[0]), bool(context.has_b_frames)
        parameters = CodecParameters(self.codec, extradata, context.width, context.height, has_b_frames=reorders)
        times = decode_times(self.shown, ticks)
        for data, (pts, dts), is_keyframe in zip(self.data, times, self.keyframes, strict=True):
            yield AccessUnit(data, pts, dts, 0, is_keyframe, parameters, ticks)


def decode_times(shown: Sequence[int | None], ticks: int) -> list[tuple[int, int]]:
    """(pts, dts) of pictures in decode order, dts rising from 0, out of when they are shown.

    Containers that tell only when a picture is shown leave dts open; the smallest delay that works is taken. Pictures
    without any time follow one another at the distance `ticks`.
    """
    known = [moment for moment in shown if moment is not None]
    if len(known) < len(shown) or len(set(known)) < len(known):
        return [(index * ticks, index * ticks) for index in range(len(shown))]
    in_order = sorted(known)
    delay = max(earliest - moment for earliest, moment in zip(in_order, known, strict=True))
    return [
        (moment - in_order[0] + delay, earliest - in_order[0]) for moment, earliest in zip(known, in_order, strict=True)
    ]


def _read(path: str, container: av.container.InputContainer) -> Reel:
    video = container.streams.video[0]
    codec = _VIDEO[_NAMES[video.codec_context.name]]
    rate = video.average_rate or video.guessed_rate or Fraction(25)
    ticks = max(1, round(TICKS_PER_SECOND / rate))
    bsf = av.BitStreamFilterContext(_FILTERS[codec], video) if codec in _FILTERS else None
    pictures = _Pictures(codec, bsf)
    audio = next((item for item in container.streams.audio if item.codec_context.name in _AUDIO), None)
    heard: list[bytes] = []
    for packet in container.demux(*([video] if audio is None else [video, audio])):
        if packet.size and packet.stream is video:
            pictures.add(packet)
        elif packet.size:
            heard.append(bytes(packet))
        if pictures.size > _MOST_BYTES:
            raise invalid(f"{path} is too large to be held in memory.")
    if not pictures.data:
        raise invalid(f"{path} holds no keyframe.")
    units = tuple(pictures.units(video, ticks))
    duration_90k = units[-1].dts_90k + ticks
    return Reel(units, duration_90k, _sound(audio, heard) if audio is not None and heard else None)


def _sound(stream: av.AudioStream, heard: list[bytes]) -> Sound:
    context = stream.codec_context
    codec, rate = _AUDIO[context.name], context.sample_rate
    parameters = CodecParameters(
        codec, bytes(context.extradata or b"") if codec == "aac" else b"", sample_rate=rate, channels=context.channels
    )
    if codec == "aac":
        return Sound(parameters, tuple(heard), 1024 * TICKS_PER_SECOND / rate)
    return Sound(parameters, tuple(_regular(b"".join(heard))), 160 * TICKS_PER_SECOND / rate)


def _regular(octets: bytes) -> Iterator[bytes]:
    """G.711 in frames of 20 ms at 8 kHz, which fit into packets."""
    for at in range(0, len(octets) - 159, 160):
        yield octets[at : at + 160]
