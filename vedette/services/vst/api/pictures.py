"""`storage/stream/{streamId}/picture`: single pictures out of recordings."""

from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from vedette.kernel.clock import to_iso
from vedette.kernel.errors import invalid
from vedette.kernel.http import requires
from vedette.schema.identity import Action
from vedette.services.vst.api.common import StreamId, instant
from vedette.services.vst.service import Vst
from vedette.services.vst.service.urls import PictureRequest

_JPEG: dict[int | str, dict[str, Any]] = {200: {"content": {"image/jpeg": {}}}}
_MOST_FRAMES = 100_000


class PictureQuery(BaseModel):
    """The query of a picture; names that it does not know are ignored, as clients send more than is published."""

    model_config = ConfigDict(alias_generator=to_camel, frozen=True)

    start_time: str | None = Field(None, max_length=128)
    frame_id: int | None = Field(None, ge=0, le=_MOST_FRAMES)
    width: int | None = Field(None, ge=0, le=8000)
    height: int | None = Field(None, ge=0, le=8000)
    overlay: str | None = Field(None, max_length=4096)


def add_pictures(router: APIRouter, service: Vst) -> None:
    """Adds the route."""

    @router.get(
        "/stream/{streamId}/picture",
        dependencies=[requires(Action.REPLAY, sensor="streamId", resolve=service.sensor_of)],
        response_class=Response,
        responses=_JPEG,
    )
    async def get_picture(stream_id: StreamId, query: Annotated[PictureQuery, Query()]) -> Response:
        """The picture that was recorded at `startTime`, as JPEG.

        With `frameId` it is so many pictures later, or without `startTime` into the stream's first recording. Nothing
        is drawn into it: VST knows no objects, and the header `vedette-overlay: none` says so when one was asked for.
        """
        reply = await send_picture(service, await picture_at(service, stream_id, query))
        if query.overlay is not None:
            reply.headers["vedette-overlay"] = "none"
        return reply


async def picture_at(service: Vst, stream_id: str, query: PictureQuery) -> PictureRequest:
    """Which picture is meant. Faults: 400 without a time and a frame, 404 when nothing was recorded."""
    if query.overlay is not None and not _is_object(query.overlay):
        raise invalid("overlay is a JSON object.")
    at_us = instant(query.start_time)
    if at_us is None and query.frame_id is None:
        raise invalid("startTime is needed, or frameId.")
    if query.frame_id is not None:
        if at_us is None:
            at_us, _ = await service.footage.extent(stream_id)
        at_us = await service.frames.at(stream_id, at_us, query.frame_id)
    return PictureRequest(stream_id, at_us or 0, query.width or None, query.height or None)


async def send_picture(service: Vst, wanted: PictureRequest) -> Response:
    """The reply with a picture; `vedette-picture-time` is when it was asked for."""
    jpeg = await service.footage.picture(wanted.stream_id, wanted.at_us, width=wanted.width, height=wanted.height)
    return Response(jpeg, media_type="image/jpeg", headers={"vedette-picture-time": to_iso(wanted.at_us)})


def _is_object(text: str) -> bool:
    try:
        return isinstance(msgspec.json.decode(text), dict)
    except msgspec.DecodeError:
        return False
