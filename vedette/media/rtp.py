"""RTP and RTCP without I/O: access units to packets and back, sender reports, and NTP time.

Packets of one unit are laid out once as a *template* (interleaved framing included); a session only patches channel,
sequence number, timestamp and source id into a copy, so that a hundred viewers cost one packetisation. Sources:
RFC 3550 (RTP, RTCP), RFC 6184 (H.264), RFC 7798 (HEVC).
"""

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from vedette.media import h264
from vedette.media.packetise import PAYLOAD_TYPES, audio_payloads, av1_payloads
from vedette.media.unit import AccessUnit, Codec

MTU_BYTES = 1400
HEADER_BYTES = 12
FRAMING_BYTES = 4
NTP_UNIX_OFFSET_S = 2_208_988_800

_HEADER = struct.Struct(">BBHII")
_SENDER = struct.Struct(">BBHIQIII")
_PATCH = struct.Struct(">HII")
_FRAMED = struct.Struct(">sBHBBHII")
_H264_STAP_A, _H264_FU_A, _H264_SPS, _H264_PPS = 24, 28, 7, 8
_HEVC_AP, _HEVC_FU, _HEVC_VPS, _HEVC_SPS, _HEVC_PPS = 48, 49, 32, 33, 34
_SENDER_REPORT, _RECEIVER_REPORT, _SOURCE_DESCRIPTION, _GOODBYE = 200, 201, 202, 203


class RtpError(ValueError):
    """Bytes that are not the RTP or RTCP they claim to be."""


@dataclass(frozen=True, slots=True)
class RtpPacket:
    """One RTP packet; CSRC list, header extension and padding are accepted when read and never written."""

    payload_type: int
    sequence: int
    timestamp: int
    ssrc: int
    payload: bytes
    marker: bool = False

    def serialise(self) -> bytes:
        """The packet as it goes on the wire."""
        second = self.payload_type | (0x80 if self.marker else 0)
        return _HEADER.pack(0x80, second, self.sequence, self.timestamp, self.ssrc) + self.payload


def parse_packet(data: bytes) -> RtpPacket:
    """Read one RTP packet; `RtpError` when the bytes are none."""
    if len(data) < HEADER_BYTES or data[0] >> 6 != 2:
        raise RtpError("not an RTP version 2 packet")
    first, second, sequence, timestamp, ssrc = _HEADER.unpack_from(data)
    start, end = HEADER_BYTES + 4 * (first & 0x0F), len(data)
    if first & 0x10:
        if end < start + 4:
            raise RtpError("header extension is cut")
        start += 4 + 4 * int.from_bytes(data[start + 2 : start + 4])
    if first & 0x20:
        end -= data[-1]
        if not data[-1]:
            raise RtpError("padding of length 0")
    if start > end:
        raise RtpError("header is longer than the packet")
    return RtpPacket(second & 0x7F, sequence, timestamp, ssrc, data[start:end], bool(second & 0x80))


# --- NAL units -------------------------------------------------------------------------------------------------------


def nal_type(codec: Codec, nal: bytes) -> int:
    """The `nal_unit_type` of a NAL unit that is not empty."""
    return nal[0] & 0x1F if codec == "h264" else (nal[0] >> 1) & 0x3F


def is_parameter_set(codec: Codec, nal: bytes) -> bool:
    """True for SPS and PPS (and VPS with HEVC)."""
    kind = nal_type(codec, nal)
    return kind in (_H264_SPS, _H264_PPS) if codec == "h264" else kind in (_HEVC_VPS, _HEVC_SPS, _HEVC_PPS)


def nals_to_send(unit: AccessUnit) -> list[bytes]:
    """The unit's NAL units; a keyframe that carries no parameter sets gets those of its parameters in front."""
    codec = unit.parameters.codec
    nals = h264.split(unit.data)
    if unit.is_keyframe and not any(is_parameter_set(codec, nal) for nal in nals):
        sets = [nal for nal in h264.split(unit.parameters.extradata) if is_parameter_set(codec, nal)]
        return sets + nals
    return nals


