"""Something on loopback that answers WS-Discovery with whatever it is told to."""

import asyncio
import re
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import override

HEAD = (
    '<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" '
    'xmlns:a="http://schemas.xmlsoap.org/ws/2004/08/addressing" '
    'xmlns:d="http://schemas.xmlsoap.org/ws/2005/04/discovery">'
)


def match(
    endpoint: str = "urn:uuid:1",
    *,
    relates_to: str = "",
    types: str = "dn:NetworkVideoTransmitter",
    scopes: str = "onvif://www.onvif.org/name/Gate%20Cam onvif://www.onvif.org/hardware/M1",
    xaddrs: str = "http://127.0.0.1:8080/onvif/device_service",
    kind: str = "ProbeMatch",
) -> bytes:
    """One announcement; `kind` may be Hello or Bye."""
    body = (
        f"<d:{kind}><a:EndpointReference><a:Address>{endpoint}</a:Address></a:EndpointReference><d:Types>{types}</d:Types>"
        f"<d:Scopes>{scopes}</d:Scopes><d:XAddrs>{xaddrs}</d:XAddrs></d:{kind}>"
    )
    header = f"<s:Header><a:RelatesTo>{relates_to}</a:RelatesTo></s:Header>"
    return f"{HEAD}{header}<s:Body>{body}</s:Body></s:Envelope>".encode()


class _Responder(asyncio.DatagramProtocol):
    def __init__(self, answers: Callable[[str], list[bytes]], asked: list[bytes]) -> None:
        self._answers, self._asked = answers, asked
        self._transport: asyncio.DatagramTransport | None = None

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.DatagramTransport)
        self._transport = transport

    @override
    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        assert self._transport is not None
        self._asked.append(data)
        found = re.search(rb"MessageID>([^<]*)<", data)
        for answer in self._answers(found[1].decode() if found else ""):
            self._transport.sendto(answer, addr)


@asynccontextmanager
async def responder(answers: Callable[[str], list[bytes]], asked: list[bytes]) -> AsyncIterator[int]:
    """Answers each datagram at the yielded port with `answers(message id)`; `asked` collects what came."""
    listening = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    listening.setblocking(False)
    listening.bind(("127.0.0.1", 0))
    transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
        lambda: _Responder(answers, asked), sock=listening
    )
    try:
        yield listening.getsockname()[1]
    finally:
        transport.close()
