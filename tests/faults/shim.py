"""The library that makes flushes fail or slow for a process: built on first use, turned on and off while it runs."""

import mmap
import struct
import subprocess
from pathlib import Path

_FIELDS = struct.Struct("=qqqqq")
_SOURCE = Path(__file__).with_name("shim.c")


class Shim:
    """The knobs; `environment` is what a process needs at its start."""

    def __init__(self, home: Path, *, where: str, seed: int) -> None:
        library, control = home / "shim.so", home / "shim"
        command = ["cc", "-shared", "-fPIC", "-O1", "-o", str(library), str(_SOURCE), "-ldl", "-lpthread"]
        subprocess.run(command, check=True)
        control.write_bytes(bytes(4096))
        with control.open("r+b") as file:
            self._map = mmap.mmap(file.fileno(), 4096)
        self._map[_FIELDS.size : _FIELDS.size + len(where)] = where.encode()
        _FIELDS.pack_into(self._map, 0, 0, 0, 0, 0, seed)
        self.environment = {"LD_PRELOAD": str(library), "FAULT_SHIM": str(control)}

    def fail(self, share: float) -> None:
        """From now on this share of flushes fails."""
        struct.pack_into("=q", self._map, 16, round(share * 1e6))

    def slow(self, seconds: float) -> None:
        """From now on each flush takes so much longer."""
        struct.pack_into("=q", self._map, 24, round(seconds * 1e6))

    @property
    def calls(self) -> int:
        """Flushes so far."""
        return int(_FIELDS.unpack_from(self._map)[0])

    @property
    def failures(self) -> int:
        """Flushes that failed."""
        return int(_FIELDS.unpack_from(self._map)[1])

    def close(self) -> None:
        """Unmaps it."""
        self._map.close()