# --- payloads --------------------------------------------------------------------------------------------------------


def packetise(codec: Codec, nals: Sequence[bytes], *, limit: int = MTU_BYTES - HEADER_BYTES) -> list[bytes]:
    """RTP payloads of at most `limit` bytes for the NAL units of one access unit.

    Consecutive parameter sets share an aggregation packet (STAP-A, AP), larger NAL units are fragmented (FU-A, FU),
    the rest travels alone. `ValueError` for a codec without a payload format here or a limit under 16 bytes.
    """
    if codec not in ("h264", "hevc"):
        raise ValueError(f"no RTP payload format for {codec}")
    if limit < 16:
        raise ValueError("the limit leaves no room for a fragment")
    payloads: list[bytes] = []
    for group in _groups(codec, nals, limit):
        if len(group) > 1:
            payloads.append(_aggregate(codec, group))
        elif len(group[0]) <= limit:
            payloads.append(group[0])
        else:
            payloads.extend(_fragments(codec, group[0], limit))
    return payloads


def _groups(codec: Codec, nals: Sequence[bytes], limit: int) -> Iterator[list[bytes]]:
    """Runs of parameter sets that fit in one packet, every other NAL unit alone."""
    header = 1 if codec == "h264" else 2
    run: list[bytes] = []
    used = header
    for nal in nals:
        joins = is_parameter_set(codec, nal) and len(nal) >= header
        if run and (not joins or used + 2 + len(nal) > limit):
            yield run
            run, used = [], header
        if joins:
            run.append(nal)
            used += 2 + len(nal)
        else:
            yield [nal]
    if run:
        yield run


def _aggregate(codec: Codec, nals: Sequence[bytes]) -> bytes:
    body = b"".join(len(nal).to_bytes(2) + nal for nal in nals)
    if codec == "h264":
        return bytes((max(nal[0] & 0x60 for nal in nals) | _H264_STAP_A,)) + body
    layer = min(((nal[0] & 1) << 5) | (nal[1] >> 3) for nal in nals)
    temporal = min(nal[1] & 0x07 for nal in nals)
    return bytes(((_HEVC_AP << 1) | (layer >> 5), ((layer & 0x1F) << 3) | temporal)) + body


def _fragments(codec: Codec, nal: bytes, limit: int) -> Iterator[bytes]:
    if codec == "h264":
        prefix, kind, skipped = bytes(((nal[0] & 0xE0) | _H264_FU_A,)), nal[0] & 0x1F, 1
    else:
        prefix, kind, skipped = bytes(((nal[0] & 0x81) | (_HEVC_FU << 1), nal[1])), (nal[0] >> 1) & 0x3F, 2
    room = limit - len(prefix) - 1
    for start in range(skipped, len(nal), room):
        first = 0x80 if start == skipped else 0
        last = 0x40 if start + room >= len(nal) else 0
        yield prefix + bytes((kind | first | last,)) + nal[start : start + room]


class Depacketiser:
    """Rebuilds NAL units from payloads in order; a lost fragment drops its NAL unit. `RtpError` for a cut packet."""

    def __init__(self, codec: Codec) -> None:
        self._codec = codec
        self._fragment: bytearray | None = None

    def push(self, payload: bytes) -> list[bytes]:
        """NAL units that this payload completes."""
        header = 1 if self._codec == "h264" else 2
        if len(payload) < header:
            raise RtpError("payload is cut")
        kind = nal_type(self._codec, payload)
        if kind == (_H264_STAP_A if self._codec == "h264" else _HEVC_AP):
            return list(_disaggregate(payload[header:]))
        if kind == (_H264_FU_A if self._codec == "h264" else _HEVC_FU):
            return self._push_fragment(payload, header)
        return [payload]

    def _push_fragment(self, payload: bytes, header: int) -> list[bytes]:
        if len(payload) <= header:
            raise RtpError("fragment is cut")
        flags = payload[header]
        if flags & 0x80:
            if self._codec == "h264":
                self._fragment = bytearray(((payload[0] & 0xE0) | (flags & 0x1F),))
            else:
                self._fragment = bytearray(((payload[0] & 0x81) | ((flags & 0x3F) << 1), payload[1]))
        if self._fragment is None:
            return []
        self._fragment += payload[header + 1 :]
        if not flags & 0x40:
            return []
        nal, self._fragment = bytes(self._fragment), None
        return [nal]

    def lost(self) -> None:
        """A packet is missing: forget the NAL unit under construction."""
        self._fragment = None


