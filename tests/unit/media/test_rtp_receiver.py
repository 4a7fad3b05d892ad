"""The receiving half of an RTP stream: where units end, what sequence numbers and timestamps mean."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vedette.media import h264, rtp
from vedette.media.depacketise import H264Assembler
from vedette.media.depacketise_audio import G711Depacketiser
from vedette.media.rtp import RtpPacket, SenderReport
from vedette.media.rtp_receiver import SoundReceiver, Timestamps, VideoReceiver, payload_span

STEP = 3000
IDR, SLICE, REST, SPS, PPS, SEI = (
    b"\x65\x88",
    b"\x41\x9a",
    b"\x41\x40",
    b"\x67\x42\x00\x1e",
    b"\x68\xce",
    b"\x06\x05\x80",
)


class Wire:
    """Packets with running sequence numbers into one receiver."""

    def __init__(self, sequence: int = 0, ssrc: int = 7) -> None:
        self.receiver = VideoReceiver(H264Assembler(), payload_type=96)
        self.sequence, self.ssrc = sequence, ssrc

    def send(self, timestamp: int, *payloads: bytes, marks: str = "last") -> None:
        for index, payload in enumerate(payloads):
            marker = marks == "all" or (marks == "last" and index == len(payloads) - 1)
            self.push(RtpPacket(96, self.sequence & 0xFFFF, timestamp % 2**32, self.ssrc, payload, marker).serialise())
            self.sequence += 1

    def push(self, packet: bytes) -> None:
        self.receiver.push(packet, 0, len(packet))

    def units(self) -> list[list[bytes]]:
        return [h264.split(unit.data) for unit in self.receiver.ready]


def test_a_believed_mark_ends_the_unit_at_once() -> None:
    wire = Wire()
    wire.send(0, IDR)
    assert wire.units() == []  # whether marks can be believed shows at the second picture
    wire.send(STEP, SLICE)
    assert wire.units() == [[IDR], [SLICE]]


@pytest.mark.parametrize("marks", ["all", "none"])
def test_marks_on_every_packet_or_none_are_not_believed(marks: str) -> None:
    wire = Wire()
    for number in range(4):
        wire.send(number * STEP, SPS, PPS, IDR, REST, marks=marks)
    assert wire.units() == [[SPS, PPS, IDR, REST]] * 3
    assert wire.receiver.counters.damaged == 0


def test_marks_that_turn_out_wrong_are_believed_no_more() -> None:
    wire = Wire()
    wire.send(0, IDR)
    wire.send(STEP, SLICE)
    wire.send(2 * STEP, SLICE, REST, marks="all")
    for number in (3, 4, 5):
        wire.send(number * STEP, SLICE, REST, marks="all")
    assert wire.units()[-2:] == [[SLICE, REST]] * 2


def test_parameter_sets_ahead_of_their_picture_belong_to_it() -> None:
    wire = Wire()
    wire.send(0, IDR)
    wire.send(STEP, SLICE)
    wire.send(STEP + 1, SPS)
    wire.send(STEP + 2, PPS)
    wire.send(2 * STEP, IDR)
    assert wire.units()[-1] == [SPS, PPS, IDR]
    assert wire.receiver.ready[-1].ticks == 2 * STEP


def test_who_joins_in_the_middle_of_a_picture_has_lost_nothing() -> None:
    wire = Wire(sequence=500)
    wire.send(0, REST)
    wire.send(STEP, IDR)
    wire.send(2 * STEP, SLICE)
    assert wire.units() == [[IDR], [SLICE]]
    assert (wire.receiver.counters.damaged, wire.receiver.counters.lost) == (0, 0)


def test_a_hole_between_pictures_costs_nothing_that_came() -> None:
    wire = Wire()
    for number in range(3):
        wire.send(number * STEP, SLICE)
    wire.sequence += 4
    wire.send(5 * STEP, SLICE, REST)
    assert wire.units() == [[SLICE]] * 3 + [[SLICE, REST]]
    assert (wire.receiver.counters.damaged, wire.receiver.counters.lost) == (0, 4)


def test_a_picture_whose_beginning_is_missing_is_left_out() -> None:
    wire = Wire()
    for number in range(3):
        wire.send(number * STEP, SLICE)
    wire.sequence += 1
    wire.send(5 * STEP, REST, REST)
    wire.send(6 * STEP, SLICE)
    assert wire.units() == [[SLICE]] * 4
    assert (wire.receiver.counters.damaged, wire.receiver.counters.lost) == (1, 1)


def test_packets_that_come_twice_or_late_are_left_out() -> None:
    wire = Wire(sequence=65_530)
    for number in range(10):
        wire.send(number * STEP, SLICE)
        wire.sequence -= 1
        wire.send(number * STEP, SLICE)
    assert wire.units() == [[SLICE]] * 10
    assert wire.receiver.counters.late == 10


def test_a_sender_that_counts_anew_is_followed() -> None:
    wire = Wire(sequence=40_000)
    for number in range(3):
        wire.send(number * STEP, SLICE)
    wire.sequence = 20_000
    for number in range(3, 60):
        wire.send(number * STEP, SLICE)
    assert 3 + 57 - 40 <= len(wire.units()) < 60
    assert wire.receiver.ready[-1].ticks == 59 * STEP


def test_another_source_starts_from_its_own_numbers() -> None:
    wire = Wire()
    wire.send(0, IDR)
    wire.send(STEP, SLICE)
    wire.ssrc, wire.sequence = 8, 9999
    wire.send(123_456, IDR)
    wire.send(123_456 + STEP, SLICE)
    assert wire.units() == [[IDR], [SLICE]] * 2
    assert (wire.receiver.counters.lost, wire.receiver.counters.damaged) == (0, 0)


def test_a_unit_without_end_is_dropped_at_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vedette.media.rtp_receiver.MAX_UNIT_BYTES", 10_000)
    wire = Wire()
    wire.send(0, *([SLICE + bytes(1000)] * 100), marks="none")
    assert wire.receiver.counters.damaged == 1
    fragments = rtp.packetise("h264", [SLICE + bytes(50_000)], limit=1000)
    wire.send(1, *fragments[:-1], marks="none")
    assert wire.receiver.counters.damaged == 2
    wire.send(STEP, SLICE)
    wire.send(2 * STEP, SLICE)
    assert wire.units()[-1] == [SLICE]


def test_the_header_may_carry_more() -> None:
    """Contributing sources, an extension and padding are skipped."""
    plain = RtpPacket(96, 0, 0, 7, SLICE + b"\x11" * 8, True).serialise()
    rich = bytes((0xB2,)) + plain[1:12] + bytes(8) + b"\xbe\xde\x00\x01" + bytes(4) + plain[12:] + b"\x00\x00\x03"
    begin, end = payload_span(b"$" + rich, 1, len(rich) + 1)
    assert (b"$" + rich)[begin:end] == SLICE + b"\x11" * 8
    wire = Wire()
    wire.push(rich)
    wire.sequence = 1
    wire.send(STEP, REST)
    assert wire.units()[0] == [SLICE + b"\x11" * 8]


@given(st.lists(st.binary(max_size=40), max_size=30))
def test_garbage_never_raises(packets: list[bytes]) -> None:
    for receiver in (
        VideoReceiver(H264Assembler(), payload_type=96),
        SoundReceiver(G711Depacketiser(1), payload_type=0, clock_rate=8000),
    ):
        for packet in packets:
            for head in (b"", b"\x80\x60", b"\x80\xe0", b"\x80\x00", b"\xb0\x60"):
                receiver.push(head + packet, 0, len(head + packet))
        counters = receiver.counters
        assert counters.packets + counters.strange + counters.late >= len(packets)


@given(st.integers(0, 2**32 - 1), st.lists(st.integers(-(2**31) + 1, 2**31 - 1), max_size=20))
def test_timestamps_go_on_over_their_end(start: int, steps: list[int]) -> None:
    times = Timestamps(90_000)
    expected = start
    assert times.unwrap(start) == start
    for step in steps:
        expected += step
        assert times.unwrap(expected % 2**32) == expected


@given(st.integers(0, 2**32 - 1), st.integers(-(2**30), 2**30), st.sampled_from([8000, 44_100, 90_000]))
def test_a_sender_report_gives_wall_time(start: int, step: int, rate: int) -> None:
    times = Timestamps(rate)
    assert times.wall_us(start) is None
    times.report(SenderReport(7, rtp.us_to_ntp(1_700_000_000_000_000), start))
    wall_us = times.wall_us(start + step)
    assert wall_us is not None
    assert abs(wall_us - 1_700_000_000_000_000 - step * 1_000_000 / rate) <= 1


def test_a_report_without_wall_time_says_nothing() -> None:
    times = Timestamps(90_000)
    times.report(SenderReport(7, 0, 1234))
    assert times.wall_us(1234) is None


def test_what_the_sender_is_told() -> None:
    wire = Wire(sequence=65_534)
    assert wire.receiver.receiver_report(1) == b""
    wire.send(0, SLICE)
    wire.sequence += 3
    wire.send(STEP, SLICE)
    (report,) = rtp.parse_rtcp(wire.receiver.receiver_report(99))
    assert isinstance(report, rtp.ReceiverReport)
    assert (report.ssrc, report.lost, report.highest_sequence) == (7, 3, 2)
