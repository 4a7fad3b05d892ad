"""What can be set on an ONVIF device: picture, encoder, network, and where it looks."""

from dataclasses import replace
from ipaddress import IPv4Address, ip_address

from vedette.kernel.errors import Fault, invalid, unprocessable
from vedette.services.vst.adapters.onvif.device import OnvifDevice
from vedette.services.vst.core import onvif_calls, onvif_replies
from vedette.services.vst.core.onvif_calls import call
from vedette.services.vst.core.onvif_types import (
    Encoder,
    EncoderOptions,
    Imaging,
    Network,
    Position,
    Preset,
    PtzStatus,
    Range,
)
from vedette.services.vst.core.onvif_xml import Node

_NO_ENCODER = "The camera has no video encoder configuration '{}'. Probe it again."


async def get_imaging(device: OnvifDevice, source: str) -> Imaging:
    """Picture settings of a video source and what they may be; no ranges when the device tells none."""
    settings = onvif_replies.imaging(await device.ask(onvif_calls.get_imaging(source)))
    ranges: dict[str, Range] = {}
    try:
        ranges = onvif_replies.imaging_ranges(await device.ask(onvif_calls.get_imaging_options(source)))
    except Fault as fault:
        if fault.status in {403, 408}:
            raise
    return replace(settings, ranges=ranges)


async def set_imaging(device: OnvifDevice, source: str, wanted: Imaging) -> None:
    """Sets what is not None. Fault 422 when a value lies outside what the device allows."""
    ranges = wanted.ranges or (await get_imaging(device, source)).ranges
    for name in ("brightness", "saturation", "contrast", "sharpness"):
        value: float | None = getattr(wanted, name)
        _refuse_outside(name, value, ranges.get(name))
    await device.ask(onvif_calls.set_imaging(source, wanted))


async def get_encoder(device: OnvifDevice, token: str) -> Encoder:
    """An encoder's settings and options; empty options when the device tells none. Fault 404 when there is none."""
    media2 = await device.has("media2")
    found = onvif_replies.encoder(await device.ask(onvif_calls.get_encoder(media2, token)))
    if found is None:
        raise Fault("VMSNoDataError", 404, _NO_ENCODER.format(token[:100]))
    options = EncoderOptions()
    try:
        told = await device.ask(onvif_calls.get_encoder_options(media2, token))
        options = onvif_replies.encoder_options(told, found.codec or "h264")
    except Fault as fault:
        if fault.status in {403, 408}:
            raise
    return replace(found, token=found.token or token, options=options)


async def set_encoder(device: OnvifDevice, wanted: Encoder) -> Encoder:
    """Sets what is not None and keeps the rest; returns what was sent. Fault 422 outside the device's options."""
    known = await get_encoder(device, wanted.token)
    merged = Encoder(
        token=known.token,
        name=wanted.name or known.name,
        codec=wanted.codec or known.codec,
        width=wanted.width or known.width,
        height=wanted.height or known.height,
        fps=wanted.fps or known.fps,
        bitrate=wanted.bitrate or known.bitrate,
        gov=wanted.gov or known.gov,
        quality=known.quality if wanted.quality is None else wanted.quality,
        options=known.options,
    )
    _refuse_encoder(merged)
    await device.ask(onvif_calls.set_encoder(await device.has("media2"), merged))
    return merged


async def get_network(device: OnvifDevice) -> Network:
    """The first interface with gateway, name and time servers; what the device does not tell is empty."""
    network = onvif_replies.interface(await device.ask(call("device", "GetNetworkInterfaces")))

    async def told(operation: str) -> Node:
        try:
            return await device.ask(call("device", operation))
        except Fault as fault:
            if fault.status in {403, 408}:
                raise
            return Node("")

    gateway = onvif_replies.addresses(await told("GetNetworkDefaultGateway"), "NetworkGateway")
    host_name = onvif_replies.short((await told("GetHostname")).value("HostnameInformation", "Name"))
    return replace(
        network,
        gateway=gateway[0] if gateway else "",
        name_servers=onvif_replies.addresses(await told("GetDNS"), "DNS"),
        time_servers=onvif_replies.addresses(await told("GetNTP"), "NTP"),
        host_name=host_name,
    )


