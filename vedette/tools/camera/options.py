"""The command line of `vedette camera`, and serving what it asks for."""

import argparse
import asyncio
import ipaddress
import json
import os
import re
import stat
import sys
from collections.abc import Iterator
from contextlib import AsyncExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path

import anyio

from vedette.kernel.clock import Clock, SystemClock
from vedette.kernel.errors import invalid
from vedette.media.sources.looped import LoopedFile
from vedette.tools.camera import control
from vedette.tools.camera.control import Control
from vedette.tools.camera.openers import Opener, OpenFile, OpenLoop, OpenReel, OpenScene, named_sources
from vedette.tools.camera.presence import Presence
from vedette.tools.camera.rack import Camera
from vedette.tools.camera.reel import Shelf
from vedette.tools.camera.spec import StreamSpec
from vedette.tools.camera.web import WebServer

_MAX_CONTROL_BYTES = 4096
_SIZE = re.compile(r"^(\d{2,4})x(\d{2,4})$", re.ASCII)


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options of `vedette camera`."""
    parser.add_argument("items", nargs="*", metavar="FILE", help="a video file, NAME=FILE, or the word 'scene'")
    _add_network_options(parser)
    scene = parser.add_argument_group("what the cameras show")
    scene.add_argument("--cameras", type=int, metavar="N", help="N cameras camera-1 … of the scene, or of --loop")
    scene.add_argument("--loop", type=Path, metavar="FILE", help="a file with its sound, read into memory once")
    scene.add_argument("--copies", type=int, default=1, help="serve each source so many times, read once")
    scene.add_argument("--codec", choices=("h264", "hevc", "av1"), default="h264", help="(default: %(default)s)")
    scene.add_argument("--fps", type=int, default=15, help="frames per second of the scene (default: %(default)s)")
    scene.add_argument("--width", type=int, default=640, help="width of the scene (default: %(default)s)")
    scene.add_argument("--height", type=int, default=360, help="height of the scene (default: %(default)s)")
    scene.add_argument("--size", metavar="WIDTHxHEIGHT", help="both at once")
    scene.add_argument("--gop", type=int, help="frames from keyframe to keyframe (default: a second of them)")
    scene.add_argument("--b-frames", type=int, default=0, help="B-frames in a row (default: %(default)s)")
    scene.add_argument("--kbps", type=int, default=0, help="bit rate, by grain in the picture (default: by quality)")
    scene.add_argument("--audio", choices=("aac", "pcmu", "pcma"), help="a beep each second beside the picture")
    scene.add_argument("--sub", nargs="?", const="320x180", metavar="SIZE|FILE", help="a sub stream, NAME/sub, too")
    scene.add_argument("--stamps", action="store_true", help="name, number and time in every picture's data")


def _add_network_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument("--port", type=int, default=8554, help="RTSP port, 0 for any free one (default: %(default)s)")
    parser.add_argument("--addresses", help="a loopback address; each camera has a server of its own from there on")
    parser.add_argument("--user", help="user name clients must give (digest)")
    parser.add_argument("--password-file", type=Path, help="file whose first line is the user's password")
    parser.add_argument("--onvif", type=int, metavar="PORT", help="ONVIF services, from this port on upwards (0: any)")
    parser.add_argument("--discovery", type=int, nargs="?", const=3702, metavar="PORT", help="answer WS-Discovery")
    parser.add_argument("--interface", default="127.0.0.1", help="address of the interface for discovery's multicast")
    parser.add_argument("--motion", type=float, metavar="SECONDS", help="ONVIF motion that begins and ends so often")
    parser.add_argument("--sloppy", action="store_true", help="ONVIF as careless devices speak it")
    parser.add_argument("--control", type=int, metavar="PORT", help="serve the control API on this loopback port")
    parser.add_argument("--seed", type=int, default=0, help="seed of everything random (default: %(default)s)")


async def serve(options: argparse.Namespace, *, clock: Clock | None = None) -> None:
    """Serve until cancelled; each URL is one line on standard output, the control API's comes last.

    Fault 400 for options that make no sense.
    """
    chosen = clock or SystemClock()
    sources, subs = planned(options)
    for opener in (*sources.values(), *subs.values()):
        if isinstance(opener, OpenFile):
            await anyio.to_thread.run_sync(LoopedFile(opener.path, clock=chosen).check)
        else:
            await opener.prepare(chosen)
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
        subs=subs,
        addresses=None if options.addresses is None else loopback_addresses(options.addresses),
        stamps=options.stamps,
        seed=options.seed,
    ) as camera:
        _say("".join(f"{camera.url(name)}\n" for name in camera.names))
        async with AsyncExitStack() as stack:
            presence = await _presence(options, camera, credentials, stack)
            if options.control is not None:
                web = WebServer(Control(camera, presence.set_motion if presence else None).answer, camera.start)
                stack.callback(web.close)
                _say(f"http://{control.HOST}:{await web.open(control.HOST, options.control)}\n")
            await _obey(camera)
            await anyio.sleep_forever()


def planned(options: argparse.Namespace) -> tuple[dict[str, Opener], dict[str, Opener]]:
    """(main streams, sub streams) by camera name; Fault 400 for what makes no sense."""
    width, height = (options.width, options.height) if options.size is None else _size(options.size)
    gop = options.gop or options.fps
    spec = StreamSpec(options.codec, width, height, options.fps, gop, options.b_frames, options.kbps, options.audio)
    shelf = Shelf()
    if options.items and (options.cameras is not None or options.loop is not None):
        raise invalid("Name sources, or ask for --cameras and --loop: not both.")
    if not options.items and options.cameras is None and options.loop is None:
        raise invalid("Name a video file or the word 'scene', or ask for --cameras.")
    if options.items:
        sources = named_sources(options.items, fps=options.fps, width=width, height=height)
        if spec != StreamSpec("h264", width, height, options.fps, options.fps):
            reel = OpenReel(spec, shelf)
            sources = {name: reel if isinstance(item, OpenScene) else item for name, item in sources.items()}
    else:
        count = options.cameras or 1
        if not 1 <= count <= 1000:
            raise invalid("--cameras goes from 1 to 1000.")
        opener: Opener = OpenReel(spec, shelf) if options.loop is None else OpenLoop(str(options.loop), shelf)
        sources = {f"camera-{number}": opener for number in range(1, count + 1)}
    if options.sub is None:
        return sources, {}
    return sources, dict.fromkeys(sources, _sub(options.sub, spec, shelf))


def _sub(wanted: str, spec: StreamSpec, shelf: Shelf) -> Opener:
    """A sub stream of this size, or of this file."""
    if not _SIZE.match(wanted):
        return OpenLoop(wanted, shelf)
    width, height = _size(wanted)
    return OpenReel(replace(spec, width=width, height=height, kbps=spec.kbps // 8), shelf)


def _size(text: str) -> tuple[int, int]:
    match = _SIZE.match(text)
    if match is None:
        raise invalid(f"'{text}' is no size. Write it as 1920x1080.")
    return int(match[1]), int(match[2])


async def _presence(
    options: argparse.Namespace, camera: Camera, credentials: dict[str, str] | None, stack: AsyncExitStack
) -> Presence | None:
    if options.onvif is None:
        if options.discovery is not None or options.motion is not None:
            raise invalid("--discovery and --motion need --onvif: there is nothing else to discover or to ask.")
        return None
    if options.motion is not None and not 0.1 <= options.motion <= 86_400:
        raise invalid("--motion goes from a tenth of a second to a day.")
    presence = Presence(
        camera,
        port=options.onvif,
        credentials=credentials,
        sloppy=options.sloppy,
        discovery=options.discovery,
        interface=options.interface,
    )
    if options.motion is not None:
        camera.start(partial(presence.move_now_and_then, options.motion))
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
