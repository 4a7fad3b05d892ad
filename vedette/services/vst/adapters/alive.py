"""When VST was last alive: a file whose modification time moves while it runs.

After a crash it tells how long a stream that had nothing to record was still being waited for. It is not synced, so a
power cut may take its last seconds; the crash then seems to begin that much earlier, which claims less, not more.
"""

import os
from pathlib import Path

_NS_PER_US = 1000


def touch(path: Path, at_us: int) -> None:
    """Says that VST is alive at this instant. Blocking; OSError when the disk refuses."""
    path.touch(mode=0o640)
    os.utime(path, ns=(at_us * _NS_PER_US, at_us * _NS_PER_US))


def last_us(path: Path) -> int:
    """The instant that was said last, 0 when there was none. Blocking."""
    try:
        return path.stat().st_mtime_ns // _NS_PER_US
    except FileNotFoundError:
        return 0
