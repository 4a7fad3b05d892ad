"""Many cameras in one process: streams, their servers, and the faults that befall them."""

import asyncio
import json
from collections.abc import Callable, Coroutine, Iterable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self, override
from urllib.parse import quote

import anyio
import numpy as np

from vedette.kernel.clock import Clock
from vedette.kernel.errors import Fault, invalid, not_found
from vedette.media.rtsp_host import ClientCounters, Datagrams, Tamper, Wire
from vedette.media.rtsp_server import Mount, RtspServer
from vedette.tools.camera.disturb import Active
from vedette.tools.camera.door import Door, can_bind
from vedette.tools.camera.feed import Feed, Pump
from vedette.tools.camera.openers import Opener, resized
from vedette.tools.camera.orders import FaultOrder, Kind, StreamName, read_order
from vedette.tools.camera.wire import FaultyDatagrams, FaultyWire, Supply

_REBOOT_S = 5.0
_NOTHING: Active = {}


@dataclass(slots=True)
class Device:
    """One camera: its streams and the server they are reached at."""

    name: str
    main: Feed
    sub: Feed | None
    door: Door
    rebooted: Callable[[float, str | None], None] | None = None
    """Told when it goes away: for how many seconds, and at what address it comes back."""
    about: dict[str, str] = field(default_factory=dict)
    """What else is told of it in a list of cameras."""

    @property
    def feeds(self) -> list[Feed]:
        """Its streams, main first."""
        return [self.main] if self.sub is None else [self.main, self.sub]

    def feed(self, stream: str) -> Feed:
        """One of its streams; Fault 404 for one that it has not."""
        found = next((feed for feed in self.feeds if feed.stream == stream), None)
        if found is None:
            raise not_found(f"The camera '{self.name}' has no {stream} stream.")
        return found

    def url(self, feed: Feed) -> str:
        """Where a stream is now, without credentials."""
        return f"rtsp://{self.door.host}:{self.door.port}{quote(feed.path)}"


