"""H.264 as bytes: NAL units, parameter sets and the names that signalling needs. No I/O.

Syntax follows ITU-T H.264 (clause numbers in the functions); `avcC` follows ISO/IEC 14496-15 §5.3.3; codec strings
follow RFC 6381 and profile-level-id follows RFC 6184 §8.1.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum
from fractions import Fraction

import numpy as np

from vedette.media.bits import BitReader, unescape

START_CODE = b"\x00\x00\x00\x01"
_SHORT_START_CODE = b"\x00\x00\x01"
_EXTENDED_SAR = 255
_MAX_REORDER_FRAMES = 16
_SHORT_BYTES = 2048
"""Up to this size a plain search finds start codes sooner than numpy."""
# Profiles whose SPS carries chroma_format_idc and scaling matrices (7.3.2.1.1).
_HIGH_PROFILES = frozenset({100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135})
# Profiles that promise no reordering when constraint_set3_flag is set (E.2.1, max_num_reorder_frames inferred as 0).
_INTRA_PROFILES = frozenset({44, 86, 100, 110, 122, 244})
_BASELINE_PROFILE = 66


class NalType(IntEnum):
    """The NAL unit types that Vedette looks at (table 7-1)."""

    SLICE = 1
    IDR = 5
    SEI = 6
    SPS = 7
    PPS = 8
    DELIMITER = 9
    END_OF_SEQUENCE = 10
    END_OF_STREAM = 11
    FILLER = 12


@dataclass(frozen=True, slots=True)
class Sps:
    """What a sequence parameter set says; `width` and `height` are pixels after cropping.

    `max_reorder_frames` is None when the SPS does not state it and the profile does not imply it; `fps` is the field
    rate of the VUI halved, None when absent or zero.
    """

    profile: int
    constraints: int
    level: int
    width: int
    height: int
    max_reorder_frames: int | None
    fps: Fraction | None

    @property
    def may_reorder(self) -> bool:
        """Whether pictures can be displayed in another order than they are decoded (B-frames); unknown is yes."""
        return self.max_reorder_frames is None or self.max_reorder_frames > 0


def split(data: bytes) -> list[bytes]:
    """NAL units of an Annex B byte stream, without start codes (3 or 4 bytes) and trailing zeros."""
    return list(iter_nals(data))


def iter_nals(data: bytes) -> Iterator[bytes]:
    """The NAL units of `split`, one at a time, so that a caller can stop before the large slices."""
    position = data.find(_SHORT_START_CODE)
    while position >= 0:
        begin = position + 3
        position = data.find(_SHORT_START_CODE, begin)
        nal = (data[begin:position] if position >= 0 else data[begin:]).rstrip(b"\x00")
        if nal:
            yield nal


def nal_spans(data: bytes) -> list[tuple[int, int]]:
    """(begin, end) of each NAL unit of `split` in `data`, found in one pass without copying."""
    codes = _start_codes(data)
    spans: list[tuple[int, int]] = []
    for index, code in enumerate(codes):
        begin, end = code + 3, codes[index + 1] if index + 1 < len(codes) else len(data)
        while end > begin and not data[end - 1]:
            end -= 1
        if end > begin:
            spans.append((begin, end))
    return spans


def _start_codes(data: bytes) -> list[int]:
    """Where each 00 00 01 stands, in order."""
    if len(data) > _SHORT_BYTES:
        zero = np.frombuffer(data, np.uint8) == 0
        pairs: list[int] = (zero[:-2] & zero[1:-1]).nonzero()[0].tolist()
        return [pair for pair in pairs if data[pair + 2] == 1]
    codes = []
    position = data.find(_SHORT_START_CODE)
    while position >= 0:
        codes.append(position)
        position = data.find(_SHORT_START_CODE, position + 3)
    return codes


def join(nals: Iterable[bytes]) -> bytes:
    """Annex B with 4-byte start codes; the inverse of `split`."""
    return b"".join(START_CODE + nal for nal in nals)


def annexb_to_avcc(data: bytes) -> bytes:
    """Annex B to 4-byte length prefixes, as samples lie in an MP4."""
    return b"".join(length_prefixed(data))


def length_prefixed(data: bytes, spans: Sequence[tuple[int, int]] = ()) -> list[bytes | memoryview]:
    """The pieces of `annexb_to_avcc`, not joined yet: 4-byte lengths and views of `data`. `spans` are those of
    `nal_spans`, where they are known."""
    view = memoryview(data)
    pieces: list[bytes | memoryview] = []
    for begin, end in spans or nal_spans(data):
        pieces += ((end - begin).to_bytes(4), view[begin:end])
    return pieces


def avcc_to_annexb(data: bytes, *, length_size: int = 4) -> bytes:
    """Length-prefixed NAL units to Annex B with 4-byte start codes; a torn tail is cut off, empty units are skipped."""
    parts: list[bytes] = []
    position = 0
    while position + length_size <= len(data):
        begin = position + length_size
        position = begin + int.from_bytes(data[position:begin])
        if position > len(data):
            break
        if position > begin:
            parts += (START_CODE, data[begin:position])
    return b"".join(parts)


def nal_type(nal: bytes) -> int:
    """nal_unit_type of a NAL unit without start code."""
    return nal[0] & 0x1F


def is_keyframe(data: bytes) -> bool:
    """Whether an Annex B access unit is an IDR picture; looks no further than the first slice."""
    for nal in iter_nals(data):
        kind = nal_type(nal)
        if kind == NalType.IDR:
            return True
        if NalType.SLICE <= kind < NalType.IDR:
            return False
    return False


def parameter_sets(data: bytes) -> tuple[list[bytes], list[bytes]]:
    """(SPS, PPS) units that stand before the first slice of an Annex B access unit or extradata."""
    sps: list[bytes] = []
    pps: list[bytes] = []
    for nal in iter_nals(data):
        kind = nal_type(nal)
        if kind == NalType.SPS:
            sps.append(nal)
        elif kind == NalType.PPS:
            pps.append(nal)
        elif NalType.SLICE <= kind <= NalType.IDR:
            break
    return sps, pps


def extradata_of(data: bytes) -> bytes:
    """The parameter sets of an access unit as Annex B extradata, b"" unless both an SPS and a PPS are there."""
    sps, pps = parameter_sets(data)
    return join([*sps, *pps]) if sps and pps else b""


def avcc_extradata(sps: Sequence[bytes], pps: Sequence[bytes]) -> bytes:
    """AVCDecoderConfigurationRecord (`avcC`) with 4-byte lengths; raises ValueError without an SPS."""
    if not sps:
        raise ValueError("avcC needs at least one SPS")
    first = sps[0]
    record = bytearray((1, first[1], first[2], first[3], 0xFF, 0xE0 | len(sps)))
    for nal in sps:
        record += len(nal).to_bytes(2) + nal
    record.append(len(pps))
    for nal in pps:
        record += len(nal).to_bytes(2) + nal
    if first[1] in {100, 110, 122, 144}:
        chroma, luma_depth, chroma_depth = _chroma_format(first)
        record += bytes((0xFC | chroma, 0xF8 | luma_depth, 0xF8 | chroma_depth, 0))
    return bytes(record)


def parse_avcc(record: bytes) -> tuple[list[bytes], list[bytes], int]:
    """(SPS units, PPS units, length size in bytes) of an `avcC` record; raises ValueError when it is torn."""
    if len(record) < 7 or record[0] != 1:
        raise ValueError("not an avcC record")
    sps, position = _units(record, record[5] & 0x1F, 6)
    if position >= len(record):
        raise ValueError("avcC record ends early")
    pps, _ = _units(record, record[position], position + 1)
    return sps, pps, (record[4] & 3) + 1


def parse_sps(nal: bytes) -> Sps:
    """Parse an SPS NAL unit (7.3.2.1.1 and E.1.1); raises ValueError when it is not one or is torn."""
    if len(nal) < 4 or nal_type(nal) != NalType.SPS:
        raise ValueError("not an SPS")
    bits = BitReader(unescape(nal[1:]))
    profile, constraints, level = bits.u(8), bits.u(8), bits.u(8)
    bits.ue()
    chroma = _skip_high_profile_fields(bits)[0] if profile in _HIGH_PROFILES else 1
    bits.ue()
    _skip_picture_order(bits)
    bits.ue()
    bits.u(1)
    width = (bits.ue() + 1) * 16
    height = (bits.ue() + 1) * 16
    frame_only = bits.u(1)
    height *= 2 - frame_only
    if not frame_only:
        bits.u(1)
    bits.u(1)
    if bits.u(1):
        left, right, top, bottom = bits.ue(), bits.ue(), bits.ue(), bits.ue()
        unit_x = 2 if chroma in (1, 2) else 1
        unit_y = (2 if chroma == 1 else 1) * (2 - frame_only)
        width -= (left + right) * unit_x
        height -= (top + bottom) * unit_y
    fps, reorder = _parse_vui(bits) if bits.u(1) else (None, None)
    if reorder is None and (profile == _BASELINE_PROFILE or (profile in _INTRA_PROFILES and constraints & 0x10)):
        reorder = 0
    return Sps(profile, constraints, level, width, height, reorder, fps)


def codec_string(sps: bytes) -> str:
    """RFC 6381 codec string of an SPS NAL unit, such as "avc1.4D401F"."""
    return f"avc1.{sps[1]:02X}{sps[2]:02X}{sps[3]:02X}"


def profile_level_id(sps: bytes) -> str:
    """The SDP profile-level-id of an SPS NAL unit, such as "4d401f"."""
    return sps[1:4].hex()


def _units(record: bytes, count: int, position: int) -> tuple[list[bytes], int]:
    units = []
    for _ in range(count):
        begin = position + 2
        position = begin + int.from_bytes(record[begin - 2 : begin])
        if position > len(record):
            raise ValueError("avcC record ends early")
        units.append(record[begin:position])
    return units, position


def _chroma_format(sps: bytes) -> tuple[int, int, int]:
    """(chroma_format_idc, luma depth − 8, chroma depth − 8) of a High-profile SPS."""
    bits = BitReader(unescape(sps[4:]))
    bits.ue()
    return _skip_high_profile_fields(bits)


def _skip_high_profile_fields(bits: BitReader) -> tuple[int, int, int]:
    chroma = bits.ue()
    if chroma == 3:
        bits.u(1)
    luma_depth, chroma_depth = bits.ue(), bits.ue()
    bits.u(1)
    if bits.u(1):
        for index in range(12 if chroma == 3 else 8):
            if bits.u(1):
                _skip_scaling_list(bits, 16 if index < 6 else 64)
    return chroma, luma_depth, chroma_depth


def _skip_scaling_list(bits: BitReader, size: int) -> None:
    last = following = 8
    for _ in range(size):
        if following:
            following = (last + bits.se()) % 256
        last = following or last


def _skip_picture_order(bits: BitReader) -> None:
    kind = bits.ue()
    if kind == 0:
        bits.ue()
    elif kind == 1:
        bits.u(1)
        bits.se()
        bits.se()
        for _ in range(bits.ue()):
            bits.se()


def _parse_vui(bits: BitReader) -> tuple[Fraction | None, int | None]:
    """(frames per second, max_num_reorder_frames) of the VUI (E.1.1), each None when it is not stated."""
    if bits.u(1) and bits.u(8) == _EXTENDED_SAR:
        bits.u(32)
    if bits.u(1):
        bits.u(1)
    if bits.u(1):
        bits.u(4)
        if bits.u(1):
            bits.u(24)
    if bits.u(1):
        bits.ue()
        bits.ue()
    fps = None
    if bits.u(1):
        tick, scale = bits.u(32), bits.u(32)
        bits.u(1)
        fps = Fraction(scale, 2 * tick) if tick and scale else None
    has_hrd = False
    for _ in range(2):
        if bits.u(1):
            _skip_hrd(bits)
            has_hrd = True
    if has_hrd:
        bits.u(1)
    bits.u(1)
    if not bits.u(1):
        return fps, None
    bits.u(1)
    for _ in range(4):
        bits.ue()
    return fps, min(bits.ue(), _MAX_REORDER_FRAMES)


def _skip_hrd(bits: BitReader) -> None:
    count = bits.ue() + 1
    bits.u(8)
    for _ in range(count):
        bits.ue()
        bits.ue()
        bits.u(1)
    bits.u(20)
