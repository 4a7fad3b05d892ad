"""`sensor/…` about the service itself: help, configuration, quality of service, and drills that unplug a camera."""

from ipaddress import ip_address
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import Field, field_validator

from vedette.kernel.clock import to_iso
from vedette.kernel.http import requires
from vedette.schema.identity import Action, Subject
from vedette.services.vst.api.common import JsonObject, routes_of, sensor_ids
from vedette.services.vst.api.sensor_bodies import Loose
from vedette.services.vst.service import Vst
from vedette.services.vst.service.configuration import sensor_configuration
from vedette.services.vst.service.quality import StreamQuality

_MIB = 1 << 20
_NO_GPU = {
    "dec_usage": 0,
    "enc_usage": 0,
    "gpu_index": "",
    "gpu_name": "",
    "gpu_usage": 0,
    "total_gpu_mem_MB": 0,
    "total_gpu_mem_usage_MB": 0,
    "vst_gpu_mem_usage_MB": 0,
}
type Ip = Annotated[str, Query(max_length=128)]


class SetConfiguration(Loose):
    """What can be set at run time; what is left out stays. Time servers are passed on to every ONVIF camera."""

    device_discovery_interfaces: list[str] | None = Field(None, max_length=100)
    ntp_servers: list[str] | None = Field(None, max_length=100)


class Drill(Loose):
    """A camera to pull the plug of, or to put it back: by its address."""

    action: Literal["plug", "unplug"]
    ip: str = Field(max_length=128)

    @field_validator("ip")
    @classmethod
    def _is_address(cls, text: str) -> str:
        return str(ip_address(text.strip()))


def add_routes(router: APIRouter, service: Vst) -> None:
    """The routes of the service itself."""
    _add_configuration(router, service)
    _add_drills(router, service)

    @router.get("/help", dependencies=[requires(Action.VIEW)])
    async def get_help() -> list[str]:
        """The routes of this group."""
        return [f"{method} {path}" for method, path in routes_of(router)]

    @router.get("/qos")
    async def get_quality(caller: Annotated[Subject, requires(Action.VIEW)]) -> JsonObject:
        """Frame and bit rates of the streams that are read, over the last half minute. Losses below RTSP are not
        counted here, so they are not told."""
        return {
            "numActiveRtspConnections": str(service.relay_clients),
            "rtspServerTxBitrate": "",
            "stats": [_told(item) for item in service.quality.streams(sensor_ids(service, caller))[:100]],
        }

    @router.get("/debug/system/stats", dependencies=[requires(Action.VIEW)])
    async def get_stats() -> JsonObject:
        """What this process and its machine use. VST uses no graphics processor: those figures are 0."""
        use, cpu = await service.quality.host()
        return _NO_GPU | {
            "cpu_usage": min(100, cpu),
            "rss_MB": use.rss_bytes // _MIB,
            "open_files_count": use.open_files,
            "system_memory_usage_MB": use.used_memory_bytes // _MIB,
        }


def _add_configuration(router: APIRouter, service: Vst) -> None:
    @router.get("/configuration", dependencies=[requires(Action.VIEW)])
    async def get_configuration() -> JsonObject:
        """The configuration that NVIDIA's web page asks for at start."""
        chosen = {
            "deviceDiscoveryInterfaces": list(service.finder.interfaces),
            "ntpServers": list(service.devices.time_servers),
        }
        return sensor_configuration(service.settings) | chosen

    @router.post("/configuration")
    async def set_configuration(
        caller: Annotated[Subject, requires(Action.ADMINISTER)], body: SetConfiguration | None = None
    ) -> JsonObject:
        """Change where cameras are looked for, and the time servers of all ONVIF cameras; kept over restarts."""
        if body is not None and body.device_discovery_interfaces is not None:
            await service.finder.set_interfaces(body.device_discovery_interfaces, actor=caller.id)
        if body is not None and body.ntp_servers is not None:
            return {"failed": await service.devices.set_time_servers(body.ntp_servers, actor=caller.id)}
        return {}


def _add_drills(router: APIRouter, service: Vst) -> None:
    @router.get("/debug/status", dependencies=[requires(Action.VIEW)])
    async def get_drill(ip: Ip) -> JsonObject:
        """Whether the plug of the cameras at an address was pulled."""
        service.sensors.check_address(ip)
        return {"status": "unplug" if service.sensors.feeds.is_unplugged(ip) else "plug"}

    @router.post("/debug/unplug", dependencies=[requires(Action.ADMINISTER)])
    @router.post("/debug/plug", dependencies=[requires(Action.ADMINISTER)])
    async def drill(body: Drill) -> JsonObject:
        """A drill: cameras at an address are not reached until they are plugged in again, or until a restart. What is
        done is what `action` says."""
        service.sensors.check_address(body.ip)
        service.sensors.feeds.set_plugged(body.ip, body.action == "plug")
        return {}


def _told(item: StreamQuality) -> JsonObject:
    return {
        "name": item.name,
        "rtspUrl": item.url[:128],
        "timestamp": to_iso(item.at_us),
        "elapsedMeasurementTime": round(item.seconds, 3),
        "avgFps": round(item.fps, 3),
        "avgFramecount": item.frames,
        "bitrateKbpsAvg": round(item.kbps, 1),
        "bitrateKbpsMin": round(item.least_kbps, 1),
        "bitrateKbpsMax": round(item.most_kbps, 1),
        "errors": item.error[:128],
    }
