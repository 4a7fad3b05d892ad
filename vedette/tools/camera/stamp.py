"""Who made a picture, which one it is and when, inside the picture's own data: what a fault oracle looks for.

H.264 and H.265 carry it as user data in an SEI message (`user_data_unregistered`), AV1 as unregistered metadata. The
identifier in front makes it easy to find in any framing.
"""

import json
import uuid
from dataclasses import dataclass

from vedette.media import hevc
from vedette.media.h264 import START_CODE, NalType
from vedette.media.packetise import join_obus, obu_type, split_obus
from vedette.media.unit import Codec

IDENTIFIER = uuid.UUID("a7d3c1e5-4f9b-4d62-8e17-5b6c9f2d83e1").bytes
_PREFIX_SEI, _FIRST_NON_VCL = 39, 32
_SEI_USER_DATA = 5
_METADATA, _SEQUENCE_HEADER = 5, 1
_PRIVATE_METADATA = 31
_MOST_BYTES = 4096


@dataclass(frozen=True, slots=True)
class Stamp:
    """`number` counts this stream's pictures in decode order, over all its sources; the time is the camera's own."""

    camera: str
    stream: str
    number: int
    monotonic_us: int


def stamped(codec: Codec, data: bytes, stamp: Stamp) -> bytes:
    """The access unit with the stamp before its first slice or frame; `ValueError` for malformed AV1."""
    content = IDENTIFIER + json.dumps([stamp.camera, stamp.stream, stamp.number, stamp.monotonic_us]).encode()
    if codec == "av1":
        obus = split_obus(data)
        at = next((index for index, obu in enumerate(obus) if obu_type(obu) != _SEQUENCE_HEADER), len(obus))
        metadata = bytes((_METADATA << 3, _PRIVATE_METADATA)) + content + b"\x80"
        return join_obus([*obus[:at], metadata, *obus[at:]])
    sizes = b"\xff" * (len(content) // 255) + bytes((len(content) % 255,))
    head = b"\x06" if codec == "h264" else bytes((_PREFIX_SEI << 1, 1))
    message = START_CODE + head + bytes((_SEI_USER_DATA,)) + sizes + content + b"\x80"
    at = _first_slice(codec, data)
    return data[:at] + message + data[at:]


def _first_slice(codec: Codec, data: bytes) -> int:
    """Where the start code of the first slice stands; the end when there is none."""
    at = data.find(START_CODE)
    while at >= 0:
        header = data[at + 4 : at + 6]
        if codec == "h264" and header and NalType.SLICE <= header[0] & 31 <= NalType.IDR:
            return at
        if codec == "hevc" and header and hevc.nal_type(header) < _FIRST_NON_VCL:
            return at
        at = data.find(START_CODE, at + 4)
    return len(data)


def read_stamp(data: bytes) -> Stamp | None:
    """The stamp in an access unit of any codec and framing; None when it has none."""
    at = data.find(IDENTIFIER)
    if at < 0:
        return None
    begin = at + len(IDENTIFIER)
    text = data[begin : begin + _MOST_BYTES].decode("latin-1")
    try:
        (camera, stream, number, monotonic_us), _ = json.JSONDecoder().raw_decode(text)
        return Stamp(str(camera), str(stream), int(number), int(monotonic_us))
    except (ValueError, TypeError):
        return None
