"""Cameras as users manage them: add with a probe, list, change, remove."""

import secrets
from collections.abc import Callable
from dataclasses import replace

import anyio

from vedette.kernel.database import Transaction
from vedette.kernel.errors import Fault, conflict, invalid, not_found
from vedette.kernel.log import get_logger
from vedette.media.source import Source
from vedette.media.sources import open_source, probe
from vedette.media.unit import CodecParameters
from vedette.schema.identity import Subject
from vedette.services.vst.adapters.credentials import Vault
from vedette.services.vst.adapters.resolver import CameraDialler
from vedette.services.vst.core.address import dial_url, split_url
from vedette.services.vst.model import (
    CameraStatus,
    Cause,
    Credentials,
    NewSensor,
    Sensor,
    SensorDetails,
    Stream,
    StreamKind,
)
from vedette.services.vst.service.camera import Camera
from vedette.services.vst.service.parts import Parts
from vedette.services.vst.store import CoverageStore, Store

_MAX_NAME = 100
_NAME_TAKEN = "User given name is invalid or already exists"
_EXISTS = "Sensor exists already"
_GONE = "The sensor was deleted."

type MakeCamera = Callable[[Sensor], Camera]


class Sensors:
    """The registry of cameras: rows in the store and what runs for each."""

    def __init__(self, parts: Parts, *, vault: Callable[[], Vault], make_camera: MakeCamera) -> None:
        self._database, self._outbox, self._clock = parts.database, parts.outbox, parts.clock
        self._meters, self._settings = parts.meters, parts.settings
        self._vault, self._make_camera = vault, make_camera
        self._dialler = CameraDialler(parts.settings.allowed_networks)
        self._cameras: dict[str, Camera] = {}
        self._scopes: dict[str, anyio.CancelScope] = {}
        self._ended: dict[str, anyio.Event] = {}
        self._probing: set[str] = set()
        self._group: anyio.abc.TaskGroup | None = None

    async def start(self, group: anyio.abc.TaskGroup) -> None:
        """Runs every camera that the store knows."""
        self._group = group
        for sensor in await self._database.read(lambda connection: Store(connection).list_sensors()):
            self._run(sensor)

    def list(self, caller: Subject | None = None) -> list[CameraStatus]:
        """All cameras that the caller may see, the oldest first."""
        allowed = set(caller.sensors) if caller is not None and caller.sensors else None
        return [camera.status for key, camera in self._cameras.items() if allowed is None or key in allowed]

    def camera(self, sensor_id: str) -> Camera:
        """One camera; Fault 404 when there is none."""
        camera = self._cameras.get(sensor_id)
        if camera is None:
            raise not_found(f"There is no sensor '{sensor_id[:100]}'.", "CameraNotFoundError")
        return camera

    def find(self, sensor_id: str) -> Camera | None:
        """One camera, or None."""
        return self._cameras.get(sensor_id)

    async def add(self, wanted: NewSensor) -> str:
        """Adds a camera once it has shown media; returns its id. Faults: 400 for a URL that is none, 409 for a
        duplicate or at the limit, 403 outside the allowed networks, and what the probe says about the camera."""
        try:
            url, inside = split_url(wanted.url)
        except ValueError as error:
            raise invalid(f"sensorUrl is wrong: {error}.") from error
        credentials = wanted.credentials or inside
        name = self._checked_name(wanted.name or url)
        self._refuse_duplicate(url, name)
        self._probing.add(url)
        try:
            parameters = await self._probe(url, credentials)
            return await self._accept(url, name, credentials, wanted.details, parameters)
        finally:
            self._probing.discard(url)

    async def set_details(self, sensor_id: str, *, name: str | None, details: SensorDetails) -> None:
        """Changes what people say about a camera. Fault 409 when the name is taken."""
        camera = self.camera(sensor_id)
        chosen = camera.sensor.name if name is None else self._checked_name(name)
        if any(chosen == other.sensor.name for key, other in self._cameras.items() if key != sensor_id):
            raise conflict(f"{_NAME_TAKEN}: '{chosen}'. Choose another name.")
        await self._save(camera, replace(camera.sensor, name=chosen, details=details))

    async def set_credentials(self, sensor_id: str, credentials: Credentials | None) -> None:
        """Replaces a camera's credentials and dials again with them."""
        camera = self.camera(sensor_id)
        await self._save(camera, replace(camera.sensor, sealed=self._vault().seal(sensor_id, credentials)))
        camera.reconnect()

    async def remove(self, sensor_id: str) -> None:
        """Stops and forgets a camera; when this returns nothing of it runs any more. Its recordings stay."""
        camera = self.camera(sensor_id)
        now_us = self._clock.now()
        await self._database.write(lambda connection: Store(connection).delete_sensor(sensor_id), durable=True)
        del self._cameras[sensor_id]
        self._scopes.pop(sensor_id).cancel()
        await self._ended.pop(sensor_id).wait()
        await self._database.write(
            lambda connection: CoverageStore(connection).set_absent(sensor_id, now_us, Cause.SENSOR_REMOVED),
            durable=True,
        )
        camera.hub.close(not_found(_GONE, "CameraNotFoundError"))
        self._meters.forget(sensor_id)
        self._outbox.tell(camera.sensor, "camera_remove", url=camera.relay_url, reason="deleted")
        get_logger("vst").info("camera_removed", sensor_id=sensor_id)

    async def dial(self, sensor: Sensor) -> Source:
        """A source on the camera, at the address that was just checked."""
        settings = self._settings
        credentials = self._vault().open(sensor.sensor_id, sensor.sealed)
        where = dial_url(sensor.url, await self._dialler.resolve(sensor.url), credentials)
        return open_source(
            where,
            clock=self._clock,
            transport=settings.transport,
            read_timeout_s=settings.read_timeout_s,
            open_timeout_s=settings.open_timeout_s,
        )

    async def _probe(self, url: str, credentials: Credentials | None) -> CodecParameters:
        where = dial_url(url, await self._dialler.resolve(url), credentials)
        return await probe(where, clock=self._clock, timeout_s=self._settings.open_timeout_s)

    async def _accept(
        self,
        url: str,
        name: str,
        credentials: Credentials | None,
        details: SensorDetails,
        parameters: CodecParameters,
    ) -> str:
        self._refuse_duplicate(url, name, probed=True)
        sensor_id = secrets.token_hex(8)
        sealed = self._vault().seal(sensor_id, credentials)
        sensor = Sensor(sensor_id, name, url, self._clock.now(), sealed, details)
        main = Stream(sensor_id, sensor_id, StreamKind.MAIN, url)
        await self._database.write(lambda connection: _add(connection, sensor, main), durable=True)
        get_logger("vst").info("camera_added", sensor_id=sensor_id, codec=parameters.codec)
        self._run(sensor)
        return sensor_id

    async def _save(self, camera: Camera, sensor: Sensor) -> None:
        await self._database.write(lambda connection: Store(connection).set_sensor(sensor), durable=True)
        camera.sensor = sensor

    def _run(self, sensor: Sensor) -> None:
        if self._group is None:
            raise RuntimeError("start before adding")
        camera = self._make_camera(sensor)
        self._cameras[sensor.sensor_id] = camera
        self._scopes[sensor.sensor_id] = anyio.CancelScope()
        self._ended[sensor.sensor_id] = anyio.Event()
        self._outbox.tell(sensor, "camera_add")
        self._outbox.tell(sensor, "camera_proxy", url=sensor.url)
        self._group.start_soon(self._guard, camera, self._scopes[sensor.sensor_id], self._ended[sensor.sensor_id])

    @staticmethod
    async def _guard(camera: Camera, scope: anyio.CancelScope, ended: anyio.Event) -> None:
        try:
            with scope:
                await camera.run()
        finally:
            ended.set()

    def _refuse_duplicate(self, url: str, name: str, *, probed: bool = False) -> None:
        if len(self._cameras) >= self._settings.max_sensors:
            raise conflict(f"Sensors count limit reached: {self._settings.max_sensors}. Remove a sensor first.")
        if any(url == camera.sensor.url for camera in self._cameras.values()) or (url in self._probing and not probed):
            raise conflict(f"{_EXISTS}. Change or delete the sensor that has this URL.")
        if any(name == camera.sensor.name for camera in self._cameras.values()):
            raise conflict(f"{_NAME_TAKEN}: '{name}'. Choose another name.")

    @staticmethod
    def _checked_name(name: str) -> str:
        text = name.strip()
        if not text or len(text) > _MAX_NAME or not text.isprintable() or "#-#" in text:
            message = f"{_NAME_TAKEN}. Use 1 to {_MAX_NAME} printable characters."
            raise Fault("InvalidParameterError", 400, message)
        return text


def _add(connection: Transaction, sensor: Sensor, main: Stream) -> None:
    store = Store(connection)
    store.add_sensor(sensor)
    store.add_stream(main)
    CoverageStore(connection).add_stream(main.stream_id, sensor.created_us, Cause.STARTING)
