"""Every request meets this first: host, path, route, caller, permission, origin; only then its upstream is asked."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from vedette.kernel.auth import IDENTITY_HEADER, SUBJECT, authorize
from vedette.kernel.errors import ErrorStyle, Fault, forbidden, invalid, not_found, unauthorized
from vedette.kernel.lifecycle import ASGIApp, Receive, Scope, Send
from vedette.kernel.proxy import refuse
from vedette.kernel.telemetry import Telemetry
from vedette.schema.identity import Action, Resource, Subject
from vedette.services.ingress.core.origins import cookies_of, host_allowed, same_origin
from vedette.services.ingress.core.paths import Path, normalise
from vedette.services.ingress.core.routes import WEBSOCKET, Match, OtherMethods, RouteTable, is_analytics, is_api
from vedette.services.ingress.service.limits import limited
from vedette.services.ingress.service.web import PAGE_POLICY, Page, WebApp

type Authenticate = Callable[[Mapping[str, str], Mapping[str, str]], Awaitable[Subject | None]]
"""Who asks, by the headers that count (`authorization`) and the cookies; None for nobody."""

_ANY_SIZE = 1 << 62
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_KEEPS_CREDENTIALS = "accounts"
_CREDENTIALS = frozenset({b"cookie", b"authorization"})
_FROM_OUTSIDE = frozenset(
    {IDENTITY_HEADER, b"user-type", b"forwarded", b"x-real-ip", b"x-http-method-override", b"x-original-url"}
)
_HARDENED = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), microphone=(), geolocation=()"),
)
_API_DEFAULTS = (
    *_HARDENED,
    (b"cache-control", b"no-store"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
)


@dataclass(frozen=True, slots=True)
class Gate:
    """What the gateway decides by."""

    routes: RouteTable
    upstreams: Mapping[str, ASGIApp]
    authenticate: Authenticate
    host_names: frozenset[str]
    body_limit_bytes: int
    web: WebApp


class Gateway:
    """The ASGI application of the one port. Deny by default: what no rule opens is 404, whom nobody knows is 401."""

    def __init__(self, gate: Gate, telemetry: Telemetry, document: Callable[[], dict[str, Any]]) -> None:
        self._gate, self._document = gate, document
        self._refused = telemetry.counter("refused", "requests that ingress answered itself", ["status"])

    def openapi(self) -> dict[str, Any]:
        """The document of ingress' own routes."""
        return self._document()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in {"http", "websocket"}:
            return
        path = normalise(scope["raw_path"])
        style: ErrorStyle = "analytics" if path is not None and is_analytics(path) else "vst"
        guarded = _hardened(send, _API_DEFAULTS)
        try:
            answer = await self._decide(scope, path)
            if isinstance(answer, Page):
                await _send_page(scope, send, answer)
            else:
                app, inside, limit_bytes = answer
                await limited(app, inside, receive, guarded, limit_bytes=limit_bytes)
        except Fault as fault:
            self._refused.labels(fault.status).inc()
            await refuse(scope, guarded, fault, style=style)

    async def _decide(self, scope: Scope, path: Path | None) -> Page | tuple[ASGIApp, Scope, int]:
        """A page of the web app, or the upstream, what it is told and the most bytes it is sent. Fault otherwise."""
        headers = _Headers(scope)
        if not host_allowed(headers.one("host") or "", self._gate.host_names):
            raise Fault("InvalidParameterError", 421, "This box does not go by that name. Add it to ingress.names.")
        if path is None:
            raise invalid("The path is ambiguous. Write it without dot segments and encoded slashes.")
        method = WEBSOCKET if scope["type"] == "websocket" else scope["method"]
        found = self._gate.routes.find(method, path)
        if isinstance(found, Match):
            caller = await self._admit(found, method, headers)
            limit_bytes = _ANY_SIZE if found.route.is_streamed else self._gate.body_limit_bytes
            return self._gate.upstreams[found.route.upstream], _inside(scope, found, caller), limit_bytes
        if isinstance(found, OtherMethods):
            allow = ", ".join(name for name in found.allowed if name != WEBSOCKET)
            text = f"This address takes {allow or 'websockets'}, not {method}."
            raise Fault("MethodNotAllowedError", 405, text, headers={"allow": allow})
        page = self._gate.web.answer(path.decoded, headers) if method in {"GET", "HEAD"} and not is_api(path) else None
        if page is None:
            raise not_found("There is nothing at this address. See the API reference for what there is.")
        return page

    async def _admit(self, found: Match, method: str, headers: "_Headers") -> Subject | None:
        """Who asks, if they may. Fault 401 or 403 otherwise."""
        action = found.route.action
        bearer = headers.one("authorization")
        changes = bearer is None and method not in _SAFE  # what a browser could be tricked into
        is_ours = same_origin(headers.one("origin"), headers.one("sec-fetch-site"), headers.one("host") or "")
        if changes and is_ours is False:
            raise forbidden("Another website sent this. Open Vedette itself and try again.")
        if action is Action.PUBLIC:
            return None
        if bearer is not None:
            caller = await self._gate.authenticate({"authorization": bearer}, {})
        else:
            caller = await self._gate.authenticate({}, cookies_of(headers.all("cookie")))
            if caller is not None and changes and is_ours is None:
                raise forbidden("A signed-in browser must say where this comes from (Origin). Scripts use a token.")
        if caller is None:
            raise unauthorized()
        # Grants of single sensors are the upstream's matter: only it knows which sensor a request concerns.
        decision = authorize(msgspec.structs.replace(caller, sensors=[]), action, Resource())
        if not decision.allowed:
            raise decision.fault or unauthorized()
        return caller


