"""A disk of our own that can lose its power: a file behind a loop device, mounted in a folder of our own."""

import fcntl
import os
import struct
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

type FileSystem = Literal["ext4", "xfs"]

_GOING_DOWN = 0x8004587D
_NO_LOG_FLUSH = 2
_MAKE: dict[FileSystem, tuple[str, ...]] = {
    "ext4": ("mkfs.ext4", "-q", "-m", "0", "-e", "remount-ro", "-E", "lazy_itable_init=0,lazy_journal_init=0"),
    "xfs": ("mkfs.xfs", "-q", "-m", "reflink=1"),
}
LEAST_BYTES: dict[FileSystem, int] = {"ext4": 16 << 20, "xfs": 320 << 20}
MEMORY = Path("/dev/shm")


class LoopDisk:
    """A mounted file system; `cut()` is the instant after which nothing reaches it any more."""

    def __init__(self, home: Path, kind: FileSystem, size_bytes: int, *, options: tuple[str, ...] = ()) -> None:
        self.kind = kind
        self.mount_point = home / f"disk-{kind}"
        self.mount_point.mkdir()
        self.image = home / f"{kind}.img"
        with self.image.open("wb") as file:
            file.truncate(size_bytes)
        run(*_MAKE[kind], *options, str(self.image))
        self.device = run("losetup", "-f", "--show", str(self.image))
        try:
            self.mount()
        except BaseException:
            self.close()
            raise

    def mount(self, *flags: str) -> None:
        """Mounts it; the file system replays its journal."""
        run("mount", "-t", self.kind, *flags, self.device, str(self.mount_point))

    def unmount(self) -> None:
        """Takes it away; it must not be in use any more."""
        run("umount", str(self.mount_point))

    def detach(self) -> None:
        """Takes it away while it is in use: what is open stays open, nothing new is found."""
        run("umount", "-l", str(self.mount_point))

    def fail(self) -> None:
        """The kernel finds an error in the file system and makes it read-only (ext4)."""
        Path(f"/sys/fs/ext4/{Path(self.device).name}/trigger_fs_error").write_text("fault campaign", encoding="ascii")

    def check(self) -> None:
        """Takes the error back: unmounts, repairs and mounts."""
        self.unmount()
        subprocess.run(["e2fsck", "-fy", self.device], capture_output=True, check=False)
        self.mount()

    def cut(self) -> None:
        """Writes fail from here on, what was not flushed is lost: the shutdown ioctl of XFS, which ext4 takes, too."""
        folder = os.open(self.mount_point, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.ioctl(folder, _GOING_DOWN, struct.pack("I", _NO_LOG_FLUSH))
        finally:
            os.close(folder)

    def power_back(self) -> None:
        """After `cut`, once nobody has a file open: the disk as it is found when power returns."""
        self.unmount()
        self.mount()

    def free_bytes(self) -> int:
        """What an ordinary user may still write."""
        found = os.statvfs(self.mount_point)
        return found.f_bavail * found.f_frsize

    def close(self) -> None:
        """Gives back mount and loop device, whatever state they are in."""
        while subprocess.run(["umount", "-l", str(self.mount_point)], capture_output=True, check=False).returncode == 0:
            pass
        subprocess.run(["losetup", "-d", self.device], capture_output=True, check=False)
        self.image.unlink(missing_ok=True)


@contextmanager
def workplace() -> Iterator[Path]:
    """A folder of our own, in memory where there is such a file system: no real disk decides how long it takes."""
    with tempfile.TemporaryDirectory(prefix="vedette-faults-", dir=MEMORY if MEMORY.is_dir() else None) as folder:
        yield Path(folder)


@contextmanager
def a_disk(
    home: Path, kind: FileSystem = "ext4", size_bytes: int = 384 << 20, *, options: tuple[str, ...] = ()
) -> Iterator[LoopDisk]:
    """A disk that is gone when the block is left."""
    disk = LoopDisk(home, kind, max(size_bytes, LEAST_BYTES[kind]), options=options)
    try:
        yield disk
    finally:
        disk.close()


def run(*command: str) -> str:
    """Runs a tool of the system; what it says when it fails is in the exception."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise OSError(f"{' '.join(command)}: {done.stderr.strip()}")
    return done.stdout.strip()
