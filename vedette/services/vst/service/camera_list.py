"""The camera list carried from one box to another: exported without passwords, imported with a word on every line."""

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

import anyio

from vedette.kernel.errors import Fault, invalid
from vedette.schema.identity import Subject
from vedette.services.vst.core import sensor_list
from vedette.services.vst.core.sensor_list import Row
from vedette.services.vst.model import CameraStatus, Credentials, NewSensor, SensorDetails, StreamKind
from vedette.services.vst.service.probing import unpack_device
from vedette.services.vst.service.sensors import Sensors
from vedette.services.vst.service.streams import Streams

_AT_ONCE = 4


@dataclass(frozen=True, slots=True)
class Line:
    """What became of one camera of a list, by its place from 1 on: `sensor_id` when it was added, else `reason`."""

    number: int
    name: str
    sensor_id: str = ""
    reason: str = ""


class CameraList:
    """Adds by the same way as a person does: every camera is looked at."""

    def __init__(self, sensors: Sensors, streams: Streams) -> None:
        self._sensors, self._streams = sensors, streams

    def export(self, caller: Subject, *, as_csv: bool) -> bytes:
        """The cameras that the caller may see, as JSON or CSV."""
        rows = [self._row(status) for status in self._sensors.list(caller)]
        return sensor_list.to_csv(rows) if as_csv else sensor_list.to_json(rows)

    async def load(self, text: bytes, *, is_csv: bool) -> Sequence[Line]:
        """Adds the cameras of a list; those that cannot be added are told with their reason. Fault 400 for what is no
        list."""
        try:
            rows = sensor_list.from_csv(text) if is_csv else sensor_list.from_json(text)
        except ValueError as error:
            raise invalid(f"The list cannot be read: {error}.") from error
        lines: dict[int, Line] = {}
        limit = anyio.CapacityLimiter(_AT_ONCE)

        async def add(number: int, row: Row) -> None:
            async with limit:
                lines[number] = await self._added(number, row)

        async with anyio.create_task_group() as group:
            for number, row in enumerate(rows, 1):
                group.start_soon(add, number, row)
        return [lines[number] for number in sorted(lines)]

    async def _added(self, number: int, row: Row) -> Line:
        name = row.get("name", "")
        if not row.get("sensorIp") and not row.get("sensorUrl"):
            return Line(number, name, reason="It has neither sensorIp nor sensorUrl.")
        try:
            return Line(number, name, sensor_id=await self._sensors.add(_wanted(row)))
        except Fault as fault:
            return Line(number, name, reason=fault.message)

    def _row(self, status: CameraStatus) -> Row:
        sensor, details = status.sensor, status.sensor.details
        device = unpack_device(sensor.device)
        sub = next((item for item in self._streams.of(sensor.sensor_id) if item.kind is StreamKind.SUB), None)
        return {
            "name": sensor.name,
            "sensorIp": "" if device is None else urlsplit(device.xaddr).netloc,
            "sensorUrl": sensor.url if device is None else "",
            "subUrl": sub.url if sub is not None and device is None else "",
            "location": details.location,
            "tags": details.tags,
            "manufacturer": details.manufacturer,
            "hardware": details.hardware,
            "hardwareId": details.hardware_id,
            "serialNumber": details.serial_number,
            "firmwareVersion": details.firmware_version,
        }


def _wanted(row: Row) -> NewSensor:
    username, password = row.get("username", ""), row.get("password", "")
    return NewSensor(
        name=row.get("name", ""),
        url="" if row.get("sensorIp") else row.get("sensorUrl", ""),
        credentials=Credentials(username, password) if username or password else None,
        details=SensorDetails(
            location=row.get("location", "")[:128],
            tags=row.get("tags", "")[:512],
            manufacturer=row.get("manufacturer", "")[:128],
            hardware=row.get("hardware", "")[:128],
            hardware_id=row.get("hardwareId", "")[:128],
            serial_number=row.get("serialNumber", "")[:128],
            firmware_version=row.get("firmwareVersion", "")[:128],
        ),
        address=row.get("sensorIp", ""),
        sub_url=row.get("subUrl", ""),
    )
