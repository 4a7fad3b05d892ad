"""Where a recording is cut into segments: at keyframes, after the wanted length, and where clocks start anew."""

from dataclasses import dataclass

from vedette.media.unit import AccessUnit, CodecParameters


@dataclass(frozen=True, slots=True)
class SegmentPolicy:
    """How long a segment becomes, in 90 kHz ticks: it ends at the first keyframe at or after that.

    `first_90k` is the length of the first segment of a recording, so that cameras do not all rotate together.
    """

    length_90k: int
    first_90k: int = 0


@dataclass(frozen=True, slots=True)
class SegmenterState:
    """The segment that is open; no parameters, no segment."""

    parameters: CodecParameters | None = None
    first_dts_90k: int = 0
    last_dts_90k: int = 0
    target_90k: int = 0


@dataclass(frozen=True, slots=True)
class Append:
    """Put this unit into the open segment; opens one when none is open."""

    unit: AccessUnit


@dataclass(frozen=True, slots=True)
class Cut:
    """Finish the open segment: it lasts up to `end_dts_90k`, or as long as its last unit when that is None.

    `continuous` says that the next segment follows without a hole, on the same clock and with the same parameters.
    """

    end_dts_90k: int | None
    continuous: bool


type Step = Append | Cut


def feed(
    state: SegmenterState, unit: AccessUnit, policy: SegmentPolicy, *, must_cut: bool = False
) -> tuple[SegmenterState, list[Step]]:
    """The next unit in decode order. Before the first keyframe there is nothing to append to: no steps.

    `must_cut` asks for a cut at the next keyframe whatever the length, as when sound joins.
    """
    if state.parameters is None:
        if not unit.is_keyframe:
            return state, []
        return _opened(unit, policy.first_90k or policy.length_90k), [Append(unit)]
    if unit.parameters is not state.parameters or unit.dts_90k <= state.last_dts_90k:
        return _restart(state, unit, policy)
    if unit.is_keyframe and (must_cut or unit.dts_90k - state.first_dts_90k >= state.target_90k):
        return _opened(unit, policy.length_90k), [Cut(unit.dts_90k, True), Append(unit)]
    return _continued(state, unit), [Append(unit)]


def _restart(state: SegmenterState, unit: AccessUnit, policy: SegmentPolicy) -> tuple[SegmenterState, list[Step]]:
    """Another session or a clock that ran backwards: the old segment ends, a new one needs a keyframe."""
    cut = Cut(None, False)
    if not unit.is_keyframe:
        return SegmenterState(), [cut]
    return _opened(unit, policy.first_90k or policy.length_90k), [cut, Append(unit)]


def _opened(unit: AccessUnit, target_90k: int) -> SegmenterState:
    return SegmenterState(unit.parameters, unit.dts_90k, unit.dts_90k, target_90k)


def _continued(state: SegmenterState, unit: AccessUnit) -> SegmenterState:
    return SegmenterState(state.parameters, state.first_dts_90k, unit.dts_90k, state.target_90k)
