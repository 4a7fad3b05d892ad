"""The command line of `vedette camera`, and serving what it asks for."""

import argparse
import asyncio
import ipaddress
import json
import os
import stat
import sys
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import anyio

from vedette.kernel.clock import Clock, SystemClock
from vedette.kernel.errors import invalid
from vedette.media.sources.looped import LoopedFile
from vedette.tools.camera import control
from vedette.tools.camera.control import Control
from vedette.tools.camera.openers import named_sources
from vedette.tools.camera.presence import Presence
from vedette.tools.camera.rack import Camera
from vedette.tools.camera.web import WebServer

_MAX_CONTROL_BYTES = 4096


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
    parser.add_argument(
        "--addresses", help="first loopback address of many: each camera gets a server of its own there"
    )
    parser.add_argument("--control", type=int, metavar="PORT", help="serve the control API on this loopback port")
    parser.add_argument("--onvif", type=int, metavar="PORT", help="ONVIF services, from this port on upwards (0: any)")
    parser.add_argument("--discovery", type=int, nargs="?", const=3702, metavar="PORT", help="answer WS-Discovery")
    parser.add_argument("--interface", default="127.0.0.1", help="address of the interface for discovery's multicast")
    parser.add_argument("--sloppy", action="store_true", help="ONVIF as careless devices speak it")
    parser.add_argument("--seed", type=int, default=0, help="seed of everything random (default: %(default)s)")


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
        addresses=None if options.addresses is None else loopback_addresses(options.addresses),
        seed=options.seed,
    ) as camera:
        _say("".join(f"{camera.url(name)}\n" for name in camera.names))
        async with AsyncExitStack() as stack:
            presence = await _presence(options, camera, credentials, stack)
            if options.control is not None:
                web = WebServer(Control(camera, presence.set_motion if presence else None).answer)
                stack.callback(web.close)
                _say(f"http://{control.HOST}:{await web.open(control.HOST, options.control)}\n")
            await _obey(camera)
            await anyio.sleep_forever()


async def _presence(
    options: argparse.Namespace, camera: Camera, credentials: dict[str, str] | None, stack: AsyncExitStack
) -> Presence | None:
    if options.onvif is None:
        if options.discovery is not None:
            raise invalid("--discovery needs --onvif: there is nothing else to discover.")
        return None
    presence = Presence(
        camera,
        port=options.onvif,
        credentials=credentials,
        sloppy=options.sloppy,
        discovery=options.discovery,
        interface=options.interface,
    )
    return await stack.enter_async_context(presence)


def loopback_addresses(first: str) -> Iterator[str]:
    """This loopback address and those after it; Fault 400 for another kind of address."""
    try:
        address = ipaddress.IPv4Address(first)
    except ValueError as error:
        raise invalid(f"--addresses: '{first}' is no IPv4 address.") from error
    if not address.is_loopback:
        raise invalid("--addresses begins at a loopback address, such as 127.0.1.1.")
    return map(str, map(ipaddress.IPv4Address, range(int(address), int(ipaddress.IPv4Address("127.255.255.255")))))


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
