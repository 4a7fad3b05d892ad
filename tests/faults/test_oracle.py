"""The judge itself: whatever is taken away from a perfect recording is found, and nothing else is."""

from hypothesis import given
from hypothesis import strategies as st

from tests.faults.ledger import Sent
from tests.faults.oracle import Found, Span, Verdict, judge
from tests.faults.synthetic import FRAME_US

COUNT = 100


def times(number: int) -> int:
    return 1_000_000_000 + number * FRAME_US


def span(first: int, last: int, state: str = "recorded") -> Span:
    return Span(times(first), times(last) + FRAME_US, state)


def verdict_of(found: Found, *, told: int = COUNT - 1) -> Verdict:
    return judge(0, found, [Sent(0, COUNT - 1, times(told))], shown_us=times)


def perfect() -> Found:
    return Found([span(0, COUNT - 1)], [[(0, number) for number in range(COUNT)]])


def test_a_perfect_recording_is_perfect() -> None:
    assert (verdict_of(perfect()).broken, verdict_of(perfect()).lost_us) == (0, 0)


@given(st.sets(st.integers(0, COUNT - 1), min_size=1, max_size=20))
def test_every_unit_that_vanishes_is_counted(gone: set[int]) -> None:
    found = perfect()
    found.clips = [[item for item in found.clips[0] if item is not None and item[1] not in gone]]
    verdict = verdict_of(found)
    assert verdict.undeclared == len(gone)
    assert verdict.lost_us == len(gone) * FRAME_US


@given(st.integers(10, 80), st.integers(8, 19))
def test_a_declared_absence_explains_what_is_missing_in_it_and_nothing_beside_it(begin: int, length: int) -> None:
    end = begin + length
    kept = [(0, number) for number in range(COUNT) if not begin <= number < end]
    spans = [span(0, begin - 1), span(begin, end - 1, "camera_down"), span(end, COUNT - 1)]
    verdict = verdict_of(Found(spans, [list(kept[:begin]), list(kept[begin:])]))
    assert (verdict.undeclared, verdict.lost_us) == (0, length * FRAME_US)
    more = [item for item in kept if item[1] != begin - 5]
    assert verdict_of(Found(spans, [list(more)])).undeclared == 1


@given(st.integers(1, COUNT - 1))
def test_repeats_disorder_and_strangers_are_found(at: int) -> None:
    repeated = perfect()
    repeated.clips[0].insert(at, (0, at - 1))
    strange = perfect()
    strange.clips[0][at] = (1, at)
    unsent = perfect()
    unsent.clips[0].append((0, COUNT + at))
    assert verdict_of(repeated).foreign == verdict_of(unsent).foreign == 1
    assert verdict_of(strange).foreign == 1


def test_a_promise_that_was_not_kept_is_found() -> None:
    found = Found([span(0, 49), span(50, COUNT - 1, "recorder_down")], [[(0, number) for number in range(50)]])
    assert verdict_of(found, told=49).untold == 0
    assert verdict_of(found, told=60).untold == 1


def test_seconds_of_which_nothing_is_said_are_found() -> None:
    found = perfect()
    found.spans = [span(0, 39), span(60, COUNT - 1)]
    assert verdict_of(found).undeclared == 1


def test_what_has_aged_is_not_lost() -> None:
    found = Found([span(0, 49, "aged_out"), span(50, COUNT - 1)], [[(0, number) for number in range(50, COUNT)]])
    verdict = verdict_of(found)
    assert (verdict.aged, verdict.lost_us, verdict.broken) == (50, 0, 0)
