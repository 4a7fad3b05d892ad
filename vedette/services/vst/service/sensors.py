"""Cameras as users manage them: add with a probe, list, change, replace, remove; and what runs for each."""

import secrets
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from urllib.parse import urlsplit

import anyio

from vedette.kernel.database import Transaction
from vedette.kernel.errors import Fault, conflict, invalid, not_found, unavailable
from vedette.kernel.log import get_logger
from vedette.schema.identity import Subject
from vedette.services.vst.adapters.credentials import Vault
from vedette.services.vst.adapters.resolver import CameraDialler
from vedette.services.vst.core.address import with_host
from vedette.services.vst.core.onvif_types import Device, Identity, same_device
from vedette.services.vst.core.sensor_list import BadNameError, checked_name, free_name
from vedette.services.vst.model import (
    FILE_KIND,
    CameraStatus,
    Cause,
    Credentials,
    NewSensor,
    Sensor,
    SensorDetails,
    Stream,
    StreamKind,
    StreamStatus,
)
from vedette.services.vst.service.camera import Camera
from vedette.services.vst.service.feeds import Feeds, MakeCamera
from vedette.services.vst.service.parts import Parts
from vedette.services.vst.service.probing import (
    Address,
    Probed,
    Prober,
    facts_of_profile,
    pack_device,
    plain_url,
    unpack_device,
)
from vedette.services.vst.service.streams import Streams
from vedette.services.vst.store import CoverageStore, Store

_NAME_TAKEN = "User given name is invalid or already exists"
_EXISTS = "Sensor exists already"
_GONE = "The sensor was deleted."

type Look = Callable[[str], Awaitable[None]]


