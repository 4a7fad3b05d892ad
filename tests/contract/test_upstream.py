"""An upstream is an ASGI app: mounted or behind a proxy, the same call has the same effect."""

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import anyio
import msgspec
import pytest

from tests.support.exchange import Exchange, http_scope, served, websocket_scope
from vedette.kernel.auth import IDENTITY_HEADER, SUBJECT, Identity
from vedette.kernel.clock import FakeClock, SystemClock
from vedette.kernel.http import IdentityGate
from vedette.kernel.lifecycle import ASGIApp, Receive, Scope, Send
from vedette.kernel.proxy import Proxy
from vedette.schema.identity import Role, Subject

ADA = Subject(id="u1", name="Ada", role=Role.OPERATOR, sensors=["door"])
KINDS = ["mounted", "proxied"]
pytestmark = pytest.mark.anyio


class Echo:
    """An upstream that tells what it saw and can be held, slow or broken."""

    def __init__(self) -> None:
        self.seen: list[bytes] = []
        self.cancelled = anyio.Event()
        self.closed_with: Any = None
        self.closed = anyio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        what = scope["path"].rsplit("/", 1)[-1]
        await getattr(self, what)(scope, receive, send)

    async def tell(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Method, path, query, headers, caller and body as JSON, with headers that matter."""
        body, more = b"", True
        while more:
            message = await receive()
            body, more = body + message.get("body", b""), message.get("more_body", False)
        told = {
            "method": scope["method"],
            "path": scope["path"],
            "raw": scope["raw_path"].decode(),
            "query": scope["query_string"].decode(),
            "headers": {name.decode(): value.decode("latin-1") for name, value in scope["headers"]},
            "caller": scope.get(SUBJECT),
            "body": body.decode("latin-1"),
        }
        await _reply(
            send, 207, msgspec.json.encode(told), [(b"x-one", b"1"), (b"set-cookie", b"a=1"), (b"set-cookie", b"b=2")]
        )

    async def redirect(self, _scope: Scope, _receive: Receive, send: Send) -> None:
        await _reply(send, 307, b"", [(b"location", b"/elsewhere")])

    async def gzip(self, _scope: Scope, _receive: Receive, send: Send) -> None:
        await _reply(send, 200, b"\x1f\x8b not really", [(b"content-encoding", b"gzip")])

    async def empty(self, _scope: Scope, _receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    async def chunks(self, _scope: Scope, receive: Receive, send: Send) -> None:
        """Answers each piece of the request at once, so that neither side may wait for the whole."""
        await send({"type": "http.response.start", "status": 200, "headers": []})
        more = True
        while more:
            message = await receive()
            more = message.get("more_body", False)
            if message.get("body"):
                self.seen.append(message["body"])
                await send({"type": "http.response.body", "body": b"<" + message["body"] + b">", "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def endless(self, _scope: Scope, receive: Receive, send: Send) -> None:
        """Sends a little, then waits until the client leaves."""
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"first", "more_body": True})
        while (await receive())["type"] != "http.disconnect":
            pass
        self.cancelled.set()

    async def hasty(self, _scope: Scope, _receive: Receive, send: Send) -> None:
        """Answers without reading the request."""
        await _reply(send, 413, b"too large", [])

    async def talk(self, scope: Scope, receive: Receive, send: Send) -> None:
        """A websocket that repeats, and closes with a code when told."""
        await receive()
        await send({"type": "websocket.accept", "subprotocol": next(iter(scope["subprotocols"]), None)})
        while (message := await receive())["type"] == "websocket.receive":
            if message.get("text") == "close":
                await send({"type": "websocket.close", "code": 4321, "reason": "as told"})
                return
            key = "text" if message.get("text") is not None else "bytes"
            await send({"type": "websocket.send", key: message[key]})
        self.closed_with = (message.get("code"), message.get("reason"))
        self.closed.set()

    async def refuse(self, _scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.close", "code": 1008, "reason": "no"})


async def _reply(send: Send, status: int, body: bytes, headers: list[tuple[bytes, bytes]]) -> None:
    length = [(b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": [*headers, *length]})
    await send({"type": "http.response.body", "body": body})


@contextlib.asynccontextmanager
async def upstream(kind: str, folder: Path, app: Echo) -> AsyncIterator[ASGIApp]:
    if kind == "mounted":
        yield app
        return
    identity = Identity.load_or_create(folder / "key.pem", SystemClock())
    path = folder / "s.sock"
    async with served(IdentityGate(app, identity), unix=path), Proxy(f"unix://{path}", identity=identity) as proxy:
        yield proxy


@pytest.mark.parametrize("kind", KINDS)
async def test_a_call_arrives_as_it_was_made(kind: str, tmp_path: Path) -> None:
    scope = http_scope(
        "POST",
        "/api/%C3%A9t%C3%A9/tell",
        query="a=1&b=%20x&a=2",
        headers=[("host", "box.local"), ("content-length", "5"), ("x-kept", "yes"), ("content-type", "text/plain")],
    )
    scope["path"] = "/api/été/tell"
    scope[SUBJECT] = ADA
    async with upstream(kind, tmp_path, Echo()) as app, Exchange(app, scope) as call:
        call.body(b"hello")
        status, headers, body = await call.finished()
        told = msgspec.json.decode(body)
        assert status == 207
        assert headers["x-one"] == "1"
        assert [value for name, value in call.sent[0]["headers"] if name == b"set-cookie"] == [b"a=1", b"b=2"]
        assert (told["method"], told["path"], told["raw"]) == ("POST", "/api/été/tell", "/api/%C3%A9t%C3%A9/tell")
        assert told["query"] == "a=1&b=%20x&a=2"
        assert told["body"] == "hello"
        assert told["headers"]["host"] == "box.local"
        assert told["headers"]["x-kept"] == "yes"
        assert told["headers"]["content-length"] == "5"
        assert told["caller"] == {"id": "u1", "name": "Ada", "role": 2, "sensors": ["door"]}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("what", "status"), [("redirect", 307), ("gzip", 200), ("empty", 204), ("hasty", 413)])
async def test_the_reply_is_passed_on_untouched(kind: str, what: str, status: int, tmp_path: Path) -> None:
    async with upstream(kind, tmp_path, Echo()) as app, Exchange(app, http_scope("GET", f"/{what}")) as call:
        call.body(b"")
        got, headers, body = await call.finished()
        assert got == status
        assert headers.get("location") == ("/elsewhere" if what == "redirect" else None)
        assert (headers.get("content-encoding"), body.startswith(b"\x1f\x8b")) == (
            ("gzip", True) if what == "gzip" else (None, False)
        )


@pytest.mark.parametrize("kind", KINDS)
async def test_bodies_stream_both_ways_at_once(kind: str, tmp_path: Path) -> None:
    echo = Echo()
    scope = http_scope("POST", "/chunks", headers=[("transfer-encoding", "chunked")])
    async with upstream(kind, tmp_path, echo) as app, Exchange(app, scope) as call:
        call.body(b"one", more=True)
        await call.wait_for(2)
        assert call.sent[1]["body"] == b"<one>"  # the second piece does not exist yet
        call.body(b"two", more=True)
        await call.wait_for(3)
        call.body(b"")
        _, _, body = await call.finished()
        assert body == b"<one><two>"
        assert echo.seen == [b"one", b"two"]


@pytest.mark.parametrize("kind", KINDS)
async def test_the_upstream_learns_that_the_client_left(kind: str, tmp_path: Path) -> None:
    echo = Echo()
    async with upstream(kind, tmp_path, echo) as app, Exchange(app, http_scope("GET", "/endless")) as call:
        call.body(b"")
        await call.wait_for(2)
        call.leave()
        await call.end()
        with anyio.fail_after(10):
            await echo.cancelled.wait()


@pytest.mark.parametrize("kind", KINDS)
async def test_a_large_request_that_is_refused_early_gets_its_answer(kind: str, tmp_path: Path) -> None:
    scope = http_scope("POST", "/hasty", headers=[("content-length", str(4 << 20))])
    async with upstream(kind, tmp_path, Echo()) as app, Exchange(app, scope) as call:
        for _ in range(4):
            call.body(bytes(1 << 20), more=True)
        status, _, _ = await call.finished()
        assert status == 413


@pytest.mark.parametrize("kind", KINDS)
async def test_a_websocket_talks_both_ways_and_keeps_subprotocol_and_close_code(kind: str, tmp_path: Path) -> None:
    scope = websocket_scope("/talk", subprotocols=["vedette.v1", "other"])
    async with upstream(kind, tmp_path, Echo()) as app, Exchange(app, scope) as call:
        call.give({"type": "websocket.connect"})
        await call.wait_for(1)
        assert call.sent[0]["type"] == "websocket.accept"
        assert call.sent[0]["subprotocol"] == "vedette.v1"
        call.give({"type": "websocket.receive", "text": "héllo"})
        call.give({"type": "websocket.receive", "bytes": b"\x00\xff"})
        await call.wait_for(3)
        assert call.sent[1]["text"] == "héllo"
        assert call.sent[2]["bytes"] == b"\x00\xff"
        call.give({"type": "websocket.receive", "text": "close"})
        await call.wait_for(4)
        assert (call.sent[3]["type"], call.sent[3]["code"], call.sent[3]["reason"]) == (
            "websocket.close",
            4321,
            "as told",
        )
        await call.end()


@pytest.mark.parametrize("kind", KINDS)
async def test_the_clients_close_code_reaches_the_upstream(kind: str, tmp_path: Path) -> None:
    echo = Echo()
    async with upstream(kind, tmp_path, echo) as app, Exchange(app, websocket_scope("/talk")) as call:
        call.give({"type": "websocket.connect"})
        await call.wait_for(1)
        call.give({"type": "websocket.disconnect", "code": 4001, "reason": "bye"})
        await call.end()
        with anyio.fail_after(10):
            await echo.closed.wait()
        assert echo.closed_with == (4001, "bye")


@pytest.mark.parametrize("kind", KINDS)
async def test_a_refused_websocket_is_never_accepted(kind: str, tmp_path: Path) -> None:
    async with upstream(kind, tmp_path, Echo()) as app, Exchange(app, websocket_scope("/refuse")) as call:
        call.give({"type": "websocket.connect"})
        await call.wait_for(1)
        assert call.sent[0]["type"] != "websocket.accept"
        assert call.sent[0].get("status", 403) == 403


async def test_an_identity_from_outside_is_dropped_and_ours_is_signed(tmp_path: Path) -> None:
    foreign = Identity.load_or_create(tmp_path / "foreign.pem", FakeClock()).sign(ADA)
    headers = [
        (IDENTITY_HEADER.decode(), foreign),
        ("connection", "keep-alive, x-private"),
        ("x-private", "1"),
        ("te", "trailers"),
        ("upgrade", "h2c"),
        ("proxy-authorization", "x"),
    ]
    async with (
        upstream("proxied", tmp_path, Echo()) as app,
        Exchange(app, http_scope("GET", "/tell", headers=headers)) as call,
    ):
        call.body(b"")
        _, _, body = await call.finished()
        told = msgspec.json.decode(body)
        assert told["caller"] is None
        assert not {"x-private", "te", "upgrade", "proxy-authorization", IDENTITY_HEADER.decode()} & set(
            told["headers"]
        )


async def test_failures_of_the_upstream_wear_the_envelope(tmp_path: Path) -> None:
    async with (
        Proxy(f"unix://{tmp_path}/absent", identity=None) as proxy,
        Exchange(proxy, http_scope("GET", "/x")) as call,
    ):
        call.body(b"")
        status, headers, body = await call.finished()
        assert status == 503
        assert headers["retry-after"] == "2"
        assert msgspec.json.decode(body)["error_code"] == "ServiceUnavailableError"


async def _breaks_off(stream: anyio.abc.SocketStream) -> None:
    async with stream:
        await stream.receive()


async def _says_nothing(stream: anyio.abc.SocketStream) -> None:
    async with stream:
        await stream.receive()
        with contextlib.suppress(anyio.EndOfStream):
            await stream.receive()


@pytest.mark.parametrize(("manner", "expected"), [(_breaks_off, 502), (_says_nothing, 504)])
async def test_an_upstream_that_breaks_off_or_hangs(manner: Any, expected: int, tmp_path: Path) -> None:
    path = tmp_path / "s.sock"
    async with await anyio.create_unix_listener(path) as listener, anyio.create_task_group() as tasks:
        tasks.start_soon(listener.serve, manner)
        async with (
            Proxy(f"unix://{path}", identity=None, style="analytics", timeout_s=0.2) as proxy,
            Exchange(proxy, http_scope("POST", "/x", headers=[("content-length", "1")])) as call,
        ):
            call.body(b"x")
            status, _, body = await call.finished()
            assert status == expected
            assert list(msgspec.json.decode(body)) == ["error"]
        tasks.cancel_scope.cancel()


async def test_a_websocket_whose_upstream_dies_is_closed_as_broken(tmp_path: Path) -> None:
    echo = Echo()
    path = tmp_path / "s.sock"
    async with Proxy(f"unix://{path}", identity=None) as proxy, Exchange(proxy, websocket_scope("/talk")) as call:
        async with served(echo, unix=path):
            call.give({"type": "websocket.connect"})
            await call.wait_for(1)
        await call.wait_for(2)
        assert call.sent[1]["type"] == "websocket.close"
        assert call.sent[1]["code"] in {1011, 1012}
