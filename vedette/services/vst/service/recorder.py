"""Records one stream: hub to segments on the disk, and a gap with its cause wherever there is nothing to record."""

from dataclasses import dataclass
from typing import NoReturn

import anyio

from vedette.kernel.clock import US_PER_SECOND
from vedette.kernel.errors import Fault
from vedette.kernel.lifecycle import Backoff, retry
from vedette.kernel.log import get_logger
from vedette.media.hub import Block, Hub, Subscription
from vedette.media.unit import AccessUnit, seconds_to_90k
from vedette.services.vst.adapters.segment_files import (
    Finished,
    OpenSegment,
    SegmentHeader,
    disk_fault,
)
from vedette.services.vst.core import segmenter
from vedette.services.vst.core.segmenter import Cut, SegmenterState, SegmentPolicy
from vedette.services.vst.model import Cause, Growing, Segment
from vedette.services.vst.service.parts import Parts

_STEP_US = US_PER_SECOND
"""Wall clock and media clock may differ by this much from segment to segment before it counts as a jump."""
_REPEAT_US = 10 * US_PER_SECOND
_MIB = 1 << 20
_HOLD_BACK_S = 0.5


@dataclass(slots=True)
class _Chain:
    """The recording that goes on: where its next segment starts in wall time."""

    recording_id: int
    next_start_us: int


