"""The receiving half of one RTP stream, without I/O: packets in arrival order become access units with their times.

**What a loss costs.** A hole in the sequence numbers makes the unit under way damaged: it is dropped whole and counted.
So is the next one, unless its first packet can be told to be its beginning. Everything after is passed on, although it
may refer to what was lost: a recorder keeps all that arrived whole, and a picture with artefacts is worth more as
evidence than none. The next keyframe repairs it.

**Where a unit ends.** At the marker bit or where the timestamp changes (RFC 6184 §5.1). Some cameras mark every packet
or slice, so markers are believed only once the first unit has shown exactly one, at its end.
"""

import struct
from typing import NamedTuple

from vedette.media.depacketise import Assembled, Assembler, Spans
from vedette.media.depacketise_audio import SoundDepacketiser
from vedette.media.rtp import HEADER_BYTES, RtpError, SenderReport, ntp_to_us

MAX_UNIT_BYTES = 16 * 1024 * 1024
_HEADER = struct.Struct(">BBHII")
_PLAIN = 0x80
"""First byte of a packet without padding, extension and contributing sources."""
_MOST_LATE = 32
_RECEIVER_REPORT, _SOURCE_DESCRIPTION = 201, 202
_CNAME = b"vedette"


class ReceivedUnit(NamedTuple):
    """A whole access unit; `ticks` is its RTP timestamp unwrapped, `reported_us` the sender's wall time for it, and
    `duration` how many ticks it lasts, 0 when that does not show. `spans` as in `AccessUnit`."""

    data: bytes
    is_keyframe: bool
    ticks: int
    reported_us: int | None
    duration: int = 0
    spans: Spans = ()


class ReceiverCounters:
    """Totals of one RTP stream. `lost` counts sequence numbers that never came, `damaged` units dropped for it,
    `late` packets that came again or too late, `strange` those that could not be read."""

    __slots__ = ("damaged", "late", "lost", "packets", "strange")

    def __init__(self) -> None:
        self.packets = self.lost = self.damaged = self.late = self.strange = 0


class Timestamps:
    """RTP timestamps of one clock unwrapped over 2³², and the wall time that sender reports give them."""

    def __init__(self, clock_rate: int) -> None:
        self._rate = clock_rate
        self._report: tuple[int, int] | None = None
        self.ticks: int | None = None

    def unwrap(self, timestamp: int) -> int:
        """The timestamp nearest to the previous one that reads so in 32 bits."""
        last = timestamp if self.ticks is None else self.ticks
        self.ticks = last + _signed(timestamp - last)
        return self.ticks

    def report(self, report: SenderReport) -> None:
        """Take a sender report; one without wall time (NTP 0, RFC 3550 §6.4.1) is ignored."""
        if report.ntp >> 32:
            self._report = ntp_to_us(report.ntp), report.timestamp

    def wall_us(self, ticks: int) -> int | None:
        """When the sender says that this was captured, None before its first report."""
        if self._report is None:
            return None
        reported_us, timestamp = self._report
        return reported_us + _signed(ticks - timestamp) * 1_000_000 // self._rate


class Sequence:
    """What sequence numbers tell: how many packets are missing before this one, or that it is not wanted."""

    def __init__(self, counters: ReceiverCounters) -> None:
        self._counters = counters
        self._late = 0
        self.expected: int | None = None

    def accept(self, sequence: int) -> int:
        """Called when `sequence` is not the expected one. Returns how many are missing, −1 for a packet to skip."""
        expected, self.expected = self.expected, sequence + 1 & 0xFFFF
        if expected is None:
            return 0
        missing = sequence - expected & 0xFFFF
        if missing >= 0x8000 and self._late < _MOST_LATE:
            # Sent again, or overtaken; when it goes on, the sender has begun to count anew.
            self._late += 1
            self._counters.late += 1
            self.expected = expected
            return -1
        self._late = 0
        if missing < 0x8000:
            self._counters.lost += missing
        return missing