class Sensors:
    """The registry of cameras: rows in the store and what runs for each. `look` decides whether a stream is recorded;
    it is called when one is new."""

    def __init__(
        self, parts: Parts, streams: Streams, *, vault: Callable[[], Vault], make_camera: MakeCamera, look: Look
    ) -> None:
        self._parts, self._streams = parts, streams
        self._database, self._outbox, self._clock = parts.database, parts.outbox, parts.clock
        self._settings = parts.settings
        self._vault, self._look = vault, look
        self.dialler = CameraDialler(parts.settings.allowed_networks)
        self.prober = Prober(self.dialler, clock=parts.clock, timeout_s=parts.settings.open_timeout_s)
        self.feeds = Feeds(parts, streams, dialler=self.dialler, make_camera=make_camera, known=self._known)
        self._cameras: dict[str, Camera] = {}
        self._probing: set[str] = set()
        self._changing = anyio.Lock()

    async def start(self, group: anyio.abc.TaskGroup) -> None:
        """Runs every camera that the store knows."""
        self.feeds.attach(group)
        await self._streams.load()
        for sensor in await self._database.read(lambda connection: Store(connection).list_sensors()):
            self._run(sensor)

    def list(self, caller: Subject | None = None) -> list[CameraStatus]:
        """All cameras that the caller may see, the oldest first."""
        allowed = set(caller.sensors) if caller is not None and caller.sensors else None
        return [camera.status for key, camera in self._cameras.items() if allowed is None or key in allowed]

    def check_address(self, address: str) -> None:
        """Fault 404 when no camera has this address."""
        if not any(urlsplit(camera.sensor.url).hostname == address for camera in self._cameras.values()):
            raise not_found(f"No camera has the address '{address[:60]}'.", "CameraNotFoundError")

    def camera(self, sensor_id: str) -> Camera:
        """One camera; Fault 404 when there is none."""
        camera = self._cameras.get(sensor_id)
        if camera is None:
            raise not_found(f"There is no sensor '{sensor_id[:100]}'.", "CameraNotFoundError")
        return camera

    def feed(self, stream_id: str) -> Camera:
        """What reads a stream now, main or sub. Fault 404 for an unknown one, 503 for a sub stream that is not read."""
        camera = self.feeds.find(stream_id)
        if camera is None and self._streams.find(stream_id) is not None:
            raise unavailable("This sub stream is read only while a rule wants it recorded. Choose the main stream.")
        return camera or self.camera(stream_id)

    def find(self, stream_id: str) -> Camera | None:
        """What reads a stream now, main or sub, or None."""
        return self.feeds.find(stream_id)

    def named(self, name: str) -> Sequence[str]:
        """Ids of the sensors with this id or name: on the bus a camera goes by its name."""
        return [key for key, camera in self._cameras.items() if name in (key, camera.sensor.name)]

    def streams_of(self, sensor_id: str) -> Sequence[StreamStatus]:
        """The streams of a camera, the main one first; what nobody reads is told as its device told it."""
        camera = self.camera(sensor_id)
        device = unpack_device(camera.sensor.device)
        profiles = {} if device is None else {profile.token: profile for profile in device.profiles}
        found = []
        for stream in self._streams.of(sensor_id):
            runs = self.find(stream.stream_id)
            facts = runs.facts if runs is not None else facts_of_profile(profiles.get(stream.profile))
            relay_url = runs.status.relay_url if runs is not None else ""
            found.append(StreamStatus(stream, camera.sensor.name, facts, relay_url))
        return found

    def is_at(self, stream: Stream, url: str) -> bool:
        """Whether a stream has this URL, however it is spelled."""
        return stream.url == plain_url(url, "url")[0]

    async def add(self, wanted: NewSensor) -> str:
        """Adds a camera once it has shown media; returns its id. Faults: 400 for a URL that is none, 409 for a
        duplicate or at the limit, 403 outside the allowed networks, and what the probe says about the camera."""
        if wanted.url:
            url, inside = plain_url(wanted.url, "sensorUrl")
            wanted = replace(wanted, url=url, credentials=wanted.credentials or inside)
        where = wanted.url or wanted.address
        self._refuse_duplicate(where, _checked(wanted.name or where))
        self._probing.add(where)
        try:
            probed = await (self.prober.by_url(wanted) if wanted.url else self.prober.by_address(wanted))
            async with self._changing:
                sensor_id = await self._accept(wanted, probed)
            # Whoever has the reply may name the camera to the analytics at once, which know it from the bus.
            await self._outbox.told()
            return sensor_id
        finally:
            self._probing.discard(where)

    async def set_details(self, sensor_id: str, *, name: str | None, details: SensorDetails) -> None:
        """Changes what people say about a camera. Fault 409 when the name is taken."""
        camera = self.camera(sensor_id)
        chosen = camera.sensor.name if name is None else _checked(name)
        if any(chosen == other.sensor.name for key, other in self._cameras.items() if key != sensor_id):
            raise conflict(f"{_NAME_TAKEN}: '{chosen}'. Choose another name.")
        await self._save(replace(camera.sensor, name=chosen, details=details))

    def address(self, sensor_id: str) -> str:
        """The host of a camera's main stream. Fault 404 when there is no such sensor."""
        return urlsplit(self.camera(sensor_id).sensor.url).hostname or ""

    async def set_address(self, sensor_id: str, address: str) -> None:
        """The same camera at another address, once it has shown media there. Faults: 400 for no address, 409 when
        another device or another sensor is there, and what the probe says."""
        sensor, credentials = self._known(sensor_id)
        device = unpack_device(sensor.device)
        wanted = NewSensor(sensor.name, credentials=credentials, details=sensor.details, address=address)
        if device is None:
            wanted = replace(wanted, url=_moved(sensor.url, address))
            subs = [_moved(stream.url, address) for stream in self._streams.of(sensor_id)[1:2]]
            probed = await self.prober.by_url(replace(wanted, sub_url=next(iter(subs), "")))
        else:
            probed = await self.prober.by_address(wanted)
            if probed.device is None or not same_device(identity_of(probed.device), identity_of(device)):
                raise conflict("Another camera is at this address. Add it, then let it take this one's place.")
        mine = {stream.url for stream in self._streams.of(sensor_id)}
        if any(probed.main.url == stream.url for stream in self._streams.all() if stream.url not in mine):
            raise conflict(f"{_EXISTS}. Change or delete the sensor that has this address.")
        await self.move(sensor_id, probed)
        get_logger("vst").info("camera_readdressed", sensor_id=sensor_id, address=address)

    async def set_credentials(self, sensor_id: str, credentials: Credentials | None) -> None:
        """Replaces a camera's credentials and dials again with them."""
        camera = self.camera(sensor_id)
        await self._save(replace(camera.sensor, sealed=self._vault().seal(sensor_id, credentials)))
        self.feeds.reconnect(sensor_id)

    def credentials(self, sensor_id: str) -> Credentials | None:
        """How this camera knows us; for calls to the camera only, never for a reply."""
        sensor = self.camera(sensor_id).sensor
        return self._vault().open(sensor_id, sensor.sealed)

    def free_name(self, wanted: str) -> str:
        """A name that no camera has yet."""
        return free_name(wanted, {camera.sensor.name for camera in self._cameras.values()})

    async def note_device(self, sensor_id: str, device: Device) -> None:
        """What a camera says of itself has changed; it is read on where it is."""
        await self._save(replace(self.camera(sensor_id).sensor, device=pack_device(device)))

    async def move(self, sensor_id: str, probed: Probed) -> None:
        """The same camera at other addresses: URLs and device are rewritten, and it is dialled there at once."""
        async with self._changing:
            sensor = self.camera(sensor_id).sensor
            moved = replace(sensor, url=probed.main.url, device=pack_device(probed.device))
            await self._rewrite(moved, probed.addresses)

    async def replace(self, sensor_id: str, other_id: str) -> None:
        """The device of another sensor takes this one's place: name, id, rules and footage stay. The other sensor is
        forgotten, its footage stays under its own id. Fault 409 when both are the same."""
        if sensor_id == other_id:
            raise conflict("A sensor cannot be replaced by itself. Name the sensor whose device takes its place.")
        old, new = self.camera(sensor_id).sensor, self.camera(other_id).sensor
        sealed = self._vault().seal(sensor_id, self._vault().open(other_id, new.sealed))
        addresses = [Address(stream.url, stream.profile) for stream in self._streams.of(other_id)]
        await self.remove(other_id)
        async with self._changing:
            kept = replace(old, url=new.url, kind=new.kind, device=new.device, sealed=sealed)
            await self._rewrite(_with_hardware(kept, new.details), addresses)
        get_logger("vst").info("camera_replaced", sensor_id=sensor_id, by=other_id)

    async def remove(self, sensor_id: str) -> None:
        """Stops and forgets a camera; when this returns nothing of it runs any more. Its recordings stay."""
        camera = self.camera(sensor_id)
        now_us = self._clock.now()
        await self._database.write(lambda connection: Store(connection).delete_sensor(sensor_id), durable=True)
        del self._cameras[sensor_id]
        gone = self._streams.forget_sensor(sensor_id)
        for stream in gone:
            await self.feeds.end(stream.stream_id, now_us)
        camera.hub.close(not_found(_GONE, "CameraNotFoundError"))
        self._outbox.tell(camera.sensor, "camera_remove", url=camera.relay_url, reason="deleted")
        get_logger("vst").info("camera_removed", sensor_id=sensor_id)

    @property
    def changing(self) -> anyio.Lock:
        """Held by whoever adds a sensor, from the last look at its name to the end."""
        return self._changing

    def refuse_name(self, name: str) -> None:
        """Faults for a name that no new sensor can have: 400 for none, 409 when it is taken, or at the limit."""
        self._refuse_duplicate(f"{FILE_KIND}:", _checked(name))

    def adopt(self, sensor: Sensor, stream: Stream) -> None:
        """Lists a sensor that is an uploaded file; its row and its stream are stored already."""
        self._streams.note(stream)
        self._cameras[sensor.sensor_id] = self.feeds.start(sensor, stream)

    def _known(self, sensor_id: str) -> tuple[Sensor, Credentials | None]:
        return self.camera(sensor_id).sensor, self.credentials(sensor_id)

    async def _accept(self, wanted: NewSensor, probed: Probed) -> str:
        given = wanted.name or ("" if probed.device is None else self.free_name(_called(probed.device)))
        name = _checked(given or wanted.url)
        self._refuse_duplicate(probed.main.url, name, probed=probed)
        sensor_id = wanted.sensor_id or secrets.token_hex(8)
        sensor = Sensor(
            sensor_id=sensor_id,
            name=name,
            url=probed.main.url,
            created_us=self._clock.now(),
            sealed=self._vault().seal(sensor_id, probed.credentials),
            details=probed.details,
            kind=probed.kind,
            device=pack_device(probed.device),
        )
        streams = _streams_of(sensor_id, probed.addresses)
        await self._database.write(lambda connection: _add(connection, sensor, streams), durable=True)
        get_logger("vst").info("camera_added", sensor_id=sensor_id, kind=probed.kind, codec=probed.parameters.codec)
        for stream in streams:
            self._streams.note(stream)
        self._run(sensor)
        for stream in streams:
            await self._look(stream.stream_id)
        return sensor_id

    async def _save(self, sensor: Sensor) -> None:
        await self._database.write(lambda connection: Store(connection).set_sensor(sensor), durable=True)
        self._cameras[sensor.sensor_id].sensor = sensor

    async def _rewrite(self, sensor: Sensor, addresses: Sequence[Address]) -> None:
        """Other addresses for a sensor and its streams; a stream that has none any more is forgotten."""
        await self._save(sensor)
        known = self._streams.of(sensor.sensor_id)
        for stream, there in zip(known, addresses, strict=False):
            await self._streams.put(replace(stream, url=there.url, profile=there.profile))
        for stream in known[len(addresses) :]:
            await self._streams.remove(stream.stream_id)
            await self.feeds.end(stream.stream_id, self._clock.now())
        for there in addresses[len(known) :]:
            stream = Stream(secrets.token_hex(8), sensor.sensor_id, StreamKind.SUB, there.url, there.profile)
            await self._streams.put(stream)
            await self._look(stream.stream_id)
        self.feeds.reconnect(sensor.sensor_id)

    def _run(self, sensor: Sensor) -> None:
        if sensor.kind == FILE_KIND:
            self.adopt(sensor, self._streams.get(sensor.sensor_id))
            return
        self._outbox.tell(sensor, "camera_add")
        self._outbox.tell(sensor, "camera_proxy", url=sensor.url)
        self._cameras[sensor.sensor_id] = self.feeds.start(sensor, self._streams.get(sensor.sensor_id))

    def _refuse_duplicate(self, where: str, name: str, *, probed: Probed | None = None) -> None:
        if len(self._cameras) >= self._settings.max_sensors:
            raise conflict(f"Sensors count limit reached: {self._settings.max_sensors}. Remove a sensor first.")
        if self._is_known(where, probed):
            raise conflict(f"{_EXISTS}. Change or delete the sensor that has this address.")
        if any(name == camera.sensor.name for camera in self._cameras.values()):
            raise conflict(f"{_NAME_TAKEN}: '{name}'. Choose another name.")

    def _is_known(self, where: str, probed: Probed | None) -> bool:
        """Whether a stream, a device or, asked by a bare address, a camera is there already."""
        places = {where} if probed is None else {place.url for place in probed.addresses}
        if any(stream.url in places for stream in self._streams.all()):
            return True
        devices = [unpack_device(camera.sensor.device) for camera in self._cameras.values()]
        if probed is None:
            hosts = {urlsplit(camera.sensor.url).hostname for camera in self._cameras.values()}
            return (
                where in self._probing or where in hosts or any(device and _is_at(device, where) for device in devices)
            )
        mine = None if probed.device is None else identity_of(probed.device)
        return mine is not None and any(device and same_device(mine, identity_of(device)) for device in devices)


