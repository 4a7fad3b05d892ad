"""The cutter: orders that can be obeyed, segments that follow one another, wall times that never overlap."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import count, pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.clips import encode
from vedette.media.unit import AccessUnit, CodecParameters
from vedette.services.vst.adapters.segment_files import SegmentHeader
from vedette.services.vst.core.segmenter import SegmentPolicy
from vedette.services.vst.model import Cause
from vedette.services.vst.service.cutter import Begin, Cutter, Finish, Order, Part, phase_of

SECOND = 1_000_000
TICKS = 3000
START_US = 1_700_000_000 * SECOND
[FIRST, *_] = encode(1)


@dataclass
class Written:
    """What a disk would hold after the orders."""

    segments: list[tuple[SegmentHeader, Finish, int]] = field(default_factory=list)
    open: SegmentHeader | None = None
    parts: int = 0

    def obey(self, orders: Sequence[Order]) -> None:
        """Fails when an order cannot be obeyed after those before it."""
        for order in orders:
            match order:
                case Begin(header):
                    assert self.open is None
                    self.open, self.parts = header, 0
                case Part(data, end_90k):
                    assert self.open is not None
                    assert data
                    assert end_90k > 0
                    self.parts += 1
                case Finish():
                    assert self.open is not None
                    self.segments.append((self.open, order, self.parts))
                    self.open = None


def cutter(*, length_s: float = 1.0, floor_us: int = 0) -> Cutter:
    ids = count(1)
    made = Cutter(
        "cam", SegmentPolicy(round(length_s * 90_000), 0), part_us=SECOND, next_id=lambda: next(ids)
    )  # fmt: skip
    made.start_at(floor_us)
    return made


def session(
    frames: int, *, wall_us: int, gop: int = 10, drift_us: int = 0, parameters: CodecParameters | None = None
) -> list[AccessUnit]:
    """Frames at 30 a second in parameters of their own; the wall clock gains `drift_us` a frame."""
    own = parameters or CodecParameters("h264", FIRST.parameters.extradata, 640, 360)
    return [
        AccessUnit(FIRST.data, i * TICKS, i * TICKS, wall_us + i * (33_333 + drift_us), i % gop == 0, own)
        for i in range(frames)
    ]


@given(
    st.lists(
        st.tuples(
            st.integers(1, 70), st.integers(1, 20), st.integers(-15 * SECOND, 15 * SECOND), st.integers(-9000, 9000)
        ),
        max_size=6,
    ),
    st.floats(0.2, 3),
)
@settings(deadline=None)
def test_segments_never_overlap_and_orders_can_be_obeyed(
    sessions: list[tuple[int, int, int, int]], length_s: float
) -> None:
    some, written, wall_us = cutter(length_s=length_s, floor_us=START_US), Written(), START_US
    for frames, gop, jump_us, drift_us in sessions:
        wall_us = max(1, wall_us + jump_us)
        for unit in session(frames, wall_us=wall_us, gop=gop, drift_us=drift_us):
            written.obey(some.feed(unit))
            wall_us = unit.wall_us
        written.obey(some.stop(Cause.CAMERA))
    assert written.open is None
    cursor = START_US
    for header, finish, _ in written.segments:
        assert header.start_us >= cursor
        assert finish.end_us > header.start_us
        cursor = finish.end_us
    for (before, end, _), (after, _, _) in pairwise(written.segments):
        follows = before.recording_id == after.recording_id
        assert follows == (end.cause is None)
        assert not follows or after.start_us == end.end_us


def test_a_session_is_cut_at_keyframes_without_a_hole() -> None:
    some, written = cutter(), Written()
    for unit in session(95, wall_us=START_US):
        written.obey(some.feed(unit))
    written.obey(some.stop(Cause.STOPPED))
    lengths = [finish.end_90k // TICKS for _, finish, _ in written.segments]
    assert lengths == [30, 30, 30, 5]
    assert [finish.cause for _, finish, _ in written.segments] == [None, None, None, Cause.STOPPED]
    assert some.floor_us == written.segments[-1][1].end_us


def test_what_was_recorded_before_is_not_recorded_again() -> None:
    some, written = cutter(), Written()
    for unit in session(30, wall_us=START_US):
        written.obey(some.feed(unit))
    written.obey(some.stop(Cause.CAMERA))
    for unit in session(40, wall_us=START_US + SECOND // 2):  # a camera that begins with its cached GOPs
        written.obey(some.feed(unit))
    written.obey(some.stop(Cause.CAMERA))
    (_, first, _), (second, _, _) = written.segments
    assert second.start_us >= first.end_us


@pytest.mark.parametrize("late", [False, True])
def test_sound_joins_at_the_next_keyframe(late: bool) -> None:
    some, written = cutter(length_s=60), Written()
    aac = CodecParameters("aac", bytes.fromhex("1190"), sample_rate=48_000, channels=2)
    for number, unit in enumerate(session(60, wall_us=START_US)):
        if number >= (25 if late else 0):
            sound = AccessUnit(b"frame", unit.pts_90k, unit.pts_90k, unit.wall_us, False, aac)
            written.obey(some.feed(sound))
        written.obey(some.feed(unit))
    written.obey(some.stop(Cause.STOPPED))
    assert [header.audio for header, _, _ in written.segments] == (["", "aac"] if late else ["aac"])
    assert [finish.end_90k // TICKS for _, finish, _ in written.segments] == ([30, 30] if late else [60])


def test_an_abandoned_segment_is_forgotten() -> None:
    some = cutter()
    for unit in session(5, wall_us=START_US):
        some.feed(unit)
    assert some.is_open
    assert some.pending_bytes > 0
    some.abandon()
    assert (some.is_open, some.pending_bytes, some.stop(Cause.STOPPED)) == (False, 0, [])


def test_phases_spread() -> None:
    phases = {phase_of(f"camera-{number}") for number in range(50)}
    assert len(phases) > 25
    assert all(0 <= phase < 1 for phase in phases)
