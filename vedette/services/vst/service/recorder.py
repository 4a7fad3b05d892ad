"""Records one stream: hub to segments on the disk, and the cause in the ledger wherever there is nothing to record.

Two halves. The taking half is called by the hub for each unit and never waits: it cuts segments and leaves orders. The
writing half is a task that obeys them, one disk call a part. Between them lies a queue that is bounded in bytes; when
the disk does not keep up it is emptied in peace, and what could not be queued is a declared gap.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import override

import anyio

from vedette.kernel.clock import US_PER_SECOND, Instant
from vedette.kernel.errors import Fault
from vedette.kernel.lifecycle import Backoff, retry
from vedette.kernel.log import get_logger
from vedette.media.hub import Hub, Sink
from vedette.media.unit import AccessUnit, seconds_to_90k
from vedette.services.vst.adapters.segment_files import Finished, SegmentFile, disk_fault
from vedette.services.vst.core.preroll import PreRoll
from vedette.services.vst.core.segmenter import SegmentPolicy
from vedette.services.vst.model import Cause, Growing, Segment
from vedette.services.vst.service.cutter import Begin, Cutter, Finish, Order, Part
from vedette.services.vst.service.parts import Parts
from vedette.services.vst.service.sound import Sound

_MIB = 1 << 20
_HUNG_S = 15.0
_HUNG = (
    "The disk has not answered for 15 s and more. Check its cable and its health; recording goes on when it answers."
)


@dataclass(frozen=True, slots=True)
class _Absent:
    """From `at_us` on nothing is recorded because of `cause`."""

    at_us: Instant
    cause: Cause


@dataclass(frozen=True, slots=True)
class _Commit:
    """A finished file whose row the catalogue must still take."""

    segment: Segment
    cause: Cause | None


class Recorder(Sink):
    """Runs until cancelled; an orderly cancellation finishes the open segment."""

    def __init__(self, stream_id: str, hub: Hub, parts: Parts, *, phase: float) -> None:
        settings = parts.settings
        self._stream_id, self._hub, self._clock, self._meters = stream_id, hub, parts.clock, parts.meters
        self._folder, self._catalogue, self._disk = parts.folder, parts.catalogue, parts.disk
        length = seconds_to_90k(settings.segment_s)
        # The first segment of each camera has another length, so that the disk is not asked by all at once.
        policy = SegmentPolicy(length, max(length // 4, round(length * (1 - phase))))
        part_us = round(settings.part_s * US_PER_SECOND)
        self._cutter = Cutter(stream_id, policy, part_us=part_us, next_id=parts.catalogue.take_segment_id)
        self._most_bytes = settings.queue_mib * _MIB
        self._pre_roll = PreRoll(seconds_to_90k(0), self._most_bytes)
        self._orders: deque[Order | _Absent] = deque()
        self._queued_bytes = 0
        self._filled = anyio.Event()
        self._file: SegmentFile | None = None
        self._uncommitted: _Commit | None = None
        self._cause: Cause | None = Cause.STARTING
        self._wanted, self._resting = True, Cause.NOT_SCHEDULED
        self._sound: Sound | None = None
        self._may_take = self._stalled = False
        self._writing_since: float | None = None
        self._log = get_logger("vst")
        self._failing = ""

    @property
    def failing(self) -> str:
        """What is wrong with the disk or the catalogue, empty while all is well; a call that hangs is told, too."""
        hangs = self._writing_since is not None and self._clock.monotonic() - self._writing_since > _HUNG_S
        return _HUNG if hangs else self._failing

    @property
    def growing(self) -> Growing | None:
        """The durable part of the open segment; None when there is none yet."""
        file = self._file
        if file is None or not file.durable_90k:
            return None
        header = file.header
        return Growing(header.segment_id, self._stream_id, header.start_us, file.durable_us, file.durable_bytes)

    @property
    def ready(self) -> bool:
        """Whether the next keyframe would be recorded."""
        return self._may_take and self._wanted and not self._stalled

    @property
    def idle(self) -> bool:
        """Whether nothing waits to be written; a part that still grows does not count."""
        return not (self._orders or self._uncommitted or self._writing_since is not None)

    @property
    def wanted(self) -> bool:
        """Whether the stream is to be recorded now."""
        return self._wanted

    def set_rule_state(
        self, wanted: bool, cause: Cause = Cause.NOT_SCHEDULED, *, pre_roll_s: float = 0.0, audio: bool = False
    ) -> None:
        """Whether the stream is to be recorded from now on, and the cause when not.

        When it becomes wanted, recording begins `pre_roll_s` seconds before now as far as that is at hand, and with the
        current GOP at least.
        """
        self._pre_roll.set_length(seconds_to_90k(pre_roll_s))
        if not audio or self._sound is None:
            self._sound = Sound(self._stream_id) if audio else None
        if wanted and not self._wanted:
            self._wanted = True
            for unit in self._pre_roll.drain() or self._hub.cached_units():
                self._take(unit)
        elif not wanted:
            self._wanted, self._resting = False, cause
            self._cease(cause)

    def set_absence(self, cause: Cause) -> None:
        """What keeps the camera from being recorded now, while nothing is; said as often as it is seen."""
        if self._wanted and not self._cutter.is_open:
            self._declare(self._clock.now(), cause)

    async def run(self) -> None:
        """Records for ever, over camera sessions and failures of the disk."""
        await self._catalogue.top_up()
        head = await self._catalogue.head(self._stream_id, at_us=self._clock.now())
        self._cutter.start_at(head.until_us)
        self._cause = head.cause
        self._hub.attach(self)
        try:
            await retry(
                self._write_for_ever,
                clock=self._clock,
                log=self._log,
                name=f"recorder {self._stream_id}",
                backoff=Backoff(0.05, 2.0, 5.0),
            )
        finally:
            self._hub.detach(self)
            with anyio.CancelScope(shield=True):
                await self._stop()

    @override
    def take(self, unit: AccessUnit) -> None:
        if not unit.parameters.sample_rate:
            self._take(unit)
        elif self._sound is not None:
            for heard in self._sound.recordable(unit):
                self._take(heard)

    def _take(self, unit: AccessUnit) -> None:
        if not self._wanted:
            self._pre_roll.feed(unit)
            return
        if not self._may_take or (self._stalled and not self._has_room()):
            return
        try:
            orders = self._cutter.feed(unit)
        except Fault as fault:
            self._failing = fault.message
            self._cease(Cause.RECORDER)
            return
        if orders:
            self._queue(orders)

    @override
    def end_session(self, fault: Fault | None) -> None:
        self._pre_roll.clear()
        if self._wanted:
            self._cease(Cause.CAMERA)

    def _has_room(self) -> bool:
        """After a stall the queue is emptied first; recording goes on at the next keyframe."""
        self._stalled = self._queued_bytes > 0
        return not self._stalled

    def _cease(self, cause: Cause) -> None:
        """Finish the open segment because nothing follows, and open the gap behind it."""
        orders = self._cutter.stop(cause)
        if orders:
            self._queue(orders)
        else:
            self._declare(self._clock.now(), cause)

    def _queue(self, orders: Sequence[Order | _Absent]) -> None:
        self._orders += orders
        for order in orders:
            match order:
                case Part(data):
                    self._queued_bytes += len(data)
                case Finish(data, cause=cause):
                    self._queued_bytes += len(data)
                    self._note(cause)
                case _Absent(cause=cause):
                    self._note(cause)
                case Begin():
                    pass
        self._filled.set()
        if not self._stalled and self._queued_bytes + self._cutter.pending_bytes > self._most_bytes:
            self._stalled = True
            self._cease(Cause.DISK_STALLED)

    def _declare(self, at_us: Instant, cause: Cause) -> None:
        if self._cause is not cause and self._may_take:
            self._begin_absence(at_us, cause)

    def _begin_absence(self, at_us: Instant, cause: Cause) -> None:
        if self._cause is not None:
            # What lasted until now becomes a line of the ledger, and no segment may reach behind it.
            self._cutter.floor_us = max(self._cutter.floor_us, at_us)
        self._queue([_Absent(at_us, cause)])

    def _note(self, cause: Cause | None) -> None:
        self._cause = cause
        if cause is not None:
            self._meters.gaps.labels(self._stream_id, cause).inc()
            self._log.info("gap_opened", sensor_id=self._stream_id, cause=str(cause))

    async def _write_for_ever(self) -> None:
        self._may_take = True
        if not self._wanted:
            self._declare(self._clock.now(), self._resting)
        while True:
            if not self._orders and self._uncommitted is None:
                self._filled = anyio.Event()
                await self._filled.wait()
            with anyio.CancelScope(shield=True):  # what is taken is written, a stop waits for it
                await self._obey_all()

    async def _obey_all(self) -> None:
        """What a failing catalogue leaves undone stays at hand, in order, for the next try."""
        try:
            self._writing_since = self._clock.monotonic()
            await self._commit()
            while self._orders:
                self._writing_since = self._clock.monotonic()
                try:
                    await self._obey_next()
                except OSError as error:
                    await self._fail(error)
            await self._catalogue.top_up()
        finally:
            self._writing_since = None

    async def _obey_next(self) -> None:
        parts = self._next_parts()
        if parts:
            await self._write(parts)
            return
        await self._obey(self._orders[0])
        self._orders.popleft()
        await self._commit()

    def _next_parts(self) -> list[Part]:
        """Parts that wait together are made durable together."""
        parts: list[Part] = []
        while self._orders and isinstance(self._orders[0], Part):
            order = self._orders.popleft()
            if isinstance(order, Part):
                parts.append(order)
        return parts

    async def _write(self, parts: Sequence[Part]) -> None:
        file = self._file
        self._queued_bytes -= sum(len(part.data) for part in parts)
        if file is None:
            return

        def write() -> None:
            for part in parts:
                file.append(part.data, part.end_90k)
            file.sync()

        await self._folder.run(write)
        self._failing = ""
        lag_s = (self._clock.now() - file.durable_us) / US_PER_SECOND
        self._meters.durability_lag.observe(max(0.0, lag_s))

    async def _obey(self, order: Order | _Absent) -> None:
        match order:
            case Begin(header):
                self._disk.check()
                file = SegmentFile(self._folder, header)
                await self._folder.run(file.create)
                self._file = file
            case Finish():
                await self._finish(order)
            case _Absent(at_us, cause):
                await self._catalogue.set_absent(self._stream_id, at_us, cause)
            case Part():
                await self._write([order])

    async def _finish(self, order: Finish) -> None:
        file = self._file
        self._queued_bytes -= len(order.data)
        if file is None:
            return

        def finish() -> Finished:
            if order.data:
                file.append(order.data, order.end_90k)
            return file.close_finish()

        finished = await self._folder.run(finish)
        self._failing = ""
        self._uncommitted = _Commit(segment_of(finished, order.end_us), order.cause)

    async def _commit(self) -> None:
        """The row, durably; only from here on does anybody hear of the segment."""
        if self._uncommitted is None:
            return
        segment = self._uncommitted.segment
        await self._catalogue.add_segment(segment, cause=self._uncommitted.cause)
        self._file = self._uncommitted = None
        self._meters.segments.labels(self._stream_id).inc()
        self._meters.recorded_bytes.labels(self._stream_id).inc(segment.bytes)

    async def _fail(self, error: OSError) -> None:
        """Keep what was safe before, never what a failed sync left in doubt, and start again at a keyframe."""
        fault = disk_fault(error)
        self._failing, self._may_take = fault.message, False
        cause = Cause.DISK_FULL if fault.status == 507 else Cause.DISK_FAILED
        self._cutter.abandon()
        self._orders.clear()
        self._queued_bytes = 0
        file = self._file
        finished = None if file is None else await self._folder.run(file.salvage)
        if finished is not None:
            end_us = finished.header.start_us + max(1, finished.media_us)
            self._uncommitted = _Commit(segment_of(finished, end_us), cause)
            self._note(cause)
        else:
            self._file = None
            self._begin_absence(self._clock.now(), cause)
        raise fault

    async def _stop(self) -> None:
        """Finishes what is open, and says that it is the recorder that ends."""
        if self._wanted:
            self._cease(Cause.STOPPED)
        self._may_take = False
        try:
            await self._obey_all()
        except Fault as fault:
            self._log.error("segment_not_finished", sensor_id=self._stream_id, cause=fault)


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
        audio=header.audio,
    )
