"""What MP4 must say about an AV1 stream, out of its sequence header OBU. No I/O.

Syntax follows the AV1 bitstream specification (§5.5, sequence header) and the AV1 binding to ISO BMFF (§2.3, `av1C`).
"""

from dataclasses import dataclass

from vedette.media.bits import BitReader

_SEQUENCE_HEADER, _DELIMITER = 1, 2
_RESERVED_PROFILE = 3


@dataclass(frozen=True, slots=True)
class SequenceHeader:
    """The fields of `av1C`, and the largest picture in pixels. `subsampling` is (x, y), `position` its sample site."""

    profile: int
    level: int
    tier: int
    width: int
    height: int
    high_bitdepth: bool
    twelve_bit: bool
    monochrome: bool
    subsampling: tuple[int, int]
    position: int


def obus(data: bytes) -> list[tuple[int, bytes, bytes]]:
    """(type, whole OBU, payload) of each OBU with a size field; a torn tail is left out."""
    found: list[tuple[int, bytes, bytes]] = []
    position = 0
    while position < len(data):
        head = data[position]
        begin = position + (2 if head & 4 else 1)
        if not head & 2:
            return found
        size, begin = _leb128(data, begin)
        if begin + size > len(data) or begin == 0:
            return found
        found.append((head >> 3 & 15, data[position : begin + size], data[begin : begin + size]))
        position = begin + size
    return found


def extradata_of(data: bytes) -> bytes:
    """The sequence header OBU of a temporal unit, b"" when it holds none."""
    return next((whole for kind, whole, _ in obus(data) if kind == _SEQUENCE_HEADER), b"")


def without_delimiter(data: bytes) -> bytes:
    """A temporal unit as it lies in an MP4: without its temporal delimiter OBU."""
    return b"".join(whole for kind, whole, _ in obus(data) if kind != _DELIMITER)


def record_of(extradata: bytes) -> bytes:
    """The `av1C` record around a sequence header OBU; ValueError when there is none or it is torn."""
    header = parse_sequence_header(extradata)
    flags = header.tier << 7 | header.high_bitdepth << 6 | header.twelve_bit << 5 | header.monochrome << 4
    flags |= header.subsampling[0] << 3 | header.subsampling[1] << 2 | header.position
    return bytes((0x81, header.profile << 5 | header.level, flags, 0)) + extradata_of(extradata)


def parse_sequence_header(data: bytes) -> SequenceHeader:
    """The first sequence header OBU of `data`; ValueError when there is none or it is torn."""
    payload = next((payload for kind, _, payload in obus(data) if kind == _SEQUENCE_HEADER), None)
    if payload is None:
        raise ValueError("no AV1 sequence header")
    bits = BitReader(payload)
    profile = bits.u(3)
    if profile >= _RESERVED_PROFILE:
        raise ValueError("an AV1 profile that does not exist")
    bits.u(1)
    reduced = bits.u(1)
    level, tier = (bits.u(5), 0) if reduced else _operating_point(bits)
    wide, high = bits.u(4) + 1, bits.u(4) + 1
    width, height = bits.u(wide) + 1, bits.u(high) + 1
    _skip_tools(bits, reduced=bool(reduced))
    return SequenceHeader(profile, level, tier, width, height, *_color(bits, profile))


def _leb128(data: bytes, position: int) -> tuple[int, int]:
    """(value, position behind it); (0, 0) when it is torn."""
    value = 0
    for index in range(8):
        if position >= len(data):
            return 0, 0
        byte = data[position]
        position += 1
        value |= (byte & 0x7F) << 7 * index
        if not byte & 0x80:
            return value, position
    return 0, 0


def _operating_point(bits: BitReader) -> tuple[int, int]:
    """(level, tier) of the first operating point, all of them read (5.5.1)."""
    delay_bits = 0
    has_model = False
    if bits.u(1):
        bits.u(64)
        if bits.u(1):
            _skip_uvlc(bits)
        has_model = bool(bits.u(1))
        if has_model:
            delay_bits = bits.u(5) + 1
            bits.u(32 + 5 + 5)
    has_delays = bits.u(1)
    first: tuple[int, int] | None = None
    for _ in range(bits.u(5) + 1):
        bits.u(12)
        level = bits.u(5)
        tier = bits.u(1) if level > 7 else 0
        if has_model and bits.u(1):
            bits.u(2 * delay_bits + 1)
        if has_delays and bits.u(1):
            bits.u(4)
        first = first or (level, tier)
    return first or (0, 0)


def _skip_uvlc(bits: BitReader) -> None:
    zeros = 0
    while not bits.u(1) and zeros < 32:
        zeros += 1
    if zeros < 32:
        bits.u(zeros)


def _skip_tools(bits: BitReader, *, reduced: bool) -> None:
    if not reduced and bits.u(1):
        bits.u(4 + 3)
    bits.u(3)
    if not reduced:
        bits.u(4)
        order_hint = bits.u(1)
        if order_hint:
            bits.u(2)
        screen = 2 if bits.u(1) else bits.u(1)
        if screen and not bits.u(1):
            bits.u(1)
        if order_hint:
            bits.u(3)
    bits.u(3)


def _color(bits: BitReader, profile: int) -> tuple[bool, bool, bool, tuple[int, int], int]:
    """(high_bitdepth, twelve_bit, monochrome, subsampling, chroma sample position) of `color_config` (5.5.2)."""
    high = bool(bits.u(1))
    twelve = bool(profile == 2 and high and bits.u(1))
    mono = bool(profile != 1 and bits.u(1))
    primaries, transfer, matrix = (bits.u(8), bits.u(8), bits.u(8)) if bits.u(1) else (2, 2, 2)
    if mono:
        return high, twelve, mono, (1, 1), 0
    if (primaries, transfer, matrix) == (1, 13, 0):
        return high, twelve, mono, (0, 0), 0
    bits.u(1)
    if profile == 0:
        subsampling = (1, 1)
    elif profile == 1:
        subsampling = (0, 0)
    elif twelve:
        x = bits.u(1)
        subsampling = (x, bits.u(1) if x else 0)
    else:
        subsampling = (1, 0)
    return high, twelve, mono, subsampling, bits.u(2) if subsampling == (1, 1) else 0
