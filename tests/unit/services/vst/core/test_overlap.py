"""The index finds what a search through everything finds."""

from hypothesis import given
from hypothesis import strategies as st

from vedette.services.vst.core.overlap import Overlap
from vedette.services.vst.core.timeline import Span

spans = st.tuples(st.integers(0, 200), st.integers(0, 60)).map(lambda pair: Span(pair[0], sum(pair)))


@given(st.lists(spans, max_size=40), spans)
def test_it_finds_the_same_in_the_same_order(items: list[Span], asked: Span) -> None:
    found = Overlap(items).touching(asked)
    assert found == [item for item in items if item.start_us < asked.end_us and item.end_us > asked.start_us]
