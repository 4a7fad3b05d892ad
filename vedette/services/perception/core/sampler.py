"""Decides by timestamp which pictures are inferred; perception.md §7. Cameras drop frames and vary their rate: never
count.
"""

from dataclasses import dataclass, replace
from zlib import crc32

from vedette.services.perception.model import Pace

US = 1_000_000
FIRST_PERIOD_US = 100_000
LONGEST_PERIOD_US = 2 * US
GAIN = 0.1


@dataclass(frozen=True, slots=True)
class SamplerState:
    """`due_us` is when the next picture should be taken, `last_us` the last frame's time, `period_us` the usual gap."""

    due_us: int | None = None
    last_us: int | None = None
    period_us: float = FIRST_PERIOD_US
    seen: int = 0


def step(state: SamplerState, t_us: int, pace: Pace, *, phase: float) -> tuple[SamplerState, bool]:
    """Whether the frame captured at `t_us` is inferred.

    `phase` in 0..1 shifts the first inference by that part of the gap, so that sensors do not all fall on the same
    instant. A frame is taken when it is at most half a frame before its due time, which is one gap after the last due
    time: over a long time the rate is exactly the one asked for, whatever the rate of the frames.
    """
    state = _observe(state, t_us)
    if pace.infer_fps is None and pace.interval == 0:
        return replace(state, due_us=t_us), True
    gap_us = gap(state.period_us, pace)
    if state.due_us is None or not -2 * gap_us <= t_us - state.due_us <= 2 * gap_us:
        start = t_us if state.seen > 1 or gap_us <= state.period_us else t_us + round(phase * gap_us)
        state = replace(state, due_us=start)
    due_us = state.due_us if state.due_us is not None else t_us
    if t_us < due_us - state.period_us / 2:
        return state, False
    following = due_us + round(gap_us)
    late = following - t_us < state.period_us / 2
    return replace(state, due_us=t_us + round(gap_us) if late else following), True


def gap(period_us: float, pace: Pace) -> float:
    """Microseconds between inferences that `pace` asks for; never below the gap between frames."""
    if pace.infer_fps is not None:
        return max(period_us, US / pace.infer_fps)
    return period_us * (pace.interval + 1)


def phase_of(sensor: str) -> float:
    """A stable number in 0..1 for a sensor, the same in every process."""
    return crc32(sensor.encode()) / 2**32


def _observe(state: SamplerState, t_us: int) -> SamplerState:
    if state.last_us is None:
        return replace(state, last_us=t_us, seen=1)
    gap_us = t_us - state.last_us
    if not 0 < gap_us <= LONGEST_PERIOD_US:
        return replace(state, last_us=t_us, seen=state.seen + 1)
    gain = max(GAIN, 1 / state.seen)
    period = state.period_us + gain * (min(gap_us, 3 * state.period_us if state.seen > 3 else gap_us) - state.period_us)
    return replace(state, last_us=t_us, period_us=period, seen=state.seen + 1)
