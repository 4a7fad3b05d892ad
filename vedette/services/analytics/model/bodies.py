"""Bodies and queries of the analytics API, generations v1 to v3. Names on the wire are the published ones.

Requests refuse unknown query parameters and unknown keys at the top of a body; inside a tripwire, an ROI or a rule they
are ignored, because clients keep their own decorations there. Replies hold nothing that a client did not expect.
"""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, StringConstraints, model_validator
from pydantic.alias_generators import to_camel

from vedette.schema.base import Body

type Id = Annotated[str, StringConstraints(pattern=r"^[a-zA-Z0-9_-]+$", max_length=100)]
type Name = Annotated[str, StringConstraints(max_length=200)]
type SensorName = Annotated[str, StringConstraints(min_length=1, max_length=200)]


class Item(BaseModel):
    """Something a client may have decorated with keys of its own."""

    model_config = ConfigDict(frozen=True, extra="ignore", alias_generator=to_camel, populate_by_name=True)


class Refusal(Body):
    """Why a call was refused and what to do, in words."""

    error: str


class XY(Item):
    """A point in pixels of the source picture."""

    x: FiniteFloat
    y: FiniteFloat


class Named(Item):
    """The name of a direction."""

    name: Name = ""


class Arrow(Item):
    """The arrow of a tripwire: motion from p1 to p2 is the direction that `arrowMeans` says."""

    p1: XY
    p2: XY
    entry: Named = Named()
    exit: Named = Named()


class Buffers(Item):
    """How far and how long a track must be clear before it counts; the service's defaults where absent."""

    spatial_buffer_px: Annotated[FiniteFloat, Field(ge=0, le=1000)] | None = None
    temporal_buffer_ms: Annotated[int, Field(ge=0, le=60_000)] | None = None


class TripwireBody(Buffers):
    """A polyline that is crossed."""

    id: Id
    name: Name = ""
    wire: list[XY]
    direction: Arrow
    arrow_means: Literal["in", "out"] | None = None


class RoiBody(Buffers):
    """A polygon that is occupied."""

    id: Id
    name: Name = ""
    coordinates: list[XY]


class TripwiresRequest(Body):
    """Tripwires to add or replace. `deleteIfPresent` also deletes what was counted at those ids so far."""

    delete_if_present: bool = False
    sensor_id: SensorName
    tripwires: Annotated[list[TripwireBody], Field(min_length=1, max_length=100)]


class RoisRequest(Body):
    """ROIs to add or replace. `deleteIfPresent` also deletes what was counted at those ids so far."""

    delete_if_present: bool = False
    sensor_id: SensorName
    rois: Annotated[list[RoiBody], Field(min_length=1, max_length=100)]


class ConfigReply(Body):
    """All tripwires and ROIs of a sensor."""

    sensor_id: str
    tripwires: list[TripwireBody]
    rois: list[RoiBody]


class RuleBody(Item):
    """An alert rule. `id` is the tripwire or ROI; times are in seconds. A new `ruleId` is made where none is given.

    occupancy: at least `countThreshold` objects for `holdTime`; vacancy: at most so many. increment and flowrate: at
    least so many crossings within `timeInterval`. After an alert ended, none is raised for `coolDown`.
    """

    id: Id | None = None
    rule_id: Id | None = None
    name: Name = ""
    type: str | None = None
    rule_type: Literal["occupancy", "vacancy", "increment", "flowrate"]
    time_interval: Annotated[FiniteFloat, Field(ge=0, le=86_400)] = 0
    count_threshold: Annotated[int, Field(ge=0, le=1_000_000)]
    direction: Literal["entry", "exit"] | None = None
    hold_time: Annotated[FiniteFloat, Field(ge=0, le=86_400)] | None = None
    cool_down: Annotated[FiniteFloat, Field(ge=0, le=86_400)] = 0
    object_type: Annotated[str, StringConstraints(min_length=1, max_length=100)] = "*"
    parameters: list[dict[str, object]] = []


class RulesRequest(Body):
    """Alert rules to add or replace."""

    sensor_id: SensorName
    rules: Annotated[list[RuleBody], Field(min_length=1, max_length=100)]


class RulesReply(Body):
    """The alert rules of one kind of a sensor."""

    sensor_id: str
    rules: list[RuleBody]


class SensorQuery(Body):
    """Of which sensor: its name or its id."""

    sensor_id: SensorName


class ConfigQuery(Body):
    """The sensor may be named in the query as well as in the body."""

    sensor_id: SensorName | None = None


