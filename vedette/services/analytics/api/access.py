"""Who may ask about which sensor: clients name sensors by name or id, permissions know ids alone."""

from typing import Any

from fastapi import Request

from vedette.kernel.auth import authorize
from vedette.kernel.errors import invalid
from vedette.kernel.http import SUBJECT, requires
from vedette.schema.identity import Action, Resource, Subject
from vedette.services.analytics.model.domain import Sensor
from vedette.services.analytics.service.analytics import AnalyticsService


class Access:
    """Permissions of one service's routes."""

    def __init__(self, service: AnalyticsService) -> None:
        self._service = service

    def needs(self, action: Action) -> Any:
        """The declaration of a route about the sensor in the query parameter `sensorId`."""
        return requires(action, sensor="sensorId", resolve=self._sensor_id)

    async def sensor(self, request: Request, name: str, action: Action, *, also: str | None = None) -> Sensor:
        """The sensor that a call is about, if the caller may do this to it. Fault 404 otherwise, known or not.

        `also` is a second place that may name it; Fault 400 if that contradicts.
        """
        sensor = await self._service.directory.get(name)
        if also is not None and also not in (sensor.name, sensor.sensor_id):
            raise invalid(f"sensorId is '{also[:100]}' in the query and '{name[:100]}' in the body. Send one of them.")
        decision = authorize(request.scope.get(SUBJECT), action, Resource(sensor_id=sensor.sensor_id))
        if decision.fault is not None:
            raise decision.fault
        return sensor

    def may_see(self, caller: Subject, sensor: Sensor) -> bool:
        """Whether a viewer gets live data of the sensor."""
        return authorize(caller, Action.LIVE, Resource(sensor_id=sensor.sensor_id)).allowed

    def _sensor_id(self, name: str, caller: Subject | None) -> str:
        """The id behind a name. Nothing named, or a name still unknown: one that the caller has, so that the role alone
        decides here and `sensor` decides on the rest."""
        sensor = self._service.directory.find(name) if name else None
        if sensor is not None:
            return sensor.sensor_id
        return caller.sensors[0] if caller is not None and caller.sensors else ""
