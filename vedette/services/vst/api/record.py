"""`record/…`: what is being recorded, and what is missing and why."""

from typing import Annotated

from fastapi import APIRouter, Query

from vedette.kernel.clock import to_iso
from vedette.kernel.http import requires
from vedette.schema.identity import Action, Subject
from vedette.services.vst.api import record_rules
from vedette.services.vst.api.common import (
    ROUTED,
    JsonObject,
    StreamId,
    camera_streams,
    instant,
    routes_of,
    sensor_ids,
    span,
    stream_ids,
    timelines,
)
from vedette.services.vst.service import Vst
from vedette.services.vst.service.configuration import record_configuration
from vedette.services.vst.service.coverage import CoverageReport

type TimeText = Annotated[str | None, Query(max_length=128)]


def build_router(service: Vst) -> APIRouter:
    """The routes of `record/…`."""
    router = APIRouter(prefix="/record", tags=["record"], dependencies=[ROUTED])
    _add_state(router, service)
    record_rules.add_routes(router, service)

    @router.get(
        "/{streamId}/timelines", dependencies=[requires(Action.VIEW, sensor="streamId", resolve=service.sensor_of)]
    )
    async def get_timelines(stream_id: StreamId) -> list[JsonObject]:
        """What a stream has recorded."""
        return [span(item.start_us, item.end_us) for item in await service.coverage.timeline(stream_id)]

    @router.get("/{streamId}/gaps", dependencies=[requires(Action.VIEW, sensor="streamId", resolve=service.sensor_of)])
    async def get_gaps(
        stream_id: StreamId,
        start_time: Annotated[str | None, Query(alias="startTime")] = None,
        end_time: Annotated[str | None, Query(alias="endTime")] = None,
    ) -> list[JsonObject]:
        """What is missing, with its cause; a gap without `endTime` lasts until now."""
        gaps = await service.coverage.gaps(stream_id, instant(start_time), instant(end_time))
        return [
            {
                "startTime": to_iso(gap.start_us),
                "endTime": None if gap.end_us is None else to_iso(gap.end_us),
                "cause": str(gap.cause),
            }
            for gap in gaps
        ]

    @router.get(
        "/{streamId}/coverage", dependencies=[requires(Action.VIEW, sensor="streamId", resolve=service.sensor_of)]
    )
    async def get_coverage(
        stream_id: StreamId,
        start_time: Annotated[str | None, Query(alias="startTime")] = None,
        end_time: Annotated[str | None, Query(alias="endTime")] = None,
    ) -> JsonObject:
        """What became of every second of a range: spans that touch, each in exactly one state, with its cause."""
        return _coverage(await service.coverage.report(stream_id, instant(start_time), instant(end_time)))

    @router.get(
        "/{streamId}/coverage/manifest",
        dependencies=[requires(Action.EXPORT, sensor="streamId", resolve=service.sensor_of)],
    )
    async def get_manifest(
        stream_id: StreamId,
        start_time: Annotated[str, Query(alias="startTime", max_length=128)],
        end_time: Annotated[str, Query(alias="endTime", max_length=128)],
    ) -> JsonObject:
        """The ledger's lines of a range, chained and signed by the device; `vedette verify` checks them offline."""
        name = service.name_of(stream_id)
        return await service.evidence.manifest(stream_id, name, instant(start_time) or 0, instant(end_time) or 0)

    return router


def _coverage(report: CoverageReport) -> JsonObject:
    return {
        "streamId": report.stream_id,
        **span(report.start_us, report.end_us),
        "spans": [
            {**span(item.start_us, item.end_us), "state": str(item.state), "cause": item.cause, "by": item.by}
            for item in report.spans
        ],
        "seconds": {str(state): total for state, total in report.seconds.items()},
        "head": {"seq": report.seq, "hash": report.hash},
    }


def _add_state(router: APIRouter, service: Vst) -> None:
    @router.get("/status")
    async def list_status(caller: Annotated[Subject, requires(Action.VIEW)]) -> JsonObject:
        """Why each stream is recorded now, or that it is not, or that it cannot be."""
        return {
            key: {"id": key, "recording_status": service.recording_state(key)} for key in stream_ids(service, caller)
        }

    @router.get("/streams")
    async def list_streams(caller: Annotated[Subject, requires(Action.VIEW)]) -> list[JsonObject]:
        """The streams that can be recorded."""
        return camera_streams(service, sensor_ids(service, caller))

    @router.get("/timelines")
    async def list_timelines(
        caller: Annotated[Subject, requires(Action.VIEW)],
        streams: Annotated[list[str] | None, Query(max_length=100)] = None,
    ) -> JsonObject:
        """What every stream has recorded, or those that are named."""
        seen = stream_ids(service, caller)
        named = [key for text in streams or () for key in text.split(",") if key]
        return await timelines(service, [key for key in seen if not named or key in named])

    @router.get("/configuration", dependencies=[requires(Action.VIEW)])
    async def get_configuration() -> JsonObject:
        """The configuration that NVIDIA's web page asks for at start."""
        return record_configuration(service.settings)

    @router.get("/help", dependencies=[requires(Action.VIEW)])
    async def get_help() -> list[JsonObject]:
        """The routes of this group."""
        return [{"endpoint": path, "method": method} for method, path in routes_of(router)]

    @router.get(
        "/{streamId}/status", dependencies=[requires(Action.VIEW, sensor="streamId", resolve=service.sensor_of)]
    )
    async def get_status(stream_id: StreamId) -> JsonObject:
        """Why one stream is recorded now, or that it is not, or that it cannot be."""
        return {"recordingStatus": service.recording_state(stream_id)}
