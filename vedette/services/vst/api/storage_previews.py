"""`storage/stream/{streamId}/preview`: small pictures for scrubbing through recordings."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Response

from vedette.kernel.clock import to_iso
from vedette.kernel.errors import invalid
from vedette.kernel.http import requires
from vedette.schema.identity import Action
from vedette.services.vst.api.common import JsonObject, StreamId, instant
from vedette.services.vst.service import Vst

type TimeText = Annotated[str, Query(max_length=128)]
_JPEG: dict[int | str, dict[str, Any]] = {200: {"content": {"image/jpeg": {}}}}


def add_previews(router: APIRouter, service: Vst) -> None:
    """Adds the routes."""

    @router.get(
        "/stream/{streamId}/preview",
        dependencies=[requires(Action.REPLAY, sensor="streamId", resolve=service.sensor_of)],
        response_class=Response,
        responses=_JPEG,
    )
    async def get_preview(
        stream_id: StreamId,
        start_time: Annotated[TimeText, Query(alias="startTime")],
        width: Annotated[int | None, Query(ge=16, le=1920)] = None,
    ) -> Response:
        """A small picture near a time, 180 lines high, read from the disk in about a millisecond; for a `width` of more
        than 640 it is made from the recording."""
        jpeg = await service.previews.picture(stream_id, instant(start_time) or 0, width=width)
        return Response(jpeg, media_type="image/jpeg", headers={"cache-control": "private, max-age=3600"})

    @router.get(
        "/stream/{streamId}/previews",
        dependencies=[requires(Action.REPLAY, sensor="streamId", resolve=service.sensor_of)],
    )
    async def list_previews(
        stream_id: StreamId,
        start_time: Annotated[TimeText, Query(alias="startTime")],
        end_time: Annotated[TimeText, Query(alias="endTime")],
        count: Annotated[int, Query(ge=1, le=1000)] = 60,
    ) -> JsonObject:
        """Instants with small pictures, evenly spread over what was recorded in a range."""
        start_us, end_us = instant(start_time) or 0, instant(end_time) or 0
        if end_us <= start_us:
            raise invalid("endTime must be later than startTime.")
        return {"times": [to_iso(item) for item in await service.previews.times(stream_id, start_us, end_us, count)]}