class _Headers(dict[str, str]):
    """Header values by lower-case name; `one` refuses a name that is given twice."""

    def __init__(self, scope: Scope) -> None:
        self._pairs = [(name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in scope["headers"]]
        super().__init__(self._pairs)

    def all(self, name: str) -> list[str]:
        return [value for found, value in self._pairs if found == name]

    def one(self, name: str) -> str | None:
        values = self.all(name)
        if len(values) > 1:
            raise invalid(f"Send the header {name} once.")
        return values[0] if values else None


def _inside(scope: Scope, found: Match, caller: Subject | None) -> Scope:
    """The scope as the upstream sees it: one form of the path, the caller, and no header that only we may set."""
    dropped = _FROM_OUTSIDE if found.route.upstream == _KEEPS_CREDENTIALS else _FROM_OUTSIDE | _CREDENTIALS
    kept = [
        (name.lower(), value)
        for name, value in scope["headers"]
        if name.lower() not in dropped and not name.lower().startswith(b"x-forwarded-")
    ]
    path = found.path
    return {**scope, "path": path.decoded, "raw_path": path.raw.encode(), "headers": kept, SUBJECT: caller}


def _hardened(send: Send, defaults: tuple[tuple[bytes, bytes], ...]) -> Send:
    """Adds each header that the reply does not set itself."""

    async def hardened(message: Any) -> None:
        if message["type"].endswith("response.start"):
            present = {name.lower() for name, _ in message["headers"]}
            added = [item for item in defaults if item[0] not in present]
            message = {**message, "headers": [*message["headers"], *added]}
        await send(message)

    return hardened


async def _send_page(scope: Scope, send: Send, page: Page) -> None:
    policy = ((b"content-security-policy", PAGE_POLICY.encode()),)
    harden = _hardened(send, _HARDENED + policy)
    headers = [(name.encode(), value.encode()) for name, value in page.headers.items()]
    if page.status != 304:
        headers.append((b"content-length", str(len(page.body)).encode()))
    await harden({"type": "http.response.start", "status": page.status, "headers": headers})
    await harden({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else page.body})
