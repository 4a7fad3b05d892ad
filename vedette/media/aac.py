"""What AudioSpecificConfig says about an AAC stream (ISO/IEC 14496-3 §1.6.2.1 and §4.4.1). No I/O."""

from dataclasses import dataclass

from vedette.media.bits import BitReader

_RATES = (96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8000, 7350)
_EXPLICIT_RATE = 15
_ESCAPED_TYPE = 31
_SPECTRAL_BAND_REPLICATION, _PARAMETRIC_STEREO = 5, 29
_CHANNELS = (0, 1, 2, 3, 4, 5, 6, 8)
_FRAME, _SHORT_FRAME = 1024, 960


@dataclass(frozen=True, slots=True)
class AacConfig:
    """`sample_rate` is what comes out of a decoder, in Hz; `frame_samples` at that rate make one access unit."""

    sample_rate: int
    channels: int
    frame_samples: int


def parse_config(config: bytes) -> AacConfig:
    """Read an AudioSpecificConfig; ValueError when it is torn or its rate or channels are not stated."""
    bits = BitReader(config)
    kind = _object_type(bits)
    core_rate = rate = _rate(bits)
    channels = bits.u(4)
    if kind in (_SPECTRAL_BAND_REPLICATION, _PARAMETRIC_STEREO):
        rate = _rate(bits)
        channels = 2 if kind == _PARAMETRIC_STEREO and channels == 1 else channels
        _object_type(bits)
    samples = _SHORT_FRAME if bits.u(1) else _FRAME
    if not 0 < channels < len(_CHANNELS) or not rate or not core_rate:
        raise ValueError("rate or channels are not stated")
    return AacConfig(rate, _CHANNELS[channels], samples * rate // core_rate)


def _object_type(bits: BitReader) -> int:
    kind = bits.u(5)
    return 32 + bits.u(6) if kind == _ESCAPED_TYPE else kind


def _rate(bits: BitReader) -> int:
    index = bits.u(4)
    if index == _EXPLICIT_RATE:
        return bits.u(24)
    return _RATES[index] if index < len(_RATES) else 0
