"""`storage/…`: sizes, timelines and pictures out of recordings."""

from typing import Annotated

from fastapi import APIRouter, Query

from vedette.kernel.http import requires
from vedette.schema.identity import Action, Subject
from vedette.services.vst.api.common import (
    ROUTED,
    JsonObject,
    StreamId,
    instant,
    routes_of,
    span,
    stream_ids,
    timelines,
)
from vedette.services.vst.api.pictures import add_pictures
from vedette.services.vst.api.storage_files import add_files
from vedette.services.vst.api.storage_policy import add_policy
from vedette.services.vst.api.storage_previews import add_previews
from vedette.services.vst.api.storage_uploads import add_uploads
from vedette.services.vst.api.storage_urls import add_urls
from vedette.services.vst.model import Usage
from vedette.services.vst.service import Vst
from vedette.services.vst.service.configuration import storage_configuration
from vedette.services.vst.service.footage import MIB, Footage

type Ids = Annotated[list[str] | None, Query(max_length=100)]
_DAY_US = 86_400_000_000


def build_router(service: Vst) -> APIRouter:
    """The routes of `storage/…`."""
    router = APIRouter(prefix="/storage", tags=["storage"], dependencies=[ROUTED])
    _add_totals(router, service)
    add_policy(router, service)
    add_files(router, service)
    add_pictures(router, service)
    add_previews(router, service)
    add_urls(router, service)
    add_uploads(router, service)
    _add_stream(router, service)
    return router


def _add_totals(router: APIRouter, service: Vst) -> None:
    @router.get("/size")
    async def get_size(
        caller: Annotated[Subject, requires(Action.VIEW)], streams: Ids = None, timelines: str | None = None
    ) -> JsonObject:
        """What recordings take, by stream and in total, in megabytes."""
        usage = await service.footage.usage()
        wanted = _seen(service, caller, _named(streams) or [*usage, *stream_ids(service, caller)])
        reply: JsonObject = {}
        for stream_id in dict.fromkeys(wanted):
            reply[stream_id] = await _stream_size(service, stream_id, usage.get(stream_id), timelines)
        return reply | {"total": await _total(service.footage, usage)}

    @router.get("/info", dependencies=[requires(Action.VIEW)])
    async def get_info() -> JsonObject:
        """The recordings' disk, in megabytes."""
        disk = await service.footage.disk()
        return {"total": disk.total // MIB, "used": (disk.total - disk.free) // MIB, "available": disk.free // MIB}

    @router.get("/timelines")
    async def list_timelines(caller: Annotated[Subject, requires(Action.VIEW)], streams: Ids = None) -> JsonObject:
        """What every stream has recorded; holes of up to half a second are not shown (`vst.join_gap_s`)."""
        named = _named(streams) or [*await service.footage.usage(), *stream_ids(service, caller)]
        return await timelines(service, _seen(service, caller, named))

    @router.get("/configuration", dependencies=[requires(Action.VIEW)])
    async def get_configuration() -> JsonObject:
        """The configuration that NVIDIA's web page asks for at start."""
        return storage_configuration(service.settings, service.policies.limits)

    @router.get("/help", dependencies=[requires(Action.VIEW)])
    async def get_help() -> list[JsonObject]:
        """The routes of this group, at most a hundred."""
        return [{"endpoint": path, "method": method} for method, path in routes_of(router)][:100]


def _add_stream(router: APIRouter, service: Vst) -> None:
    @router.get(
        "/{streamId}/timelines", dependencies=[requires(Action.VIEW, sensor="streamId", resolve=service.sensor_of)]
    )
    async def get_timelines(
        stream_id: StreamId,
        start_time: Annotated[str | None, Query(alias="startTime")] = None,
        end_time: Annotated[str | None, Query(alias="endTime")] = None,
    ) -> list[JsonObject]:
        """What a stream has recorded, or the part of it in a range; a span ends where a gap begins."""
        spans = await service.coverage.timeline(stream_id, instant(start_time), instant(end_time))
        return [span(item.start_us, item.end_us) for item in spans]

    @router.get("/{streamId}", dependencies=[requires(Action.VIEW, sensor="streamId", resolve=service.sensor_of)])
    async def get_stream_size(stream_id: StreamId) -> JsonObject:
        """What the recordings of a stream take, in megabytes."""
        await service.coverage.timeline(stream_id, 0, 0)
        usage = (await service.footage.usage()).get(stream_id)
        return {"size_in_mb": usage.bytes // MIB if usage else 0}


def _named(streams: list[str] | None) -> list[str]:
    """Ids in a query, repeated or separated by commas."""
    return [item for text in streams or [] for item in text.split(",") if item]


def _seen(service: Vst, caller: Subject, ids: list[str]) -> list[str]:
    return [item for item in ids if service.sees(caller, item)]


async def _stream_size(service: Vst, stream_id: str, usage: Usage | None, timelines: str | None) -> JsonObject:
    size: JsonObject = {"sizeInMegabytes": usage.bytes // MIB if usage else 0, "state": "connected"}
    if timelines is not None and timelines.lower() != "false":
        spans = await service.coverage.timeline(stream_id)
        covered = sum(item.end_us - item.start_us for item in spans) or 1
        size["timelines"] = [
            span(item.start_us, item.end_us)
            | {"sizeInMegabytes": (usage.bytes if usage else 0) * (item.end_us - item.start_us) // covered // MIB}
            for item in spans
        ]
    return size


async def _total(footage: Footage, usage: dict[str, Usage]) -> JsonObject:
    disk = await footage.disk()
    rate = sum(item.bytes / max(1, item.end_us - item.start_us) for item in usage.values())
    return {
        "remainingStorageDays": round(disk.free / rate / _DAY_US, 2) if rate else 0,
        "sizeInMegabytes": disk.used_by_recordings // MIB,
        "totalAvailableStorageSize": disk.free // MIB,
        "totalDiskCapacity": disk.total // MIB,
    }
