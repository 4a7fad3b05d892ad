"""A node that only records, and cameras for it: the real service process, driven by its own API."""

import contextlib
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio

from vedette.kernel.auth import Identity
from vedette.kernel.client import Client
from vedette.kernel.clock import SystemClock
from vedette.kernel.errors import Fault
from vedette.kernel.process import Child
from vedette.kernel.valkey import EmbeddedValkey
from vedette.node import Node, NodeSettings


@dataclass(frozen=True, slots=True)
class Recorder:
    """A running VST process."""

    child: Child
    client: Client
    socket: Path
    identity: Identity


@contextlib.contextmanager
def cameras(sources: Sequence[str], *, copies: int = 1) -> Iterator[list[str]]:
    """`vedette camera` on a free port; yields the URLs that it printed."""
    argv = [sys.executable, "-m", "vedette", "camera", *sources, "--port", "0", "--copies", str(copies)]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        try:
            yield [process.stdout.readline().strip() for _ in range(copies * len(sources))]
        finally:
            process.terminate()


@contextlib.asynccontextmanager
async def recorder(vst: Mapping[str, Any], *, data: Path | None = None) -> AsyncIterator[Recorder]:
    """A VST process on a temporary folder, or on the node that lies in `data`; ready when entered."""
    clock = SystemClock()
    with tempfile.TemporaryDirectory(prefix="vedette-bench-") as folder:
        run_dir, data_dir = Path(folder) / "run", data or Path(folder) / "data"
        await anyio.Path(run_dir).mkdir(mode=0o700)
        sections = {"vst": {"allowed_networks": ["127.0.0.0/8"], **vst}}
        node = Node.create(NodeSettings(data_dir=data_dir, log_level="error"), run_dir, sections)
        bus_dir = data_dir / "bus"
        await anyio.Path(bus_dir).mkdir(exist_ok=True)
        server = EmbeddedValkey(bus_dir, node.bus_socket, clock)
        child = Child("vst", [sys.executable, "-m", "vedette", "run", "vst", "--node", str(run_dir)], clock=clock)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(server.run)
            await server.wait_ready()
            tasks.start_soon(child.run)
            identity = node.kernel_of("bench", node.open_bus(), clock).identity
            base = f"unix://{node.socket_of('vst')}"
            async with Client(base, caller="bench", identity=identity, timeout_s=60) as client:
                await until_ready(client)
                yield Recorder(child, client, Path(node.socket_of("vst")), identity)
            tasks.cancel_scope.cancel()


async def until_ready(client: Client) -> None:
    """Returns once the service says that it is ready."""
    for _ in range(1200):
        with contextlib.suppress(Fault):
            await client.get_json("/readyz")
            return
        await anyio.sleep(0.1)
    raise SystemExit("the recorder did not get ready")


async def add_all(client: Client, urls: Sequence[str]) -> list[str]:
    """Adds cameras; returns their sensor ids."""
    ids = []
    for number, url in enumerate(urls):
        reply = await client.request_json(
            "POST", "/vst/api/v1/sensor/add", {"sensorUrl": url, "name": f"camera {number}"}
        )
        ids.append(reply["sensorId"])
    return ids
