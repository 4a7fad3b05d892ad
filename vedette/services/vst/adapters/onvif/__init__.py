"""Cameras over ONVIF: probing, settings, PTZ, pictures and events, by our own SOAP client (decision record 0013)."""

from vedette.kernel.clock import Clock
from vedette.services.vst.adapters.onvif.device import OnvifDevice
from vedette.services.vst.adapters.resolver import CameraDialler
from vedette.services.vst.core.onvif_types import Device
from vedette.services.vst.model import Credentials

__all__ = ["OnvifDevice", "probe"]


async def probe(
    where: str, credentials: Credentials | None, *, dialler: CameraDialler, clock: Clock, endpoint: str = ""
) -> Device:
    """What is at an address, `host:port` or XAddr; one of several XAddrs is enough. Faults as `OnvifDevice`."""
    async with OnvifDevice(where, credentials, dialler=dialler, clock=clock) as device:
        return await device.probe(endpoint)
