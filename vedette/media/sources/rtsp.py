"""A camera over RTSP, read by libav in a thread of its own: packets as they are, never decoded.

The thread hands batches to the event loop through a bounded queue and waits when it is full: nothing is dropped here.
A reader that does not come for `STUCK_S` ends the source with a fault. Audio is not asked for yet, so it cannot harm
the video.
"""

import asyncio
import struct
import threading
from collections import deque
from collections.abc import AsyncGenerator, Iterator
from fractions import Fraction
from typing import Literal, override

import anyio
import anyio.to_thread
import av

from vedette.kernel.clock import Clock
from vedette.kernel.errors import Fault, invalid, not_found, unavailable
from vedette.media import h264, hevc
from vedette.media.source import Source
from vedette.media.sources.stamps import RawPacket, Stamper
from vedette.media.unit import TICKS_PER_SECOND, AccessUnit, Codec, CodecParameters

STUCK_S = 10.0
_QUEUE_BYTES = 16 * 1024 * 1024
_TICK = Fraction(1, TICKS_PER_SECOND)
_PROTOCOLS = "rtp,rtsp,tcp,udp,tls,crypto"
_CODECS: dict[str, Codec] = {"h264": "h264", "hevc": "hevc"}


class RtspSource(Source):
    """The first video elementary stream of an `rtsp://` or `rtsps://` URL.

    Opening may take `open_timeout_s`, a silence `read_timeout_s`; both raise Fault 408. The end of the stream is a
    Fault too: a camera has no end.
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
    ) -> None:
        self._url, self._clock, self._transport = url, clock, transport
        self._timeouts = (open_timeout_s, read_timeout_s)
        self._keyframes_only = keyframes_only

    @override
    async def units(self) -> AsyncGenerator[AccessUnit]:
        queue = _Queue(asyncio.get_running_loop())
        thread = threading.Thread(target=self._pump, args=(queue,), name="rtsp", daemon=True)
        thread.start()
        try:
            while True:
                for unit in await queue.take():
                    yield unit
        finally:
            queue.close()
            with anyio.CancelScope(shield=True):  # bounded by the read timeout
                await anyio.to_thread.run_sync(thread.join)

    def probe(self) -> CodecParameters:
        """Opens the URL and says what it carries; blocks."""
        with self._open() as container:
            return next(self._read(container)).parameters

    def _pump(self, queue: "_Queue") -> None:
        try:
            with self._open() as container:
                for unit in self._read(container):
                    if not queue.put(unit):
                        return
            queue.fail(Fault("CommunicationError", 502, "The camera ended the stream."))
        except Fault as fault:
            queue.fail(fault)
        except (av.error.FFmpegError, OSError) as error:
            queue.fail(fault_of(error))

    def _open(self) -> av.container.InputContainer:
        options = {
            "rtsp_transport": self._transport,
            "allowed_media_types": "video",
            "protocol_whitelist": _PROTOCOLS,
            # Parameter sets come in the SDP or with the first keyframe; looking longer only costs time.
            "analyzeduration": "500000",
            "probesize": "500000",
        }
        try:
            container = av.open(self._url, format="rtsp", options=options, timeout=self._timeouts)
        except (av.error.FFmpegError, OSError, ValueError) as error:
            raise fault_of(error) from None  # the cause may hold the URL with its password
        if not container.streams.video:
            container.close()
            raise Fault("VMSNotSupportedError", 422, "The URL answers, but carries no video.")
        return container

    def _read(self, container: av.container.InputContainer) -> Iterator[AccessUnit]:
        stream = container.streams.video[0]
        context = stream.codec_context
        codec = _CODECS.get(context.name)
        if codec is None:
            raise Fault("UnsupportedMediaTypeError", 415, f"The camera sends {context.name}; set it to H.264 or H.265.")
        stamper = Stamper(reorders=bool(context.has_b_frames))
        parameters: CodecParameters | None = None
        for packet in container.demux(stream):
            if not packet.size:
                continue
            for ready in stamper.feed(self._raw(packet)):
                if ready.is_keyframe:
                    parameters = _parameters(codec, ready.data, context, parameters)
                elif parameters is None or self._keyframes_only:
                    continue
                yield AccessUnit(
                    ready.data,
                    ready.pts_90k,
                    ready.dts_90k,
                    ready.wall_us,
                    ready.is_keyframe,
                    parameters,
                    ready.duration_90k,
                )

    def _raw(self, packet: "av.Packet[av.VideoStream]") -> RawPacket:
        scale = (packet.time_base or _TICK) / _TICK
        reported_us: int | None = None
        if packet.has_sidedata("prft"):
            # AVProducerReferenceTime: int64 wall clock in µs since 1970, int32 flags
            reported_us = struct.unpack_from("=q", bytes(packet.get_sidedata("prft")))[0]
        return RawPacket(
            data=bytes(packet),
            is_keyframe=packet.is_keyframe,
            pts=None if packet.pts is None else round(packet.pts * scale),
            dts=None if packet.dts is None else round(packet.dts * scale),
            duration=round((packet.duration or 0) * scale),
            reported_us=reported_us,
            arrival_us=self._clock.now(),
        )


class _Queue:
    """From the demux thread to the event loop, bounded in bytes."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._lock = threading.Condition()
        self._units: deque[AccessUnit] = deque()
        self._bytes = 0
        self._fault: Fault | None = None
        self._closed = False
        self._filled = asyncio.Event()

    def put(self, unit: AccessUnit) -> bool:
        """Called by the thread. False when nobody reads any more; Fault 503 when the reader is stuck."""
        with self._lock:
            if not self._lock.wait_for(lambda: self._closed or self._bytes < _QUEUE_BYTES, STUCK_S):
                raise unavailable("The video was not taken for ten seconds; this box is overloaded.")
            if self._closed:
                return False
            self._units.append(unit)
            self._bytes += len(unit.data)
        self._wake()
        return True

    def fail(self, fault: Fault) -> None:
        """Called by the thread: what is queued is read first, then the fault is raised."""
        with self._lock:
            self._fault = fault
        self._wake()

    def close(self) -> None:
        """Called by the reader: the thread ends at its next packet."""
        with self._lock:
            self._closed = True
            self._units.clear()
            self._lock.notify()

    async def take(self) -> list[AccessUnit]:
        """Everything that is queued, at least one unit."""
        while True:
            with self._lock:
                self._filled.clear()
                units, self._units, self._bytes = list(self._units), deque(), 0
                self._lock.notify()
                fault = self._fault
            if units:
                return units
            if fault is not None:
                raise fault
            await self._filled.wait()

    def _wake(self) -> None:
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._filled.set)


