"""Generation v2: configuration, alert rules, histograms, alerts and frames, as JPS clients ask for them."""

from typing import Annotated

import msgspec
from fastapi import APIRouter, Query, Request

from vedette.kernel.errors import invalid, not_found
from vedette.schema.identity import Action
from vedette.services.analytics.api import convert
from vedette.services.analytics.api.access import Access
from vedette.services.analytics.model import bodies
from vedette.services.analytics.model.domain import Kind, Sensor
from vedette.services.analytics.service.analytics import AnalyticsService


def router(service: AnalyticsService, access: Access) -> APIRouter:
    """All v2 routes, without their base path."""
    whole = APIRouter(tags=["v2"])
    for part in (_config(service, access), _metrics(service, access), _frames(service, access)):
        whole.include_router(part)
    for kind in Kind:
        whole.include_router(_rules(service, access, kind))
    whole.include_router(alerts(service, access))
    return whole


def _config(service: AnalyticsService, access: Access) -> APIRouter:
    routes = APIRouter(prefix="/config")

    @routes.get("/tripwire", dependencies=[access.needs(Action.VIEW)])
    @routes.get("/roi", dependencies=[access.needs(Action.VIEW)])
    async def get_config(request: Request, query: Annotated[bodies.SensorQuery, Query()]) -> bodies.ConfigReply:
        """Tripwires and ROIs of a sensor; both from either address."""
        sensor = await access.sensor(request, query.sensor_id, Action.VIEW)
        return convert.config(sensor, await service.configuration.get(sensor))

    @routes.post("/tripwire", dependencies=[access.needs(Action.CONFIGURE)])
    async def set_tripwires(
        request: Request, body: bodies.TripwiresRequest, query: Annotated[bodies.ConfigQuery, Query()]
    ) -> bodies.ConfigReply:
        """Adds tripwires, or replaces those with the same ids. Answers with all of the sensor."""
        sensor = await access.sensor(request, body.sensor_id, Action.CONFIGURE, also=query.sensor_id)
        wires = [convert.wire(item, service.settings) for item in body.tripwires]
        plan = await service.configuration.set_wires(sensor, wires, restart=body.delete_if_present)
        return convert.config(sensor, plan)

    @routes.post("/roi", dependencies=[access.needs(Action.CONFIGURE)])
    async def set_rois(
        request: Request, body: bodies.RoisRequest, query: Annotated[bodies.ConfigQuery, Query()]
    ) -> bodies.ConfigReply:
        """Adds ROIs, or replaces those with the same ids. Answers with all of the sensor."""
        sensor = await access.sensor(request, body.sensor_id, Action.CONFIGURE, also=query.sensor_id)
        regions = [convert.region(item, service.settings) for item in body.rois]
        plan = await service.configuration.set_regions(sensor, regions, restart=body.delete_if_present)
        return convert.config(sensor, plan)

    @routes.delete("/tripwire", dependencies=[access.needs(Action.CONFIGURE)])
    async def delete_tripwire(
        request: Request, query: Annotated[bodies.DeleteItemQuery, Query()]
    ) -> bodies.ConfigReply:
        """Deletes a tripwire and its rules; with `deleteIfPresent` its counts too."""
        sensor = await access.sensor(request, query.sensor_id, Action.CONFIGURE)
        wire_id = _one_of("tripwireId", query.tripwire_id)
        plan = await service.configuration.delete_item(sensor, Kind.TRIPWIRE, wire_id, history=query.delete_if_present)
        return convert.config(sensor, plan)

    @routes.delete("/roi", dependencies=[access.needs(Action.CONFIGURE)])
    async def delete_roi(request: Request, query: Annotated[bodies.DeleteItemQuery, Query()]) -> bodies.ConfigReply:
        """Deletes an ROI and its rules; with `deleteIfPresent` its counts too. `tripwireId` is read as `roiId`."""
        sensor = await access.sensor(request, query.sensor_id, Action.CONFIGURE)
        roi_id = _one_of("roiId", query.roi_id or query.tripwire_id)
        plan = await service.configuration.delete_item(sensor, Kind.ROI, roi_id, history=query.delete_if_present)
        return convert.config(sensor, plan)

    return routes