def _disaggregate(body: bytes) -> Iterator[bytes]:
    position = 0
    while position < len(body):
        size = int.from_bytes(body[position : position + 2])
        nal = body[position + 2 : position + 2 + size]
        if not size or len(nal) < size:
            raise RtpError("aggregation packet is cut")
        yield nal
        position += 2 + size


# --- one packetisation for many sessions -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PacketTemplate:
    """The packets of one unit, laid out with interleaved framing; `offsets` are where the `$` bytes stand."""

    data: bytes
    offsets: tuple[int, ...]
    payload_bytes: int

    def framed(self, *, channel: int, sequence: int, timestamp: int, ssrc: int) -> bytearray:
        """All packets for an interleaved session, the first with this sequence number."""
        buffer = bytearray(self.data)
        for offset in self.offsets:
            buffer[offset + 1] = channel
            _PATCH.pack_into(buffer, offset + 6, sequence, timestamp, ssrc)
            sequence = (sequence + 1) & 0xFFFF
        return buffer

    def packets(self, *, sequence: int, timestamp: int, ssrc: int) -> list[memoryview]:
        """The same packets one by one, for a datagram session."""
        view = memoryview(self.framed(channel=0, sequence=sequence, timestamp=timestamp, ssrc=ssrc))
        ends = (*self.offsets[1:], len(view))
        return [view[start + FRAMING_BYTES : end] for start, end in zip(self.offsets, ends, strict=True)]


def lay_out(unit: AccessUnit, *, mtu: int = MTU_BYTES) -> PacketTemplate:
    """Packetise a unit once for all sessions; the last packet of a picture or AAC frame is marked."""
    codec = unit.parameters.codec
    payloads = _payloads(unit, mtu - HEADER_BYTES)
    last = None if codec in ("pcmu", "pcma", "opus") else len(payloads) - 1
    parts: list[bytes] = []
    offsets: list[int] = []
    position = 0
    for index, payload in enumerate(payloads):
        second = PAYLOAD_TYPES[codec] | (0x80 if index == last else 0)
        size = HEADER_BYTES + len(payload)
        parts += (_FRAMED.pack(b"$", 0, size, 0x80, second, 0, 0, 0), payload)
        offsets.append(position)
        position += FRAMING_BYTES + size
    return PacketTemplate(b"".join(parts), tuple(offsets), sum(map(len, payloads)))


def _payloads(unit: AccessUnit, limit: int) -> list[bytes]:
    parameters = unit.parameters
    if parameters.is_audio:
        return audio_payloads(parameters.codec, unit.data, limit=limit)
    if parameters.codec != "av1":
        return packetise(parameters.codec, nals_to_send(unit), limit=limit)
    lacks_header = unit.is_keyframe and parameters.extradata not in unit.data
    return av1_payloads((parameters.extradata if lacks_header else b"") + unit.data, limit=limit)


def interleave(channel: int, packet: bytes) -> bytes:
    """One packet in the `$` framing of RTSP (RFC 2326 §10.12)."""
    return b"$" + bytes((channel,)) + len(packet).to_bytes(2) + packet


# --- RTCP ------------------------------------------------------------------------------------------------------------


def us_to_ntp(us: int) -> int:
    """Microseconds UTC to a 64-bit NTP timestamp (seconds since 1900 in the upper half), nearest fraction."""
    seconds, rest = divmod(us, 1_000_000)
    return ((seconds + NTP_UNIX_OFFSET_S) << 32) + ((rest << 32) + 500_000) // 1_000_000


