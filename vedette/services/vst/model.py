"""What VST knows of cameras and recordings."""

from dataclasses import dataclass, field
from enum import StrEnum

from vedette.media.unit import CodecParameters

FILE_KIND = "file"
"""The kind of a sensor that is an uploaded file."""
MAIN_VOLUME = "main"
"""The volume that every node has: the folder beside its catalogue."""


class Cause(StrEnum):
    """Why a stretch of time is not recorded, or no longer."""

    STARTING = "starting"
    CAMERA = "camera"
    NETWORK = "network"
    RECORDER = "recorder"
    CRASH = "crash"
    DISK_STALLED = "disk_stalled"
    DISK_FAILED = "disk_failed"
    DISK_FULL = "disk_full"
    STOPPED = "stopped"
    CLOCK = "clock"
    NOT_SCHEDULED = "not_scheduled"
    SWITCHED_OFF = "switched_off"
    SENSOR_REMOVED = "sensor_removed"
    DAMAGED = "damaged"
    AGED_OUT = "aged_out"
    DELETED = "deleted"


class State(StrEnum):
    """What became of a second of a stream: exactly one of these."""

    RECORDED = "recorded"
    CAMERA_DOWN = "camera_down"
    NETWORK_DOWN = "network_down"
    RECORDER_DOWN = "recorder_down"
    NOT_SCHEDULED = "not_scheduled"
    AGED_OUT = "aged_out"
    DELETED = "deleted"


class EntryKind(StrEnum):
    """What a line of the coverage ledger says."""

    RECORDED = "recorded"
    ABSENT = "absent"
    REMOVED = "removed"


class Mode(StrEnum):
    """When a stream is recorded."""

    ALWAYS = "always"
    SCHEDULE = "schedule"
    EVENT = "event"
    MANUAL = "manual"
    OFF = "off"


@dataclass(frozen=True, slots=True)
class Placement:
    """Where a camera hangs and looks, in the texts of the wire; empty where nobody said it."""

    x: str = ""
    y: str = ""
    latitude: str = ""
    longitude: str = ""
    origin_latitude: str = ""
    origin_longitude: str = ""
    depth: str = ""
    direction: str = ""
    field_of_view: str = ""


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
    position: Placement = Placement()


@dataclass(frozen=True, slots=True)
class Sensor:
    """A camera. Its main stream has the same id. `url` never holds credentials; `sealed` holds them, encrypted.

    `kind` is the wire's sensor type without its prefix; `device` is what its ONVIF device service said, as JSON.
    """

    sensor_id: str
    name: str
    url: str
    created_us: int
    sealed: bytes = field(default=b"", repr=False)
    details: SensorDetails = SensorDetails()
    kind: str = "rtsp"
    device: bytes = b""


@dataclass(frozen=True, slots=True)
class ScheduleEntry:
    """Recording begins whenever `cron` (five fields, in the rule's time zone) fires, and lasts `duration_s` seconds or,
    when that is 0, until the cron expression `end` fires."""

    cron: str
    duration_s: int = 0
    end: str = ""


@dataclass(frozen=True, slots=True)
class RecordingRule:
    """When and what is recorded of a stream. `time_zone` is an IANA name; rolls are seconds around an event.

    `by_hand` holds from somebody's start to somebody's stop, over restarts too.
    """

    mode: Mode = Mode.ALWAYS
    schedule: tuple[ScheduleEntry, ...] = ()
    time_zone: str = "UTC"
    pre_roll_s: float = 5.0
    post_roll_s: float = 10.0
    audio: bool = False
    by_hand: bool = False


class StreamKind(StrEnum):
    """Which of a sensor's streams."""

    MAIN = "main"
    SUB = "sub"


@dataclass(frozen=True, slots=True)
class Stream:
    """One encoded output of a sensor. The main stream has the sensor's id; `url` never holds credentials.

    `profile` is the token of the ONVIF profile behind it, empty for a plain RTSP address. `rule` is None until
    somebody chose one: then the node's default holds for the main stream, and nothing is recorded of the others.
    """

    stream_id: str
    sensor_id: str
    kind: StreamKind
    url: str
    profile: str = ""
    rule: RecordingRule | None = None


