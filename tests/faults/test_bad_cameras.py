"""R10: cameras that misbehave in every way at once cost the good ones nothing, and are known to be bad within 5 s.

In real time, through the real RTSP client, with the settings that users have.
"""

import contextlib
import io
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import anyio
import av
import pytest

from tests.faults.look import states
from tests.faults.oracle import Span
from tests.support.vst_running import LOOPBACK, Running, running
from vedette.kernel.clock import SystemClock, to_iso
from vedette.services.vst.settings import VstSettings
from vedette.tools.camera import Camera, FaultOrder, open_scene
from vedette.tools.camera.stamp import read_stamp

pytestmark = pytest.mark.anyio
FPS = 10
GOOD = ("good 1", "good 2", "good 3")
STOPS: dict[str, list[dict[str, Any]]] = {
    "stall": [{"fault": "stall"}],
    "rtcp only": [{"fault": "rtcp_only"}],
    "half-open": [{"fault": "half_open"}],
    "401 storm": [{"fault": "unauthorized"}, {"fault": "drop"}],
    "refuse": [{"fault": "refuse"}],
    "reboot": [{"fault": "reboot", "seconds": 7}],
    "a byte at a time": [{"fault": "slow", "bytes_per_second": 1}],
}
"""What stops the pictures: it must be noticed."""
GOES_ON: dict[str, list[dict[str, Any]]] = {
    "EOF": [{"fault": "end"}],
    "reset": [{"fault": "drop"}],
    "garbage": [{"fault": "garbage", "share": 0.2}],
    "packets lost": [{"fault": "loss", "share": 0.05}],
    "SPS change": [{"fault": "sps_change", "width": 480, "height": 272}],
    "clock jump": [{"fault": "clock_jump", "media_seconds": 3600.0}],
    "clock back": [{"fault": "clock_jump", "media_seconds": -3600.0, "wall_seconds": -86_400.0}],
    "bursts": [{"fault": "burst", "hold_seconds": 1.5}],
}
"""After these pictures come again at once, or go on."""
FAULT_S = 7.0
NOTICED_S = 5.0


@dataclass
class Kept:
    """What was recorded of a camera: its spans, and the stamped numbers of every unit, clip by clip."""

    spans: list[Span] = field(default_factory=list)
    clips: list[list[int]] = field(default_factory=list)
    foreign: int = 0
    unplayable: list[str] = field(default_factory=list)

    @property
    def missing(self) -> int:
        """Numbers that were skipped inside clips."""
        return sum(after - before - 1 for clip in self.clips for before, after in pairwise(clip) if after > before)

    @property
    def disordered(self) -> int:
        """Units that came again or too late."""
        return sum(after <= before for clip in self.clips for before, after in pairwise(clip))


@asynccontextmanager
async def site(data_dir: Path) -> AsyncIterator[tuple[Running, Camera, dict[str, str]]]:
    """Good cameras and bad ones, all of them recorded."""
    names = [*GOOD, *STOPS, *GOES_ON]
    sources = {name: open_scene(fps=FPS, width=320, height=180) for name in names}
    settings = VstSettings(allowed_networks=LOOPBACK, min_free_gib=0, join_gap_s=0, segment_s=2)
    async with (
        Camera(sources, clock=SystemClock(), stamps=True, seed=1) as cameras,
        running(data_dir, settings=settings) as vst,
    ):
        ids: dict[str, str] = {}
        async with anyio.create_task_group() as group:

            async def add(name: str) -> None:
                ids[name] = await vst.add(cameras.url(name), name)

            for name in names:
                group.start_soon(add, name)
        for sensor_id in ids.values():
            await vst.until_recorded(sensor_id, 1.0)
        yield vst, cameras, ids


async def health(vst: Running) -> dict[str, str]:
    """Name to state of health."""
    listed = (await vst.ask("GET", "/sensor/list")).json
    return {
        item["name"]: (await vst.ask("GET", f"/sensor/{item['sensorId']}/status")).json["health"] for item in listed
    }


