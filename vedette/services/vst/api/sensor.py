"""`sensor/…`: cameras, their state and their streams."""

from typing import Annotated

from fastapi import APIRouter, Query

from vedette.kernel.errors import invalid
from vedette.kernel.http import requires
from vedette.schema.identity import Action, Subject
from vedette.services.vst.api import sensor_data, sensor_device, sensor_discovery, sensor_list, sensor_system
from vedette.services.vst.api.common import (
    JsonObject,
    SensorId,
    camera_streams,
    instant,
    sensor_ids,
    sensor_streams,
    span,
    timelines,
)
from vedette.services.vst.api.sensor_bodies import (
    Added,
    NewCredentials,
    Replacement,
    SensorAdd,
    SensorChange,
    credentials_of,
    info_of,
    status_of,
)
from vedette.services.vst.service import Vst


def build_router(service: Vst) -> APIRouter:
    """The routes of `sensor/…` that concern the list of cameras and what is known of each."""
    router = APIRouter(prefix="/sensor", tags=["sensor"])
    _add_changes(router, service)
    _add_lists(router, service)
    for part in (sensor_discovery, sensor_list, sensor_system):  # fixed paths before those with an id in their place
        part.add_routes(router, service)
    _add_one(router, service)
    for part in (sensor_device, sensor_data):
        part.add_routes(router, service)
    return router


def _add_changes(router: APIRouter, service: Vst) -> None:
    @router.post("/add", dependencies=[requires(Action.CONFIGURE)])
    async def add_sensor(body: SensorAdd) -> Added:
        """Add a camera by its address (ONVIF) or its RTSP URL. It is looked at before it is accepted."""
        if not body.sensor_url and not body.sensor_ip.strip():
            raise invalid(
                "Send sensorIp, the camera's address when it speaks ONVIF, or sensorUrl, its RTSP address such as "
                "rtsp://192.168.1.20:554/stream1."
            )
        return Added(sensor_id=await service.sensors.add(body.wanted))

    @router.delete("/{sensorId}")
    async def delete_sensor(
        sensor_id: SensorId,
        caller: Annotated[Subject, requires(Action.DELETE, sensor="sensorId")],
        delete_recordings: Annotated[bool, Query(alias="deleteRecordings")] = False,
    ) -> JsonObject:
        """Remove a camera. Its recordings stay unless `deleteRecordings=true`."""
        await service.remove_sensor(sensor_id, delete_recordings=delete_recordings, caller=caller)
        return {}

    @router.post("/{sensorId}/info", dependencies=[requires(Action.CONFIGURE, sensor="sensorId")])
    async def set_info(sensor_id: SensorId, body: SensorChange) -> JsonObject:
        """Rename or describe a camera, or follow it to another `sensorIp`, where it is looked at first; what is not
        sent stays as it is."""
        if body.sensor_ip.strip() and body.sensor_ip.strip() != service.sensors.address(sensor_id):
            await service.sensors.set_address(sensor_id, body.sensor_ip.strip())
        details = body.over(service.sensors.camera(sensor_id).sensor.details)
        await service.sensors.set_details(sensor_id, name=body.name, details=details)
        return {}

    @router.post("/{sensorId}/credentials", dependencies=[requires(Action.CONFIGURE, sensor="sensorId")])
    async def set_credentials(sensor_id: SensorId, body: NewCredentials) -> JsonObject:
        """Replace a camera's credentials; they can never be read back."""
        await service.sensors.set_credentials(sensor_id, credentials_of(body.username, body.password))
        return {}

    @router.post("/{sensorId}/replace")
    async def replace_sensor(
        sensor_id: SensorId,
        body: Replacement,
        caller: Annotated[Subject, requires(Action.DELETE, sensor="sensorId")],
    ) -> JsonObject:
        """A new camera takes the place of a broken one: add it, then name it here. Id, name, rules and footage of the
        old one stay; the new sensor's own entry is gone."""
        await service.replace_sensor(sensor_id, body.sensor_id, caller=caller)
        return {}


def _add_lists(router: APIRouter, service: Vst) -> None:
    @router.get("/list")
    async def list_sensors(caller: Annotated[Subject, requires(Action.VIEW)]) -> list[JsonObject]:
        """All cameras that the caller may see."""
        recorded = await service.footage.usage()
        return [
            info_of(status, has_timeline=status.sensor.sensor_id in recorded) for status in service.sensors.list(caller)
        ]

    @router.get("/status")
    async def list_status(caller: Annotated[Subject, requires(Action.VIEW)]) -> JsonObject:
        """State of every camera, with the reason when it is not online."""
        return {status.sensor.sensor_id: status_of(status) for status in service.sensors.list(caller)}

    @router.get("/streams")
    async def list_streams(caller: Annotated[Subject, requires(Action.VIEW)]) -> list[JsonObject]:
        """The streams of every camera, by sensor id."""
        return camera_streams(service, sensor_ids(service, caller))

    @router.get("/timelines")
    async def list_timelines(caller: Annotated[Subject, requires(Action.VIEW)]) -> JsonObject:
        """What every camera has recorded."""
        return await timelines(service, sensor_ids(service, caller))


def _add_one(router: APIRouter, service: Vst) -> None:
    @router.get("/{sensorId}/status", dependencies=[requires(Action.VIEW, sensor="sensorId")])
    async def get_status(sensor_id: SensorId) -> JsonObject:
        """State of one camera."""
        return status_of(service.sensors.camera(sensor_id).status)

    @router.get("/{sensorId}/info", dependencies=[requires(Action.VIEW, sensor="sensorId")])
    async def get_info(sensor_id: SensorId) -> JsonObject:
        """What is known of one camera."""
        status = service.sensors.camera(sensor_id).status
        return info_of(status, has_timeline=sensor_id in await service.footage.usage())

    @router.get("/{sensorId}/streams", dependencies=[requires(Action.VIEW, sensor="sensorId")])
    async def get_streams(sensor_id: SensorId) -> list[JsonObject]:
        """The streams of one camera, the main one first."""
        return sensor_streams(service, sensor_id)

    @router.get("/{sensorId}/timelines", dependencies=[requires(Action.VIEW, sensor="sensorId")])
    async def get_timelines(
        sensor_id: SensorId,
        start_time: Annotated[str | None, Query(alias="startTime")] = None,
        end_time: Annotated[str | None, Query(alias="endTime")] = None,
    ) -> list[JsonObject]:
        """What one camera has recorded, or the part of it in a range."""
        spans = await service.coverage.timeline(sensor_id, instant(start_time), instant(end_time))
        return [span(item.start_us, item.end_us) for item in spans]
