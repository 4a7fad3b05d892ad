"""Faults on the wire: what stands between the RTSP server and a client's socket when a camera misbehaves.

The server hands over whole messages, so each can be dropped, delayed and changed by itself (`disturb`).
"""

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine
from typing import Any, Protocol, override

import numpy as np

from vedette.kernel.clock import Clock
from vedette.media.rtsp_host import ClientCounters, Datagrams, Wire
from vedette.tools.camera.disturb import DOLLAR, Active, disturbed_answer, disturbed_packets

_MOST_HELD_BYTES = 1024 * 1024
_STEP_S = 0.05


class Supply(Protocol):
    """What a wire needs of its camera."""

    clock: Clock
    dice: np.random.Generator

    def active(self, path: str) -> Active:
        """The faults of the stream at this path."""

    def start(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Run work beside the server, until it ends or the camera stops."""


class FaultyWire(Wire):
    """One client's TCP connection. Without an active fault it only passes on."""

    def __init__(self, transport: asyncio.Transport, client: ClientCounters, supply: Supply) -> None:
        self._transport = transport
        self._client = client
        self._supply = supply
        self._held: deque[bytes] = deque()
        self._held_bytes = 0
        self._draining = False
        self._frozen = False

    @property
    def path(self) -> str:
        """The stream that the client asked for last; empty before it has."""
        return self._client.path

    @override
    def write(self, data: bytes | bytearray | memoryview) -> None:
        faults = self._supply.active(self.path)
        if "half_open" in faults:
            self.freeze()
        if self._frozen:
            return
        if not faults and not self._held:
            self._transport.write(data)
            return
        if data[0] == DOLLAR:
            data = disturbed_packets(data, faults, self._supply.dice)
        else:
            data = disturbed_answer(bytes(data), faults)
        if self._held or "slow" in faults or ("burst" in faults and data[:1] == b"$"):
            self._hold(bytes(data))
        elif data:
            self._transport.write(data)

    @override
    def get_write_buffer_size(self) -> int:
        return self._transport.get_write_buffer_size()

    @override
    def is_closing(self) -> bool:
        return self._transport.is_closing()

    @override
    def close(self) -> None:
        if not self._frozen:
            self._transport.close()

    @override
    def abort(self) -> None:
        self._transport.abort()

    def freeze(self) -> None:
        """Neither read nor write any more, and never say so."""
        if not self._frozen and not self._transport.is_closing():
            self._frozen = True
            self._transport.pause_reading()

    def half_close(self) -> None:
        """Say that nothing more will come, and go on listening."""
        if not self._transport.is_closing() and self._transport.can_write_eof():
            self._transport.write_eof()

    def thaw(self) -> None:
        """What was frozen has lost its place: reset it."""
        if self._frozen:
            self._transport.abort()

    def _hold(self, data: bytes) -> None:
        """Keep what may not leave yet; a camera whose line is too slow drops whole writes."""
        if not data or (
            self._held_bytes + len(data) > _MOST_HELD_BYTES and "burst" not in self._supply.active(self.path)
        ):
            return
        self._held.append(data)
        self._held_bytes += len(data)
        if not self._draining:
            self._draining = True
            self._supply.start(self._drain)

    async def _drain(self) -> None:
        while self._held and not self._transport.is_closing() and not self._frozen:
            faults = self._supply.active(self.path)
            if "slow" in faults:
                await self._trickle(faults["slow"].bytes_per_second)
                continue
            if "burst" in faults:
                await self._supply.clock.sleep(faults["burst"].hold_seconds)
            self._transport.write(b"".join(self._held))
            self._held.clear()
            self._held_bytes = 0
        self._draining = False

    async def _trickle(self, bytes_per_second: int) -> None:
        """Let out what fits in one step, byte by byte where that is all."""
        room = max(1, round(bytes_per_second * _STEP_S))
        data = self._held.popleft()
        self._transport.write(data[:room])
        self._held_bytes -= min(room, len(data))
        if len(data) > room:
            self._held.appendleft(data[room:])
        await self._supply.clock.sleep(max(_STEP_S, room / bytes_per_second))


class FaultyDatagrams(Datagrams):
    """The server's UDP sockets as one client sees them; the faults of a byte stream have no meaning here."""

    def __init__(self, sockets: Datagrams, client: ClientCounters, supply: Supply) -> None:
        self._sockets = sockets
        self._client = client
        self._supply = supply

    @property
    @override
    def ports(self) -> tuple[int, int]:
        return self._sockets.ports

    @override
    def send(self, data: bytes | memoryview, address: tuple[str, int], *, control: bool) -> None:
        faults = self._supply.active(self._client.path)
        loss = faults.get("loss")
        lost = "half_open" in faults or (not control and "rtcp_only" in faults)
        if lost or (loss is not None and not control and self._supply.dice.random() < loss.share):
            return
        self._sockets.send(data, address, control=control)
