"""Others that record: what they cost on the same cameras."""

import contextlib
import shutil
import subprocess
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from bench.processes import cpu_seconds

WARM_S, MEASURE_S = 6, 20
MOTION_CAMERAS = 2
"""It decodes all that it records: sixteen cameras are more than two cores can do."""


def ffmpeg(urls: Sequence[str], folder: Path) -> float:
    """Percent of a core a camera of `ffmpeg -c copy` into 10 s segments of the same container."""
    flags = "movflags=frag_keyframe+empty_moov+default_base_moof"
    argvs = [
        ["ffmpeg", "-loglevel", "error", "-y", "-rtsp_transport", "tcp", "-i", url, "-c", "copy", "-f", "segment",
         "-segment_time", "10", "-segment_format_options", flags, str(folder / f"{number}-%d.mp4")]
        for number, url in enumerate(urls)
    ]  # fmt: skip
    with _running(argvs) as pids:
        return _percent(pids, len(urls))


def motion(urls: Sequence[str], folder: Path) -> float | None:
    """Percent of a core a camera of `motion` with passthrough recording; None where it is not installed."""
    program = shutil.which("motion")
    if program is None:
        return None
    home = folder / "motion"
    home.mkdir(exist_ok=True)
    names = []
    for number, url in enumerate(urls[:MOTION_CAMERAS]):
        name = home / f"camera-{number}.conf"
        name.write_text(f"camera_id {number + 1}\nnetcam_url {url}\nnetcam_params rtsp_transport=tcp\n")
        names.append(name)
    common = ["daemon off", "setup_mode off", "log_level 3", f"target_dir {home}", "webcontrol_port 0", "stream_port 0",
              "width 1920", "height 1080", "framerate 30", "emulate_motion on", "picture_output off",
              "movie_output on", "movie_filename %t-%v", "movie_passthrough on", "movie_max_time 10"]  # fmt: skip
    main = home / "motion.conf"
    main.write_text("\n".join([*common, *(f"camera {name}" for name in names)]) + "\n")
    with _running([[program, "-n", "-c", str(main)]]) as pids:
        percent = _percent(pids, len(names))
    return percent if any(home.glob("*.m*")) else None


def _percent(pids: list[int], cameras: int) -> float:
    time.sleep(WARM_S)
    before = cpu_seconds(pids)
    time.sleep(MEASURE_S)
    return (cpu_seconds(pids) - before) / MEASURE_S / cameras * 100


@contextlib.contextmanager
def _running(argvs: Sequence[Sequence[str]]) -> Iterator[list[int]]:
    processes = [
        subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for argv in argvs
    ]
    try:
        yield [process.pid for process in processes]
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.wait()
