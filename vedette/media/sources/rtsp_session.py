"""One RTSP connection on the event loop: the conversation, then packets as they come, units by the batch.

Reading costs no task switch a packet: the loop calls `data_received`, everything up to access units happens in that
call, and the reader is woken once for what it brought. One task watches deadlines, through the clock.
"""

import asyncio
import contextlib
from collections.abc import Callable
from functools import partial
from typing import cast, override

from vedette.kernel.clock import Clock
from vedette.kernel.errors import Fault, unavailable
from vedette.media import rtsp_faults
from vedette.media.rtp import interleave
from vedette.media.rtp_receiver import ReceiverCounters
from vedette.media.rtsp_client import Conversation, RtspClient, Track
from vedette.media.rtsp_interleaved import PacketSink, Splitter
from vedette.media.rtsp_messages import Request, Response, RtspSyntaxError, serialise
from vedette.media.sources.network_faults import of_error
from vedette.media.sources.rtsp_datagrams import DatagramPair, bind
from vedette.media.sources.rtsp_tracks import SoundTrack, VideoTrack, sound_of, video_of
from vedette.media.unit import AccessUnit

STUCK_S = 10.0
KEYFRAME_S = 60.0
QUEUE_BYTES = 16 * 1024 * 1024
REPORT_S = 10.0


