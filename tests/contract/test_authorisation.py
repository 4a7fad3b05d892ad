"""Every route of every service, through a real ingress, as nobody and in every role, against a checked-in table.

A route without a row fails. After adding one, look at what it may do and write the table anew:
`VEDETTE_UPDATE_GOLDEN=1 pytest tests/contract/test_authorisation.py`.
"""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.support.exchange import Exchange, http_scope, websocket_scope
from tests.support.kernel import make_kernel
from vedette import node
from vedette.kernel.http import SUBJECT
from vedette.kernel.lifecycle import Receive, Scope, Send
from vedette.schema.identity import Role, Subject
from vedette.services.ingress.app import Upstream, build
from vedette.services.ingress.service import Ingress
from vedette.services.ingress.settings import IngressSettings

pytestmark = pytest.mark.anyio
TABLE = Path(__file__).parents[1] / "golden" / "authorisation.txt"
WEBSOCKETS = {"analytics": ("/ws-emdx/",)}
MOUNTED_AT = {"perception": "/perception"}
SHOWN = {
    "accounts": ("/api/v1/accounts/",),
    "analytics": ("/emdx/", "/ws-emdx/", "/api/v3.2/analytics/"),
    "ingress": ("/",),
    "perception": ("/api/",),
    "vst": ("/vst/",),
}
LEAST = {
    "public": "anyone",
    "self": "viewer",
    "view": "viewer",
    "live": "viewer",
    "replay": "viewer",
    "export": "operator",
    "configure": "operator",
    "delete": "admin",
    "administer": "admin",
}
ROLES = ["viewer", "operator", "admin"]


@dataclass(frozen=True)
class Row:
    """One line of the table: the least role, the method, the public path."""

    least: str
    method: str
    path: str

    @property
    def asked(self) -> str:
        """A path that fits the template."""
        return re.sub(r"\{[^}]+\}", "door", self.path)


@cache
def documents() -> Mapping[str, dict[str, Any]]:
    return {name: node.openapi(name) for name in node.SERVICES}


def rows() -> list[Row]:
    """What the services' documents say is open, written down here a second time and by other code than ingress'."""
    found = [
        Row(LEAST[operation["x-vedette-action"]], method.upper(), MOUNTED_AT.get(name, "") + path)
        for name, document in documents().items()
        for path, item in document["paths"].items()
        for method, operation in item.items()
        if path.startswith(SHOWN[name]) and operation["x-vedette-action"] != "internal"
    ]
    found += [Row("viewer", "WEBSOCKET", path) for paths in WEBSOCKETS.values() for path in paths]
    found += [Row("viewer", "GET", f"/metrics/{name}") for name in documents() if name != "ingress"]
    return sorted(found, key=lambda row: (row.path, row.method))


