"""What a sequence parameter set of HEVC says about picture size and order (ITU-T H.265 §7.3.2.2). No I/O."""

from dataclasses import dataclass

from vedette.media import hevc
from vedette.media.bits import BitReader, unescape

_PROFILE_BITS, _LEVEL_BITS = 88, 8
_MOST_LAYERS = 8
_MOST_REORDERED = 16


@dataclass(frozen=True, slots=True)
class Sps:
    """`width` and `height` are pixels after cropping, `max_reorder_frames` that of the highest temporal layer."""

    width: int
    height: int
    max_reorder_frames: int


def parse_sps(nal: bytes) -> Sps:
    """Parse an SPS NAL unit; raises ValueError when it is not one or is torn."""
    if len(nal) < 3 or hevc.nal_type(nal) != hevc.SPS:
        raise ValueError("not an SPS")
    bits = BitReader(unescape(nal[2:]))
    bits.u(4)
    layers = bits.u(3)
    bits.u(1)
    _skip_profile_and_levels(bits, layers)
    bits.ue()
    chroma = bits.ue()
    planes = bits.u(1) if chroma == 3 else 0
    width, height = bits.ue(), bits.ue()
    if bits.u(1):
        left, right, top, bottom = bits.ue(), bits.ue(), bits.ue(), bits.ue()
        width -= (left + right) * (2 if chroma in (1, 2) and not planes else 1)
        height -= (top + bottom) * (2 if chroma == 1 and not planes else 1)
    bits.ue()
    bits.ue()
    bits.ue()
    reordered = 0
    for _ in range(layers + 1 if bits.u(1) else 1):
        bits.ue()
        reordered = bits.ue()
        bits.ue()
    if width <= 0 or height <= 0:
        raise ValueError("the picture has no size")
    return Sps(width, height, min(reordered, _MOST_REORDERED))


def _skip_profile_and_levels(bits: BitReader, layers: int) -> None:
    """profile_tier_level() of 7.3.3 with `layers` = sps_max_sub_layers_minus1."""
    bits.u(_PROFILE_BITS + _LEVEL_BITS)
    present = [(bits.u(1), bits.u(1)) for _ in range(layers)]
    if layers:
        bits.u(2 * (_MOST_LAYERS - layers))
    for has_profile, has_level in present:
        bits.u(_PROFILE_BITS * has_profile + _LEVEL_BITS * has_level)
