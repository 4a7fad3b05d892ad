"""Cameras as ONVIF devices on a network: each has its services over HTTP, all are found by discovery."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from types import TracebackType
from typing import Self, override

import anyio.to_thread

from vedette.kernel.errors import Fault, unavailable
from vedette.media.picture import decode_picture
from vedette.tools.camera.onvif.device import PATHS, scopes
from vedette.tools.camera.onvif.discovery import Announced
from vedette.tools.camera.onvif.model import NOWHERE, DeviceId, DeviceState, Encoding, Streams
from vedette.tools.camera.onvif.service import OnvifService
from vedette.tools.camera.openers import respecified
from vedette.tools.camera.orders import FaultOrder, StreamName
from vedette.tools.camera.rack import Camera, Device
from vedette.tools.camera.responder import Responder
from vedette.tools.camera.spec import StreamSpec
from vedette.tools.camera.web import WebReply, WebRequest, WebServer

_REPLY_S = 0.2


class _Streams(Streams):
    """One device of the rack, as its services see it."""

    def __init__(self, camera: Camera, device: Device, reboot_s: float) -> None:
        self._camera = camera
        self._device = device
        self._reboot_s = reboot_s

    @override
    def stream_names(self) -> list[StreamName]:
        return [feed.stream for feed in self._device.feeds]

    @override
    def stream_url(self, stream: StreamName) -> str:
        return self._device.url(self._device.feed(stream))

    @override
    def encoding(self, stream: StreamName) -> Encoding:
        pump = self._device.feed(stream).pump
        spec = pump.original.encoded_as()
        if spec is not None:
            return Encoding(spec.codec, spec.width, spec.height, spec.fps, spec.gop, spec.kbps)
        if pump.video is None or pump.video.codec not in ("h264", "hevc", "av1"):
            return Encoding("h264", 640, 360, 15, 15)
        return Encoding(pump.video.codec, pump.video.width, pump.video.height, 25, 25)

    @override
    def audio_codec(self, stream: StreamName) -> str | None:
        pump = self._device.feed(stream).pump
        spec = pump.original.encoded_as()
        if spec is not None:
            return spec.audio
        return None if pump.audio is None else pump.audio.codec

    @override
    def encode(self, stream: StreamName, wanted: Encoding) -> bool:
        pump = self._device.feed(stream).pump
        spec = pump.original.encoded_as() or StreamSpec()
        wanted_spec = replace(
            spec, codec=wanted.codec, width=wanted.width, height=wanted.height, fps=wanted.fps, gop=wanted.gop
        )
        wanted_spec.check()
        opener = respecified(pump.original, wanted_spec)
        if opener is not None:
            pump.original = opener
            pump.change(opener)
        return opener is not None

    @override
    def reboot(self, *, host: str | None = None) -> None:
        order = FaultOrder(fault="reboot", camera=self._device.name, seconds=self._reboot_s, host=host)
        self._camera.check(order)

        async def later() -> None:
            await self._camera.clock.sleep(_REPLY_S)
            self._camera.obey(order)

        self._camera.start(later)

    @override
    async def snapshot(self, stream: StreamName) -> bytes:
        # the keyframe alone: cameras, too, give a picture that is a little old rather than decode a second of video
        units = [unit for unit in self._device.feed(stream).pump.hub.cached_units() if not unit.parameters.is_audio]
        if not units:
            raise unavailable("The camera has no picture yet.")
        picture = await anyio.to_thread.run_sync(decode_picture, units[:1])
        return picture.jpeg


class _Host:
    """One device: its services and the HTTP server in front of them."""

    def __init__(self, presence: "Presence", device: Device, service: OnvifService) -> None:
        self.device = device
        self.service = service
        self.port = presence.port
        self.address = device.door.host
        self.is_up = False
        self._presence = presence
        self._web = WebServer(self._answer, presence.start)

    @property
    def base(self) -> str:
        """Where its HTTP server is; at an address that means all of them, the interface of discovery."""
        address = self._presence.interface if self.address == "0.0.0.0" else self.address  # noqa: S104 - compared
        return f"http://{address}:{self.port}"

    @property
    def announced(self) -> Announced:
        """What discovery tells of it; a sloppy device names an address that nobody reaches."""
        state = self.service.state
        base = f"http://{NOWHERE}:{self.port}" if state.sloppy else self.base
        return Announced(state.identity.endpoint, tuple(scopes(state.identity.name)), (base + PATHS["tds"],))

    async def open(self) -> None:
        """Bind; a port once bound is kept."""
        self._web = WebServer(self._answer, self._presence.start)
        self.port = await self._web.open(self.address, self.port)
        self.is_up = True
        identity = self.service.state.identity
        self.device.about.update(
            onvif=self.base + PATHS["tds"],
            snapshot=f"{self.base}/onvif/snapshot/main.jpg",
            serialNumber=identity.serial,
            endpoint=identity.endpoint,
        )

    def close(self) -> None:
        """Listen no more and cut whoever is connected."""
        self.is_up = False
        self._web.close()

    def rebooting(self, after_s: float, host: str | None) -> None:
        """The camera goes away for a while."""
        self.close()
        self.service.state.events.clear()
        self._presence.start_again(self, after_s, host)

    async def _answer(self, request: WebRequest) -> WebReply | None:
        faults = self.device.main.faults
        if "half_open" in faults:
            return None
        if "refuse" in faults:
            raise unavailable("This camera refuses on request.")
        self.service.denied = "unauthorized" in faults
        jump = faults.get("clock_jump")
        self.service.state.skew_us = 0 if jump is None else round(jump.wall_seconds * 1e6)
        self.service.hostile_xml = "xml_bomb" in faults
        self.service.state.endless_events = "endless_events" in faults
        return await self.service.answer(request)


class Presence:
    """`async with Presence(camera, port=8080) as presence`: an HTTP server for each camera, from this port on upwards.

    Cameras with addresses of their own all have this port. `discovery` None keeps silent; else it is the UDP port.
    """

    def __init__(
        self,
        camera: Camera,
        *,
        port: int = 0,
        credentials: Mapping[str, str] | None = None,
        sloppy: bool = False,
        discovery: int | None = None,
        interface: str = "127.0.0.1",
        reboot_s: float = 5.0,
    ) -> None:
        self.port = port
        self.start = camera.start
        self.interface = interface
        self.hosts: dict[str, _Host] = {}
        self.responder = None if discovery is None else Responder(self._devices, interface=interface, port=discovery)
        self._camera = camera
        for device in camera.devices.values():
            state = DeviceState(DeviceId(device.name), _Streams(camera, device, reboot_s), camera.clock, sloppy)
            self.hosts[device.name] = _Host(self, device, OnvifService(state, credentials=credentials))

    async def __aenter__(self) -> Self:
        """Bind everything; `OSError` when a port is taken."""
        used: dict[str, int] = {}
        try:
            for host in self.hosts.values():
                number = used.get(host.address, 0)
                host.port = self.port + number if self.port else 0
                used[host.address] = number + 1
                await host.open()
                host.device.rebooted = host.rebooting
            if self.responder is not None:
                await self.responder.open()
        except OSError:
            self._close()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Say goodbye and stop."""
        self._close()

    def url(self, name: str) -> str:
        """The address of a camera's device service."""
        return self.hosts[name].base + PATHS["tds"]

    def set_motion(self, name: str, active: bool) -> None:
        """Something moves in front of a camera, or no more. Fault 404 for a camera that there is not."""
        host = self.hosts.get(name)
        if host is None:
            raise Fault("VMSNoDataError", 404, f"There is no camera '{name}'.")
        host.service.state.events.set_motion(active)

    async def move_now_and_then(self, seconds: float) -> None:
        """Motion in front of every camera, for so long, then so long none, for ever."""
        active = False
        while True:
            await self._camera.clock.sleep(seconds)
            active = not active
            for name in self.hosts:
                self.set_motion(name, active)

    def start_again(self, host: _Host, after_s: float, address: str | None) -> None:
        """Bring a host back after a while, and say hello."""

        async def back() -> None:
            await self._camera.clock.sleep(after_s)
            host.address = host.address if address is None else address
            await host.open()
            if self.responder is not None:
                await self.responder.arrived(host.address, host.announced)

        self._camera.start(back)

    def _close(self) -> None:
        if self.responder is not None:
            self.responder.close()
        for host in self.hosts.values():
            host.device.rebooted = None
            host.close()

    def _devices(self) -> Iterator[tuple[str, Announced]]:
        for host in self.hosts.values():
            if host.is_up and "half_open" not in host.device.main.faults:
                yield host.address, host.announced
