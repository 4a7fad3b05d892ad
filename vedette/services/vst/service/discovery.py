"""Cameras found on the network: listed, added with one call, and followed when they move to another address."""

import re
from collections.abc import Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

import anyio
import msgspec

from vedette.kernel.clock import US_PER_SECOND, Instant
from vedette.kernel.errors import Fault, invalid, not_found
from vedette.kernel.lifecycle import Backoff, retry
from vedette.kernel.log import get_logger
from vedette.services.vst.adapters.discovery import Discovery, Found, Gone
from vedette.services.vst.adapters.onvif import OnvifDevice
from vedette.services.vst.core.health import Health
from vedette.services.vst.core.onvif_types import Device, DeviceInfo, Identity, endpoint_key, same_device
from vedette.services.vst.model import Credentials, NewSensor, Sensor
from vedette.services.vst.service.parts import Parts
from vedette.services.vst.service.probing import unpack_device
from vedette.services.vst.service.sensors import Sensors, identity_of
from vedette.services.vst.store import StorageStore

_FORGET_US = 600 * US_PER_SECOND
_ASK_S = 5.0
_AT_ONCE = 8
_MOST = 1024
_CHOICE = "discovery_interfaces"
_INTERFACE = re.compile(r"[A-Za-z0-9_.:@-]{1,45}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Discovered:
    """A camera that answered. `info` is what it tells a stranger, empty when it tells nothing; `sensor_id` is the
    sensor that it is, None for one that nobody added."""

    found: Found
    last_seen_us: Instant
    info: DeviceInfo
    sensor_id: str | None = None


class Finder:
    """Looks for cameras every `vst.discovery_every_s` seconds, when asked, and hears those that say hello."""

    def __init__(self, parts: Parts, sensors: Sensors) -> None:
        settings = parts.settings
        self._clock, self._settings, self._sensors = parts.clock, settings, sensors
        self._database = parts.database
        self._discovery = self._looking(settings.discovery_interfaces)
        self._listening: anyio.CancelScope | None = None
        self.interfaces: tuple[str, ...] = settings.discovery_interfaces
        self._known: dict[str, Discovered] = {}
        self._scanning = anyio.Lock()
        self._healing: set[str] = set()

    async def run(self) -> None:
        """Looks and listens for ever; ends at once when it is switched off."""
        chosen = await self._database.read(lambda connection: StorageStore(connection).get_choice(_CHOICE))
        if chosen is not None:
            self._look_on(msgspec.json.decode(chosen, type=tuple[str, ...]))
        if not self._settings.discovery_every_s:
            return
        async with anyio.create_task_group() as group:
            for name, work in (("discovery", self._scan_for_ever), ("announcements", self._listen)):
                group.start_soon(self._guard, name, work)

    async def set_interfaces(self, interfaces: Sequence[str], *, actor: str) -> None:
        """Looks on other interfaces from now on, over restarts too. Fault 400 for texts that cannot be interfaces."""
        names = tuple(dict.fromkeys(name.strip() for name in interfaces if name.strip()))
        if not all(_INTERFACE.fullmatch(name) for name in names):
            raise invalid("deviceDiscoveryInterfaces holds names such as eth0, or addresses of this machine.")
        at_us = self._clock.now()
        await self._database.write(
            lambda connection: StorageStore(connection).set_choice(
                _CHOICE, msgspec.json.encode(names), actor=actor, at_us=at_us
            ),
            durable=True,
        )
        self._look_on(names)
        if self._listening is not None:
            self._listening.cancel()

    def list(self) -> Sequence[Discovered]:
        """What was seen in the last ten minutes, by address."""
        since_us = self._clock.now() - _FORGET_US
        seen = [item for item in self._known.values() if item.last_seen_us >= since_us]
        told = [replace(item, sensor_id=self._sensor_of(item)) for item in seen]
        return sorted(told, key=lambda item: (item.found.address, item.found.endpoint))

    async def scan(self, targets: Sequence[str] = ()) -> Sequence[Discovered]:
        """Asks now and waits for the answers; `targets` are addresses or networks that multicast does not reach."""
        async with self._scanning:
            found = await self._discovery.scan(targets, wait_s=self._settings.discovery_wait_s)
        limit = anyio.CapacityLimiter(_AT_ONCE)
        async with anyio.create_task_group() as group:
            for item in found:
                group.start_soon(self._limited, limit, item)
        return self.list()

    async def add(self, endpoint: str, name: str, credentials: Credentials | None) -> str:
        """Adds a camera that was found; returns the sensor's id. Fault 404 when none was, else as `Sensors.add`."""
        item = self._known.get(endpoint_key(endpoint))
        if item is None:
            raise not_found("No camera with this endpoint was found. Scan again, or add it by sensorIp.")
        wanted = NewSensor(
            name=name or self._sensors.free_name(item.found.name or item.found.hardware or item.found.address),
            credentials=credentials,
            address=item.found.xaddrs[0],
            endpoint=item.found.endpoint,
        )
        return await self._sensors.add(wanted)

    async def _guard(self, name: str, work: Callable[[], Awaitable[None]]) -> None:
        await retry(work, clock=self._clock, log=get_logger("vst"), name=name, backoff=Backoff(5.0, 300.0, 600.0))

    async def _scan_for_ever(self) -> None:
        while True:
            await self.scan()
            await self._clock.sleep(self._settings.discovery_every_s)

    def _looking(self, interfaces: tuple[str, ...]) -> Discovery:
        settings = self._settings
        return Discovery(
            settings.allowed_networks, clock=self._clock, interfaces=interfaces, port=settings.discovery_port
        )

    def _look_on(self, interfaces: tuple[str, ...]) -> None:
        self.interfaces, self._discovery = interfaces, self._looking(interfaces)

    async def _listen(self) -> None:
        while True:
            with anyio.CancelScope() as self._listening:
                await self._hear()

    async def _hear(self) -> None:
        async with aclosing(self._discovery.announcements()) as announcements:
            async for item in announcements:
                if isinstance(item, Gone):
                    self._known.pop(endpoint_key(item.endpoint), None)
                else:
                    await self._take(item)

    async def _limited(self, limit: anyio.CapacityLimiter, found: Found) -> None:
        async with limit:
            await self._take(found)

    async def _take(self, found: Found) -> None:
        """Remembers a camera, and sees whether it is one of ours."""
        key = endpoint_key(found.endpoint)
        known = self._known.get(key)
        same = known is not None and known.found.xaddrs == found.xaddrs
        info = known.info if known is not None and same else await self._told(found, None)
        if key not in self._known and len(self._known) >= _MOST:
            del self._known[min(self._known, key=lambda item: self._known[item].last_seen_us)]
        self._known[key] = Discovered(found, self._clock.now(), info)
        for sensor_id in self._missed(found, info):
            await self._heal(sensor_id, found)

    async def _told(self, found: Found, credentials: Credentials | None) -> DeviceInfo:
        """What a device tells of itself; nothing when it wants a password or does not answer."""
        try:
            with anyio.fail_after(_ASK_S):
                async with self._opened(found, credentials) as device:
                    return await device.info()
        except (Fault, TimeoutError) as error:
            get_logger("vst").debug("device_tells_nothing", address=found.address, cause=error)
            return DeviceInfo()

    def _opened(self, found: Found, credentials: Credentials | None) -> OnvifDevice:
        return OnvifDevice(found.xaddrs[0], credentials, dialler=self._sensors.dialler, clock=self._clock)

    def _missed(self, found: Found, info: DeviceInfo) -> Sequence[str]:
        """Sensors that send nothing now and may be this device."""
        mine = _identity(found, info)
        missed = []
        for status in self._sensors.list():
            device = unpack_device(status.sensor.device)
            if device is None or status.health == Health.ONLINE:
                continue
            if same_device(mine, identity_of(device)) or (not info.serial and _looks_like(found, device)):
                missed.append(status.sensor.sensor_id)
        return missed

    async def _heal(self, sensor_id: str, found: Found) -> None:
        """A camera of ours that is away answered: dialled again where it was, or followed to where it is now.

        Anybody on the network can claim to be a camera, so one that still sends is never moved, and the device has to
        know our password's digest and be the same by its serial number.
        """
        camera = self._sensors.find(sensor_id)
        if camera is None or sensor_id in self._healing:
            return
        device = unpack_device(camera.sensor.device)
        if device is None or _same_place(device.xaddr, found.xaddrs[0]):
            camera.reconnect()
            return
        self._healing.add(sensor_id)
        try:
            await self._follow(camera.sensor, device, found)
        except Fault as fault:
            get_logger("vst").info("camera_not_followed", sensor_id=sensor_id, address=found.address, cause=fault)
        finally:
            self._healing.discard(sensor_id)

    async def _follow(self, sensor: Sensor, device: Device, found: Found) -> None:
        credentials = self._sensors.credentials(sensor.sensor_id)
        if not same_device(_identity(found, await self._told(found, credentials)), identity_of(device)):
            return
        wanted = NewSensor(sensor.name, address=found.xaddrs[0], credentials=credentials, endpoint=found.endpoint)
        probed = await self._sensors.prober.by_address(wanted)
        if probed.device is None or not same_device(identity_of(probed.device), identity_of(device)):
            return
        await self._sensors.move(sensor.sensor_id, probed)
        get_logger("vst").info(
            "camera_moved", sensor_id=sensor.sensor_id, was=urlsplit(device.xaddr).netloc, now=found.address, audit=True
        )

    def _sensor_of(self, item: Discovered) -> str | None:
        mine = _identity(item.found, item.info)
        for status in self._sensors.list():
            device = unpack_device(status.sensor.device)
            if device is None:  # added by its RTSP address: known by where it is
                same = urlsplit(status.sensor.url).hostname == item.found.address
            else:
                places = any(_same_place(device.xaddr, xaddr) for xaddr in item.found.xaddrs)
                same = places or same_device(mine, identity_of(device))
            if same:
                return status.sensor.sensor_id
        return None


def _identity(found: Found, info: DeviceInfo) -> Identity:
    return Identity(info.manufacturer, info.model, info.serial, found.endpoint)


def _looks_like(found: Found, device: Device) -> bool:
    """Whether a device that tells a stranger nothing may be this one: worth asking with the password."""
    return bool(found.hardware) and found.hardware.casefold() == device.info.model.casefold()


def _same_place(one: str, other: str) -> bool:
    here, there = urlsplit(one), urlsplit(other)
    return (here.hostname, here.port or 80) == (there.hostname, there.port or 80)
