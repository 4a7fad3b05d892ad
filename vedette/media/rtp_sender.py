"""The sending half of one RTP session, without I/O: numbering, the RTP timestamp line, and when a sender report is due.

Wall time must reach the other end exactly. A receiver computes it from the last sender report and the RTP timestamp,
so a report goes out before the first packet, whenever that computation would be off by more than half a millisecond,
and every few seconds anyway.
"""

from vedette.media import rtp
from vedette.media.rtp import PacketTemplate, SenderReport
from vedette.media.unit import TICKS_PER_SECOND, AccessUnit, CodecParameters, ticks_to_us, us_to_90k

REPORT_INTERVAL_US = 5_000_000
TOLERANCE_US = 500
_LONGEST_JUMP_US = 60_000_000


class RtpSender:
    """Turns units into packets of one session; RTP timestamps go on when a source starts anew with another clock.

    `clock_rate` is that of the RTP timestamps in Hz; everything here counts in 90 kHz up to the moment of sending.
    """

    def __init__(self, *, ssrc: int, sequence: int, clock_rate: int = TICKS_PER_SECOND) -> None:
        self.ssrc = ssrc
        self.sequence = sequence & 0xFFFF
        self.packets = 0
        self.octets = 0
        self._clock_rate = clock_rate
        self._shift_90k = 0
        self._parameters: CodecParameters | None = None
        self._last: tuple[int, int] | None = None
        self._reported: tuple[int, int] | None = None

    def timestamp_90k(self, unit: AccessUnit) -> int:
        """The unit's place on the session's line in ticks, not yet wrapped to 32 bits."""
        if unit.parameters is not self._parameters:
            if self._parameters is not None and self._last is not None:
                self._join(unit, *self._last)
            self._parameters = unit.parameters
        ticks = unit.pts_90k + self._shift_90k
        self._last = (ticks, unit.wall_us)
        return ticks

    def _join(self, unit: AccessUnit, last_90k: int, last_wall_us: int) -> None:
        """Lay the new clock so that media time passes as wall time did, if the old one does not simply continue."""
        passed_us = min(max(unit.wall_us - last_wall_us, 1000), _LONGEST_JUMP_US)
        expected = last_90k + us_to_90k(passed_us)
        if abs(unit.pts_90k + self._shift_90k - expected) > us_to_90k(1_000_000):
            self._shift_90k = expected - unit.pts_90k

    def report(self, unit: AccessUnit, ticks: int) -> bytes | None:
        """The sender report that must precede this unit, None when the last one still tells its wall time."""
        if self._reported is not None:
            told_90k, told_us = self._reported
            passed_us = ticks_to_us(ticks - told_90k)
            if abs(told_us + passed_us - unit.wall_us) <= TOLERANCE_US and 0 <= passed_us < REPORT_INTERVAL_US:
                return None
        self._reported = (ticks, unit.wall_us)
        ntp = rtp.us_to_ntp(unit.wall_us)
        return rtp.build_sender_report(
            SenderReport(self.ssrc, ntp, self._stamp(ticks), self.packets & 0xFFFF_FFFF, self.octets & 0xFFFF_FFFF)
        )

    def framed(self, template: PacketTemplate, ticks: int, *, channel: int) -> bytearray:
        """The unit's packets, interleaved."""
        sequence = self._take(template)
        return template.framed(channel=channel, sequence=sequence, timestamp=self._stamp(ticks), ssrc=self.ssrc)

    def datagrams(self, template: PacketTemplate, ticks: int) -> list[memoryview]:
        """The unit's packets, one a datagram."""
        sequence = self._take(template)
        return template.packets(sequence=sequence, timestamp=self._stamp(ticks), ssrc=self.ssrc)

    def _stamp(self, ticks: int) -> int:
        """Ticks of 90 kHz as the RTP timestamp of this session's clock."""
        if self._clock_rate != TICKS_PER_SECOND:
            ticks = (ticks * self._clock_rate + TICKS_PER_SECOND // 2) // TICKS_PER_SECOND
        return ticks & 0xFFFF_FFFF

    def _take(self, template: PacketTemplate) -> int:
        sequence = self.sequence
        self.sequence = (sequence + len(template.offsets)) & 0xFFFF
        self.packets += len(template.offsets)
        self.octets += template.payload_bytes
        return sequence
