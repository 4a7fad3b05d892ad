"""A camera over RTSP: the project's own client, packets to access units as they are, never decoded."""

import asyncio
import socket
import ssl
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import Literal, override

import anyio

from vedette.kernel.clock import Clock
from vedette.kernel.errors import Fault
from vedette.media import rtsp_faults
from vedette.media.rtp_receiver import ReceiverCounters
from vedette.media.rtsp_client import RtspClient, Target, parse_target
from vedette.media.source import Source
from vedette.media.sources.network_faults import of_error
from vedette.media.sources.rtsp_session import RtspSession
from vedette.media.unit import AccessUnit, CodecParameters


class RtspSource(Source):
    """The first video elementary stream of an `rtsp://` or `rtsps://` URL, and its sound when `audio` is asked for.

    Opening may take `open_timeout_s`, a silence `read_timeout_s`; both raise Fault 408, and only media ends a silence:
    a camera that hangs but sends reports or answers is noticed. The end of the stream is a Fault too: a camera has no
    end. With rtsps the connection is encrypted, but the camera's certificate is not verified, because cameras sign
    their own. Redirections are refused.
    """

    def __init__(
        self,
        url: str,
        *,
        clock: Clock,
        transport: Literal["tcp", "udp"] = "tcp",
        open_timeout_s: float = 10.0,
        read_timeout_s: float = 5.0,
        keyframes_only: bool = False,
        audio: bool = False,
    ) -> None:
        self._url, self._clock, self._transport = url, clock, transport
        self._open_timeout_s, self._read_timeout_s = open_timeout_s, read_timeout_s
        self._keyframes_only, self._audio = keyframes_only, audio
        self._current: RtspSession | None = None

    @property
    def counters(self) -> ReceiverCounters:
        """Packets of the video of this session or the last: what came, was lost, damaged, late or strange."""
        return self._current.counters if self._current is not None else ReceiverCounters()

    @override
    async def units(self) -> AsyncGenerator[AccessUnit]:
        async with self._playing() as session:
            while True:
                for unit in await session.take():
                    yield unit

    async def probe(self) -> CodecParameters:
        """Opens the URL, waits for the first picture and says what it is; Faults as from `units`."""
        async with self._playing() as session:
            return (await session.take())[0].parameters

    @asynccontextmanager
    async def _playing(self) -> AsyncGenerator[RtspSession]:
        """A session whose packets come; its connection is gone when the block is left."""
        target = parse_target(self._url)
        client = RtspClient(target, audio=self._audio)
        session = RtspSession(client, clock=self._clock, read_timeout_s=self._read_timeout_s)
        self._current = session
        try:
            opening = partial(self._open, session, client, target)
            await _within(self._open_timeout_s, self._clock, opening, late=session.silence)
            yield session
        finally:
            with anyio.CancelScope(shield=True):
                await session.close()

    async def _open(self, session: RtspSession, client: RtspClient, target: Target) -> None:
        try:
            await _connect(session, target)
        except OSError as error:
            raise of_error(error, secure=target.secure) from None  # the cause may name the address
        except UnicodeError:
            raise rtsp_faults.bad_url() from None
        if self._transport == "udp":
            await session.bind_datagrams()
        tracks = await session.converse(client.set_up())
        session.listen(tracks, keyframes_only=self._keyframes_only)
        await session.converse(client.play(tracks))
        session.watch()


async def _connect(session: RtspSession, target: Target) -> None:
    """Connect to the first address of the host that answers; `OSError` of the last one when none does."""
    loop = asyncio.get_running_loop()
    addresses = await loop.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM)
    for left, (family, _, _, _, address) in zip(range(len(addresses) - 1, -1, -1), addresses, strict=True):
        try:
            await loop.create_connection(
                lambda: session,
                str(address[0]),
                target.port,
                family=family,
                ssl=_unverified() if target.secure else None,
                server_hostname=target.host if target.secure else None,
            )
        except OSError:
            if not left:
                raise
        else:
            return


def _unverified() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE  # said in the class: cameras sign their own certificates
    return context


async def _within(
    seconds: float, clock: Clock, work: Callable[[], Awaitable[None]], *, late: Callable[[], Fault]
) -> None:
    """Do this work; what `late` says when it takes longer."""
    fault: Fault | None = None
    async with anyio.create_task_group() as group:

        async def expire() -> None:
            nonlocal fault
            await clock.sleep(seconds)
            fault = late()
            group.cancel_scope.cancel()

        group.start_soon(expire)
        try:
            await work()
        except Fault as raised:
            fault = raised
        group.cancel_scope.cancel()
    if fault is not None:
        raise fault
