"""A camera that is offline raises an alert: told once, held over restarts, ended when it is back or deleted."""

import secrets
from collections.abc import Collection, Sequence

import anyio

from vedette.kernel.clock import Instant, to_iso
from vedette.kernel.lifecycle import Backoff, retry
from vedette.kernel.log import get_logger
from vedette.schema.alert import AlertMessage, Attribute
from vedette.services.vst.core.health import Health, HealthState
from vedette.services.vst.model import CameraAlert, Sensor
from vedette.services.vst.service.parts import Parts
from vedette.services.vst.store import SensorStore


class CameraAlerts:
    """What holds is in the store before anybody is told of it, so that an alert that began is always ended."""

    def __init__(self, parts: Parts) -> None:
        self._clock, self._database, self._outbox = parts.clock, parts.database, parts.outbox
        self._meters = parts.meters
        self._holding: dict[str, CameraAlert] = {}
        self._wanted: dict[str, tuple[Sensor, HealthState]] = {}
        self._changed = anyio.Event()
        self._lock = anyio.Lock()

    async def start(self) -> None:
        """Reads what held when the last process ended."""
        for alert in await self._database.read(lambda connection: SensorStore(connection).list_alerts()):
            self._holding[alert.sensor_id] = alert
            self._meters.offline.labels(alert.sensor_id).set(1)

    async def run(self) -> None:
        """Follows the cameras for ever."""
        log, backoff = get_logger("vst"), Backoff(0.5, 10.0, 30.0)
        await retry(self._follow, clock=self._clock, log=log, name="camera alerts", backoff=backoff)

    def note(self, sensor: Sensor, state: HealthState) -> None:
        """A camera's health has changed; never waits."""
        if state.health in (Health.ONLINE, Health.OFFLINE):
            self._wanted[sensor.sensor_id] = sensor, state
            self._changed.set()

    async def forget(self, sensor_id: str, name: str) -> None:
        """A sensor is deleted: its alert ends."""
        self._wanted.pop(sensor_id, None)
        async with self._lock:
            await self._end(sensor_id, name)

    async def forget_all_but(self, sensor_ids: Collection[str]) -> None:
        """Ends alerts of sensors that were deleted while nobody could be told."""
        for alert in self.holding():
            if alert.sensor_id not in sensor_ids:
                await self.forget(alert.sensor_id, alert.sensor_id)

    def holding(self) -> Sequence[CameraAlert]:
        """Alerts that hold now, the oldest first."""
        return list(self._holding.values())

    async def _follow(self) -> None:
        while True:
            while self._wanted:
                sensor_id, (sensor, state) = next(iter(self._wanted.items()))
                async with self._lock:
                    if state.health is Health.ONLINE:
                        await self._end(sensor_id, sensor.name)
                    elif sensor_id in self._wanted:
                        await self._raise(sensor, state)
                if self._wanted.get(sensor_id) == (sensor, state):
                    del self._wanted[sensor_id]
            self._changed = anyio.Event()
            await self._changed.wait()

    async def _raise(self, sensor: Sensor, state: HealthState) -> None:
        if sensor.sensor_id in self._holding:
            return
        alert = CameraAlert(sensor.sensor_id, secrets.token_hex(8), self._clock.now(), state.code, state.reason)
        await self._database.write(lambda connection: SensorStore(connection).add_alert(alert), durable=True)
        self._holding[sensor.sensor_id] = alert
        self._meters.offline.labels(sensor.sensor_id).set(1)
        self._outbox.tell_alert(message_of(alert, sensor.name, None))
        get_logger("vst").warning("camera_alert", sensor_id=sensor.sensor_id, reason=state.reason)

    async def _end(self, sensor_id: str, name: str) -> None:
        alert = self._holding.get(sensor_id)
        if alert is None:
            return
        await self._database.write(lambda connection: SensorStore(connection).delete_alert(sensor_id), durable=True)
        del self._holding[sensor_id]
        self._meters.offline.labels(sensor_id).set(0)
        self._outbox.tell_alert(message_of(alert, name, self._clock.now()))


def message_of(alert: CameraAlert, name: str, end_us: Instant | None) -> AlertMessage:
    """An alert as the bus carries it; on the bus a camera goes by its name."""
    return AlertMessage(
        id=alert.alert_id,
        sensor_id=name,
        type="sensor",
        rule_type="offline",
        rule_id="camera-offline",
        description=f"{name} is offline. {alert.reason}".strip(),
        start_timestamp=to_iso(alert.since_us),
        end_timestamp="" if end_us is None else to_iso(end_us),
        duration=0.0 if end_us is None else max(0, end_us - alert.since_us) / 1e6,
        attributes=[
            Attribute(name="sensorId", value=alert.sensor_id),
            Attribute(name="errorCode", value=alert.code),
        ],
    )
