"""Which small pictures stand for a stretch of time."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from vedette.services.vst.core.previews import is_inside, nearest_inside, pause_s, snapped, spread
from vedette.services.vst.core.timeline import Span, merge

spans = st.lists(
    st.tuples(st.integers(0, 1000), st.integers(1, 100)).map(lambda pair: Span(pair[0], sum(pair))), max_size=6
).map(lambda some: merge(some, 0))


@given(spans, st.integers(1, 50))
def test_instants_are_inside_in_order_and_as_many_as_asked(some: list[Span], count: int) -> None:
    found = spread(some, count)
    assert len(found) == (count if some else 0)
    assert all(is_inside(at, spans=some) for at in found)
    assert all(left <= right for left, right in pairwise(found))


@given(st.integers(1, 50))
def test_one_span_is_cut_evenly(count: int) -> None:
    found = spread([Span(0, 1000 * count)], count)
    assert found == [1000 * number + 500 for number in range(count)]


@given(st.lists(st.integers(0, 500), max_size=20), st.lists(st.integers(0, 500), max_size=20))
def test_snapping_takes_what_is_near_and_leaves_the_rest(wanted: list[int], have: list[int]) -> None:
    found = snapped(wanted, sorted(have), within_us=10)
    assert found == sorted(set(found))
    for at in wanted:
        near = [item for item in have if abs(item - at) <= 10]
        assert min((abs(item - at) for item in found), default=99) <= (
            min(abs(item - at) for item in near) if near else 0
        )


@given(spans.filter(bool), st.integers(0, 1200))
def test_the_nearest_instant_inside(some: list[Span], at: int) -> None:
    found = nearest_inside(at, some)
    assert is_inside(found, spans=some)
    assert found == at or not is_inside(at, spans=some)


def test_the_pause_grows_while_rounds_are_slow_and_shrinks_again() -> None:
    pause = 2.0
    for _ in range(10):
        pause = pause_s(2.0, pause, pause)
    assert pause == 32.0
    for _ in range(10):
        pause = pause_s(2.0, pause, 0.01)
    assert pause == 2.0
