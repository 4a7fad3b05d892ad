"""Answers WS-Discovery on the network for every camera, from the address of each."""

import asyncio
import socket
from collections.abc import Callable, Iterable
from functools import partial
from typing import override

from vedette.tools.camera.onvif.discovery import GROUP, PORT, Announced, answer, bye, hello, read_question

type Devices = Callable[[], Iterable[tuple[str, Announced]]]
"""(address, what it tells) of every camera that is up."""


class Responder:
    """Multicast on one interface, unicast at every camera's address. A port of 0 takes any, `port` then says which."""

    def __init__(self, devices: Devices, *, interface: str = "127.0.0.1", port: int = PORT) -> None:
        self.port = port
        self._devices = devices
        self._interface = interface
        self._transports: dict[str, asyncio.DatagramTransport] = {}
        self._group: asyncio.DatagramTransport | None = None

    async def open(self) -> None:
        """Bind and say hello; `OSError` when a port is taken."""
        await self._listen(self._interface)
        self._group = await _endpoint(_group_socket(self._interface, self.port), partial(self._asked, None))
        for address, device in self._devices():
            await self._listen(address)
            self._send(address, hello(device))

    async def arrived(self, address: str, device: Announced) -> None:
        """A camera is there (again), perhaps at a new address."""
        await self._listen(address)
        self._send(address, hello(device))

    def close(self) -> None:
        """Say goodbye for every camera and stop."""
        if self._group is not None:
            for address, device in self._devices():
                self._send(address, bye(device))
            self._group.close()
        for transport in self._transports.values():
            transport.close()
        self._transports.clear()

    async def _listen(self, address: str) -> None:
        if address not in self._transports:
            sock = _unicast_socket(address, self.port, self._interface)
            self.port = sock.getsockname()[1]
            self._transports[address] = await _endpoint(sock, partial(self._asked, address))

    def _send(self, address: str, message: bytes) -> None:
        self._transports[address].sendto(message, (GROUP, self.port))

    def _asked(self, at: str | None, datagram: bytes, source: tuple[str, int]) -> None:
        """A datagram to one address, or to the group (None)."""
        question = read_question(datagram)
        if question is None:
            return
        for address, device in self._devices():
            if (at is None or at in (address, self._interface)) and question.matches(device):
                self._transports[address].sendto(answer(question, device), source)


class _Ear(asyncio.DatagramProtocol):
    def __init__(self, hear: Callable[[bytes, tuple[str, int]], None]) -> None:
        self._hear = hear

    @override
    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self._hear(data, addr)


async def _endpoint(sock: socket.socket, hear: Callable[[bytes, tuple[str, int]], None]) -> asyncio.DatagramTransport:
    transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(lambda: _Ear(hear), sock=sock)
    return transport


def _new_socket() -> socket.socket:
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.setblocking(False)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    return sock


def _unicast_socket(address: str, port: int, interface: str) -> socket.socket:
    sock = _new_socket()
    try:
        sock.bind((address, port))
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(interface))
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_LOOP, 1)
    except OSError:
        sock.close()
        raise
    return sock


def _group_socket(interface: str, port: int) -> socket.socket:
    """Bound to the group, so that nothing else arrives here."""
    sock = _new_socket()
    try:
        sock.bind((GROUP, port))
        membership = socket.inet_aton(GROUP) + socket.inet_aton(interface)
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, membership)
    except OSError:
        sock.close()
        raise
    return sock
