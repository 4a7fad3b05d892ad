"""Looks at a camera before it is accepted: over ONVIF at an address, or at its RTSP URL as it is given."""

from dataclasses import dataclass, replace
from functools import lru_cache

import msgspec

from vedette.kernel.clock import Clock
from vedette.kernel.errors import Fault, invalid
from vedette.media.sources import probe as probe_rtsp
from vedette.media.unit import CodecParameters
from vedette.services.vst.adapters import onvif
from vedette.services.vst.adapters.resolver import CameraDialler
from vedette.services.vst.core.address import dial_url, split_url
from vedette.services.vst.core.onvif_types import Device, Profile
from vedette.services.vst.model import Credentials, NewSensor, SensorDetails, StreamFacts


@dataclass(frozen=True, slots=True)
class Address:
    """One stream of a camera: its URL without credentials, and the ONVIF profile behind it, empty for none."""

    url: str
    profile: str = ""


@dataclass(frozen=True, slots=True)
class Probed:
    """A camera that has shown media. `device` is what its device service said, None without ONVIF."""

    main: Address
    sub: Address | None
    credentials: Credentials | None
    details: SensorDetails
    parameters: CodecParameters
    device: Device | None = None

    @property
    def addresses(self) -> tuple[Address, ...]:
        """All its streams, the main one first."""
        return (self.main,) if self.sub is None else (self.main, self.sub)

    @property
    def kind(self) -> str:
        """The wire's sensor type without its prefix."""
        return "rtsp" if self.device is None else "onvif"


class Prober:
    """Dials nothing outside of the allowed networks."""

    def __init__(self, dialler: CameraDialler, *, clock: Clock, timeout_s: float) -> None:
        self._dialler, self._clock, self._timeout_s = dialler, clock, timeout_s

    async def by_url(self, wanted: NewSensor) -> Probed:
        """The camera behind an RTSP URL, which is in normal form. Faults as the probe says them."""
        parameters = await self._media(wanted.url, wanted.credentials)
        sub = None
        if wanted.sub_url:
            sub = Address(plain_url(wanted.sub_url, "subUrl")[0])
            if sub.url == wanted.url:
                raise invalid("subUrl is the same address as sensorUrl. Leave it out, or send the smaller stream's.")
            await self._media(sub.url, wanted.credentials)
        return Probed(Address(wanted.url), sub, wanted.credentials, wanted.details, parameters)

    async def by_address(self, wanted: NewSensor) -> Probed:
        """The ONVIF device at an address. Faults as the probe says them, 422 when it has no stream."""
        device = await self.device(wanted.address, wanted.credentials, wanted.endpoint)
        main, sub = device.main, device.sub
        if main is None:
            told = next(iter(device.problems.values()), "It lists no profile with a stream.")
            raise Fault("UnprocessableEntityError", 422, f"The camera has no stream that can be read. {told}")
        parameters = await self._media(main.stream_url, wanted.credentials)
        return Probed(
            main=_address(main),
            sub=_address(sub) if sub is not None and sub.stream_url != main.stream_url else None,
            credentials=wanted.credentials,
            details=_described(wanted.details, device),
            parameters=parameters,
            device=device,
        )

    async def device(self, where: str, credentials: Credentials | None, endpoint: str = "") -> Device:
        """What an ONVIF device says of itself."""
        return await onvif.probe(where, credentials, dialler=self._dialler, clock=self._clock, endpoint=endpoint)

    async def _media(self, url: str, credentials: Credentials | None) -> CodecParameters:
        where = dial_url(url, await self._dialler.resolve(url), credentials)
        return await probe_rtsp(where, clock=self._clock, timeout_s=self._timeout_s)


def plain_url(url: str, name: str) -> tuple[str, Credentials | None]:
    """(normal form without credentials, those inside). Fault 400 when it is no camera URL; `name` is the parameter."""
    try:
        return split_url(url)
    except ValueError as error:
        raise invalid(f"{name} is wrong: {error}.") from error


def pack_device(device: Device | None) -> bytes:
    """As the catalogue keeps it; empty for none."""
    return b"" if device is None else msgspec.json.encode(device)


@lru_cache(maxsize=512)
def unpack_device(packed: bytes) -> Device | None:
    """What the catalogue kept; None for a camera without ONVIF."""
    return msgspec.json.decode(packed, type=Device) if packed else None


def facts_of_profile(profile: Profile | None) -> StreamFacts:
    """What a device says of a stream that nobody reads now."""
    if profile is None:
        return StreamFacts()
    size = f"{profile.width}x{profile.height}" if profile.width else ""
    codec = profile.codec.upper().replace("HEVC", "H265")
    return StreamFacts(codec, size, f"{profile.fps:g}" if profile.fps else "")


def _address(profile: Profile) -> Address:
    return Address(plain_url(profile.stream_url, "The camera's stream address")[0], profile.token)


def _described(said: SensorDetails, device: Device) -> SensorDetails:
    """What a person says comes before what the device says."""
    info = device.info
    return replace(
        said,
        manufacturer=said.manufacturer or info.manufacturer,
        hardware=said.hardware or info.model,
        hardware_id=said.hardware_id or info.hardware_id,
        serial_number=said.serial_number or info.serial,
        firmware_version=said.firmware_version or info.firmware,
    )
