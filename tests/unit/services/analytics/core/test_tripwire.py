"""One crossing per side change: buffers, ends, corners, U-turns, any frame rate."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vedette.services.analytics.core import tripwire
from vedette.services.analytics.model.domain import Buffer, Direction, Point, Wire

MS = 1000
UP, DOWN = (200.0, 150.0), (200.0, 50.0)


def wire(*points: Point, spatial_px: float = 8.0, temporal_ms: int = 0, along: Direction = Direction.IN) -> Wire:
    line = points or ((100.0, 100.0), (300.0, 100.0))
    return Wire("w", "door", line, (UP, DOWN), along, buffer=Buffer(spatial_px, temporal_ms * MS))


def walk(path: list[Point], over: Wire, frame_ms: int = 100) -> list[tripwire.Crossed]:
    gate, state, found = tripwire.gate(over), None, []
    timed = [(point, number * frame_ms * MS) for number, point in enumerate(path)]
    for before, now in pairwise(timed):
        state, crossed = tripwire.step(state, before, now, gate)
        if crossed is not None:
            found.append(crossed)
    return found


def directions(path: list[Point], over: Wire, frame_ms: int = 100) -> list[str]:
    return [str(item.direction) for item in walk(path, over, frame_ms)]


def line(start: Point, end: Point, frames: int) -> list[Point]:
    return [
        (start[0] + (end[0] - start[0]) * i / frames, start[1] + (end[1] - start[1]) * i / frames)
        for i in range(frames + 1)
    ]


@pytest.mark.parametrize("frames", [1, 2, 3, 7, 30, 100])
def test_one_crossing_at_any_frame_rate(frames: int) -> None:
    found = walk(line((200, 160), (200, 40), frames), wire(), frame_ms=6000 // frames)
    assert [item.direction for item in found] == [Direction.IN]
    assert found[0].at == pytest.approx((200, 100))
    assert found[0].t == pytest.approx(3_000_000, abs=6000)


@pytest.mark.parametrize(
    ("start", "end", "along", "expected"),
    [
        (UP, DOWN, Direction.IN, "IN"),
        (DOWN, UP, Direction.IN, "OUT"),
        (UP, DOWN, Direction.OUT, "OUT"),
        (DOWN, UP, Direction.OUT, "IN"),
    ],
)
def test_arrow_and_meaning_give_the_direction(start: Point, end: Point, along: Direction, expected: str) -> None:
    assert directions(line(start, end, 5), wire(along=along)) == [expected]


def test_the_order_of_the_wires_points_does_not_matter() -> None:
    assert directions([UP, DOWN], wire((300.0, 100.0), (100.0, 100.0))) == ["IN"]


def test_a_u_turn_counts_both_ways() -> None:
    assert directions([*line(UP, DOWN, 10), *line(DOWN, UP, 10)], wire()) == ["IN", "OUT"]


def test_beyond_the_end_is_not_a_crossing() -> None:
    assert directions(line((304, 150), (304, 50), 10), wire()) == []


def test_around_the_end_and_back_counts_what_was_crossed() -> None:
    around = [*line((295, 150), (295, 50), 10), *line((295, 50), (320, 50), 3), *line((320, 50), (320, 150), 10)]
    assert directions(around, wire()) == ["IN"]


@given(st.lists(st.tuples(st.floats(110, 290), st.floats(93, 107)), min_size=1, max_size=60))
def test_jitter_inside_the_band_counts_nothing(points: list[Point]) -> None:
    assert directions([UP, *points, UP], wire()) == []


@given(st.lists(st.tuples(st.floats(110, 290), st.floats(93, 107)), min_size=1, max_size=60))
def test_jitter_on_the_way_across_counts_once(points: list[Point]) -> None:
    assert directions([UP, *points, DOWN], wire()) == ["IN"]


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50)), min_size=1, max_size=12))
def test_there_and_back_nets_zero(points: list[tuple[int, int]]) -> None:
    path = [(x * 8.0, y * 4.0) for x, y in points]
    seen = directions([UP, *path, *reversed(path), UP], wire())
    assert seen.count("IN") == seen.count("OUT")


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50)), min_size=2, max_size=12), st.integers(2, 8))
def test_more_frames_of_the_same_path_change_nothing(points: list[tuple[int, int]], pieces: int) -> None:
    """Exact in binary: corners are multiples of 8, pieces a power of two."""
    path = [(x * 8.0, y * 4.0) for x, y in points]
    cuts = 2 ** (pieces // 2)
    fine = [path[0]]
    for a, b in pairwise(path):
        fine += line(a, b, cuts)[1:]
    assert directions(fine, wire()) == directions(path, wire())


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50)), min_size=2, max_size=30))
def test_directions_alternate_on_a_wire_nobody_can_walk_around(points: list[tuple[int, int]]) -> None:
    across = wire((-1000.0, 100.0), (1000.0, 100.0))
    seen = directions([(x * 8.0, y * 4.0) for x, y in points], across)
    assert all(a != b for a, b in pairwise(seen))


def test_a_spiral_around_the_end_is_one_crossing() -> None:
    """Twice over the wire's end in one direction before getting clear: still one person on the other side."""
    spiral = [
        (298.0, 104.0),
        (298.0, 96.0),
        (303.0, 96.0),
        (303.0, 104.0),
        (298.0, 104.0),
        (298.0, 96.0),
        (298.0, 50.0),
    ]
    assert directions([(298.0, 150.0), *spiral], wire()) == ["IN"]


