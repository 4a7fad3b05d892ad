"""Values of sensors beside their video: taken over HTTP, from the bus and from MQTT, stored, asked for and aged.

Whoever gives a value is told that it was taken only after it is on the disk: HTTP by its reply, the bus by the position
that is kept in the same transaction, MQTT by its acknowledgement. What comes twice is stored once.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import aclosing
from typing import Any

import anyio
import msgspec

from vedette.kernel.bus import START, Batch, Bus
from vedette.kernel.clock import US_PER_SECOND, Instant, from_iso
from vedette.kernel.database import Transaction
from vedette.kernel.errors import Fault, invalid
from vedette.kernel.lifecycle import Backoff, retry
from vedette.kernel.log import get_logger
from vedette.schema.sensor import SensorReading
from vedette.schema.topics import VST_READINGS
from vedette.services.vst.adapters.mqtt import MqttBatch, MqttReader
from vedette.services.vst.core import reading as core
from vedette.services.vst.model import Reading
from vedette.services.vst.service.parts import Parts
from vedette.services.vst.store import SensorStore

MOST_AT_ONCE = 1000
_FOR_EVER_US = 1 << 62
_AGE_EVERY_S = 60.0
_AGE_MOST = 5000

type SensorsNamed = Callable[[str], Sequence[str]]


class Readings:
    """`sensors_named` gives the ids of the sensors with an id or name; what names none is refused and counted."""

    def __init__(self, parts: Parts, *, bus: Bus, sensors_named: SensorsNamed) -> None:
        self._clock, self._database, self._meters = parts.clock, parts.database, parts.meters
        self._settings, self._bus, self._named = parts.settings, bus, sensors_named
        self._decoder = msgspec.json.Decoder(SensorReading)

    async def run(self) -> None:
        """Reads the bus and MQTT and ages what is old, for ever."""
        async with anyio.create_task_group() as group:
            group.start_soon(self._guard, "readings", self._take_from_bus)
            group.start_soon(self._guard, "ageing of readings", self._age)
            if self._settings.mqtt_url:
                group.start_soon(self._guard, "mqtt", self._take_from_mqtt)

    async def add(self, sensor_id: str, given: Sequence[Mapping[str, Any]]) -> int:
        """Stores readings of one sensor, all of them or none, and returns how many when they are on the disk. Fault 400
        says which is wrong."""
        if not 1 <= len(given) <= MOST_AT_ONCE:
            raise invalid(f"Send 1 to {MOST_AT_ONCE} readings at once.")
        readings = []
        for number, fields in enumerate(given):
            try:
                readings.append(self._reading(sensor_id, str(fields["name"]), fields))
            except (ValueError, Fault) as error:
                raise invalid(f"readings.{number}: {error}.") from error
        await self._store(readings)
        return len(readings)

    async def find(
        self, sensor_id: str, *, name: str | None, start_us: Instant | None, end_us: Instant | None, limit: int
    ) -> Sequence[Reading]:
        """Readings of a range, oldest first; the newest `limit` of them when there are more."""
        start, end = 0 if start_us is None else start_us, _FOR_EVER_US if end_us is None else end_us
        return await self._database.read(
            lambda connection: SensorStore(connection).list_readings(
                sensor_id, name=name, start_us=start, end_us=end, limit=limit
            )
        )

    async def forget(self, sensor_id: str) -> None:
        """All readings of a sensor go."""
        await self._database.write(
            lambda connection: SensorStore(connection).delete_readings_of(sensor_id), durable=True
        )

    async def _guard(self, name: str, work: Callable[[], Any]) -> None:
        await retry(work, clock=self._clock, log=get_logger("vst"), name=name, backoff=Backoff(0.5, 30.0, 60.0))

    def _reading(self, sensor_id: str, name: str, fields: Mapping[str, Any]) -> Reading:
        now_us, told = self._clock.now(), fields.get("timestamp")
        at_us = now_us if told in (None, "") else _instant(told)
        unit = str(fields.get("unit") or "")
        return core.reading_of(sensor_id, name, fields.get("value"), at_us=at_us, now_us=now_us, unit=unit)

    async def _store(self, readings: Sequence[Reading], *, position: str | None = None) -> None:
        def work(connection: Transaction) -> None:
            store = SensorStore(connection)
            store.add_readings(readings)
            if position is not None:
                store.set_position(VST_READINGS.name, position)

        await self._database.write(work, durable=True)
        self._meters.readings.inc(len(readings))

    async def _take_from_bus(self) -> None:
        known = await self._database.read(lambda connection: SensorStore(connection).get_position(VST_READINGS.name))
        async with aclosing(self._bus.subscribe(VST_READINGS, known or START)) as batches:
            async for batch in batches:
                await self._store(self._decoded(batch), position=batch.last)

    def _decoded(self, batch: Batch) -> list[Reading]:
        readings = []
        for entry in batch.entries:
            try:
                message = self._decoder.decode(entry.payload)
                fields = {"value": message.value, "timestamp": message.timestamp, "unit": message.unit}
                readings.append(self._reading(self._sensor(message.sensor_id), message.name, fields))
            except (msgspec.MsgspecError, ValueError, Fault) as error:
                self._refuse("bus", error)
        return readings

    async def _take_from_mqtt(self) -> None:
        reader = MqttReader(self._settings.mqtt_url, f"{self._settings.mqtt_prefix.rstrip('/')}/+/+")
        async with aclosing(reader.batches()) as batches:
            async for batch in batches:
                await self._store(self._from_mqtt(batch))
                batch.acknowledge()

    def _from_mqtt(self, batch: MqttBatch) -> list[Reading]:
        readings = []
        for message in batch.messages:
            try:
                sensor, name, fields = core.from_message(message.topic, message.payload, self._settings.mqtt_prefix)
                readings.append(self._reading(self._sensor(sensor), name, fields))
            except (ValueError, Fault) as error:
                self._refuse("mqtt", error)
        return readings

    def _sensor(self, name: str) -> str:
        found = self._named(name)
        if not found:
            raise ValueError(f"no sensor has the id or name '{name[:100]}'")
        return found[0]

    def _refuse(self, way: str, error: Exception) -> None:
        self._meters.readings_refused.labels(way).inc()
        get_logger("vst").warning("reading_refused", way=way, cause=error)

    async def _age(self) -> None:
        while True:
            most_h = self._settings.readings_max_age_h
            while most_h and await self._forget_before(self._clock.now() - round(most_h * 3600 * US_PER_SECOND)):
                pass
            await self._clock.sleep(_AGE_EVERY_S)

    async def _forget_before(self, at_us: Instant) -> int:
        return await self._database.write(
            lambda connection: SensorStore(connection).delete_readings_before(at_us, most=_AGE_MOST)
        )


def shown(reading: Reading) -> Any:
    """The value of a reading as it came in."""
    return core.value_of(reading)


def _instant(told: object) -> Instant:
    """ISO-8601, or epoch milliseconds as a number."""
    if isinstance(told, int | float) and not isinstance(told, bool):
        return round(told * 1000)
    return from_iso(str(told))
