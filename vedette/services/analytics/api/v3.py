"""The successor's generation, base `/emdx/api/v3` or `/api/v3.2/analytics`: for now its FOV histogram."""

from typing import Annotated

from fastapi import APIRouter, Query, Request

from vedette.schema.identity import Action
from vedette.services.analytics.api import convert
from vedette.services.analytics.api.access import Access
from vedette.services.analytics.model import generations
from vedette.services.analytics.service.analytics import AnalyticsService


def router(service: AnalyticsService, access: Access) -> APIRouter:
    """All v3 routes, without their base path."""
    routes = APIRouter(tags=["v3"])

    @routes.get("/metrics/occupancy/fov/histogram", dependencies=[access.needs(Action.VIEW)])
    async def fov_histogram(
        request: Request, query: Annotated[generations.V3HistogramQuery, Query()]
    ) -> generations.V3FovHistogram:
        """Mean number of objects in view per type over time."""
        sensor = await access.sensor(request, query.sensor_id, Action.VIEW)
        window = convert.window(query, service, bucket_count=query.bucket_count)
        found = await service.queries.fov(sensor, window, convert.types(query.object_type, total=False))
        return convert.v3_histogram(found, window.bucket_us)

    return routes
