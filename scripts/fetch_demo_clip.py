"""Fetch the demo's real video once: the pedestrian scene `vtest.avi` (PETS 2009), which we may show but not hand on.

It comes from OpenCV's samples or, where those are out of reach, from Debian's `opencv-doc` package; the bytes are
checked before they are used. The AVI is kept for tests of perception; the demo's cameras play the H.264 copy made from
it. With no source at hand this says so and succeeds, since the demo has a synthetic scene as well; `--require` makes
that an error.
"""

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from fractions import Fraction
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / ".cache" / "video"
AVI = FOLDER / "vtest.avi"
CLIP = FOLDER / "pedestrians.mp4"
UNAVAILABLE = FOLDER / "unavailable"

SHA256 = "45cddc9490be69345cbdab64ca583be65987e864ca408038e648db99e10516cf"
URL = "https://raw.githubusercontent.com/opencv/opencv/4.x/samples/data/vtest.avi"
DEBIAN_PACKAGE = "opencv-doc"
FRAMES = 795
FRAMES_PER_SECOND = 10
KEYFRAME_EVERY = 20
CONNECT_TIMEOUT_S = 5
RETRY_AFTER_S = 24 * 3600


class NoClipError(Exception):
    """This source cannot give the clip; the text says why."""


def say(text: str) -> None:
    print(f"demo clip: {text}", flush=True)


def is_vtest(path: Path) -> bool:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest() == SHA256


def from_opencv(folder: Path) -> Path:
    target = folder / "vtest.avi"
    try:
        with urllib.request.urlopen(URL, timeout=CONNECT_TIMEOUT_S) as response, target.open("wb") as file:
            shutil.copyfileobj(response, file)
    except (urllib.error.URLError, TimeoutError, OSError) as error:
        raise NoClipError(f"OpenCV's repository is out of reach ({getattr(error, 'reason', error)})") from error
    return target


def from_debian(folder: Path) -> Path:
    if shutil.which("apt-get") is None or shutil.which("dpkg-deb") is None:
        raise NoClipError("this is no Debian or Ubuntu, so there is no opencv-doc package")
    download = ["apt-get", "download", DEBIAN_PACKAGE]
    fetched = subprocess.run(download, cwd=folder, capture_output=True, text=True, check=False)
    if fetched.returncode != 0 and os.geteuid() == 0:
        say("updating the package lists")
        subprocess.run(["apt-get", "update", "-qq"], capture_output=True, check=False)
        fetched = subprocess.run(download, cwd=folder, capture_output=True, text=True, check=False)
    packages = sorted(folder.glob("*.deb"))
    if not packages:
        reason = (fetched.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise NoClipError(f"apt-get download {DEBIAN_PACKAGE} failed: {reason}")
    subprocess.run(["dpkg-deb", "-x", str(packages[0]), str(folder)], check=True, capture_output=True)
    found = next(folder.rglob("vtest.avi*"), None)
    if found is None:
        raise NoClipError(f"{packages[0].name} holds no vtest.avi")
    return found


def fetch() -> None:
    """Put the checked AVI into the cache; `NoClipError` lists what each source said."""
    reasons: list[str] = []
    for title, source in (("OpenCV's repository", from_opencv), ("Debian's opencv-doc package", from_debian)):
        say(f"asking {title}")
        with tempfile.TemporaryDirectory(dir=FOLDER, prefix="fetch-") as name:
            try:
                found = source(Path(name))
            except NoClipError as reason:
                reasons.append(str(reason))
                continue
            if is_vtest(found):
                found.replace(AVI)
                return
            reasons.append(f"{title} gave another file than the one expected (sha256 differs)")
    raise NoClipError("; ".join(reasons))


def encode() -> None:
    """Write the H.264 copy: 10 frames a second, no B-frames, a keyframe every 2 s, as a camera would send it."""
    import av
    import av.codec

    if "libx264" not in av.codec.codecs_available:
        raise NoClipError("this build of PyAV has no libx264 to encode H.264 with")
    partial = CLIP.with_suffix(".partial.mp4")
    with av.open(str(AVI)) as source, av.open(str(partial), "w", options={"movflags": "+faststart"}) as target:
        pictures = source.streams.video[0]
        options = {"crf": "20", "preset": "medium", "bf": "0", "sc_threshold": "0", "keyint_min": str(KEYFRAME_EVERY)}
        encoded = target.add_stream("libx264", rate=FRAMES_PER_SECOND, options=options)
        encoded.width, encoded.height, encoded.pix_fmt = pictures.width, pictures.height, "yuv420p"
        encoded.gop_size = KEYFRAME_EVERY
        count = 0
        for count, frame in enumerate(source.decode(pictures), start=1):
            frame.pts, frame.time_base = count - 1, Fraction(1, FRAMES_PER_SECOND)
            frame.pict_type = av.video.frame.PictureType.NONE
            target.mux(encoded.encode(frame))
            if count % 200 == 0:
                say(f"encoding: {count} of {FRAMES} frames")
        target.mux(encoded.encode(None))
    if count != FRAMES:
        partial.unlink()
        raise NoClipError(f"vtest.avi decoded to {count} frames, not {FRAMES}")
    partial.replace(CLIP)


def prepare() -> None:
    if not (AVI.exists() and is_vtest(AVI)):
        fetch()
    encode()
    UNAVAILABLE.unlink(missing_ok=True)
    say(f"ready: {CLIP.relative_to(ROOT)} ({CLIP.stat().st_size / 1e6:.1f} MB)")


def failed_lately() -> bool:
    return UNAVAILABLE.exists() and time.time() - UNAVAILABLE.stat().st_mtime < RETRY_AFTER_S


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument(
        "--require", action="store_true", help="ask again although all failed today, and fail without it"
    )
    required = parser.parse_args().require
    if CLIP.exists() and AVI.exists():
        return 0
    if failed_lately() and not required:
        say("not available today; the demo shows its synthetic scene (`make clip` asks again)")
        return 0
    FOLDER.mkdir(parents=True, exist_ok=True)
    try:
        prepare()
    except NoClipError as reason:
        UNAVAILABLE.write_text(f"{reason}\n")
        say(f"not available: {reason}")
        say("the demo goes on with its synthetic scene; `make demo VIDEO=FILE` plays a file of yours instead")
        return 1 if required else 0
    return 0


if __name__ == "__main__":
    sys.exit(main())
