"""The HTTP surface that every service has: permissions, one error envelope, probes, telemetry.

A route without `requires(...)` does not mount: the factory refuses to build the application.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from fastapi import APIRouter, Depends, FastAPI, Request, Response, WebSocketException
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute, APIWebSocketRoute
from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection

from vedette import __version__
from vedette.kernel.auth import IDENTITY_HEADER, Identity, authorize
from vedette.kernel.auth import SUBJECT as SUBJECT
from vedette.kernel.errors import ErrorStyle as ErrorStyle
from vedette.kernel.errors import Fault, invalid, unauthorized
from vedette.kernel.lifecycle import ASGIApp, Receive, Scope, Send
from vedette.kernel.log import get_logger
from vedette.kernel.telemetry import CONTENT_TYPE, Telemetry
from vedette.schema.identity import Action, Resource, Subject

type Resolve = Callable[[str, Subject | None], str]
_BROKEN = "Something broke here; it is in the log. Try again, then report it."
_STATUS_CODES = {404: "VMSNoDataError", 405: "MethodNotAllowedError", 413: "PayloadTooLargeError"}


class Requires:
    """A dependency that lets a call pass only if `authorize` does; `sensor` names the parameter with the sensor id.

    Where that parameter may hold something else, such as a sensor's name, `resolve` turns it into the id.
    """

    def __init__(self, action: Action, sensor: str = "", resolve: Resolve | None = None) -> None:
        self.action, self.sensor, self.resolve = action, sensor, resolve

    def __call__(self, connection: HTTPConnection) -> Subject | None:
        sensor_id = connection.path_params.get(self.sensor) or connection.query_params.get(self.sensor) or ""
        caller: Subject | None = connection.scope.get(SUBJECT)
        if self.resolve is not None:
            sensor_id = self.resolve(str(sensor_id), caller)
        decision = authorize(caller, self.action, Resource(sensor_id=str(sensor_id)))
        if decision.allowed:
            return caller
        fault = decision.fault or unauthorized()
        if connection.scope["type"] == "websocket":
            raise WebSocketException(code=1008, reason=fault.message)
        raise fault


def requires(action: Action, *, sensor: str = "", resolve: Resolve | None = None) -> Any:
    """Declares what a route does: `dependencies=[requires(Action.VIEW)]`, or a parameter default to get the subject."""
    return Depends(Requires(action, sensor, resolve))


def subject(connection: HTTPConnection) -> Subject:
    """Who asks. Fault 401 on a public route that nobody signed in to."""
    caller: Subject | None = connection.scope.get(SUBJECT)
    if caller is None:
        raise unauthorized()
    return caller


class IdentityGate:
    """Turns the signed identity of a process border into the scope's subject; the header never gets further."""

    def __init__(self, app: ASGIApp, identity: Identity | None) -> None:
        self._app, self._identity = app, identity

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] in {"http", "websocket"}:
            headers: list[tuple[bytes, bytes]] = scope["headers"]
            signed = [value for name, value in headers if name == IDENTITY_HEADER]
            scope = {**scope, "headers": [item for item in headers if item[0] != IDENTITY_HEADER]}
            if signed and self._identity is not None and scope.get(SUBJECT) is None:
                try:
                    scope[SUBJECT] = self._identity.verify(signed[0].decode("latin-1"))
                except Fault:
                    scope[SUBJECT] = None  # the route's own check answers 401 in its surface's words
        await self._app(scope, receive, send)


def create_app(
    name: str,
    *,
    routers: Sequence[APIRouter],
    telemetry: Telemetry,
    ready: Callable[[], str | None],
    identity: Identity | None,
    style: ErrorStyle = "vst",
    description: str = "",
    codes: Mapping[int, str] | None = None,
) -> FastAPI:
    """A FastAPI application with the house's envelope. `ready` gives None or the reason why not."""
    app = FastAPI(
        title=f"Vedette {name}",
        version=__version__,
        description=description,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        separate_input_output_schemas=False,
    )
    for router in (*routers, _probes(telemetry, ready)):
        _check_permissions(name, router)
        app.include_router(router)
    _install_errors(app, name, style, codes or {})
    app.add_middleware(IdentityGate, identity=identity)
    return app


def _probes(telemetry: Telemetry, ready: Callable[[], str | None]) -> APIRouter:
    router = APIRouter(tags=["probes"])

    @router.get("/healthz", dependencies=[requires(Action.PUBLIC)])
    async def healthz() -> dict[str, str]:
        """The process answers."""
        return {"status": "ok"}

    @router.get("/readyz", dependencies=[requires(Action.PUBLIC)])
    async def readyz() -> JSONResponse:
        """200 when it can serve, else 503 and the reason."""
        reason = ready()
        return JSONResponse({"status": "ready" if reason is None else reason}, 200 if reason is None else 503)

    @router.get("/metrics", dependencies=[requires(Action.VIEW)])
    async def metrics() -> Response:
        """Prometheus exposition text."""
        return Response(telemetry.render(), media_type=CONTENT_TYPE)

    return router


def _check_permissions(name: str, router: APIRouter) -> None:
    for route in router.routes:
        nested = getattr(route, "original_router", None)
        if isinstance(nested, APIRouter):
            _check_permissions(name, nested)
        if not isinstance(route, APIRoute | APIWebSocketRoute):
            continue
        guards = [item.call for item in route.dependant.dependencies if isinstance(item.call, Requires)]
        if len(guards) != 1:
            raise RuntimeError(f"{name}: {route.path} must declare exactly one requires(...), it has {len(guards)}")
        if isinstance(route, APIRoute):
            route.openapi_extra = {**(route.openapi_extra or {}), "x-vedette-action": str(guards[0].action)}


def _install_errors(app: FastAPI, name: str, style: ErrorStyle, codes: Mapping[int, str]) -> None:
    log = get_logger(name)

    def render(fault: Fault) -> JSONResponse:
        return JSONResponse(fault.envelope(style), fault.status, fault.headers)

    async def on_fault(_request: Request, error: Exception) -> Response:
        assert isinstance(error, Fault)  # noqa: S101 - registered for Fault alone
        return render(error)

    async def on_invalid(_request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)  # noqa: S101 - registered for it alone
        return render(invalid(_sentence(error)))

    async def on_http(_request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)  # noqa: S101 - registered for it alone
        code = codes.get(error.status_code) or _STATUS_CODES.get(error.status_code, "InvalidParameterError")
        return render(Fault(code, error.status_code, str(error.detail), headers=error.headers))

    async def on_crash(request: Request, error: Exception) -> Response:
        log.error("request_failed", path=request.url.path, exc_info=error)
        return render(Fault("VMSInternalError", 500, _BROKEN))

    app.add_exception_handler(Fault, on_fault)
    app.add_exception_handler(RequestValidationError, on_invalid)
    app.add_exception_handler(HTTPException, on_http)
    app.add_exception_handler(Exception, on_crash)


def _sentence(error: RequestValidationError) -> str:
    """The first three complaints in words, with the place of each."""
    found = [f"{'.'.join(str(part) for part in item['loc'][1:]) or 'body'}: {item['msg']}" for item in error.errors()]
    return "; ".join(found[:3])
