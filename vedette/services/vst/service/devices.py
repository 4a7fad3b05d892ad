"""What a person does to a camera over ONVIF: settings, network, restart, PTZ, and a picture taken by the camera."""

import re
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import anyio
import msgspec

from vedette.kernel.errors import Fault, invalid, not_found
from vedette.kernel.log import get_logger
from vedette.services.vst.adapters.onvif import OnvifDevice, controls
from vedette.services.vst.core import camera_settings
from vedette.services.vst.core.onvif_types import Device, Network, Position, Preset, Profile, PtzStatus
from vedette.services.vst.model import Stream
from vedette.services.vst.service.parts import Parts
from vedette.services.vst.service.probing import unpack_device
from vedette.services.vst.service.sensors import Sensors
from vedette.services.vst.service.streams import Streams
from vedette.services.vst.store import StorageStore

_NO_ONVIF = (
    "{name} was added by its RTSP address, which tells nothing of this. Add it by sensorIp if it speaks ONVIF, and let "
    "that take its place with sensor/{{sensorId}}/replace."
)
_MOST_CONTINUOUS_S = 60.0
_CHOICE = "time_servers"
_HOST = re.compile(r"[A-Za-z0-9_.:-]{1,128}", re.ASCII)


@dataclass(frozen=True, slots=True)
class PtzView:
    """Where a camera looks, and the positions that it has stored."""

    status: PtzStatus
    presets: tuple[Preset, ...]


