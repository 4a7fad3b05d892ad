"""`storage/file/…`: recordings by their names as files: listed, protected, looked at and deleted."""

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import Field

from vedette.kernel.clock import to_iso
from vedette.kernel.errors import invalid
from vedette.kernel.http import requires
from vedette.schema.base import Body
from vedette.schema.identity import Action, Subject
from vedette.services.vst.api.common import ID_PATTERN, JsonObject, StreamId, instant, stream_ids
from vedette.services.vst.model import File
from vedette.services.vst.service import Vst
from vedette.services.vst.service.files import FileMedia, Range, duration_s
from vedette.services.vst.service.footage import MIB

type Paths = Annotated[list[str], Query(alias="filePath", min_length=1, max_length=100)]
type FileId = Annotated[str, Query(pattern=ID_PATTERN, max_length=150)]
type TimeText = Annotated[str | None, Query(max_length=128)]
_MOST_LISTED = 100


class RangeBody(Body):
    """Footage of a stream between two times."""

    stream_id: str = Field(pattern=ID_PATTERN, max_length=100)
    start_time: str = Field(max_length=128)
    end_time: str = Field(max_length=128)


class Protect(Body):
    """Files by their paths, and own to Vedette ranges of time, to protect from ageing and deletion, or no longer."""

    file_path: list[str] = Field([], max_length=100)
    ranges: list[RangeBody] = Field([], max_length=100)
    protect: bool


def add_files(router: APIRouter, service: Vst) -> None:
    """Adds the routes; they come before those with an id in the place of `list`."""
    _add_lists(router, service)
    _add_details(router, service)
    _add_protection(router, service)
    _add_deletion(router, service)


def file_sensor(service: Vst) -> "_OfFile":
    """For permissions: the sensor whose file has this id."""
    return _OfFile(service)


class _OfFile:
    def __init__(self, service: Vst) -> None:
        self._service = service

    def __call__(self, file_id: str, caller: Subject | None) -> str:
        return self._service.sensor_of(file_id.rpartition("_")[0] or file_id, caller)


def _add_lists(router: APIRouter, service: Vst) -> None:
    @router.get("/file/list")
    async def list_files(caller: Annotated[Subject, requires(Action.VIEW)]) -> JsonObject:
        """The recordings of every stream as files: stretches of up to an hour, and uploads."""
        found = await service.files.list(await _visible(service, caller))
        return {key: [_listed(service, file) for file in mine] for key, mine in found.items()}

    @router.get(
        "/file/{streamId}/list", dependencies=[requires(Action.VIEW, sensor="streamId", resolve=service.sensor_of)]
    )
    async def list_stream_files(stream_id: StreamId) -> JsonObject:
        """The recordings of one stream as files."""
        await service.coverage.timeline(stream_id, 0, 0)
        found = await service.files.list([stream_id])
        return {key: [_listed(service, file) for file in mine] for key, mine in found.items()}

    @router.get(
        "/file/{streamId}/path", dependencies=[requires(Action.VIEW, sensor="streamId", resolve=service.sensor_of)]
    )
    async def list_paths(
        stream_id: StreamId,
        start_time: Annotated[TimeText, Query(alias="startTime")] = None,
        end_time: Annotated[TimeText, Query(alias="endTime")] = None,
        metadata: bool = False,
    ) -> list[JsonObject]:
        """The files of a stream that reach into a range. Paths are names, not places on the disk."""
        await service.coverage.timeline(stream_id, 0, 0)
        found = await service.files.in_range(stream_id, instant(start_time), instant(end_time))
        return [_path(file, metadata=metadata) for file in found]


def _add_details(router: APIRouter, service: Vst) -> None:
    @router.get("/file/path", dependencies=[requires(Action.VIEW, sensor="id", resolve=file_sensor(service))])
    async def get_path(file_id: Annotated[FileId, Query(alias="id")], metadata: bool = False) -> JsonObject:
        """The path of a file. It is a name, not a place on the disk."""
        return _path(await service.files.get(file_id), metadata=metadata)

    @router.get("/file/mediainfo")
    async def get_media_info(
        caller: Annotated[Subject, requires(Action.VIEW)],
        file_id: Annotated[FileId | None, Query(alias="id")] = None,
        sensor_id: Annotated[str | None, Query(alias="sensorId", pattern=ID_PATTERN, max_length=100)] = None,
    ) -> JsonObject:
        """What a file holds, or the newest one of a sensor."""
        if file_id is None and sensor_id is None:
            raise invalid("id or sensorId is needed. Ask file/list for ids.")
        file = await service.files.get(file_id) if file_id else await service.files.newest(sensor_id or "")
        service.refuse_unseen(caller, file.stream_id)
        return _media_info(await service.files.media(file))


