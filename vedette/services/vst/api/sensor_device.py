"""`sensor/{sensorId}/…` that asks the camera itself: settings, network, restart, PTZ, and its own picture."""

from typing import Annotated, Any

from fastapi import APIRouter, Header, Response
from pydantic import Field, model_validator

from vedette.kernel.http import requires
from vedette.schema.identity import Action
from vedette.services.vst.api.common import ID_PATTERN, JsonObject, SensorId
from vedette.services.vst.api.sensor_bodies import Loose
from vedette.services.vst.service import Vst

_JPEG: dict[int | str, dict[str, Any]] = {200: {"content": {"image/jpeg": {}}}}
_MOST_KEYS = 64


class Settings(Loose):
    """Texts by their published names; what is empty or left out stays as it is."""

    encode: dict[str, Any] = Field({}, alias="Encode", max_length=_MOST_KEYS)
    image: dict[str, Any] = Field({}, alias="Image", max_length=_MOST_KEYS)


class NetworkBody(Loose):
    """A camera's network settings."""

    dhcp_v4: str = Field("", alias="dhcpV4", max_length=128)
    dhcp_v6: str = Field("", alias="dhcpV6", max_length=128)
    ip_address_v4: str = Field("", alias="ipAddressV4", max_length=128)
    ip_address_v6: str = Field("", alias="ipAddressV6", max_length=128)
    is_ipv4_enabled: bool | None = Field(None, alias="isIpv4Enabled")
    is_ipv6_enabled: bool | None = Field(None, alias="isIpv6Enabled")
    subnet_mask_v4: str = Field("", alias="subnetMaskV4", max_length=128)
    subnet_mask_v6: str = Field("", alias="subnetMaskV6", max_length=128)

    @model_validator(mode="after")
    def _says_something(self) -> "NetworkBody":
        if not self.model_fields_set:
            raise ValueError("send what is to be changed")
        return self


class Aim(Loose):
    """Pan and tilt from -1 to 1, zoom from 0 to 1; an axis that is left out stays."""

    pan: float | None = None
    tilt: float | None = None
    zoom: float | None = None


class Speed(Loose):
    """Speeds from -1 to 1, for `timeoutSeconds` unless stopped before."""

    pan: float | None = None
    tilt: float | None = None
    zoom: float | None = None
    timeout_seconds: float = Field(10.0, gt=0, le=60)


class PresetBody(Loose):
    """A stored position to go to, by its token; with `action` also to `set` (under `name`) or to `remove`."""

    preset: str = Field("", max_length=128)
    name: str = Field("", max_length=128)
    action: str = Field("goto", pattern="^(goto|set|remove)$")

    @model_validator(mode="after")
    def _names_one(self) -> "PresetBody":
        if self.action != "set" and not self.preset:
            raise ValueError("preset, the token of a stored position, is missing")
        return self


def add_routes(router: APIRouter, service: Vst) -> None:
    """The routes that reach through to the camera."""
    _add_settings(router, service)
    _add_network(router, service)
    _add_ptz(router, service)

    @router.get(
        "/{sensorId}/snapshot",
        dependencies=[requires(Action.LIVE, sensor="sensorId")],
        response_class=Response,
        responses=_JPEG,
    )
    async def get_snapshot(sensor_id: SensorId) -> Response:
        """A JPEG of now: the camera's own over ONVIF, else the newest picture of its stream."""
        return Response(await service.snapshot(sensor_id), media_type="image/jpeg")


