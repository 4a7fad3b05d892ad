"""Recorders on a disk with a volatile cache, and what a power cut in the middle of a write leaves of them."""

import os
import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import override

from tests.faults.disk import LoopDisk, a_disk, run, workplace
from tests.faults.lane import Lane, zygote
from tests.faults.ledger import Ledger, Sent
from tests.faults.powercut import Outcome, judged

_SIZE = 48 << 20
_LIFE_S = 120
_ROOT = Path(__file__).parents[2]
_CAMERAS = 4
_SPEED = 2.0
"""A disk that is served by a process takes longer to flush than the promise allows when time runs faster."""
_KEEPS = (0.0, 0.3, 0.7)
_IMAGES_A_LIFE = 10


class VolatileLoop(LoopDisk):
    """An ext4 file system on a volatile disk."""

    def __init__(self, home: Path) -> None:
        self._served = home / "served"
        self._served.mkdir()
        backing = home / "backing"
        with backing.open("wb") as file:
            file.truncate(_SIZE)
        # A second process ends the first in any case: a disk that hangs must not hang the machine.
        command = ["timeout", "-s", "KILL", str(_LIFE_S), sys.executable, "-m", "tests.faults.voldisk"]
        make = ("mkfs.ext4", "-q", "-m", "0", "-E", "lazy_itable_init=0,lazy_journal_init=0", str(backing))
        run(*make)
        self._process = subprocess.Popen(
            [*command, str(backing), str(self._served)], stdin=subprocess.PIPE, text=True, bufsize=1, cwd=_ROOT
        )
        disk = self._served / "disk"
        deadline = time.monotonic() + 20
        while not disk.exists():
            if time.monotonic() > deadline:
                raise RuntimeError("the volatile disk is not served")
            time.sleep(0.02)
        self.kind, self.image = "ext4", backing
        self.mount_point = home / "volatile"
        self.mount_point.mkdir()
        self.device = run("losetup", "-f", "--show", str(disk))
        self.mount()

    def command(self, *words: object) -> None:
        """Tells the disk."""
        assert self._process.stdin is not None
        self._process.stdin.write(" ".join(map(str, words)) + "\n")

    @override
    def close(self) -> None:
        """Takes everything down; killing the server of a file system is safe."""
        super().close()
        subprocess.run(["umount", "-l", str(self._served)], capture_output=True, check=False)
        self._process.kill()
        self._process.communicate()


class ReflinkedLoop(LoopDisk):
    """An ext4 file system in a file on xfs, of which a copy is taken in an instant while it is written."""

    def __init__(self, home: Path, outer: LoopDisk) -> None:
        self.kind, self.image = "ext4", outer.mount_point / "disk.img"
        with self.image.open("wb") as file:
            file.truncate(_SIZE)
        run("mkfs.ext4", "-q", "-m", "0", "-E", "lazy_itable_init=0,lazy_journal_init=0", str(self.image))
        self.mount_point = home / "reflinked"
        self.mount_point.mkdir()
        self.device = run("losetup", "-f", "--show", "--direct-io=on", str(self.image))
        self.mount()

    def copy(self, to: Path) -> None:
        """What the disk holds now, flushed or not: only what is still in memory above it is missing."""
        run("cp", "--reflink=always", str(self.image), str(to))


def lost_writes(count: int, seed: int, *, lie: bool = False) -> Outcome:
    """So many images taken inside writes of a volatile disk; each is mounted, recovered from and judged."""
    total, rng = Outcome(), random.Random(f"{seed} voldisk")
    while total.cuts < count:
        with workplace() as home:
            total.add(_one_disk(home, min(_IMAGES_A_LIFE, count - total.cuts), rng, lie=lie))
    return total


def any_instant(count: int, seed: int) -> Outcome:
    """So many images of a disk at any instant, while cameras are recorded on it."""
    total, rng = Outcome(), random.Random(f"{seed} reflink")
    while total.cuts < count:
        total.add(_one_reflinked(min(_IMAGES_A_LIFE, count - total.cuts), rng))
    return total


def _one_reflinked(count: int, rng: random.Random) -> Outcome:
    with workplace() as home, a_disk(home, "xfs", 640 << 20) as outer:
        disk = ReflinkedLoop(home, outer)

        def take(image: Path) -> list[Sent]:
            time.sleep(rng.uniform(0.0, 0.15))
            sent = lane.sent()  # read before the image: what was promised by then must be in it
            disk.copy(image)
            now = lane.sent()
            return [Sent(before.first, after.last, before.told_us) for before, after in zip(sent, now, strict=True)]

        lane = Lane(home, disk.mount_point / "vst", rng, cameras=_CAMERAS)
        return _images(outer.mount_point, lane, count, take, close=disk.close)


def _one_disk(home: Path, count: int, rng: random.Random, *, lie: bool) -> Outcome:
    disk = VolatileLoop(home)
    lane = Lane(home, disk.mount_point / "vst", rng, cameras=_CAMERAS, speed=_SPEED)

    def take(image: Path) -> list[Sent]:
        disk.command("lie", int(lie))
        time.sleep(rng.uniform(0.0, 0.5 if lie else 0.2))
        told = [sent.told_us for sent in lane.sent()]
        writes, keep, order = rng.randint(1, 40), rng.choice(_KEEPS), rng.randint(0, 1 << 30)
        disk.command("crash", writes, image, keep, order, home / "ledger")
        lane.until(image.exists, "the image is taken")
        return [Sent(now.first, now.last, then) for now, then in zip(at(image), told, strict=True)]

    return _images(home, lane, count, take, close=disk.close)


def _images(
    where: Path, lane: Lane, count: int, take: Callable[[Path], list[Sent]], *, close: Callable[[], None]
) -> Outcome:
    """A life that records while images of its disk are taken and judged, each in a life of its own."""
    outcome, home = Outcome(), where / "judge"
    home.mkdir()
    try:
        lane.begin(zygote(0))
        lane.until(lambda: all(sent.told_us for sent in lane.sent()), "something is promised")
        for number in range(count):
            image = where / f"image-{number}"
            outcome.add(_judged(home, image, lane, take(image)))
    finally:
        zygote(0).kill()
        lane.close()
        close()
    return outcome


def _judged(home: Path, image: Path, of: Lane, sent: list[Sent]) -> Outcome:
    with _mounted(home, image) as folder:
        lane = of.copy(home, folder / "vst", [sent])
        try:
            lane.last_life(zygote(1))
        finally:
            zygote(1).kill()
            lane.close()
    return judged(lane, 1)


def at(image: Path) -> list[Sent]:
    """What had been sent and told when the power failed."""
    ledger = Ledger(image.with_name(f"{image.name}.ledger"), _CAMERAS)
    try:
        return ledger.read()
    finally:
        ledger.close()


@contextmanager
def _mounted(home: Path, image: Path) -> Iterator[Path]:
    """An image as it is found when power returns: checked and mounted."""
    folder = home / "mounted"
    folder.mkdir(exist_ok=True)
    checked = subprocess.run(["e2fsck", "-fy", str(image)], capture_output=True, text=True, check=False)
    if checked.returncode & ~1:
        raise RuntimeError(f"e2fsck: {checked.stdout[-500:]}")
    device = run("losetup", "-f", "--show", str(image))
    try:
        run("mount", "-t", "ext4", device, str(folder))
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], capture_output=True, check=False)
        subprocess.run(["losetup", "-d", device], capture_output=True, check=False)
        os.unlink(image)
