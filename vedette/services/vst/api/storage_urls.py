"""`storage/…/url` and what these addresses give: clips and pictures that need no sign-in until they expire."""

from typing import Annotated, Any

from fastapi import APIRouter, Header, Path, Query, Request, Response
from pydantic import Field

from vedette.kernel.clock import to_iso
from vedette.kernel.errors import invalid, not_found
from vedette.kernel.http import requires
from vedette.schema.identity import Action, Subject
from vedette.services.vst.api.clips import ClipQuery, clip_request, send_clip
from vedette.services.vst.api.common import JsonObject, StreamId
from vedette.services.vst.api.pictures import PictureQuery, picture_at, send_picture
from vedette.services.vst.api.storage_files import FileId, file_sensor
from vedette.services.vst.service import Vst
from vedette.services.vst.service.clips import ClipRequest
from vedette.services.vst.service.urls import Address, PictureRequest

_YEAR_MINUTES = 366 * 24 * 60
_WEEK_MINUTES = 7 * 24 * 60
type Token = Annotated[str, Path(pattern=r"^[A-Za-z0-9_-]{32}\.(mp4|ts|jpg)$")]
_CONTENT: dict[int | str, dict[str, Any]] = {
    200: {"content": {"video/mp4": {}, "video/mp2t": {}, "image/jpeg": {}}},
    410: {"description": "The address has expired."},
}


class ClipUrlQuery(ClipQuery):
    """The query of a clip's address."""

    expiry_minutes: int = Field(_WEEK_MINUTES, ge=1, le=_YEAR_MINUTES)


class PictureUrlQuery(PictureQuery):
    """The query of a picture's address."""

    start_time: str = Field(max_length=128)
    expiry_minutes: int = Field(_WEEK_MINUTES, ge=1, le=_YEAR_MINUTES)


def add_urls(router: APIRouter, service: Vst) -> None:
    """Adds the routes."""
    _add_sharing(router, service)

    @router.get("/temp/{name}", dependencies=[requires(Action.PUBLIC)], response_class=Response, responses=_CONTENT)
    async def get_shared(
        name: Token,
        byte_range: Annotated[str | None, Header(alias="range", max_length=256)] = None,
        if_range: Annotated[str | None, Header(alias="if-range", max_length=256)] = None,
    ) -> Response:
        """What a temporary address gives: its random name is the permission. 410 once it has expired."""
        token, _, suffix = name.partition(".")
        request = await service.urls.open(token)
        if suffix != _suffix(request):
            raise not_found("There is nothing at this address.")
        if isinstance(request, ClipRequest):
            return await send_clip(service, request, byte_range=byte_range, if_range=if_range)
        return await send_picture(service, request)


def _add_sharing(router: APIRouter, service: Vst) -> None:
    @router.get(
        "/file",
        dependencies=[requires(Action.EXPORT, sensor="id", resolve=file_sensor(service))],
        response_class=Response,
        responses=_CONTENT,
    )
    async def get_file(
        file_id: Annotated[FileId, Query(alias="id")],
        query: Annotated[ClipQuery, Query()],
        byte_range: Annotated[str | None, Header(alias="range", max_length=256)] = None,
    ) -> Response:
        """A file by its id as `file/list` names it, or the part of it in a range."""
        file = await service.files.get(file_id)
        times = {"start_time": query.start_time or to_iso(file.start_us)}
        query = query.model_copy(update=times | {"end_time": query.end_time or to_iso(file.end_us)})
        return await send_clip(service, await clip_request(service, file.stream_id, query), byte_range=byte_range)

    @router.get("/file/{streamId}/url")
    async def get_clip_url(
        stream_id: StreamId,
        query: Annotated[ClipUrlQuery, Query()],
        request: Request,
        caller: Annotated[Subject, requires(Action.EXPORT, sensor="streamId", resolve=service.sensor_of)],
    ) -> JsonObject:
        """A temporary address of a clip, for players that cannot sign in. The same clip keeps its address."""
        wanted = await clip_request(service, stream_id, await _dated(service, stream_id, query))
        await _require_recorded(service, stream_id, wanted.start_us, wanted.end_us)
        address = await service.urls.share(wanted, minutes=query.expiry_minutes, actor=caller.id)
        return _reply(request, wanted, address, query.expiry_minutes) | {
            "videoUrl": _url(request, wanted, address),
            "startTime": to_iso(wanted.start_us),
            "startTimeEpochMs": wanted.start_us // 1000,
            "fullFile": query.full_file,
        }

    @router.get("/stream/{streamId}/picture/url")
    async def get_picture_url(
        stream_id: StreamId,
        query: Annotated[PictureUrlQuery, Query()],
        request: Request,
        caller: Annotated[Subject, requires(Action.REPLAY, sensor="streamId", resolve=service.sensor_of)],
    ) -> JsonObject:
        """A temporary address of a picture. The same picture keeps its address."""
        wanted = await picture_at(service, stream_id, query)
        await _require_recorded(service, stream_id, wanted.at_us, wanted.at_us + 1)
        address = await service.urls.share(wanted, minutes=query.expiry_minutes, actor=caller.id)
        return _reply(request, wanted, address, query.expiry_minutes) | {"imageUrl": _url(request, wanted, address)}


async def _require_recorded(service: Vst, stream_id: str, start_us: int, end_us: int) -> None:
    if end_us <= start_us:
        raise invalid("endTime must be later than startTime.")
    if not await service.coverage.timeline(stream_id, start_us, end_us):
        raise not_found("Nothing was recorded in this time range. Ask the timeline for what there is.")


async def _dated(service: Vst, stream_id: str, query: ClipUrlQuery) -> ClipUrlQuery:
    """Times that are left out are those of the newest file."""
    if query.full_length or (query.start_time and query.end_time):
        return query
    newest = await service.files.newest(stream_id)
    times = {"start_time": query.start_time or to_iso(newest.start_us)}
    return query.model_copy(update=times | {"end_time": query.end_time or to_iso(newest.end_us)})


def _reply(request: Request, wanted: ClipRequest | PictureRequest, address: Address, minutes: int) -> JsonObject:
    return {
        "absolutePath": _path(request, wanted, address),
        "expiryISO": to_iso(address.expires_us),
        "expiryMinutes": minutes,
        "streamId": wanted.stream_id,
        "type": "replay",
    }


def _suffix(wanted: ClipRequest | PictureRequest) -> str:
    return wanted.container if isinstance(wanted, ClipRequest) else "jpg"


def _path(request: Request, wanted: ClipRequest | PictureRequest, address: Address) -> str:
    base, _, _ = request.url.path.partition("/storage/")
    return f"{base}/storage/temp/{address.token}.{_suffix(wanted)}"


def _url(request: Request, wanted: ClipRequest | PictureRequest, address: Address) -> str:
    return f"{request.url.scheme}://{request.url.netloc}{_path(request, wanted, address)}"
