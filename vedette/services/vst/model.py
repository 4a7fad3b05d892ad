"""What VST knows of cameras and recordings."""

from dataclasses import dataclass, field
from enum import StrEnum

from vedette.media.unit import CodecParameters


class Cause(StrEnum):
    """Why a stretch of time is not recorded."""

    CAMERA = "camera"
    RECORDER = "recorder"
    CRASH = "crash"
    DISK_STALLED = "disk_stalled"
    DISK_FAILED = "disk_failed"
    STOPPED = "stopped"
    CLOCK = "clock"
    DAMAGED = "damaged"


@dataclass(frozen=True, slots=True)
class SensorDetails:
    """What a person says about a camera; none of it is used to reach it."""

    location: str = ""
    tags: str = ""
    manufacturer: str = ""
    hardware: str = ""
    hardware_id: str = ""
    serial_number: str = ""
    firmware_version: str = ""


@dataclass(frozen=True, slots=True)
class Sensor:
    """A camera. Its main stream has the same id. `url` never holds credentials; `sealed` holds them, encrypted."""

    sensor_id: str
    name: str
    url: str
    created_us: int
    sealed: bytes = field(default=b"", repr=False)
    details: SensorDetails = SensorDetails()


@dataclass(frozen=True, slots=True)
class Credentials:
    """How a camera knows us."""

    username: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class NewSensor:
    """A camera as somebody asks for it; credentials in the URL count when none are given beside it."""

    name: str
    url: str
    credentials: Credentials | None = None
    details: SensorDetails = SensorDetails()


@dataclass(frozen=True, slots=True)
class Segment:
    """A finished recording file. `[start_us, end_us)` is its wall time, `media_us` the length of its media.

    Segments with one `recording_id` follow one another without a hole. `digest` is the BLAKE2b-128 of the file.
    """

    segment_id: int
    stream_id: str
    recording_id: int
    start_us: int
    end_us: int
    media_us: int
    bytes: int
    digest: str
    codec: str
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Gap:
    """A known absence; `end_us` is None while it lasts."""

    stream_id: str
    start_us: int
    end_us: int | None
    cause: Cause


@dataclass(frozen=True, slots=True)
class Garbage:
    """A segment that is forgotten while its file may still be there."""

    segment_id: int
    stream_id: str
    bytes: int


@dataclass(frozen=True, slots=True)
class Growing:
    """The segment that is being written: `[start_us, durable_us)` of it is safe on the disk."""

    segment_id: int
    stream_id: str
    start_us: int
    durable_us: int
    bytes: int


@dataclass(frozen=True, slots=True)
class Usage:
    """Bytes in the catalogue for one stream, and the span that they cover."""

    stream_id: str
    bytes: int
    start_us: int
    end_us: int


@dataclass(frozen=True, slots=True)
class StreamFacts:
    """What is told of a stream: codec name, `WIDTHxHEIGHT` and frames a second; empty strings when unknown."""

    codec: str = ""
    resolution: str = ""
    framerate: str = ""


@dataclass(frozen=True, slots=True)
class CameraStatus:
    """A camera as it is now. `state` is online or offline, `health` the finer state, `reason` why it is not online."""

    sensor: Sensor
    state: str
    health: str
    code: str
    reason: str
    facts: StreamFacts
    relay_url: str
    recording: bool


def facts_of(parameters: CodecParameters | None, fps: float | None) -> StreamFacts:
    """The codec parameters in the words of the wire."""
    if parameters is None:
        return StreamFacts()
    size = f"{parameters.width}x{parameters.height}" if parameters.width else ""
    return StreamFacts(parameters.codec.upper().replace("HEVC", "H265"), size, f"{fps:g}" if fps else "")
