"""`vedette camera`: video files and the synthetic scene as RTSP cameras on one port, with faults on demand.

Demonstrations, benches and tests use it as their cameras. A control line on standard input, when that is a pipe, is one
JSON object: `{"command": "stall" | "drop" | "refuse" | "resume", "name": "scene"}`, without name for all of them.
"""

import argparse
import asyncio
import json
import os
import re
import stat
import sys
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Self, override
from urllib.parse import quote

import anyio

from vedette.kernel.clock import Clock, SystemClock
from vedette.kernel.errors import Fault, invalid, not_found, unavailable
from vedette.kernel.lifecycle import retry
from vedette.kernel.log import get_logger
from vedette.media.hub import DropOldestGop, Hub
from vedette.media.rtsp_server import HubMount, Mount, RtspServer
from vedette.media.source import Source
from vedette.media.sources.looped import LoopedFile
from vedette.media.sources.test_pattern import ScenePattern
from vedette.media.unit import AccessUnit, CodecParameters

SCENE = "scene"
_UNSAFE = re.compile(r"[^A-Za-z0-9_.-]+")
_MAX_CONTROL_BYTES = 4096

type OpenSource = Callable[[Clock], Source]


@dataclass(slots=True)
class _Feed(Mount):
    """One name: a hub that copies may share, and the faults switched on for this name."""

    hub: Hub
    clock: Clock
    stalled: bool = False
    refused: bool = False
    _described: HubMount = field(init=False)

    def __post_init__(self) -> None:
        self._described = HubMount(self.hub, clock=self.clock)

    @override
    async def parameters(self) -> CodecParameters:
        if self.refused:
            raise unavailable("This camera refuses on request.")
        return await self._described.parameters()

    @override
    @asynccontextmanager
    async def subscribe(self) -> AsyncIterator[AsyncIterator[AccessUnit]]:
        async with self.hub.subscribe(DropOldestGop(), across_sessions=True) as units:
            yield self._passing(units)

    async def _passing(self, units: AsyncIterator[AccessUnit]) -> AsyncIterator[AccessUnit]:
        """Everything but what falls into a stall; afterwards it goes on at a keyframe, as an encoder would."""
        broken = False
        async for unit in units:
            broken = self.stalled or (broken and not unit.is_keyframe)
            if not broken:
                yield unit


