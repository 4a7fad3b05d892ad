"""Times made whole: nothing lost, dts rises, times are the sender's where believable, and a join is not ahead."""

from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vedette.media.rtp_receiver import ReceivedUnit
from vedette.media.sources.stamps import StampedUnit, Stamper

WALL_US = 1_700_000_000_000_000
STEP = 3000
STEP_US = 100_000 / 3
type Arrived = tuple[ReceivedUnit, int]


def unit(number: int, *, pts: int, reported_us: int | None = None, arrival_us: int | None = None) -> Arrived:
    arrival = WALL_US + round(number * STEP_US) if arrival_us is None else arrival_us
    return ReceivedUnit(str(number).encode(), number == 0, pts, reported_us), arrival


def stamped(units: Sequence[Arrived], *, reorder: int | None = 0) -> list[StampedUnit]:
    stamper = Stamper(reorder=reorder)
    return [ready for one, arrival_us in units for ready in stamper.feed(one, arrival_us)]


any_units = st.lists(
    st.tuples(
        st.builds(
            ReceivedUnit,
            data=st.binary(max_size=3),
            is_keyframe=st.booleans(),
            ticks=st.integers(-(2**33), 2**33) | st.integers(0, 20).map(lambda n: n * STEP),
            reported_us=st.none() | st.integers(WALL_US - 10**7, WALL_US + 10**7),
        ),
        st.integers(WALL_US - 10**7, WALL_US + 10**7),
    ),
    max_size=60,
)
depths = st.none() | st.integers(0, 4)


@given(any_units, depths)
def test_whatever_comes_the_order_is_kept_and_dts_rises(units: list[Arrived], reorder: int | None) -> None:
    ready = stamped(units, reorder=reorder)
    for got, (sent, _) in zip(ready, units, strict=False):
        assert (got.data, got.is_keyframe) == (sent.data, sent.is_keyframe)
        assert got.pts_90k >= got.dts_90k
    assert all(b.dts_90k > a.dts_90k for a, b in pairwise(ready))


@given(any_units, depths)
def test_what_is_held_at_the_start_all_comes_out(units: list[Arrived], reorder: int | None) -> None:
    """At most the first 16 wait, and once one has come out none waits any more."""
    stamper, fed, got = Stamper(reorder=reorder), 0, 0
    for one, arrival_us in units:
        ready = stamper.feed(one, arrival_us)
        fed, got = fed + 1, got + len(ready)
        assert got in (0, fed)
        assert got == fed or fed <= 16


@given(any_units, depths)
def test_the_wall_time_is_the_senders_or_not_after_arrival(units: list[Arrived], reorder: int | None) -> None:
    for got, (sent, arrival_us) in zip(stamped(units, reorder=reorder), units, strict=False):
        believable = sent.reported_us is not None and abs(sent.reported_us - arrival_us) <= 2_000_000
        if believable:
            assert got.wall_us == sent.reported_us
        else:
            assert got.wall_us <= arrival_us


@st.composite
def reordered(draw: st.DrawFn) -> tuple[list[int], int]:
    """(display numbers in decode order, how deep they are reordered): groups of B-frames behind their references."""
    order, number, deepest = [0], 0, 0
    for size in draw(st.lists(st.integers(0, 2), min_size=4, max_size=12)):
        group = list(range(number + 1, number + 1 + size))
        order += [number + 1 + size, *group]
        number += 1 + size
        deepest = max(deepest, bool(size))
    return order, deepest


@given(reordered(), st.integers(0, 2**32), st.booleans())
def test_pictures_shown_in_another_order_keep_their_times(shape: tuple[list[int], int], start: int, told: bool) -> None:
    """Whether the stream states its depth or the first pictures show it: display times are untouched."""
    order, depth = shape
    if not told and order[:8] == sorted(order[:8]):
        return  # what shows only later costs one group its times, which is another test
    units = [unit(n, pts=start + shown * STEP) for n, shown in enumerate(order)]
    got = stamped(units, reorder=depth if told else None)
    assert [some.pts_90k for some in got] == [start + shown * STEP for shown in order[: len(got)]]
    assert all(b.dts_90k - a.dts_90k == STEP for a, b in pairwise(got[2 * depth :]))
    assert max((some.pts_90k - some.dts_90k for some in got), default=0) <= 3 * depth * STEP


def test_reordering_that_shows_late_is_followed_from_then_on() -> None:
    order = [*range(12), 14, 12, 13, 17, 15, 16, 20, 18, 19]
    stamper = Stamper(reorder=None)
    got = [some for n, at in enumerate(order) for some in stamper.feed(*unit(n, pts=at * STEP))]
    assert stamper.reorder == 1
    assert [some.pts_90k for some in got][-6:] == [at * STEP for at in order[-6:]]


