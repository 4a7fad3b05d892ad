"""Which pictures are inferred is decided by time, not by counting frames."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vedette.services.perception.core import sampler
from vedette.services.perception.core.sampler import SamplerState
from vedette.services.perception.model import Pace


def taken(times_us: list[int], pace: Pace, phase: float = 0.0) -> list[int]:
    state, chosen = SamplerState(), []
    for t_us in times_us:
        state, yes = sampler.step(state, t_us, pace, phase=phase)
        if yes:
            chosen.append(t_us)
    return chosen


def frames(fps: float, seconds: float, start_us: int = 1_700_000_000_000_000) -> list[int]:
    return [start_us + round(index * 1e6 / fps) for index in range(round(fps * seconds))]


@pytest.mark.parametrize("fps", [5, 10, 25, 30])
def test_interval_zero_takes_every_frame(fps: float) -> None:
    times = frames(fps, 10)
    assert taken(times, Pace(), phase=0.9) == times


@pytest.mark.parametrize(("fps", "interval"), [(10, 1), (25, 1), (30, 2), (30, 5)])
def test_interval_takes_one_and_skips_as_many_as_it_says(fps: float, interval: int) -> None:
    chosen = taken(frames(fps, 20), Pace(interval=interval))[5:]
    period_us = 1e6 / fps
    gaps = [round((b - a) / period_us) for a, b in itertools.pairwise(chosen)]
    assert set(gaps) == {interval + 1}


@given(st.sampled_from([7.5, 10, 12.5, 15, 25, 29.97, 30]), st.sampled_from([1.0, 2.0, 4.0, 5.0, 7.0]), st.floats(0, 1))
def test_the_rate_is_the_one_asked_for(fps: float, infer_fps: float, phase: float) -> None:
    chosen = taken(frames(fps, 60), Pace(infer_fps=infer_fps), phase)
    assert abs(len(chosen) - 60 * infer_fps) <= 3


def test_more_than_the_frame_rate_takes_every_frame() -> None:
    assert len(taken(frames(10, 10), Pace(infer_fps=50))) == 100


@given(st.lists(st.integers(0, 99), max_size=60))
def test_dropped_frames_do_not_shift_the_rate(dropped: list[int]) -> None:
    times = [t for index, t in enumerate(frames(10, 30)) if index not in set(dropped)]
    gaps = [b - a for a, b in itertools.pairwise(taken(times, Pace(infer_fps=5)))]
    assert min(gaps[10:], default=200_000) >= 100_000


def test_a_jump_of_the_clock_starts_again() -> None:
    times = (
        frames(10, 3) + frames(10, 3, start_us=1_600_000_000_000_000) + frames(10, 3, start_us=1_800_000_000_000_000)
    )
    chosen = taken(times, Pace(infer_fps=5))
    assert times[30] in chosen
    assert times[60] in chosen
    assert 40 <= len(chosen) <= 50


def test_the_phase_spreads_sensors_and_is_stable() -> None:
    phases = [sampler.phase_of(f"camera {number}") for number in range(200)]
    assert all(0 <= phase < 1 for phase in phases)
    assert phases == [sampler.phase_of(f"camera {number}") for number in range(200)]
    assert max(sum(low <= phase < low + 0.1 for phase in phases) for low in (0.0, 0.3, 0.6, 0.9)) < 40
    firsts = {taken(frames(10, 2), Pace(infer_fps=2), phase)[0] for phase in (0.0, 0.3, 0.6, 0.9)}
    assert len(firsts) >= 3


def test_a_new_pace_applies_at_once() -> None:
    state, times = SamplerState(), frames(10, 4)
    chosen = []
    for index, t_us in enumerate(times):
        state, yes = sampler.step(state, t_us, Pace(infer_fps=1) if index < 20 else Pace(), phase=0.0)
        chosen.append(yes)
    assert sum(chosen[:20]) == 2
    assert sum(chosen[30:]) == 10
