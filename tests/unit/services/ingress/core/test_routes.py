"""What is open, and to which method."""

from typing import Any

import pytest

from vedette.schema.identity import Action
from vedette.services.ingress.core.paths import normalise
from vedette.services.ingress.core.routes import (
    WEBSOCKET,
    Match,
    OtherMethods,
    RouteTable,
    is_analytics,
    is_api,
    metrics_route,
    routes_of,
)


def document(**paths: dict[str, str]) -> dict[str, Any]:
    return {
        "paths": {
            path: {method: {"x-vedette-action": action} for method, action in methods.items()}
            for path, methods in paths.items()
        }
    }


VST = document(
    **{
        "/healthz": {"get": "public"},
        "/metrics": {"get": "view"},
        "/api/v1/sensor/list": {"get": "view"},
        "/vst/api/v1/sensor/list": {"get": "view"},
        "/vst/api/v1/sensor/{sensorId}": {"get": "view", "delete": "delete"},
        "/vst/api/v1/clip/{id}.mp4": {"get": "export"},
        "/vst/api/v1/secret": {"get": "internal"},
        "/api/v1/live/streams": {"get": "live"},
    }
)
PERCEPTION = document(**{"/api/v1/stream/add": {"post": "configure"}, "/readyz": {"get": "public"}})
TABLE = RouteTable(
    [
        *routes_of("vst", VST, ["/vst/api/v1/live/ws"]),
        *routes_of("perception", PERCEPTION, []),
        metrics_route("vst"),
    ]
)


def test_only_what_says_so_takes_bodies_of_any_size() -> None:
    operation = {"x-vedette-action": "configure"}
    marked = {"paths": {"/vst/api/v1/file": {"put": operation | {"x-vedette-body": "stream"}, "post": operation}}}
    assert {route.method: route.is_streamed for route in routes_of("vst", marked, [])} == {"PUT": True, "POST": False}


def find(method: str, raw: bytes) -> Match | OtherMethods | None:
    path = normalise(raw)
    assert path is not None
    return TABLE.find(method, path)


@pytest.mark.parametrize(
    ("method", "raw", "inside", "action"),
    [
        ("GET", b"/vst/api/v1/sensor/list", "/vst/api/v1/sensor/list", Action.VIEW),
        ("GET", b"/vst/api/v1/sensor/door", "/vst/api/v1/sensor/door", Action.VIEW),
        ("DELETE", b"/vst/api/v1/sensor/door", "/vst/api/v1/sensor/door", Action.DELETE),
        ("DELETE", b"/vst/api/v1/sensor/list", "/vst/api/v1/sensor/list", Action.DELETE),  # a sensor of that name
        ("GET", b"/vst/api/v1/clip/7.mp4", "/vst/api/v1/clip/7.mp4", Action.EXPORT),
        ("GET", b"/vst/api/v1/live/streams", "/api/v1/live/streams", Action.LIVE),
        ("POST", b"/perception/api/v1/stream/add", "/api/v1/stream/add", Action.CONFIGURE),
        ("GET", b"/metrics/vst", "/metrics", Action.VIEW),
        (WEBSOCKET, b"//vst/api/v1/live/ws", "/vst/api/v1/live/ws", Action.VIEW),
    ],
)
def test_a_listed_route_is_open(method: str, raw: bytes, inside: str, action: Action) -> None:
    found = find(method, raw)
    assert isinstance(found, Match)
    assert (found.path.decoded, found.route.action) == (inside, action)


@pytest.mark.parametrize(
    "raw",
    [
        b"/vst/api/v1/sensor",
        b"/vst/api/v1/sensor/",
        b"/vst/api/v1/sensor/a/b",
        b"/vst/api/v1/sensor/list/",
        b"/vst/healthz",
        b"/vst/metrics",
        b"/vst/api/v1/secret",
        b"/vst/api/v1/clip/7.mp3",
        b"/api/v1/sensor/list",
        b"/perception/readyz",
        b"/perception/perception/api/v1/stream/add",
        b"/healthz",
        b"/metrics/nobody",
    ],
)
def test_nothing_else_is_open(raw: bytes) -> None:
    assert find("GET", raw) is None


def test_another_method_is_told_which_ones_there_are() -> None:
    assert find("PUT", b"/vst/api/v1/sensor/door") == OtherMethods(("DELETE", "GET"))
    assert find("GET", b"/perception/api/v1/stream/add") == OtherMethods(("POST",))


def test_a_route_without_an_action_and_an_upstream_without_a_mount_do_not_start() -> None:
    with pytest.raises(KeyError):
        routes_of("vst", {"paths": {"/vst/x": {"get": {}}}}, [])
    with pytest.raises(KeyError):
        routes_of("stranger", VST, [])


def test_surfaces_are_known_by_their_prefix() -> None:
    for raw, api, analytics in (
        (b"/", False, False),
        (b"/cameras/door", False, False),
        (b"/apis", False, False),
        (b"/api", True, False),
        (b"/vst/x", True, False),
        (b"/emdx/api/v2/alerts", True, True),
        (b"/ws-emdx/", True, True),
        (b"/api/v3.2/analytics/x", True, True),
        (b"/healthz", True, False),
    ):
        path = normalise(raw)
        assert path is not None
        assert (is_api(path), is_analytics(path)) == (api, analytics)
