"""An upstream in another process as an ASGI app: bytes stream both ways, nobody waits for a whole body.

The caller's identity is signed here, for the one hop; whatever header of that name arrives from outside is dropped.
When the client leaves, the upstream call is cancelled; nothing is ever sent twice.
"""

import contextlib
from collections.abc import AsyncGenerator, Iterable, Mapping
from types import TracebackType
from typing import Any, Self

import aiohttp
import anyio
import msgspec
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
from multidict import CIMultiDict
from yarl import URL

from vedette.kernel.auth import IDENTITY_HEADER, SUBJECT, Identity
from vedette.kernel.errors import ErrorStyle, Fault
from vedette.kernel.lifecycle import Receive, Scope, Send
from vedette.kernel.log import get_logger

_HOP_BY_HOP = frozenset(
    b"connection keep-alive proxy-authenticate proxy-authorization proxy-connection te trailer transfer-encoding "
    b"upgrade expect".split()
)
_NOT_FORWARDED = frozenset((*_HOP_BY_HOP, IDENTITY_HEADER))
_CONNECT_S = 5.0
_IDLE_S = 3.0  # below the 5 s after which our servers close an idle connection, so that no call meets a closed one
_WS_LIMIT_BYTES = 1 << 20
_WS_TIMES = aiohttp.ClientWSTimeout(ws_close=2.0)
_DATA = {aiohttp.WSMsgType.TEXT: "text", aiohttp.WSMsgType.BINARY: "bytes"}
_NEVER_SENT = {1004: 1000, 1005: 1000, 1006: 1011, 1015: 1011}
"""Close codes that only describe a connection, and what is sent in their place (RFC 6455, 7.4.1)."""

type Headers = Iterable[tuple[bytes, bytes]]


class Proxy:
    """One upstream at `unix:///path/to/socket` or `http://host:port`. Enter it before the first call.

    It answers 503 when nothing listens, 502 when the upstream breaks off, 504 when its status does not come within
    `timeout_s` of the last bytes that it was sent; a body may take as long as it needs.
    """

    def __init__(
        self, url: str, *, identity: Identity | None, style: ErrorStyle = "vst", timeout_s: float = 60.0
    ) -> None:
        self._path = url.removeprefix("unix://") if url.startswith("unix://") else ""
        self._base = "http://upstream" if self._path else url.rstrip("/")
        self._identity, self._style, self._timeout_s = identity, style, timeout_s
        self._session: aiohttp.ClientSession | None = None
        self._log = get_logger("proxy")

    async def __aenter__(self) -> Self:
        connector = (
            aiohttp.UnixConnector(self._path, limit=0, keepalive_timeout=_IDLE_S)
            if self._path
            else aiohttp.TCPConnector(limit=0, keepalive_timeout=_IDLE_S)
        )
        self._session = aiohttp.ClientSession(
            connector=connector,
            auto_decompress=False,
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT_S),
            skip_auto_headers=("user-agent", "accept", "accept-encoding", "content-type"),
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = False

        async def watched_send(message: Any) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            if scope["type"] == "websocket":
                await self._forward_websocket(scope, receive, watched_send)
            else:
                await self._forward(scope, receive, watched_send)
        except (aiohttp.ClientError, OSError) as error:
            if started:  # the reply is half sent: leaving it unfinished makes the server close the connection
                self._log.warning("upstream_broke_off", path=scope["path"], cause=error)
                return
            await refuse(scope, send, _fault(error), style=self._style)

    async def _forward(self, scope: Scope, receive: Receive, send: Send) -> None:
        failure: Exception | None = None
        sent, body = anyio.create_memory_object_stream[bytes](0)
        async with body, anyio.create_task_group() as tasks:
            tasks.start_soon(_pump_request, receive, sent, tasks.cancel_scope)
            try:
                await self._exchange(scope, body, send)
            except (aiohttp.ClientError, OSError) as error:
                failure = error  # raised outside of the group, which would wrap it
            tasks.cancel_scope.cancel()
        if failure is not None:
            raise failure

    async def _exchange(self, scope: Scope, body: MemoryObjectReceiveStream[bytes], send: Send) -> None:
        with anyio.fail_after(self._timeout_s) as patience:
            reply = await self._entered.request(
                scope["method"],
                self._url(scope),
                headers=self._headers(scope),
                data=_chunks(body, patience, self._timeout_s) if _has_body(scope["headers"]) else None,
                allow_redirects=False,
            )
            patience.deadline = float("inf")
            async with reply:
                await send({"type": "http.response.start", "status": reply.status, "headers": _kept(reply.raw_headers)})
                async for chunk in reply.content.iter_any():
                    await send({"type": "http.response.body", "body": chunk, "more_body": True})
                await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _forward_websocket(self, scope: Scope, receive: Receive, send: Send) -> None:
        opening = await receive()
        if opening["type"] != "websocket.connect":
            return
        with anyio.fail_after(self._timeout_s) as patience:
            async with self._entered.ws_connect(
                self._url(scope),
                headers=self._headers(scope, without=b"sec-websocket-"),
                protocols=scope.get("subprotocols") or (),
                max_msg_size=_WS_LIMIT_BYTES,
                timeout=_WS_TIMES,
            ) as upstream:
                patience.deadline = float("inf")
                await send({"type": "websocket.accept", "subprotocol": upstream.protocol})
                async with anyio.create_task_group() as tasks:
                    tasks.start_soon(_pump_to_upstream, receive, upstream, tasks.cancel_scope)
                    tasks.start_soon(_pump_to_client, upstream, send, tasks.cancel_scope)

    @property
    def _entered(self) -> aiohttp.ClientSession:
        if self._session is None:
            raise RuntimeError("enter the proxy before calling")
        return self._session

    def _url(self, scope: Scope) -> URL:
        query = scope["query_string"].decode("ascii")
        target = scope["raw_path"].decode("ascii") + (f"?{query}" if query else "")
        return URL(self._base + target, encoded=True)

    def _headers(self, scope: Scope, without: bytes = b"\0") -> CIMultiDict[str]:
        headers = CIMultiDict(
            (name.decode("latin-1"), value.decode("latin-1"))
            for name, value in _kept(scope["headers"])
            if not name.startswith(without)
        )
        caller = scope.get(SUBJECT)
        if self._identity is not None and caller is not None:
            headers[IDENTITY_HEADER.decode()] = self._identity.sign(caller)
        return headers


