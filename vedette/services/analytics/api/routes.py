"""All routes of analytics under their published paths, and the bare paths of a direct connection."""

from collections.abc import Sequence

from fastapi import APIRouter

from vedette.kernel.http import requires
from vedette.kernel.lifecycle import ASGIApp, Receive, Scope, Send
from vedette.schema.identity import Action
from vedette.services.analytics.api import live, v1, v2
from vedette.services.analytics.api.access import Access
from vedette.services.analytics.service.analytics import AnalyticsService

BASE = "/emdx"
_BARE = ("/api/", "/core/")


def routers(service: AnalyticsService) -> Sequence[APIRouter]:
    """Every router; paths as a client behind ingress writes them."""
    access = Access(service)
    whole = APIRouter()
    whole.include_router(v2.router(service, access), prefix=f"{BASE}/api/v2")
    whole.include_router(v1.router(service, access), prefix=f"{BASE}/api/v1")
    whole.include_router(v1.router(service, access), prefix=f"{BASE}/api")
    whole.include_router(live.router(service, access))
    whole.include_router(_health())
    return [whole]


class BarePaths:
    """Serves the same paths without `/emdx` in front, as on the port of the service itself."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"].startswith(_BARE):
            raw = scope.get("raw_path")
            scope = {**scope, "path": BASE + scope["path"], "raw_path": raw and BASE.encode() + raw}
        await self._app(scope, receive, send)


def _health() -> APIRouter:
    routes = APIRouter(tags=["probes"])

    @routes.get(f"{BASE}/core/healthz", dependencies=[requires(Action.PUBLIC)])
    async def healthz() -> dict[str, str]:
        """The process answers."""
        return {"status": "ok"}

    return routes
