"""A small HTTP/1.1 server for what a camera serves beside RTSP: control, device services, snapshots.

Its own, because a camera under test must be able to answer wrongly, late or not at all, which a proper server prevents.
It speaks to one known client at a time on a test network; it is not made for the open one.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from typing import Any

import anyio

from vedette.kernel.errors import Fault

MAX_HEAD_BYTES = 16_384
MAX_BODY_BYTES = 1024 * 1024
_REASONS = {200: "OK", 400: "Bad Request", 401: "Unauthorized", 404: "Not Found", 405: "Method Not Allowed"}


@dataclass(frozen=True, slots=True)
class WebRequest:
    """A request; header names are lower case, `path` is without query, `local` is the address and port it came to."""

    method: str
    target: str
    path: str
    headers: Mapping[str, str]
    body: bytes
    local: str = ""


@dataclass(frozen=True, slots=True)
class WebReply:
    """An answer."""

    status: int = 200
    body: bytes = b""
    content_type: str = "application/json"
    headers: tuple[tuple[str, str], ...] = field(default=())

    def serialise(self, *, keep: bool) -> bytes:
        """The bytes on the wire."""
        lines = [
            f"HTTP/1.1 {self.status} {_REASONS.get(self.status, 'Status')}",
            f"Content-Type: {self.content_type}",
            f"Content-Length: {len(self.body)}",
            f"Connection: {'keep-alive' if keep else 'close'}",
            *(f"{name}: {value}" for name, value in self.headers),
        ]
        return ("\r\n".join(lines) + "\r\n\r\n").encode() + self.body


type Answer = Callable[[WebRequest], Awaitable[WebReply | None]]
type Start = Callable[[Callable[[], Coroutine[Any, Any, None]]], None]


def json_reply(value: Any, status: int = 200) -> WebReply:
    """A JSON answer."""
    return WebReply(status, json.dumps(value).encode())


def parse_head(head: bytes) -> tuple[str, str, dict[str, str]]:
    """(method, target, headers) of a request head without its blank line; `ValueError` when it is none."""
    start, *lines = head.decode("latin-1").split("\r\n")
    words = start.split(" ")
    if len(words) != 3 or not words[2].startswith("HTTP/1."):
        raise ValueError("not an HTTP/1 request line")
    headers: dict[str, str] = {}
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon or not name or name != name.strip():
            raise ValueError("a header line is malformed")
        headers[name.lower()] = value.strip()
    return words[0].upper(), words[1], headers


class WebServer:
    """Answers requests by `answer` until closed; None as an answer leaves the client waiting for ever.

    `start` runs each connection beside its owner's other work, and ends it with them.
    """

    def __init__(self, answer: Answer, start: Start) -> None:
        self._answer = answer
        self._start = start
        self._server: asyncio.Server | None = None
        self._scopes: set[anyio.CancelScope] = set()

    async def open(self, host: str, port: int) -> int:
        """Bind; gives the port. `OSError` when it is taken."""
        self._server = await asyncio.start_server(self._accept, host, port, limit=MAX_HEAD_BYTES)
        bound: int = self._server.sockets[0].getsockname()[1]
        return bound

    def close(self) -> None:
        """Stop listening and cut whoever is connected."""
        if self._server is not None:
            self._server.close()
            self._server = None
        for scope in self._scopes:
            scope.cancel()

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async def serve() -> None:
            with anyio.CancelScope() as scope:
                self._scopes.add(scope)
                try:
                    await self._serve(reader, writer)
                finally:
                    self._scopes.discard(scope)

        self._start(serve)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while self._server is not None and await self._serve_one(reader, writer):
                continue
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, OSError):
            return
        finally:
            writer.transport.abort() if self._server is None else writer.close()

    async def _serve_one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Answer one request; whether the connection stays."""
        head = await reader.readuntil(b"\r\n\r\n")
        try:
            method, target, headers = parse_head(head[:-4])
            size = int(headers.get("content-length") or 0)
            if not 0 <= size <= MAX_BODY_BYTES or "transfer-encoding" in headers:
                raise ValueError("the body is too large")
        except ValueError as error:
            writer.write(json_reply({"error": str(error)}, 400).serialise(keep=False))
            return False
        if headers.get("expect", "").lower() == "100-continue":
            writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        body = await reader.readexactly(size)
        address, port = (writer.get_extra_info("sockname") or ("", 0))[:2]
        request = WebRequest(method, target, target.partition("?")[0], headers, body, f"{address}:{port}")
        try:
            reply = await self._answer(request)
        except Fault as fault:
            reply = json_reply({"error": fault.message}, fault.status)
        if reply is None:
            await reader.read()
            return False
        keep = headers.get("connection", "").lower() != "close"
        writer.write(reply.serialise(keep=keep))
        await writer.drain()
        return keep
