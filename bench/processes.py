"""What processes cost, from /proc: CPU seconds of a whole tree, memory in proportion to what is shared."""

import contextlib
import os
from collections.abc import Iterable
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")


def tree(pid: int) -> list[int]:
    """A process and all below it."""
    found = [pid]
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                if int(_stat(int(entry.name))[1]) == pid:
                    found += tree(int(entry.name))
    return found


def cpu_seconds(pids: Iterable[int]) -> float:
    """User and system seconds used so far by these processes and those below them."""
    total = 0.0
    for pid in pids:
        for member in tree(pid):
            with contextlib.suppress(OSError):
                fields = _stat(member)
                total += (int(fields[11]) + int(fields[12])) / _TICKS
    return total


def memory_mb(pids: Iterable[int]) -> float:
    """Proportional set size in MB of these processes and those below them."""
    total = 0
    for pid in pids:
        for member in tree(pid):
            with contextlib.suppress(OSError):
                for line in Path(f"/proc/{member}/smaps_rollup").read_text(encoding="ascii").splitlines():
                    if line.startswith("Pss:"):
                        total += int(line.split()[1])
    return total / 1000


def _stat(pid: int) -> list[str]:
    """The fields of /proc/PID/stat from the third on: state, parent, …"""
    return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
