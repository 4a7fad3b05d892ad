"""Calls an ASGI application in the same process, as a client would see it."""

from dataclasses import dataclass
from typing import Any

import msgspec

from vedette.kernel.http import SUBJECT
from vedette.kernel.lifecycle import ASGIApp
from vedette.schema.identity import Role, Subject

ADMIN = Subject(id="u-admin", name="admin", role=Role.ADMIN)
VIEWER = Subject(id="u-viewer", name="viewer", role=Role.VIEWER)


@dataclass(frozen=True)
class Reply:
    """A whole response."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The decoded body."""
        return msgspec.json.decode(self.body)


async def call(
    app: ASGIApp,
    method: str,
    path: str,
    *,
    body: bytes | dict[str, Any] | list[Any] | None = None,
    headers: dict[str, str] | None = None,
    subject: Subject | None = ADMIN,
) -> Reply:
    """One request as `subject` (None: anonymous). A mapping or list is sent as JSON."""
    path, _, query = path.partition("?")
    content = body if isinstance(body, bytes) else b"" if body is None else msgspec.json.encode(body)
    sent = {"content-type": "application/json", "content-length": str(len(content)), **(headers or {})}
    scope: dict[str, Any] = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "root_path": "",
        "headers": [(name.lower().encode(), value.encode()) for name, value in sent.items()],
        "server": ("localhost", 80),
        "client": ("127.0.0.1", 50000),
        "state": {},
    }
    if subject is not None:
        scope[SUBJECT] = subject
    return await _exchange(app, scope, content)


async def _exchange(app: ASGIApp, scope: dict[str, Any], content: bytes) -> Reply:
    pending = [{"type": "http.request", "body": content, "more_body": False}]
    messages: list[Any] = []

    async def receive() -> Any:
        return pending.pop() if pending else {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        messages.append(message)

    await app(scope, receive, send)
    start = next(item for item in messages if item["type"] == "http.response.start")
    chunks = [item.get("body", b"") for item in messages if item["type"] == "http.response.body"]
    names = {name.decode(): value.decode() for name, value in start["headers"]}
    return Reply(start["status"], names, b"".join(chunks))
