"""What is open. A route is listed because an upstream's OpenAPI document names it; a prefix opens nothing."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from vedette.schema.identity import Action
from vedette.services.ingress.core.paths import Path

WEBSOCKET = "WEBSOCKET"
"""Stands where a method stands, for routes that are upgraded."""

BODY, STREAM = "x-vedette-body", "stream"
"""An operation with this mark takes files: its body may be of any size."""

_METHODS = frozenset({"get", "put", "post", "delete", "patch", "head"})
_PARAMETER = re.compile(r"\{[^}]*\}")


@dataclass(frozen=True, slots=True)
class Mount:
    """Where an upstream's routes appear: paths that begin with one of `keeps` as they are, other `/api/` ones below."""

    keeps: tuple[str, ...] = ()
    below: str = ""

    def outside(self, inside: str) -> str | None:
        """The public path of one of its routes, None when it has none: probes and metrics stay inside."""
        if inside.startswith(self.keeps):
            return inside
        return self.below + inside if self.below and inside.startswith("/api/") else None


MOUNTS: Mapping[str, Mount] = {
    "accounts": Mount(keeps=("/api/v1/accounts/",)),
    "analytics": Mount(keeps=("/emdx/", "/ws-emdx/", "/api/v3.2/analytics/")),
    "ingress": Mount(keeps=("/healthz", "/readyz", "/metrics")),
    "perception": Mount(below="/perception"),
    "vst": Mount(keeps=("/vst/",), below="/vst"),
}
"""A new service that is to be reached from outside adds its row."""

_API = ("/api/", "/vst/", "/emdx/", "/ws-emdx/", "/perception/", "/metrics/", "/healthz", "/readyz")
_ANALYTICS = ("/emdx/", "/ws-emdx/", "/api/v3.2/analytics/")


@dataclass(frozen=True, slots=True)
class Route:
    """One method of one path template. `strip` leading segments are the mount's own; `inside` replaces the path.

    `is_streamed` lets a body of any size pass: its limit is the upstream's, which reads it as it comes.
    """

    method: str
    template: str
    upstream: str
    action: Action
    strip: int = 0
    inside: str = ""
    is_streamed: bool = False


@dataclass(frozen=True, slots=True)
class Match:
    """An open route that a request asks for, and the path that its upstream gets."""

    route: Route
    path: Path


@dataclass(frozen=True, slots=True)
class OtherMethods:
    """The path is open, but not by this method."""

    allowed: tuple[str, ...]


class RouteTable:
    """Looks up requests. Where several templates fit, the one with more literal segments from the left wins."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self._by_length: dict[int, list[tuple[tuple[str | re.Pattern[str], ...], Route]]] = {}
        for route in routes:
            pattern = tuple(_segment(part) for part in route.template[1:].split("/"))
            self._by_length.setdefault(len(pattern), []).append((pattern, route))
        for rows in self._by_length.values():
            rows.sort(key=lambda row: [not isinstance(part, str) for part in row[0]])

    def find(self, method: str, path: Path) -> Match | OtherMethods | None:
        """What is open here; None when nothing is, by any method."""
        others: set[str] = set()
        for pattern, route in self._by_length.get(len(path.segments), ()):
            if not all(map(_fits, pattern, path.segments)):
                continue
            if route.method == method:
                inside = Path(route.inside, tuple(route.inside[1:].split("/"))) if route.inside else None
                return Match(route, inside or path.without(route.strip))
            others.add(route.method)
        return OtherMethods(tuple(sorted(others))) if others else None


def routes_of(name: str, document: Mapping[str, Any], websockets: Iterable[str]) -> list[Route]:
    """The public routes of one upstream. KeyError for an upstream without a mount or a route without an action."""
    mount = MOUNTS[name]
    found: dict[tuple[str, str], Route] = {}
    rows = [
        (method.upper(), inside, Action(operation["x-vedette-action"]), operation.get(BODY) == STREAM)
        for inside, item in document["paths"].items()
        for method, operation in item.items()
        if method in _METHODS
    ]
    rows.extend((WEBSOCKET, inside, Action.VIEW, False) for inside in websockets)
    rows.sort(
        key=lambda row: not row[1].startswith(mount.keeps or ("\0",))
    )  # a path that says where it lives goes first
    for method, inside, action, is_streamed in rows:
        outside = mount.outside(inside)
        if outside is not None and action is not Action.INTERNAL:
            strip = (len(outside) - len(inside)) and mount.below.count("/")
            found.setdefault((method, outside), Route(method, outside, name, action, strip, is_streamed=is_streamed))
    return list(found.values())


def metrics_route(name: str) -> Route:
    """The Prometheus text of one upstream, under the edge's own path."""
    return Route("GET", f"/metrics/{name}", name, Action.VIEW, inside="/metrics")


def is_api(path: Path) -> bool:
    """Whether a person's browser never navigates here, so that no page answers."""
    return (path.decoded + "/").startswith(_API)


def is_analytics(path: Path) -> bool:
    """Whether the path belongs to the surface whose errors are `{"error": …}`."""
    return (path.decoded + "/").startswith(_ANALYTICS)


def _segment(part: str) -> str | re.Pattern[str]:
    if "{" not in part:
        return part
    literals = _PARAMETER.split(part)
    return re.compile("[^/]+".join(map(re.escape, literals)), re.DOTALL)


def _fits(wanted: str | re.Pattern[str], segment: str) -> bool:
    return wanted == segment if isinstance(wanted, str) else wanted.fullmatch(segment) is not None
