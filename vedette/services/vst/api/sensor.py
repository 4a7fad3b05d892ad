"""`sensor/…`: cameras, their state and their streams."""

from typing import Annotated
from urllib.parse import urlsplit

from fastapi import APIRouter, Query
from pydantic import ConfigDict, Field

from vedette.kernel.errors import Fault, invalid
from vedette.kernel.http import requires
from vedette.schema.base import Body
from vedette.schema.identity import Action, Subject
from vedette.services.vst.api.common import JsonObject, SensorId, camera_streams, instant, span, stream_info, timelines
from vedette.services.vst.model import CameraStatus, Credentials, NewSensor, SensorDetails
from vedette.services.vst.service import Vst

_MAX_ERROR = 500


class _Loose(Body):
    """Bodies that clients of NVIDIA's VST fill with more than we use."""

    model_config = ConfigDict(
        frozen=True, extra="ignore", alias_generator=Body.model_config.get("alias_generator"), populate_by_name=True
    )


class Described(_Loose):
    """What people say about a camera."""

    location: str = Field("", max_length=128)
    tags: str = Field("", max_length=512)
    manufacturer: str = Field("", max_length=128)
    hardware: str = Field("", max_length=128)
    hardware_id: str = Field("", max_length=128)
    serial_number: str = Field("", max_length=128)
    firmware_version: str = Field("", max_length=128)

    @property
    def details(self) -> SensorDetails:
        """As the model has it."""
        return SensorDetails(**{name: getattr(self, name) for name in SensorDetails.__dataclass_fields__})


class SensorAdd(Described):
    """A camera to add; `sensorUrl` is its RTSP address, credentials stand beside it or inside."""

    sensor_url: str = Field("", max_length=1024)
    sensor_ip: str = Field("", max_length=128)
    name: str = Field("", max_length=128)
    username: str = Field("", max_length=128)
    password: str = Field("", max_length=128)


class SensorChange(Described):
    """New words about a camera."""

    name: str | None = Field(None, max_length=128)


class NewCredentials(_Loose):
    """How the camera is to be asked from now on."""

    username: str = Field(max_length=128)
    password: str = Field(max_length=128)


class Added(Body):
    """The id of a new sensor; its main stream has the same."""

    sensor_id: str


def build_router(service: Vst) -> APIRouter:
    """The routes of `sensor/…`."""
    router = APIRouter(prefix="/sensor", tags=["sensor"])
    _add_changes(router, service)
    _add_lists(router, service)
    _add_one(router, service)
    return router


def _add_changes(router: APIRouter, service: Vst) -> None:
    @router.post("/add", dependencies=[requires(Action.CONFIGURE)])
    async def add_sensor(body: SensorAdd) -> Added:
        """Add a camera by its RTSP URL. It is looked at before it is accepted, which takes as long as it takes."""
        if not body.sensor_url:
            raise _without_url(body)
        credentials = Credentials(body.username, body.password) if body.username or body.password else None
        wanted = NewSensor(body.name, body.sensor_url, credentials, body.details)
        return Added(sensor_id=await service.sensors.add(wanted))

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
        """Rename or describe a camera."""
        known = service.sensors.camera(sensor_id).sensor.details
        said = {
            name: getattr(body, name) for name in SensorDetails.__dataclass_fields__ if name in body.model_fields_set
        }
        details = SensorDetails(**({name: getattr(known, name) for name in SensorDetails.__dataclass_fields__} | said))
        await service.sensors.set_details(sensor_id, name=body.name, details=details)
        return {}

    @router.post("/{sensorId}/credentials", dependencies=[requires(Action.CONFIGURE, sensor="sensorId")])
    async def set_credentials(sensor_id: SensorId, body: NewCredentials) -> JsonObject:
        """Replace a camera's credentials; they can never be read back."""
        given = Credentials(body.username, body.password) if body.username or body.password else None
        await service.sensors.set_credentials(sensor_id, given)
        return {}


