"""A beep each second, encoded: what the microphone of a test camera hears.

G.711 follows ITU-T G.711 in its usual integer form; AAC is libav's encoder.
"""

from fractions import Fraction
from typing import Literal

import av
import numpy as np
from numpy.typing import NDArray

from vedette.media.unit import TICKS_PER_SECOND, CodecParameters
from vedette.tools.camera.reel import Sound

type SoundCodec = Literal["aac", "pcmu", "pcma"]

SECONDS = 8
_PITCH_HZ = 880.0
_BEEP_S = 0.1
_G711_RATE, _AAC_RATE = 8000, 48_000
_G711_SAMPLES, _AAC_SAMPLES = 160, 1024
_BIAS, _CLIP = 132, 32_635


def tone(codec: SoundCodec) -> Sound:
    """A loop of `SECONDS` seconds."""
    if codec == "aac":
        return _aac(beeps(_AAC_RATE))
    samples = beeps(_G711_RATE)
    octets = (ulaw if codec == "pcmu" else alaw)(samples).tobytes()
    frames = tuple(octets[at : at + _G711_SAMPLES] for at in range(0, len(octets), _G711_SAMPLES))
    parameters = CodecParameters(codec, sample_rate=_G711_RATE, channels=1)
    return Sound(parameters, frames, _G711_SAMPLES * TICKS_PER_SECOND / _G711_RATE)


def beeps(rate: int) -> NDArray[np.int16]:
    """A beep at the start of every second, at half the full amplitude."""
    moments = np.arange(SECONDS * rate) / rate
    heard = (moments % 1.0) < _BEEP_S
    return np.asarray(heard * np.sin(2 * np.pi * _PITCH_HZ * moments) * 16_384, np.int16)


def ulaw(samples: NDArray[np.int16]) -> NDArray[np.uint8]:
    """G.711 µ-law octets."""
    wide = samples.astype(np.int32)
    sign = np.where(wide < 0, 0x80, 0)
    magnitude = np.minimum(np.abs(wide), _CLIP) + _BIAS
    exponent = np.floor(np.log2(magnitude)).astype(np.int32) - 7
    mantissa = (magnitude >> (exponent + 3)) & 0x0F
    return np.asarray(~(sign | (exponent << 4) | mantissa) & 0xFF, np.uint8)


def alaw(samples: NDArray[np.int16]) -> NDArray[np.uint8]:
    """G.711 A-law octets."""
    wide = samples.astype(np.int32)
    sign = np.where(wide >= 0, 0x80, 0)
    magnitude = np.minimum(np.where(wide >= 0, wide, -wide - 1), 32_767)
    exponent = np.maximum(np.floor(np.log2(np.maximum(magnitude, 1))).astype(np.int32) - 7, 0)
    mantissa = (magnitude >> np.where(exponent == 0, 4, exponent + 3)) & 0x0F
    return np.asarray((sign | (exponent << 4) | mantissa) ^ 0x55, np.uint8)


def _aac(samples: NDArray[np.int16]) -> Sound:
    encoder = av.CodecContext.create("aac", "w")
    assert isinstance(encoder, av.AudioCodecContext)  # noqa: S101 - AAC is sound
    encoder.sample_rate, encoder.layout, encoder.format = _AAC_RATE, "mono", "fltp"
    encoder.bit_rate, encoder.time_base = 64_000, Fraction(1, _AAC_RATE)
    frames: list[bytes] = []
    for at in range(0, len(samples) - _AAC_SAMPLES + 1, _AAC_SAMPLES):
        scaled = (samples[at : at + _AAC_SAMPLES] / 32_768).astype(np.float32)
        frame = av.AudioFrame.from_ndarray(scaled.reshape(1, -1), format="fltp", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = _AAC_RATE, at, Fraction(1, _AAC_RATE)
        frames += [bytes(packet) for packet in encoder.encode(frame)]
    parameters = CodecParameters("aac", bytes(encoder.extradata or b""), sample_rate=_AAC_RATE, channels=1)
    return Sound(parameters, tuple(frames), _AAC_SAMPLES * TICKS_PER_SECOND / _AAC_RATE)
