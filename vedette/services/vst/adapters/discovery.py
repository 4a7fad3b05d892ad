"""Finds cameras on the network by WS-Discovery: asks by multicast on each interface and by unicast where that does not
reach, and listens to cameras that come and go. What answers from outside the allowed networks is not heard."""

import asyncio
import fcntl
import socket
import struct
import uuid
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from ipaddress import ip_address, ip_network
from typing import override

import anyio
from anyio.streams.memory import MemoryObjectSendStream

from vedette.kernel.clock import Clock
from vedette.kernel.errors import Fault, forbidden, invalid
from vedette.services.vst.core.address import Network, is_allowed, networks_of
from vedette.services.vst.core.onvif_discovery import (
    GROUP,
    PORT,
    TYPES,
    Announcement,
    Kind,
    probe_message,
    read_announcements,
    usable_xaddrs,
)
from vedette.services.vst.core.onvif_types import endpoint_key

MOST_TARGETS = 1024
_MOST_DEVICES = 1024
_MOST_DATAGRAMS_PER_SOURCE = 16
_QUEUE = 256
_ANY = "0.0.0.0"  # noqa: S104 - the route to each target decides
_SIOCGIFADDR = 0x8915
_SIOCGIFFLAGS = 0x8913
_IFF_UP, _IFF_LOOPBACK = 0x1, 0x8


@dataclass(frozen=True, slots=True)
class Found:
    """A camera that answered or said hello. `address` is where its datagram came from, `xaddrs` are never empty."""

    endpoint: str
    xaddrs: tuple[str, ...]
    name: str = ""
    hardware: str = ""
    location: str = ""
    address: str = ""


@dataclass(frozen=True, slots=True)
class Gone:
    """A camera said that it leaves. Anybody can say so: it is a hint, not a fact."""

    endpoint: str
    address: str


class Discovery:
    """Looks for cameras in `allowed_networks`. `interfaces` are names or IPv4 addresses; empty: all but loopback."""

    def __init__(
        self, allowed_networks: Sequence[str], *, clock: Clock, interfaces: Sequence[str] = (), port: int = PORT
    ) -> None:
        self._networks = networks_of(allowed_networks)
        self._clock, self._interfaces, self._port = clock, tuple(interfaces), port

    async def scan(self, targets: Sequence[str] = (), *, wait_s: float = 3.0, multicast: bool = True) -> list[Found]:
        """Who answers within `wait_s`, each device once.

        `targets` are addresses or networks to ask one by one, for cameras behind a router. Fault 400 for what is no
        address or more than 1,024 of them, 403 outside the allowed networks, 502 when no interface can be asked.
        """
        addresses = self._targets(targets)
        collected = _Collected(self._found)
        with ExitStack() as stack:
            groups = [await _open(stack, item, collected) for item in self._local_addresses()] if multicast else []
            unicast = await _open(stack, _ANY, collected) if addresses else None
            if not groups and unicast is None:
                message = "No network interface can be asked for cameras. Check vst.discovery_interfaces."
                raise Fault("CommunicationError", 502, message)
            for types in TYPES:  # some cameras answer to one of the two only; the repeat also mends a lost datagram
                message_id = f"urn:uuid:{uuid.uuid4()}"
                collected.asked.add(message_id)
                question = probe_message(message_id, types)
                for transport in groups:
                    transport.sendto(question, (GROUP, self._port))
                if unicast is not None:
                    for address in addresses:
                        unicast.sendto(question, (address, self._port))
                await self._clock.sleep(wait_s / len(TYPES))
        return collected.devices()

    async def announcements(self) -> AsyncGenerator[Found | Gone]:
        """Cameras that come and go, as they say so, until the caller stops. Fault 502 when the port is taken."""
        send, receive = anyio.create_memory_object_stream[Found | Gone](_QUEUE)
        heard = _Heard(self._found, self._networks, send)
        listening = self._listening_socket()
        transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(lambda: heard, sock=listening)
        try:
            async for item in receive:
                yield item
        finally:
            transport.close()
            send.close()
            receive.close()

    def _found(self, told: Announcement, source: str) -> Found | None:
        """What a datagram says, as far as it counts; None from outside the allowed networks."""
        if not is_allowed(source, self._networks):
            return None
        return Found(
            endpoint=told.endpoint,
            xaddrs=usable_xaddrs(told.xaddrs, source=source, networks=self._networks),
            name=told.scope("name"),
            hardware=told.scope("hardware"),
            location=told.scope("location"),
            address=source,
        )

    def _targets(self, texts: Sequence[str]) -> list[str]:
        """The IPv4 addresses to ask one by one."""
        found: dict[str, None] = {}
        for text in texts:
            try:
                network = ip_network(text.strip(), strict=False)
            except ValueError as error:
                message = f"'{text[:50]}' is no address. Write 192.168.1.20 or 192.168.1.0/24."
                raise invalid(message) from error
            if network.version != 4 or network.num_addresses + len(found) > MOST_TARGETS:
                raise invalid(f"At most {MOST_TARGETS} IPv4 addresses can be asked at once. Name smaller networks.")
            for address in network.hosts() if network.num_addresses > 2 else network:
                found[str(address)] = None
        if not all(is_allowed(address, self._networks) for address in found):
            raise forbidden("That lies outside the networks that cameras may be in. See vst.allowed_networks.")
        return list(found)

    def _local_addresses(self) -> list[str]:
        """IPv4 addresses of the interfaces to ask on."""
        if not self._interfaces:
            return [address for name, address, loopback in _interfaces() if not loopback]
        by_name = {name: address for name, address, _loopback in _interfaces()}
        return [by_name.get(item, item) for item in self._interfaces if item in by_name or _is_ipv4(item)]

    def _listening_socket(self) -> socket.socket:
        """Bound to the group, so that unicast for other programs at this port stays theirs."""
        listening = _udp_socket()
        try:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listening.bind((GROUP, self._port))
            for address in self._local_addresses():
                membership = socket.inet_aton(GROUP) + socket.inet_aton(address)
                listening.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, membership)
        except OSError as error:
            listening.close()
            message = f"Cameras cannot be listened to at UDP port {self._port}: {error.strerror}."
            raise Fault("CommunicationError", 502, message) from error
        return listening


