"""`storage/file/{streamId}`: clips for download, with ranges."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Header, Query, Response
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from vedette.kernel.clock import to_datetime
from vedette.kernel.errors import Fault, invalid, unprocessable
from vedette.kernel.http import requires
from vedette.schema.base import Body
from vedette.schema.identity import Action
from vedette.services.vst.api.common import ROUTED, StreamId, instant
from vedette.services.vst.service import Vst
from vedette.services.vst.service.clips import ClipRequest

_CONTENT: dict[str, Any] = {"content": {"video/mp4": {}, "video/mp2t": {}}}
_REPLIES: dict[int | str, dict[str, Any]] = {200: _CONTENT, 206: _CONTENT}
_MP4_NAMES = frozenset({"mp4", "mov,mp4", "mov"})
_TS_NAMES = frozenset({"ts", "mpegts", "mpeg-ts", "m2ts", "mp2t"})


class FileConfiguration(Body):
    """NVIDIA's FileConfig: what the clip's file should be like."""

    container: str = Field("", max_length=128)
    disable_audio: bool = False
    framerate: int = Field(0, ge=0, le=100)
    resolution: str = Field("", max_length=128, pattern=r"^(\d{2,4}x\d{2,4})?$")
    overlay: dict[str, Any] = Field(default_factory=dict)


class ClipQuery(BaseModel):
    """The query of a clip; names that it does not know are ignored, as clients send more than is published."""

    model_config = ConfigDict(alias_generator=to_camel, frozen=True)

    start_time: str | None = Field(None, max_length=128)
    end_time: str | None = Field(None, max_length=128)
    container: str | None = Field(None, max_length=128)
    transcode: Literal["none", "full", "gop"] = "none"
    full_length: bool = False
    full_file: bool = False
    configuration: str | None = Field(None, max_length=4096)
    gaps: Literal["close", "keep", "refuse"] = "close"
    cut: Literal["keyframe", "exact"] = "keyframe"


def build_router(service: Vst) -> APIRouter:
    """The route of clips."""
    router = APIRouter(prefix="/storage", tags=["storage"], dependencies=[ROUTED])

    @router.get(
        "/file/{streamId}",
        dependencies=[requires(Action.EXPORT, sensor="streamId", resolve=service.sensor_of)],
        response_class=Response,
        responses=_REPLIES,
    )
    async def get_clip(
        stream_id: StreamId,
        query: Annotated[ClipQuery, Query()],
        byte_range: Annotated[str | None, Header(alias="range", max_length=256)] = None,
        if_range: Annotated[str | None, Header(alias="if-range", max_length=256)] = None,
    ) -> Response:
        """What was recorded in a time range, as one file that plays and seeks.

        The media is copied as it was recorded. `cut=exact` hides what lies before `startTime`, else the clip begins at
        the keyframe before it; `transcode=gop` encodes the first pictures again, for players that do not hide, and
        `transcode=full` all of them. `gaps` says what happens where nothing was recorded: close, keep the time, or
        refuse. MP4 has a known size and serves ranges; `container=ts` is streamed. The headers `vedette-clip-start`,
        `-seconds`, `-cut` and `-gaps` say what the file is.
        """
        return await send_clip(
            service, await clip_request(service, stream_id, query), byte_range=byte_range, if_range=if_range
        )

    return router


async def send_clip(
    service: Vst, request: ClipRequest, *, byte_range: str | None, if_range: str | None = None
) -> Response:
    """The reply with a clip, or with the range of it that is asked for."""
    clip = await service.footage.clips.open(request, ranged=byte_range, if_range=if_range)
    suffix = "ts" if clip.media_type == "video/mp2t" else "mp4"
    name = f"{request.stream_id}_{to_datetime(clip.start_us):%Y%m%dT%H%M%SZ}.{suffix}"
    headers = {"content-disposition": f'attachment; filename="{name}"', **clip.headers}
    return StreamingResponse(clip.chunks, clip.status, media_type=clip.media_type, headers=headers)


async def clip_request(service: Vst, stream_id: str, query: ClipQuery) -> ClipRequest:
    config = _configuration(query.configuration)
    start_us, end_us = instant(query.start_time), instant(query.end_time)
    if query.full_length and (start_us is None or end_us is None):
        first_us, last_us = await service.footage.extent(stream_id)
        start_us, end_us = start_us or first_us, end_us or last_us
    if start_us is None or end_us is None:
        raise invalid("startTime and endTime are needed. The timeline says what there is.")
    return ClipRequest(
        stream_id,
        start_us,
        end_us,
        gaps=query.gaps,
        cut=query.cut,
        transcode=query.transcode,
        container=_container(query.container or config.container or "mp4"),
        size=_size(config, query.transcode),
        audio=not config.disable_audio,
        whole_segments=query.full_file,
    )


def _configuration(text: str | None) -> FileConfiguration:
    if not text:
        return FileConfiguration()
    try:
        config = FileConfiguration.model_validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "configuration"
        raise invalid(f"configuration: {where}: {first['msg']}.") from error
    if config.overlay:
        raise Fault("VMSNotSupportedError", 501, "Nothing is drawn into clips. Leave overlay out of configuration.")
    if config.framerate:
        raise unprocessable("Clips keep the frame rate of the recording. Leave framerate out of configuration.")
    return config


def _container(name: str) -> Literal["mp4", "ts"]:
    if name.lower() in _MP4_NAMES:
        return "mp4"
    if name.lower() in _TS_NAMES:
        return "ts"
    raise unprocessable("Clips are MP4 or MPEG-TS. Say container=mp4 or container=ts.")


def _size(config: FileConfiguration, transcode: str) -> tuple[int, int] | None:
    if not config.resolution:
        return None
    if transcode != "full":
        raise unprocessable("Another resolution means encoding again. Say transcode=full, too.")
    width, _, height = config.resolution.partition("x")
    return int(width), int(height)