async def notice(vst: Running, names: set[str]) -> dict[str, float]:
    """Seconds until each of the cameras is known not to be well."""
    begun, seen = time.monotonic(), dict[str, float]()
    while len(seen) < len(names) and time.monotonic() < begun + FAULT_S:
        for name, state in (await health(vst)).items():
            if name in names and state != "online":
                seen.setdefault(name, time.monotonic() - begun)
        await anyio.sleep(0.1)
    return seen


async def kept(vst: Running, name: str, sensor_id: str) -> Kept:
    found = Kept(await states(vst, sensor_id, 0))
    for span in found.spans:
        if span.state != "recorded":
            continue
        where = f"startTime={to_iso(span.start_us)}&endTime={to_iso(span.end_us)}"
        reply = await vst.ask("GET", f"/storage/file/{sensor_id}?{where}")
        if reply.status != 200:
            found.unplayable.append(f"{where}: {reply.body[:200]!r}")
            continue
        numbers: list[int] = []
        with av.open(io.BytesIO(reply.body), "r") as container:
            for packet in container.demux(video=0):
                stamp = read_stamp(bytes(packet)) if packet.size else None
                if stamp is not None and stamp.camera == name:
                    numbers.append(stamp.number)
                else:
                    found.foreign += packet.size > 0
                with contextlib.suppress(av.error.FFmpegError):  # garbage in a picture is the camera's
                    packet.decode()
        found.clips.append(numbers)
    return found


async def test_fifteen_ways_to_be_a_bad_camera_at_once(tmp_path: Path, measured: Callable[[str], None]) -> None:
    async with site(tmp_path / "vst") as (vst, cameras, ids):
        for name, orders in (STOPS | GOES_ON).items():
            for order in orders:
                cameras.obey(FaultOrder(camera=name, **order))
        seen = await notice(vst, set(STOPS))
        cameras.resume()
        begun = time.monotonic()
        back: dict[str, float] = defaultdict(float)
        with anyio.move_on_after(40):
            while len(back) < len(ids):
                for name, state in (await health(vst)).items():
                    if state == "online":
                        back.setdefault(name, time.monotonic() - begun)
                await anyio.sleep(0.2)
        await anyio.sleep(3)
        found = {name: await kept(vst, name, sensor_id) for name, sensor_id in ids.items()}
    report(found, seen, back, measured)
    for name in GOOD:
        states_seen = [span.state for span in found[name].spans]
        assert states_seen[-1] == "recorded"
        assert states_seen.count("recorded") == 1, f"{name}: {found[name].spans}"
        assert (found[name].missing, found[name].disordered, found[name].foreign) == (0, 0, 0)
    assert set(seen) == set(STOPS), f"not noticed: {set(STOPS) - set(seen)}"
    assert max(seen.values()) <= NOTICED_S
    assert set(back) == set(ids), f"did not come back: {set(ids) - set(back)}"
    for name in STOPS:
        assert "camera_down" in {span.state for span in found[name].spans} or "network_down" in {
            span.state for span in found[name].spans
        }
    for name, item in found.items():
        assert item.unplayable == [], name
        assert all(before.end_us == after.start_us for before, after in pairwise(item.spans)), name


def report(
    found: dict[str, Kept], seen: dict[str, float], back: dict[str, float], measured: Callable[[str], None]
) -> None:
    for name, item in found.items():
        gaps = [f"{(s.end_us - s.start_us) / 1e6:.1f} s {s.state}" for s in item.spans if s.state != "recorded"]
        units = sum(map(len, item.clips))
        measured(
            f"bad camera '{name}': known after {seen.get(name, 0):.1f} s, back {back.get(name, -1):.1f} s after its "
            f"end; {units} units, {item.missing} missing inside spans, {item.disordered} disordered, "
            f"{item.foreign} foreign; {', '.join(gaps)}"
        )
