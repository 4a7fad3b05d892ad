"""Histograms and tiers: nothing lost, nothing counted twice, whatever the sizes."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from vedette.services.analytics.core import buckets, tiers
from vedette.services.analytics.core.engine import Emissions
from vedette.services.analytics.model.domain import Bin, TierPoint

S = 1_000_000
FOREVER = (0, 0, 0)
seconds = st.integers(0, 20_000)


@st.composite
def series(draw: st.DrawFn) -> list[TierPoint]:
    starts = sorted(draw(st.sets(seconds, max_size=40)))
    points = []
    for start in starts:
        values = draw(st.lists(st.integers(0, 9), min_size=1, max_size=4))
        points.append(TierPoint(start * S, sum(values), len(values), min(values), max(values)))
    return points


def totals(points: list[TierPoint] | list[Bin]) -> tuple[int, int]:
    return sum(point.sum for point in points), sum(point.n for point in points)


@given(series())
def test_folding_twice_is_folding_once(points: list[TierPoint]) -> None:
    minute, hour = tiers.STEPS_US[1:]
    assert tiers.fold(tiers.fold(points, minute), hour) == tiers.fold(points, hour)
    assert totals(tiers.fold(points, hour)) == totals(points)


@given(series(), st.randoms())
def test_folding_does_not_mind_the_order(points: list[TierPoint], shuffle: object) -> None:
    assert tiers.fold(reversed(points), tiers.STEPS_US[1]) == tiers.fold(points, tiers.STEPS_US[1])


@given(seconds, st.integers(1, 20_000), st.sampled_from([1, 2, 5, 7, 60, 300, 3600, 7200, 86_400]))
def test_pieces_cover_the_question_once(start: int, length: int, bucket: int) -> None:
    pieces = tiers.cover(start * S, (start + length) * S, bucket * S, FOREVER)
    assert pieces[0].start == start * S
    assert pieces[-1].end == (start + length) * S
    assert all(a.end == b.start for a, b in pairwise(pieces))
    assert all(bucket * S % piece.step_us == 0 and piece.start % piece.step_us == 0 for piece in pieces)


@given(series(), seconds, st.integers(1, 20_000), st.sampled_from([1, 7, 60, 300, 3600]))
def test_any_cover_gives_the_histogram_of_the_seconds(
    points: list[TierPoint], start: int, length: int, bucket: int
) -> None:
    begin, end, size = start * S, (start + length) * S, bucket * S
    asked = [point for point in points if begin <= point.start < end]
    folded = {step: tiers.fold(points, step) for step in tiers.STEPS_US}
    read = [
        point
        for piece in tiers.cover(begin, end, size, FOREVER)
        for point in folded[piece.step_us]
        if piece.start <= point.start < piece.end
    ]
    assert buckets.histogram(read, begin, end, size) == buckets.histogram(asked, begin, end, size)
    assert totals(buckets.histogram(read, begin, end, size)) == totals(asked)


def test_where_seconds_are_gone_minutes_answer() -> None:
    pieces = tiers.cover(90 * S, 300 * S, S, (180 * S, 0, 0))
    assert pieces == [tiers.Piece(60 * S, 60 * S, 180 * S), tiers.Piece(S, 180 * S, 300 * S)]


def test_where_all_fine_rows_are_gone_hours_answer() -> None:
    hour = 3600 * S
    assert tiers.cover(hour + S, 2 * hour + S, S, (9 * hour, 9 * hour, 0)) == [tiers.Piece(hour, hour, 2 * hour + S)]


def test_a_late_frame_adds_nothing() -> None:
    assert list(tiers.samples(Emissions(5 * S, late=True))) == []


def test_where_all_fine_rows_are_gone_even_whole_buckets_begin_early() -> None:
    minute = 60 * S
    assert tiers.cover(minute + S, minute + 3 * S, minute, (9 * minute, 0, 0)) == [
        tiers.Piece(minute, minute, minute + 3 * S)
    ]


def test_points_beyond_the_question_are_left_out() -> None:
    late = TierPoint(9 * S, 1, 1, 1, 1)
    assert buckets.histogram([late], 0, 5 * S, S) == buckets.histogram([], 0, 5 * S, S)


def test_a_day_in_minutes_is_read_from_minutes() -> None:
    pieces = tiers.cover(0, 86_400 * S, 60 * S, FOREVER)
    assert pieces == [tiers.Piece(60 * S, 0, 86_400 * S)]


@given(seconds, st.integers(1, 5000), st.integers(1, 400))
def test_inner_edges_are_multiples_and_the_outer_ones_the_question(start: int, length: int, size: int) -> None:
    marks = buckets.edges(start * S, (start + length) * S, size * S)
    assert marks[0][0] == start * S
    assert marks[-1][1] == (start + length) * S
    assert all(a[1] == b[0] and b[0] % (size * S) == 0 for a, b in pairwise(marks))


def test_an_empty_question_has_no_buckets() -> None:
    assert buckets.edges(5, 5, 1) == []


@given(series(), series())
def test_merging_does_not_mind_the_order(one: list[TierPoint], other: list[TierPoint]) -> None:
    assert buckets.histogram([*one, *other], 0, 20_000 * S, 600 * S) == buckets.histogram(
        [*other, *one], 0, 20_000 * S, 600 * S
    )


def test_frames_without_the_class_count_as_zero() -> None:
    person = [Bin(0, S, 6, 2, 3, 3), Bin(S, 2 * S, 4, 4, 1, 1)]
    frames = [Bin(0, S, 6, 4, 0, 3), Bin(S, 2 * S, 8, 4, 2, 2)]
    first, second = buckets.over_all_frames(person, frames)
    assert (first.average, first.min, first.max) == (1.5, 0, 3)
    assert (second.average, second.min, second.max) == (1.0, 1, 1)
    assert Bin(0, S).average == 0.0


def test_the_automatic_size_is_a_multiple_of_five_seconds() -> None:
    assert buckets.automatic_size_us(20 * S, 20) == 5 * S
    assert buckets.automatic_size_us(3600 * S, 20) == 180 * S
    assert buckets.automatic_size_us(3601 * S, 20) == 185 * S
