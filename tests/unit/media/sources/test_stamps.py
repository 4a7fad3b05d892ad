"""Timestamps made whole: nothing lost, dts rises, times are the sender's where believable, and a join is not ahead."""

from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vedette.kernel.errors import Fault
from vedette.media.sources.stamps import RawPacket, StampedPacket, Stamper

WALL_US = 1_700_000_000_000_000
STEP = 3000
STEP_US = 100_000 / 3


def packet(
    number: int,
    *,
    pts: int | None,
    dts: int | None = None,
    duration: int = STEP,
    reported_us: int | None = None,
    arrival_us: int | None = None,
) -> RawPacket:
    arrival = WALL_US + round(number * STEP_US) if arrival_us is None else arrival_us
    return RawPacket(str(number).encode(), number == 0, pts, dts, duration, reported_us, arrival)


def stamped(packets: Sequence[RawPacket], *, reorders: bool = False) -> list[StampedPacket]:
    stamper = Stamper(reorders=reorders)
    return [ready for some in packets for ready in stamper.feed(some)]


stamps = st.none() | st.integers(-(2**33), 2**33)
raw_packets = st.lists(
    st.builds(
        RawPacket,
        data=st.binary(max_size=3),
        is_keyframe=st.booleans(),
        pts=stamps,
        dts=stamps,
        duration=st.integers(0, 9000),
        reported_us=st.none() | st.integers(WALL_US - 10**7, WALL_US + 10**7),
        arrival_us=st.integers(WALL_US - 10**7, WALL_US + 10**7),
    ),
    max_size=60,
)


@given(raw_packets, st.booleans())
def test_whatever_comes_the_order_is_kept_and_dts_rises(packets: list[RawPacket], reorders: bool) -> None:
    stamper = Stamper(reorders=reorders)
    ready: list[StampedPacket] = []
    for number, some in enumerate(packets):
        ready += stamper.feed(some)
        is_complete = some.pts is not None and (some.dts is not None or not reorders)
        assert len(ready) == number + 1 or not is_complete
    for got, given_ in zip(ready, packets, strict=False):
        assert (got.data, got.is_keyframe, got.duration_90k) == (given_.data, given_.is_keyframe, given_.duration)
        assert got.pts_90k >= got.dts_90k
    assert all(b.dts_90k > a.dts_90k for a, b in pairwise(ready))


@given(raw_packets, st.booleans())
def test_the_wall_time_is_the_senders_or_not_after_arrival(packets: list[RawPacket], reorders: bool) -> None:
    for got, sent in zip(stamped(packets, reorders=reorders), packets, strict=False):
        believable = sent.reported_us is not None and abs(sent.reported_us - sent.arrival_us) <= 2_000_000
        if believable:
            assert got.wall_us == sent.reported_us
        else:
            assert got.wall_us <= sent.arrival_us


@given(st.integers(1, 6), st.integers(0, 2**32))
def test_the_first_packets_get_the_stamps_that_they_should_have(missing: int, start: int) -> None:
    """A steady 30 per second: what lacks stamps is counted back exactly."""
    packets = [packet(n, pts=None if n < missing else start + n * STEP) for n in range(10)]
    assert [got.pts_90k for got in stamped(packets)] == [start + n * STEP for n in range(10)]


