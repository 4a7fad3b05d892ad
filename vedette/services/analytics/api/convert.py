"""Between the wire's words and the domain's values."""

from collections.abc import Mapping, Sequence
from uuid import uuid4

from vedette.kernel.clock import US_PER_SECOND, from_iso, to_iso
from vedette.kernel.errors import invalid, unprocessable
from vedette.services.analytics.model import bodies, generations
from vedette.services.analytics.model.domain import (
    ALL_TYPES,
    AlertRule,
    Bin,
    Buffer,
    Direction,
    Kind,
    Metric,
    Plan,
    Region,
    Sensor,
    StoredAlert,
    Wire,
)
from vedette.services.analytics.service import outgoing
from vedette.services.analytics.service.analytics import AnalyticsService
from vedette.services.analytics.service.queries import Types, Window
from vedette.services.analytics.settings import AnalyticsSettings

_METRICS = {
    Kind.FOV: (Metric.OCCUPANCY, Metric.VACANCY),
    Kind.ROI: (Metric.OCCUPANCY, Metric.VACANCY),
    Kind.TRIPWIRE: (Metric.INCREMENT, Metric.FLOWRATE),
}
_WORDS = {"entry": Direction.IN, "exit": Direction.OUT}


def wire(body: bodies.TripwireBody, settings: AnalyticsSettings) -> Wire:
    """A tripwire with the service's defaults where the body is silent."""
    arrow = body.direction
    means = body.arrow_means or settings.arrow_means
    return Wire(
        wire_id=body.id,
        name=body.name or body.id,
        points=tuple((point.x, point.y) for point in body.wire),
        arrow=((arrow.p1.x, arrow.p1.y), (arrow.p2.x, arrow.p2.y)),
        along=Direction.IN if means == "in" else Direction.OUT,
        entry_name=arrow.entry.name,
        exit_name=arrow.exit.name,
        buffer=_buffer(body, settings),
    )


def region(body: bodies.RoiBody, settings: AnalyticsSettings) -> Region:
    """An ROI with the service's defaults where the body is silent."""
    corners = tuple((point.x, point.y) for point in body.coordinates)
    return Region(body.id, body.name or body.id, corners, _buffer(body, settings))


def config(sensor: Sensor, plan: Plan) -> bodies.ConfigReply:
    """Everything drawn into a sensor's picture."""
    return bodies.ConfigReply(
        sensor_id=sensor.name,
        tripwires=[_tripwire_body(item) for item in plan.wires],
        rois=[_roi_body(item) for item in plan.regions],
    )


def rule(body: bodies.RuleBody, kind: Kind) -> AlertRule:
    """An alert rule of that kind. Fault 400 when its parts do not fit together."""
    metric = Metric(body.rule_type)
    if metric not in _METRICS[kind]:
        raise invalid(f"A {kind} rule has the ruleType {' or '.join(_METRICS[kind])}, not '{metric}'.")
    if body.type not in (None, str(kind)):
        raise invalid(f"The rule's type is '{body.type}', this is the address of {kind} rules.")
    if kind is not Kind.FOV and body.id is None:
        raise invalid(f"Say in id which {kind} the rule is about.")
    if kind is Kind.TRIPWIRE and body.time_interval == 0:
        raise invalid("A tripwire rule needs timeInterval, in seconds: crossings are counted over it.")
    hold_s = body.hold_time if body.hold_time is not None else body.time_interval
    return AlertRule(
        rule_id=body.rule_id or str(uuid4()),
        kind=kind,
        target_id="" if kind is Kind.FOV else body.id or "",
        name=body.name,
        metric=metric,
        threshold=body.count_threshold,
        hold_us=0 if kind is Kind.TRIPWIRE else _us(hold_s),
        cool_down_us=_us(body.cool_down),
        interval_us=_us(body.time_interval) if kind is Kind.TRIPWIRE else 0,
        direction=_WORDS.get(body.direction or "") if kind is Kind.TRIPWIRE else None,
        object_type=body.object_type,
    )


def rules(sensor: Sensor, plan: Plan, kind: Kind) -> bodies.RulesReply:
    """The sensor's rules of that kind."""
    return bodies.RulesReply(
        sensor_id=sensor.name, rules=[_rule_body(item) for item in plan.rules if item.kind is kind]
    )


def window(
    query: bodies.WindowQuery, service: AnalyticsService, *, bucket_us: int | None = None, bucket_count: int = 20
) -> Window:
    """The window a query asks for, in buckets of that size or in about so many. Fault 400 for a malformed time, 422 if
    it ends before it begins."""
    now = service.clock.now()
    end = now if query.to_timestamp is None else from_iso(query.to_timestamp)
    if query.minutes_ago is not None:
        start = now - query.minutes_ago * 60 * US_PER_SECOND
    else:
        start = from_iso(query.from_timestamp or "")
    if end <= start:
        raise unprocessable("toTimestamp must be later than fromTimestamp.")
    return Window(start, end, bucket_us or service.queries.automatic_bucket_us(end - start, bucket_count))


def bucket_us(query: bodies.HistogramQuery) -> int | None:
    """The bucket size a query asks for."""
    return None if query.bucket_size_in_sec is None else query.bucket_size_in_sec * US_PER_SECOND


def types(object_type: str | None, *, total: bool) -> Types:
    """Without a wish the total alone or the types that were seen; `*` is both; else what is named."""
    if object_type is None:
        return Types(total=total, seen=not total)
    if object_type == ALL_TYPES:
        return Types(total=True)
    return Types(named=tuple(dict.fromkeys(part.strip() for part in object_type.split(","))), seen=False)


