"""Properties of timelines."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from vedette.services.vst.core.timeline import Span, clipped, merge

spans = st.lists(st.tuples(st.integers(0, 500), st.integers(0, 60)).map(lambda pair: Span(pair[0], sum(pair))))
gaps = st.integers(0, 30)


@given(spans, gaps)
def test_merging_is_idempotent_and_order_free(some: list[Span], gap: int) -> None:
    merged = merge(some, gap)
    assert merge(merged, gap) == merged
    assert merge(reversed(some), gap) == merged


@given(spans, gaps)
def test_every_span_is_covered_and_no_larger_gap_bridged(some: list[Span], gap: int) -> None:
    merged = merge(some, gap)
    for span in some:
        if span.end_us > span.start_us:
            assert any(item.start_us <= span.start_us and span.end_us <= item.end_us for item in merged)
    assert all(right.start_us - left.end_us > gap for left, right in itertools.pairwise(merged))
    covered = {us for span in some for us in range(span.start_us, span.end_us)}
    for item in merged:
        holes = [us for us in range(item.start_us, item.end_us) if us not in covered]
        runs = sum(1 for us in holes if us - 1 not in holes)
        assert len(holes) <= runs * gap


@given(spans, st.integers(0, 500), st.integers(0, 500))
def test_clipping_keeps_what_lies_inside(some: list[Span], start: int, end: int) -> None:
    kept = {us for span in clipped(merge(some, 0), start, end) for us in range(span.start_us, span.end_us)}
    assert kept == {us for span in some for us in range(span.start_us, span.end_us) if start <= us < end}


def test_open_sides_clip_nothing() -> None:
    assert clipped([Span(1, 5)], None, None) == [Span(1, 5)]
