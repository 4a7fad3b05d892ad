"""`live/…` but for the sessions: streams and the picture of now."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Response

from vedette.kernel.http import requires
from vedette.schema.identity import Action, Subject
from vedette.services.vst.api.common import ROUTED, JsonObject, StreamId, sensor_ids, stream_info
from vedette.services.vst.service import Vst
from vedette.services.vst.service.configuration import live_configuration

type Side = Annotated[int | None, Query(ge=0, le=8000)]
_JPEG: dict[int | str, dict[str, Any]] = {200: {"content": {"image/jpeg": {}}}}


def build_router(service: Vst) -> APIRouter:
    """The routes of `live/…` without WHEP."""
    router = APIRouter(prefix="/live", tags=["live"])

    @router.get("/streams")
    async def list_streams(caller: Annotated[Subject, requires(Action.VIEW)]) -> list[JsonObject]:
        """Streams that carry media now, with the address of the RTSP relay."""
        found = {key: service.sensors.streams_of(key) for key in sensor_ids(service, caller)}
        live = {key: [item for item in streams if item.relay_url] for key, streams in found.items()}
        return [{key: [stream_info(item, item.relay_url) for item in items]} for key, items in live.items() if items]

    @router.get(
        "/stream/{streamId}/picture",
        dependencies=[requires(Action.LIVE, sensor="streamId"), ROUTED],
        response_class=Response,
        responses=_JPEG,
    )
    async def get_picture(stream_id: StreamId, width: Side = None, height: Side = None) -> Response:
        """The newest picture as JPEG; one side given keeps the shape."""
        jpeg = await service.footage.live_picture(stream_id, width=width or None, height=height or None)
        return Response(jpeg, media_type="image/jpeg", headers={"cache-control": "no-store"})

    @router.get("/iceServers", dependencies=[requires(Action.LIVE)])
    async def get_ice_servers() -> JsonObject:
        """None: on a local network host candidates are enough, and all of ours are in the answer."""
        return {"iceServers": []}

    @router.get("/configuration", dependencies=[requires(Action.VIEW)])
    async def get_configuration() -> JsonObject:
        """The configuration that NVIDIA's web page asks for at start."""
        return live_configuration(service.settings)

    return router
