"""All routes of analytics under their published paths, and the bare paths of a direct connection."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from fastapi import APIRouter

from vedette.kernel.http import requires
from vedette.kernel.lifecycle import ASGIApp, Receive, Scope, Send
from vedette.schema.identity import Action
from vedette.services.analytics.api import live, v1, v2, v3
from vedette.services.analytics.api.access import Access
from vedette.services.analytics.model.bodies import Refusal
from vedette.services.analytics.service.analytics import AnalyticsService

BASE = "/emdx"
_BARE = ("/api/", "/core/")
_SUCCESSOR = "/api/v3.2/analytics/"
_REFUSALS: dict[int | str, dict[str, Any]] = {
    status: {"model": Refusal, "description": description}
    for status, description in (
        (400, "A parameter or the body is missing, unknown, malformed or contradicts another."),
        (401, "Nobody is signed in."),
        (403, "The caller's role does not allow this."),
        (404, "There is no such thing, or none that the caller may see."),
        (409, "The id belongs to something else."),
        (422, "Well formed, but the values do not make sense together."),
        (503, "Not now; try again later."),
    )
}


def routers(service: AnalyticsService) -> Sequence[APIRouter]:
    """Every router; paths as a client behind ingress writes them."""
    access = Access(service)
    whole = APIRouter()
    for base, generation in (("/api/v3", v3), ("/api/v2", v2), ("/api/v1", v1), ("/api", v1)):
        whole.include_router(generation.router(service, access), prefix=BASE + base, responses=_REFUSALS)
    whole.include_router(live.router(service, access))
    whole.include_router(_health())
    return [whole]


class BarePaths:
    """Serves the same paths without `/emdx` in front, as on the service's own port, and v3 under its own name."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"].startswith(_BARE):
            path = BASE + scope["path"].replace(_SUCCESSOR, "/api/v3/", 1)
            scope = {**scope, "path": path, "raw_path": quote(path).encode()}
        await self._app(scope, receive, send)


def _health() -> APIRouter:
    routes = APIRouter(tags=["probes"])

    @routes.get(f"{BASE}/core/healthz", dependencies=[requires(Action.PUBLIC)])
    async def healthz() -> dict[str, str]:
        """The process answers."""
        return {"status": "ok"}

    return routes
