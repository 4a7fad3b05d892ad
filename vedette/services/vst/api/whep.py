"""Live view by WHEP (draft-ietf-wish-whep): an SDP offer is posted, the answer comes back with a session's address."""

from typing import Annotated

from fastapi import APIRouter, Path, Request, Response

from vedette.kernel.clock import to_iso
from vedette.kernel.errors import Fault, invalid
from vedette.kernel.http import requires
from vedette.schema.identity import Action
from vedette.services.vst.api.common import ID_PATTERN, ROUTED, JsonObject, StreamId
from vedette.services.vst.service import Vst
from vedette.services.vst.service.live import MediaSession

_SDP = "application/sdp"
_MAX_OFFER_BYTES = 65_535
_OFFER = {"requestBody": {"required": True, "content": {_SDP: {"schema": {"type": "string"}}}}}
type SessionId = Annotated[str, Path(alias="mediaSessionId", pattern=ID_PATTERN, max_length=100)]


def build_router(service: Vst) -> APIRouter:
    """The routes of `live/whep/…`."""
    router = APIRouter(prefix="/live/whep", tags=["live"], dependencies=[ROUTED])
    guard = [requires(Action.LIVE, sensor="streamId")]

    @router.post(
        "/{streamId}", status_code=201, dependencies=guard, response_class=Response,
        responses={201: {"content": {_SDP: {}}}}, openapi_extra=_OFFER,
    )  # fmt: skip
    async def open_session(stream_id: StreamId, request: Request) -> Response:
        """Open a live view: the body is an SDP offer, the reply its answer with all candidates in it."""
        session, answer = await service.live.open(stream_id, await _offer(request))
        location = f"/vst/api/v1/live/whep/{stream_id}/{session.media_session_id}"
        return Response(answer, 201, headers={"location": location, "cache-control": "no-store"}, media_type=_SDP)

    @router.get("/{streamId}/{mediaSessionId}", dependencies=guard)
    async def get_session(stream_id: StreamId, media_session_id: SessionId) -> JsonObject:
        """How a live view is, and which capture time belongs to which RTP timestamp on the wire."""
        return _session(service.live.get(stream_id, media_session_id))

    @router.delete("/{streamId}/{mediaSessionId}", dependencies=guard)
    async def close_session(stream_id: StreamId, media_session_id: SessionId) -> JsonObject:
        """End a live view."""
        await service.live.close(stream_id, media_session_id)
        return {}

    @router.patch("/{streamId}/{mediaSessionId}", dependencies=guard, status_code=204, response_class=Response)
    async def add_candidates(stream_id: StreamId, media_session_id: SessionId) -> Response:
        """Trickle ICE is not needed: viewers reach us by the candidates of the answer, so theirs are only noted."""
        service.live.get(stream_id, media_session_id)
        return Response(status_code=204)

    return router


async def _offer(request: Request) -> str:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != _SDP:
        raise Fault("UnsupportedMediaTypeError", 415, f"Send the SDP offer with Content-Type: {_SDP}.")
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > _MAX_OFFER_BYTES:
            raise Fault("PayloadTooLargeError", 413, "An SDP offer has at most 64 KiB.")
    try:
        return body.decode()
    except UnicodeDecodeError as error:
        raise invalid("The SDP offer is not text.") from error


def _session(session: MediaSession) -> JsonObject:
    clock, stats = session.peer.clock, session.peer.stats
    return {
        "mediaSessionId": session.media_session_id,
        "streamId": session.stream_id,
        "state": session.peer.state,
        "clock": None
        if clock is None
        else {"rtpTimestamp": clock.rtp_timestamp, "wallTime": to_iso(clock.wall_us), "wallTimeUs": clock.wall_us},
        "stats": {
            "units": stats.units,
            "bytes": stats.bytes,
            "droppedUnits": stats.dropped_units,
            "pictureLosses": stats.picture_losses,
            "resentGops": stats.resent_gops,
        },
    }
