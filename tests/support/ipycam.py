"""PyPI's third-party camera `ipycam` on loopback, in a process of its own: its OpenCV brings a second FFmpeg."""

import json
import select
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

_CHILD = Path(__file__).with_name("ipycam_child.py")
_START_S = 60.0


@dataclass(frozen=True)
class IpyCam:
    """Where it listens: ONVIF over HTTP, RTSP, and WS-Discovery at a UDP port of its own."""

    onvif_port: int
    rtsp_port: int
    discovery_port: int
    serial: str
    name: str

    @property
    def xaddr(self) -> str:
        """Its device service."""
        return f"http://127.0.0.1:{self.onvif_port}/onvif/device_service"


@dataclass(frozen=True)
class Wanted:
    """How it is set up; with a password it asks for WS-UsernameToken."""

    name: str = "Third party"
    serial: str = "PY-000042"
    username: str = ""
    password: str = ""
    width: int = 640
    height: int = 360
    fps: int = 10


@contextmanager
def ipycam(wanted: Wanted | None = None) -> Iterator[IpyCam]:
    """The camera, from the moment it answers until the block ends."""
    chosen = wanted or Wanted()
    # -P: this file bears the library's name and must not be found in its place
    argv = [sys.executable, "-P", str(_CHILD), json.dumps(asdict(chosen))]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as child:
        try:
            assert child.stdout is not None
            if not select.select([child.stdout], [], [], _START_S)[0]:
                raise TimeoutError("ipycam has not started")
            ports = json.loads(child.stdout.readline())
            yield IpyCam(**ports, serial=chosen.serial, name=chosen.name)
        finally:
            assert child.stdin is not None
            child.stdin.close()  # the child ends with its input
            try:
                child.wait(10)
            except subprocess.TimeoutExpired:
                child.kill()
