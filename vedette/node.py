"""The composition root: which services there are, how each is built, and how one is served.

A process is a set of services. `LIGHT` ones mostly wait and share the supervisor's process; `HEAVY` ones touch codecs
or networks of numbers and get a process of their own. The difference is made here and nowhere else.
"""

import contextlib
import fcntl
import json
import os
import socket
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any, override

import anyio
import msgspec
import uvicorn
from pydantic import Field

from vedette.kernel.auth import Identity, new_secret, write_secret
from vedette.kernel.bus import Bus, MemoryBus
from vedette.kernel.bus_redis import RedisBus
from vedette.kernel.clock import Clock, SystemClock
from vedette.kernel.context import Kernel
from vedette.kernel.errors import Fault
from vedette.kernel.lifecycle import ASGIApp, Service
from vedette.kernel.server import RefusableWebSocket, StrictHttp
from vedette.kernel.settings import Settings
from vedette.kernel.telemetry import Telemetry

EMBEDDED_BUS = "embedded:"
LIGHT = ("accounts", "analytics", "ingress")
HEAVY = ("vst", "perception")
SETS: Mapping[str, tuple[str, ...]] = {"edge": (*LIGHT, *HEAVY)}

_PACKAGE = Path(__file__).parent
WEB_DIR = _PACKAGE / "web"
OPENAPI_DIR = _PACKAGE / "data" / "openapi"


class NodeSettings(Settings):
    """What concerns the whole node."""

    data_dir: Path = Field(Path("~/.local/share/vedette"), description="Folder for recordings, databases and keys.")
    bus: str = Field(EMBEDDED_BUS, description="Message bus: embedded: for the built-in server, or a redis:// URL.")
    log_level: str = Field("info", pattern="^(debug|info|warning|error)$", description="Least level that is logged.")


@dataclass(frozen=True, slots=True)
class Node:
    """One running node: its folders, its bus and the settings of each section. Children read it from `run_dir`."""

    data_dir: Path
    run_dir: Path
    bus_url: str
    relay_secret: str
    log_level: str
    sections: Mapping[str, Mapping[str, Any]]

    @classmethod
    def create(cls, settings: NodeSettings, run_dir: Path, sections: Mapping[str, Mapping[str, Any]]) -> "Node":
        """A new node: makes the data folder, checks that it can be written, and leaves its description in `run_dir`."""
        data_dir = settings.data_dir.expanduser().absolute()
        _require_writable(data_dir)
        node = cls(
            data_dir=data_dir,
            run_dir=run_dir,
            bus_url=settings.bus,
            relay_secret=new_secret(),
            log_level=settings.log_level,
            sections=sections,
        )
        description = {**asdict(node), "data_dir": str(data_dir), "run_dir": str(run_dir)}
        write_secret(run_dir / "node.json", json.dumps(description, default=str).encode())
        return node

    @classmethod
    def load(cls, run_dir: Path) -> "Node":
        """The node that a supervisor described in `run_dir`."""
        return msgspec.json.decode((run_dir / "node.json").read_bytes(), type=cls, dec_hook=_decode_path)

    def socket_of(self, service: str) -> Path:
        """Where a heavy service listens."""
        return self.run_dir / f"{service}.sock"

    def settings_of[S: Settings](self, service: str, kind: type[S]) -> S:
        """The validated section of one service."""
        return kind.parse(service, self.sections.get(service, {}))

    def kernel_of(self, service: str, bus: Bus, clock: Clock) -> Kernel:
        """What the service is given."""
        return Kernel(
            clock=clock,
            bus=bus,
            telemetry=Telemetry(service),
            data_dir=self.data_dir / service,
            run_dir=self.run_dir,
            identity=Identity.load_or_create(self.run_dir / "identity.pem", clock),
            relay_secret=self.relay_secret,
        )

    @property
    def bus_socket(self) -> Path:
        """Where the embedded bus listens."""
        return self.run_dir / "bus.sock"

    @property
    def has_embedded_bus(self) -> bool:
        """Whether the supervisor runs the bus."""
        return self.bus_url == EMBEDDED_BUS

    def open_bus(self) -> Bus:
        """The bus by its URL; `memory:` lives inside one process and is for tests."""
        if self.bus_url == "memory:":
            return MemoryBus()
        return RedisBus(f"unix://{self.bus_socket}" if self.has_embedded_bus else self.bus_url)


def _decode_path(kind: type, value: Any) -> Any:
    if kind is Path:
        return Path(value)
    raise NotImplementedError(f"node.json holds no {kind}")


