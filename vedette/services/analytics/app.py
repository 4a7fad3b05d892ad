"""Wiring of the analytics service."""

from vedette.kernel.context import Kernel
from vedette.kernel.http import create_app
from vedette.services.analytics.api.routes import BarePaths, routers
from vedette.services.analytics.service.analytics import AnalyticsService
from vedette.services.analytics.settings import AnalyticsSettings


def build(settings: AnalyticsSettings, kernel: Kernel) -> AnalyticsService:
    """The service, not started."""
    service = AnalyticsService(
        settings,
        clock=kernel.clock,
        bus=kernel.bus,
        database=kernel.open_database("analytics"),
        telemetry=kernel.telemetry,
    )
    app = create_app(
        "analytics",
        routers=routers(service),
        telemetry=kernel.telemetry,
        ready=service.ready,
        identity=kernel.identity,
        style="analytics",
        description="Counts, crossings and alerts from frames of tracked objects.",
    )
    app.add_middleware(BarePaths)
    service.serve(app)
    return service
