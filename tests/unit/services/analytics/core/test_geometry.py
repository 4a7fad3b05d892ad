"""Exact signs, and crossings that neither miss nor double at corners."""

from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from vedette.services.analytics.core import geometry
from vedette.services.analytics.model.domain import Point

grid = st.tuples(st.integers(0, 6), st.integers(0, 6)).map(lambda point: (float(point[0]), float(point[1])))
coordinate = st.floats(-10_000, 10_000, allow_nan=False)
anywhere = st.tuples(coordinate, coordinate)


def net(path: list[Point], wire: list[Point]) -> int:
    return sum(sign for a, b in pairwise(path) for _, sign in geometry.crossings(a, b, wire))


@given(anywhere, anywhere, anywhere)
def test_orientation_is_that_of_rational_arithmetic(a: Point, b: Point, c: Point) -> None:
    ax, ay, bx, by, cx, cy = map(Fraction, (*a, *b, *c))
    exact = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)
    assert geometry.orient(a, b, c) == (exact > 0) - (exact < 0)


@given(anywhere, anywhere, st.floats(0, 1))
def test_points_on_a_line_up_to_rounding_are_decided_exactly(a: Point, b: Point, along: float) -> None:
    on_it = (a[0] + along * (b[0] - a[0]), a[1] + along * (b[1] - a[1]))
    assert geometry.orient(a, b, on_it) == -geometry.orient(b, a, on_it)


@given(grid, grid, st.lists(grid, min_size=3, max_size=5, unique=True))
def test_the_net_of_a_closed_wire_is_the_change_of_membership(start: Point, end: Point, corners: list[Point]) -> None:
    """On a coarse grid almost every case is degenerate: paths through corners, along edges, touching ones."""
    assume(not geometry.crosses_itself(corners))
    area = sum(a[0] * b[1] - a[1] * b[0] for a, b in pairwise([*corners, corners[0]]))
    inwards = 1 if area > 0 else -1
    change = geometry.contains(corners, end) - geometry.contains(corners, start)
    assert net([start, end], [*corners, corners[0]]) == inwards * change


@given(grid, grid, st.integers(1, 3), st.lists(grid, min_size=2, max_size=4, unique=True))
def test_cutting_a_path_anywhere_changes_nothing(start: Point, end: Point, quarter: int, wire: list[Point]) -> None:
    cut = (start[0] + quarter * (end[0] - start[0]) / 4, start[1] + quarter * (end[1] - start[1]) / 4)
    assert net([start, cut, end], wire) == net([start, end], wire)


@given(grid, grid, st.lists(grid, min_size=2, max_size=4, unique=True))
def test_there_and_back_is_nothing(start: Point, end: Point, wire: list[Point]) -> None:
    assert net([start, end, start], wire) == 0


def test_crossings_come_in_order_along_the_path() -> None:
    zigzag = [(2.0, 0.0), (2.0, 10.0), (6.0, 10.0), (6.0, 0.0)]
    found = geometry.crossings((0.0, 5.0), (8.0, 5.0), zigzag)
    assert [fraction for fraction, _ in found] == [0.25, 0.75]
    assert sum(sign for _, sign in found) == 0


def test_a_path_beyond_the_end_does_not_cross() -> None:
    assert geometry.crossings((0.0, 11.0), (10.0, 11.0), [(5.0, 0.0), (5.0, 10.0)]) == []


@pytest.mark.parametrize(
    ("point", "distance"), [((5.0, 3.0), 3.0), ((-3.0, 4.0), 5.0), ((13.0, -4.0), 5.0), ((4.0, 0.0), 0.0)]
)
def test_distance_to_a_line(point: Point, distance: float) -> None:
    assert geometry.distance_to_line(point, [(0.0, 0.0), (6.0, 0.0), (10.0, 0.0)]) == distance


def test_distance_to_a_wire_of_one_point_twice() -> None:
    assert geometry.distance_to_segment((3.0, 4.0), (0.0, 0.0), (0.0, 0.0)) == 5.0


@pytest.mark.parametrize(
    ("arrow", "sign"),
    [
        (((5.0, -5.0), (5.0, 5.0)), 1),
        (((5.0, 5.0), (5.0, -5.0)), -1),
        (((5.0, 2.0), (5.0, 9.0)), 1),
        (((0.0, 1.0), (9.0, 1.0)), 0),
    ],
)
def test_the_arrow_gives_the_direction(arrow: tuple[Point, Point], sign: int) -> None:
    assert geometry.arrow_sign(arrow, [(0.0, 0.0), (10.0, 0.0)]) == sign


def test_the_arrow_of_a_polyline_looks_at_the_nearest_segment() -> None:
    corner = [(0.0, 0.0), (10.0, 0.0), (10.0, 10.0)]
    assert geometry.arrow_sign(((12.0, 5.0), (15.0, 5.0)), corner) == -1


@pytest.mark.parametrize(
    ("corners", "crossed"),
    [
        ([(0, 0), (4, 0), (4, 4), (0, 4)], False),
        ([(0, 0), (4, 4), (4, 0), (0, 4)], True),
        ([(0, 0), (4, 0), (8, 0)], True),
        ([(0, 0), (8, 0), (8, 8), (4, 0), (0, 8)], True),
        ([(0, 0), (4, 0), (2, 3)], False),
        ([(0, 0), (6, 0), (6, 6), (3, 6), (3, 0), (0, 3)], True),
    ],
)
def test_polygons_that_cross_themselves(corners: list[Point], crossed: bool) -> None:
    assert geometry.crosses_itself([(float(x), float(y)) for x, y in corners]) is crossed