class Devices:
    """Opens a camera's device service for each request and lets go of it afterwards.

    Faults as the camera's: 403 for the password, 408 and 502 when it does not answer, 422 for values that it refuses;
    404 and 501 for a camera without ONVIF.
    """

    def __init__(self, parts: Parts, sensors: Sensors, streams: Streams) -> None:
        self._clock, self._sensors, self._streams = parts.clock, sensors, streams
        self._database = parts.database
        self.time_servers: tuple[str, ...] = ()

    async def start(self) -> None:
        """Reads what was chosen at run time."""
        chosen = await self._database.read(lambda connection: StorageStore(connection).get_choice(_CHOICE))
        self.time_servers = () if chosen is None else msgspec.json.decode(chosen, type=tuple[str, ...])

    async def set_time_servers(self, servers: Sequence[str], *, actor: str) -> dict[str, str]:
        """Gives all ONVIF cameras these time servers; returns those that did not take them, each with its reason."""
        names = tuple(dict.fromkeys(name.strip() for name in servers if name.strip()))
        if not all(_HOST.fullmatch(name) for name in names):
            raise invalid("ntpServers holds names or addresses of time servers, such as pool.ntp.org.")
        at_us = self._clock.now()
        await self._database.write(
            lambda connection: StorageStore(connection).set_choice(
                _CHOICE, msgspec.json.encode(names), actor=actor, at_us=at_us
            ),
            durable=True,
        )
        self.time_servers = names
        refused: dict[str, str] = {}

        async def tell(sensor_id: str, device: Device) -> None:
            try:
                async with self._opened(sensor_id, device) as remote:
                    await controls.set_network(remote, Network(time_servers=names))
            except Fault as fault:
                refused[sensor_id] = fault.message

        async with anyio.create_task_group() as group:
            for status in self._sensors.list() if names else ():
                device = unpack_device(status.sensor.device)
                if device is not None:
                    group.start_soon(tell, status.sensor.sensor_id, device)
        return refused

    async def settings(self, sensor_id: str) -> dict[str, Any]:
        """Encode and Image by stream id; empty for a camera without ONVIF."""
        device = unpack_device(self._sensors.camera(sensor_id).sensor.device)
        if device is None:
            return {}
        async with self._opened(sensor_id, device) as remote:
            told = {}
            for stream, profile in self._profiles(sensor_id, device):
                told[stream.stream_id] = await _settings_of(remote, profile)
        return told

    async def set_settings(
        self, sensor_id: str, *, encode: Mapping[str, Any], image: Mapping[str, str], stream_id: str = ""
    ) -> None:
        """Sets encoder and picture of one stream, the main one when none is named. Fault 400 for what is no setting."""
        device = self._device(sensor_id)
        profile = self._profile(sensor_id, device, stream_id)
        try:
            encoder = camera_settings.encoder_of(encode, profile.encoder_token)
            imaging = camera_settings.imaging_of(image)
        except ValueError as error:
            raise invalid(f"The settings are wrong: {error}.") from error
        async with self._opened(sensor_id, device) as remote:
            if image:
                await controls.set_imaging(remote, profile.source_token, imaging)
            if encode:
                await controls.set_encoder(remote, encoder)
                await self._sensors.note_device(sensor_id, await remote.probe(device.endpoint))
        get_logger("vst").info("camera_settings", sensor_id=sensor_id, keys=sorted({*encode, *image}))

    async def network(self, sensor_id: str) -> dict[str, Any]:
        """The camera's own network settings, in the words of the wire. Fault 404 without ONVIF."""
        device = self._device(sensor_id, status=404)
        async with self._opened(sensor_id, device) as remote:
            return camera_settings.network_text(await controls.get_network(remote))

    async def set_network(self, sensor_id: str, body: Mapping[str, Any]) -> bool:
        """Sets the address; returns whether the camera must be restarted for it. It is found again by its serial
        number."""
        device = self._device(sensor_id)
        try:
            wanted = camera_settings.network_of(body)
        except ValueError as error:
            raise invalid(f"The network settings are wrong: {error}.") from error
        async with self._opened(sensor_id, device) as remote:
            return await controls.set_network(remote, wanted)

    async def reboot(self, sensor_id: str) -> None:
        """Restarts the camera; its stream breaks and is fetched again by itself."""
        device = self._device(sensor_id)
        async with self._opened(sensor_id, device) as remote:
            said = await remote.reboot()
        get_logger("vst").info("camera_rebooted", sensor_id=sensor_id, said=said)

    async def snapshot(self, sensor_id: str) -> bytes | None:
        """The camera's own JPEG of now; None from one without ONVIF, and from one that gives none now."""
        device = unpack_device(self._sensors.camera(sensor_id).sensor.device)
        if device is None or device.main is None:
            return None
        try:
            async with self._opened(sensor_id, device) as remote:
                return await remote.snapshot(device.main)
        except Fault as fault:
            if fault.status == 403:
                raise
            get_logger("vst").info("camera_gives_no_picture", sensor_id=sensor_id, cause=fault)
            return None

    async def ptz(self, sensor_id: str) -> PtzView:
        """Where it looks. Fault 404 for a camera that cannot be turned."""
        async with self._turning(sensor_id) as ptz:
            return PtzView(await ptz.status(), tuple(await ptz.presets()))

    async def go_to(self, sensor_id: str, *, pan: float | None, tilt: float | None, zoom: float | None) -> None:
        """To a position, -1 to 1 (zoom 0 to 1); axes that are None stay."""
        async with self._turning(sensor_id) as ptz:
            await ptz.absolute(Position(pan, tilt, zoom))

    async def move(
        self, sensor_id: str, *, pan: float | None, tilt: float | None, zoom: float | None, for_s: float
    ) -> None:
        """At a speed, -1 to 1, until stopped or for that long."""
        async with self._turning(sensor_id) as ptz:
            await ptz.continuous(Position(pan, tilt, zoom), timeout_s=min(for_s, _MOST_CONTINUOUS_S))

    async def halt(self, sensor_id: str) -> None:
        """Stops it."""
        async with self._turning(sensor_id) as ptz:
            await ptz.stop()

    async def go_to_preset(self, sensor_id: str, token: str) -> None:
        """To a stored position."""
        async with self._turning(sensor_id) as ptz:
            await ptz.goto_preset(token)

    async def set_preset(self, sensor_id: str, name: str, token: str = "") -> str:
        """Stores where it looks now; returns the preset's token."""
        async with self._turning(sensor_id) as ptz:
            return await ptz.set_preset(name, token)

    async def remove_preset(self, sensor_id: str, token: str) -> None:
        """Forgets a stored position."""
        async with self._turning(sensor_id) as ptz:
            await ptz.remove_preset(token)

    @asynccontextmanager
    async def _turning(self, sensor_id: str) -> AsyncIterator[controls.Ptz]:
        device = self._device(sensor_id, status=404)
        profile = next((item for item in device.profiles if item.ptz_token), device.main)
        if not device.capabilities.ptz or profile is None:
            raise not_found("This camera cannot be turned: it has no PTZ service.")
        async with self._opened(sensor_id, device) as remote:
            yield controls.Ptz(remote, profile.token)

    @asynccontextmanager
    async def _opened(self, sensor_id: str, device: Device) -> AsyncIterator[OnvifDevice]:
        credentials = self._sensors.credentials(sensor_id)
        async with OnvifDevice(device.xaddr, credentials, dialler=self._sensors.dialler, clock=self._clock) as remote:
            yield remote

    def _device(self, sensor_id: str, *, status: int = 501) -> Device:
        sensor = self._sensors.camera(sensor_id).sensor
        device = unpack_device(sensor.device)
        if device is None:
            code = "VMSNotSupportedError" if status == 501 else "VMSNoDataError"
            raise Fault(code, status, _NO_ONVIF.format(name=sensor.name))
        return device

    def _profiles(self, sensor_id: str, device: Device) -> list[tuple[Stream, Profile]]:
        by_token = {profile.token: profile for profile in device.profiles}
        streams = self._streams.of(sensor_id)
        return [(stream, by_token[stream.profile]) for stream in streams if stream.profile in by_token]

    def _profile(self, sensor_id: str, device: Device, stream_id: str) -> Profile:
        wanted = stream_id or sensor_id
        for stream, profile in self._profiles(sensor_id, device):
            if stream.stream_id == wanted:
                return profile
        raise not_found(f"The camera has no settings for the stream '{wanted[:100]}'.")


async def _settings_of(remote: OnvifDevice, profile: Profile) -> dict[str, Any]:
    """What the camera tells of one stream; a service that it has not leaves its half out."""
    told: dict[str, Any] = {}
    if profile.encoder_token:
        told["Encode"] = camera_settings.encode_of(await controls.get_encoder(remote, profile.encoder_token))
    if profile.source_token and await remote.has("imaging"):
        told["Image"] = camera_settings.image_of(await controls.get_imaging(remote, profile.source_token))
    return told