class VideoReceiver:
    """Packets of one video elementary stream; whole units collect in `ready`, for the caller to take."""

    def __init__(self, assembler: Assembler, *, payload_type: int, clock_rate: int = 90_000) -> None:
        self.ready: list[ReceivedUnit] = []
        self.counters = ReceiverCounters()
        self.times = Timestamps(clock_rate)
        self._assembler = assembler
        self._payload_type = payload_type
        self._sequence = Sequence(self.counters)
        self._ssrc: int | None = None
        self._plain = bytes((_PLAIN, payload_type))
        self._alike = b""
        self._timestamp: int | None = None
        self._ticks = 0
        self._reported_us: int | None = None
        self._damaged = False
        self._marks = 0
        self._ended_by_mark = False
        self._believes_marks: bool | None = None

    def push(self, data: bytes, start: int, end: int) -> None:
        """Take the packet `data[start:end]`. What is no RTP of this stream is counted and ignored."""
        assembler, order = self._assembler, self._sequence
        sequence = data[start + 2] << 8 | data[start + 3] if end > start + HEADER_BYTES else -1
        is_next = sequence == order.expected and not self._damaged
        if is_next and assembler.continuation and assembler.size < MAX_UNIT_BYTES:
            # The middle of a large picture, nine packets of ten: nothing but the sequence number and the payload is
            # new, so that comparing the rest with what it must be replaces reading it.
            alike = self._alike + assembler.continuation
            if data.startswith(alike, start + 4) and data.startswith(self._plain, start):
                order.expected = sequence + 1 & 0xFFFF
                self.counters.packets += 1
                assembler.size += end - start
                assembler.parts.append(data[start + 4 + len(alike) : end])
                return
        self._push(data, start, end)

    def _push(self, data: bytes, start: int, end: int) -> None:
        """`push` for every kind of packet."""
        if end < start + HEADER_BYTES:
            self.counters.strange += 1
            return
        first, second, sequence, timestamp, ssrc = _HEADER.unpack_from(data, start)
        if second & 0x7F != self._payload_type:
            self.counters.strange += 1
            return
        if first == _PLAIN:
            start += HEADER_BYTES
        else:
            start, end = payload_span(data, start, end)
            if start > end:
                self.counters.strange += 1
                return
        if ssrc != self._ssrc:
            self._restart(ssrc)
        order = self._sequence
        missing = 0
        if sequence == order.expected:
            order.expected = sequence + 1 & 0xFFFF
        else:
            missing = order.accept(sequence)
            if missing < 0:
                return
        self.counters.packets += 1
        if missing:
            self._hole()
        if timestamp != self._timestamp:
            is_first = self._timestamp is None
            self._begin(timestamp)
            if (missing or is_first) and not self._assembler.begins(data, start, end):
                self._spoil(counted=not is_first)  # who joins in the middle has lost nothing
        elif self._ended_by_mark and self._believes_marks and not self._assembler.begins(data, start, end):
            self._believes_marks = False
        self._add(data, start, end, marked=second >= 0x80)

    def receiver_report(self, reporter: int) -> bytes:
        """What to tell the sender, b"" before its first packet."""
        expected = self._sequence.expected
        if self._ssrc is None or expected is None:
            return b""
        highest = expected - 1 & 0xFFFF
        return build_receiver_report(reporter=reporter, ssrc=self._ssrc, lost=self.counters.lost, highest=highest)

    def report(self, report: SenderReport) -> None:
        """Take a sender report of this stream."""
        self.times.report(report)

    def _add(self, data: bytes, start: int, end: int, *, marked: bool) -> None:
        assembler = self._assembler
        if not self._damaged:
            try:
                assembler.add(data, start, end)
            except RtpError:
                self.counters.strange += 1
                self._spoil()
            if assembler.size > MAX_UNIT_BYTES:
                self._spoil()
        self._ended_by_mark = marked
        if marked:
            self._marks += 1
            if self._believes_marks:
                self._end()

    def _begin(self, timestamp: int) -> None:
        """A packet of another timestamp: the unit before it has ended."""
        if self._believes_marks is None and self._assembler.has_picture and not self._damaged:
            self._believes_marks = self._ended_by_mark if self._marks == 1 else (False if self._marks else None)
        if self._assembler.has_picture or self._damaged:
            self._end()
        self._timestamp = timestamp
        self._alike = struct.pack(">II", timestamp, self._ssrc)
        self._ticks = self.times.unwrap(timestamp)
        self._reported_us = self.times.wall_us(self._ticks)
        self._marks = 0

    def _end(self) -> None:
        """The unit is complete, if it has a picture; parameter sets sent ahead wait for theirs."""
        if self._damaged:
            self._damaged = False
            self._assembler.clear()
        elif self._assembler.has_picture:
            unit: Assembled = self._assembler.take()
            self.ready.append(ReceivedUnit(unit.data, unit.is_keyframe, self._ticks, self._reported_us, 0, unit.spans))

    def _hole(self) -> None:
        """Packets are missing: the unit under way lacks its end, unless its mark has come."""
        if self._assembler.size and not (self._ended_by_mark and self._believes_marks is not False):
            self._spoil()

    def _spoil(self, *, counted: bool = True) -> None:
        if not self._damaged:
            self._damaged = True
            self.counters.damaged += counted
        self._assembler.clear()

    def _restart(self, ssrc: int) -> None:
        """Another synchronisation source: it counts from anywhere, and what it began is not our unit."""
        if self._assembler.size:
            self._spoil()
            self._end()
        self._ssrc, self._timestamp = ssrc, None
        self._sequence.expected = None


