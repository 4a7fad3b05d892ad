"""RTP payloads of sound: AAC (RFC 3640, modes AAC-hbr and AAC-lbr) and G.711 (RFC 3551). No I/O."""

from collections.abc import Mapping
from typing import NamedTuple, Protocol, override

from vedette.media.rtp import RtpError

_MOST_FRAME_BYTES = 64 * 1024


class Sound(NamedTuple):
    """A frame of sound, `offset` ticks of the RTP clock after the packet's timestamp, `ticks` long."""

    data: bytes
    offset: int
    ticks: int


class SoundDepacketiser(Protocol):
    """Payloads in order become frames of sound."""

    def push(self, data: bytes, start: int, end: int) -> list[Sound]:
        """The frames that the payload `data[start:end]` completes; `RtpError` when it is none."""

    def lost(self) -> None:
        """Packets are missing: forget the frame under way."""


class G711Depacketiser(SoundDepacketiser):
    """PCMU and PCMA: the payload is the frame, one octet a sample and channel."""

    def __init__(self, channels: int) -> None:
        self._channels = channels

    @override
    def push(self, data: bytes, start: int, end: int) -> list[Sound]:
        octets = data[start:end]
        return [Sound(octets, 0, len(octets) // self._channels)] if octets else []

    @override
    def lost(self) -> None:
        """Nothing spans packets."""


class AacDepacketiser(SoundDepacketiser):
    """AU headers of `sizelength` + `indexlength` bits, then the frames; a frame may be spread over packets.

    `parameters` is the `a=fmtp` line, `frame_ticks` how long a frame is on the RTP clock. ValueError for interleaving
    and other fields that AAC-hbr does not have.
    """

    def __init__(self, parameters: Mapping[str, str], *, frame_ticks: int) -> None:
        fields = {name.lower(): value for name, value in parameters.items()}
        self._size_bits = int(fields.get("sizelength", "13"))
        self._first_bits = self._size_bits + int(fields.get("indexlength", "3"))
        self._next_bits = self._size_bits + int(fields.get("indexdeltalength", "3"))
        if not 1 <= self._size_bits <= 16 or not max(self._first_bits, self._next_bits) <= 32:
            raise ValueError("AU headers of another kind")
        if any(int(fields.get(name, "0")) for name in ("ctsdeltalength", "dtsdeltalength", "auxiliarydatasizelength")):
            raise ValueError("AU headers of another kind")
        self._frame_ticks = frame_ticks
        self._fragment = bytearray()
        self._missing = 0

    @override
    def push(self, data: bytes, start: int, end: int) -> list[Sound]:
        sizes, position = self._sizes(data, start, end)
        if self._missing:
            return self._continue(sizes, data[position:end])
        if len(sizes) == 1 and sizes[0] > end - position:
            self._fragment, self._missing = bytearray(data[position:end]), sizes[0] - (end - position)
            return []
        found = []
        for index, size in enumerate(sizes):
            if position + size > end:
                raise RtpError("an AAC frame is cut")
            if size:
                found.append(Sound(data[position : position + size], index * self._frame_ticks, self._frame_ticks))
            position += size
        return found

    @override
    def lost(self) -> None:
        self._fragment, self._missing = bytearray(), 0

    def _continue(self, sizes: list[int], piece: bytes) -> list[Sound]:
        if len(sizes) != 1 or sizes[0] != len(self._fragment) + self._missing or len(piece) > self._missing:
            self.lost()
            raise RtpError("a fragment of an AAC frame is missing")
        self._fragment += piece
        self._missing -= len(piece)
        if self._missing:
            return []
        frame = bytes(self._fragment)
        self.lost()
        return [Sound(frame, 0, self._frame_ticks)]

    def _sizes(self, data: bytes, start: int, end: int) -> tuple[list[int], int]:
        """(frame sizes in bytes, where the first frame begins)."""
        if end < start + 2:
            raise RtpError("AU headers are cut")
        bits = data[start] << 8 | data[start + 1]
        begin = start + 2 + (bits + 7) // 8
        if begin > end or bits < self._first_bits:
            raise RtpError("AU headers are cut")
        value = int.from_bytes(data[start + 2 : begin])
        left, sizes, width = 8 * (begin - start - 2), list[int](), self._first_bits
        unread = bits
        while unread >= width:
            left, unread = left - width, unread - width
            header = value >> left & ((1 << width) - 1)
            sizes.append(header >> (width - self._size_bits))
            width = self._next_bits
        if sum(sizes) > _MOST_FRAME_BYTES:
            raise RtpError("an AAC frame is too large")
        return sizes, begin
