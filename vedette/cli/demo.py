"""`vedette demo`: a whole node on a temporary folder, with two virtual cameras that are added as a user would.

Everything goes through the public API with a bearer token: the demo is the first client of the system.
"""

import argparse
import contextlib
import json
import tempfile
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from vedette.cli import demo_scenes, node_options
from vedette.cli.cameras import virtual_cameras
from vedette.cli.demo_scenes import DemoCamera
from vedette.cli.process import run_until_signal
from vedette.cli.up import say
from vedette.kernel import log
from vedette.kernel.client import Client
from vedette.kernel.clock import US_PER_SECOND, Clock, SystemClock, to_iso
from vedette.kernel.errors import Fault
from vedette.node import Node, bind
from vedette.schema.frame import FRAME_HEIGHT, FRAME_WIDTH
from vedette.schema.identity import Role
from vedette.supervisor import Running, up

DEFAULT_PORT = 30080
_PATIENCE_S = 60.0
_EMPTY_S = 5.0
_POLL_S = 0.25


@dataclass(frozen=True, slots=True)
class Added:
    """A camera of the demo as the node knows it."""

    sensor_id: str
    camera: DemoCamera


def options(parser: argparse.ArgumentParser) -> None:
    """The node's options and the demo's own."""
    node_options.add(parser)
    parser.add_argument("--video", help="a video file or RTSP URL instead of the pedestrian scene")
    parser.add_argument("--json", action="store_true", help="print one JSON line on standard output once ready")
    parser.add_argument("--duration", type=float, help="stop by itself after this many seconds of being ready")


def run(chosen: argparse.Namespace) -> int:
    """Runs until Ctrl-C, SIGTERM or the end of `--duration`; leaves no process and no temporary file behind."""
    cameras = choose_cameras(chosen.video, Path.cwd())
    with tempfile.TemporaryDirectory(prefix="vedette-run-") as run_dir, contextlib.ExitStack() as stack:
        if chosen.data_dir is None:
            chosen.data_dir = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="vedette-demo-")))
        sections = demo_sections(node_options.sections_of(chosen))
        settings = node_options.node_settings(sections)
        log.configure(service="supervisor", level=settings.log_level)
        node = Node.create(settings, Path(run_dir), sections)

        async def work() -> None:
            await _demo(node, cameras, chosen)

        return run_until_signal(work)


def choose_cameras(video: str | None, folder: Path) -> list[DemoCamera]:
    """The pedestrian scene where it is cached, or the user's own video, and always the synthetic scene."""
    if video is not None:
        if "://" not in video and not Path(video).is_file():
            raise Fault("InvalidParameterError", 400, f"There is no video file {video}. Give a file or an rtsp:// URL.")
        return [demo_scenes.other(video), demo_scenes.synthetic()]
    clip = folder / demo_scenes.CLIP
    if not clip.is_file():
        say("the pedestrian scene is not here (make setup fetches it); going on with the synthetic scene alone")
        return [demo_scenes.synthetic()]
    return [demo_scenes.pedestrians(str(clip)), demo_scenes.synthetic()]


def demo_sections(sections: node_options.Sections) -> node_options.Sections:
    """The user's sections with what the demo needs: loopback cameras, and a detector that reads the scene's barcode."""
    synthetic = demo_scenes.synthetic().name
    merged = {name: dict(values) for name, values in sections.items()}
    merged.setdefault("node", {}).setdefault("log_level", "warning")
    merged.setdefault("vst", {}).setdefault("allowed_networks", ["127.0.0.0/8"])
    merged["vst"].setdefault("discovery_every_s", 0)  # its cameras are its own, the network is none of its business
    merged.setdefault("perception", {}).setdefault(
        "detectors", [{"streams": synthetic, "detector": "scripted"}, {"streams": "*", "detector": "onnx"}]
    )
    merged.setdefault("ingress", {}).setdefault("port", _free_or_any(DEFAULT_PORT))
    return merged


def _free_or_any(port: int) -> int:
    """The usual port, or 0 (any free one) when something else has it."""
    try:
        bind("127.0.0.1", port).close()
    except Fault:
        return 0
    return port