class Witness:
    """Stands for every service and remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, Subject | None]] = []

    async def __call__(self, scope: Scope, _receive: Receive, send: Send) -> None:
        self.asked.append((scope["path"], scope.get(SUBJECT)))
        if scope["type"] == "websocket":
            await send({"type": "websocket.accept"})
            await send({"type": "websocket.close", "code": 1000})
            return
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})


async def authenticate(headers: Mapping[str, str], _cookies: Mapping[str, str]) -> Subject | None:
    role = headers.get("authorization", "").removeprefix("Bearer ")
    return Subject(id=role, name=role, role=Role[role.upper()]) if role in ROLES else None


def ingress(folder: Path) -> tuple[Ingress, Witness]:
    witness = Witness()
    upstreams = {
        name: Upstream(witness, document, WEBSOCKETS.get(name, ()))
        for name, document in documents().items()
        if name != "ingress"
    }
    settings = IngressSettings()
    kernel = make_kernel("ingress", folder)
    return build(settings, kernel, upstreams=upstreams, authenticate=authenticate, web_dir=None), witness


async def ask(service: Ingress, row: Row, role: str | None) -> tuple[int, Any]:
    headers = [("host", "127.0.0.1:30080"), *([("authorization", f"Bearer {role}")] if role else [])]
    if row.method == "WEBSOCKET":
        scope = websocket_scope(row.asked, headers=headers)
    else:
        scope = http_scope(row.method, row.asked, headers=[*headers, ("content-length", "0")])
    async with Exchange(service.app, scope) as call:
        if row.method == "WEBSOCKET":
            call.give({"type": "websocket.connect"})
            first = (await call.wait_for(1))[0]
            if first["type"] == "websocket.accept":
                return 200, None
        else:
            call.body(b"")
        status, _, body = await call.finished()
    return status, msgspec.json.decode(body) if status >= 400 else None


def test_the_table_is_complete_and_true() -> None:
    text = "".join(f"{row.least:8} {row.method:9} {row.path}\n" for row in rows())
    if os.environ.get("VEDETTE_UPDATE_GOLDEN"):
        TABLE.write_text(text)
    assert TABLE.read_text() == text, "a route has changed: look at it, then see this module's first lines"


def test_few_routes_are_for_anyone() -> None:
    """Each of these was thought about: no more without a change here."""
    assert [f"{row.method} {row.path}" for row in rows() if row.least == "anyone"] == [
        "POST /api/v1/accounts/session",
        "POST /api/v1/accounts/setup",
        "GET /api/v1/accounts/status",
        "POST /api/v1/accounts/ticket",
        "GET /emdx/core/healthz",
        "GET /healthz",
        "GET /perception/api/v1/live",
        "GET /perception/api/v1/ready",
        "GET /perception/api/v1/startup",
        "GET /readyz",
        "GET /vst/api/v1/storage/temp/{name}",
    ]


async def test_nobody_gets_nothing_and_no_service_hears_of_it(tmp_path: Path) -> None:
    service, witness = ingress(tmp_path)
    for row in rows():
        if row.least == "anyone":
            continue
        for claimed in (None, "nobody"):
            status, body = await ask(service, row, claimed)
            assert status == 401, row
            analytics = row.path.startswith(SHOWN["analytics"])
            assert set(body) == ({"error"} if analytics else {"error_code", "error_message"}), row
    assert witness.asked == []


async def test_each_role_gets_what_the_table_says(tmp_path: Path) -> None:
    service, witness = ingress(tmp_path)
    for row in rows():
        for role in ROLES:
            witness.asked.clear()
            status, _ = await ask(service, row, role)
            allowed = row.least == "anyone" or ROLES.index(role) >= ROLES.index(row.least)
            assert (status != 403) is allowed, (row, role)
            assert allowed or not witness.asked, (row, role)
            own = row.path in {"/healthz", "/readyz", "/metrics", "/metrics/{service}"}
            assert own or bool(witness.asked) is allowed, (row, role)


async def test_an_upstream_never_takes_a_caller_from_outside(tmp_path: Path) -> None:
    service, witness = ingress(tmp_path)
    row = Row("viewer", "GET", "/vst/api/v1/sensor/list")
    assert (await ask(service, row, "viewer"))[0] == 200
    assert [caller.role for _, caller in witness.asked if caller is not None] == [Role.VIEWER]


@pytest.mark.parametrize("name", sorted(node.SERVICES))
async def test_a_service_refuses_by_itself_too(name: str) -> None:
    """Ingress is the first fence, not the only one."""
    app = node.app_of(name)
    for path, item in documents()[name]["paths"].items():
        for method, operation in item.items():
            if operation["x-vedette-action"] == "public" or path.startswith("/metrics/"):
                continue
            asked = Row("", "", path).asked
            scope = http_scope(method.upper(), asked, headers=[("host", "localhost"), ("content-length", "0")])
            async with Exchange(app, scope) as call:
                call.body(b"")
                status, _, _ = await call.finished()
            assert status == 401, (method, path)