def _rules(service: AnalyticsService, access: Access, kind: Kind) -> APIRouter:
    routes = APIRouter(prefix=f"/config/rule/alerts/{kind}")

    @routes.get("", dependencies=[access.needs(Action.VIEW)])
    async def get_rules(request: Request, query: Annotated[bodies.SensorQuery, Query()]) -> bodies.RulesReply:
        """The alert rules of this kind; an empty list if there are none."""
        sensor = await access.sensor(request, query.sensor_id, Action.VIEW)
        return convert.rules(sensor, await service.configuration.get(sensor), kind)

    @routes.post("", dependencies=[access.needs(Action.CONFIGURE)])
    async def set_rules(
        request: Request, body: bodies.RulesRequest, query: Annotated[bodies.ConfigQuery, Query()]
    ) -> bodies.RulesReply:
        """Adds alert rules, or replaces those with the same `ruleId`. Answers with all of this kind."""
        sensor = await access.sensor(request, body.sensor_id, Action.CONFIGURE, also=query.sensor_id)
        plan = await service.configuration.set_rules(sensor, [convert.rule(item, kind) for item in body.rules])
        return convert.rules(sensor, plan, kind)

    @routes.delete("", dependencies=[access.needs(Action.CONFIGURE)])
    async def delete_rule(request: Request, query: Annotated[bodies.DeleteRuleQuery, Query()]) -> bodies.RulesReply:
        """Deletes an alert rule and ends its alert."""
        sensor = await access.sensor(request, query.sensor_id, Action.CONFIGURE)
        target_id = query.roi_id or query.tripwire_id or ""
        plan = await service.configuration.delete_rule(sensor, kind, query.rule_id, target_id=target_id)
        return convert.rules(sensor, plan, kind)

    return routes


