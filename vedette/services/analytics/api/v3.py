"""The successor's generation, base `/emdx/api/v3` or `/api/v3.2/analytics`: for now its FOV histogram."""

from typing import Annotated

from fastapi import APIRouter, Query, Request

from vedette.kernel.clock import US_PER_SECOND, to_iso
from vedette.schema.identity import Action
from vedette.services.analytics.api import convert
from vedette.services.analytics.api.access import Access
from vedette.services.analytics.model import bodies
from vedette.services.analytics.service.analytics import AnalyticsService


def router(service: AnalyticsService, access: Access) -> APIRouter:
    """All v3 routes, without their base path."""
    routes = APIRouter(tags=["v3"])

    @routes.get("/metrics/occupancy/fov/histogram", dependencies=[access.needs(Action.VIEW)])
    async def fov_histogram(
        request: Request, query: Annotated[bodies.V3HistogramQuery, Query()]
    ) -> bodies.V3FovHistogram:
        """Mean number of objects in view per type over time."""
        sensor = await access.sensor(request, query.sensor_id, Action.VIEW)
        window = convert.window(query, service, bucket_count=query.bucket_count)
        found = await service.queries.fov(sensor, window, convert.types(query.object_type, total=False))
        histogram = [
            bodies.V3FovBucket(
                start=to_iso(bins[0].start),
                end=to_iso(bins[0].end),
                objects=[
                    bodies.V3Occupancy(type=name, average_count=round(item.average, 3))
                    for name, item in zip(found, bins, strict=True)
                ],
            )
            for bins in zip(*found.values(), strict=True)
        ]
        return bodies.V3FovHistogram(bucket_size_in_sec=window.bucket_us // US_PER_SECOND, histogram=histogram)

    return routes
