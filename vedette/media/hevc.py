"""As much of HEVC (ITU-T H.265) as recording needs: NAL unit types, keyframes, parameter sets. No I/O."""

from collections.abc import Sequence

from vedette.media.bits import BitReader, unescape
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


def hvcc_extradata(nals: Sequence[bytes]) -> bytes:
    """HEVCDecoderConfigurationRecord (`hvcC`, ISO/IEC 14496-15 §8.3.3) with 4-byte lengths around parameter sets;
    ValueError when there is no SPS or it is torn."""
    sps = next((nal for nal in nals if nal_type(nal) == SPS), None)
    if sps is None:
        raise ValueError("hvcC needs an SPS")
    rbsp = unescape(sps[2:])
    layers, nested = (rbsp[0] >> 1 & 7) + 1, rbsp[0] & 1
    chroma, luma_depth, chroma_depth = _formats(rbsp, layers)
    record = bytearray(b"\x01" + rbsp[1:13])
    # Spatial segmentation and parallelism are not stated (0), nor is the frame rate.
    record += bytes((0xF0, 0, 0xFC, 0xFC | chroma, 0xF8 | luma_depth, 0xF8 | chroma_depth, 0, 0))
    kinds = [kind for kind in (VPS, SPS, PPS) if any(nal_type(nal) == kind for nal in nals)]
    record += bytes((layers << 3 | nested << 2 | 3, len(kinds)))
    for kind in kinds:
        group = [nal for nal in nals if nal_type(nal) == kind]
        record += bytes((kind,)) + len(group).to_bytes(2)
        for nal in group:
            record += len(nal).to_bytes(2) + nal
    return bytes(record)


def _formats(rbsp: bytes, layers: int) -> tuple[int, int, int]:
    """(chroma_format_idc, luma depth − 8, chroma depth − 8) of an SPS without its header (7.3.2.2)."""
    bits = BitReader(rbsp[13:])
    present = [(bits.u(1), bits.u(1)) for _ in range(layers - 1)]
    if layers > 1:
        bits.u(2 * (8 - (layers - 1)))
    for profile, level in present:
        bits.u(88 * profile + 8 * level)
    bits.ue()
    chroma = bits.ue()
    if chroma == 3:
        bits.u(1)
    bits.ue(), bits.ue()
    if bits.u(1):
        for _ in range(4):
            bits.ue()
    return chroma, bits.ue(), bits.ue()


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