def _require_writable(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise Fault("ConfigurationError", 500, f"Cannot make the data folder {folder}: {error.strerror}.") from error
    if not os.access(folder, os.W_OK | os.X_OK):
        raise Fault(
            "ConfigurationError", 500, f"The data folder {folder} is not writable. Choose another with --data-dir."
        )


@contextlib.contextmanager
def folder_lock(folder: Path) -> Iterator[None]:
    """One node a data folder; Fault when another one holds it. The kernel lets go when the process dies."""
    with open(folder / "node.lock", "a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise Fault(
                "ConfigurationError", 500, f"Another Vedette is running on {folder}. Stop it, or choose --data-dir."
            ) from error
        yield


@dataclass(frozen=True, slots=True)
class Row:
    """How one service is made: the class of its settings section, and what builds it from settings and kernel."""

    settings: type[Settings]
    build: Callable[[Any, Kernel], Service]


def build(service: str, node: Node, kernel: Kernel) -> Service:
    """One service from its section of the node's configuration."""
    row = SERVICES[service]()
    return row.build(node.settings_of(service, row.settings), kernel)


def app_of(service: str) -> ASGIApp:
    """The application of a service with default settings, nothing started: for its OpenAPI document."""
    with tempfile.TemporaryDirectory(prefix="vedette-") as folder:
        run_dir = Path(folder)
        node = Node(run_dir / "data", run_dir, "memory:", "", "info", {})
        return build(service, node, node.kernel_of(service, MemoryBus(), SystemClock())).app


def openapi(service: str) -> dict[str, Any]:
    """The OpenAPI document of a service, made without starting anything."""
    app: Any = app_of(service)
    document: dict[str, Any] = app.openapi()
    return document


def stored_openapi(service: str) -> dict[str, Any]:
    """The same document as it ships, so that the supervisor need not load a heavy service to route to it."""
    document: dict[str, Any] = json.loads((OPENAPI_DIR / f"{service}.json").read_text(encoding="utf-8"))
    return document


class QuietServer(uvicorn.Server):
    """A server that leaves signals to whoever owns the process."""

    @override
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Captures none."""
        yield


@contextlib.asynccontextmanager
async def serving(
    app: ASGIApp, *, listener: socket.socket | Path, tls: tuple[Path, Path] | None = None
) -> AsyncIterator[None]:
    """Serves the app on a bound TCP socket or a unix socket path while entered; open requests get two seconds."""
    config = uvicorn.Config(
        app,
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        http=StrictHttp,
        ws=RefusableWebSocket,
        timeout_graceful_shutdown=2,
        uds=str(listener) if isinstance(listener, Path) else None,
        ssl_certfile=tls[0] if tls else None,
        ssl_keyfile=tls[1] if tls else None,
    )
    server = QuietServer(config)
    sockets = [listener] if isinstance(listener, socket.socket) else None
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(server.serve, sockets)
        try:
            yield
        finally:
            server.should_exit = True


def bind(host: str, port: int) -> socket.socket:
    """A listening TCP socket; Fault that names the port when it is taken."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise Fault(
            "PortInUse", 500, f"Port {port} on {host} cannot be used ({error.strerror}). Choose another with --port."
        ) from error
    return listener


async def run_alone(service: str, run_dir: Path) -> None:
    """One heavy service of a node in this process, until cancelled."""
    node = Node.load(run_dir)
    bus = node.open_bus()
    built = build(service, node, node.kernel_of(service, bus, SystemClock()))
    path = node.socket_of(service)
    path.unlink(missing_ok=True)
    async with serving(built.app, listener=path), built.life():
        await anyio.sleep_forever()


def _accounts() -> Row:
    from vedette.services.accounts import app, settings

    return Row(settings.AccountsSettings, app.build)


def _analytics() -> Row:
    from vedette.services.analytics import app, settings

    return Row(settings.AnalyticsSettings, app.build)


def _ingress() -> Row:
    from vedette.services.ingress import app, settings

    async def nobody(*_: object) -> None:
        return None

    return Row(settings.IngressSettings, partial(app.build, upstreams={}, authenticate=nobody, web_dir=None))


def _perception() -> Row:
    from vedette.services.perception import app, settings

    return Row(settings.PerceptionSettings, app.build)


def _vst() -> Row:
    from vedette.services.vst import app, settings

    return Row(settings.VstSettings, app.build)


SERVICES: Mapping[str, Callable[[], Row]] = {
    "accounts": _accounts,
    "analytics": _analytics,
    "ingress": _ingress,
    "perception": _perception,
    "vst": _vst,
}
"""The table of services. A row is looked up only by a process that runs it: codecs and networks cost memory."""
