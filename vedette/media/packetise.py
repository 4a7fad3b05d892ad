"""RTP payloads of AV1 temporal units and of sound, without I/O; those of NAL units are in `rtp`.

Sources: the AOM's "RTP Payload Format For AV1" 1.0 (§4: aggregation header, OBU elements), RFC 3640 (AAC, mode
AAC-hbr), RFC 3551 (G.711).
"""

from collections.abc import Iterator

from vedette.media.unit import Codec

PAYLOAD_TYPES: dict[Codec, int] = {"h264": 96, "hevc": 96, "av1": 96, "aac": 97, "opus": 98, "pcmu": 0, "pcma": 8}
_SEQUENCE_HEADER, _TEMPORAL_DELIMITER, _TILE_LIST, _PADDING = 1, 2, 8, 15
_CONTINUES, _TO_BE_CONTINUED, _NEW_SEQUENCE = 0x80, 0x40, 0x08
_HAS_EXTENSION, _HAS_SIZE = 0x04, 0x02
_AU_HEADER_BYTES = 4
_MOST_AAC_BYTES = (1 << 13) - 1


def audio_payloads(codec: Codec, frame: bytes, *, limit: int) -> list[bytes]:
    """The payloads of one frame of sound. `ValueError` for one that this payload format cannot carry."""
    if codec == "aac":
        return list(_aac_payloads(frame, limit))
    if codec in ("pcmu", "pcma", "opus") and len(frame) <= limit:
        return [frame]
    raise ValueError(f"no RTP payload format for {len(frame)} bytes of {codec}")


def _aac_payloads(frame: bytes, limit: int) -> Iterator[bytes]:
    """One access unit a packet behind one AU header: 13 bits of size, 3 bits of index (RFC 3640 §3.3.6)."""
    if len(frame) > _MOST_AAC_BYTES:
        raise ValueError("an AAC frame is too large for its AU header")
    header = (16).to_bytes(2) + (len(frame) << 3).to_bytes(2)
    room = limit - _AU_HEADER_BYTES
    for start in range(0, len(frame), room):
        yield header + frame[start : start + room]


def av1_payloads(temporal_unit: bytes, *, limit: int) -> list[bytes]:
    """The payloads of one temporal unit of OBUs with size fields; `ValueError` when they are malformed.

    OBUs lose their size field, delimiters, tile lists and padding are left out. Every element carries its length, so
    W is 0 in each aggregation header.
    """
    if limit < 16:
        raise ValueError("the limit leaves no room for a fragment")
    elements = [obu for obu in split_obus(temporal_unit) if obu_type(obu) not in _LEFT_OUT]
    is_new = any(obu_type(obu) == _SEQUENCE_HEADER for obu in elements)
    packets: list[bytes] = []
    body, continues = bytearray(), False
    for obu in elements:
        rest = memoryview(obu)
        while rest:
            room = limit - 1 - len(body)
            size = _fitting(len(rest), room)
            if size == 0 or (size < len(rest) and body and len(rest) <= limit - 4):
                packets.append(_with_header(body, continues, to_be_continued=False))
                body, continues = bytearray(), False
                continue
            body += leb128(size) + rest[:size]
            rest = rest[size:]
            if rest:
                packets.append(_with_header(body, continues, to_be_continued=True))
                body, continues = bytearray(), True
    if body:
        packets.append(_with_header(body, continues, to_be_continued=False))
    if packets and is_new:
        packets[0] = bytes((packets[0][0] | _NEW_SEQUENCE,)) + packets[0][1:]
    return packets


_LEFT_OUT = frozenset({_TEMPORAL_DELIMITER, _TILE_LIST, _PADDING})


def _with_header(body: bytearray, continues: bool, *, to_be_continued: bool) -> bytes:
    return bytes(((_CONTINUES if continues else 0) | (_TO_BE_CONTINUED if to_be_continued else 0),)) + bytes(body)


def _fitting(size: int, room: int) -> int:
    """How many bytes of an element fit behind its length."""
    for length_bytes in (1, 2, 3):
        fits = min(size, room - length_bytes, (1 << 7 * length_bytes) - 1)
        if fits <= 0:
            return 0
        if fits == size or fits == room - length_bytes:
            return fits
    return 0


def obu_type(obu: bytes) -> int:
    """The type in an OBU's header."""
    return (obu[0] >> 3) & 0x0F


def split_obus(data: bytes) -> list[bytes]:
    """The OBUs of a temporal unit without their size fields; `ValueError` when one is cut or has no size."""
    found = []
    position = 0
    while position < len(data):
        first = data[position]
        if first & 0x80 or not first & _HAS_SIZE:
            raise ValueError("an OBU without a size field")
        header_bytes = 2 if first & _HAS_EXTENSION else 1
        size, begin = read_leb128(data, position + header_bytes)
        end = begin + size
        if end > len(data):
            raise ValueError("an OBU is cut")
        header = bytes((first & ~_HAS_SIZE,)) + data[position + 1 : position + header_bytes]
        found.append(header + data[begin:end])
        position = end
    return found


def join_obus(obus: Iterator[bytes] | list[bytes]) -> bytes:
    """A temporal unit with size fields; the inverse of `split_obus`."""
    parts = []
    for obu in obus:
        header_bytes = 2 if obu[0] & _HAS_EXTENSION else 1
        head = bytes((obu[0] | _HAS_SIZE,)) + obu[1:header_bytes]
        parts.append(head + leb128(len(obu) - header_bytes) + obu[header_bytes:])
    return b"".join(parts)


def leb128(value: int) -> bytes:
    """An unsigned number in groups of seven bits (AV1 §4.10.5)."""
    out = bytearray()
    while True:
        value, low = value >> 7, value & 0x7F
        if not value:
            return bytes((*out, low))
        out.append(low | 0x80)


def read_leb128(data: bytes, position: int) -> tuple[int, int]:
    """(number, position behind it); `ValueError` when it is cut or larger than 32 bits."""
    value = 0
    for index in range(8):
        if position + index >= len(data):
            break
        byte = data[position + index]
        value |= (byte & 0x7F) << 7 * index
        if not byte & 0x80:
            if value >= 1 << 32:
                break
            return value, position + index + 1
    raise ValueError("a leb128 number is cut or too large")