def _parameters(
    codec: Codec, keyframe: bytes, context: av.VideoCodecContext, current: CodecParameters | None
) -> CodecParameters:
    """The current parameters, or new ones when the keyframe says that the stream has changed."""
    module = h264 if codec == "h264" else hevc
    sets = module.extradata_of(keyframe) or (current.extradata if current else bytes(context.extradata or b""))
    if current is not None and sets == current.extradata:
        return current
    width, height = context.width, context.height
    found = h264.parameter_sets(sets)[0] if codec == "h264" else []
    if found:
        sps = h264.parse_sps(found[0])
        width, height = sps.width, sps.height
    return CodecParameters(codec, sets, width, height, has_b_frames=bool(context.has_b_frames))


def fault_of(error: Exception) -> Fault:
    """What libav said, as a sentence for whoever typed the URL; never the URL itself."""
    if isinstance(error, av.error.HTTPUnauthorizedError | av.error.HTTPForbiddenError):
        return Fault("CameraUnauthorizedError", 403, "The camera refuses the user name or password. Check both.")
    if isinstance(error, av.error.HTTPNotFoundError):
        return not_found("The camera has no stream at this path. Look up the RTSP path of its model.", "VMSNoDataError")
    if isinstance(error, av.error.ExitError | TimeoutError):
        return Fault(
            "DeviceRequestTimeoutError", 408, "The camera did not answer in time. Is it on, and the address right?"
        )
    if isinstance(error, ConnectionRefusedError):
        return Fault(
            "CommunicationError", 502, "Nothing listens at this address and port. Is RTSP enabled on the camera?"
        )
    if isinstance(error, av.error.InvalidDataError | av.error.HTTPBadRequestError | ValueError):
        return invalid("What answers at this address does not speak RTSP. Check the port (554 is usual) and the path.")
    return Fault("CommunicationError", 502, f"The camera cannot be reached: {_reason(error)}.")


def _reason(error: Exception) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or type(error).__name__
