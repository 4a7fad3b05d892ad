"""What faults do to the bytes of a camera, without I/O: to interleaved packets and to RTSP answers.

RTP travels on even channels, RTCP on odd ones, as every client of ours asks for them.
"""

import re
from collections.abc import Iterator, Mapping

import numpy as np

from vedette.media.rtp import FRAMING_BYTES, HEADER_BYTES
from vedette.tools.camera.orders import FaultOrder, Kind

DOLLAR = 0x24
_MOST_GARBAGE_BYTES = 64
_WRONG_CHANNEL = 200
_LENGTH = re.compile(rb"Content-Length: \d+", re.IGNORECASE)
_FORMAT = re.compile(rb"a=fmtp:[^\r]*\r\n")

type Active = Mapping[Kind, FaultOrder]


def framed_packets(data: bytes | bytearray | memoryview) -> Iterator[memoryview]:
    """The `$`-framed packets of one write, framing included; what is no packet comes whole."""
    view = memoryview(data)
    while len(view) >= FRAMING_BYTES and view[0] == DOLLAR:
        size = FRAMING_BYTES + int.from_bytes(view[2:4])
        yield view[:size]
        view = view[size:]
    if len(view):
        yield view


def disturbed_packets(data: bytes | bytearray | memoryview, faults: Active, dice: np.random.Generator) -> bytes:
    """Interleaved packets after loss, reordering and garbage, with a wrong source or channel."""
    loss, garbage = faults.get("loss"), faults.get("garbage")
    parts: list[bytes | memoryview] = []
    for packet in framed_packets(data):
        is_media = packet[1] % 2 == 0
        if is_media and ("rtcp_only" in faults or (loss is not None and dice.random() < loss.share)):
            continue
        parts.append(_relabelled(packet, faults) if is_media else packet)
        if garbage is not None and dice.random() < garbage.share:
            parts.append(dice.bytes(int(dice.integers(1, _MOST_GARBAGE_BYTES))))
    if "reorder" in faults and len(parts) > 1:
        first = int(dice.integers(0, len(parts) - 1))
        parts[first], parts[first + 1] = parts[first + 1], parts[first]
    return b"".join(parts)


def _relabelled(packet: memoryview, faults: Active) -> bytes | memoryview:
    if "wrong_channel" not in faults and "wrong_ssrc" not in faults:
        return packet
    changed = bytearray(packet)
    if "wrong_channel" in faults:
        changed[1] = _WRONG_CHANNEL
    if "wrong_ssrc" in faults and len(changed) >= FRAMING_BYTES + HEADER_BYTES:
        changed[FRAMING_BYTES + 8] ^= 0xFF
    return bytes(changed)


def disturbed_answer(data: bytes, faults: Active) -> bytes:
    """An RTSP answer that redirects, lies about its length or describes a stream without its parameters."""
    head, blank, body = data.partition(b"\r\n\r\n")
    redirect = faults.get("redirect")
    is_description = b"application/sdp" in head
    if redirect is not None and is_description:
        sequence = next((line for line in head.split(b"\r\n") if line.lower().startswith(b"cseq:")), b"CSeq: 0")
        return b"RTSP/1.0 302 Moved Temporarily\r\n" + sequence + f"\r\nLocation: {redirect.url}\r\n\r\n".encode()
    if "bare_sdp" in faults and is_description:
        body = _FORMAT.sub(b"", body)
        head = _LENGTH.sub(f"Content-Length: {len(body)}".encode(), head)
    wrong = faults.get("bad_length")
    if wrong is not None:
        head = _LENGTH.sub(b"", head).replace(b"\r\n\r\n", b"\r\n").rstrip(b"\r\n")
        head += f"\r\nContent-Length: {wrong.length}".encode()
    return head + blank + body
