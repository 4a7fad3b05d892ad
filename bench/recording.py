"""Recording: CPU beside `ffmpeg -c copy`, and every frame across a hundred seams."""

import contextlib
import itertools
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import anyio

from bench import rig
from bench.processes import cpu_seconds, memory_mb
from bench.table import Figure, spread
from tests.support.pictures import scene_numbers
from vedette.kernel.clock import from_iso, to_iso

CAMERAS = 8
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
    """CPU a camera of our recorder and of one ffmpeg a camera, in turn, on the same cameras."""
    with tempfile.TemporaryDirectory(prefix="vedette-bench-") as folder:
        clip = Path(folder) / "clip.mp4"
        make_clip(clip)
        with rig.cameras([str(clip)], copies=CAMERAS) as urls:
            rounds = [(anyio.run(_ours, urls), _ffmpeg(urls, Path(folder))) for _ in range(ROUNDS)]
    ours, peer = [item[0][0] for item in rounds], [item[1] for item in rounds]
    ratios = [mine / theirs for mine, theirs in zip(ours, peer, strict=True)]
    frames = min(item[0][1] for item in rounds)
    memory = max(item[0][2] for item in rounds)
    middle = sorted(ratios)[len(ratios) // 2]
    return [
        Figure(
            f"recording CPU, {CAMERAS} × 1080p30, against ffmpeg -c copy",
            spread(ratios, " ×"),
            "≤ 1.5 ×",
            middle <= 1.5 and frames >= 0.99,
            f"{spread(ours, ' %')} of a core a camera, ffmpeg {spread(peer, ' %')}; frames received {frames:.1%}",
        ),
        Figure(f"recorder memory, {CAMERAS} cameras", f"{memory:.0f} MB", note="proportional, whole process"),
    ]


async def _ours(urls: Sequence[str]) -> tuple[float, float, float]:
    """Percent of a core a camera, share of the expected frames, memory in MB."""
    async with rig.recorder({}) as running:
        await rig.add_all(running.client, urls)
        await anyio.sleep(WARM_S)
        before, seen = cpu_seconds([running.child.pid]), await _frames(running)
        await anyio.sleep(MEASURE_S)
        used, got = cpu_seconds([running.child.pid]) - before, await _frames(running) - seen
        memory = memory_mb([running.child.pid])
    return used / MEASURE_S / len(urls) * 100, got / (MEASURE_S * FPS * len(urls)), memory


async def _frames(running: rig.Recorder) -> float:
    text = (await running.client.request("GET", "/metrics")).decode()
    return sum(
        float(line.rpartition(" ")[2]) for line in text.splitlines() if line.startswith("vedette_vst_frames_total")
    )


def _ffmpeg(urls: Sequence[str], folder: Path) -> float:
    """Percent of a core a camera of `ffmpeg -c copy` into 10 s segments of the same container."""
    import time

    with _copies(urls, folder) as pids:
        time.sleep(WARM_S)
        before = cpu_seconds(pids)
        time.sleep(MEASURE_S)
        used = cpu_seconds(pids) - before
    return used / MEASURE_S / len(urls) * 100


@contextlib.contextmanager
def _copies(urls: Sequence[str], folder: Path) -> Iterator[list[int]]:
    flags = "movflags=frag_keyframe+empty_moov+default_base_moof"
    processes = [
        subprocess.Popen(
            ["ffmpeg", "-loglevel", "error", "-y", "-rtsp_transport", "tcp", "-i", url, "-c", "copy", "-f", "segment",
             "-segment_time", "10", "-segment_format_options", flags, str(folder / f"{number}-%d.mp4")],
            stdin=subprocess.DEVNULL,
        )
        for number, url in enumerate(urls)
    ]  # fmt: skip
    try:
        yield [process.pid for process in processes]
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.wait()


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
