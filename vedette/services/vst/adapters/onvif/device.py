"""One ONVIF device: what it is and what it streams. Every question stands alone, so one that fails hides no other."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from types import TracebackType
from typing import Self

import anyio

from vedette.kernel.clock import Clock
from vedette.kernel.errors import Fault
from vedette.services.vst.adapters.onvif.soap import CALL_TIMEOUT_S, UNAUTHORIZED, UNSUPPORTED, SoapClient
from vedette.services.vst.adapters.resolver import CameraDialler
from vedette.services.vst.core import onvif_calls, onvif_replies
from vedette.services.vst.core.onvif_calls import Call, call
from vedette.services.vst.core.onvif_types import Capabilities, Device, DeviceInfo, Profile
from vedette.services.vst.core.onvif_xml import Node
from vedette.services.vst.model import Credentials

_PROBE_TIMEOUT_S = 20.0
_MOST_SNAPSHOT_BYTES = 8 * 1024 * 1024
_JPEG_START = b"\xff\xd8\xff"


class OnvifDevice:
    """A device at `where` (address, `host:port` or URL of its device service). Enter it before asking.

    Calls take `timeout_s` at most and raise Faults: 403 for the password and for forbidden networks, 408 and 502 for a
    device that does not answer, 422 for values that it refuses, 501 for what it cannot do. A refused password ends a
    probe; other failures are told in `Device.problems`.
    """

    def __init__(
        self,
        where: str,
        credentials: Credentials | None = None,
        *,
        dialler: CameraDialler,
        clock: Clock,
        timeout_s: float = CALL_TIMEOUT_S,
    ) -> None:
        self.client = SoapClient(where, credentials, dialler=dialler, clock=clock, timeout_s=timeout_s)
        self.clock = clock
        self._timeout_s = timeout_s
        self._services: dict[str, str] | None = None
        self._services_lock = anyio.Lock()

    async def __aenter__(self) -> Self:
        await self.client.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.client.__aexit__(kind, error, trace)

    def set_credentials(self, credentials: Credentials | None) -> None:
        """Whom the camera sees from the next call on; nothing is changed on the camera."""
        self.client.set_credentials(credentials)

    async def services(self) -> dict[str, str]:
        """Service name to address, at the reached host; asked once."""
        async with self._services_lock:
            if self._services is None:
                told = await self._told_services()
                here = {name: self.client.reached(address) for name, address in told.items()}
                self._services = {name: address for name, address in here.items() if address}
                self._services["device"] = self.client.xaddr
                self._services.setdefault("media", self.client.xaddr)
        return self._services

    async def has(self, service: str) -> bool:
        """Whether the device has a service, by the names of `onvif_calls.SERVICES`."""
        return service in await self.services()

    async def ask(self, wanted: Call) -> Node:
        """Sends a call to the service that it belongs to. Fault 501 when the device has no such service."""
        address = (await self.services()).get(wanted.service)
        if address is None:
            raise Fault(UNSUPPORTED, 501, f"The camera has no {wanted.service} service.")
        return await self.client.ask(wanted, url=address)

    async def info(self) -> DeviceInfo:
        """Maker, model, firmware and serial number."""
        return onvif_replies.device_info(await self.client.ask(call("device", "GetDeviceInformation")))

    async def probe(self, endpoint: str = "") -> Device:
        """All that is needed to add the camera, within 20 s. `endpoint` is known when discovery found it."""
        try:
            with anyio.fail_after(_PROBE_TIMEOUT_S):
                return await self._probe(endpoint)
        except TimeoutError as error:
            message = "The camera answers too slowly to be asked for its streams. Check its network, or restart it."
            raise Fault("DeviceRequestTimeoutError", 408, message) from error

    async def snapshot(self, profile: Profile) -> bytes:
        """A JPEG of now, at most 8 MiB. Faults as calls, 404 and 501 when there is none, 415 when it is no JPEG."""
        url = profile.snapshot_url
        if not url:
            media2 = await self.has("media2")
            url = self.client.reached(
                onvif_replies.media_uri(await self.ask(onvif_calls.get_snapshot_uri(media2, profile.token)))
            )
        if not url.startswith("http"):
            raise Fault(UNSUPPORTED, 501, "The camera gives no picture of this stream.")
        picture = await self.client.fetch(url, most_bytes=_MOST_SNAPSHOT_BYTES)
        if not picture.startswith(_JPEG_START):
            raise Fault("UnsupportedMediaTypeError", 415, "What the camera gives as its picture is no JPEG.")
        return picture

    async def sync_point(self, profile: str) -> None:
        """Asks for a keyframe of a profile now."""
        await self.ask(onvif_calls.set_synchronization_point(await self.has("media2"), profile))

    async def reboot(self) -> str:
        """Restarts the device; returns what it says about it."""
        return onvif_replies.short((await self.ask(call("device", "SystemReboot"))).value("Message"))

    async def _probe(self, endpoint: str) -> Device:
        offset_s = await self.client.clock_offset_s()
        services = await self.services()
        problems: dict[str, str] = {}
        info = await _told(self.info, DeviceInfo(), "GetDeviceInformation", problems)
        nothing: list[Profile] = []
        profiles = await _told(lambda: self._profiles(problems), nothing, "GetProfiles", problems)
        if not endpoint:
            endpoint = await _told(
                self._endpoint, "", "GetEndpointReference", {}
            )  # optional, so its lack is no problem
        return Device(
            xaddr=self.client.xaddr,
            info=info,
            endpoint=endpoint,
            profiles=onvif_replies.largest_first([item for item in profiles if item.stream_url]),
            capabilities=Capabilities(
                ptz="ptz" in services,
                imaging="imaging" in services,
                events="events" in services,
                media2="media2" in services,
            ),
            clock_offset_s=offset_s,
            problems=problems,
        )

    async def _told_services(self) -> dict[str, str]:
        """GetServices, or GetCapabilities of older devices; a device that tells neither may still have Media."""
        none: dict[str, str] = {}
        problems: dict[str, str] = {}

        async def all_services() -> dict[str, str]:
            return onvif_replies.services(await self.client.ask(onvif_calls.get_services()))

        async def main_services() -> dict[str, str]:
            return onvif_replies.capabilities(await self.client.ask(onvif_calls.get_capabilities()))

        told = await _told(all_services, none, "GetServices", problems)
        return told or await _told(main_services, none, "GetCapabilities", problems)

    async def _endpoint(self) -> str:
        return onvif_replies.short((await self.client.ask(call("device", "GetEndpointReference"))).value("GUID"))

    async def _profiles(self, problems: dict[str, str]) -> list[Profile]:
        """Profiles with their URLs: Media2 first, because it alone knows H.265; Media when that gives nothing."""
        if await self.has("media2"):
            nothing: list[Profile] = []
            found = await _told(lambda: self._listed(media2=True), nothing, "GetProfiles of Media2", problems)
            complete = await self._with_urls(found, media2=True, problems=problems)
            if any(item.stream_url for item in complete):
                return complete
        return await self._with_urls(await self._listed(media2=False), media2=False, problems=problems)

    async def _listed(self, *, media2: bool) -> list[Profile]:
        return onvif_replies.profiles(await self.ask(onvif_calls.get_profiles(media2)))

    async def _with_urls(self, found: Sequence[Profile], *, media2: bool, problems: dict[str, str]) -> list[Profile]:
        complete = list(found)

        async def complete_one(index: int) -> None:
            token = found[index].token
            stream = await _told(
                lambda: self._url(onvif_calls.get_stream_uri(media2, token)), "", f"GetStreamUri {token}", problems
            )
            snapshot = await _told(
                lambda: self._url(onvif_calls.get_snapshot_uri(media2, token)), "", f"GetSnapshotUri {token}", problems
            )
            if not stream:
                problems.setdefault(f"GetStreamUri {token}", "The camera gives no usable address for this stream.")
            complete[index] = replace(found[index], stream_url=stream, snapshot_url=snapshot)

        async with anyio.create_task_group() as group:
            for index in range(len(found)):
                group.start_soon(complete_one, index)
        return complete

    async def _url(self, wanted: Call) -> str:
        return self.client.reached(onvif_replies.media_uri(await self.ask(wanted)))


async def _told[T](ask: Callable[[], Awaitable[T]], otherwise: T, name: str, problems: dict[str, str]) -> T:
    """The answer, or `otherwise` with the sentence of its Fault under `name`; a refused password is raised."""
    try:
        return await ask()
    except Fault as fault:
        if fault.code == UNAUTHORIZED:
            raise
        problems[name] = fault.message
        return otherwise
