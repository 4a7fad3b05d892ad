"""Bit-level reading shared by the H.264 and HEVC parsers: fixed width and Exp-Golomb codes. No I/O."""

import re

_ESCAPE = re.compile(rb"\x00\x00\x03")


def unescape(nal: bytes) -> bytes:
    """Remove emulation prevention bytes: NAL unit payload to RBSP (H.264 7.4.1.1)."""
    return _ESCAPE.sub(b"\x00\x00", nal)


class BitReader:
    """Reads bits, most significant first; raises ValueError past the end."""

    def __init__(self, data: bytes) -> None:
        self._value = int.from_bytes(data)
        self._left = len(data) * 8

    def u(self, width: int) -> int:
        """An unsigned integer of `width` bits."""
        if width > self._left:
            raise ValueError("parameter set ends early")
        self._left -= width
        return (self._value >> self._left) & ((1 << width) - 1)

    def ue(self) -> int:
        """An unsigned Exp-Golomb code (9.1), at most 32 bits long."""
        zeros = 0
        while self.u(1) == 0:
            zeros += 1
            if zeros > 32:
                raise ValueError("Exp-Golomb code is too long")
        return (1 << zeros) - 1 + self.u(zeros)

    def se(self) -> int:
        """A signed Exp-Golomb code (9.1.1)."""
        code = self.ue()
        return (code + 1) // 2 if code % 2 else -(code // 2)