@given(st.lists(st.integers(1, 20_000), min_size=3, max_size=12), st.integers(1, 2))
def test_uneven_first_packets_follow_the_senders_clock(steps: list[int], missing: int) -> None:
    """The sender report tells how far apart the pictures are, whatever duration the packets claim."""
    times = [sum(steps[:n]) for n in range(len(steps))]
    packets = [
        packet(n, pts=None if n < missing else at, reported_us=WALL_US + at * 100 // 9, duration=1)
        for n, at in enumerate(times)
    ]
    assert all(abs(got.pts_90k - at) <= missing for got, at in zip(stamped(packets), times, strict=True))


def test_b_frames_whose_first_packets_lack_dts() -> None:
    shown = [0, 3, 1, 2, 6, 4, 5]
    packets = [
        packet(n, pts=(p + 2) * STEP, dts=None if n < 3 else n * STEP, duration=STEP) for n, p in enumerate(shown)
    ]
    got = stamped(packets, reorders=True)
    assert [some.dts_90k for some in got] == [n * STEP for n in range(7)]
    assert [some.pts_90k for some in got] == [(p + 2) * STEP for p in shown]


def test_b_frames_whose_first_packet_lacks_pts_too() -> None:
    """It is shown three pictures before the next one in decode order, which only the sender's clock tells."""
    shown = [0, 3, 1, 2, 6, 4, 5]
    packets = [
        packet(
            n,
            pts=None if n == 0 else p * STEP,
            dts=None if n < 3 else (n - 2) * STEP,
            reported_us=WALL_US + round(p * STEP_US),
        )
        for n, p in enumerate(shown)
    ]
    got = stamped(packets, reorders=True)
    assert [some.pts_90k for some in got] == [p * STEP for p in shown]
    assert [some.dts_90k for some in got] == [(n - 2) * STEP for n in range(7)]


def test_a_repeated_dts_is_moved_on_and_counted() -> None:
    stamper = Stamper(reorders=False)
    got = [
        some.dts_90k for n, pts in enumerate([0, 3000, 3000, 2999, 9000]) for some in stamper.feed(packet(n, pts=pts))
    ]
    assert got == [0, 3000, 3001, 3002, 9000]
    assert (stamper.clamped, stamper.jumps) == (2, 0)


@pytest.mark.parametrize("jump", [-(2**32), -90_001 - STEP, 12 * 90_000, 2**32])
def test_a_clock_that_restarts_goes_on_as_arrivals_do(jump: int) -> None:
    """Without this a camera that sets its clock back would record ticks of 11 µs for as long as the step was."""
    stamper = Stamper(reorders=False)
    packets = [packet(n, pts=10**10 + n * STEP + (jump if n >= 5 else 0)) for n in range(10)]
    got = [ready for some in packets for ready in stamper.feed(some)]
    assert all(abs(b.dts_90k - a.dts_90k - STEP) <= 1 for a, b in pairwise(got))
    assert all(abs(b.wall_us - a.wall_us - STEP_US) <= 100 for a, b in pairwise(got))
    assert (stamper.clamped, stamper.jumps) == (0, 1)


def test_a_silence_is_no_jump() -> None:
    late = 20 * 30
    packets = [packet(n, pts=n * STEP) for n in (0, 1, 2, late, late + 1)]
    assert [some.dts_90k for some in stamped(packets)] == [n * STEP for n in (0, 1, 2, late, late + 1)]


@pytest.mark.parametrize("step_us", [-3_600_000_000, 3_600_000_000])
def test_a_step_of_our_own_clock_leaves_media_time_alone(step_us: int) -> None:
    packets = [
        packet(n, pts=n * STEP, arrival_us=WALL_US + round(n * STEP_US) + (step_us if n >= 5 else 0)) for n in range(10)
    ]
    got = stamped(packets)
    assert [some.dts_90k for some in got] == [n * STEP for n in range(10)]
    assert all(abs(some.wall_us - sent.arrival_us) <= 100 for some, sent in zip(got, packets, strict=True))


@given(st.integers(1, 60), st.lists(st.integers(0, 40_000), min_size=61, max_size=61))
def test_a_burst_at_the_join_does_not_put_later_pictures_ahead(burst: int, jitter_us: list[int]) -> None:
    """Pictures of the burst are older than their arrival; afterwards each is at most the network's jitter late."""
    taken = [WALL_US + round(n * STEP_US) for n in range(61)]
    packets = [
        packet(n, pts=n * STEP, arrival_us=max(taken[n], taken[burst - 1]) + jitter_us[n] * (n >= burst))
        for n in range(61)
    ]
    got = stamped(packets)
    for some, sent, at in zip(got, packets, taken, strict=True):
        assert some.wall_us <= sent.arrival_us
        if sent.arrival_us >= at and some is not got[0]:
            assert some.wall_us >= at - 1


def test_the_smallest_delay_counts_and_slow_drift_is_followed() -> None:
    """A camera clock that loses 100 ppm for two hours: wall time stays within a frame of the truth."""
    real_us = [n * 1_000_000 for n in range(7200)]
    packets = [packet(n, pts=round(at * 0.09 * 0.9999), arrival_us=WALL_US + at) for n, at in enumerate(real_us)]
    worst = max(abs(got.wall_us - sent.arrival_us) for got, sent in zip(stamped(packets), packets, strict=True))
    assert worst < 33_000


def test_an_unbelievable_sender_is_not_followed() -> None:
    packets = [packet(n, pts=n * STEP, reported_us=round(n * STEP_US)) for n in range(5)]
    assert [some.wall_us for some in stamped(packets)] == [some.arrival_us for some in packets]


@pytest.mark.parametrize("reorders", [False, True])
def test_a_source_without_timestamps_is_a_fault(reorders: bool) -> None:
    stamper = Stamper(reorders=reorders)
    with pytest.raises(Fault, match="without timestamps") as caught:
        for number in range(100):
            assert not stamper.feed(packet(number, pts=number if reorders else None))
    assert caught.value.status == 502
