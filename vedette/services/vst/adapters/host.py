"""What this process and its machine use, as Linux tells it in /proc."""

import os
from dataclasses import dataclass
from pathlib import Path

_PROC = Path("/proc")


@dataclass(frozen=True, slots=True)
class HostUse:
    """Counters and sizes of now; `busy` and `total` are the machine's CPU time in ticks since it started."""

    busy: int
    total: int
    rss_bytes: int
    open_files: int
    used_memory_bytes: int


def look(proc: Path = _PROC) -> HostUse:
    """One look; OSError where there is no /proc."""
    fields = [int(text) for text in (proc / "stat").read_text().split("\n", 1)[0].split()[1:9]]
    idle = fields[3] + fields[4]
    memory = dict(_memory(proc))
    return HostUse(
        busy=sum(fields) - idle,
        total=sum(fields),
        rss_bytes=int((proc / "self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE"),
        open_files=len(os.listdir(proc / "self/fd")),
        used_memory_bytes=1024 * (memory.get("MemTotal", 0) - memory.get("MemAvailable", 0)),
    )


def _memory(proc: Path) -> list[tuple[str, int]]:
    lines = (proc / "meminfo").read_text().splitlines()
    return [(name, int(rest.split()[0])) for name, _, rest in (line.partition(":") for line in lines)]
