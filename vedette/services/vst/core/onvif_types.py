"""What is known of an ONVIF device, and how two sightings of it are told to be the same."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class DeviceInfo:
    """What a device says of itself; empty strings where it says nothing."""

    manufacturer: str = ""
    model: str = ""
    firmware: str = ""
    serial: str = ""
    hardware_id: str = ""


@dataclass(frozen=True, slots=True)
class Capabilities:
    """Which services the device has beside Device and Media."""

    ptz: bool = False
    imaging: bool = False
    events: bool = False
    media2: bool = False


@dataclass(frozen=True, slots=True)
class Profile:
    """A media profile. `codec` is h264, hevc, av1, mjpeg or empty; `fps` frames a second, `bitrate` kbit/s, `gov`
    frames between keyframes; 0 where the device does not say. URLs hold no credentials and name the host reached."""

    token: str
    name: str = ""
    codec: str = ""
    width: int = 0
    height: int = 0
    fps: float = 0.0
    bitrate: int = 0
    gov: int = 0
    stream_url: str = ""
    snapshot_url: str = ""
    has_audio: bool = False
    source_token: str = ""
    encoder_token: str = ""
    ptz_token: str = ""


@dataclass(frozen=True, slots=True)
class Device:
    """What a probe found. `endpoint` is the stable id of WS-Discovery, empty when the device was not asked there.

    `profiles` are largest first and have a stream URL each: the first is the main stream, the next a sub stream.
    `clock_offset_s` is the device's clock minus ours, None when it does not tell. `problems` says which calls failed,
    by their name, with a sentence each.
    """

    xaddr: str
    info: DeviceInfo = DeviceInfo()
    endpoint: str = ""
    profiles: tuple[Profile, ...] = ()
    capabilities: Capabilities = Capabilities()
    clock_offset_s: float | None = None
    problems: Mapping[str, str] = field(default_factory=dict)

    @property
    def main(self) -> Profile | None:
        """The largest stream."""
        return self.profiles[0] if self.profiles else None

    @property
    def sub(self) -> Profile | None:
        """The next stream from the same video source."""
        rest = [item for item in self.profiles[1:] if item.source_token == self.profiles[0].source_token]
        return rest[0] if rest else None


@dataclass(frozen=True, slots=True)
class Range:
    """What a number may be."""

    least: float
    most: float


@dataclass(frozen=True, slots=True)
class Imaging:
    """Picture settings in the device's own units; None where it has no such setting (and, when setting, to keep it).

    `ranges` holds what each may be, by the name of the field.
    """

    brightness: float | None = None
    saturation: float | None = None
    contrast: float | None = None
    sharpness: float | None = None
    ir_cut_filter: str | None = None
    backlight: str | None = None
    wide_dynamic_range: str | None = None
    ranges: Mapping[str, Range] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class EncoderOptions:
    """What an encoder can be set to; empty where the device does not say."""

    codecs: tuple[str, ...] = ()
    resolutions: tuple[tuple[int, int], ...] = ()
    fps: tuple[float, ...] = ()
    fps_range: Range | None = None
    bitrate_range: Range | None = None
    gov_range: Range | None = None
    quality_range: Range | None = None


@dataclass(frozen=True, slots=True)
class Encoder:
    """Settings of a video encoder; units as in `Profile`. When setting, None keeps what is."""

    token: str
    name: str = ""
    codec: str | None = None
    width: int | None = None
    height: int | None = None
    fps: float | None = None
    bitrate: int | None = None
    gov: int | None = None
    quality: float | None = None
    options: EncoderOptions = EncoderOptions()


@dataclass(frozen=True, slots=True)
class Network:
    """The first network interface and what belongs to it. When setting, None and empty keep what is."""

    token: str = ""
    hardware_address: str = ""
    dhcp: bool | None = None
    address: str = ""
    prefix_length: int = 0
    gateway: str = ""
    name_servers: tuple[str, ...] = ()
    time_servers: tuple[str, ...] = ()
    host_name: str = ""


@dataclass(frozen=True, slots=True)
class Position:
    """Pan, tilt and zoom; -1 to 1 (zoom: 0 to 1) in the generic spaces. None where an axis is unknown or not meant."""

    pan: float | None = None
    tilt: float | None = None
    zoom: float | None = None


@dataclass(frozen=True, slots=True)
class PtzStatus:
    """Where the camera looks and whether it moves; None is unknown, which a device may well say."""

    position: Position = Position()
    moving: bool | None = None


@dataclass(frozen=True, slots=True)
class Preset:
    """A stored position."""

    token: str
    name: str = ""
    position: Position = Position()


@dataclass(frozen=True, slots=True)
class Event:
    """A notification. `topic` is without prefixes (`RuleEngine/CellMotionDetector/Motion`); `operation` is Initialized,
    Changed, Deleted or empty; `source` and `data` are the simple items; `time` is the device's own text."""

    topic: str
    operation: str = ""
    time: str = ""
    source: Mapping[str, str] = field(default_factory=dict)
    data: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Identity:
    """By what a device is known again: its serial number (with its maker and model) and its discovery endpoint."""

    manufacturer: str = ""
    model: str = ""
    serial: str = ""
    endpoint: str = ""


_NO_SERIALS = frozenset({"", "0", "00000000", "none", "null", "n/a", "unknown", "serial", "123456", "12345678"})


def same_device(one: Identity, other: Identity) -> bool:
    """Whether two sightings are one device, so that a new address is the old camera moved.

    The serial number decides where both have a real one: endpoints change when firmware makes them anew at each start.
    Serial numbers are unique per maker only, so maker and model must not contradict. Without two serials the endpoint
    decides, and nothing known means no.
    """
    if _has_serial(one) and _has_serial(other):
        return (
            _plain(one.serial) == _plain(other.serial)
            and _agree(one.manufacturer, other.manufacturer)
            and _agree(one.model, other.model)
        )
    return bool(one.endpoint) and endpoint_key(one.endpoint) == endpoint_key(other.endpoint)


def endpoint_key(endpoint: str) -> str:
    """One spelling of an endpoint: `urn:uuid:X`, `uuid:X` and `X` are the same in the wild."""
    return endpoint.strip().lower().removeprefix("urn:").removeprefix("uuid:")


def _has_serial(identity: Identity) -> bool:
    plain = _plain(identity.serial)
    return plain not in _NO_SERIALS and len(set(plain)) > 1


def _plain(text: str) -> str:
    return text.strip().casefold()


def _agree(one: str, other: str) -> bool:
    return not _plain(one) or not _plain(other) or _plain(one) == _plain(other)
