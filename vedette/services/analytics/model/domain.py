"""Domain values of analytics: what is configured, what is seen in a frame, what comes out of it.

Points are pixels of the source picture, x to the right and y down. Times are microseconds UTC (`Instant`).
"""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

type Point = tuple[float, float]
type Counts = dict[str, int]
"""Objects per class."""

ALL_TYPES = "*"
"""The object type that stands for all of them together; also carries the number of frames of a bucket."""


class Kind(StrEnum):
    """What a count, a rule or an alert belongs to."""

    FOV = "fov"
    ROI = "roi"
    TRIPWIRE = "tripwire"


class Direction(StrEnum):
    """Which way a tripwire was crossed."""

    IN = "IN"
    OUT = "OUT"

    @property
    def opposite(self) -> "Direction":
        """The other way."""
        return Direction.OUT if self is Direction.IN else Direction.IN


class Passage(StrEnum):
    """Which way an ROI's edge was passed."""

    ENTRY = "ENTRY"
    EXIT = "EXIT"


class Metric(StrEnum):
    """The condition of an alert rule: what is compared with its threshold, and which way round."""

    OCCUPANCY = "occupancy"
    VACANCY = "vacancy"
    INCREMENT = "increment"
    FLOWRATE = "flowrate"


class Buffer(NamedTuple):
    """How far (pixels) and how long (µs) a track must be clear of a wire or an edge before its side change counts."""

    spatial_px: float = 8.0
    temporal_us: int = 100_000


DEFAULT_BUFFER = Buffer()


@dataclass(frozen=True, slots=True)
class Wire:
    """A tripwire: a polyline with an arrow. Motion along the arrow has the direction `along`."""

    wire_id: str
    name: str
    points: tuple[Point, ...]
    arrow: tuple[Point, Point]
    along: Direction = Direction.IN
    entry_name: str = ""
    exit_name: str = ""
    buffer: Buffer = DEFAULT_BUFFER


@dataclass(frozen=True, slots=True)
class Region:
    """An ROI: a simple polygon, the last corner joined to the first."""

    roi_id: str
    name: str
    corners: tuple[Point, ...]
    buffer: Buffer = DEFAULT_BUFFER


@dataclass(frozen=True, slots=True)
class AlertRule:
    """Raised when the metric has met the threshold for `hold_us`; not again within `cool_down_us` of its end.

    `target_id` is the wire or ROI, empty for the FOV. `object_type` and `direction` narrow what is counted; for a
    tripwire the crossings of the last `interval_us` are.
    """

    rule_id: str
    kind: Kind
    target_id: str
    name: str
    metric: Metric
    threshold: int
    hold_us: int = 0
    cool_down_us: int = 0
    interval_us: int = 0
    direction: Direction | None = None
    object_type: str = ALL_TYPES


@dataclass(frozen=True, slots=True)
class Plan:
    """All that is configured for one sensor."""

    wires: tuple[Wire, ...] = ()
    regions: tuple[Region, ...] = ()
    rules: tuple[AlertRule, ...] = ()


class EarlyPosition(NamedTuple):
    """Where a track was before it was confirmed: µs UTC, anchor and height of the box in pixels."""

    t: int
    x: float
    y: float
    height: float


class Sighting(NamedTuple):
    """One track in one frame: its anchor and the height of its box (pixels; 0 when unknown).

    `early`, on the frame that confirms a track, is where it was before, oldest first.
    """

    track_id: str
    object_type: str
    x: float
    y: float
    height: float = 0.0
    early: tuple[EarlyPosition, ...] = ()


class SensorFrame(NamedTuple):
    """All tracks of one frame."""

    t: int
    objects: tuple[Sighting, ...]


class Crossing(NamedTuple):
    """A track went over a tripwire at `t` (on the path between two frames); it was known at `known_at`."""

    wire_id: str
    track_id: str
    object_type: str
    direction: Direction
    t: int
    known_at: int
    at: Point


class Visit(NamedTuple):
    """A track entered or left an ROI at `t`; it was known at `known_at`."""

    roi_id: str
    track_id: str
    object_type: str
    passage: Passage
    t: int
    known_at: int
    at: Point


NO_DATA = "no data"
"""The reason of an alert that ended because the sensor fell silent."""


class AlertChange(NamedTuple):
    """An alert was raised (`end` is None) or cleared. `value` is what it began with, or its peak once cleared.

    `reason` is empty where the rule's condition ended.
    """

    rule: AlertRule
    start: int
    end: int | None
    value: int
    reason: str = ""

    @property
    def alert_id(self) -> str:
        """The same alert has the same id however often the frames behind it are read."""
        return f"{self.rule.rule_id}-{self.start}"


class SeriesKey(NamedTuple):
    """Which number a tier row is about. `event` is IN/OUT or ENTRY/EXIT for passages and empty for occupancy."""

    kind: Kind
    object_id: str
    event: str
    object_type: str


class TierPoint(NamedTuple):
    """The values of one series in one step of a tier: `n` samples from `start` (µs, a multiple of the step)."""

    start: int
    sum: int
    n: int
    min: int
    max: int


class Bin(NamedTuple):
    """One bucket of a histogram, `[start, end)` in µs; without samples all numbers are zero."""

    start: int
    end: int
    sum: int = 0
    n: int = 0
    min: int = 0
    max: int = 0

    @property
    def average(self) -> float:
        """Mean over the samples, 0 when there are none."""
        return self.sum / self.n if self.n else 0.0


@dataclass(frozen=True, slots=True)
class Sensor:
    """A sensor as analytics knows it: its id, its present name, and its picture's size (0 while unknown)."""

    sensor_id: str
    name: str
    width: int = 0
    height: int = 0


@dataclass(frozen=True, slots=True)
class StoredPassage:
    """A crossing or a visit with its place in the store. `event` is IN/OUT or ENTRY/EXIT."""

    passage_id: int
    sensor_id: str
    kind: Kind
    object_id: str
    event: str
    track_id: str
    object_type: str
    t: int
    known_at: int
    at: Point


@dataclass(frozen=True, slots=True)
class StoredAlert:
    """An alert with the rule as it was when it was raised; `end` is None while it holds, `reason` as in a change."""

    alert_id: str
    sensor_id: str
    rule: AlertRule
    direction_name: str
    value: int
    start: int
    end: int | None
    reason: str = ""


@dataclass(slots=True)
class Results:
    """What one transaction stores: counts, passages and alerts of several sensors, and how far the bus was read."""

    position: str = ""
    points: dict[tuple[str, SeriesKey], dict[int, TierPoint]] = field(default_factory=dict)
    passages: list[StoredPassage] = field(default_factory=list)
    alerts: list[StoredAlert] = field(default_factory=list)
    snapshots: dict[str, bytes] = field(default_factory=dict)
    frames: int = 0

    @property
    def is_event(self) -> bool:
        """Whether it holds something that was promised to be kept."""
        return bool(self.passages or self.alerts)
