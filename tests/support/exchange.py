"""Talks to an ASGI application message by message, and serves one on a real socket."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Iterable
from pathlib import Path
from typing import Any

import anyio
import uvicorn

from vedette.kernel.lifecycle import ASGIApp

type Message = Any


class Exchange:
    """One call in progress. `sent` fills with what the application sends; `give` is what it receives."""

    def __init__(self, app: ASGIApp, scope: dict[str, Any]) -> None:
        self._app, self._scope = app, scope
        self._inbox: asyncio.Queue[Message] = asyncio.Queue()
        self.sent: list[Message] = []
        self._changed = asyncio.Condition()
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> "Exchange":
        self._task = asyncio.create_task(self._run())
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._task is not None
        if not self._task.done():
            self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task

    async def _run(self) -> None:
        await self._app(self._scope, self._inbox.get, self._send)

    async def _send(self, message: Message) -> None:
        async with self._changed:
            self.sent.append(message)
            self._changed.notify_all()

    def give(self, message: Message) -> None:
        self._inbox.put_nowait(message)

    def body(self, content: bytes, *, more: bool = False) -> None:
        self.give({"type": "http.request", "body": content, "more_body": more})

    def leave(self) -> None:
        self.give({"type": "http.disconnect"})

    async def wait_for(self, count: int) -> list[Message]:
        """The messages, once there are at least `count`."""
        with anyio.fail_after(10):
            async with self._changed:
                await self._changed.wait_for(lambda: len(self.sent) >= count)
        return self.sent

    async def end(self) -> None:
        """Returns when the application has returned."""
        assert self._task is not None
        with anyio.fail_after(10):
            await asyncio.shield(self._task)

    async def finished(self) -> tuple[int, dict[str, str], bytes]:
        """Status, headers and body of the whole reply."""
        with anyio.fail_after(10):
            async with self._changed:
                await self._changed.wait_for(self._complete)
        start = self.sent[0]
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in start["headers"]}
        return start["status"], headers, b"".join(item.get("body", b"") for item in self.sent[1:])

    def _complete(self) -> bool:
        last = self.sent[-1] if self.sent else {}
        return last.get("type", "").endswith("response.body") and not last.get("more_body", False)


def http_scope(
    method: str,
    path: str,
    *,
    query: str = "",
    headers: Iterable[tuple[str, str]] = (),
    client: str = "127.0.0.1",
    scheme: str = "http",
    **extra: Any,
) -> dict[str, Any]:
    """An HTTP scope as the server makes it; `path` is as the client wrote it."""
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": scheme,
        "path": path,
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "root_path": "",
        "headers": [(name.lower().encode(), value.encode("latin-1")) for name, value in headers],
        "server": ("127.0.0.1", 80),
        "client": (client, 50000),
        "state": {},
        **extra,
    }


def websocket_scope(path: str, *, headers: Iterable[tuple[str, str]] = (), **extra: Any) -> dict[str, Any]:
    """A websocket scope."""
    made = http_scope("GET", path, headers=headers, scheme="ws")
    del made["method"]
    return {
        **made,
        "type": "websocket",
        "subprotocols": [],
        "extensions": {"websocket.http.response": {}},
        **extra,
    }


@contextlib.asynccontextmanager
async def served(
    app: ASGIApp, *, unix: Path | None = None, http: Any = "auto", ws: Any = "websockets-sansio", **options: Any
) -> AsyncIterator[int]:
    """The application on a unix socket, or on a free port of loopback, which is given."""
    config = uvicorn.Config(
        app,
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        ws=ws,
        http=http,
        timeout_graceful_shutdown=1,
        **options,
    )
    server = uvicorn.Server(config)
    server.capture_signals = contextlib.nullcontext  # type: ignore[method-assign,assignment]
    family = socket.AF_UNIX if unix else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as listener:
        listener.bind(str(unix) if unix else ("127.0.0.1", 0))
        task = asyncio.create_task(server.serve([listener]))
        while not server.started:
            await asyncio.sleep(0.005)
        try:
            yield 0 if unix else listener.getsockname()[1]
        finally:
            server.should_exit = True
            await task