def _metrics(service: AnalyticsService, access: Access) -> APIRouter:
    routes = APIRouter(prefix="/metrics")

    @routes.get("/occupancy/fov/histogram", dependencies=[access.needs(Action.VIEW)])
    async def fov_histogram(
        request: Request, query: Annotated[bodies.HistogramQuery, Query()]
    ) -> bodies.OccupancyHistogram:
        """Objects in view over time."""
        sensor = await access.sensor(request, query.sensor_id, Action.VIEW)
        window = convert.window(query, service, bucket_us=convert.bucket_us(query))
        found = await service.queries.fov(sensor, window, convert.types(query.object_type, total=False))
        return bodies.OccupancyHistogram(
            bucket_size_in_sec=window.bucket_us // 1_000_000, histogram=convert.occupancy_buckets(found)
        )

    @routes.get("/occupancy/roi/histogram", dependencies=[access.needs(Action.VIEW)])
    async def roi_histogram(
        request: Request, query: Annotated[bodies.RoiHistogramQuery, Query()]
    ) -> bodies.RoiHistogram:
        """Objects in ROIs over time."""
        sensor = await access.sensor(request, query.sensor_id, Action.VIEW)
        roi_ids = await _chosen(service, sensor, Kind.ROI, query.roi_id)
        window = convert.window(query, service, bucket_us=convert.bucket_us(query))
        found = await service.queries.rois(sensor, roi_ids, window, types=convert.types(query.object_type, total=False))
        rois = [
            bodies.RoiOccupancy(id=roi_id, histogram=convert.occupancy_buckets(by_type))
            for roi_id, by_type in found.items()
        ]
        return bodies.RoiHistogram(bucket_size_in_sec=window.bucket_us // 1_000_000, rois=rois)

    @routes.get("/tripwire/histogram", dependencies=[access.needs(Action.VIEW)])
    async def tripwire_histogram(
        request: Request, query: Annotated[bodies.TripwireHistogramQuery, Query()]
    ) -> bodies.TripwireHistogram:
        """Crossings over time, per direction; without `objectType` the type `*` alone: all of them together."""
        sensor = await access.sensor(request, query.sensor_id, Action.VIEW)
        wire_ids = await _chosen(service, sensor, Kind.TRIPWIRE, query.tripwire_id)
        window = convert.window(query, service, bucket_us=convert.bucket_us(query))
        found = await service.queries.tripwires(
            sensor, wire_ids, window, types=convert.types(query.object_type, total=True)
        )
        wires = [
            bodies.TripwireSeries(id=wire_id, histogram=convert.crossing_buckets(by_event))
            for wire_id, by_event in found.items()
        ]
        return bodies.TripwireHistogram(bucket_size_in_sec=window.bucket_us // 1_000_000, tripwires=wires)

    @routes.get("/tripwire", dependencies=[access.needs(Action.VIEW)])
    @routes.get("/tripwire/count", dependencies=[access.needs(Action.VIEW)])
    async def tripwire_counts(request: Request, query: Annotated[bodies.TripwireQuery, Query()]) -> bodies.TripwireKpis:
        """Crossings in the whole window, per direction; without `objectType` the type `*` alone."""
        sensor = await access.sensor(request, query.sensor_id, Action.VIEW)
        wire_ids = await _chosen(service, sensor, Kind.TRIPWIRE, query.tripwire_id)
        window = convert.window(query, service)
        found = await service.queries.tripwires(
            sensor, wire_ids, window, types=convert.types(query.object_type, total=True)
        )
        return bodies.TripwireKpis(tripwire_kpis=[convert.kpi(wire_id, of) for wire_id, of in found.items()])

    return routes


def alerts(service: AnalyticsService, access: Access) -> APIRouter:
    """Alerts of all kinds and of each; the same in v1 and v2."""
    routes = APIRouter()
    kinds: tuple[Kind | None, ...] = (None, *Kind)
    for kind in kinds:
        routes.include_router(_alerts_of(service, access, kind))
    return routes


def _alerts_of(service: AnalyticsService, access: Access, kind: Kind | None) -> APIRouter:
    routes = APIRouter(prefix="/alerts" if kind is None else f"/alerts/{kind}")
    word = kind or "all"

    @routes.get("", dependencies=[access.needs(Action.VIEW)], name=f"{word}_alerts")
    async def get_alerts(request: Request, query: Annotated[bodies.AlertsQuery, Query()]) -> bodies.AlertsReply:
        """Alerts that held at some moment of the window, newest first."""
        sensor = await access.sensor(request, query.sensor_id, Action.VIEW)
        window = convert.window(query, service)
        found = await service.queries.alerts(sensor, kind, start=window.start, end=window.end, limit=query.limit)
        return bodies.AlertsReply(alerts=[convert.alert(item, sensor) for item in found])

    @routes.get("/count", dependencies=[access.needs(Action.VIEW)], name=f"{word}_alert_count")
    async def count_alerts(request: Request, query: Annotated[bodies.WindowQuery, Query()]) -> bodies.CountReply:
        """How many alerts held at some moment of the window."""
        sensor = await access.sensor(request, query.sensor_id, Action.VIEW)
        window = convert.window(query, service)
        count = await service.queries.alert_count(sensor, kind, start=window.start, end=window.end)
        return bodies.CountReply(count=count)

    return routes


def _frames(service: AnalyticsService, access: Access) -> APIRouter:
    routes = APIRouter()

    @routes.get("/frames", dependencies=[access.needs(Action.VIEW)])
    async def get_frames(request: Request, query: Annotated[bodies.FramesQuery, Query()]) -> bodies.FramesReply:
        """Frames of the window with their objects, as far as they are still in memory."""
        sensor = await access.sensor(request, query.sensor_id, Action.VIEW)
        window = convert.window(query, service)
        found = service.queries.frames(sensor, start=window.start, end=window.end, limit=query.limit)
        return bodies.FramesReply(frames=[msgspec.to_builtins(item) for item in found])

    return routes


async def _chosen(service: AnalyticsService, sensor: Sensor, kind: Kind, wanted: str | None) -> list[str]:
    """The tripwire or ROI asked for, or all of the sensor. Fault 404 if it is not configured."""
    plan = await service.configuration.get(sensor)
    known = [item.wire_id for item in plan.wires] if kind is Kind.TRIPWIRE else [item.roi_id for item in plan.regions]
    if wanted is None:
        return known
    if wanted not in known:
        raise not_found(f"'{sensor.name}' has no {kind} '{wanted[:100]}'. GET the configuration to see its ids.")
    return [wanted]


def _one_of(name: str, value: str | None) -> str:
    if value is None:
        raise invalid(f"{name}: say which one to delete.")
    return value