class SoundReceiver:
    """Packets of one audio elementary stream; its frames collect in `ready`, never as keyframes."""

    def __init__(self, depacketiser: SoundDepacketiser, *, payload_type: int, clock_rate: int) -> None:
        self.ready: list[ReceivedUnit] = []
        self.counters = ReceiverCounters()
        self.times = Timestamps(clock_rate)
        self._depacketiser = depacketiser
        self._payload_type = payload_type
        self._sequence = Sequence(self.counters)
        self._ssrc: int | None = None

    def push(self, data: bytes, start: int, end: int) -> None:
        """Take the packet `data[start:end]`. What is no RTP of this stream is counted and ignored."""
        counters = self.counters
        begin, stop = payload_span(data, start, end) if end >= start + HEADER_BYTES else (1, 0)
        if begin > stop or data[start + 1] & 0x7F != self._payload_type:
            counters.strange += 1
            return
        _, _, sequence, timestamp, ssrc = _HEADER.unpack_from(data, start)
        if ssrc != self._ssrc:
            self._ssrc, self._sequence.expected = ssrc, None
        missing = 0
        if sequence == self._sequence.expected:
            self._sequence.expected = sequence + 1 & 0xFFFF
        else:
            missing = self._sequence.accept(sequence)
        if missing < 0:
            return
        if missing:
            self._depacketiser.lost()
        counters.packets += 1
        first = self.times.unwrap(timestamp)
        try:
            sounds = self._depacketiser.push(data, begin, stop)
        except RtpError:
            counters.strange += 1
            return
        for sound in sounds:
            ticks = first + sound.offset
            self.ready.append(ReceivedUnit(sound.data, False, ticks, self.times.wall_us(ticks), sound.ticks))

    def receiver_report(self, reporter: int) -> bytes:
        """What to tell the sender, b"" before its first packet."""
        expected = self._sequence.expected
        if self._ssrc is None or expected is None:
            return b""
        highest = expected - 1 & 0xFFFF
        return build_receiver_report(reporter=reporter, ssrc=self._ssrc, lost=self.counters.lost, highest=highest)

    def report(self, report: SenderReport) -> None:
        """Take a sender report of this stream."""
        self.times.report(report)


def build_receiver_report(*, reporter: int, ssrc: int, lost: int, highest: int) -> bytes:
    """An RTCP compound packet about one stream (RFC 3550 §6.4.2); `highest` is the newest sequence number. Cameras take
    it as a sign of life, so loss in total is told and jitter is not."""
    block = struct.pack(">IIIIII", ssrc, min(lost, 0x7F_FFFF), highest, 0, 0, 0)
    report = struct.pack(">BBHI", 0x81, _RECEIVER_REPORT, 7, reporter) + block
    name = struct.pack(">IBB", reporter, 1, len(_CNAME)) + _CNAME
    name += bytes(4 - len(name) % 4)
    return report + struct.pack(">BBH", 0x81, _SOURCE_DESCRIPTION, len(name) // 4) + name


def payload_span(data: bytes, start: int, end: int) -> tuple[int, int]:
    """(start, end) of the payload of the packet `data[start:end]`, of at least 12 bytes; start > end when it is no RTP
    version 2 or cut."""
    first = data[start]
    if first >> 6 != 2:
        return 1, 0
    begin = start + HEADER_BYTES + 4 * (first & 0x0F)
    if first & 0x10:
        if end < begin + 4:
            return 1, 0
        begin += 4 + 4 * int.from_bytes(data[begin + 2 : begin + 4])
    if first & 0x20:
        padding = data[end - 1]
        if not padding:
            return 1, 0
        end -= padding
    return begin, end


def _signed(difference: int) -> int:
    """A difference of 32-bit timestamps, as a step forwards or backwards."""
    return (difference + 0x8000_0000 & 0xFFFF_FFFF) - 0x8000_0000
