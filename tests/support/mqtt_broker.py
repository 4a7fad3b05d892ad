"""A real MQTT broker (mosquitto) on loopback, in a process of its own."""

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_CONFIG = """
listener {port} 127.0.0.1
allow_anonymous true
persistence false
"""
_PATHS = ("mosquitto", "/usr/sbin/mosquitto")
_START_S = 30.0


@contextmanager
def mqtt_broker(folder: Path) -> Iterator[int]:
    """Its port, from the moment it listens until the block ends."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    program = next(filter(None, map(shutil.which, _PATHS)), None)
    if program is None:
        raise FileNotFoundError("mosquitto is needed for this test: apt-get install mosquitto")
    config = folder / "broker.conf"
    config.write_text(_CONFIG.format(port=port))
    with subprocess.Popen(
        [program, "-c", str(config)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as child:
        try:
            _until_listening(port, child)
            yield port
        finally:
            child.terminate()
            try:
                child.wait(10)
            except subprocess.TimeoutExpired:
                child.kill()


def _until_listening(port: int, child: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + _START_S
    while time.monotonic() < deadline and child.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise TimeoutError("the MQTT broker has not started")
