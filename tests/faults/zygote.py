"""A process that has imported everything and forks lives on command, so that a life begins in milliseconds.

`python -m tests.faults.zygote`: reads one JSON order a line, answers with the process id of the life; `reap` answers
when that life is over.
"""

import contextlib
import gc
import os
import sys

import msgspec

from tests.faults.disk import workplace
from tests.faults.life import Order, live, warm_up
from tests.faults.synthetic import encoded
from vedette.kernel.log import configure


def main() -> None:
    """Serves until its standard input ends."""
    clips, decoder = encoded(), msgspec.json.Decoder(Order)
    configure(service="vst", level=os.environ.get("VEDETTE_FAULTS_LOG", "critical"))
    with workplace() as home:
        warm_up(clips, home)
    gc.freeze()
    _answer("ready")
    pid = 0
    for line in sys.stdin:
        if line.strip() == "reap":
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, 0)
            _answer("reaped")
            continue
        pid = os.fork()
        if pid == 0:
            try:
                live(decoder.decode(line), clips)
            finally:
                os._exit(1)
        _answer(str(pid))


def _answer(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
