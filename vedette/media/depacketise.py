"""RTP payloads of one picture put together again, for H.264 (RFC 6184) and HEVC (RFC 7798). No I/O.

An assembler collects the payloads of one access unit; when it ends is the receiver's decision (`rtp_receiver`).
"""

from typing import NamedTuple, Protocol, override

from vedette.media import h264, hevc
from vedette.media.h264 import START_CODE
from vedette.media.rtp import RtpError

_H264_STAP_A, _H264_FU_A = 24, 28
_H264_SLICES = range(1, 6)
_H264_SETS = frozenset({7, 8})
_HEVC_AP, _HEVC_FU = 48, 49
_HEVC_FIRST_NON_VCL, _HEVC_LAST_NON_VCL = 32, 47
_HEVC_RANDOM_ACCESS = range(16, 24)
_HEVC_SETS = frozenset({32, 33, 34})
_START, _END = 0x80, 0x40
_START_BYTES = len(START_CODE)
_FIRST_SLICE = 0x80
"""In both codecs the first bit behind the header of a slice says that it is the first of its picture."""
_H264_HEADS = tuple(START_CODE + bytes((header,)) for header in range(256))


type Spans = tuple[tuple[int, int], ...]


class Assembled(NamedTuple):
    """An access unit as it goes into `AccessUnit`: its data and spans."""

    data: bytes
    is_keyframe: bool
    spans: Spans = ()


class Assembler(Protocol):
    """Takes the payloads of one access unit in order; `take` gives the unit and starts the next.

    `has_picture` turns True with the first slice: what came before it belongs to it. `size` counts payload bytes. Most
    packets are the middle of a fragmented unit and begin alike: whoever sees the bytes `continuation` (when there are
    any) at the start of a payload may append the rest of it to `parts`, which is all that `add` would do.
    """

    has_picture: bool
    size: int
    continuation: bytes
    parts: list[bytes]

    def add(self, data: bytes, start: int, end: int) -> None:
        """Take the payload `data[start:end]`; `RtpError` when it is none of this codec's."""

    def begins(self, data: bytes, start: int, end: int) -> bool:
        """Whether an access unit can begin with this payload, so that none of it is missing after a loss."""

    def take(self) -> Assembled:
        """The unit so far."""

    def clear(self) -> None:
        """Forget the unit so far."""


class _NalAssembler(Assembler):
    """What the two codecs of NAL units share: the parts and what was seen in them."""

    def __init__(self) -> None:
        self.parts: list[bytes] = []
        self.continuation = b""
        self._firsts: list[int] = []
        self._is_keyframe = False
        self._is_clean = False
        self.has_picture = False
        self.size = 0

    @override
    def take(self) -> Assembled:
        data, is_keyframe = b"".join(self.parts), self._is_keyframe
        spans = self._spans(len(data))
        if is_keyframe:
            # Cameras whose NAL units hold start codes show it here; units have no spans then.
            self._is_clean = data.count(START_CODE[1:]) == len(spans)
        self.clear()
        return Assembled(data, is_keyframe, spans if self._is_clean else ())

    def _spans(self, size: int) -> Spans:
        firsts, parts = self._firsts, self.parts
        if len(firsts) == 1:
            return ((_START_BYTES, size),)
        spans, position = [], 0
        for first, following in zip(firsts, [*firsts[1:], len(parts)], strict=False):
            end = position + sum(map(len, parts[first:following]))
            spans.append((position + _START_BYTES, end))
            position = end
        return tuple(spans)

    @override
    def clear(self) -> None:
        self.parts = []
        self._firsts = []
        self.continuation = b""
        self._is_keyframe = self.has_picture = False
        self.size = 0


