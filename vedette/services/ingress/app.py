"""Wiring of ingress."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from vedette.kernel.context import Kernel
from vedette.kernel.errors import Fault
from vedette.kernel.http import create_app
from vedette.kernel.lifecycle import ASGIApp
from vedette.services.ingress.adapters.certificate import given, host_addresses, host_names, self_made
from vedette.services.ingress.adapters.web_files import read_web_app
from vedette.services.ingress.api import build_router
from vedette.services.ingress.core.origins import is_address, is_loopback
from vedette.services.ingress.core.routes import RouteTable, metrics_route, routes_of
from vedette.services.ingress.service import Ingress
from vedette.services.ingress.service.gateway import Authenticate, Gate, Gateway
from vedette.services.ingress.settings import IngressSettings


@dataclass(frozen=True, slots=True)
class Upstream:
    """A service behind ingress: mounted or a proxy, its OpenAPI document, and the paths of its websockets."""

    app: ASGIApp
    openapi: Mapping[str, Any]
    websockets: Sequence[str] = ()


def build(
    settings: IngressSettings,
    kernel: Kernel,
    *,
    upstreams: Mapping[str, Upstream],
    authenticate: Authenticate,
    web_dir: Path | None,
) -> Ingress:
    """The one port in front of these services, by the names that `core.routes.MOUNTS` knows."""
    apps = {name: upstream.app for name, upstream in upstreams.items()}
    service = Ingress(
        clock=kernel.clock,
        telemetry=kernel.telemetry,
        upstreams=apps,
        read_web_app=partial(read_web_app, web_dir),
    )
    own = create_app(
        service.name,
        routers=[build_router()],
        telemetry=kernel.telemetry,
        ready=service.ready,
        identity=None,
        description="The one port: probes and metrics of its own; all other routes belong to the services behind it.",
    )
    routes = [route for name, item in upstreams.items() for route in routes_of(name, item.openapi, item.websockets)]
    routes += routes_of(service.name, own.openapi(), ()) + [metrics_route(name) for name in upstreams]
    gate = Gate(
        routes=RouteTable(routes),
        upstreams={**apps, service.name: own},
        authenticate=authenticate,
        host_names=frozenset({*host_names(), *map(str.lower, settings.names)}),
        body_limit_bytes=settings.body_limit_bytes,
        web=service.web,
    )
    service.open(Gateway(gate, kernel.telemetry, own.openapi))
    return service


def tls_files(settings: IngressSettings, kernel: Kernel) -> tuple[Path, Path] | None:
    """Certificate and key to serve with; None for plain HTTP, which only loopback gets. Fault for it anywhere else."""
    loopback = is_loopback(settings.host)
    if settings.tls == "off" and not loopback:
        raise Fault(
            "ConfigurationError",
            500,
            f"ingress.tls is off, but {settings.host} can be reached from outside, where passwords would travel "
            "in the clear. Remove ingress.tls, or listen on 127.0.0.1.",
        )
    if settings.tls == "off" or (settings.tls == "auto" and loopback):
        return None
    if settings.certificate is not None and settings.certificate_key is not None:
        return given(settings.certificate, settings.certificate_key)
    own = [settings.host] if is_address(settings.host) and settings.host not in {"0.0.0.0", "::"} else []  # noqa: S104 - compared
    names = dict.fromkeys(["localhost", "127.0.0.1", "::1", *host_names(), *host_addresses(), *settings.names, *own])
    return self_made(kernel.data_dir / "tls", list(names), kernel.clock)