async def _demo(node: Node, cameras: Sequence[DemoCamera], chosen: argparse.Namespace) -> None:
    clock = SystemClock()
    started = clock.monotonic()
    served = {camera.path: camera.source for camera in cameras if "://" not in camera.source}
    async with virtual_cameras(served, node.run_dir, clock) as serving, up(node, clock, say) as running:
        token = await running.accounts.create_token(name="demo", role=Role.ADMIN, days=1)
        urls = {**{camera.path: camera.source for camera in cameras}, **await serving()}
        async with Client(running.url, bearer=token, timeout_s=30) as client:
            added = [await _add(client, camera, urls[camera.path]) for camera in cameras]
            say(f"{len(added)} cameras added; waiting for the first pictures")
            for item in added:
                await _first_count(client, item, clock)
        elapsed_s = clock.monotonic() - started
        if chosen.json:
            print(json.dumps(_summary(running, token, added)), flush=True)
        ticket = await running.accounts.create_ticket()
        say(_block(running, ticket, added, elapsed_s))
        await clock.sleep(chosen.duration if chosen.duration is not None else float("inf"))


async def _add(client: Client, camera: DemoCamera, url: str) -> Added:
    reply = await client.request_json("POST", "/vst/api/v1/sensor/add", {"sensorUrl": url, "name": camera.name})
    return Added(reply["sensorId"], camera)


async def _first_count(client: Client, added: Added, clock: Clock) -> None:
    """Draws the tripwire and the ROI on the first frame, and returns with the first person counted in view.

    An empty picture is believed after a few seconds. Fault when no frame comes within a minute.
    """
    frames = await _until(clock, _PATIENCE_S, lambda: _frames(client, added, clock))
    if not frames:
        raise Fault("ServiceUnavailableError", 503, f"No frame of {added.camera.name} in a minute; see the log above.")
    width, height = (int(frames[-1]["info"][key]) for key in (FRAME_WIDTH, FRAME_HEIGHT))
    await client.request_json("POST", "/emdx/api/v2/config/tripwire", added.camera.tripwire_body(width, height))
    await client.request_json("POST", "/emdx/api/v2/config/roi", added.camera.roi_body(width, height))
    await _until(clock, _EMPTY_S, lambda: _people(client, added, clock))


async def _until(clock: Clock, patience_s: float, look: Callable[[], Awaitable[Any]]) -> Any:
    """What `look` finds, asked again until it finds something or the patience ends."""
    deadline = clock.monotonic() + patience_s
    while True:
        found = await look()
        if found or clock.monotonic() >= deadline:
            return found
        await clock.sleep(_POLL_S)


async def _frames(client: Client, added: Added, clock: Clock) -> Any:
    return (await client.get_json(f"/emdx/api/v2/frames?{_lately(added, clock)}"))["frames"]


async def _people(client: Client, added: Added, clock: Clock) -> bool:
    query = f"{_lately(added, clock)}&bucketSizeInSec=1"
    reply = await client.get_json(f"/emdx/api/v2/metrics/occupancy/fov/histogram?{query}")
    return any(item["max"] > 0 for bucket in reply["histogram"] for item in bucket["objects"])


def _lately(added: Added, clock: Clock) -> str:
    now = clock.now()
    start, end = to_iso(now - 10 * US_PER_SECOND), to_iso(now + US_PER_SECOND)
    return f"sensorId={quote(added.camera.name)}&fromTimestamp={start}&toTimestamp={end}"


def _summary(running: Running, token: str, added: Sequence[Added]) -> dict[str, Any]:
    cameras = [{"sensorId": item.sensor_id, "name": item.camera.name} for item in added]
    return {"url": running.url, "token": token, "data_dir": str(running.node.data_dir), "cameras": cameras}


def _block(running: Running, ticket: str, added: Sequence[Added], elapsed_s: float) -> str:
    """What a person needs, in one place."""
    lines = [
        f"ready in {elapsed_s:.1f} s",
        "",
        f"  Open   {running.url}/#ticket={ticket}",
        "         (signs you in as admin, once, within 15 minutes)",
        "",
        *(
            f"  {item.camera.name:<12} people counted in view, at the tripwire and in '{item.camera.roi_name}'"
            for item in added
        ),
        "",
        f"  Data   {running.node.data_dir}",
        "  Stop   Ctrl-C",
        "",
    ]
    return "\n".join(lines)