class Camera(Tamper, Supply):
    """RTSP cameras: `async with Camera({"gate": open_file("gate.mp4"), "scene": open_scene()}, clock=…) as camera`.

    All are served at one address under their names, `name/sub` for a sub stream; with `addresses` each camera has a
    server of its own at the next of them. With `copies` > 1 each source is served that many times as `name-0`,
    `name-1`, …, read only once. `stamps` puts name, number and time into every picture's data (`read_stamp`). The
    faults take a name, or None for every name; all can be called at any time.
    """

    def __init__(
        self,
        sources: Mapping[str, Opener],
        *,
        clock: Clock,
        host: str = "127.0.0.1",
        port: int = 0,
        credentials: Mapping[str, str] | None = None,
        copies: int = 1,
        subs: Mapping[str, Opener] | None = None,
        addresses: Iterable[str] | None = None,
        stamps: bool = False,
        seed: int = 0,
    ) -> None:
        self.clock = clock
        self.dice = np.random.default_rng(seed)
        self._credentials = credentials
        self._stamps = stamps
        self._pumps: list[Pump] = []
        self._feeds: dict[str, Feed] = {}
        self._doors: list[Door] = []
        self._wires: list[FaultyWire] = []
        self.devices: dict[str, Device] = {}
        places = None if addresses is None else iter(addresses)
        shared = None if places else self._new_door(host, port)
        for name, source in sources.items():
            main = self._new_pump(name, "main", source)
            second = (subs or {}).get(name)
            sub = None if second is None else self._new_pump(name, "sub", second)
            for served in [name] if copies == 1 else [f"{name}-{copy}" for copy in range(copies)]:
                door = shared or self._new_door(next(places or iter(())), port)
                self._add(served, main, sub, door)
        self._group: anyio.abc.TaskGroup | None = None
        self._stack = AsyncExitStack()

    def _new_pump(self, name: str, stream: StreamName, opener: Opener) -> Pump:
        self._pumps.append(Pump(name, stream, opener, clock=self.clock, stamps=self._stamps))
        return self._pumps[-1]

    def _new_door(self, host: str, port: int) -> Door:
        self._doors.append(Door(self._make_server, host, port, clock=self.clock))
        return self._doors[-1]

    def _make_server(self, host: str, port: int) -> RtspServer:
        return RtspServer(
            host=host, port=port, mounts=self._mount, authenticate=self._credentials, clock=self.clock, tamper=self
        )

    def _add(self, name: str, main: Pump, sub: Pump | None, door: Door) -> None:
        device = Device(name, Feed(name, "main", main), None if sub is None else Feed(name, "sub", sub), door)
        self.devices[name] = device
        for feed in device.feeds:
            self._feeds[feed.path] = feed

    async def __aenter__(self) -> Self:
        """Bind and start every source; `OSError` when a port is taken."""
        async with AsyncExitStack() as stack:
            self._group = await stack.enter_async_context(anyio.create_task_group())
            stack.callback(self._group.cancel_scope.cancel)
            failure = await self._open(self._group)
            if failure is None:
                self._stack = stack.pop_all()
        if failure is not None:
            raise failure
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Cut the clients and close the sources."""
        await self._stack.aclose()

    async def _open(self, group: anyio.abc.TaskGroup) -> OSError | None:
        for pump in self._pumps:
            group.start_soon(pump.run)
        try:
            for door in self._doors:
                await self._open_door(group, door)
        except OSError as error:
            return error
        return None

    async def _open_door(self, group: anyio.abc.TaskGroup, door: Door) -> None:
        opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        group.start_soon(door.run, opened)
        await opened

    # --- what is served ----------------------------------------------------------------------------------------------

    @property
    def server(self) -> RtspServer:
        """The server of the first camera, which is everyone's without `addresses`."""
        return self._doors[0].server

    @property
    def port(self) -> int:
        """The port that is bound."""
        return self.server.port

    @property
    def names(self) -> list[str]:
        """The cameras."""
        return list(self.devices)

    def url(self, name: str, *, sub: bool = False) -> str:
        """The RTSP URL of a camera, without credentials; Fault 404 for one that there is not."""
        (device,) = self._chosen(name)
        return device.url(device.feed("sub" if sub else "main"))

    def _mount(self, path: str) -> Mount | None:
        return self._feeds.get(path)

    def _chosen(self, name: str | None) -> list[Device]:
        if name is not None and name not in self.devices:
            raise not_found(f"There is no camera '{name}'.")
        return list(self.devices.values()) if name is None else [self.devices[name]]

    # --- what goes wrong ---------------------------------------------------------------------------------------------

    def obey(self, order: FaultOrder) -> None:
        """Carry an order out. Fault 404 for an unknown camera, 400 when the camera cannot do this."""
        self.check(order)
        for device in self._chosen(order.camera):
            feeds = [feed for feed in device.feeds if order.stream in (None, feed.stream)]
            if order.fault == "reboot":
                self._reboot(device, order)
            elif order.fault in ("end", "drop"):
                self._cut(feeds, politely=order.fault == "end")
            elif order.fault == "half_close":
                for wire in [wire for feed in feeds for wire in self._wires_of(feed)]:
                    wire.half_close()
            elif order.fault == "resume":
                self._resume(feeds)
            else:
                self._begin(feeds, order)

    def stall(self, name: str | None = None) -> None:
        """Keep connections open and send nothing, as a camera that hangs."""
        self.obey(FaultOrder(fault="stall", camera=name))

    def drop(self, name: str | None = None) -> None:
        """Cut the clients; they may come back at once."""
        self.obey(FaultOrder(fault="drop", camera=name))

    def refuse(self, name: str | None = None) -> None:
        """Cut the clients and answer 503 to new ones, as a camera that restarts."""
        self.obey(FaultOrder(fault="refuse", camera=name))

    def resume(self, name: str | None = None) -> None:
        """End every fault that lasts."""
        self.obey(FaultOrder(fault="resume", camera=name))

    def control(self, line: bytes) -> dict[str, object]:
        """Obey one control line; the answer is `{"ok": true}` or `{"ok": false, "error": …}`.

        `{"fault": …}` is an order as it is; `{"command": …, "name": …}` the short form.
        """
        try:
            order = json.loads(line)
            if "command" in order:
                order = {"fault": order["command"], "camera": order.get("name")}
            self.obey(read_order(order))
        except Fault as fault:
            return {"ok": False, "error": fault.message}
        except (ValueError, TypeError, AttributeError):
            return {"ok": False, "error": 'Write {"fault": …, "camera": …} or {"command": …, "name": …}.'}
        return {"ok": True}

    def _begin(self, feeds: list[Feed], order: FaultOrder) -> None:
        if order.fault == "sps_change":
            for feed in feeds:
                feed.pump.change(resized(feed.pump.original, order.width, order.height))
        for feed in feeds:
            feed.faults[order.fault] = order
            if order.fault == "half_open":
                for wire in self._wires_of(feed):
                    wire.freeze()
        if order.fault == "refuse":
            self._cut(feeds, politely=False)
        if order.seconds is not None:
            self.start(lambda: self._end_later(feeds, order))

    async def _end_later(self, feeds: list[Feed], order: FaultOrder) -> None:
        await self.clock.sleep(order.seconds or 0)
        self._resume([feed for feed in feeds if feed.faults.get(order.fault) is order], order.fault)

    def _resume(self, feeds: list[Feed], kind: Kind | None = None) -> None:
        for feed in feeds:
            ended = set(feed.faults) if kind is None else {kind}
            for name in ended:
                feed.faults.pop(name, None)
            if "sps_change" in ended:
                feed.pump.change(feed.pump.original)
            if "half_open" in ended:
                for wire in self._wires_of(feed):
                    wire.thaw()

    def _cut(self, feeds: list[Feed], *, politely: bool) -> None:
        for feed in feeds:
            for wire in self._wires_of(feed):
                wire.close() if politely else wire.abort()

    def check(self, order: FaultOrder) -> None:
        """Fault as `obey` would raise it, before anything happens."""
        for device in self._chosen(order.camera):
            moves = order.fault == "reboot" and (order.host is not None or order.port is not None)
            if moves and self._shares_door(device):
                raise invalid("Cameras that share an address cannot move alone. Give each an address of its own.")
        if order.host is not None and not can_bind(order.host):
            raise invalid(f"'{order.host}' is no address of this machine.")

    def _reboot(self, device: Device, order: FaultOrder) -> None:
        after_s = _REBOOT_S if order.seconds is None else order.seconds
        if self._shares_door(device):
            self._begin(device.feeds, FaultOrder(fault="refuse", seconds=after_s))
        else:
            device.door.reopen(after_s=after_s, host=order.host, port=order.port)
        if device.rebooted is not None:
            device.rebooted(after_s, order.host)

    def _shares_door(self, device: Device) -> bool:
        return sum(other.door is device.door for other in self.devices.values()) > 1

    # --- what the servers ask ----------------------------------------------------------------------------------------

    @override
    def wire(self, transport: asyncio.Transport, client: ClientCounters) -> Wire:
        wire = FaultyWire(transport, client, self)
        self._wires = [known for known in self._wires if not known.is_closing()]
        self._wires.append(wire)
        place = transport.get_extra_info("sockname")[:2]
        here = [device for device in self.devices.values() if place == (device.door.host, device.door.port)]
        if here and all("half_open" in device.main.faults for device in here):
            wire.freeze()
        return wire

    @override
    def datagrams(self, sockets: Datagrams, client: ClientCounters) -> Datagrams:
        return FaultyDatagrams(sockets, client, self)

    @override
    def denies(self, path: str) -> bool:
        return "unauthorized" in self.active(path)

    @override
    def active(self, path: str) -> Active:
        feed = self._feeds.get(path)
        return _NOTHING if feed is None else feed.faults

    @override
    def start(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        if self._group is None:
            raise RuntimeError("enter the camera before it can misbehave for a time")
        self._group.start_soon(work)

    def _wires_of(self, feed: Feed) -> list[FaultyWire]:
        return [wire for wire in self._wires if wire.path == feed.path and not wire.is_closing()]

    def describe(self) -> list[dict[str, Any]]:
        """Every camera for the control API: name, URLs, faults, counters."""
        return [self._describe(device) for device in self.devices.values()]

    def _describe(self, device: Device) -> dict[str, Any]:
        clients = [client for client in device.door.server.clients if client.path in {f.path for f in device.feeds}]
        return {
            "name": device.name,
            **device.about,
            "rtsp": {feed.stream: device.url(feed) for feed in device.feeds},
            "faults": {feed.stream: sorted(feed.faults) for feed in device.feeds},
            "counters": {
                "clients": len(clients),
                "playing": sum(client.playing for client in clients),
                "units": {feed.stream: feed.pump.hub.counters.units for feed in device.feeds},
                "sentUnits": sum(client.units for client in clients),
                "sentPackets": sum(client.packets for client in clients),
                "sentBytes": sum(client.bytes for client in clients),
            },
        }
