"""`vedette cameras`: the demo's virtual cameras, a child of the node that a file in its run folder tells what to serve.

A file name that the user gave never becomes an argument; the child answers with a file of URLs.
"""

import argparse
import contextlib
import json
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from functools import partial
from pathlib import Path

import anyio

from vedette.cli.process import run_until_signal
from vedette.kernel import log
from vedette.kernel.clock import Clock, SystemClock
from vedette.kernel.errors import Fault
from vedette.kernel.process import Child
from vedette.tools.camera import SCENE, Camera, open_file, open_scene

_PLAN, _ANSWER = "cameras.json", "cameras.urls.json"
_PATIENCE_S = 30.0
_POLL_S = 0.05

type Urls = Callable[[], Awaitable[dict[str, str]]]


def options(parser: argparse.ArgumentParser) -> None:
    """`--node`."""
    parser.add_argument("--node", type=Path, required=True, help="run folder of the node that they belong to")


def run(chosen: argparse.Namespace) -> int:
    """Serves until SIGTERM or SIGINT."""
    log.configure(service="cameras")

    async def work() -> None:
        await serve(chosen.node)

    return run_until_signal(work)


@contextlib.asynccontextmanager
async def virtual_cameras(sources: Mapping[str, str], run_dir: Path, clock: Clock) -> AsyncIterator[Urls]:
    """Serves each source (a file or `scene`) by its name while entered; what it yields waits for their RTSP URLs."""
    await anyio.Path(run_dir / _PLAN).write_text(json.dumps({"port": 0, "sources": dict(sources)}), encoding="utf-8")
    child = Child("cameras", [sys.executable, "-m", "vedette", "cameras", "--node", str(run_dir)], clock=clock)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(child.run)
        yield partial(_read, run_dir / _ANSWER, clock)
        tasks.cancel_scope.cancel()


async def serve(run_dir: Path) -> None:
    """The child's side: serves the plan until cancelled. Started again, it takes the port that it had before."""
    plan_file, answer = anyio.Path(run_dir / _PLAN), anyio.Path(run_dir / _ANSWER)
    plan = json.loads(await plan_file.read_text(encoding="utf-8"))
    sources = {name: open_scene() if source == SCENE else open_file(source) for name, source in plan["sources"].items()}
    async with Camera(sources, clock=SystemClock(), port=plan["port"]) as camera:
        await plan_file.write_text(json.dumps({**plan, "port": camera.port}), encoding="utf-8")
        unfinished = anyio.Path(run_dir / f"{_ANSWER}.part")
        await unfinished.write_text(json.dumps({name: camera.url(name) for name in camera.names}), encoding="utf-8")
        await unfinished.rename(answer)
        await anyio.sleep_forever()


async def _read(answer: Path, clock: Clock) -> dict[str, str]:
    file, deadline = anyio.Path(answer), clock.monotonic() + _PATIENCE_S
    while not await file.exists():
        if clock.monotonic() > deadline:
            raise Fault("ServiceUnavailableError", 503, "The virtual cameras did not start; see the log above.")
        await clock.sleep(_POLL_S)
    urls: dict[str, str] = json.loads(await file.read_text(encoding="utf-8"))
    return urls