def _add_lists(router: APIRouter, service: Vst) -> None:
    @router.get("/list")
    async def list_sensors(caller: Annotated[Subject, requires(Action.VIEW)]) -> list[JsonObject]:
        """All cameras that the caller may see."""
        recorded = await service.footage.usage()
        return [_info(status, status.sensor.sensor_id in recorded) for status in service.sensors.list(caller)]

    @router.get("/status")
    async def list_status(caller: Annotated[Subject, requires(Action.VIEW)]) -> JsonObject:
        """State of every camera, with the reason when it is not online."""
        return {status.sensor.sensor_id: _status(status) for status in service.sensors.list(caller)}

    @router.get("/streams")
    async def list_streams(caller: Annotated[Subject, requires(Action.VIEW)]) -> list[JsonObject]:
        """The streams of every camera, by sensor id."""
        return camera_streams(service.sensors.list(caller))

    @router.get("/timelines")
    async def list_timelines(caller: Annotated[Subject, requires(Action.VIEW)]) -> JsonObject:
        """What every camera has recorded."""
        return await timelines(service, [status.sensor.sensor_id for status in service.sensors.list(caller)])


def _add_one(router: APIRouter, service: Vst) -> None:
    @router.get("/{sensorId}/status", dependencies=[requires(Action.VIEW, sensor="sensorId")])
    async def get_status(sensor_id: SensorId) -> JsonObject:
        """State of one camera."""
        return _status(service.sensors.camera(sensor_id).status)

    @router.get("/{sensorId}/info", dependencies=[requires(Action.VIEW, sensor="sensorId")])
    async def get_info(sensor_id: SensorId) -> JsonObject:
        """What is known of one camera."""
        status = service.sensors.camera(sensor_id).status
        return _info(status, sensor_id in await service.footage.usage())

    @router.get("/{sensorId}/streams", dependencies=[requires(Action.VIEW, sensor="sensorId")])
    async def get_streams(sensor_id: SensorId) -> list[JsonObject]:
        """The streams of one camera."""
        status = service.sensors.camera(sensor_id).status
        return [stream_info(status, status.sensor.url)]

    @router.get("/{sensorId}/timelines", dependencies=[requires(Action.VIEW, sensor="sensorId")])
    async def get_timelines(
        sensor_id: SensorId,
        start_time: Annotated[str | None, Query(alias="startTime")] = None,
        end_time: Annotated[str | None, Query(alias="endTime")] = None,
    ) -> list[JsonObject]:
        """What one camera has recorded, or the part of it in a range."""
        spans = await service.coverage.timeline(sensor_id, instant(start_time), instant(end_time))
        return [span(item.start_us, item.end_us) for item in spans]


def _without_url(body: SensorAdd) -> Fault:
    if body.sensor_ip:
        message = (
            "Adding by sensorIp needs ONVIF, which this version has not. Send sensorUrl, the camera's RTSP address."
        )
        return Fault("VMSNotSupportedError", 501, message)
    return invalid("sensorUrl is missing. Send the camera's RTSP address, such as rtsp://192.168.1.20:554/stream1.")


def _status(status: CameraStatus) -> JsonObject:
    return {
        "errorCode": status.code,
        "errorMessage": status.reason[:_MAX_ERROR],
        "health": status.health,
        "name": status.sensor.name,
        "recording": status.recording,
        "state": status.state,
    }


def _info(status: CameraStatus, has_timeline: bool) -> JsonObject:
    sensor, details = status.sensor, status.sensor.details
    return {
        "firmwareVersion": details.firmware_version,
        "hardware": details.hardware,
        "hardwareId": details.hardware_id,
        "isRemoteSensor": False,
        "isTimelinePresent": has_timeline,
        "location": details.location,
        "manufacturer": details.manufacturer,
        "name": sensor.name,
        "remoteDeviceId": "",
        "remoteDeviceLocation": "",
        "remoteDeviceName": "",
        "sensorId": sensor.sensor_id,
        "sensorIp": urlsplit(sensor.url).hostname or "",
        "serialNumber": details.serial_number,
        "state": status.state,
        "tags": details.tags,
        "type": "sensor_rtsp",
    }
