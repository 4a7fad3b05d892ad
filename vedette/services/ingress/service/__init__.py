"""Ingress as a service: the gateway in front of its upstreams, and whether each of them is ready."""

import contextlib
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack
from typing import Any

import anyio
import anyio.to_thread
import msgspec

from vedette.kernel.clock import Clock
from vedette.kernel.lifecycle import ASGIApp
from vedette.kernel.proxy import Proxy
from vedette.kernel.telemetry import Telemetry
from vedette.services.ingress.adapters.web_files import WebFile
from vedette.services.ingress.service.gateway import Gateway
from vedette.services.ingress.service.web import WebApp

_POLL_S = 2.0
_POLL_WAITING_S = 0.25
_PATIENCE_S = 2.0


class Ingress:
    """The one port. `app` is complete after `open`; its life connects the upstreams and watches over them."""

    name = "ingress"

    def __init__(
        self,
        *,
        clock: Clock,
        telemetry: Telemetry,
        upstreams: Mapping[str, ASGIApp],
        read_web_app: Callable[[], Mapping[str, WebFile]],
    ) -> None:
        self._clock, self._upstreams, self._read_web_app = clock, upstreams, read_web_app
        self._reasons: dict[str, str | None] = dict.fromkeys(upstreams, "it was not asked yet")
        self._up = telemetry.gauge("upstream_ready", "1 when the service behind ingress is ready", ["service"])
        self._gateway: Gateway | None = None
        self.web = WebApp()

    def open(self, gateway: Gateway) -> None:
        """Sets what is served."""
        self._gateway = gateway

    @property
    def app(self) -> Gateway:
        """Everything that the port answers."""
        if self._gateway is None:
            raise RuntimeError("open the gateway first")
        return self._gateway

    def ready(self) -> str | None:
        """None when every service behind it is ready, else the reasons."""
        reasons = [f"{name}: {reason}" for name, reason in self._reasons.items() if reason is not None]
        return "; ".join(reasons) or None

    @contextlib.asynccontextmanager
    async def life(self) -> AsyncIterator[None]:
        """Reads the web app, connects the proxies, asks the upstreams for their readiness until left."""
        self.web.replace(await anyio.to_thread.run_sync(self._read_web_app))
        async with AsyncExitStack() as stack, anyio.create_task_group() as tasks:
            for name, upstream in self._upstreams.items():
                if isinstance(upstream, Proxy):
                    await stack.enter_async_context(upstream)
                tasks.start_soon(self._watch, name, upstream)
            yield
            tasks.cancel_scope.cancel()

    async def _watch(self, name: str, upstream: ASGIApp) -> None:
        while True:
            reason = await _readiness(upstream)
            self._reasons[name] = reason
            self._up.labels(name).set(reason is None)
            await self._clock.sleep(_POLL_S if reason is None else _POLL_WAITING_S)


async def _readiness(upstream: ASGIApp) -> str | None:
    """What the upstream's own probe says."""
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    with anyio.move_on_after(_PATIENCE_S) as patience:
        await upstream(_probe_scope(), _silence, send)
    if patience.cancelled_caught or not sent:
        return "it does not answer"
    if sent[0]["status"] == 200:
        return None
    try:
        told = msgspec.json.decode(b"".join(item.get("body", b"") for item in sent[1:]), type=dict[str, str])
    except msgspec.MsgspecError:
        return f"it answered {sent[0]['status']}"
    return told.get("status") or told.get("error_message") or told.get("error") or "it is not ready"


async def _silence() -> Any:
    """The probing side has nothing to say and does not leave."""
    await anyio.sleep_forever()


def _probe_scope() -> dict[str, Any]:
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": "/readyz",
        "raw_path": b"/readyz",
        "query_string": b"",
        "root_path": "",
        "headers": [(b"host", b"localhost")],
        "client": None,
        "server": None,
        "state": {},
    }
