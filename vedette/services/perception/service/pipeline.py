"""One stream from its source to its messages: receive and decode in one task, detect and track in another."""

from collections.abc import Callable
from contextlib import aclosing
from dataclasses import dataclass, replace

import anyio

from vedette.kernel.clock import Clock, to_iso
from vedette.kernel.errors import Fault
from vedette.kernel.lifecycle import Backoff, retry
from vedette.kernel.log import get_logger, redact_text
from vedette.media.source import Source, opened
from vedette.media.unit import Frame
from vedette.services.perception.adapters.decoders import Decoder, PictureSize, Wanted
from vedette.services.perception.adapters.detectors import Detector
from vedette.services.perception.core import sampler, tracker
from vedette.services.perception.core.messages import compose
from vedette.services.perception.core.sampler import SamplerState
from vedette.services.perception.core.tracker import Rules
from vedette.services.perception.model import Detections, Pace, StreamReport, StreamRequest
from vedette.services.perception.service.ids import Block, IdBlocks
from vedette.services.perception.service.mailbox import Mailbox
from vedette.services.perception.service.meters import Meters
from vedette.services.perception.service.publisher import Publisher

_RECONNECT = Backoff(first_s=0.5, most_s=10.0, healthy_s=30.0)
_log = get_logger("perception.pipeline")


@dataclass(frozen=True, slots=True)
class Watcher:
    """A detector and the lock that gives its streams their turns, first come first served: none can starve another."""

    detector: Detector
    turn: anyio.Lock


@dataclass(frozen=True, slots=True)
class Parts:
    """What all pipelines share."""

    clock: Clock
    publisher: Publisher
    ids: IdBlocks
    meters: Meters
    open_source: Callable[[str], Source]
    open_decoder: Callable[[Wanted, PictureSize], Decoder]