class Recorder:
    """Runs until cancelled; an orderly cancellation finishes the open segment."""

    def __init__(self, stream_id: str, hub: Hub, parts: Parts, *, phase: float) -> None:
        self._stream_id, self._hub = stream_id, hub
        self._folder, self._catalogue = parts.folder, parts.catalogue
        self._clock, self._meters, self._settings = parts.clock, parts.meters, parts.settings
        length = seconds_to_90k(self._settings.segment_s)
        # The first segment of each camera has another length, so that the disk is not asked by all at once.
        self._policy = SegmentPolicy(length, max(length // 4, round(length * (1 - phase))))
        self._state = SegmenterState()
        self._open: OpenSegment | None = None
        self._chain: _Chain | None = None
        self._floor_us = 0
        self._from_cache = True
        self._gap_is_open = False
        self._log = get_logger("vst")
        self.failing = ""

    @property
    def growing(self) -> Growing | None:
        """The durable part of the open segment; None when there is none yet."""
        segment = self._open
        if segment is None or not segment.durable_90k:
            return None
        header = segment.header
        return Growing(header.segment_id, self._stream_id, header.start_us, segment.durable_us, segment.durable_bytes)

    async def run(self) -> None:
        """Records for ever, over camera sessions and failures of the disk."""
        head = await self._catalogue.head(self._stream_id, at_us=self._clock.now())
        self._floor_us = head.until_us
        try:
            await retry(
                self._record_session,
                clock=self._clock,
                log=self._log,
                name=f"recorder {self._stream_id}",
                backoff=Backoff(0.05, 2.0, 5.0),
            )
        finally:
            with anyio.CancelScope(shield=True):
                await self._stop(Cause.STOPPED)

    async def _record_session(self) -> None:
        """Until the recorder itself fails; a camera that ends or fails only opens a gap."""
        while True:
            overflows = self._hub.counters.overflows
            policy = Block(self._settings.queue_mib * _MIB, _HOLD_BACK_S)
            async with self._hub.subscribe(policy, from_cache=self._from_cache) as units:
                self._from_cache = True
                await self._take_all(units)
            stalled = self._hub.running and self._hub.counters.overflows > overflows
            # What the cache holds was recorded before the queue overflowed: go on at the next keyframe.
            self._from_cache = not stalled
            await self._stop(Cause.DISK_STALLED if stalled else Cause.CAMERA)

    async def _take_all(self, units: Subscription) -> None:
        while True:
            try:
                unit = await anext(units)
            except (Fault, StopAsyncIteration):
                return
            try:
                joined = self._join(unit)
                if joined is None or joined.pending:
                    with anyio.CancelScope(shield=True):  # what is taken is finished, a stop waits for it
                        await (self._take(unit) if joined is None else self._flush(joined))
            except OSError as error:
                await self._fail(disk_fault(error), Cause.DISK_FAILED)
            except Fault as fault:
                await self._fail(fault, Cause.RECORDER)

    async def _fail(self, fault: Fault, cause: Cause) -> NoReturn:
        """Keep what was safe before, never what a failed sync left in doubt, and start again at a keyframe."""
        self.failing, self._from_cache = fault.message, False
        segment = self._reset()
        if segment is not None:
            await self._keep_durable(segment, cause)
        else:
            await self._open_gap(self._floor_us or self._clock.now(), cause)
        raise fault

    def _join(self, unit: AccessUnit) -> OpenSegment | None:
        """Most units only join the open segment and wait for nothing: that segment, or None for any other unit."""
        state = self._state
        if unit.is_keyframe or unit.parameters is not state.parameters or unit.dts_90k <= state.last_dts_90k:
            return None
        if self._open is not None:
            self._state, _ = segmenter.feed(state, unit, self._policy)
            self._open.append(unit)
        return self._open

    async def _take(self, unit: AccessUnit) -> None:
        if self._state.parameters is None and self._is_repeated(unit):
            return
        self._state, steps = segmenter.feed(self._state, unit, self._policy)
        for step in steps:
            if isinstance(step, Cut):
                await self._cut(step, unit.wall_us)
            else:
                await self._append(step.unit)

    def _is_repeated(self, unit: AccessUnit) -> bool:
        """A camera that begins with a GOP from before we came gives again what was recorded. One that is far behind has
        had its clock set back, and is recorded."""
        return unit.is_keyframe and 0 < self._floor_us - unit.wall_us <= _REPEAT_US

    async def _append(self, unit: AccessUnit) -> None:
        if self._open is None:
            self._open = await self._begin(unit)
        self._open.append(unit)
        if self._open.pending:
            await self._flush(self._open)

    async def _flush(self, segment: OpenSegment) -> None:
        await segment.flush()
        self.failing = ""
        lag_s = (self._clock.now() - segment.durable_us) / US_PER_SECOND
        self._meters.durability_lag.observe(max(0.0, lag_s))

    async def _begin(self, unit: AccessUnit) -> OpenSegment:
        segment_id = await self._catalogue.next_segment_id()
        if self._chain is None:
            self._chain = _Chain(segment_id, max(unit.wall_us, self._floor_us))
        header = SegmentHeader(
            segment_id=segment_id,
            stream_id=self._stream_id,
            recording_id=self._chain.recording_id,
            start_us=self._chain.next_start_us,
            codec=unit.parameters.codec,
            width=unit.parameters.width,
            height=unit.parameters.height,
        )
        return await self._folder.open(header, unit.parameters, part_us=round(self._settings.part_s * US_PER_SECOND))

    async def _cut(self, cut: Cut, next_wall_us: int) -> None:
        """Finish the open segment because the unit captured at `next_wall_us` begins another one."""
        segment = self._open
        if segment is None:
            return
        finished = await segment.close(cut.end_dts_90k)
        self._open = None
        predicted_us = finished.header.start_us + finished.media_us
        ahead_us = next_wall_us - predicted_us
        if cut.continuous and ahead_us <= _STEP_US:
            # The wall clock may jitter but not run back: a segment never starts before the last one ends.
            end_us = max(next_wall_us, finished.header.start_us + 1) if ahead_us >= -_STEP_US else predicted_us
            self._chain = _Chain(finished.header.recording_id, end_us)
            await self._commit(finished, end_us, None)
            return
        self._chain = None
        await self._commit(finished, predicted_us, Cause.CLOCK if cut.continuous else Cause.CAMERA)

    async def _stop(self, cause: Cause) -> None:
        """Finish the open segment because nothing follows, and open the gap behind it."""
        segment = self._reset()
        if segment is None:
            if self._floor_us:
                await self._open_gap(self._floor_us, cause)
            return
        try:
            finished = await segment.close(None)
        except (OSError, Fault) as error:
            self._log.error("segment_not_finished", sensor_id=self._stream_id, cause=error)
            await self._keep_durable(segment, Cause.DISK_FAILED)
            return
        await self._commit(finished, finished.header.start_us + finished.media_us, cause)

    def _reset(self) -> OpenSegment | None:
        segment, self._open, self._chain = self._open, None, None
        self._state = SegmenterState()
        return segment

    async def _keep_durable(self, segment: OpenSegment, cause: Cause) -> None:
        finished = await segment.salvage()
        if finished is None:
            await self._open_gap(max(segment.header.start_us, self._floor_us), cause)
            return
        await self._commit(finished, finished.header.start_us + finished.media_us, cause)

    async def _open_gap(self, start_us: int, cause: Cause) -> None:
        if self._gap_is_open:
            return
        await self._catalogue.set_absent(self._stream_id, start_us, cause)
        self._note_gap(cause)

    def _note_gap(self, cause: Cause) -> None:
        self._gap_is_open = True
        self._meters.gaps.labels(self._stream_id, cause).inc()
        self._log.info("gap_opened", sensor_id=self._stream_id, cause=str(cause))

    async def _commit(self, finished: Finished, end_us: int, cause: Cause | None) -> None:
        """The row, durably; only from here on does anybody hear of the segment."""
        segment = segment_of(finished, end_us)
        await self._catalogue.add_segment(segment, cause=cause)
        self._floor_us, self._gap_is_open = end_us, False
        self._meters.segments.labels(self._stream_id).inc()
        self._meters.recorded_bytes.labels(self._stream_id).inc(segment.bytes)
        if cause is not None:
            self._note_gap(cause)
        await self._folder.drop_index(segment.segment_id)


def segment_of(finished: Finished, end_us: int) -> Segment:
    """The row of a finished file."""
    header = finished.header
    return Segment(
        segment_id=header.segment_id,
        stream_id=header.stream_id,
        recording_id=header.recording_id,
        start_us=header.start_us,
        end_us=end_us,
        media_us=finished.media_us,
        bytes=finished.bytes,
        digest=finished.digest,
        codec=header.codec,
        width=header.width,
        height=header.height,
    )


def phase_of(stream_id: str) -> float:
    """A number in [0, 1) that depends on the id alone."""
    return (sum(byte * (index + 1) for index, byte in enumerate(stream_id.encode())) % 97) / 97