class H264Assembler(_NalAssembler):
    """Single NAL units, STAP-A and FU-A of RFC 6184 (packetisation modes 0 and 1)."""

    @override
    def add(self, data: bytes, start: int, end: int) -> None:
        if start >= end:
            raise RtpError("payload is empty")
        self.size += end - start
        kind = data[start] & 0x1F
        if kind == _H264_FU_A:
            if end < start + 2:
                raise RtpError("fragment is cut")
            flags = data[start + 1]
            if flags & _START:
                self._saw(flags & 0x1F)
                self._firsts.append(len(self.parts))
                self.parts.append(_H264_HEADS[data[start] & 0xE0 | flags & 0x1F])
                self.continuation = bytes((data[start], flags & 0x1F))
            elif not self.continuation:
                raise RtpError("the beginning of a fragmented NAL unit is missing")
            self.parts.append(data[start + 2 : end])
            if flags & _END:
                self.continuation = b""
        elif kind == _H264_STAP_A:
            for begin, stop in aggregated(data, start + 1, end):
                self._whole(data, begin, stop)
        elif kind > _H264_STAP_A or not kind:
            raise RtpError("a packet of a mode that was not agreed on")
        else:
            self._whole(data, start, end)

    @override
    def begins(self, data: bytes, start: int, end: int) -> bool:
        if start < end and data[start] & 0x1F == _H264_STAP_A:
            start += 3
        if end < start + 2:
            return False
        kind = data[start] & 0x1F
        if kind == _H264_FU_A:
            if end < start + 3:
                return False
            flags = data[start + 1]
            is_first = flags & 0x1F not in _H264_SLICES or data[start + 2] & _FIRST_SLICE
            return bool(flags & _START and is_first)
        return kind not in _H264_SLICES or bool(data[start + 1] & _FIRST_SLICE)

    def _whole(self, data: bytes, start: int, end: int) -> None:
        kind = data[start] & 0x1F
        self._saw(kind)
        if kind in _H264_SETS and START_CODE[1:] in data[start:end]:
            # Some cameras put the whole access unit, start codes and all, into what they call an SPS.
            unit = START_CODE + data[start:end]
            self.has_picture |= any(h264.nal_type(nal) in _H264_SLICES for nal in h264.iter_nals(unit))
            self._is_keyframe |= h264.is_keyframe(unit)
        self._firsts.append(len(self.parts))
        self.parts += (START_CODE, data[start:end])

    def _saw(self, kind: int) -> None:
        if kind in _H264_SLICES:
            self.has_picture = True
            self._is_keyframe |= kind == h264.NalType.IDR


class HevcAssembler(_NalAssembler):
    """Single NAL units, AP and FU of RFC 7798, without decoding order numbers (sprop-max-don-diff = 0)."""

    @override
    def add(self, data: bytes, start: int, end: int) -> None:
        if end < start + 2:
            raise RtpError("payload is cut")
        self.size += end - start
        kind = data[start] >> 1 & 0x3F
        if kind == _HEVC_FU:
            if end < start + 3:
                raise RtpError("fragment is cut")
            flags = data[start + 2]
            if flags & _START:
                self._saw(flags & 0x3F)
                self._firsts.append(len(self.parts))
                header = bytes((data[start] & 0x81 | (flags & 0x3F) << 1, data[start + 1]))
                self.parts += (START_CODE, header)
                self.continuation = bytes((data[start], data[start + 1], flags & 0x3F))
            elif not self.continuation:
                raise RtpError("the beginning of a fragmented NAL unit is missing")
            self.parts.append(data[start + 3 : end])
            if flags & _END:
                self.continuation = b""
        elif kind == _HEVC_AP:
            for begin, stop in aggregated(data, start + 2, end):
                if stop < begin + 2:
                    raise RtpError("aggregated NAL unit is cut")
                self._whole(data, begin, stop)
        elif kind > _HEVC_LAST_NON_VCL:
            raise RtpError("a packet of a kind that was not agreed on")
        else:
            self._whole(data, start, end)

    @override
    def begins(self, data: bytes, start: int, end: int) -> bool:
        if start < end and data[start] >> 1 & 0x3F == _HEVC_AP:
            start += 4
        if end < start + 3:
            return False
        kind = data[start] >> 1 & 0x3F
        if kind == _HEVC_FU:
            if end < start + 4:
                return False
            flags = data[start + 2]
            is_first = flags & 0x3F >= _HEVC_FIRST_NON_VCL or data[start + 3] & _FIRST_SLICE
            return bool(flags & _START and is_first)
        return kind >= _HEVC_FIRST_NON_VCL or bool(data[start + 2] & _FIRST_SLICE)

    def _whole(self, data: bytes, start: int, end: int) -> None:
        kind = data[start] >> 1 & 0x3F
        self._saw(kind)
        if kind in _HEVC_SETS and START_CODE[1:] in data[start:end]:
            unit = START_CODE + data[start:end]
            self.has_picture |= any(hevc.nal_type(nal) < _HEVC_FIRST_NON_VCL for nal in h264.iter_nals(unit))
            self._is_keyframe |= hevc.is_keyframe(unit)
        self._firsts.append(len(self.parts))
        self.parts += (START_CODE, data[start:end])

    def _saw(self, kind: int) -> None:
        if kind < _HEVC_FIRST_NON_VCL:
            self.has_picture = True
            self._is_keyframe |= kind in _HEVC_RANDOM_ACCESS


def aggregated(data: bytes, start: int, end: int) -> list[tuple[int, int]]:
    """(start, end) of each NAL unit in `data[start:end]`, where each has its size in two bytes before it; `RtpError`
    when the sizes do not add up."""
    spans = []
    while start < end:
        begin = start + 2
        start = begin + (data[start] << 8 | data[start + 1]) if begin <= end else end + 1
        if start > end or start == begin:
            raise RtpError("aggregation packet is cut")
        spans.append((begin, start))
    return spans
