"""RTP payloads of one AV1 temporal unit put together again (the AOM's "RTP Payload Format For AV1" 1.0, §4). No I/O."""

from typing import override

from vedette.media.depacketise import Assembled, Assembler
from vedette.media.packetise import join_obus, obu_type, read_leb128
from vedette.media.rtp import RtpError

_CONTINUES, _TO_BE_CONTINUED, _NEW_SEQUENCE = 0x80, 0x40, 0x08
_COUNT_SHIFT = 4
_ONLY_MIDDLE = b"\xd0"
"""The aggregation header of a packet that holds the middle of one OBU and nothing else: Z, Y and W = 1."""
_SEQUENCE_HEADER, _DELIMITER, _FRAME_HEADER, _FRAME = 1, 2, 3, 6
_HAS_EXTENSION, _HAS_SIZE = 0x04, 0x02
_SHOW_EXISTING, _FRAME_TYPE, _SHOW_FRAME, _KEY_FRAME = 0x80, 0x60, 0x10, 0x00


class Av1Assembler(Assembler):
    """OBU elements of RTP packets; out come OBUs with size fields, without temporal delimiters.

    A keyframe is a temporal unit whose first frame is a shown key frame, once a sequence header is known: it begins a
    coded video sequence, so that decoding can start there.
    """

    def __init__(self) -> None:
        self.parts: list[bytes] = []
        self.continuation = b""
        self.has_picture = False
        self.size = 0
        self._obus: list[bytes] = []
        self._open = False
        self._is_keyframe = False
        self._knows_sequence = False

    @override
    def add(self, data: bytes, start: int, end: int) -> None:
        if end < start + 2:
            raise RtpError("payload is cut")
        self.size += end - start
        header = data[start]
        elements = _elements(data, start + 1, end, count=header >> _COUNT_SHIFT & 3)
        if bool(header & _CONTINUES) != self._open:
            raise RtpError("a fragment of an OBU is missing")
        last = len(elements) - 1
        for index, element in enumerate(elements):
            self.parts.append(element)
            if index < last or not header & _TO_BE_CONTINUED:
                self._close()
        self._open = bool(header & _TO_BE_CONTINUED)
        self.continuation = _ONLY_MIDDLE if self._open else b""

    @override
    def begins(self, data: bytes, start: int, end: int) -> bool:
        return end > start + 1 and (not data[start] & _CONTINUES or bool(data[start] & _NEW_SEQUENCE))

    @override
    def take(self) -> Assembled:
        assembled = Assembled(join_obus(self._obus), self._is_keyframe)
        self.clear()
        return assembled

    @override
    def clear(self) -> None:
        self.parts, self._obus = [], []
        self.continuation = b""
        self.has_picture = self._open = self._is_keyframe = False
        self.size = 0

    def _close(self) -> None:
        """The OBU under way is complete."""
        obu = without_size(self.parts[0] if len(self.parts) == 1 else b"".join(self.parts))
        self.parts = []
        kind = obu_type(obu)
        if kind == _DELIMITER:
            return
        self._obus.append(obu)
        if kind == _SEQUENCE_HEADER:
            self._knows_sequence = True
        elif kind in (_FRAME_HEADER, _FRAME) and not self.has_picture:
            self.has_picture = True
            self._is_keyframe = self._knows_sequence and _is_shown_key_frame(obu)


def without_size(obu: bytes) -> bytes:
    """The OBU without its size field, which a sender should have left out; `RtpError` when it is none."""
    if not obu or obu[0] & 0x80:
        raise RtpError("not an OBU")
    header_bytes = 2 if obu[0] & _HAS_EXTENSION else 1
    if len(obu) < header_bytes:
        raise RtpError("an OBU is cut")
    if not obu[0] & _HAS_SIZE:
        return obu
    size, begin = _leb128(obu, header_bytes)
    if begin + size > len(obu):
        raise RtpError("an OBU is cut")
    return bytes((obu[0] & ~_HAS_SIZE,)) + obu[1:header_bytes] + obu[begin : begin + size]


def _is_shown_key_frame(obu: bytes) -> bool:
    """Whether the frame header says so (AV1 §5.9.2); `obu` has no size field."""
    begin = 2 if obu[0] & _HAS_EXTENSION else 1
    flags = obu[begin] if len(obu) > begin else _SHOW_EXISTING
    return not flags & _SHOW_EXISTING and flags & _FRAME_TYPE == _KEY_FRAME and bool(flags & _SHOW_FRAME)


def _elements(data: bytes, position: int, end: int, *, count: int) -> list[bytes]:
    """The OBU elements of a payload; each has its length before it, but for the last one when `count` is given."""
    found: list[bytes] = []
    while position < end:
        if count and len(found) == count - 1:
            size = end - position
        else:
            size, position = _leb128(data, position)
        if not size or position + size > end:
            raise RtpError("an OBU element is cut")
        found.append(data[position : position + size])
        position += size
    if not found or (count and len(found) != count):
        raise RtpError("OBU elements are missing")
    return found


def _leb128(data: bytes, position: int) -> tuple[int, int]:
    try:
        return read_leb128(data, position)
    except ValueError as error:
        raise RtpError("a length is cut") from error
