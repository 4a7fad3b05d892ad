"""Properties of clip planning."""

import itertools
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from vedette.services.vst.core.clip import follows, missing, plan
from vedette.services.vst.model import Segment


def segment(number: int, start_us: int, end_us: int, media_us: int) -> Segment:
    return Segment(number, "s", 1, start_us, end_us, media_us, 1, "", "h264", 640, 480)


@st.composite
def catalogues(draw: st.DrawFn) -> list[Segment]:
    """Segments in order, with holes, whose media is a little longer or shorter than their wall time."""
    segments, at = [], 0
    for number in range(draw(st.integers(0, 12))):
        at += draw(st.sampled_from([0, 0, 0, 500]))
        length = draw(st.integers(1, 1000))
        media = max(1, length + draw(st.integers(-20, 20)))
        segments.append(segment(number, at, at + length, media))
        at += length
    return draw(st.permutations(segments))


@given(catalogues(), st.integers(-100, 9000), st.integers(-100, 9000))
def test_slices_are_ordered_disjoint_and_inside(segments: list[Segment], start: int, end: int) -> None:
    slices = plan(segments, start, end)
    assert all(start <= item.start_us < item.end_us <= end for item in slices)
    assert all(left.end_us <= right.start_us for left, right in itertools.pairwise(slices))
    covered = {us for item in slices for us in range(item.start_us, item.end_us)}
    assert covered == {us for item in segments for us in range(item.start_us, item.end_us) if start <= us < end}


@given(catalogues())
def test_a_whole_segment_is_used_to_its_last_unit(segments: list[Segment]) -> None:
    for item in plan(segments, -1, 1 << 40):
        assert (item.media_start_us, item.media_end_us) == (0, item.segment.media_us)


@given(catalogues(), st.integers(0, 9000), st.integers(0, 9000))
def test_media_time_stays_inside_the_file(segments: list[Segment], start: int, end: int) -> None:
    for item in plan(segments, start, end):
        assert 0 <= item.media_start_us <= item.media_end_us <= item.segment.media_us


@given(catalogues(), st.integers(-100, 9000), st.integers(-100, 9000))
def test_what_is_missing_and_what_is_there_make_the_range(segments: list[Segment], start: int, end: int) -> None:
    start, end = min(start, end), max(start, end)
    slices = plan(segments, start, end)
    holes = missing(slices, start, end, join_us=0)
    parts = sorted([*holes, *((item.start_us, item.end_us) for item in slices)])
    assert [begin for begin, _ in parts[1:]] == [stop for _, stop in parts[:-1]]
    assert not parts or (parts[0][0], parts[-1][1]) == (start, end)
    assert missing(slices, start, end, join_us=1 << 40) == []


def test_a_recording_that_runs_on_follows() -> None:
    first, second = segment(1, 0, 1000, 1000), segment(2, 1000, 2000, 1000)
    left, right = plan([first, second], 0, 5000)
    assert follows(left, right)
    other = replace(second, recording_id=2, digest="ab")
    assert not follows(*plan([first, other], 0, 5000))
    growing = replace(second, recording_id=2, digest="")
    assert follows(*plan([first, growing], 0, 5000))
    late = replace(second, start_us=1001)
    assert not follows(*plan([first, late], 0, 5000))
