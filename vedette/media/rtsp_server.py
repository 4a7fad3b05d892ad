"""RTSP out: any number of clients over any number of mounts. Packets are laid out once for each unit, a slow client is
dropped at a byte limit, and nothing a client sends can stop or disturb the others.
"""

import asyncio
import secrets
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from types import TracebackType
from typing import Self, override

import anyio

from vedette.kernel.clock import Clock
from vedette.kernel.errors import unavailable
from vedette.media import rtp
from vedette.media.hub import DropOldestGop, Hub
from vedette.media.rtp import PacketTemplate
from vedette.media.rtsp_connection import Connection
from vedette.media.rtsp_host import Authenticate, ClientCounters, Datagrams, Mount, ServerCounters, Tamper
from vedette.media.unit import AccessUnit, Codec, CodecParameters

__all__ = ["Authenticate", "ClientCounters", "HubMount", "Mount", "RtspServer", "ServerCounters"]

_MIB = 1024 * 1024
_SWEEP_S = 5.0
_TEMPLATE_CACHE_BYTES = 16 * _MIB
_PORT_TRIES = 50


class HubMount(Mount):
    """A hub as a mount: the newest parameters, the cached GOP first, over source sessions as the viewer sees them."""

    def __init__(self, hub: Hub, *, clock: Clock, wait_s: float = 5.0) -> None:
        self._hub = hub
        self._clock = clock
        self._wait_s = wait_s

    @override
    async def parameters(self) -> CodecParameters:
        deadline = self._clock.monotonic() + self._wait_s
        while self._hub.parameters is None:
            if self._clock.monotonic() >= deadline:
                raise unavailable("The stream has no media yet.")
            await self._clock.sleep(0.05)
        return self._hub.parameters

    @override
    def audio(self) -> CodecParameters | None:
        return self._hub.audio_parameters

    @override
    def subscribe(self) -> AbstractAsyncContextManager[AsyncIterator[AccessUnit]]:
        return self._hub.subscribe(DropOldestGop(), across_sessions=True, audio=True)


