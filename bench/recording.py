"""Recording: CPU beside `ffmpeg -c copy` and motion, memory, and every frame across a hundred seams."""

import itertools
import statistics
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import anyio

from bench import peers, rig
from bench.processes import cpu_seconds, memory_mb
from bench.table import Figure, spread
from tests.support.pictures import scene_numbers
from vedette.kernel.clock import from_iso, to_iso

CAMERAS, FEW = 16, 4
FPS = 30
WARM_S, MEASURE_S, ROUNDS = 6, 20, 3
SEAMS = 100


def make_clip(path: Path) -> None:
    """Twenty seconds of 1080p30 H.264 at 4 Mbit/s, no B-frames, a keyframe each 1.5 s."""
    source = ["-f", "lavfi", "-i", f"testsrc2=size=1920x1080:rate={FPS}:duration=20,noise=alls=12:allf=t"]
    codec = ["-c:v", "libx264", "-preset", "veryfast", "-bf", "0", "-g", "45", "-b:v", "4M", "-maxrate", "4M"]
    command = [
        "ffmpeg",
        "-loglevel",
        "error",
        "-y",
        *source,
        *codec,
        "-bufsize",
        "4M",
        "-pix_fmt",
        "yuv420p",
        str(path),
    ]
    subprocess.run(command, check=True)


def cpu() -> list[Figure]:
    """CPU a camera of our recorder, of one ffmpeg a camera and of motion, in turn, on the same cameras."""
    with tempfile.TemporaryDirectory(prefix="vedette-bench-") as folder:
        clip = Path(folder) / "clip.mp4"
        make_clip(clip)
        with rig.cameras([str(clip)], copies=CAMERAS) as urls:
            rounds = [
                (anyio.run(_ours, urls), peers.ffmpeg(urls, Path(folder)), peers.motion(urls, Path(folder)))
                for _ in range(ROUNDS)
            ]
            few = anyio.run(_ours, urls[:FEW])
    ours, theirs = [item[0].percent for item in rounds], [item[1] for item in rounds]
    ratios = [mine / peer for mine, peer in zip(ours, theirs, strict=True)]
    frames = min(item[0].frames for item in rounds)
    memory = statistics.median(item[0].memory_mb for item in rounds)
    added = (memory - few.memory_mb) / (CAMERAS - FEW)
    middle = statistics.median(ratios)
    figures = [
        Figure(
            f"recording CPU, {CAMERAS} × 1080p30 in one process, against ffmpeg -c copy",
            spread(ratios, " ×"),
            "≤ 1.2 ×",
            middle <= 1.2 and frames >= 0.99,
            f"{spread(ours, ' %')} of a core a camera, ffmpeg {spread(theirs, ' %')}; frames received {frames:.1%}",
        ),
        Figure(
            f"recorder memory, each camera more than {FEW}, up to {CAMERAS}",
            f"{added:.1f} MB",
            "≤ 8 MB",
            added <= 8,
            f"{memory:.0f} MB in all, proportional; {few.memory_mb:.0f} MB with {FEW} cameras",
        ),
    ]
    found = [item[2] for item in rounds if item[2] is not None]
    if found:
        note = f"passthrough recording of {peers.MOTION_CAMERAS} cameras; it decodes every picture to look for motion"
        figures.append(Figure("recording CPU of Debian's motion", spread(found, " %"), note=note))
    return figures


@dataclass(frozen=True, slots=True)
class Cost:
    """Percent of a core a camera, share of the expected frames, memory in MB."""

    percent: float
    frames: float
    memory_mb: float


async def _ours(urls: Sequence[str]) -> Cost:
    async with rig.recorder({"min_free_gib": 0}) as running:
        await rig.add_all(running.client, urls)
        await anyio.sleep(WARM_S)
        before, seen = cpu_seconds([running.child.pid]), await _frames(running)
        await anyio.sleep(MEASURE_S)
        used, got = cpu_seconds([running.child.pid]) - before, await _frames(running) - seen
        memory = memory_mb([running.child.pid])
    return Cost(used / MEASURE_S / len(urls) * 100, got / (MEASURE_S * FPS * len(urls)), memory)


async def _frames(running: rig.Recorder) -> float:
    text = (await running.client.request("GET", "/metrics")).decode()
    return sum(
        float(line.rpartition(" ")[2]) for line in text.splitlines() if line.startswith("vedette_vst_frames_total")
    )


def seams() -> list[Figure]:
    """Frames missing or repeated across a hundred segment seams, read from the barcode of the scene."""
    with rig.cameras(["scene"]) as urls:
        missing, repeated, read = anyio.run(_seams, urls)
    return [
        Figure(
            f"frames missing / repeated over {SEAMS} segment seams",
            f"{missing} / {repeated}",
            "0 / 0",
            missing == repeated == 0,
            f"{read} frames read by their barcode",
        )
    ]


async def _seams(urls: Sequence[str]) -> tuple[int, int, int]:
    async with rig.recorder({"segment_s": 1}) as running:
        (sensor_id,) = await rig.add_all(running.client, urls)
        await anyio.sleep(SEAMS + 8)
        reply = await running.client.get_json(f"/vst/api/v1/storage/{sensor_id}/timelines")
        span = (reply[sensor_id] if isinstance(reply, dict) else reply)[-1]
        start, end = span["startTime"], to_iso(from_iso(span["endTime"]))
        path = f"/vst/api/v1/storage/file/{sensor_id}?startTime={start}&endTime={end}"
        content = await running.client.request("GET", path)
    numbers = scene_numbers(content)
    steps = [after - before for before, after in itertools.pairwise(n for n in numbers if n is not None)]
    unread = numbers.count(None)
    return sum(step - 1 for step in steps if step > 1) + unread, sum(step < 1 for step in steps), len(numbers)