def test_touching_and_turning_back_is_nothing() -> None:
    assert directions([UP, (200.0, 100.0), (220.0, 150.0)], wire(spatial_px=0)) == []
    assert directions([DOWN, (200.0, 100.0), (220.0, 50.0)], wire(spatial_px=0)) == []


def test_grazing_along_the_wire_is_nothing() -> None:
    assert directions([UP, *line((110, 100), (290, 100), 20), UP], wire()) == []


def test_through_the_corner_of_a_polyline_counts_once() -> None:
    corner = wire((100.0, 100.0), (200.0, 100.0), (300.0, 120.0))
    assert directions([(200.0, 150.0), (200.0, 100.0), (200.0, 50.0)], corner) == ["IN"]
    assert directions([(200.0, 150.0), (200.0, 50.0)], corner) == ["IN"]


def test_both_arms_of_a_u_cancel_and_its_belly_counts() -> None:
    cup = wire((150.0, 200.0), (150.0, 100.0), (250.0, 100.0), (250.0, 200.0))
    assert directions(line((50, 150), (350, 150), 1), cup) == []
    assert directions(line((200, 160), (200, 40), 3), cup) == ["IN"]


def test_the_temporal_buffer_asks_for_time_on_the_far_side() -> None:
    slow = wire(temporal_ms=300)
    there = [(200.0, 120.0), (200.0, 90.0)]
    assert directions([*there, (200.0, 90.0), (200.0, 120.0), (200.0, 120.0)], slow) == []
    found = walk([*there, *[(200.0, 90.0)] * 3], slow)
    assert [item.direction for item in found] == [Direction.IN]
    assert found[0].t == pytest.approx(66_667, abs=1)


def test_going_back_into_the_band_starts_the_time_again() -> None:
    path = [(200.0, 120.0), (200.0, 90.0), (200.0, 90.0), (200.0, 95.0), (200.0, 90.0), (200.0, 90.0)]
    assert directions(path, wire(temporal_ms=200)) == []
    assert directions([*path, (200.0, 90.0)], wire(temporal_ms=200)) == ["IN"]


def test_far_beyond_the_band_needs_no_time() -> None:
    assert directions([UP, (200.0, 100.0 - 8 * tripwire.SURE)], wire(temporal_ms=60_000)) == ["IN"]
    assert directions([UP, (200.0, 101.0 - 8 * tripwire.SURE)], wire(temporal_ms=60_000)) == []


def test_a_track_that_vanishes_clear_of_the_wire_has_crossed() -> None:
    slow = tripwire.gate(wire(temporal_ms=1000))
    state, _ = tripwire.step(None, (UP, 0), ((200.0, 85.0), 100 * MS), slow)
    crossed = tripwire.finish(state, slow)
    assert crossed is not None
    assert crossed.direction is Direction.IN
    state, _ = tripwire.step(None, (UP, 0), ((200.0, 95.0), 100 * MS), slow)
    assert tripwire.finish(state, slow) is None
    assert tripwire.finish(None, slow) is None
