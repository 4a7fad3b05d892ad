"""Ingress' own routes; everything else it answers is somebody else's."""

from fastapi import APIRouter

from vedette.kernel.errors import not_found
from vedette.kernel.http import requires
from vedette.schema.identity import Action


def build_router() -> APIRouter:
    """The routes beside the probes."""
    router = APIRouter(tags=["probes"])

    @router.get("/metrics/{service}", dependencies=[requires(Action.VIEW)])
    async def metrics(service: str) -> None:
        """Prometheus exposition text of one service behind ingress. A name that exists never gets here."""
        raise not_found(f"There is no service '{service}' behind this port.")

    return router
