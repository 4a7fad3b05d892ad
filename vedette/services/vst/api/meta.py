"""What clients of NVIDIA's VST ask first: versions, configuration, and groups that are still empty."""

from typing import Annotated

from fastapi import APIRouter

from vedette import __version__
from vedette.kernel.http import requires
from vedette.schema.identity import Action, Subject
from vedette.services.vst.api.common import JsonObject, camera_streams, sensor_ids
from vedette.services.vst.service import Vst
from vedette.services.vst.service.configuration import live_configuration


def build_router(service: Vst) -> APIRouter:
    """Versions of every group, and the configuration documents outside of their own modules."""
    router = APIRouter(tags=["meta"])
    for group in ("sensor", "live", "replay", "streambridge", "proxy"):
        _add_version(router, group, {"type": "vst", "version": __version__})
    _add_version(router, "record", {"recorder_version": __version__, "type": "vst", "version": __version__})
    _add_version(router, "storage", {"storage_management_version": __version__, "type": "vst", "version": __version__})

    @router.get("/replay/configuration", dependencies=[requires(Action.VIEW)])
    async def get_replay_configuration() -> JsonObject:
        """The configuration that NVIDIA's web page asks for at start."""
        return live_configuration(service.settings)

    @router.get("/replay/streams")
    async def list_replay_streams(caller: Annotated[Subject, requires(Action.VIEW)]) -> list[JsonObject]:
        """Streams that have recordings."""
        recorded = await service.footage.usage()
        return camera_streams(service, (key for key in sensor_ids(service, caller) if key in recorded))

    return router


def _add_version(router: APIRouter, group: str, version: JsonObject) -> None:
    async def get_version() -> JsonObject:
        """The version of this group of routes."""
        return version

    router.add_api_route(
        f"/{group}/version", get_version, methods=["GET"], dependencies=[requires(Action.VIEW)], name=f"{group}_version"
    )
