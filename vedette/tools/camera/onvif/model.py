"""What an ONVIF device remembers: who it is, how its encoders, its picture and its position are set."""

import hashlib
import uuid
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any, Protocol

from vedette.kernel.clock import Clock, Instant
from vedette.media.unit import VideoCodec
from vedette.tools.camera.onvif.pull_points import PullPoints
from vedette.tools.camera.onvif.soap import Message
from vedette.tools.camera.onvif.xml import Xml
from vedette.tools.camera.orders import StreamName

MANUFACTURER = "Vedette"
MODEL = "Test Camera"
FIRMWARE = "1.0"
NOWHERE = "192.0.2.10"
"""An address that nobody has (RFC 5737), which sloppy devices take for their own."""
_SPACE = uuid.UUID("5e1f2c1a-6f0b-4f5c-9d57-1a7c1e6a0d11")


@dataclass(frozen=True, slots=True)
class DeviceId:
    """Identity that follows from the name alone, so that a camera is known again at another address."""

    name: str

    @property
    def serial(self) -> str:
        """Twelve hexadecimal digits."""
        return hashlib.sha256(self.name.encode()).hexdigest()[:12].upper()

    @property
    def endpoint(self) -> str:
        """`urn:uuid:…`"""
        return f"urn:uuid:{uuid.uuid5(_SPACE, self.name)}"

    @property
    def mac(self) -> str:
        """A locally administered hardware address."""
        return ":".join(("02", *(self.serial[at : at + 2].lower() for at in range(0, 10, 2))))


@dataclass(frozen=True, slots=True)
class Encoding:
    """One video encoder's settings; `gop` counts frames, `kbps` 0 is unlimited."""

    codec: VideoCodec
    width: int
    height: int
    fps: int
    gop: int
    kbps: int = 0


@dataclass(frozen=True, slots=True)
class Imaging:
    """Picture settings, 0 to 100."""

    brightness: float = 50.0
    saturation: float = 50.0
    contrast: float = 50.0
    sharpness: float = 50.0


@dataclass(frozen=True, slots=True)
class Position:
    """Pan and tilt from −1 to 1, zoom from 0 to 1."""

    pan: float = 0.0
    tilt: float = 0.0
    zoom: float = 0.0


class Head:
    """The moving head: a place, and a speed since an instant."""

    def __init__(self) -> None:
        self._from = Position()
        self._speed: Position | None = None
        self._since_s = 0.0
        self._until_s: float | None = None

    def position(self, now_s: float) -> Position:
        """Where it looks at this monotonic second; it stops at the end of its reach."""
        if self._speed is None:
            return self._from
        passed_s = min(now_s, now_s if self._until_s is None else self._until_s) - self._since_s
        at, speed = self._from, self._speed
        return _within(
            Position(at.pan + speed.pan * passed_s, at.tilt + speed.tilt * passed_s, at.zoom + speed.zoom * passed_s)
        )

    def is_moving(self, now_s: float) -> bool:
        """Whether it is on its way."""
        return self._speed is not None and (self._until_s is None or now_s < self._until_s)

    def go(self, where: Position) -> None:
        """Look there and stay."""
        self._from, self._speed = _within(where), None

    def move(self, speed: Position, now_s: float, *, for_s: float | None) -> None:
        """Move by so much a second, for so many seconds or until told otherwise."""
        self._from = self.position(now_s)
        self._speed, self._since_s = speed, now_s
        self._until_s = None if for_s is None else now_s + for_s


def _within(where: Position) -> Position:
    return Position(max(-1.0, min(1.0, where.pan)), max(-1.0, min(1.0, where.tilt)), max(0.0, min(1.0, where.zoom)))


class Streams(Protocol):
    """The camera behind the services."""

    def stream_names(self) -> list[StreamName]:
        """Its streams, main first."""

    def stream_url(self, stream: StreamName) -> str:
        """The RTSP URL."""

    def encoding(self, stream: StreamName) -> Encoding:
        """How it is encoded."""

    def audio_codec(self, stream: StreamName) -> str | None:
        """Its sound, None without."""

    def encode(self, stream: StreamName, wanted: Encoding) -> bool:
        """Encode otherwise from now on; False when this camera cannot."""

    def reboot(self, *, host: str | None = None) -> None:
        """Go away for a while, and come back at another address if one is given."""

    async def snapshot(self, stream: StreamName) -> bytes:
        """A JPEG of now; Fault 503 without media."""


@dataclass(slots=True)
class DeviceState:
    """Everything that may change, and the camera itself."""

    identity: DeviceId
    streams: Streams
    clock: Clock
    sloppy: bool = False
    hostname: str = ""
    imaging: Imaging = field(default_factory=Imaging)
    head: Head = field(default_factory=Head)
    endless_events: bool = False
    skew_us: int = 0
    events: PullPoints = field(init=False)
    presets: dict[str, tuple[str, Position]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.events = PullPoints(self.clock)

    def now(self) -> Instant:
        """What the device takes for the time."""
        return self.clock.now() + self.skew_us


@dataclass(frozen=True, slots=True)
class Call:
    """One operation that was asked of a device; `host` is `address:port` as the client reached it.

    `subscription` is the number in the address of a pull point, else empty.
    """

    device: DeviceState
    message: Message
    host: str
    subscription: str = ""

    @property
    def address(self) -> str:
        """Scheme and host of every URI in answers; a sloppy device names one that nobody reaches."""
        return f"http://{NOWHERE}:{self.host.rpartition(':')[2]}" if self.device.sloppy else f"http://{self.host}"


type Operation = Callable[[Call], Xml | Coroutine[Any, Any, Xml]]
"""What answers one operation; those that wait are coroutines."""
