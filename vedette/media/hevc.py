"""As much of HEVC (ITU-T H.265) as recording needs: NAL unit types, keyframes, parameter sets. No I/O."""

from vedette.media.h264 import iter_nals, join

VPS, SPS, PPS = 32, 33, 34
_FIRST_IRAP, _LAST_IRAP = 16, 23
_FIRST_NON_VCL = 32


def nal_type(nal: bytes) -> int:
    """nal_unit_type of a NAL unit without start code (7.3.1.2)."""
    return (nal[0] >> 1) & 0x3F


def is_keyframe(data: bytes) -> bool:
    """Whether an Annex B access unit is an intra random access point; looks no further than the first slice."""
    for nal in iter_nals(data):
        kind = nal_type(nal)
        if kind < _FIRST_NON_VCL:
            return _FIRST_IRAP <= kind <= _LAST_IRAP
    return False


def extradata_of(data: bytes) -> bytes:
    """VPS, SPS and PPS that stand before the first slice as Annex B extradata; b"" unless all three kinds are there."""
    found = []
    for nal in iter_nals(data):
        kind = nal_type(nal)
        if kind < _FIRST_NON_VCL:
            break
        if kind in (VPS, SPS, PPS):
            found.append(nal)
    return join(found) if {nal_type(nal) for nal in found} == {VPS, SPS, PPS} else b""


def parse_hvcc(record: bytes) -> tuple[list[bytes], int]:
    """(parameter set NAL units in order, length size in bytes) of an `hvcC` record (ISO/IEC 14496-15 §8.3.3)."""
    if len(record) < 23 or record[0] != 1:
        raise ValueError("not an hvcC record")
    nals = []
    position = 23
    for _ in range(record[22]):
        if position + 3 > len(record):
            raise ValueError("hvcC record ends early")
        count = int.from_bytes(record[position + 1 : position + 3])
        position += 3
        for _ in range(count):
            begin = position + 2
            position = begin + int.from_bytes(record[position:begin])
            if position > len(record) or begin > len(record):
                raise ValueError("hvcC record ends early")
            nals.append(record[begin:position])
    return nals, (record[21] & 3) + 1