class DeleteItemQuery(SensorQuery):
    """Which tripwire or ROI; `tripwireId` is accepted for an ROI too. `deleteIfPresent` deletes its history as well."""

    tripwire_id: str | None = None
    roi_id: str | None = None
    delete_if_present: bool = False


class DeleteRuleQuery(SensorQuery):
    """Which rule, and optionally of which tripwire or ROI."""

    rule_id: str
    tripwire_id: str | None = None
    roi_id: str | None = None


class WindowQuery(SensorQuery):
    """A time window: `fromTimestamp` with or without `toTimestamp` (default: now), or `minutesAgo`."""

    from_timestamp: str | None = None
    to_timestamp: str | None = None
    minutes_ago: Annotated[int, Field(ge=1, le=10_000)] | None = None

    @model_validator(mode="after")
    def _one_way(self) -> "WindowQuery":
        if (self.from_timestamp is None) == (self.minutes_ago is None):
            raise ValueError("give either fromTimestamp (and toTimestamp) or minutesAgo")
        if self.minutes_ago is not None and self.to_timestamp is not None:
            raise ValueError("minutesAgo ends now; leave toTimestamp out")
        return self


class HistogramQuery(WindowQuery):
    """Buckets of `bucketSizeInSec`, about twenty without it.

    `objectType`: comma-separated types, or `*` for the total and every type.
    """

    bucket_size_in_sec: Annotated[int, Field(ge=1, le=86_400)] | None = None
    object_type: Annotated[str, StringConstraints(min_length=1, max_length=1000)] | None = None


class RoiHistogramQuery(HistogramQuery):
    """Of one ROI, or of all."""

    roi_id: str | None = None


class TripwireHistogramQuery(HistogramQuery):
    """Of one tripwire, or of all."""

    tripwire_id: str | None = None


class TripwireQuery(WindowQuery):
    """Of one tripwire, or of all."""

    tripwire_id: str | None = None
    object_type: Annotated[str, StringConstraints(min_length=1, max_length=1000)] | None = None


class AlertsQuery(WindowQuery):
    """The newest `limit` alerts that held in the window."""

    limit: Annotated[int, Field(ge=1, le=1000)] = 100


class FramesQuery(WindowQuery):
    """The newest `limit` frames of the window that are still in memory."""

    limit: Annotated[int, Field(ge=1, le=10_000)] = 1000


class Occupancy(Body):
    """Objects of one type in a bucket: mean, fewest and most at a time."""

    type: str
    average: float
    min: int
    max: int


class OccupancyBucket(Body):
    """One bucket, `[start, end)`."""

    start: str
    end: str
    objects: list[Occupancy]


class OccupancyHistogram(Body):
    """Occupancy of the FOV over time."""

    bucket_size_in_sec: int
    histogram: list[OccupancyBucket]


class RoiOccupancy(Body):
    """Occupancy of one ROI over time."""

    id: str
    histogram: list[OccupancyBucket]


class RoiHistogram(Body):
    """Occupancy of ROIs over time."""

    bucket_size_in_sec: int
    rois: list[RoiOccupancy]


class TypeCount(Body):
    """Crossings by objects of one type; `*` is all of them."""

    type: str
    count: int


class DirectionCounts(Body):
    """Crossings in one direction."""

    type: Literal["IN", "OUT"]
    objects: list[TypeCount]


class TripwireKpi(Body):
    """Crossings of one tripwire in the window."""

    id: str
    events: list[DirectionCounts]


class TripwireKpis(Body):
    """Crossings of tripwires in the window."""

    tripwire_kpis: list[TripwireKpi]


class TripwireBucket(Body):
    """Crossings in one bucket, `[start, end)`."""

    start: str
    end: str
    events: list[DirectionCounts]


class TripwireSeries(Body):
    """Crossings of one tripwire over time."""

    id: str
    histogram: list[TripwireBucket]


class TripwireHistogram(Body):
    """Crossings of tripwires over time."""

    bucket_size_in_sec: int
    tripwires: list[TripwireSeries]


class NameValue(Body):
    """A named text of an alert."""

    name: str
    value: str


class Alert(Body):
    """One alert; the end is empty and the duration (seconds) 0 while it holds."""

    id: str
    sensor_id: str
    type: str
    rule_type: str
    rule_id: str
    count: int
    direction: str
    direction_name: str
    description: str
    start_timestamp: str
    end_timestamp: str
    duration: float
    attributes: list[NameValue]


class AlertsReply(Body):
    """Alerts, newest first."""

    alerts: list[Alert]


class CountReply(Body):
    """A number."""

    count: int


class FramesReply(Body):
    """Frames as they came, in order of time."""

    frames: list[dict[str, object]]
