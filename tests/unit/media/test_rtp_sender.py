"""The sending half of a session: reports carry the capture time exactly, numbering and media time never jump."""

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from vedette.media import rtp
from vedette.media.rtp_sender import RtpSender
from vedette.media.unit import AccessUnit, CodecParameters, ticks_to_us

PARAMETERS = CodecParameters("h264")
WALL_US = 1_700_000_000_000_000


def unit(pts: int, wall_us: int, parameters: CodecParameters = PARAMETERS) -> AccessUnit:
    return AccessUnit(b"\x00\x00\x00\x01\x41" + b"x" * 3000, pts, pts, wall_us, False, parameters)


def received(sender: RtpSender, units: Sequence[AccessUnit]) -> list[tuple[int, int | None]]:
    """(unwrapped ticks, wall time that a receiver computes) for each unit."""
    out: list[tuple[int, int | None]] = []
    told: tuple[int, int] | None = None
    for one in units:
        ticks = sender.timestamp_90k(one)
        report = sender.report(one, ticks)
        if report is not None:
            (item,) = rtp.parse_rtcp(report)
            assert isinstance(item, rtp.SenderReport)
            told = (item.timestamp, rtp.ntp_to_us(item.ntp))
        packets = [rtp.parse_packet(bytes(p)) for p in sender.datagrams(rtp.lay_out(one), ticks)]
        assert {p.timestamp for p in packets} == {ticks & 0xFFFF_FFFF}
        since = 0 if told is None else (packets[0].timestamp - told[0] + 2**31) % 2**32 - 2**31
        out.append((ticks, None if told is None else told[1] + ticks_to_us(since)))
    return out


@given(
    st.integers(0, 2**34),
    st.lists(st.tuples(st.integers(1, 9000), st.integers(-20_000, 20_000)), min_size=1, max_size=30),
)
def test_a_receiver_computes_the_capture_time(start: int, steps: list[tuple[int, int]]) -> None:
    units, pts, wall_us = [], start, WALL_US
    for ticks, jitter in steps:
        pts, wall_us = pts + ticks, wall_us + ticks_to_us(ticks)
        units.append(unit(pts, wall_us + jitter))
    for one, (_, told_us) in zip(units, received(RtpSender(ssrc=1, sequence=65_530), units), strict=True):
        assert told_us is not None
        assert abs(told_us - one.wall_us) <= 502


def test_a_steady_source_needs_a_report_every_five_seconds_only() -> None:
    sender = RtpSender(ssrc=1, sequence=0)
    units = [unit(n * 6000, WALL_US + ticks_to_us(n * 6000)) for n in range(15 * 12)]
    reports = [n for n, one in enumerate(units) if sender.report(one, sender.timestamp_90k(one))]
    assert reports == [0, 75, 150]


def test_sequence_numbers_go_on_over_units_and_wrap() -> None:
    sender = RtpSender(ssrc=1, sequence=0xFFFF)
    numbers: list[int] = []
    for n in range(3):
        one = unit(n, WALL_US)
        template = rtp.lay_out(one)
        numbers += [rtp.parse_packet(bytes(p)).sequence for p in sender.datagrams(template, n)]
    assert numbers == [(0xFFFF + k) & 0xFFFF for k in range(9)]
    assert sender.packets == 9


def test_media_time_goes_on_when_the_source_starts_anew() -> None:
    fresh = CodecParameters("h264")
    before = [unit(10**9 + n * 3000, WALL_US + n * 33_333) for n in range(3)]
    after = [unit(n * 3000, WALL_US + 2_066_666 + n * 33_333, fresh) for n in range(3)]
    ticks = [t for t, _ in received(RtpSender(ssrc=1, sequence=0), before + after)]
    assert ticks[3] - ticks[2] == 180_000
    assert ticks[5] - ticks[3] == 6000


def test_new_parameters_of_a_running_clock_change_nothing() -> None:
    fresh = CodecParameters("h264")
    units = [unit(9000, WALL_US), unit(12_000, WALL_US + 33_333, fresh)]
    assert [t for t, _ in received(RtpSender(ssrc=1, sequence=0), units)] == [9000, 12_000]
