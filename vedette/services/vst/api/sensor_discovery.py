"""`sensor/scan` and `sensor/discovered`: cameras that were found, and adding one with one call."""

from typing import Annotated

from fastapi import APIRouter, Path
from pydantic import Field

from vedette.kernel.clock import to_iso
from vedette.kernel.http import requires
from vedette.schema.base import Body
from vedette.schema.identity import Action
from vedette.services.vst.api.common import JsonObject
from vedette.services.vst.api.sensor_bodies import Added, Loose, credentials_of
from vedette.services.vst.service import Vst
from vedette.services.vst.service.discovery import Discovered


class Targets(Loose):
    """Addresses or networks to ask one by one, for cameras behind a router; multicast does not reach them."""

    targets: list[str] = Field([], max_length=64)


class DiscoveredAdd(Body):
    """The name it gets, its own when left out, and how it is to be asked."""

    name: str = Field("", max_length=128)
    username: str = Field("", max_length=128)
    password: str = Field("", max_length=128)


def add_routes(router: APIRouter, service: Vst) -> None:
    """The routes of discovery."""

    @router.post("/scan", dependencies=[requires(Action.CONFIGURE)])
    async def scan(body: Targets | None = None) -> JsonObject:
        """Look for cameras now; the reply comes when they have answered. `sensor/discovered` lists them."""
        return {"found": len(await service.finder.scan(body.targets if body else ()))}

    @router.get("/discovered", dependencies=[requires(Action.CONFIGURE)])
    async def list_discovered() -> list[JsonObject]:
        """Cameras that answered in the last ten minutes; `sensorId` is null for those that nobody added."""
        return [_told(item) for item in service.finder.list()]

    @router.post("/discovered/{endpoint:path}/add", dependencies=[requires(Action.CONFIGURE)])
    async def add_discovered(endpoint: Annotated[str, Path(max_length=256)], body: DiscoveredAdd) -> Added:
        """Add a camera that was found."""
        credentials = credentials_of(body.username, body.password)
        return Added(sensor_id=await service.finder.add(endpoint, body.name, credentials))


def _told(item: Discovered) -> JsonObject:
    found, info = item.found, item.info
    return {
        "endpoint": found.endpoint,
        "name": found.name,
        "hardware": found.hardware or info.model,
        "manufacturer": info.manufacturer,
        "serialNumber": info.serial,
        "address": found.address,
        "xaddrs": list(found.xaddrs),
        "lastSeen": to_iso(item.last_seen_us),
        "sensorId": item.sensor_id,
    }
