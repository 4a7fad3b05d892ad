"""What clients send about cameras, and how a camera is told."""

from urllib.parse import urlsplit

from pydantic import ConfigDict, Field

from vedette.schema.base import Body
from vedette.services.vst.api.common import JsonObject
from vedette.services.vst.model import CameraStatus, Credentials, NewSensor, Placement, SensorDetails

_MOST_ERROR = 128


class Loose(Body):
    """Bodies that clients of NVIDIA's VST fill with more than we use."""

    model_config = ConfigDict(
        frozen=True, extra="ignore", alias_generator=Body.model_config.get("alias_generator"), populate_by_name=True
    )


class Point(Loose):
    """A place on a plan."""

    x: str = Field("", max_length=128)
    y: str = Field("", max_length=128)


class Coordinate(Loose):
    """A place on the earth."""

    latitude: str = Field("", max_length=128)
    longitude: str = Field("", max_length=128)


class PositionBody(Loose):
    """Where a camera hangs and looks."""

    coordinates: Point = Point()
    geo_location: Coordinate = Coordinate()
    origin: Coordinate = Coordinate()
    depth: str = Field("", max_length=128)
    direction: str = Field("", max_length=128)
    field_of_view: str = Field("", max_length=128)

    @property
    def placement(self) -> Placement:
        """As the model has it."""
        return Placement(
            x=self.coordinates.x,
            y=self.coordinates.y,
            latitude=self.geo_location.latitude,
            longitude=self.geo_location.longitude,
            origin_latitude=self.origin.latitude,
            origin_longitude=self.origin.longitude,
            depth=self.depth,
            direction=self.direction,
            field_of_view=self.field_of_view,
        )


class Described(Loose):
    """What people say about a camera."""

    location: str = Field("", max_length=128)
    tags: str = Field("", max_length=512)
    manufacturer: str = Field("", max_length=128)
    hardware: str = Field("", max_length=128)
    hardware_id: str = Field("", max_length=128)
    serial_number: str = Field("", max_length=128)
    firmware_version: str = Field("", max_length=128)
    position: PositionBody = PositionBody()

    def over(self, known: SensorDetails) -> SensorDetails:
        """What is said here in place of what was known; what is not said stays."""
        said = {
            name: getattr(self, name) for name in SensorDetails.__dataclass_fields__ if name in self.model_fields_set
        }
        if "position" in said:
            said["position"] = self.position.placement
        return SensorDetails(**({name: getattr(known, name) for name in SensorDetails.__dataclass_fields__} | said))


class SensorAdd(Described):
    """A camera to add: by `sensorIp`, its address (or host:port) where ONVIF answers, or by `sensorUrl`, its RTSP
    address; then `subUrl` may name a second, smaller stream. Credentials stand beside it or inside the URL."""

    sensor_url: str = Field("", max_length=1024)
    sub_url: str = Field("", max_length=1024)
    sensor_ip: str = Field("", max_length=128)
    name: str = Field("", max_length=128)
    username: str = Field("", max_length=128)
    password: str = Field("", max_length=128)

    @property
    def wanted(self) -> NewSensor:
        """As the service takes it."""
        return NewSensor(
            name=self.name,
            url=self.sensor_url,
            credentials=credentials_of(self.username, self.password),
            details=self.over(SensorDetails()),
            address="" if self.sensor_url else self.sensor_ip.strip(),
            sub_url=self.sub_url,
        )


class SensorChange(Described):
    """New words about a camera, or the address that it has moved to."""

    name: str | None = Field(None, max_length=128)
    sensor_ip: str = Field("", max_length=128)


class NewCredentials(Loose):
    """How the camera is to be asked from now on."""

    username: str = Field(max_length=128)
    password: str = Field(max_length=128)


class Replacement(Loose):
    """The sensor whose device takes the place of another's."""

    sensor_id: str = Field(max_length=100, pattern=r"^[a-zA-Z0-9_-]+$")


class Added(Body):
    """The id of a new sensor; its main stream has the same."""

    sensor_id: str


def credentials_of(username: str, password: str) -> Credentials | None:
    """None when neither is given."""
    return Credentials(username, password) if username or password else None


def status_of(status: CameraStatus) -> JsonObject:
    """A SensorStatus, with the finer health beside the published state."""
    return {
        "errorCode": status.code,
        "errorMessage": status.reason[:_MOST_ERROR],
        "health": status.health,
        "name": status.sensor.name,
        "reason": status.reason,
        "recording": status.recording,
        "state": status.state,
    }


def info_of(status: CameraStatus, *, has_timeline: bool) -> JsonObject:
    """A SensorInfo."""
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
        "position": _position(details.position),
        "remoteDeviceId": "",
        "remoteDeviceLocation": "",
        "remoteDeviceName": "",
        "sensorId": sensor.sensor_id,
        "sensorIp": urlsplit(sensor.url).hostname or "",
        "serialNumber": details.serial_number,
        "state": status.state,
        "tags": details.tags,
        "type": f"sensor_{sensor.kind}",
    }


def _position(placement: Placement) -> JsonObject:
    return {
        "coordinates": {"x": placement.x, "y": placement.y},
        "depth": placement.depth,
        "direction": placement.direction,
        "fieldOfView": placement.field_of_view,
        "geoLocation": {"latitude": placement.latitude, "longitude": placement.longitude},
        "origin": {"latitude": placement.origin_latitude, "longitude": placement.origin_longitude},
    }
