"""Generation v1: the FOV histogram and the alerts, in the first published shape."""

from typing import Annotated

from fastapi import APIRouter, Query, Request

from vedette.schema.identity import Action
from vedette.services.analytics.api import convert, v2
from vedette.services.analytics.api.access import Access
from vedette.services.analytics.model import generations
from vedette.services.analytics.model.domain import ALL_TYPES, Kind
from vedette.services.analytics.service.analytics import AnalyticsService
from vedette.services.analytics.service.queries import Types


def router(service: AnalyticsService, access: Access) -> APIRouter:
    """All v1 routes, without their base path."""
    routes = APIRouter(tags=["v1"])

    @routes.get("/metrics/occupancy/fov/histogram", dependencies=[access.needs(Action.VIEW)])
    async def fov_histogram(
        request: Request, query: Annotated[generations.V1HistogramQuery, Query()]
    ) -> generations.V1Histogram:
        """Objects in view over time, all types together."""
        sensor = await access.sensor(request, query.sensor_id, Action.VIEW)
        size_us = None if query.fixed_interval is None else query.fixed_interval * 1000
        window = convert.window(query, service, bucket_us=size_us)
        bins = (await service.queries.fov(sensor, window, Types(total=True, seen=False)))[ALL_TYPES]
        found = []
        if query.alerts:
            found = await service.queries.alerts(sensor, Kind.FOV, start=window.start, end=window.end, limit=1000)
        return convert.v1_histogram(sensor, bins, window.bucket_us, alerts=found)

    routes.include_router(v2.alerts(service, access))
    return routes
