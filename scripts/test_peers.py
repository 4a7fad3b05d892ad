"""Make sure that the programs are there which only the tests use: a Chromium to drive, ffmpeg to compare with and
an MQTT broker.

The product needs neither. On Debian or Ubuntu, as root, a missing one is installed; elsewhere the message names it.
What the fault campaign makes its disks of is installed along; without it those tests say that they are skipped.
"""

import os
import shutil
import subprocess
import sys

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
BROKERS = ("mosquitto", "/usr/sbin/mosquitto")
PEERS = {
    "a Chromium browser": BROWSERS,
    "ffmpeg": ("ffmpeg",),
    "ffprobe": ("ffprobe",),
    "the MQTT broker mosquitto": BROKERS,
}
DEBIAN_PACKAGES = {
    "a Chromium browser": ("chromium", "fonts-dejavu-core"),
    "ffmpeg": ("ffmpeg",),
    "ffprobe": ("ffmpeg",),
    "the MQTT broker mosquitto": ("mosquitto",),
    "mkfs.xfs": ("xfsprogs",),
    "fusermount3": ("fuse3", "libfuse2"),
}
EXTRAS = ("mkfs.xfs", "fusermount3")


def missing_peers() -> list[str]:
    return [peer for peer, names in PEERS.items() if not any(shutil.which(name) for name in names)]


def install(peers: list[str]) -> None:
    packages = sorted({package for peer in peers for package in DEBIAN_PACKAGES[peer]})
    print(f"test set-up: installing {', '.join(packages)} with apt-get", flush=True)
    env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    subprocess.run(["apt-get", "update", "-qq"], env=env, check=False)
    subprocess.run(["apt-get", "install", "-y", "-qq", "--no-install-recommends", *packages], env=env, check=False)


def main() -> int:
    missing = missing_peers()
    wanted = missing + [extra for extra in EXTRAS if shutil.which(extra) is None]
    if wanted and shutil.which("apt-get") and os.geteuid() == 0:
        install(wanted)
        missing = missing_peers()
    if missing:
        print(
            f"test set-up: the tests need {' and '.join(missing)}, and none was found on the PATH.\n"
            "  Debian, Ubuntu:  sudo apt-get install chromium ffmpeg mosquitto\n"
            "  Fedora:          sudo dnf install chromium ffmpeg-free mosquitto\n"
            "  Other:           any recent Chromium or Chrome, ffmpeg 5 or newer, and mosquitto"
        )
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
