"""RTP and RTCP of one track over UDP: two sockets on an even port and the next, open to the camera's address only."""

import asyncio
import socket
from collections.abc import Callable
from typing import cast, override

from vedette.kernel.clock import Clock
from vedette.media import rtsp_faults
from vedette.media.rtp_reorder import ReorderBuffer
from vedette.media.rtsp_interleaved import PacketSink

_TRIES = 50
_RECEIVE_BUFFER_BYTES = 4 * 1024 * 1024
_OPENER = b"\x80" + bytes(11)
"""An RTP packet without payload: it makes a firewall between us and the camera expect the camera's packets."""


class DatagramPair:
    """Made by `bind`; packets go nowhere until `listen`."""

    def __init__(self, sockets: tuple[asyncio.DatagramTransport, asyncio.DatagramTransport], address: str) -> None:
        self._rtp, self._rtcp = sockets
        self._address = address
        self._control_port = 0

    @property
    def ports(self) -> tuple[int, int]:
        """The local ports of RTP and RTCP."""
        port: int = self._rtp.get_extra_info("sockname")[1]
        return port, port + 1

    def listen(self, packet: PacketSink, control: PacketSink, on_batch: Callable[[], None], *, clock: Clock) -> None:
        """Give RTP packets in order and RTCP packets as they come to the sinks, and call `on_batch` after each."""
        ordered = ReorderBuffer(packet)

        def on_rtp(data: bytes) -> None:
            ordered.push(data, clock.monotonic())
            on_batch()

        def on_rtcp(data: bytes) -> None:
            control(data, 0, len(data))
            on_batch()

        cast(_Receiver, self._rtp.get_protocol()).receive = on_rtp
        cast(_Receiver, self._rtcp.get_protocol()).receive = on_rtcp

    def open_to(self, ports: tuple[int, int] | None) -> None:
        """Learn the camera's ports, and send something there first."""
        if ports is not None:
            self._control_port = ports[1]
            self._rtp.sendto(_OPENER, (self._address, ports[0]))

    def send_control(self, data: bytes) -> None:
        """Send RTCP to the camera."""
        if self._control_port:
            self._rtcp.sendto(data, (self._address, self._control_port))

    def close(self) -> None:
        """Close both sockets."""
        self._rtp.close()
        self._rtcp.close()


class _Receiver(asyncio.DatagramProtocol):
    """Takes what comes from one address. Errors that ICMP reports are no end: the silence will be noticed."""

    def __init__(self, address: str) -> None:
        self._address = address
        self.receive: Callable[[bytes], None] = _ignored

    @override
    def datagram_received(self, data: bytes, addr: tuple[str | object, int]) -> None:
        if addr[0] == self._address:
            self.receive(data)


def _ignored(_: bytes) -> None:
    """Before anyone listens."""


async def bind(local: str, address: str) -> DatagramPair:
    """Two sockets at this local address for packets from that one; Fault 502 when no pair of ports is free."""
    loop = asyncio.get_running_loop()
    for _ in range(_TRIES):
        rtp, _protocol = await loop.create_datagram_endpoint(lambda: _Receiver(address), local_addr=(local, 0))
        port = rtp.get_extra_info("sockname")[1]
        if port % 2 == 0:
            try:
                rtcp, _protocol = await loop.create_datagram_endpoint(
                    lambda: _Receiver(address), local_addr=(local, port + 1)
                )
            except OSError:
                rtp.close()
                continue
            rtp.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER_BYTES)
            return DatagramPair((rtp, rtcp), address)
        rtp.close()
    raise rtsp_faults.unreachable("No pair of UDP ports is free. Close what uses them, or choose TCP.")
