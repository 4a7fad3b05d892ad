"""`vedette up`: one supervisor runs the light services as guarded tasks and the heavy ones, and the bus, as children.

Start order is by readiness: the bus, then everything else side by side, and `ready` is told once all of them answer.
"""

import contextlib
import socket
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio
from anyio.abc import TaskGroup

from vedette.kernel.bus import Bus, MemoryBus
from vedette.kernel.client import Client
from vedette.kernel.clock import Clock
from vedette.kernel.errors import Fault
from vedette.kernel.lifecycle import Backoff, Service, retry
from vedette.kernel.log import get_logger
from vedette.kernel.process import Child
from vedette.kernel.proxy import Proxy
from vedette.kernel.valkey import EmbeddedValkey
from vedette.node import HEAVY, WEB_DIR, Node, NodeSettings, bind, build, folder_lock, serving, stored_openapi
from vedette.schema.topics import VST_EVENT
from vedette.services.accounts.app import AccountsService
from vedette.services.accounts.app import build as build_accounts
from vedette.services.accounts.settings import AccountsSettings
from vedette.services.ingress.app import Upstream, tls_files
from vedette.services.ingress.app import build as build_ingress
from vedette.services.ingress.settings import IngressSettings

_READY_POLL_S = 0.1
_READY_PATIENCE_S = 60.0
_GUARD = Backoff(first_s=0.1, most_s=5.0, healthy_s=60.0)

type Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Running:
    """A started node, for whoever started it: its address, its accounts and its children by name."""

    url: str
    node: Node
    bus: Bus
    accounts: AccountsService
    children: dict[str, Child]


@contextlib.asynccontextmanager
async def up(node: Node, clock: Clock, progress: Progress) -> AsyncIterator[Running]:
    """A whole edge node, ready when entered, stopped in order when left. Fault when a part does not get ready."""
    settings = node.settings_of("ingress", IngressSettings)
    with folder_lock(node.data_dir), bind(settings.host, settings.port) as listener:
        async with anyio.create_task_group() as tasks, _bus(node, clock, tasks, progress) as bus:
            children = {name: _heavy(name, node, clock) for name in HEAVY}
            for child in children.values():
                tasks.start_soon(child.run)
            async with _front(node, bus, clock, listener) as (url, accounts):
                await _all_ready(node, clock, progress)
                yield Running(url, node, bus, accounts, children)
            tasks.cancel_scope.cancel()


@contextlib.asynccontextmanager
async def _bus(node: Node, clock: Clock, tasks: TaskGroup, progress: Progress) -> AsyncIterator[Bus]:
    if node.has_embedded_bus:
        folder = node.data_dir / "bus"
        folder.mkdir(exist_ok=True, mode=0o700)
        server = EmbeddedValkey(folder, node.bus_socket, clock)
        tasks.start_soon(server.run)
        await server.wait_ready()
        progress("bus ready")
    bus = node.open_bus()
    try:
        await _require_answer(bus)
        yield bus
    finally:
        await bus.close()


async def _require_answer(bus: Bus) -> None:
    try:
        await bus.latest(VST_EVENT)
    except Fault as fault:
        message = "The message bus does not answer. Start that server, or leave --bus out to use the built-in one."
        raise Fault(fault.code, fault.status, message) from fault


def _heavy(name: str, node: Node, clock: Clock) -> Child:
    """A child of the same command; it reads everything from the run folder, so that no setting becomes an argument."""
    return Child(name, [sys.executable, "-m", "vedette", "run", name, "--node", str(node.run_dir)], clock=clock)


@contextlib.asynccontextmanager
async def _front(
    node: Node, bus: Bus, clock: Clock, listener: socket.socket
) -> AsyncIterator[tuple[str, AccountsService]]:
    """The light services, mounted behind ingress on the one port."""
    settings = node.settings_of("ingress", IngressSettings)
    accounts = build_accounts(node.settings_of("accounts", AccountsSettings), node.kernel_of("accounts", bus, clock))
    analytics = build("analytics", node, node.kernel_of("analytics", bus, clock))
    kernel = node.kernel_of("ingress", bus, clock)
    upstreams = {
        "accounts": Upstream(accounts.app, stored_openapi("accounts"), ()),
        "analytics": Upstream(analytics.app, stored_openapi("analytics"), ("/ws-emdx/",)),
        **{
            name: Upstream(Proxy(f"unix://{node.socket_of(name)}", identity=kernel.identity), stored_openapi(name), ())
            for name in HEAVY
        },
    }
    ingress = build_ingress(settings, kernel, upstreams=upstreams, authenticate=accounts.authenticate, web_dir=WEB_DIR)
    tls = tls_files(settings, kernel)
    async with anyio.create_task_group() as tasks:
        for service in (accounts, analytics, ingress):
            await tasks.start(_guarded, service, clock)
        async with serving(ingress.app, listener=listener, tls=tls):
            yield _url(listener, secure=tls is not None), accounts
        tasks.cancel_scope.cancel()


async def _guarded(
    service: Service, clock: Clock, *, task_status: anyio.abc.TaskStatus[None] = anyio.TASK_STATUS_IGNORED
) -> None:
    """Keeps one mounted service alive; the first start is waited for, later ones happen behind `retry`."""
    started = False

    async def live() -> None:
        nonlocal started
        async with service.life():
            if not started:
                started = True
                task_status.started()
            await anyio.sleep_forever()

    await retry(live, clock=clock, log=get_logger("supervisor"), name=service.name, backoff=_GUARD)


async def _all_ready(node: Node, clock: Clock, progress: Progress) -> None:
    """Returns when every heavy service says so; Fault with the last reason after a minute."""
    async with anyio.create_task_group() as tasks:
        for name in HEAVY:
            tasks.start_soon(_wait_ready, name, node.socket_of(name), clock, progress)


async def _wait_ready(name: str, path: Path, clock: Clock, progress: Progress) -> None:
    reason = "it has not started"
    deadline = clock.monotonic() + _READY_PATIENCE_S
    async with Client(f"unix://{path}", caller="supervisor", identity=None, timeout_s=2.0) as client:
        while clock.monotonic() < deadline:
            try:
                await client.get_json("/readyz")
            except Fault as fault:
                reason = fault.message
                await clock.sleep(_READY_POLL_S)
            else:
                progress(f"{name} ready")
                return
    raise Fault("ServiceUnavailableError", 503, f"{name} did not get ready in a minute: {reason} See the log above.")


def _url(listener: socket.socket, *, secure: bool) -> str:
    host, port = listener.getsockname()[:2]
    shown = f"[{host}]" if ":" in host else "127.0.0.1" if host == "0.0.0.0" else host  # noqa: S104 - shown, not bound
    return f"{'https' if secure else 'http'}://{shown}:{port}"


@contextlib.asynccontextmanager
async def open_accounts(
    settings: NodeSettings, sections: Mapping[str, Mapping[str, Any]], clock: Clock
) -> AsyncIterator[AccountsService]:
    """The accounts of a data folder without its node, for the command line: whoever can open it is its admin."""
    with tempfile.TemporaryDirectory(prefix="vedette-run-") as run_dir:
        node = Node.create(settings, Path(run_dir), sections)
        accounts = build_accounts(
            node.settings_of("accounts", AccountsSettings), node.kernel_of("accounts", MemoryBus(), clock)
        )
        async with accounts.life():
            yield accounts
