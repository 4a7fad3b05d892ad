"""Requests that two programs could read in two ways, sent byte by byte: one answer, no second request."""

import asyncio
import contextlib
import logging
import socket
from collections.abc import AsyncIterator
from typing import override

import anyio
import pytest

from tests.support.exchange import served
from vedette.kernel.lifecycle import Receive, Scope, Send
from vedette.kernel.server import HEAD_LIMIT_BYTES, StrictHttp

pytestmark = pytest.mark.anyio
POST = b"POST /first HTTP/1.1\r\nHost: x\r\n"
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"
SECOND = b"GET /second HTTP/1.1\r\nHost: x\r\n\r\n"

REFUSED = {
    "both lengths": POST + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + SECOND,
    "both lengths, other order": POST + b"Transfer-Encoding: chunked\r\nContent-Length: 50\r\n\r\n0\r\n\r\n" + SECOND,
    "two encodings": POST + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n" + SECOND,
    "encoding list": POST + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n" + SECOND,
    "unknown encoding": POST + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n" + SECOND,
    "space before colon": POST + b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n" + SECOND,
    "vertical tab": POST + b"Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n" + SECOND,
    "quoted": POST + b'Transfer-Encoding: "chunked"\r\n\r\n0\r\n\r\n' + SECOND,
    "chunked in HTTP/1.0": CHUNKED.replace(b"HTTP/1.1\r\n", b"HTTP/1.0\r\nConnection: keep-alive\r\n")
    + b"0\r\n\r\n"
    + SECOND,
    "two lengths": POST + b"Content-Length: 0\r\nContent-Length: 33\r\n\r\n" + SECOND,
    "two equal lengths": POST + b"Content-Length: 0\r\nContent-Length: 0\r\n\r\n" + SECOND,
    "list of lengths": POST + b"Content-Length: 0, 0\r\n\r\n" + SECOND,
    "plus": POST + b"Content-Length: +0\r\n\r\n" + SECOND,
    "hexadecimal": POST + b"Content-Length: 0x0\r\n\r\n" + SECOND,
    "negative": POST + b"Content-Length: -1\r\n\r\n" + SECOND,
    "bare line feeds": b"POST /first HTTP/1.1\nHost: x\nContent-Length: 0\n\n" + SECOND,
    "one bare line feed": POST + b"X: y\nContent-Length: 0\r\n\r\n" + SECOND,
    "bare carriage return": POST + b"X: y\rContent-Length: 0\r\n\r\n" + SECOND,
    "folded header": POST + b"X: y\r\n Content-Length: 33\r\nContent-Length: 0\r\n\r\n" + SECOND,
    "NUL": POST + b"X: a\0b\r\nContent-Length: 0\r\n\r\n" + SECOND,
    "no host": b"GET /first HTTP/1.1\r\n\r\n" + SECOND,
    "two hosts": b"GET /first HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n" + SECOND,
    "absolute target": b"GET http://other/first HTTP/1.1\r\nHost: x\r\n\r\n" + SECOND,
    "asterisk": b"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n" + SECOND,
    "connect": b"CONNECT other:80 HTTP/1.1\r\nHost: x\r\n\r\n" + SECOND,
    "HTTP/2 preface": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    "HTTP/0.9": b"GET /first\r\n\r\n",
}

BROKEN_BODIES = {
    "negative chunk": CHUNKED + b"-5\r\nhello\r\n0\r\n\r\n" + SECOND,
    "hexadecimal prefix": CHUNKED + b"0x5\r\nhello\r\n0\r\n\r\n" + SECOND,
    "space after size": CHUNKED + b"5 \r\nhello\r\n0\r\n\r\n" + SECOND,
    "huge chunk": CHUNKED + b"FFFFFFFFFFFFFFFFF\r\nhello\r\n0\r\n\r\n" + SECOND,
    "wrong size": CHUNKED + b"5\r\nhelloXX0\r\n\r\n" + SECOND,
    "line feed in extension": CHUNKED + b"5;a\nhello\r\n0\r\n\r\n" + SECOND,
    "framing trailer": CHUNKED + b"0\r\nContent-Length: 5\r\n\r\n" + SECOND,
}

