"""The values that cross the media library: encoded pictures and sound with their times, and what decodes them.

Two clocks are kept apart: `pts_90k`/`dts_90k` are media time in 90 kHz ticks as the source counts them, `wall_us` is
the capture instant in microseconds UTC. Nothing here does I/O.
"""

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

TICKS_PER_SECOND = 90_000
type VideoCodec = Literal["h264", "hevc", "av1"]
type AudioCodec = Literal["aac", "pcmu", "pcma", "opus"]
type Codec = VideoCodec | AudioCodec


@dataclass(frozen=True, slots=True)
class CodecParameters:
    """What a decoder or muxer needs before the first access unit of an elementary stream.

    `extradata` is Annex B for H.264/H.265 (start code + SPS, PPS, …), the sequence header OBU (with its size field) for
    AV1, AudioSpecificConfig for AAC, empty otherwise. `width` and `height` are in pixels, 0 for audio; `sample_rate` is
    in Hz, 0 for video.
    """

    codec: Codec
    extradata: bytes = b""
    width: int = 0
    height: int = 0
    sample_rate: int = 0
    channels: int = 0
    has_b_frames: bool = False

    @property
    def is_audio(self) -> bool:
        """Whether this is the sound beside a video elementary stream."""
        return self.sample_rate > 0


@dataclass(frozen=True, slots=True)
class AccessUnit:
    """One encoded picture, or a frame of audio, with its timestamps.

    `data` is Annex B (4-byte start codes) for H.264/H.265, as it left the encoder; parameter sets may or may not be
    inside. For AV1 it is one temporal unit of OBUs with size fields, without its delimiter; for AAC a raw frame
    without ADTS; for G.711 the octets. `parameters` is shared by all units of an elementary stream until the source
    changes them: compare by identity first. Audio is never a keyframe; its ticks are 90 kHz, too, on the same clock.
    `spans` are (begin, end) of the NAL units in `data`, where the source knows them: it spares the search for start
    codes.
    """

    data: bytes
    pts_90k: int
    dts_90k: int
    wall_us: int
    is_keyframe: bool
    parameters: CodecParameters
    duration_90k: int = 0
    spans: tuple[tuple[int, int], ...] = field(default=(), compare=False, repr=False)


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """One decoded picture: `image` is uint8 BGR of shape (height, width, 3), in the size the pipeline asked for.

    `width` and `height` are those of the *source* picture in pixels, which every box refers to.
    """

    image: NDArray[np.uint8]
    width: int
    height: int
    pts_90k: int
    wall_us: int
    number: int


def seconds_to_90k(seconds: float) -> int:
    """Seconds to 90 kHz ticks, rounded to the nearest tick."""
    return round(seconds * TICKS_PER_SECOND)


def us_to_90k(us: int) -> int:
    """Microseconds to 90 kHz ticks, rounded down; exact for multiples of 100 µs."""
    return us * 9 // 100


def ticks_to_us(ticks_90k: int) -> int:
    """90 kHz ticks to microseconds, rounded down; exact for multiples of 9 ticks."""
    return ticks_90k * 100 // 9