class RtspSession(asyncio.Protocol):
    """The protocol of one connection. Call `converse`, `listen`, `converse`, `watch`, then `take` again and
    again; `close` in any case.

    A reader that does not come lets TCP hold the camera back when `queue_bytes` wait, and ends the session with Fault
    503 after `STUCK_S`. Nothing is dropped here.
    """

    def __init__(
        self, client: RtspClient, *, clock: Clock, read_timeout_s: float, queue_bytes: int | None = None
    ) -> None:
        self._client, self._clock = client, clock
        self._read_timeout_s = read_timeout_s
        self._queue_bytes = queue_bytes or QUEUE_BYTES
        self._sinks: dict[int, PacketSink] = {}
        self._splitter = Splitter(self._on_message, self._sinks)
        self._transport: asyncio.Transport | None = None
        self._closed = asyncio.Event()
        self._waiter: asyncio.Future[None] | None = None
        self._responses: list[Response] = []
        self._spoke = False
        self._fault: Fault | None = None
        self._video: VideoTrack | None = None
        self._sound: SoundTrack | None = None
        self._packets = 0
        self._datagrams: list[DatagramPair] = []
        self._reports: list[tuple[VideoTrack | SoundTrack, Callable[[bytes], None]]] = []
        self._units: list[AccessUnit] = []
        self._bytes = 0
        self._has_units = False
        self._paused_at: float | None = None
        self._played_at = self._media_at = self._kept_alive_at = self._reported_at = 0.0
        self._watch: asyncio.Task[None] | None = None

    @property
    def counters(self) -> ReceiverCounters:
        """What came of the video, and what did not."""
        return self._video.counters if self._video is not None else ReceiverCounters()

    # --- what the loop calls -----------------------------------------------------------------------------------------

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    @override
    def data_received(self, data: bytes) -> None:
        try:
            self._splitter.receive(data)
            if self._video is not None:
                self._collect(self._video)
        except RtspSyntaxError:
            self._end(rtsp_faults.not_rtsp() if self._video is None else rtsp_faults.broken())
        except Fault as fault:
            self._end(fault)

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        if isinstance(exc, OSError):
            self._end(of_error(exc, opened=self._spoke))
        else:
            self._end(rtsp_faults.ended() if self._spoke else rtsp_faults.not_rtsp())
        self._closed.set()

    def silence(self) -> Fault:
        """What it means that opening took too long: nobody there, or somebody who says nothing."""
        return rtsp_faults.no_host() if self._transport is None else rtsp_faults.silent()

    # --- the conversation --------------------------------------------------------------------------------------------

    async def converse[T](self, conversation: Conversation[T]) -> T:
        """Send what the conversation asks, give it what is answered, return what it returns."""
        try:
            request = next(conversation)
            while True:
                request = conversation.send(await self._ask(request))
        except StopIteration as done:
            result: T = done.value
            return result

    async def _ask(self, request: Request) -> Response:
        self._responses.clear()
        self._send(request)
        while not self._responses:
            await self._woken()
        return self._responses.pop()

    def _send(self, message: Request | Response) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(serialise(message))

    def _on_message(self, message: Request | Response) -> None:
        self._spoke = True
        if isinstance(message, Request):
            self._send(self._client.answer(message))
        elif self._watch is None:
            self._responses.append(message)
            self._wake()
        elif (again := self._client.answered(message)) is not None:
            self._send(again)

    # --- media -------------------------------------------------------------------------------------------------------

    def listen(self, tracks: list[Track], *, keyframes_only: bool) -> None:
        """From here on packets become units."""
        self._video = video_of(tracks[0], keyframes_only=keyframes_only)
        self._sound = sound_of(tracks[1]) if len(tracks) > 1 else None
        readers: list[VideoTrack | SoundTrack | None] = [self._video, self._sound]
        for index, (track, reader) in enumerate(zip(tracks, readers, strict=False)):
            if reader is None:
                continue
            channels, datagrams = track.transport.interleaved, self._datagrams[index : index + 1]
            if datagrams:
                datagrams[0].listen(reader.packet, reader.control, self._on_datagram, clock=self._clock)
                datagrams[0].open_to(track.transport.server_port)
                self._reports.append((reader, datagrams[0].send_control))
            elif channels is not None:
                self._sinks[channels[0]] = reader.packet
                self._sinks[channels[1]] = reader.control
                self._reports.append((reader, partial(self._send_interleaved, channels[1])))

    async def bind_datagrams(self) -> None:
        """Ask for UDP; Fault 502 when no ports are free."""
        if self._transport is not None:
            local, peer = (self._transport.get_extra_info(name)[0] for name in ("sockname", "peername"))
            self._datagrams = [await bind(local, peer) for _ in range(self._client.most_tracks)]
            self._client.offer_ports([pair.ports for pair in self._datagrams])

    def _on_datagram(self) -> None:
        if self._video is not None:
            self._collect(self._video)

    def _send_interleaved(self, channel: int, data: bytes) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(interleave(channel, data))

    def watch(self) -> None:
        """The stream plays: from here on the deadlines run."""
        self._splitter.strict = False
        self._played_at = self._media_at = self._kept_alive_at = self._reported_at = self._clock.monotonic()
        # Not in a task group: this session lives in a generator, across whose yields no cancel scope may stretch.
        self._watch = asyncio.get_running_loop().create_task(self._watch_deadlines())

    def _collect(self, video: VideoTrack) -> None:
        """Queue the units that the last packets completed, and note that there was media."""
        if video.counters.packets != self._packets:
            self._packets = video.counters.packets
            self._media_at = self._clock.monotonic()
        units = video.drain(self._clock.now()) if video.has_units else []
        if self._sound is not None and self._sound.has_units:
            units += self._sound.drain(self._clock.now(), video)
        if units:
            self._has_units = True
            self._units += units
            for unit in units:
                self._bytes += len(unit.data)
            if self._bytes > self._queue_bytes:
                self._hold_back()
            self._wake()
        if video.has_ended:
            self._end(rtsp_faults.ended())

    async def take(self) -> list[AccessUnit]:
        """What came since the last call, at least one unit; raises the fault that ended the session."""
        while not self._units:
            await self._woken()
        units, self._units, self._bytes = self._units, [], 0
        if self._paused_at is not None and self._transport is not None:
            self._paused_at = None
            self._media_at = self._clock.monotonic()
            self._transport.resume_reading()
        return units

    def _hold_back(self) -> None:
        if self._paused_at is None and self._transport is not None:
            self._paused_at = self._clock.monotonic()
            self._transport.pause_reading()

    # --- deadlines ---------------------------------------------------------------------------------------------------

    async def _watch_deadlines(self) -> None:
        try:
            while True:
                now_s = self._clock.monotonic()
                if now_s >= self._kept_alive_at + self._client.timeout_s / 2:
                    self._kept_alive_at = now_s
                    self._send(self._client.keep_alive())
                if now_s >= self._reported_at + REPORT_S:
                    self._reported_at = now_s
                    self._report()
                self._check(now_s)
                await self._clock.sleep(self._next_deadline() - now_s)
        except Fault as fault:
            self._end(fault)

    def _report(self) -> None:
        """Some cameras take receiver reports as the only sign of life."""
        for reader, send in self._reports:
            if report := reader.receiver_report():
                send(report)

    def _next_deadline(self) -> float:
        deadlines = [self._kept_alive_at + self._client.timeout_s / 2, self._reported_at + REPORT_S]
        if self._paused_at is None:
            deadlines.append(self._media_at + self._read_timeout_s)
        else:
            deadlines.append(self._paused_at + STUCK_S)
        if not self._has_units:
            deadlines.append(self._played_at + KEYFRAME_S)
        return min(deadlines)

    def _check(self, now_s: float) -> None:
        if self._paused_at is not None:
            if now_s >= self._paused_at + STUCK_S:
                raise unavailable(
                    f"The video was not taken for {STUCK_S:g} s: this box is overloaded. Read fewer cameras."
                )
        elif now_s >= self._media_at + self._read_timeout_s:
            raise rtsp_faults.silent(opened=True)
        if not self._has_units and now_s >= self._played_at + KEYFRAME_S:
            raise rtsp_faults.no_keyframe(KEYFRAME_S)

    # --- ends --------------------------------------------------------------------------------------------------------

    async def close(self) -> None:
        """Say goodbye if that can be done at once, and close the socket."""
        if self._watch is not None:
            self._watch.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._watch
            self._send(self._client.tear_down())
        for pair in self._datagrams:
            pair.close()
        if self._transport is not None:
            self._transport.abort()
            await self._closed.wait()

    def _end(self, fault: Fault) -> None:
        """The first reason counts; what is queued is read before it is raised."""
        if self._fault is None:
            self._fault = fault
            self._wake()

    async def _woken(self) -> None:
        """Wait until something came; raises the fault of the session when nothing will."""
        if self._fault is not None:
            raise self._fault
        self._waiter = asyncio.get_running_loop().create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None

    def _wake(self) -> None:
        waiter = self._waiter
        if waiter is not None and not waiter.done():
            waiter.set_result(None)