async def set_network(device: OnvifDevice, wanted: Network) -> bool:
    """Sets what is given; returns whether the device must be restarted for it.

    The address is set last, because the device may be gone from where we reach it afterwards: the caller finds it
    again by its serial number. Fault 400 for what is no address.
    """
    for text in (wanted.address, wanted.gateway, *wanted.name_servers):
        if text and not _is_ipv4(text):
            raise invalid(f"'{text[:50]}' is no IPv4 address.")
    if wanted.address and not 1 <= wanted.prefix_length <= 32:
        raise invalid("A fixed address needs a prefix length from 1 to 32, such as 24.")
    if wanted.host_name:
        await device.ask(onvif_calls.set_host_name(wanted.host_name))
    if wanted.time_servers:
        await device.ask(onvif_calls.set_time_servers(wanted.time_servers))
    if wanted.name_servers:
        await device.ask(onvif_calls.set_name_servers(wanted.name_servers))
    if wanted.gateway:
        await device.ask(onvif_calls.set_gateway(wanted.gateway))
    if not wanted.address and not wanted.dhcp:
        return False
    token = wanted.token or onvif_replies.interface(await device.ask(call("device", "GetNetworkInterfaces"))).token
    told = await device.ask(onvif_calls.set_interface(replace(wanted, token=token)))
    return told.value("RebootNeeded") == "true"


class Ptz:
    """Where a camera looks, through one profile. Fault 501 when it cannot move."""

    def __init__(self, device: OnvifDevice, profile: str) -> None:
        self._device, self._profile = device, profile

    async def status(self) -> PtzStatus:
        """Where it looks and whether it moves; what the camera leaves empty is unknown."""
        return onvif_replies.ptz_status(await self._device.ask(onvif_calls.ptz("GetStatus", self._profile)))

    async def absolute(self, where: Position) -> None:
        """Goes to a position, -1 to 1 (zoom 0 to 1); axes that are None stay."""
        await self._move("absolute", where, zoom_least=0.0)

    async def relative(self, by: Position) -> None:
        """Goes by a step, -1 to 1."""
        await self._move("relative", by)

    async def continuous(self, speed: Position, *, timeout_s: float | None = 10.0) -> None:
        """Moves at a speed, -1 to 1, until `stop` or for `timeout_s`, so that a lost stop does not turn it for ever."""
        await self._move("continuous", speed, timeout_s=timeout_s)

    async def stop(self) -> None:
        """Stops all axes."""
        await self._device.ask(onvif_calls.ptz_stop(self._profile))

    async def presets(self) -> list[Preset]:
        """Stored positions."""
        return onvif_replies.presets(await self._device.ask(onvif_calls.ptz("GetPresets", self._profile)))

    async def set_preset(self, name: str, token: str = "") -> str:
        """Stores where it looks now, over the preset `token` if given; returns the token."""
        told = await self._device.ask(onvif_calls.ptz_preset("SetPreset", self._profile, token=token, name=name))
        return told.value("PresetToken") or token

    async def goto_preset(self, token: str) -> None:
        """Goes to a stored position."""
        await self._device.ask(onvif_calls.ptz_preset("GotoPreset", self._profile, token=token))

    async def remove_preset(self, token: str) -> None:
        """Forgets a stored position."""
        await self._device.ask(onvif_calls.ptz_preset("RemovePreset", self._profile, token=token))

    async def _move(
        self, kind: str, where: Position, *, zoom_least: float = -1.0, timeout_s: float | None = None
    ) -> None:
        if where == Position():
            raise invalid("Give at least one of pan, tilt and zoom.")
        for name, value, least in (
            ("pan", where.pan, -1.0),
            ("tilt", where.tilt, -1.0),
            ("zoom", where.zoom, zoom_least),
        ):
            if value is not None and not least <= value <= 1.0:
                raise invalid(f"{name} goes from {least:g} to 1.")
        await self._device.ask(onvif_calls.ptz_move(kind, self._profile, where, timeout_s=timeout_s))


def _refuse_outside(name: str, value: float | None, allowed: Range | None) -> None:
    if value is not None and allowed is not None and not allowed.least <= value <= allowed.most:
        raise unprocessable(f"{name} goes from {allowed.least:g} to {allowed.most:g} on this camera.")


def _refuse_encoder(wanted: Encoder) -> None:
    options = wanted.options
    if options.codecs and wanted.codec and wanted.codec not in options.codecs:
        raise unprocessable(f"This encoder makes {', '.join(options.codecs)} only.")
    size = (wanted.width or 0, wanted.height or 0)
    if options.resolutions and size not in options.resolutions:
        sizes = ", ".join(f"{width}x{height}" for width, height in options.resolutions[:20])
        raise unprocessable(f"This encoder makes these sizes only: {sizes}.")
    if options.fps and wanted.fps and wanted.fps not in options.fps:
        raise unprocessable(f"This encoder makes these frame rates only: {', '.join(f'{x:g}' for x in options.fps)}.")
    _refuse_outside("frame rate", wanted.fps, options.fps_range)
    _refuse_outside("bit rate", wanted.bitrate or None, options.bitrate_range)
    _refuse_outside("frames between keyframes", wanted.gov or None, options.gov_range)
    _refuse_outside("quality", wanted.quality, options.quality_range)


def _is_ipv4(text: str) -> bool:
    try:
        return isinstance(ip_address(text), IPv4Address)
    except ValueError:
        return False