async def refuse(scope: Scope, send: Send, fault: Fault, *, style: ErrorStyle) -> None:
    """Answers with the fault in the surface's envelope; a websocket is refused before it is accepted."""
    kind = "http"
    if scope["type"] == "websocket":
        if "websocket.http.response" not in scope.get("extensions", {}):
            await send({"type": "websocket.close", "code": 1008, "reason": fault.message[:120]})
            return
        kind = "websocket.http"
    body = msgspec.json.encode(fault.envelope(style))
    headers = {"content-type": "application/json", "content-length": str(len(body)), **fault.headers}
    encoded = [(name.encode(), value.encode()) for name, value in headers.items()]
    await send({"type": f"{kind}.response.start", "status": fault.status, "headers": encoded})
    await send({"type": f"{kind}.response.body", "body": body})


async def _pump_request(receive: Receive, body: MemoryObjectSendStream[bytes], call: anyio.CancelScope) -> None:
    """Feeds the upstream at its own pace, then waits for the client to leave, which cancels the call."""
    async with body:
        more = True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                call.cancel()
                return
            more = message.get("more_body", False)
            if message.get("body"):
                with contextlib.suppress(anyio.BrokenResourceError):  # the upstream answered without reading on
                    await body.send(message["body"])
    while (await receive())["type"] != "http.disconnect":
        pass
    call.cancel()


async def _chunks(
    body: MemoryObjectReceiveStream[bytes], patience: anyio.CancelScope, timeout_s: float
) -> AsyncGenerator[bytes]:
    """The request's body; while it comes, the upstream cannot be expected to answer."""
    async with body:
        async for chunk in body:
            yield chunk
            if patience.deadline < float("inf"):  # no answer yet
                patience.deadline = anyio.current_time() + timeout_s


async def _pump_to_client(upstream: aiohttp.ClientWebSocketResponse, send: Send, call: anyio.CancelScope) -> None:
    with contextlib.suppress(aiohttp.ClientError, OSError):  # the client has left: the other direction is told so
        message = await upstream.receive()
        while message.type in _DATA:
            await send({"type": "websocket.send", _DATA[message.type]: message.data})
            message = await upstream.receive()
        said = message.type is aiohttp.WSMsgType.CLOSE  # else it broke off
        code, reason = (message.data or 1005, message.extra or "") if said else (1006, "")
        await send({"type": "websocket.close", "code": _NEVER_SENT.get(code, code), "reason": reason})
    call.cancel()


async def _pump_to_upstream(
    receive: Receive, upstream: aiohttp.ClientWebSocketResponse, call: anyio.CancelScope
) -> None:
    with contextlib.suppress(aiohttp.ClientError, OSError):  # the upstream has gone: the other direction sees the code
        while (message := await receive())["type"] != "websocket.disconnect":
            if message.get("text") is not None:
                await upstream.send_str(message["text"])
            else:
                await upstream.send_bytes(message["bytes"])
        code = message.get("code") or 1005
        with anyio.CancelScope(shield=True):  # closing ends the other direction, which cancels this one
            await upstream.close(code=_NEVER_SENT.get(code, code), message=(message.get("reason") or "").encode())
        call.cancel()


def _kept(headers: Headers) -> list[tuple[bytes, bytes]]:
    """Without those of one connection, those that Connection names, and our identity."""
    lowered = [(name.lower(), value) for name, value in headers]
    named = {token.strip().lower() for name, value in lowered if name == b"connection" for token in value.split(b",")}
    return [item for item in lowered if item[0] not in _NOT_FORWARDED and item[0] not in named]


def _has_body(headers: Headers) -> bool:
    found: Mapping[bytes, bytes] = {name.lower(): value for name, value in headers}
    return b"transfer-encoding" in found or found.get(b"content-length", b"0") != b"0"


def _fault(error: Exception) -> Fault:
    if isinstance(error, aiohttp.WSServerHandshakeError):
        return Fault("CommunicationError", error.status, "The service refused this websocket. Check its address.")
    if isinstance(error, TimeoutError):
        return Fault("CommunicationError", 504, "The service did not answer in time. Try again, or see its log.")
    if isinstance(error, aiohttp.ClientConnectorError):
        again = "It is started again by itself; try once more in a few seconds."
        return Fault(
            "ServiceUnavailableError", 503, f"The service is not running. {again}", headers={"retry-after": "2"}
        )
    return Fault("CommunicationError", 502, "The service broke off before it answered. Try again in a few seconds.")
