"""Cuts a stream of units into segments: which bytes go into which file, and where each begins and ends in wall time.

Nothing here waits or touches the disk. What is to be done is told as orders, which the recorder's writing task obeys in
their order.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import msgspec

from vedette.kernel.clock import US_PER_SECOND
from vedette.media.fmp4_writer import SegmentWriter
from vedette.media.unit import AccessUnit, CodecParameters, ticks_to_us
from vedette.services.vst.adapters.segment_files import SegmentHeader
from vedette.services.vst.core import segmenter
from vedette.services.vst.core.segmenter import Cut, SegmenterState, SegmentPolicy
from vedette.services.vst.model import Cause

_STEP_US = US_PER_SECOND
"""Wall clock and media clock may differ by this much from segment to segment before it counts as a jump."""
_REPEAT_US = 10 * US_PER_SECOND


@dataclass(frozen=True, slots=True)
class Begin:
    """Open a new file."""

    header: SegmentHeader


@dataclass(frozen=True, slots=True)
class Part:
    """Put a whole part, which ends at `end_90k` of the file's media, into the open file."""

    data: bytes
    end_90k: int


@dataclass(frozen=True, slots=True)
class Finish:
    """Close the open file after its last part; `[start, end_us)` is its wall time. With a `cause` nothing follows."""

    data: bytes
    end_90k: int
    end_us: int
    cause: Cause | None


type Order = Begin | Part | Finish


@dataclass(slots=True)
class _Growing:
    header: SegmentHeader
    writer: SegmentWriter
    audio: CodecParameters | None


@dataclass(frozen=True, slots=True)
class _Chain:
    """The recording that goes on: where its next segment starts in wall time."""

    recording_id: int
    next_start_us: int


class Cutter:
    """One stream's. `floor_us` is the wall time before which everything is accounted for: no segment begins earlier."""

    def __init__(self, stream_id: str, policy: SegmentPolicy, *, part_us: int, next_id: Callable[[], int]) -> None:
        self._stream_id, self._part_us, self._next_id = stream_id, part_us, next_id
        self.policy = policy
        self.floor_us = 0
        self._recorded_us = 0
        self._state = SegmenterState()
        self._growing: _Growing | None = None
        self._chain: _Chain | None = None
        self._audio: CodecParameters | None = None

    @property
    def is_open(self) -> bool:
        """Whether a segment grows."""
        return self._growing is not None

    @property
    def pending_bytes(self) -> int:
        """Bytes that wait for their part to close."""
        return self._growing.writer.pending_bytes if self._growing else 0

    def start_at(self, until_us: int) -> None:
        """Where the ledger of the stream goes on."""
        self.floor_us = self._recorded_us = until_us

    def feed(self, unit: AccessUnit) -> Sequence[Order]:
        """The next unit in decode order; Fault 422 when it cannot be recorded."""
        if unit.parameters.sample_rate:
            return self._hear(unit)
        state, growing = self._state, self._growing
        if (
            growing is None
            or unit.is_keyframe
            or unit.parameters is not state.parameters
            or unit.dts_90k <= state.last_dts_90k
        ):
            return self._turn(unit)
        self._state, _ = segmenter.feed(state, unit, self.policy)
        part = growing.writer.write(unit)
        return () if part is None else (Part(part, growing.writer.end_90k),)

    def stop(self, cause: Cause) -> list[Order]:
        """Nothing follows for the time being; the open segment is finished with all that it has."""
        growing = self._reset()
        if growing is None:
            return []
        data, summary = growing.writer.close()
        end_us = growing.header.start_us + max(1, ticks_to_us(summary.duration_90k))
        self.floor_us = self._recorded_us = end_us
        return [Finish(data, summary.duration_90k, end_us, cause)]

    def abandon(self) -> None:
        """Forget the open segment, whose file is lost or was finished by other means."""
        self._reset()

    def _hear(self, unit: AccessUnit) -> Sequence[Order]:
        self._audio = unit.parameters
        growing = self._growing
        if growing is not None and growing.audio is unit.parameters:
            growing.writer.write(unit)
        return ()

    def _turn(self, unit: AccessUnit) -> list[Order]:
        if self._state.parameters is None and self._is_repeated(unit):
            return []
        orders: list[Order] = []
        self._state, steps = segmenter.feed(self._state, unit, self.policy, must_cut=self._sound_has_changed())
        for step in steps:
            if isinstance(step, Cut):
                orders += self._cut(step, unit.wall_us)
            else:
                orders += self._append(step.unit)
        return orders

    def _sound_has_changed(self) -> bool:
        return self._growing is not None and self._audio is not self._growing.audio

    def _is_repeated(self, unit: AccessUnit) -> bool:
        """A camera that begins with a GOP from before we came gives again what was recorded. One that is far behind has
        had its clock set back, and is recorded."""
        return unit.is_keyframe and 0 < self._recorded_us - unit.wall_us <= _REPEAT_US

    def _append(self, unit: AccessUnit) -> list[Order]:
        orders: list[Order] = []
        if self._growing is None:
            self._growing = self._begin(unit)
            orders.append(Begin(self._growing.header))
        part = self._growing.writer.write(unit)
        if part is not None:
            orders.append(Part(part, self._growing.writer.end_90k))
        return orders

    def _begin(self, unit: AccessUnit) -> _Growing:
        segment_id = self._next_id()
        if self._chain is None:
            self._chain = _Chain(segment_id, max(unit.wall_us, self.floor_us))
        header = SegmentHeader(
            segment_id=segment_id,
            stream_id=self._stream_id,
            recording_id=self._chain.recording_id,
            start_us=self._chain.next_start_us,
            codec=unit.parameters.codec,
            width=unit.parameters.width,
            height=unit.parameters.height,
            audio=self._audio.codec if self._audio else "",
        )
        writer = SegmentWriter(
            unit.parameters, audio=self._audio, part_us=self._part_us, header=msgspec.json.encode(header)
        )
        return _Growing(header, writer, self._audio)

    def _cut(self, cut: Cut, next_wall_us: int) -> list[Order]:
        """Finish the open segment because the unit captured at `next_wall_us` begins another one."""
        growing, self._growing = self._growing, None
        if growing is None:
            return []
        data, summary = growing.writer.close(next_dts_90k=cut.end_dts_90k)
        header = growing.header
        predicted_us = header.start_us + max(1, ticks_to_us(summary.duration_90k))
        ahead_us = next_wall_us - predicted_us
        if cut.continuous and ahead_us <= _STEP_US:
            # The wall clock may jitter but not run back: a segment never starts before the last one ends.
            end_us = max(next_wall_us, header.start_us + 1) if ahead_us >= -_STEP_US else predicted_us
            self._chain, cause = _Chain(header.recording_id, end_us), None
        else:
            end_us, self._chain = predicted_us, None
            cause = Cause.CLOCK if cut.continuous else Cause.CAMERA
        self.floor_us = self._recorded_us = end_us
        return [Finish(data, summary.duration_90k, end_us, cause)]

    def _reset(self) -> _Growing | None:
        growing, self._growing, self._chain = self._growing, None, None
        self._state = SegmenterState()
        self._audio = None
        return growing


def phase_of(stream_id: str) -> float:
    """A number in [0, 1) that depends on the id alone."""
    return (sum(byte * (index + 1) for index, byte in enumerate(stream_id.encode())) % 97) / 97