class Camera:
    """RTSP cameras: `async with Camera({"gate": open_file("gate.mp4"), "scene": open_scene()}, clock=…) as camera`.

    With `copies` > 1 each source is served that many times as `name-0`, `name-1`, …, read only once. The faults take a
    name, or None for every name; all of them can be called at any time.
    """

    def __init__(
        self,
        sources: Mapping[str, OpenSource],
        *,
        clock: Clock,
        host: str = "127.0.0.1",
        port: int = 0,
        credentials: Mapping[str, str] | None = None,
        copies: int = 1,
    ) -> None:
        self._clock = clock
        self._host = host
        self._sources = sources
        self._hubs = {name: Hub(clock=clock) for name in sources}
        self._feeds: dict[str, _Feed] = {}
        for name, hub in self._hubs.items():
            for served in [name] if copies == 1 else [f"{name}-{copy}" for copy in range(copies)]:
                self._feeds[served] = _Feed(hub, clock)
        self.server = RtspServer(host=host, port=port, mounts=self._mount, authenticate=credentials, clock=clock)
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        """Bind and start every source; `OSError` when the port is taken."""
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(self.server)
            group = await stack.enter_async_context(anyio.create_task_group())
            stack.callback(group.cancel_scope.cancel)
            for name, hub in self._hubs.items():
                group.start_soon(self._run, name, hub)
            self._stack = stack.pop_all()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Cut the clients and close the sources."""
        await self._stack.aclose()

    @property
    def port(self) -> int:
        """The port that is bound."""
        return self.server.port

    @property
    def names(self) -> list[str]:
        """What is served."""
        return list(self._feeds)

    def url(self, name: str) -> str:
        """The RTSP URL of a name, without credentials; Fault 404 for a name that is not served."""
        self._chosen(name)
        return f"rtsp://{self._host}:{self.port}/{quote(name)}"

    def stall(self, name: str | None = None) -> None:
        """Keep connections open and send nothing, as a camera that hangs."""
        for feed in self._chosen(name):
            feed.stalled = True

    def drop(self, name: str | None = None) -> None:
        """Cut the clients; they may come back at once."""
        for served in self._feeds if name is None else [name]:
            self._chosen(served)
            self.server.drop_clients(f"/{served}")

    def refuse(self, name: str | None = None) -> None:
        """Cut the clients and answer 503 to new ones, as a camera that restarts."""
        for feed in self._chosen(name):
            feed.refused = True
        self.drop(name)

    def resume(self, name: str | None = None) -> None:
        """End stalling and refusing."""
        for feed in self._chosen(name):
            feed.stalled = feed.refused = False

    def control(self, line: bytes) -> dict[str, object]:
        """Obey one control line; the answer is `{"ok": true}` or `{"ok": false, "error": …}`."""
        switches = {"stall": self.stall, "drop": self.drop, "refuse": self.refuse, "resume": self.resume}
        try:
            order = json.loads(line)
            switches[order["command"]](order.get("name"))
        except Fault as fault:
            return {"ok": False, "error": fault.message}
        except (ValueError, KeyError, TypeError, AttributeError):
            return {"ok": False, "error": f'Write {{"command": …, "name": …}} with one of {", ".join(switches)}.'}
        return {"ok": True}

    def _chosen(self, name: str | None) -> list[_Feed]:
        if name is not None and name not in self._feeds:
            raise not_found(f"There is no camera '{name}'.")
        return list(self._feeds.values()) if name is None else [self._feeds[name]]

    def _mount(self, path: str) -> Mount | None:
        return self._feeds.get(path.removeprefix("/"))

    async def _run(self, name: str, hub: Hub) -> None:
        async def session() -> None:
            await hub.run(self._sources[name](self._clock))

        await retry(session, clock=self._clock, log=get_logger("camera"), name=name)


def open_file(path: str | Path) -> OpenSource:
    """A looping video file."""
    return partial(_open_file, str(path))


def _open_file(path: str, clock: Clock) -> Source:
    return LoopedFile(path, clock=clock)


def open_scene(*, fps: int = 15, width: int = 640, height: int = 360) -> OpenSource:
    """The synthetic scene."""
    return partial(_open_scene, fps, width, height)


def _open_scene(fps: int, width: int, height: int, clock: Clock) -> Source:
    return ScenePattern(clock=clock, fps=fps, width=width, height=height)


def named_sources(items: Sequence[str], *, fps: int = 15, width: int = 640, height: int = 360) -> dict[str, OpenSource]:
    """Sources of the command line: `scene`, `FILE` (named after it) or `NAME=FILE`; a taken name gets a number."""
    sources: dict[str, OpenSource] = {}
    for item in items:
        given, equals, path = item.partition("=")
        if not equals:
            given, path = (SCENE, SCENE) if item == SCENE else (Path(item).stem, item)
        wanted = _UNSAFE.sub("-", given).strip("-") or "camera"
        name, number = wanted, 2
        while name in sources:
            name, number = f"{wanted}-{number}", number + 1
        sources[name] = open_scene(fps=fps, width=width, height=height) if path == SCENE else open_file(path)
    return sources


# --- command line ----------------------------------------------------------------------------------------------------


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options of `vedette camera`."""
    parser.add_argument("items", nargs="+", metavar="FILE", help="a video file, NAME=FILE, or the word 'scene'")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument("--port", type=int, default=8554, help="RTSP port, 0 for any free one (default: %(default)s)")
    parser.add_argument("--copies", type=int, default=1, help="serve each source so many times, read once")
    parser.add_argument("--user", help="user name clients must give (digest)")
    parser.add_argument("--password-file", type=Path, help="file whose first line is the user's password")
    parser.add_argument("--fps", type=int, default=15, help="frames per second of the scene (default: %(default)s)")
    parser.add_argument("--width", type=int, default=640, help="width of the scene (default: %(default)s)")
    parser.add_argument("--height", type=int, default=360, help="height of the scene (default: %(default)s)")


async def serve(options: argparse.Namespace, *, clock: Clock | None = None) -> None:
    """Serve until cancelled; each URL is one line on standard output. Fault 400 for options that make no sense."""
    chosen = clock or SystemClock()
    sources = named_sources(options.items, fps=options.fps, width=options.width, height=options.height)
    for source in [open_one(chosen) for open_one in sources.values()]:
        if isinstance(source, LoopedFile):
            await anyio.to_thread.run_sync(source.check)
    credentials = _credentials(options.user, options.password_file)
    if not 1 <= options.copies <= 1000:
        raise invalid("--copies goes from 1 to 1000.")
    async with Camera(
        sources,
        clock=chosen,
        host=options.host,
        port=options.port,
        credentials=credentials,
        copies=options.copies,
    ) as camera:
        _say("".join(f"{camera.url(name)}\n" for name in camera.names))
        await _obey(camera)
        await anyio.sleep_forever()


def _credentials(user: str | None, password_file: Path | None) -> dict[str, str] | None:
    if (user is None) != (password_file is None):
        raise invalid("--user and --password-file go together.")
    if user is None or password_file is None:
        return None
    try:
        first, *_ = password_file.read_text().splitlines() or [""]
    except (OSError, UnicodeDecodeError) as error:
        raise invalid(f"The password file cannot be read: {error}.") from error
    if not first:
        raise invalid("The password file is empty.")
    return {user: first}


async def _obey(camera: Camera) -> None:
    """Read control lines while standard input is a pipe or socket; returns at its end."""
    if sys.stdin is None or not _is_pipe(sys.stdin.fileno()):
        return
    reader = asyncio.StreamReader(limit=_MAX_CONTROL_BYTES)
    loop = asyncio.get_running_loop()
    transport, _ = await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    try:
        while line := await reader.readline():
            _say(json.dumps(camera.control(line)) + "\n")
    except ValueError as error:
        raise invalid("A control line is too long.") from error
    finally:
        transport.close()


def _is_pipe(descriptor: int) -> bool:
    mode = os.fstat(descriptor).st_mode
    return stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode)


def _say(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()