def _add_settings(router: APIRouter, service: Vst) -> None:
    @router.get("/{sensorId}/settings", dependencies=[requires(Action.VIEW, sensor="sensorId")])
    async def get_settings(sensor_id: SensorId) -> JsonObject:
        """Encoder and picture settings of each stream, with what they may be; empty for a camera without ONVIF."""
        return await service.devices.settings(sensor_id)

    @router.post("/{sensorId}/settings", dependencies=[requires(Action.CONFIGURE, sensor="sensorId")])
    async def set_settings(
        sensor_id: SensorId,
        body: Settings,
        stream_id: Annotated[str, Header(alias="streamId", pattern=ID_PATTERN, max_length=100)] = "",
    ) -> JsonObject:
        """Set encoder or picture of one stream, named by the header `streamId`, else of the main stream."""
        encode, image = _filled(body.encode), {key: str(value) for key, value in _filled(body.image).items()}
        await service.devices.set_settings(sensor_id, encode=encode, image=image, stream_id=stream_id)
        return {}


def _add_network(router: APIRouter, service: Vst) -> None:
    @router.get("/{sensorId}/network", dependencies=[requires(Action.VIEW, sensor="sensorId")])
    async def get_network(sensor_id: SensorId) -> JsonObject:
        """The camera's own network settings."""
        return await service.devices.network(sensor_id)

    @router.post("/{sensorId}/network", dependencies=[requires(Action.CONFIGURE, sensor="sensorId")])
    async def set_network(sensor_id: SensorId, body: NetworkBody) -> JsonObject:
        """Give the camera another address. It is followed there by its serial number."""
        changed = body.model_dump(by_alias=True, exclude_unset=True)
        return {"rebootNeeded": await service.devices.set_network(sensor_id, changed)}

    @router.post("/{sensorId}/reboot", dependencies=[requires(Action.CONFIGURE, sensor="sensorId")])
    async def reboot(sensor_id: SensorId) -> JsonObject:
        """Restart the camera; it is connected again by itself."""
        await service.devices.reboot(sensor_id)
        return {}


def _add_ptz(router: APIRouter, service: Vst) -> None:
    @router.get("/{sensorId}/ptz", dependencies=[requires(Action.VIEW, sensor="sensorId")])
    async def get_ptz(sensor_id: SensorId) -> JsonObject:
        """Where the camera looks, null where it does not say, and its stored positions."""
        view = await service.devices.ptz(sensor_id)
        where = view.status.position
        return {
            "supported": True,
            "position": {"pan": where.pan, "tilt": where.tilt, "zoom": where.zoom},
            "moving": view.status.moving,
            "presets": [{"token": preset.token, "name": preset.name} for preset in view.presets],
        }

    configure = [requires(Action.CONFIGURE, sensor="sensorId")]

    @router.post("/{sensorId}/ptz", dependencies=configure)
    @router.post("/{sensorId}/ptz/absolute", dependencies=configure)
    async def go_to(sensor_id: SensorId, body: Aim) -> JsonObject:
        """Look there."""
        await service.devices.go_to(sensor_id, pan=body.pan, tilt=body.tilt, zoom=body.zoom)
        return {}

    @router.post("/{sensorId}/ptz/continuous", dependencies=configure)
    async def move(sensor_id: SensorId, body: Speed) -> JsonObject:
        """Move at a speed until stopped or the time is over."""
        await service.devices.move(sensor_id, pan=body.pan, tilt=body.tilt, zoom=body.zoom, for_s=body.timeout_seconds)
        return {}

    @router.post("/{sensorId}/ptz/stop", dependencies=configure)
    async def halt(sensor_id: SensorId) -> JsonObject:
        """Stop moving."""
        await service.devices.halt(sensor_id)
        return {}

    @router.post("/{sensorId}/ptz/preset", dependencies=configure)
    async def use_preset(sensor_id: SensorId, body: PresetBody) -> JsonObject:
        """Go to a stored position, store where the camera looks now, or forget one."""
        if body.action == "set":
            return {"preset": await service.devices.set_preset(sensor_id, body.name, body.preset)}
        work = service.devices.go_to_preset if body.action == "goto" else service.devices.remove_preset
        await work(sensor_id, body.preset)
        return {"preset": body.preset}


def _filled(values: dict[str, Any]) -> dict[str, Any]:
    """Without what is empty, for that stays as it is."""
    return {key: value for key, value in values.items() if value not in ("", None, {})}
