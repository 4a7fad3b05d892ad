"""What an RTSP connection and its server know of each other, and what a mount must give both."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol

from vedette.kernel.clock import Clock
from vedette.media.rtp import PacketTemplate
from vedette.media.unit import AccessUnit, CodecParameters

type Authenticate = Callable[[str], str | None] | Mapping[str, str]


class Mount(Protocol):
    """What is behind a path: a stream to describe and to subscribe to."""

    async def parameters(self) -> CodecParameters:
        """Those of the video; waits for a source that is just starting, Fault 503 when there is none now."""

    def audio(self) -> CodecParameters | None:
        """Those of the sound beside it, known once `parameters` has returned; a mount is silent unless it says so."""
        return None

    def subscribe(self) -> AbstractAsyncContextManager[AsyncIterator[AccessUnit]]:
        """Units of both from a keyframe on (the cached GOP first); its end or a Fault ends the client's connection."""


@dataclass(slots=True)
class ClientCounters:
    """What one client got and said; `fraction_lost` is 0..1, it and `jitter_90k` come from its last receiver report.

    `ended` is the code of the Fault that ended its stream.
    """

    peer: str
    started_s: float
    user: str = ""
    path: str = ""
    transport: str = ""
    playing: bool = False
    ended: str = ""
    units: int = 0
    packets: int = 0
    bytes: int = 0
    sender_reports: int = 0
    receiver_reports: int = 0
    fraction_lost: float = 0.0
    lost: int = 0
    jitter_90k: int = 0


@dataclass(slots=True)
class ServerCounters:
    """Totals since the server started."""

    clients: int = 0
    refused_clients: int = 0
    syntax_errors: int = 0
    failed_answers: int = 0
    slow_clients: int = 0
    expired_clients: int = 0
    packetised_units: int = 0


class Datagrams(Protocol):
    """The server's pair of UDP sockets."""

    @property
    def ports(self) -> tuple[int, int]:
        """(RTP, RTCP)."""

    def send(self, data: bytes | memoryview, address: tuple[str, int], *, control: bool) -> None:
        """Send from the RTP socket, or the RTCP socket when `control`."""


class Wire(Protocol):
    """Where the bytes for one client leave; a stream transport is one."""

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Queue whole messages: one RTSP answer, or interleaved packets."""

    def get_write_buffer_size(self) -> int:
        """Bytes that wait for the client."""

    def is_closing(self) -> bool:
        """Whether the connection ends or has ended."""

    def close(self) -> None:
        """End it once everything is sent."""

    def abort(self) -> None:
        """Cut it now."""


class Tamper(Protocol):
    """How a test camera disturbs what its server does; a product's server has none."""

    def wire(self, transport: asyncio.Transport, client: ClientCounters) -> Wire:
        """What stands between the server and this client's TCP connection."""

    def datagrams(self, sockets: Datagrams, client: ClientCounters) -> Datagrams:
        """What stands between the server and this client's UDP packets."""

    def denies(self, path: str) -> bool:
        """Whether requests for this path are answered 401 whatever they carry."""


class Host(Protocol):
    """What a connection needs of its server."""

    clock: Clock
    counters: ServerCounters
    credentials: Callable[[str], str | None] | None
    max_backlog_bytes: int
    tamper: Tamper | None

    def mount(self, path: str) -> Mount | None:
        """What is at this path."""

    def template(self, unit: AccessUnit) -> PacketTemplate:
        """The unit packetised, once for all clients."""

    def datagrams(self) -> Datagrams | None:
        """The UDP sockets; None when UDP is off."""
