"""Listens to what ONVIF cameras notice by themselves, for streams that are recorded by events."""

import secrets
from collections.abc import Callable
from functools import partial

import anyio

from vedette.kernel.clock import Instant
from vedette.kernel.log import get_logger
from vedette.services.vst.adapters.onvif import OnvifDevice
from vedette.services.vst.adapters.onvif.events import Fresh, Stale, Told, watch
from vedette.services.vst.core.camera_events import noticed
from vedette.services.vst.model import Happening, Mode
from vedette.services.vst.service.parts import Parts
from vedette.services.vst.service.probing import unpack_device
from vedette.services.vst.service.sensors import Sensors
from vedette.services.vst.service.streams import Streams

_LOOK_S = 1.0
_JITTER_STEPS = 1 << 20

type Report = Callable[[Happening], None]


class CameraEvents:
    """`report` hears what begins and what ends. A camera whose events cannot be had any more is unknown: what it last
    noticed ends then, with the post-roll, and is not held for ever."""

    def __init__(self, parts: Parts, sensors: Sensors, streams: Streams, *, report: Report) -> None:
        self._clock, self._sensors, self._streams = parts.clock, sensors, streams
        self._report = report
        self._scopes: dict[str, anyio.CancelScope] = {}
        self._holding: dict[str, dict[str, Instant]] = {}

    async def run(self) -> None:
        """Watches the cameras that somebody wants events of, for ever."""
        async with anyio.create_task_group() as group:
            while True:
                wanted = self._wanted()
                for sensor_id in wanted - self._scopes.keys():
                    self._scopes[sensor_id] = anyio.CancelScope()
                    group.start_soon(self._watch, sensor_id, self._scopes[sensor_id])
                for sensor_id in self._scopes.keys() - wanted:
                    self._scopes.pop(sensor_id).cancel()
                await self._clock.sleep(_LOOK_S)

    def _wanted(self) -> set[str]:
        """Sensors that have a stream in mode event and an events service."""
        by_event = {item.sensor_id for item in self._streams.all() if self._streams.rule(item).mode is Mode.EVENT}
        found = set()
        for status in self._sensors.list():
            sensor = status.sensor
            device = unpack_device(sensor.device) if sensor.sensor_id in by_event else None
            if device is not None and device.capabilities.events:
                found.add(sensor.sensor_id)
        return found

    async def _watch(self, sensor_id: str, scope: anyio.CancelScope) -> None:
        try:
            with scope:
                await watch(
                    partial(self._connect, sensor_id),
                    partial(self._take, sensor_id),
                    clock=self._clock,
                    log=get_logger("vst"),
                    jitter=lambda: secrets.randbelow(_JITTER_STEPS) / _JITTER_STEPS,
                )
        finally:
            self._let_go(sensor_id)

    def _connect(self, sensor_id: str) -> OnvifDevice:
        device = unpack_device(self._sensors.camera(sensor_id).sensor.device)
        where = device.xaddr if device is not None else ""
        credentials = self._sensors.credentials(sensor_id)
        return OnvifDevice(where, credentials, dialler=self._sensors.dialler, clock=self._clock)

    def _take(self, sensor_id: str, told: Told) -> None:
        if isinstance(told, Stale):
            get_logger("vst").info("camera_events_stale", sensor_id=sensor_id, reason=told.reason)
            self._let_go(sensor_id)
            return
        state = None if isinstance(told, Fresh) else noticed(told)
        if state is None:
            return
        holding, now_us = self._holding.setdefault(sensor_id, {}), self._clock.now()
        if state.holds and state.key not in holding:
            holding[state.key] = now_us
            self._report(Happening(sensor_id, state.key, now_us))
        elif not state.holds and state.key in holding:
            self._report(Happening(sensor_id, state.key, holding.pop(state.key), now_us))

    def _let_go(self, sensor_id: str) -> None:
        for key, since_us in self._holding.pop(sensor_id, {}).items():
            self._report(Happening(sensor_id, key, since_us, self._clock.now()))
