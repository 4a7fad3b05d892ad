"""Presence in a region: entries, exits, jitter on the edge."""

from hypothesis import given
from hypothesis import strategies as st

from vedette.services.analytics.core import roi
from vedette.services.analytics.model.domain import Buffer, Passage, Point, Region

MS = 1000
SQUARE = ((100.0, 100.0), (200.0, 100.0), (200.0, 200.0), (100.0, 200.0))


def region(spatial_px: float = 8.0, temporal_ms: int = 0) -> Region:
    return Region("r", "hall", SQUARE, Buffer(spatial_px, temporal_ms * MS))


def walk(path: list[Point], where: Region, frame_ms: int = 100) -> tuple[list[roi.Passed], bool]:
    zone = roi.zone(where)
    state, passed = roi.first(path[0], 0, zone)
    found = [passed] if passed else []
    for number, anchor in enumerate(path[1:], 1):
        state, passed = roi.step(state, anchor, number * frame_ms * MS, zone)
        if passed:
            found.append(passed)
    return found, state.inside


def passages(path: list[Point], where: Region) -> list[str]:
    return [str(item.passage) for item in walk(path, where)[0]]


def test_in_and_out_again() -> None:
    assert passages([(50, 150), (150, 150), (250, 150)], region()) == ["ENTRY", "EXIT"]


def test_a_track_that_begins_inside_has_entered() -> None:
    assert walk([(150, 150)], region()) == ([roi.Passed(Passage.ENTRY, 0)], True)


def test_the_edge_itself_is_decided_one_way_or_the_other() -> None:
    zone = roi.zone(region())
    assert roi.first((100.0, 150.0), 0, zone)[0].inside is not roi.first((200.0, 150.0), 0, zone)[0].inside


@given(st.lists(st.tuples(st.floats(93, 107), st.floats(120, 180)), max_size=50))
def test_jitter_on_the_edge_neither_enters_nor_leaves(points: list[Point]) -> None:
    assert passages([(50, 150), *points, (50, 150)], region()) == []
    assert passages([(150, 150), *points, (150, 150)], region()) == ["ENTRY"]


@given(st.lists(st.tuples(st.floats(0, 300), st.floats(0, 300)), min_size=1, max_size=60), st.integers(0, 300))
def test_entries_minus_exits_is_inside_and_they_alternate(points: list[Point], temporal_ms: int) -> None:
    found, inside = walk(points, region(temporal_ms=temporal_ms))
    kinds = [item.passage for item in found]
    assert kinds.count(Passage.ENTRY) - kinds.count(Passage.EXIT) == inside
    assert kinds[::2] == [Passage.ENTRY] * len(kinds[::2])
    assert kinds[1::2] == [Passage.EXIT] * len(kinds[1::2])


def test_the_time_of_an_entry_is_when_the_edge_was_passed() -> None:
    found, _ = walk([(90, 150), (105, 150), (110, 150), (112, 150), (112, 150)], region(temporal_ms=200))
    assert found == [roi.Passed(Passage.ENTRY, 100 * MS)]


def test_a_short_visit_within_the_temporal_buffer_is_none() -> None:
    assert passages([(90, 150), (112, 150), (90, 150)], region(temporal_ms=200)) == []


def test_deep_inside_needs_no_time() -> None:
    assert passages([(90, 150), (140, 150)], region(temporal_ms=60_000)) == ["ENTRY"]