def identity_of(device: Device) -> Identity:
    """By what a device is known again."""
    info = device.info
    return Identity(info.manufacturer, info.model, info.serial, device.endpoint)


def _checked(name: str) -> str:
    try:
        return checked_name(name)
    except BadNameError as fault:
        raise Fault("InvalidParameterError", 400, f"{_NAME_TAKEN}. {fault}") from fault


def _moved(url: str, address: str) -> str:
    try:
        return with_host(url, address)
    except ValueError as error:
        raise invalid(f"sensorIp is wrong: {error}.") from error


def _called(device: Device) -> str:
    return f"{device.info.manufacturer} {device.info.model}".strip() or urlsplit(device.xaddr).netloc


def _is_at(device: Device, address: str) -> bool:
    """Whether a device was reached at an address as a person writes it: host, `host:port` or XAddr."""
    there = urlsplit(address if "://" in address else f"http://{address}")
    here = urlsplit(device.xaddr)
    try:
        return (there.hostname, there.port or 80) == (here.hostname, here.port or 80)
    except ValueError as error:
        raise invalid("sensorIp is wrong: write an address such as 192.168.1.20 or 192.168.1.20:8080.") from error


def _with_hardware(sensor: Sensor, other: SensorDetails) -> Sensor:
    """What people said of the place stays, what is printed on the device is that of the other."""
    details = replace(
        sensor.details,
        manufacturer=other.manufacturer,
        hardware=other.hardware,
        hardware_id=other.hardware_id,
        serial_number=other.serial_number,
        firmware_version=other.firmware_version,
    )
    return replace(sensor, details=details)


def _streams_of(sensor_id: str, addresses: tuple[Address, ...]) -> list[Stream]:
    main, *others = addresses
    streams = [Stream(sensor_id, sensor_id, StreamKind.MAIN, main.url, main.profile)]
    for other in others:
        streams.append(Stream(secrets.token_hex(8), sensor_id, StreamKind.SUB, other.url, other.profile))
    return streams


def _add(connection: Transaction, sensor: Sensor, streams: list[Stream]) -> None:
    store = Store(connection)
    store.add_sensor(sensor)
    for stream in streams:
        store.add_stream(stream)
        cause = Cause.STARTING if stream.kind is StreamKind.MAIN else Cause.SWITCHED_OFF
        CoverageStore(connection).add_stream(stream.stream_id, sensor.created_us, cause)