def test_a_slow_stream_is_not_held_for_long() -> None:
    """One picture a second: the second one frees the first."""
    stamper = Stamper(reorder=None)
    assert not stamper.feed(*unit(0, pts=0))
    assert len(stamper.feed(*unit(30, pts=90_000))) == 2


def test_a_repeated_timestamp_is_moved_on_and_counted() -> None:
    stamper = Stamper(reorder=0)
    times = [0, 3000, 3000, 3001, 9000]
    got = [some.dts_90k for n, pts in enumerate(times) for some in stamper.feed(*unit(n, pts=pts))]
    assert got == [0, 3000, 3001, 3002, 9000]
    assert (stamper.clamped, stamper.jumps) == (2, 0)


@pytest.mark.parametrize("jump", [-(2**32), -90_001 - STEP, 12 * 90_000, 2**32])
def test_a_clock_that_restarts_goes_on_as_arrivals_do(jump: int) -> None:
    """Without this a camera that sets its clock back would record ticks of 11 µs for as long as the step was."""
    stamper = Stamper(reorder=0)
    units = [unit(n, pts=10**10 + n * STEP + (jump if n >= 5 else 0)) for n in range(10)]
    got = [ready for one in units for ready in stamper.feed(*one)]
    assert all(abs(b.dts_90k - a.dts_90k - STEP) <= 1 for a, b in pairwise(got))
    assert all(abs(b.wall_us - a.wall_us - STEP_US) <= 100 for a, b in pairwise(got))
    assert (stamper.clamped, stamper.jumps) == (0, 1)


def test_a_silence_is_no_jump() -> None:
    late = 20 * 30
    units = [unit(n, pts=n * STEP) for n in (0, 1, 2, late, late + 1)]
    assert [some.dts_90k for some in stamped(units)] == [n * STEP for n in (0, 1, 2, late, late + 1)]


@pytest.mark.parametrize("step_us", [-3_600_000_000, 3_600_000_000])
def test_a_step_of_our_own_clock_leaves_media_time_alone(step_us: int) -> None:
    units = [
        unit(n, pts=n * STEP, arrival_us=WALL_US + round(n * STEP_US) + (step_us if n >= 5 else 0)) for n in range(10)
    ]
    got = stamped(units)
    assert [some.dts_90k for some in got] == [n * STEP for n in range(10)]
    assert all(abs(some.wall_us - arrival_us) <= 100 for some, (_, arrival_us) in zip(got, units, strict=True))


@given(st.integers(1, 60), st.lists(st.integers(0, 40_000), min_size=61, max_size=61))
def test_a_burst_at_the_join_does_not_put_later_pictures_ahead(burst: int, jitter_us: list[int]) -> None:
    """Pictures of the burst are older than their arrival; afterwards each is at most the network's jitter late."""
    taken = [WALL_US + round(n * STEP_US) for n in range(61)]
    units = [
        unit(n, pts=n * STEP, arrival_us=max(taken[n], taken[burst - 1]) + jitter_us[n] * (n >= burst))
        for n in range(61)
    ]
    got = stamped(units)
    for some, (_, arrival_us), at in zip(got, units, taken, strict=True):
        assert some.wall_us <= arrival_us
        if arrival_us >= at and some is not got[0]:
            assert some.wall_us >= at - 1


def test_the_smallest_delay_counts_and_slow_drift_is_followed() -> None:
    """A camera clock that loses 100 ppm for two hours: wall time stays within a frame of the truth."""
    real_us = [n * 1_000_000 for n in range(7200)]
    units = [unit(n, pts=round(at * 0.09 * 0.9999), arrival_us=WALL_US + at) for n, at in enumerate(real_us)]
    got = stamped(units)
    worst = max(abs(some.wall_us - arrival_us) for some, (_, arrival_us) in zip(got, units, strict=True))
    assert worst < 33_000


def test_an_unbelievable_sender_is_not_followed() -> None:
    units = [unit(n, pts=n * STEP, reported_us=round(n * STEP_US)) for n in range(5)]
    assert [some.wall_us for some in stamped(units)] == [arrival_us for _, arrival_us in units]


def test_the_duration_is_the_step_before() -> None:
    times = [0, 3000, 6000, 12_000, 18_000, 30 * 90_000]
    got = stamped([unit(n, pts=at, arrival_us=WALL_US + at * 100 // 9) for n, at in enumerate(times)])
    assert [some.duration_90k for some in got] == [3000, 3000, 3000, 6000, 6000, 6000]
