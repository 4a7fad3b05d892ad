"""A disk with a volatile cache: what was not flushed may be lost, in part and in any order, when the power fails.

`python -m tests.faults.voldisk BACKING MOUNT` serves the file MOUNT/disk; the backing file holds what was flushed. It
takes commands on its standard input. `crash N OUT KEEP SEED LEDGER`: inside the N-th write from now, copy LEDGER (what
has been sent until then) and write what a power cut could leave to the file OUT: flushed data and a share KEEP of the
unflushed 4 KiB blocks, applied in random order. `lie 1`: acknowledge flushes without doing them.
"""

import errno
import os
import random
import stat
import sys
import threading
from pathlib import Path
from typing import Any

import mfusepy as fuse

_BLOCK = 4096
_FILE = "/disk"


class VolatileDisk(fuse.Operations):  # type: ignore[misc]
    """One file; the kernel's loop driver makes a disk of it."""

    use_ns = True

    def __init__(self, backing: str) -> None:
        self._file = os.open(backing, os.O_RDWR)
        self._now = bytearray(os.pread(self._file, os.fstat(self._file).st_size, 0))
        self._pending: list[tuple[int, bytes]] = []
        self._crash: list[str] | None = None
        self._writes_left = 0
        self._lies = False

    def getattr(self, path: str, _fh: Any = None) -> dict[str, int]:
        """A folder with one file."""
        if path == "/":
            return {"st_mode": stat.S_IFDIR | 0o755, "st_nlink": 2}
        if path != _FILE:
            raise fuse.FuseOSError(errno.ENOENT)
        return {"st_mode": stat.S_IFREG | 0o600, "st_nlink": 1, "st_size": len(self._now)}

    def open(self, _path: str, _flags: int) -> int:
        """One handle is as good as another."""
        return 1

    def read(self, _path: str, size: int, offset: int, _fh: int) -> bytes:
        """What was written last, flushed or not."""
        return bytes(self._now[offset : offset + size])

    def write(self, _path: str, data: bytes, offset: int, _fh: int) -> int:
        """Into the cache; the power may fail here."""
        self._now[offset : offset + len(data)] = data
        self._pending.append((offset, bytes(data)))
        if self._crash is not None:
            self._writes_left -= 1
            if self._writes_left <= 0:
                order, self._crash = self._crash, None
                self._image(*order)
        return len(data)

    def fsync(self, _path: str, _datasync: int, _fh: int) -> int:
        """Everything that was written before is safe from here on."""
        if not self._lies:
            for offset, data in self._pending:
                os.pwrite(self._file, data, offset)
            self._pending.clear()
        return 0

    def obey(self, words: list[str]) -> None:
        """One command."""
        match words:
            case ["crash", writes, *order]:
                self._writes_left, self._crash = int(writes), order
            case ["lie", on]:
                self._lies = on == "1"

    def _image(self, out: str, keep: str, seed: str, ledger: str) -> None:
        Path(out + ".ledger").write_bytes(Path(ledger).read_bytes())
        dice, share = random.Random(int(seed)), float(keep)
        image = bytearray(os.pread(self._file, len(self._now), 0))
        blocks = [
            (offset + at, data[at : at + _BLOCK])
            for offset, data in self._pending
            for at in range(0, len(data), _BLOCK)
        ]
        for offset, block in dice.sample(blocks, len(blocks)):
            if dice.random() < share:
                image[offset : offset + len(block)] = block
        unfinished = Path(out + "~")
        unfinished.write_bytes(image)
        unfinished.rename(out)


def main(backing: str, mount: str) -> None:
    """Serves until it is killed."""
    disk = VolatileDisk(backing)

    def listen() -> None:
        for line in sys.stdin:
            disk.obey(line.split())

    threading.Thread(target=listen, daemon=True).start()
    fuse.FUSE(disk, mount, foreground=True, nothreads=True)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