def ntp_to_us(ntp: int) -> int:
    """64-bit NTP timestamp to microseconds UTC, nearest; `ntp_to_us(us_to_ntp(x)) == x`."""
    seconds, fraction = ntp >> 32, ntp & 0xFFFF_FFFF
    return (seconds - NTP_UNIX_OFFSET_S) * 1_000_000 + ((fraction * 1_000_000 + (1 << 31)) >> 32)


@dataclass(frozen=True, slots=True)
class SenderReport:
    """The pair (NTP time, RTP timestamp) that ties media time to wall time, and what was sent so far."""

    ssrc: int
    ntp: int
    timestamp: int
    packets: int = 0
    octets: int = 0


@dataclass(frozen=True, slots=True)
class ReceiverReport:
    """What one receiver says about one source: `fraction_lost` in 1/256, `jitter` in RTP ticks."""

    ssrc: int
    fraction_lost: int
    lost: int
    highest_sequence: int
    jitter: int


@dataclass(frozen=True, slots=True)
class Goodbye:
    """The source `ssrc` sends no more."""

    ssrc: int


type RtcpItem = SenderReport | ReceiverReport | Goodbye


def build_sender_report(report: SenderReport, *, cname: str = "vedette") -> bytes:
    """A compound packet: sender report and the canonical name that RFC 3550 §6.1 demands beside it."""
    packets, octets = report.packets & 0xFFFF_FFFF, report.octets & 0xFFFF_FFFF
    sender = _SENDER.pack(0x80, _SENDER_REPORT, 6, report.ssrc, report.ntp, report.timestamp, packets, octets)
    return sender + _source_description(report.ssrc, cname)


def build_goodbye(ssrc: int) -> bytes:
    """An RTCP BYE for one source, behind an empty receiver report as a compound packet needs."""
    return struct.pack(">BBHI", 0x80, _RECEIVER_REPORT, 1, ssrc) + struct.pack(">BBHI", 0x81, _GOODBYE, 1, ssrc)


def _source_description(ssrc: int, cname: str) -> bytes:
    name = cname.encode()[:255]
    chunk = ssrc.to_bytes(4) + bytes((1, len(name))) + name
    chunk += bytes(4 - len(chunk) % 4)
    return struct.pack(">BBH", 0x81, _SOURCE_DESCRIPTION, len(chunk) // 4) + chunk


def parse_rtcp(data: bytes) -> list[RtcpItem]:
    """Sender reports, receiver blocks and goodbyes of a compound packet; other kinds are skipped.

    `RtpError` when the bytes are not RTCP.
    """
    items: list[RtcpItem] = []
    position = 0
    while position < len(data):
        if len(data) < position + 4 or data[position] >> 6 != 2:
            raise RtpError("not an RTCP version 2 packet")
        count, kind = data[position] & 0x1F, data[position + 1]
        end = position + 4 + 4 * int.from_bytes(data[position + 2 : position + 4])
        if end > len(data):
            raise RtpError("RTCP packet is cut")
        items.extend(_parse_rtcp_packet(kind, count, data[position + 4 : end]))
        position = end
    return items


def _parse_rtcp_packet(kind: int, count: int, body: bytes) -> Iterator[RtcpItem]:
    if kind == _SENDER_REPORT:
        if len(body) < 24:
            raise RtpError("sender report is cut")
        yield SenderReport(*struct.unpack_from(">IQIII", body))
        yield from _parse_blocks(count, body[24:])
    elif kind == _RECEIVER_REPORT:
        yield from _parse_blocks(count, body[4:])
    elif kind == _GOODBYE:
        if len(body) < 4 * count:
            raise RtpError("goodbye is cut")
        for index in range(count):
            yield Goodbye(int.from_bytes(body[4 * index : 4 * index + 4]))


def _parse_blocks(count: int, blocks: bytes) -> Iterator[ReceiverReport]:
    if len(blocks) < 24 * count:
        raise RtpError("report block is cut")
    for index in range(count):
        ssrc, loss, highest, jitter = struct.unpack_from(">IIII", blocks, 24 * index)
        lost = loss & 0xFF_FFFF
        yield ReceiverReport(ssrc, loss >> 24, lost - (1 << 24) if lost & 0x80_0000 else lost, highest, jitter)
