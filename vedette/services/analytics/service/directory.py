"""Which sensors there are. Frames and clients speak of names, everything stored of ids, so a rename keeps history.

Sensors come from VST's device events; a name that only frames know (a foreign producer) is its own id until an event
gives it one.
"""

from collections.abc import Callable, Iterable
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import replace

import anyio
import msgspec

from vedette.kernel.bus import START, Batch, Bus, Position
from vedette.kernel.database import Database
from vedette.kernel.errors import Fault
from vedette.kernel.telemetry import Telemetry
from vedette.schema.sensor import SensorEvent, StreamRef
from vedette.schema.topics import VST_EVENT
from vedette.services.analytics.model.domain import Sensor
from vedette.services.analytics.store.store import Store

_CATCH_UP_S = 2.0


class Directory:
    """Sensors by id and by name; `follow` keeps them up to date."""

    def __init__(self, database: Database, bus: Bus, telemetry: Telemetry) -> None:
        self._database, self._bus = database, bus
        self._refused = telemetry.counter("device_events_refused", "Device events that could not be read")
        self._by_id: dict[str, Sensor] = {}
        self._by_name: dict[str, str] = {}
        self._deleted_names: set[str] = set()
        self.read_up_to: Position = START
        self._moved = anyio.Event()
        self.forgotten: set[str] = set()
        self.quiet: Callable[[], AbstractAsyncContextManager[None]] = nullcontext
        """What to enter before a sensor's rows are moved or deleted, so that nothing is pending for it."""

    async def load(self) -> None:
        """Reads what is stored; forgets anything else."""
        sensors = await self._database.read(lambda connection: Store(connection).list_sensors())
        self._by_id, self._by_name = {}, {}
        for sensor in sensors:
            self._remember(sensor)

    async def follow(self) -> None:
        """Reads device events from the start of the topic: they are few, and reading one twice changes nothing."""
        decoder = msgspec.json.Decoder(SensorEvent)
        self.read_up_to = START
        async for batch in self._bus.subscribe(VST_EVENT, START):
            for entry in batch.entries:
                try:
                    event = decoder.decode(entry.payload)
                except msgspec.MsgspecError:
                    self._refused.inc()
                else:
                    await self._learn(event.event)
            self._announce(batch)

    def find(self, name_or_id: str) -> Sensor | None:
        """The sensor of that name, else of that id."""
        sensor_id = self._by_name.get(name_or_id, name_or_id)
        return self._by_id.get(sensor_id)

    async def get(self, name_or_id: str) -> Sensor:
        """The same; a sensor that was just added is waited for until all device events so far are read. Fault 404."""
        if self.find(name_or_id) is None:
            await self._catch_up()
        sensor = self.find(name_or_id)
        if sensor is None:
            raise Fault(
                "CameraNotFoundError",
                404,
                f"There is no sensor '{name_or_id[:100]}'. Add it with POST /vst/api/v1/sensor/add, or check its name.",
            )
        return sensor

    def sensors(self) -> Iterable[Sensor]:
        """All of them."""
        return list(self._by_id.values())

    async def seen(self, name: str, width: int, height: int) -> Sensor | None:
        """The sensor that a frame names, with its picture's size (0 when the frame does not tell); None if deleted."""
        sensor = self.find(name)
        if sensor is None:
            if name in self._deleted_names:
                return None
            sensor = Sensor(name, name)
            await self._set(sensor)
        if width and height and (width, height) != (sensor.width, sensor.height):
            sensor = replace(sensor, width=width, height=height)
            await self._set(sensor)
        return sensor

    async def _learn(self, event: StreamRef) -> None:
        if event.change == "camera_remove":
            if event.reason == "deleted":
                await self._delete(event)
            return
        known = self._by_id.get(event.camera_id)
        self._deleted_names.discard(event.camera_name)
        width, height = _resolution(event.metadata.resolution)
        before = known or Sensor(event.camera_id, event.camera_name)
        placeholder = self._by_id.get(event.camera_name)
        if known is None and placeholder is not None and placeholder.sensor_id != event.camera_id:
            before = replace(placeholder, sensor_id=event.camera_id)
            await self._move(placeholder.sensor_id, event.camera_id)
        await self._set(
            replace(before, name=event.camera_name, width=width or before.width, height=height or before.height)
        )

    async def _delete(self, event: StreamRef) -> None:
        self._deleted_names.add(event.camera_name)
        if self._by_id.pop(event.camera_id, None) is not None:
            self._by_name = {name: key for name, key in self._by_name.items() if key != event.camera_id}
            self.forgotten.add(event.camera_id)
            async with self.quiet():
                await self._database.write(
                    lambda connection: Store(connection).delete_sensor(event.camera_id), durable=True
                )

    async def _move(self, old_id: str, new_id: str) -> None:
        async with self.quiet():
            await self._database.write(lambda connection: Store(connection).move_sensor(old_id, new_id), durable=True)
            self.forgotten |= {old_id, new_id}
            self._remember(replace(self._by_id.pop(old_id), sensor_id=new_id))

    async def _set(self, sensor: Sensor) -> None:
        if self._by_id.get(sensor.sensor_id) != sensor:
            await self._database.write(lambda connection: Store(connection).set_sensor(sensor), durable=True)
            self._remember(sensor)

    def _remember(self, sensor: Sensor) -> None:
        self._by_name = {name: key for name, key in self._by_name.items() if key != sensor.sensor_id}
        self._by_id[sensor.sensor_id] = sensor
        self._by_name[sensor.name] = sensor.sensor_id

    def _announce(self, batch: Batch) -> None:
        self.read_up_to = batch.last
        self._moved.set()
        self._moved = anyio.Event()

    async def _catch_up(self) -> None:
        latest = await self._bus.latest(VST_EVENT)
        with anyio.move_on_after(_CATCH_UP_S):
            while position_key(self.read_up_to) < position_key(latest):
                await self._moved.wait()


def position_key(position: Position) -> tuple[int, int]:
    """Positions in order."""
    first, _, second = position.partition("-")
    return int(first or 0), int(second or 0)


def _resolution(text: str) -> tuple[int, int]:
    """`1280x720` → (1280, 720); (0, 0) for anything else."""
    width, _, height = text.lower().partition("x")
    return (int(width), int(height)) if width.isdecimal() and height.isdecimal() else (0, 0)
