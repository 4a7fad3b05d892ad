"""`storage/policy` and `storage/forecast`: how long recordings are kept, how long the disk lasts, and what if."""

from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import Field

from vedette.kernel.clock import to_iso
from vedette.kernel.http import requires
from vedette.schema.base import Body
from vedette.schema.identity import Action, Subject
from vedette.services.vst.api.common import JsonObject
from vedette.services.vst.service import Vst
from vedette.services.vst.service.forecast import Outlook
from vedette.services.vst.service.policy import Limits

type Amount = Annotated[float | None, Query(ge=0, le=1e9)]


class PolicyBody(Body):
    """Limits on recordings; 0 switches one off, and one that is left out stays as it is."""

    max_age_hours: float | None = Field(None, ge=0, le=1e7)
    max_gib_per_stream: float | None = Field(None, ge=0, le=1e9)
    max_gib: float | None = Field(None, ge=0, le=1e9)
    min_free_gib: float | None = Field(None, ge=0, le=1e9)
    max_used_percent: float | None = Field(None, ge=0, le=100)


def add_policy(router: APIRouter, service: Vst) -> None:
    """Adds the routes."""

    @router.get("/policy", dependencies=[requires(Action.VIEW)])
    async def get_policy() -> JsonObject:
        """How long recordings are kept; 0 means that a limit is off."""
        return _policy(service.policies.limits)

    @router.post("/policy")
    async def set_policy(body: PolicyBody, caller: Annotated[Subject, requires(Action.DELETE)]) -> JsonObject:
        """Other limits from now on. Ask `forecast` first for what they would delete."""
        await service.policies.change(_merged(service, body), actor=caller.id)
        return _policy(service.policies.limits)

    @router.get("/forecast", dependencies=[requires(Action.VIEW)])
    async def get_forecast(
        max_age_hours: Annotated[Amount, Query(alias="maxAgeHours")] = None,
        max_gib_per_stream: Annotated[Amount, Query(alias="maxGibPerStream")] = None,
        max_gib: Annotated[Amount, Query(alias="maxGib")] = None,
        min_free_gib: Annotated[Amount, Query(alias="minFreeGib")] = None,
        max_used_percent: Annotated[float | None, Query(alias="maxUsedPercent", ge=0, le=100)] = None,
    ) -> JsonObject:
        """How long the disk lasts, and what the policy would delete now; given limits stand in for those in force."""
        given = PolicyBody(
            max_age_hours=max_age_hours,
            max_gib_per_stream=max_gib_per_stream,
            max_gib=max_gib,
            min_free_gib=min_free_gib,
            max_used_percent=max_used_percent,
        )
        return _forecast(service, await service.forecasts.outlook(_merged(service, given)))


def _merged(service: Vst, body: PolicyBody) -> Limits:
    given = {name: value for name, value in body.model_dump(by_alias=False).items() if value is not None}
    return replace(service.policies.limits, **given)


def _policy(limits: Limits) -> JsonObject:
    return {
        "maxAgeHours": limits.max_age_hours,
        "maxGibPerStream": limits.max_gib_per_stream,
        "maxGib": limits.max_gib,
        "minFreeGib": limits.min_free_gib,
        "maxUsedPercent": limits.max_used_percent,
    }


def _forecast(service: Vst, outlook: Outlook) -> JsonObject:
    return {
        "volumes": [
            {
                "name": item.name,
                "tier": item.tier,
                "state": "connected" if item.connected else "disconnected",
                "totalBytes": item.total_bytes,
                "freeBytes": item.free_bytes,
                "usedBytes": item.used_bytes,
            }
            for item in outlook.volumes
        ],
        "bytesPerDay": round(outlook.bytes_per_day),
        "daysRemaining": _days(outlook.days_remaining),
        "retentionDays": _days(outlook.retention_days),
        "oldest": _time(outlook.oldest_us),
        "clockSuspect": service.reaper.clock_suspect,
        "streams": [
            {
                "streamId": item.stream_id,
                "name": service.name_of(item.stream_id),
                "bytes": item.bytes,
                "bytesPerDay": round(item.bytes_per_day),
                "oldest": _time(item.oldest_us),
                "protectedBytes": item.protected_bytes,
            }
            for item in outlook.streams
        ],
        "wouldDelete": {
            "segments": sum(item.segments for item in outlook.losses),
            "bytes": sum(item.bytes for item in outlook.losses),
            "streams": [
                {
                    "streamId": item.stream_id,
                    "segments": item.segments,
                    "bytes": item.bytes,
                    "until": to_iso(item.until_us),
                }
                for item in outlook.losses
            ],
        },
    }


def _time(instant: int | None) -> str | None:
    return None if instant is None else to_iso(instant)


def _days(days: float | None) -> float | None:
    return None if days is None else round(days, 2)
