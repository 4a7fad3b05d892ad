"""One camera at run time: its hub, its health, its recorder, and the loop that connects it again and again."""

import secrets
from collections.abc import Awaitable, Callable

import anyio

from vedette.kernel.errors import Fault
from vedette.kernel.lifecycle import Backoff, retry
from vedette.kernel.log import get_logger
from vedette.media import h264
from vedette.media.hub import Hub
from vedette.media.rtsp_faults import HostSilent
from vedette.media.source import Source
from vedette.media.unit import CodecParameters
from vedette.services.vst.core import health
from vedette.services.vst.core.health import Change, Failure, Health, HealthState, Media, Observation, Tick
from vedette.services.vst.model import CameraStatus, Cause, Growing, Sensor, StreamFacts, facts_of
from vedette.services.vst.service.parts import Parts
from vedette.services.vst.service.recorder import Recorder

_WATCH_S = 0.25
_JITTER_STEPS = 1 << 20

type OpenCamera = Callable[[Sensor], Awaitable[Source]]
type OnHealth = Callable[[HealthState], None]


class Camera:
    """Runs until cancelled. Everything that looks at a camera takes from its `hub`."""

    def __init__(
        self,
        sensor: Sensor,
        hub: Hub,
        parts: Parts,
        *,
        open_source: OpenCamera,
        recorder: Recorder,
        relay_url: str,
        on_health: OnHealth = lambda _state: None,
    ) -> None:
        self.sensor = sensor
        self.hub = hub
        self.recorder = recorder
        self.relay_url = relay_url
        self._open_source, self._on_health = open_source, on_health
        self._outbox, self._clock, self._meters = parts.outbox, parts.clock, parts.meters
        self._settings = parts.settings
        self._state = HealthState()
        self._seen = (0, 0)
        self._dialling: anyio.CancelScope | None = None

    @property
    def status(self) -> CameraStatus:
        """The camera as it is now."""
        state = self._state
        return CameraStatus(
            sensor=self.sensor,
            state="online" if state.health in (Health.ONLINE, Health.DEGRADED) else "offline",
            health=str(state.health),
            code=state.code,
            reason=state.reason or self.recorder.failing,
            facts=self.facts,
            relay_url=self.relay_url if state.announced else "",
            recording=self.recorder.growing is not None,
        )

    @property
    def facts(self) -> StreamFacts:
        """Codec, size and rate of the stream as it was last seen."""
        return facts_of(self.hub.parameters, frame_rate(self.hub.parameters))

    @property
    def growing(self) -> Growing | None:
        """The segment that is being written."""
        return self.recorder.growing

    async def run(self) -> None:
        """Connects, records and watches until cancelled."""
        async with anyio.create_task_group() as group:
            group.start_soon(self.recorder.run)
            group.start_soon(self._connect_for_ever)
            group.start_soon(self._watch)

    def reconnect(self) -> None:
        """Dials at once, because address or credentials have changed."""
        if self._dialling is not None:
            self._dialling.cancel()

    async def _connect_for_ever(self) -> None:
        settings = self._settings
        while True:
            with anyio.CancelScope() as self._dialling:
                await retry(
                    self._session,
                    clock=self._clock,
                    log=get_logger("vst"),
                    name=f"camera {self.sensor.sensor_id}",
                    backoff=Backoff(settings.retry_first_s, settings.retry_most_s, healthy_s=10.0),
                    jitter=lambda: secrets.randbelow(_JITTER_STEPS) / _JITTER_STEPS,
                    on_failure=self._failed,
                )

    async def _session(self) -> None:
        self._meters.sessions.labels(self.sensor.sensor_id).inc()
        source = await self._open_source(self.sensor)
        await self.hub.run(source)

    def _failed(self, error: Exception) -> None:
        self.recorder.set_absence(Cause.NETWORK if isinstance(error, HostSilent) else Cause.CAMERA)
        if isinstance(error, Fault):
            self._observe(Failure(error.code, error.message))
        else:
            self._observe(
                Failure("CommunicationError", "The camera ended the stream. It is connected again by itself.")
            )

    async def _watch(self) -> None:
        """Looks at the hub's counters now and then, so that nothing is called for each unit."""
        while True:
            await self._clock.sleep(_WATCH_S)
            counters = self.hub.counters
            units, octets = counters.units - self._seen[0], counters.bytes - self._seen[1]
            if units:
                self._seen = (counters.units, counters.bytes)
                self._meters.frames.labels(self.sensor.sensor_id).inc(units)
                self._meters.bytes.labels(self.sensor.sensor_id).inc(octets)
            self._observe(Media(counters.last_unit_at) if units and self.hub.running else Tick())

    def _observe(self, observation: Observation) -> None:
        before = self._state.health
        self._state, changes = health.step(
            self._state,
            observation,
            self._clock.monotonic(),
            offline_after_s=self._settings.offline_after_s,
            quiet_after_s=self._settings.read_timeout_s,
        )
        if self._state.health is not before:
            self._meters.online.labels(self.sensor.sensor_id).set(self._state.health is Health.ONLINE)
            get_logger("vst").info(
                "camera_health",
                sensor_id=self.sensor.sensor_id,
                health=str(self._state.health),
                reason=self._state.reason,
            )
            self._on_health(self._state)
        for change in changes:
            if change is Change.STREAMING:
                self._outbox.tell(self.sensor, "camera_streaming", url=self.relay_url, facts=self.facts)
            else:
                self._outbox.tell(self.sensor, "camera_remove", url=self.relay_url, reason="offline")


def frame_rate(parameters: CodecParameters | None) -> float | None:
    """Frames a second as the stream itself states them, if it does."""
    if parameters is None or parameters.codec != "h264":
        return None
    sps, _ = h264.parameter_sets(parameters.extradata)
    try:
        fps = h264.parse_sps(sps[0]).fps if sps else None
    except ValueError:
        return None
    return float(fps) if fps else None
