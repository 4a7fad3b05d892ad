"""An RTSP server that can be shut and opened again somewhere else, as when a camera restarts with a new address."""

import asyncio
import socket
from collections.abc import Callable

from vedette.kernel.clock import Clock
from vedette.media.rtsp_server import RtspServer

_RETRY_S = 0.5

type MakeServer = Callable[[str, int], RtspServer]


def can_bind(host: str) -> bool:
    """Whether this machine has the address."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        try:
            probe.bind((host, 0))
        except OSError:
            return False
        return True


class Door:
    """`run` keeps a server open at `host` and `port` until cancelled; a port once bound is kept over `reopen`."""

    def __init__(self, make: MakeServer, host: str, port: int, *, clock: Clock) -> None:
        self.host = host
        self.port = port
        self.server = make(host, port)
        self._make = make
        self._clock = clock
        self._shut = asyncio.Event()
        self._closed_s = 0.0

    async def run(self, opened: "asyncio.Future[None]") -> None:
        """Serve; `opened` gets the outcome of the first binding, `OSError` when the port is taken."""
        while True:
            self._shut.clear()
            try:
                await self._serve(opened)
            except OSError as error:
                if not opened.done():
                    opened.set_exception(error)
                    return
                self._closed_s = _RETRY_S
            await self._clock.sleep(self._closed_s)
            self.server = self._make(self.host, self.port)

    async def _serve(self, opened: "asyncio.Future[None]") -> None:
        async with self.server as server:
            self.port = server.port
            if not opened.done():
                opened.set_result(None)
            await self._shut.wait()

    def reopen(self, *, after_s: float, host: str | None = None, port: int | None = None) -> None:
        """Cut everybody, listen nowhere for a while, then here or at the new place."""
        self.host = self.host if host is None else host
        self.port = self.port if port is None else port
        self._closed_s = after_s
        self._shut.set()
