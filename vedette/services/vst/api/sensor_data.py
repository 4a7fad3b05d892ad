"""`sensor/{sensorId}/data`: timestamped values beside the video, on the same time line."""

from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import Field

from vedette.kernel.clock import to_iso
from vedette.kernel.errors import not_found
from vedette.kernel.http import requires
from vedette.schema.base import Body
from vedette.schema.identity import Action
from vedette.services.vst.api.common import JsonObject, SensorId, instant
from vedette.services.vst.model import Reading
from vedette.services.vst.service import Vst
from vedette.services.vst.service.readings import MOST_AT_ONCE, shown

type TimeText = Annotated[str | None, Query(max_length=64)]


class GivenReading(Body):
    """A value at a time: ISO-8601 or epoch milliseconds, now when left out."""

    name: str = Field(max_length=128)
    value: bool | int | float | str | dict[str, Any]
    timestamp: str | int | float | None = None
    unit: str | None = Field(None, max_length=32)


class GivenReadings(Body):
    """Up to a thousand values of one sensor."""

    readings: list[GivenReading] = Field(min_length=1, max_length=MOST_AT_ONCE)


def add_routes(router: APIRouter, service: Vst) -> None:
    """The routes of readings."""

    @router.post("/{sensorId}/data", dependencies=[requires(Action.CONFIGURE, sensor="sensorId")])
    async def add_readings(sensor_id: SensorId, body: GivenReadings) -> JsonObject:
        """Store values, all of them or none. The reply comes when they are on the disk; the same again is no error."""
        service.sensors.camera(sensor_id)
        given = [item.model_dump() for item in body.readings]
        return {"stored": await service.readings.add(sensor_id, given)}

    @router.get("/{sensorId}/data", dependencies=[requires(Action.VIEW, sensor="sensorId")])
    async def list_readings(
        sensor_id: SensorId,
        name: Annotated[str | None, Query(max_length=128)] = None,
        start_time: Annotated[TimeText, Query(alias="startTime")] = None,
        end_time: Annotated[TimeText, Query(alias="endTime")] = None,
        limit: Annotated[int, Query(ge=1, le=10_000)] = 1000,
    ) -> JsonObject:
        """Values of a range, oldest first; the newest `limit` of them when there are more. Those of a deleted sensor
        are there until they are too old."""
        if not await service.coverage.known(sensor_id):
            raise not_found(f"There is no sensor '{sensor_id}'.", "CameraNotFoundError")
        found = await service.readings.find(
            sensor_id, name=name, start_us=instant(start_time), end_us=instant(end_time), limit=limit
        )
        return {"readings": [_told(item) for item in found]}


def _told(item: Reading) -> JsonObject:
    return {"name": item.name, "timestamp": to_iso(item.at_us), "value": shown(item), "unit": item.unit or None}
