"""The HTTP surface: a route without a permission does not mount, and errors wear the surface's envelope."""

from pathlib import Path
from typing import Any

import pytest
from fastapi import APIRouter, FastAPI
from pydantic import BaseModel

from tests.support.asgi import ADMIN, VIEWER, call
from vedette.kernel.auth import IDENTITY_HEADER, Identity
from vedette.kernel.clock import FakeClock
from vedette.kernel.errors import Fault, not_found
from vedette.kernel.http import ErrorStyle, create_app, requires
from vedette.kernel.telemetry import Telemetry
from vedette.schema.identity import Action, Role, Subject


class Note(BaseModel):
    """A body."""

    text: str


def example(style: ErrorStyle = "vst", identity: Identity | None = None, reason: str | None = None) -> FastAPI:
    router = APIRouter()

    @router.get("/things/{sensorId}", dependencies=[requires(Action.VIEW, sensor="sensorId")])
    async def thing(sensorId: str) -> dict[str, str]:
        if sensorId == "absent":
            raise not_found("There is no sensor 'absent'.", "CameraNotFoundError")
        if sensorId == "broken":
            raise RuntimeError("a bug")
        return {"id": sensorId}

    @router.post("/notes", dependencies=[requires(Action.CONFIGURE)])
    async def note(body: Note) -> dict[str, str]:
        return {"text": body.text}

    return create_app(
        "example",
        routers=[router],
        telemetry=Telemetry("example"),
        ready=lambda: reason,
        identity=identity,
        style=style,
    )


def test_a_route_without_a_permission_does_not_mount() -> None:
    router = APIRouter()

    @router.get("/open")
    async def opened() -> None: ...

    with pytest.raises(RuntimeError, match="/open must declare exactly one requires"):
        create_app("bad", routers=[router], telemetry=Telemetry("bad"), ready=lambda: None, identity=None)


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("style", "expected"),
    [
        ("vst", {"error_code": "CameraNotFoundError", "error_message": "There is no sensor 'absent'."}),
        ("analytics", {"error": "There is no sensor 'absent'."}),
    ],
)
async def test_a_fault_wears_the_envelope_of_the_surface(style: ErrorStyle, expected: dict[str, str]) -> None:
    reply = await call(example(style), "GET", "/things/absent")
    assert (reply.status, reply.json) == (404, expected)


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("method", "path", "body", "subject", "status", "word"),
    [
        ("GET", "/things/door", None, None, 401, "Sign in"),
        ("POST", "/notes", {"text": "x"}, VIEWER, 403, "operator"),
        ("POST", "/notes", b"{", ADMIN, 400, "JSON"),
        ("POST", "/notes", {"txt": "x"}, ADMIN, 400, "text"),
        ("GET", "/nowhere", None, ADMIN, 404, "Not Found"),
        ("DELETE", "/notes", None, ADMIN, 405, "Not Allowed"),
    ],
)
async def test_refusals(method: str, path: str, body: Any, subject: Subject | None, status: int, word: str) -> None:
    reply = await call(example(), method, path, body=body, subject=subject)
    assert reply.status == status
    assert word in reply.json["error_message"]


@pytest.mark.anyio
async def test_a_sensor_outside_the_grants_is_not_there() -> None:
    limited = Subject(id="u", name="u", role=Role.ADMIN, sensors=["yard"])
    assert (await call(example(), "GET", "/things/yard", subject=limited)).status == 200
    assert (await call(example(), "GET", "/things/door", subject=limited)).status == 404


@pytest.mark.anyio
async def test_probes_tell_the_reason_and_metrics_need_a_sign_in() -> None:
    app = example(reason="the disk is not mounted")
    assert (await call(app, "GET", "/healthz", subject=None)).status == 200
    ready = await call(app, "GET", "/readyz", subject=None)
    assert (ready.status, ready.json["status"]) == (503, "the disk is not mounted")
    assert (await call(app, "GET", "/metrics", subject=None)).status == 401
    assert b"process_resident_memory_bytes" in (await call(app, "GET", "/metrics")).body


@pytest.mark.anyio
async def test_the_signed_identity_of_a_process_border_is_believed_and_nothing_else(tmp_path: Path) -> None:
    identity = Identity.load_or_create(tmp_path / "key.pem", FakeClock())
    header = IDENTITY_HEADER.decode()
    app = example(identity=identity)
    signed = {header: identity.sign(VIEWER)}
    assert (await call(app, "GET", "/things/door", headers=signed, subject=None)).status == 200
    assert (await call(app, "GET", "/things/door", headers={header: "made-up"}, subject=None)).status == 401
    assert (await call(example(), "GET", "/things/door", headers=signed, subject=None)).status == 401


def test_the_document_names_the_action_of_each_route() -> None:
    paths = example().openapi()["paths"]
    assert paths["/things/{sensorId}"]["get"]["x-vedette-action"] == "view"
    assert paths["/notes"]["post"]["x-vedette-action"] == "configure"


def test_a_fault_shows_itself() -> None:
    assert repr(Fault("A", 418, "m")) == "Fault('A', 418, 'm')"