def _add_protection(router: APIRouter, service: Vst) -> None:
    @router.post("/file/protect")
    async def protect_files(body: Protect, caller: Annotated[Subject, requires(Action.DELETE)]) -> JsonObject:
        """Protect footage from ageing and from deletion by anybody, or lift that."""
        if not body.file_path and not body.ranges:
            raise invalid("filePath or ranges are needed: which footage?")
        ranges = [_range(item) for item in body.ranges]
        for item in ranges:
            service.refuse_unseen(caller, item.stream_id)
        mine = [path for path in body.file_path if service.sees(caller, path.partition("/")[0])]
        unknown = await service.files.protect(mine, ranges, protect=body.protect, actor=caller.id)
        return {"invalidFiles": [*(path for path in body.file_path if path not in mine), *unknown]}

    @router.get("/file/protected")
    async def list_protected(caller: Annotated[Subject, requires(Action.VIEW)]) -> list[str]:
        """The first hundred files of which something is protected; `protections` has all ranges."""
        found = await service.files.protected(lambda key: service.sees(caller, key), limit=_MOST_LISTED)
        return [file.path for file in found]

    @router.get("/protections")
    async def list_protections(caller: Annotated[Subject, requires(Action.VIEW)]) -> list[JsonObject]:
        """Every protected range, by whom and since when."""
        return [
            {
                "streamId": item.stream_id,
                "startTime": to_iso(item.start_us),
                "endTime": to_iso(item.end_us),
                "by": item.actor,
                "since": to_iso(item.at_us),
            }
            for item in await service.files.protections()
            if service.sees(caller, item.stream_id)
        ]


def _add_deletion(router: APIRouter, service: Vst) -> None:
    @router.delete("/file")
    async def delete_files(paths: Paths, caller: Annotated[Subject, requires(Action.DELETE)]) -> JsonObject:
        """Delete files by their paths. One of which something is protected stays as a whole."""
        done = await service.files.delete(paths, actor=caller.id, sees=lambda key: service.sees(caller, key))
        return {
            "spaceSaved": done.bytes // MIB,
            "invalidFiles": done.unknown,
            "protectedFiles": done.protected,
        }

    @router.delete("/file/{streamId}")
    async def delete_recordings(
        stream_id: StreamId,
        caller: Annotated[Subject, requires(Action.DELETE, sensor="streamId", resolve=service.sensor_of)],
        start_time: Annotated[TimeText, Query(alias="startTime")] = None,
        end_time: Annotated[TimeText, Query(alias="endTime")] = None,
        partial: bool = False,
    ) -> JsonObject:
        """Delete what a stream has recorded so far, or the part of it in a range.

        Segments are deleted as a whole: one that only reaches into the range stays, unless `partial` is true. The reply
        says where the cuts are. 409, and nothing deleted, when footage in the range is protected.
        """
        done = await service.delete_recordings(
            stream_id, instant(start_time), instant(end_time), caller=caller, partial=partial
        )
        deleted: JsonObject = {"segments": done.segments, "bytes": done.bytes, "startTime": None, "endTime": None}
        if done.segments:
            deleted |= {"startTime": to_iso(done.start_us), "endTime": to_iso(done.end_us)}
        return {"spaceSaved": done.bytes // MIB, "deleted": deleted}


async def _visible(service: Vst, caller: Subject) -> list[str]:
    """Ids of the streams that the caller may see, with those of deleted sensors that still have recordings."""
    recorded = [key for key in await service.footage.usage() if service.sees(caller, key)]
    return list(dict.fromkeys([*stream_ids(service, caller), *recorded]))


def _listed(service: Vst, file: File) -> JsonObject:
    return {"mediaFilePath": file.path, "metadata": _metadata(service, file)}


def _metadata(service: Vst, file: File) -> JsonObject:
    return {
        "id": file.file_id,
        "sensorId": service.sensor_of(file.stream_id),
        "timestamp": file.start_us // 1000,
        "eventInfo": "",
        "streamName": "" if file.upload is None else file.upload.file_name,
        "startTime": to_iso(file.start_us),
        "endTime": to_iso(file.end_us),
        "bytes": file.bytes,
    }


def _path(file: File, *, metadata: bool) -> JsonObject:
    reply: JsonObject = {"id": file.file_id, "mediaFilePath": file.path}
    if metadata:
        sent = b"" if file.upload is None else file.upload.details
        reply |= {"metaDataFilePath": "", "metadata": sent.decode()}
    return reply


def _media_info(media: FileMedia) -> JsonObject:
    segment, info = media.segment, media.info
    return {
        "Bitrate": str(round(segment.bytes * 8_000_000 / max(1, segment.media_us))),
        "Channels": str(info.channels or ""),
        "Codec": info.codec.upper().replace("HEVC", "H265"),
        "Container": "MP4",
        "Depth": str(info.depth or ""),
        "Duration": f"{duration_s(media.file):.3f}",
        "Framerate": f"{float(info.fps):g}" if info.fps else "",
        "Height": str(info.height),
        "SampleRate": str(info.sample_rate or ""),
        "ScanType": "Interlaced" if info.is_interlaced else "Progressive",
        "Width": str(info.width),
        "AudioCodec": info.audio_codec.upper(),
    }


def _range(body: RangeBody) -> Range:
    start_us, end_us = instant(body.start_time), instant(body.end_time)
    if start_us is None or end_us is None:
        raise invalid("A range needs startTime and endTime.")
    return Range(body.stream_id, start_us, end_us)
