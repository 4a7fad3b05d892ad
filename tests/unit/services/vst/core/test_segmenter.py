"""Properties of the segmenter: nothing lost, nothing twice, each segment at a keyframe."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from vedette.media.unit import AccessUnit, CodecParameters
from vedette.services.vst.core.segmenter import Append, Cut, SegmenterState, SegmentPolicy, Step, feed

TICK = 3000


def units_of(keyframes: list[bool], sessions: list[int]) -> list[AccessUnit]:
    """Units of 1/30 s; a change of session number starts clocks and parameters anew, with a keyframe."""
    parameters = {number: CodecParameters("h264", bytes([number])) for number in set(sessions)}
    units, dts, last = [], 0, None
    for number, (is_keyframe, session) in enumerate(zip(keyframes, sessions, strict=True)):
        new = session != last
        dts = 0 if new else dts + TICK
        units.append(AccessUnit(bytes([number % 256]), dts, dts, number, is_keyframe or new, parameters[session], TICK))
        last = session
    return units


def run(units: list[AccessUnit], policy: SegmentPolicy) -> list[Step]:
    state, steps = SegmenterState(), []
    for unit in units:
        state, more = feed(state, unit, policy)
        steps += more
    return steps


def segments_of(steps: list[Step]) -> list[list[AccessUnit]]:
    segments: list[list[AccessUnit]] = [[]]
    for step in steps:
        if isinstance(step, Append):
            segments[-1].append(step.unit)
        else:
            segments.append([])
    return segments


streams = st.lists(st.booleans(), min_size=1, max_size=200).flatmap(
    lambda keys: st.tuples(st.just(keys), st.lists(st.integers(0, 2), min_size=len(keys), max_size=len(keys)))
)


@given(streams, st.integers(1, 40), st.integers(0, 40))
def test_nothing_is_lost_and_segments_begin_at_keyframes(
    stream: tuple[list[bool], list[int]], length: int, first: int
) -> None:
    units = units_of(*stream)
    steps = run(units, SegmentPolicy(length * TICK, first * TICK))
    segments = segments_of(steps)
    assert [unit for segment in segments for unit in segment] == units
    assert all(segment and segment[0].is_keyframe for segment in segments)
    assert all(len({id(unit.parameters) for unit in segment}) == 1 for segment in segments)


@given(st.integers(1, 30), st.integers(1, 12), st.integers(2, 300))
def test_a_segment_ends_at_the_first_keyframe_after_its_length(length: int, gop: int, count: int) -> None:
    units = units_of([number % gop == 0 for number in range(count)], [0] * count)
    *whole, _last = segments_of(run(units, SegmentPolicy(length * TICK)))
    wanted = -(-length // gop) * gop
    assert [len(segment) for segment in whole] == [wanted] * len(whole)


def test_a_cut_tells_how_long_the_segment_was() -> None:
    units = units_of([number % 5 == 0 for number in range(11)], [0] * 11)
    steps = run(units, SegmentPolicy(5 * TICK))
    assert [step for step in steps if isinstance(step, Cut)] == [Cut(5 * TICK, True), Cut(10 * TICK, True)]


def test_another_session_is_no_continuation() -> None:
    units = units_of([True, False, True, False], [0, 0, 1, 1])
    assert [step for step in run(units, SegmentPolicy(100 * TICK)) if isinstance(step, Cut)] == [Cut(None, False)]


def test_what_precedes_the_first_keyframe_is_skipped() -> None:
    units = units_of([True, False, False], [0, 0, 0])
    leading = [replace(unit, is_keyframe=False) for unit in units]
    assert run(leading, SegmentPolicy(TICK)) == []


def test_a_clock_that_runs_backwards_waits_for_a_keyframe() -> None:
    first, second, third = units_of([True, False, True], [0, 0, 0])
    back = replace(second, dts_90k=-TICK, pts_90k=-TICK)
    steps = run([first, second, back, third], SegmentPolicy(100 * TICK))
    assert steps == [Append(first), Append(second), Cut(None, False), Append(third)]


def test_the_first_segment_may_have_another_length() -> None:
    units = units_of([True] * 12, [0] * 12)
    segments = segments_of(run(units, SegmentPolicy(5 * TICK, 2 * TICK)))
    assert [len(segment) for segment in segments] == [2, 5, 5]
