"""Runs one `ipycam` camera on loopback until the standard input ends; prints its ports as one line of JSON."""

import functools
import json
import select
import socket
import sys
from typing import Any

import ipycam.camera
import numpy as np
from ipycam import CameraConfig, IPCamera
from ipycam.discovery import WSDiscoveryServer

_BAR = 40


def free_port(kind: socket.SocketKind) -> int:
    """A port that was free a moment ago; ipycam cannot be asked to choose one."""
    with socket.socket(socket.AF_INET, kind) as asking:
        asking.bind(("127.0.0.1", 0))
        return int(asking.getsockname()[1])


class LoopbackServer(ipycam.camera.ReusableThreadingTCPServer):  # type: ignore[misc] # it has no types
    """Its web server, at 127.0.0.1 instead of every address."""

    def __init__(self, address: tuple[str, int], *rest: Any) -> None:
        super().__init__(("127.0.0.1", address[1]), *rest)


def main() -> None:
    """A bar wanders over a grey picture, so that there is something to encode."""
    wanted = json.loads(sys.argv[1])
    ports = {"onvif_port": free_port(socket.SOCK_STREAM), "rtsp_port": free_port(socket.SOCK_STREAM)}
    WSDiscoveryServer.MULTICAST_PORT = free_port(socket.SOCK_DGRAM)
    ipycam.camera.ReusableThreadingTCPServer = LoopbackServer
    ipycam.camera.NativeRTSPServer = functools.partial(ipycam.camera.NativeRTSPServer, host="127.0.0.1")
    ipycam.camera.is_webrtc_available = lambda: False
    width, height, fps = wanted["width"], wanted["height"], wanted["fps"]
    config = CameraConfig(
        name=wanted["name"],
        serial_number=wanted["serial"],
        username=wanted["username"],
        password=wanted["password"],
        local_ip="127.0.0.1",
        go2rtc_api_port=free_port(socket.SOCK_STREAM),
        main_width=width,
        main_height=height,
        main_fps=fps,
        main_bitrate="1M",
        sub_width=width // 2,
        sub_height=height // 2,
        sub_fps=fps,
        sub_bitrate="256K",
        show_timestamp=False,
        **ports,
    )
    camera = IPCamera(config)
    camera.start()
    sys.stdout.write(json.dumps({**ports, "discovery_port": WSDiscoveryServer.MULTICAST_PORT}) + "\n")
    sys.stdout.flush()
    number = 0
    while not select.select([sys.stdin], [], [], 0)[0]:  # ipycam paces the frames itself
        frame = np.full((height, width, 3), 90, np.uint8)
        at = number * 8 % (width - _BAR)
        frame[:, at : at + _BAR] = (40, 200, 240)
        camera.stream(frame)
        number += 1
    camera.stop()


if __name__ == "__main__":
    main()
