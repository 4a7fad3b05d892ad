"""The one strict HTTP/1.1 parser at the edge: whatever two programs could read in two ways is refused.

llhttp itself refuses Content-Length beside Transfer-Encoding, bare line feeds, folded headers and trailers that frame;
this adds what it lets pass. tests/integration/test_smuggling.py is the list, and the reason for this parser: h11 reads
the first three.
"""

import asyncio
import socket
from typing import Any, override

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

HEAD_LIMIT_BYTES = 16_384
"""Request line and headers together."""
_HEAD_S = 30.0


class StrictHttp(HttpToolsProtocol):
    """Give it to uvicorn as `http=`. A request that it refuses is answered 400 and the connection is closed.

    The head of a request must fit `HEAD_LIMIT_BYTES` and be complete within 30 s of the connection or its first byte.
    """

    _head_bytes = 0
    _in_head = True
    _patience: asyncio.TimerHandle | None = None

    @override
    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        _send_at_once(transport)
        self._patience = self.loop.call_later(_HEAD_S, transport.close)

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_waiting()
        super().connection_lost(exc)

    @override
    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self._in_head and not self.transport.is_closing():
            self._head_bytes += len(data)
            if self._head_bytes > HEAD_LIMIT_BYTES:
                self.send_400_response("The request's headers are too large.")

    @override
    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._head_bytes, self._in_head = 0, True
        if self._patience is None:
            self._patience = self.loop.call_later(_HEAD_S, self.transport.close)

    @override
    def on_url(self, url: bytes) -> None:
        super().on_url(url)
        self._count(len(url))

    @override
    def on_header(self, name: bytes, value: bytes) -> None:
        super().on_header(name, value)
        self._count(len(name) + len(value) + 4)

    @override
    def on_headers_complete(self) -> None:
        self._in_head = False
        self._stop_waiting()
        names = [name for name, _ in self.headers]
        encodings = [value for name, value in self.headers if name == b"transfer-encoding"]
        if names.count(b"host") != 1:
            raise httptools.HttpParserError("exactly one Host header")
        if encodings and (
            self.parser.get_http_version() != "1.1" or [item.lower() for item in encodings] != [b"chunked"]
        ):
            raise httptools.HttpParserError("chunked is the only transfer encoding")
        if not self.url.startswith(b"/"):
            raise httptools.HttpParserError("the target must be a path")
        super().on_headers_complete()

    def _count(self, size: int) -> None:
        self._head_bytes += size
        if self._head_bytes > HEAD_LIMIT_BYTES:
            raise httptools.HttpParserError("headers too large")

    def _stop_waiting(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None


def _send_at_once(transport: asyncio.Transport) -> None:
    """asyncio does so only for sockets made with an explicit protocol; without, each reply waits 40 ms for an ACK."""
    connection = transport.get_extra_info("socket")
    if connection is not None and connection.family in {socket.AF_INET, socket.AF_INET6}:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


class RefusableWebSocket(WebSocketsSansIOProtocol):
    """Give it to uvicorn as `ws=`. A websocket that is answered by a status, 401 say, is no error in the log."""

    @override
    async def send(self, message: Any) -> None:
        await super().send(message)
        if message["type"] == "websocket.http.response.body" and not message.get("more_body", False):
            self.handshake_complete = True