TAKEN = {
    "plain": POST + b"Content-Length: 5\r\n\r\nhello",
    "chunked": CHUNKED + b"5\r\nhello\r\n0\r\n\r\n",
    "upper case": POST + b"TRANSFER-ENCODING: CHUNKED\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    "a request as a body": b"POST /first HTTP/1.1\r\nHost: x\r\nContent-Length: 33\r\n\r\n" + SECOND[:33],
    "doubled slashes": b"GET //first//x HTTP/1.1\r\nHost: x\r\n\r\n",
}


class Record:
    """Remembers what arrived whole."""

    def __init__(self) -> None:
        self.paths: list[str] = []
        self.whole = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.paths.append(scope["path"])
        more = True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            more = message.get("more_body", False)
        self.whole += 1
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
        await send({"type": "http.response.body", "body": b""})


@contextlib.asynccontextmanager
async def edge() -> AsyncIterator[tuple[Record, int]]:
    record = Record()
    logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)
    async with served(record, http=StrictHttp) as port:
        yield record, port


async def exchange(port: int, request: bytes, *, until: bytes = b"\r\n\r\n") -> bytes:
    """What comes back until the first whole head, or until the server closes."""
    answer = b""
    with anyio.fail_after(10):
        async with await anyio.connect_tcp("127.0.0.1", port) as stream:
            with contextlib.suppress(anyio.EndOfStream, anyio.BrokenResourceError):
                await stream.send(request)
                while until == b"" or until not in answer:
                    answer += await stream.receive()
    return answer


async def test_an_ambiguous_head_is_refused_and_the_connection_closed() -> None:
    async with edge() as (record, port):
        for name, request in REFUSED.items():
            answer = await exchange(port, request, until=b"")  # until the server closes
            assert answer.startswith(b"HTTP/1.1 400"), name
            assert answer.count(b"HTTP/1.1") == 1, name
            assert record.paths == [], name


async def test_a_broken_body_ends_the_connection_and_smuggles_nothing() -> None:
    async with edge() as (record, port):
        for name, request in BROKEN_BODIES.items():
            await exchange(port, request, until=b"")
            assert "/second" not in record.paths, name


async def test_an_honest_request_is_read_once() -> None:
    async with edge() as (record, port):
        for number, (name, request) in enumerate(TAKEN.items(), start=1):
            answer = await exchange(port, request)
            assert answer.startswith(b"HTTP/1.1 200"), name
            assert (len(record.paths), record.whole) == (number, number), name


async def test_pipelined_requests_are_answered_in_order() -> None:
    async with edge() as (record, port):
        await exchange(port, TAKEN["plain"] + SECOND, until=b"0\r\n\r\nHTTP/1.1 200 OK")
        assert record.paths == ["/first", "/second"]


HUGE = {
    "one header": b"GET /first HTTP/1.1\r\nHost: x\r\nX: " + b"a" * HEAD_LIMIT_BYTES + b"\r\n\r\n",
    "many headers": b"GET /first HTTP/1.1\r\nHost: x\r\n" + b"X: a\r\n" * 3000 + b"\r\n",
    "target": b"GET /" + b"a" * HEAD_LIMIT_BYTES + b" HTTP/1.1\r\nHost: x\r\n\r\n",
    "never ends": b"GET /first HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 200_000,
}


async def test_a_head_past_its_limit_is_refused() -> None:
    async with edge() as (record, port):
        for name, request in HUGE.items():
            answer = await exchange(port, request)
            assert answer.startswith(b"HTTP/1.1 400") or answer == b"", name  # reset while still sending
            assert record.paths == [], name


async def test_a_head_just_below_the_limit_passes() -> None:
    async with edge() as (_record, port):
        head = b"GET /first HTTP/1.1\r\nHost: x\r\nX: " + b"a" * (HEAD_LIMIT_BYTES - 100) + b"\r\n\r\n"
        assert (await exchange(port, head)).startswith(b"HTTP/1.1 200")


async def test_replies_do_not_wait_for_an_acknowledgement() -> None:
    options: list[int] = []

    class Watched(StrictHttp):
        @override
        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            super().connection_made(transport)
            options.append(transport.get_extra_info("socket").getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))

    async with served(Record(), http=Watched) as port:
        assert (await exchange(port, TAKEN["plain"])).startswith(b"HTTP/1.1 200")
    assert len(options) == 1
    assert options[0] != 0