class Pipeline:
    """Watches one stream until cancelled; reconnects for ever. `url` may hold credentials and is never shown."""

    def __init__(
        self, request: StreamRequest, *, url: str, watcher: Watcher, rules: Rules, pace: Pace, parts: Parts
    ) -> None:
        self.request = request
        self.report = StreamReport(request.camera_id, request.name, "connecting", pace=pace)
        self._url, self._watcher, self._parts = url, watcher, parts
        self._rules = watcher.detector.rules(rules)
        self._mailbox = Mailbox()
        self._sampler = SamplerState()
        self._phase = sampler.phase_of(request.camera_id)
        self._state = tracker.initial(rules=self._rules)
        self._block: Block | None = None
        self._counted: dict[str, float] = {}

    def set_pace(self, pace: Pace) -> None:
        """Changes how often pictures are inferred; tracks and ids stay."""
        self.report.pace = pace

    async def run(self) -> None:
        """Works until cancelled."""
        try:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(self._guarded_receive)
                tasks.start_soon(self._guarded_watch)
        finally:
            with anyio.CancelScope(shield=True):
                if self._block is not None:
                    await self._parts.ids.give_back(self._block, self._state.next_id)
            self._parts.meters.forget(self.request.camera_id)

    async def _guarded_receive(self) -> None:
        name = f"receive {self.request.name}"
        await retry(
            self._receive,
            clock=self._parts.clock,
            log=_log,
            name=name,
            backoff=_RECONNECT,
            jitter=lambda: self._phase,
            on_failure=self._failed,
        )

    async def _guarded_watch(self) -> None:
        await retry(self._watch, clock=self._parts.clock, log=_log, name=f"watch {self.request.name}")

    async def _receive(self) -> None:
        self.report.state = "connecting"
        decoder = self._parts.open_decoder(self._wanted, self._watcher.detector.picture_size)
        source = self._parts.open_source(self._url)
        async with opened(source) as units, aclosing(decoder.frames(units)) as frames:
            before_s = 0.0
            async for frame in frames:
                if self.report.state != "streaming":
                    self.report.state, self.report.cause = "streaming", ""
                    _log.info(
                        "stream_decoding", sensor_id=self.request.camera_id, width=frame.width, height=frame.height
                    )
                self.report.width, self.report.height = frame.width, frame.height
                self.report.decode_s += decoder.busy_s - before_s
                before_s = decoder.busy_s
                self._mailbox.put(frame)

    def _wanted(self, wall_us: int) -> bool:
        """Called in the decoder's thread, once for each picture in order."""
        self._sampler, wanted = sampler.step(self._sampler, wall_us, self.report.pace, phase=self._phase)
        return wanted

    def _failed(self, cause: Exception) -> None:
        text = cause.message if isinstance(cause, Fault) else type(cause).__name__
        self.report.state, self.report.cause = "failed", redact_text(text)

    async def _watch(self) -> None:
        while True:
            frame = await self._mailbox.get()
            if frame.image.size:
                await self._infer(frame)
            else:
                await self._follow(frame, None)

    async def _infer(self, frame: Frame) -> None:
        """Waits for the turn, then looks at the newest picture; older ones that waited meanwhile are predicted."""
        clock, meters = self._parts.clock, self._parts.meters
        async with self._watcher.turn:
            for newer in self._mailbox.take_before_picture():
                self._mailbox.superseded += 1 if frame.image.size else 0
                await self._follow(frame, None)
                frame = newer
            started = clock.monotonic()
            meters.picture_age_s.observe(max(0.0, (clock.now() - frame.wall_us) / 1e6))
            (detections,) = await self._watcher.detector.detect([frame])
            spent_s = clock.monotonic() - started
        self.report.inferences += 1
        self.report.inference_s += spent_s
        meters.inference_s.observe(spent_s)
        await self._follow(frame, detections)
        meters.latency_s.observe(max(0.0, (clock.now() - frame.wall_us) / 1e6))

    async def _follow(self, frame: Frame, detections: Detections | None) -> None:
        """Tracks one frame and hands its message on."""
        if detections is not None:
            await self._reserve_ids()
        started = self._parts.clock.monotonic()
        self._state, tracks = tracker.step(
            self._state, detections, frame.wall_us, rules=self._rules, picture=(frame.width, frame.height)
        )
        self.report.tracking_s += self._parts.clock.monotonic() - started
        self.report.frames += 1
        self.report.tracks = len(tracks)
        self._parts.publisher.put(
            compose(
                tracks,
                frame,
                sensor=self.request.name,
                timestamp=to_iso(frame.wall_us),
                classes=self._watcher.detector.classes,
            )
        )
        self._count()

    async def _reserve_ids(self) -> None:
        if self._block is not None and self._state.next_id + self._rules.max_boxes <= self._block.end:
            return
        before = self._block
        block = await self._parts.ids.reserve(self.request.camera_id, self.request.name)
        if before is None or block.first != before.end:
            self._state = replace(self._state, next_id=block.first)
        self._block = block

    def _count(self) -> None:
        """Brings the metrics up to the report."""
        sensor, report, mailbox, meters = self.request.camera_id, self.report, self._mailbox, self._parts.meters
        report.dropped = mailbox.superseded + mailbox.overflowed
        now = {
            "frames": float(report.frames),
            "inferences": float(report.inferences),
            "superseded": float(mailbox.superseded),
            "overflowed": float(mailbox.overflowed),
            "capped": float(self._state.overflow),
            "decode": report.decode_s,
            "inference": report.inference_s,
            "tracking": report.tracking_s,
        }
        grown = {key: value - self._counted.get(key, 0.0) for key, value in now.items()}
        self._counted = now
        meters.frames.labels(sensor).inc(grown["frames"])
        meters.inferences.labels(sensor).inc(grown["inferences"])
        meters.tracks.labels(sensor).set(len(self._state))
        for cause in ("superseded", "overflowed", "capped"):
            meters.dropped.labels(sensor, cause).inc(grown[cause])
        for step in ("decode", "inference", "tracking"):
            meters.cost_s.labels(sensor, step).inc(grown[step])