def occupancy_buckets(by_type: Mapping[str, Sequence[Bin]]) -> list[bodies.OccupancyBucket]:
    """Occupancies per bucket."""
    return [
        bodies.OccupancyBucket(
            start=to_iso(bins[0].start),
            end=to_iso(bins[0].end),
            objects=[
                bodies.Occupancy(type=name, average=round(item.average, 3), min=item.min, max=item.max)
                for name, item in zip(by_type, bins, strict=True)
            ],
        )
        for bins in zip(*by_type.values(), strict=True)
    ]


def crossing_buckets(by_event: Mapping[str, Mapping[str, Sequence[Bin]]]) -> list[bodies.TripwireBucket]:
    """Crossings per bucket."""
    marks = next(iter(next(iter(by_event.values())).values()))
    return [
        bodies.TripwireBucket(start=to_iso(mark.start), end=to_iso(mark.end), events=_events(by_event, slice(i, i + 1)))
        for i, mark in enumerate(marks)
    ]


def kpi(wire_id: str, by_event: Mapping[str, Mapping[str, Sequence[Bin]]]) -> bodies.TripwireKpi:
    """Crossings over all buckets."""
    return bodies.TripwireKpi(id=wire_id, events=_events(by_event, slice(None)))


def alert(item: StoredAlert, sensor: Sensor) -> bodies.Alert:
    """An alert as the API says it."""
    said = outgoing.alert(item, sensor.name)
    return bodies.Alert(
        id=said.id,
        sensor_id=said.sensor_id,
        type=said.type,
        rule_type=said.rule_type,
        rule_id=said.rule_id,
        count=said.count,
        direction=said.direction,
        direction_name=said.direction_name,
        description=said.description,
        start_timestamp=said.start_timestamp,
        end_timestamp=said.end_timestamp,
        duration=said.duration,
        attributes=[bodies.NameValue(name=pair.name, value=pair.value) for pair in said.attributes],
    )


def v1_histogram(
    sensor: Sensor, bins: Sequence[Bin], bucket_us: int, *, alerts: Sequence[StoredAlert]
) -> generations.V1Histogram:
    """The FOV reply of v1."""
    histogram = [
        generations.V1Bucket(
            start=to_iso(item.start),
            end=to_iso(item.end),
            avg_count=round(item.average, 3),
            min_count=item.min,
            max_count=item.max,
        )
        for item in bins
    ]
    window = f"{bucket_us // US_PER_SECOND} sec"
    counts = generations.V1Counts(agg_window=window, histogram=histogram, sensor_id=sensor.name)
    return generations.V1Histogram(alerts=[alert(item, sensor) for item in alerts], counts=[counts])


def v3_histogram(by_type: Mapping[str, Sequence[Bin]], bucket_us: int) -> generations.V3FovHistogram:
    """The FOV reply of v3."""
    histogram = [
        generations.V3FovBucket(
            start=to_iso(bins[0].start),
            end=to_iso(bins[0].end),
            objects=[
                generations.V3Occupancy(type=name, average_count=round(item.average, 3))
                for name, item in zip(by_type, bins, strict=True)
            ],
        )
        for bins in zip(*by_type.values(), strict=True)
    ]
    return generations.V3FovHistogram(bucket_size_in_sec=bucket_us // US_PER_SECOND, histogram=histogram)


def _events(by_event: Mapping[str, Mapping[str, Sequence[Bin]]], part: slice) -> list[bodies.DirectionCounts]:
    return [
        bodies.DirectionCounts(
            type="IN" if event == "IN" else "OUT",
            objects=[
                bodies.TypeCount(type=name, count=sum(item.sum for item in bins[part])) for name, bins in of.items()
            ],
        )
        for event, of in by_event.items()
    ]


def _buffer(body: bodies.Buffers, settings: AnalyticsSettings) -> Buffer:
    spatial, temporal = body.spatial_buffer_px, body.temporal_buffer_ms
    return Buffer(
        settings.spatial_buffer_px if spatial is None else spatial,
        1000 * (settings.temporal_buffer_ms if temporal is None else temporal),
    )


def _tripwire_body(item: Wire) -> bodies.TripwireBody:
    (x1, y1), (x2, y2) = item.arrow
    return bodies.TripwireBody(
        id=item.wire_id,
        name=item.name,
        wire=[bodies.XY(x=x, y=y) for x, y in item.points],
        direction=bodies.Arrow(
            p1=bodies.XY(x=x1, y=y1),
            p2=bodies.XY(x=x2, y=y2),
            entry=bodies.Named(name=item.entry_name),
            exit=bodies.Named(name=item.exit_name),
        ),
        arrow_means="in" if item.along is Direction.IN else "out",
        spatial_buffer_px=item.buffer.spatial_px,
        temporal_buffer_ms=item.buffer.temporal_us // 1000,
    )


def _roi_body(item: Region) -> bodies.RoiBody:
    return bodies.RoiBody(
        id=item.roi_id,
        name=item.name,
        coordinates=[bodies.XY(x=x, y=y) for x, y in item.corners],
        spatial_buffer_px=item.buffer.spatial_px,
        temporal_buffer_ms=item.buffer.temporal_us // 1000,
    )


def _rule_body(item: AlertRule) -> bodies.RuleBody:
    return bodies.RuleBody(
        id=item.target_id or None,
        rule_id=item.rule_id,
        name=item.name,
        type=str(item.kind),
        rule_type=item.metric.value,
        time_interval=item.interval_us / US_PER_SECOND,
        count_threshold=item.threshold,
        direction=None if item.direction is None else "entry" if item.direction is Direction.IN else "exit",
        hold_time=item.hold_us / US_PER_SECOND,
        cool_down=item.cool_down_us / US_PER_SECOND,
        object_type=item.object_type,
    )


def _us(seconds: float) -> int:
    return round(seconds * US_PER_SECOND)