class _Collected(asyncio.DatagramProtocol):
    """Answers to our probes; each sender is read a bounded number of times."""

    def __init__(self, found: Callable[[Announcement, str], Found | None]) -> None:
        self.asked: set[str] = set()
        self._found = found
        self._devices: dict[str, Found] = {}
        self._datagrams: Counter[str] = Counter()

    @override
    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        source = addr[0]
        if self._datagrams[source] >= _MOST_DATAGRAMS_PER_SOURCE or len(self._datagrams) > _MOST_DEVICES:
            return
        self._datagrams[source] += 1
        for told in read_announcements(data):
            ours = not told.relates_to or told.relates_to in self.asked
            found = self._found(told, source) if told.kind is Kind.MATCH and ours else None
            if found is not None:
                self._add(found)

    def devices(self) -> list[Found]:
        """In the order of their answers."""
        return list(self._devices.values())

    def _add(self, found: Found) -> None:
        key = endpoint_key(found.endpoint)
        known = self._devices.get(key)
        if known is None:
            self._devices[key] = found
        elif known.address == found.address:  # a second address claiming the same id does not take its place
            self._devices[key] = replace(known, xaddrs=tuple(dict.fromkeys([*known.xaddrs, *found.xaddrs])))


class _Heard(asyncio.DatagramProtocol):
    """Hello and Bye; what comes faster than it is read is dropped, the next scan finds it."""

    def __init__(
        self,
        found: Callable[[Announcement, str], Found | None],
        networks: Sequence[Network],
        send: MemoryObjectSendStream[Found | Gone],
    ) -> None:
        self._found, self._networks, self._send = found, networks, send

    @override
    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        source = addr[0]
        if self._send.statistics().current_buffer_used >= _QUEUE or not is_allowed(source, self._networks):
            return
        for told in read_announcements(data):
            item: Found | Gone | None = None
            if told.kind is Kind.HELLO:
                item = self._found(told, source)
            elif told.kind is Kind.BYE:
                item = Gone(told.endpoint, source)
            if item is not None and self._send.statistics().current_buffer_used < _QUEUE:
                self._send.send_nowait(item)


async def _open(stack: ExitStack, address: str, protocol: asyncio.DatagramProtocol) -> asyncio.DatagramTransport:
    """A socket that asks from a local address; through its interface when it asks the group."""
    made = stack.enter_context(_udp_socket())
    try:
        if address != _ANY:
            made.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(address))
        made.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, 1)
        made.bind((address, 0))
    except OSError as error:
        message = f"Cameras cannot be looked for from {address}: {error.strerror}. Check vst.discovery_interfaces."
        raise Fault("CommunicationError", 502, message) from error
    transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(lambda: protocol, sock=made)
    stack.callback(transport.close)
    return transport


def _udp_socket() -> socket.socket:
    made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    made.setblocking(False)
    return made


def _interfaces() -> list[tuple[str, str, bool]]:
    """(name, IPv4 address, whether it is loopback) of each interface that is up and has one."""
    found = []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        for _index, name in socket.if_nameindex():
            request = struct.pack("256s", name.encode()[:15])
            try:
                address = socket.inet_ntoa(fcntl.ioctl(asking, _SIOCGIFADDR, request)[20:24])
                flags = struct.unpack_from("H", fcntl.ioctl(asking, _SIOCGIFFLAGS, request), 16)[0]
            except OSError:  # it has no IPv4 address, or went away meanwhile
                continue
            if flags & _IFF_UP:
                found.append((name, address, bool(flags & _IFF_LOOPBACK)))
    return found


def _is_ipv4(text: str) -> bool:
    try:
        return ip_address(text).version == 4
    except ValueError:
        return False