@dataclass(frozen=True, slots=True)
class Credentials:
    """How a camera knows us."""

    username: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class NewSensor:
    """A camera as somebody asks for it: by `url`, or by `address` (host, `host:port` or XAddr) over ONVIF.

    Credentials in the URL count when none are given beside it. `sub_url` is a second, smaller stream; `sensor_id` is
    wished for by whoever keeps the ids elsewhere; `endpoint` is what discovery knows the device by.
    """

    name: str
    url: str = ""
    credentials: Credentials | None = None
    details: SensorDetails = SensorDetails()
    address: str = ""
    sub_url: str = ""
    sensor_id: str = ""
    endpoint: str = ""


@dataclass(frozen=True, slots=True)
class Segment:
    """A finished recording file. `[start_us, end_us)` is its wall time, `media_us` the length of its media.

    Segments with one `recording_id` follow one another without a hole. `digest` is the BLAKE2b-128 of the file, `seq`
    its place in the stream's ledger (0 before it has one), `volume` where the file lies, `audio` the sound's codec.
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
    seq: int = 0
    volume: str = MAIN_VOLUME
    audio: str = ""


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of the coverage ledger of a stream: `[start_us, end_us)` was recorded, absent, or removed again.

    The facts `seq` to `last_seq` are behind it: one a segment for a recorded run, one otherwise. `hash` is the chain's
    value after the last of them, 64 hexadecimal digits. `cause` and `actor` are empty where they say nothing; `at_us`
    is when a removal was decided, 0 otherwise.
    """

    stream_id: str
    seq: int
    last_seq: int
    kind: EntryKind
    start_us: int
    end_us: int
    hash: str
    cause: str = ""
    actor: str = ""
    segments: int = 0
    bytes: int = 0
    at_us: int = 0


@dataclass(frozen=True, slots=True)
class Head:
    """Where a stream's ledger goes on: everything before `until_us` is accounted for, with `seq` facts so far.

    `cause` says what has been the matter since then, None while it is recorded. `last` is the line that the chain ends
    with. `segments` and `bytes` are what the catalogue holds now.
    """

    stream_id: str
    seq: int
    hash: str
    until_us: int
    cause: Cause | None
    last: Entry | None = None
    segments: int = 0
    bytes: int = 0


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
    volume: str = MAIN_VOLUME


@dataclass(frozen=True, slots=True)
class Protection:
    """Footage of a stream in `[start_us, end_us)` that nobody may delete until `actor`'s protection is lifted."""

    stream_id: str
    start_us: int
    end_us: int
    actor: str
    at_us: int


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that somebody sent: footage of `stream_id` in `[start_us, end_us)`. `details` is the sender's, as JSON."""

    upload_id: str
    stream_id: str
    file_name: str
    start_us: int
    end_us: int
    size_bytes: int
    details: bytes
    at_us: int


@dataclass(frozen=True, slots=True)
class File:
    """A recording in `[start_us, end_us)` as clients know it: see `core.files`. `bytes` is exact for a file of which
    nothing was deleted."""

    stream_id: str
    key: str
    start_us: int
    end_us: int
    bytes: int
    upload: Upload | None = None

    @property
    def file_id(self) -> str:
        """Its id on the wire."""
        return f"{self.stream_id}_{self.key}"

    @property
    def path(self) -> str:
        """Its path on the wire."""
        return f"{self.stream_id}/{self.key}.mp4"


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
class Reading:
    """A timestamped value of a sensor that is not video; `value` is JSON. Known by sensor, time and name."""

    sensor_id: str
    at_us: int
    name: str
    value: bytes
    unit: str = ""


@dataclass(frozen=True, slots=True)
class Happening:
    """Something worth recording begins at a sensor at `since_us`, or ended at `end_us`; `key` tells it from others."""

    sensor_id: str
    key: str
    since_us: int
    end_us: int | None = None


@dataclass(frozen=True, slots=True)
class CameraAlert:
    """A camera is offline since `since_us`, and somebody should know; `code` and `reason` say why."""

    sensor_id: str
    alert_id: str
    since_us: int
    code: str
    reason: str


@dataclass(frozen=True, slots=True)
class StreamFacts:
    """What is told of a stream: codec name, `WIDTHxHEIGHT` and frames a second; empty strings when unknown."""

    codec: str = ""
    resolution: str = ""
    framerate: str = ""


@dataclass(frozen=True, slots=True)
class StreamStatus:
    """A stream as it is now; `relay_url` is empty while no media flows."""

    stream: Stream
    name: str
    facts: StreamFacts
    relay_url: str


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
