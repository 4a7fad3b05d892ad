"""Bodies and queries of the API's other generations: v1, the first published one, and v3, the successor's."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from vedette.schema.base import Body
from vedette.services.analytics.model.bodies import Alert, NameValue, WindowQuery


class V1HistogramQuery(WindowQuery):
    """Buckets of `fixedInterval` milliseconds, whole seconds; `alerts` adds the alerts of the window."""

    fixed_interval: Annotated[int, Field(ge=1000, le=86_400_000, multiple_of=1000)] | None = None
    alerts: bool = False


class Snake(BaseModel):
    """Base of v1 replies, whose published names are snake_case."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class V1Bucket(Snake):
    """Objects in view in one bucket."""

    start: str
    end: str
    avg_count: float
    min_count: int
    max_count: int


class V1Counts(Snake):
    """FOV counts of one sensor; `agg_window` is text, `<n> sec`."""

    agg_window: str
    histogram: list[V1Bucket]
    attributes: list[NameValue] = []
    sensor_id: str = Field(serialization_alias="sensorId")
    type: Literal["fov_count"] = "fov_count"


class V1Histogram(Snake):
    """The FOV reply of v1."""

    alerts: list[Alert]
    counts: list[V1Counts]


class V3HistogramQuery(WindowQuery):
    """About `bucketCount` buckets, whose size is a multiple of 5 s."""

    bucket_count: Annotated[int, Field(ge=1, le=1000)] = 20
    object_type: Annotated[str, StringConstraints(min_length=1, max_length=1000)] | None = None


class V3Occupancy(Body):
    """Mean number of objects of one type in a bucket."""

    type: str
    average_count: float


class V3FovBucket(Body):
    """One bucket, `[start, end)`."""

    start: str
    end: str
    objects: list[V3Occupancy]


class V3FovHistogram(Body):
    """The FOV reply of v3."""

    bucket_size_in_sec: int
    histogram: list[V3FovBucket]