class RtspServer:
    """An asyncio RTSP 1.0 server: `async with RtspServer(host=…, port=0, …) as server`, then `server.port`.

    `mounts` looks a path up (`/live/<streamId>`, decoded, without query; None answers 404). `authenticate` gives the
    password of a user name, or is the mapping itself; None lets everyone in and is for the test camera only.
    `udp_port` is the even port of the RTP socket, 0 for any; None turns UDP off. `tamper` is the test
    camera's way to misbehave.
    """

    def __init__(
        self,
        *,
        host: str,
        port: int,
        mounts: Callable[[str], Mount | None],
        authenticate: Authenticate | None,
        clock: Clock,
        udp_port: int | None = 0,
        max_clients: int = 256,
        max_backlog_bytes: int = 12 * _MIB,
        tamper: Tamper | None = None,
    ) -> None:
        self.clock = clock
        self.counters = ServerCounters()
        self.credentials = authenticate.get if isinstance(authenticate, Mapping) else authenticate
        self.max_backlog_bytes = max_backlog_bytes
        self.mount = mounts
        self.tamper = tamper
        self._host = host
        self._requested_port = port
        self._udp_port = udp_port
        self._max_clients = max_clients
        self._connections: set[Connection] = set()
        self._templates: OrderedDict[tuple[int, Codec], tuple[AccessUnit, PacketTemplate]] = OrderedDict()
        self._template_bytes = 0
        self._udp: _UdpPair | None = None
        self._server: asyncio.Server | None = None
        self._group: anyio.abc.TaskGroup | None = None
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        """Bind and serve; `OSError` when the port is taken."""
        async with AsyncExitStack() as stack:
            self._server = await asyncio.start_server(
                self._accept, self._host, self._requested_port, start_serving=False
            )
            stack.callback(self._server.close)
            if self._udp_port is not None:
                self._udp = await _bind_udp_pair(self._host, self._udp_port, self._receive_control)
                stack.callback(self._udp.close)
            self._group = await stack.enter_async_context(anyio.create_task_group())
            stack.callback(self._stop)
            self._group.start_soon(self._sweep)
            await self._server.start_serving()
            self._stack = stack.pop_all()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop listening, cut the clients."""
        await self._stack.aclose()

    @property
    def port(self) -> int:
        """The TCP port that is bound."""
        if self._server is None:
            raise RuntimeError("the server is not started")
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    @property
    def clients(self) -> list[ClientCounters]:
        """The counters of every connected client."""
        return [connection.counters for connection in self._connections]

    def drop_clients(self, path: str | None = None) -> None:
        """Cut every client, or those of one mount, as when a sensor is removed."""
        for connection in list(self._connections):
            if path is None or connection.counters.path == path:
                connection.abort()

    def template(self, unit: AccessUnit) -> PacketTemplate:
        """The packets of a unit, laid out at the first call for its data; the newest 16 MiB are kept.

        Units that share their data share their packets, as those of a loop in memory do pass after pass.
        """
        key = id(unit.data), unit.parameters.codec
        known = self._templates.get(key)
        if known is not None:
            return known[1]
        template = rtp.lay_out(unit)
        self.counters.packetised_units += 1
        self._templates[key] = (unit, template)
        self._template_bytes += len(template.data)
        while self._template_bytes > _TEMPLATE_CACHE_BYTES and len(self._templates) > 1:
            _, (_, oldest) = self._templates.popitem(last=False)
            self._template_bytes -= len(oldest.data)
        return template

    def datagrams(self) -> Datagrams | None:
        """The UDP sockets, None when UDP is off."""
        return self._udp

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.counters.clients += 1
        if len(self._connections) >= self._max_clients or self._group is None:
            self.counters.refused_clients += 1
            writer.transport.abort()
            return
        connection = Connection(reader, writer, self)
        self._connections.add(connection)
        self._group.start_soon(self._run, connection)

    async def _run(self, connection: Connection) -> None:
        try:
            await connection.run()
        finally:
            self._connections.discard(connection)

    def _receive_control(self, data: bytes, address: tuple[str, int]) -> None:
        for connection in self._connections:
            if connection.owns_control_address(address):
                connection.receive_control(data)
                return

    async def _sweep(self) -> None:
        while True:
            await self.clock.sleep(_SWEEP_S)
            now_s = self.clock.monotonic()
            self.counters.expired_clients += sum(connection.expire(now_s) for connection in list(self._connections))

    def _stop(self) -> None:
        if self._server is not None:
            self._server.close()
        self.drop_clients()
        if self._group is not None:
            self._group.cancel_scope.cancel()


class _UdpPair(Datagrams):
    """Two neighbouring UDP ports shared by every client, so that a firewall plan can name them."""

    def __init__(self, media: asyncio.DatagramTransport, control: asyncio.DatagramTransport) -> None:
        self._media = media
        self._control = control

    @property
    @override
    def ports(self) -> tuple[int, int]:
        return self._media.get_extra_info("sockname")[1], self._control.get_extra_info("sockname")[1]

    @override
    def send(self, data: bytes | memoryview, address: tuple[str, int], *, control: bool) -> None:
        (self._control if control else self._media).sendto(data, address)

    def close(self) -> None:
        self._media.close()
        self._control.close()


class _Listener(asyncio.DatagramProtocol):
    """Hands datagrams on; a client that closed its port is found out by its TCP connection, not here."""

    def __init__(self, receive: Callable[[bytes, tuple[str, int]], None]) -> None:
        self._receive = receive

    @override
    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self._receive(data, addr)


async def _bind_udp_pair(host: str, port: int, receive: Callable[[bytes, tuple[str, int]], None]) -> _UdpPair:
    """An even port and its successor; with port 0 random places are tried until both are free."""
    loop = asyncio.get_running_loop()
    for attempt in range(_PORT_TRIES):
        even = port or 20_000 + 2 * secrets.randbelow(20_000)
        media = None
        try:
            media, _ = await loop.create_datagram_endpoint(lambda: _Listener(receive), local_addr=(host, even))
            control, _ = await loop.create_datagram_endpoint(lambda: _Listener(receive), local_addr=(host, even + 1))
        except OSError:
            if media is not None:
                media.close()
            if port or attempt == _PORT_TRIES - 1:
                raise
        else:
            return _UdpPair(media, control)
    raise AssertionError("unreachable: the last try raises")
