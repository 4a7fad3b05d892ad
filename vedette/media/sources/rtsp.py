"""A camera over RTSP, read by libav in a thread of its own: packets as they are, never decoded.

The thread hands units to the event loop through a bounded queue and waits when it is full: nothing is dropped here.
A reader that does not come for `STUCK_S` ends the source with a fault. Audio is not asked for yet, so it cannot harm
the video.
"""

import struct
import threading
from collections.abc import AsyncGenerator, Generator, Iterator
from contextlib import closing
from fractions import Fraction
from typing import Literal, override

import anyio
import av

from vedette.kernel.clock import Clock
from vedette.kernel.errors import Fault
from vedette.media import h264, hevc
from vedette.media.source import Source
from vedette.media.sources.handover import Handover
from vedette.media.sources.libav_faults import fault_of, silent
from vedette.media.sources.stamps import RawPacket, Stamper
from vedette.media.unit import TICKS_PER_SECOND, AccessUnit, Codec, CodecParameters

_TICK = Fraction(1, TICKS_PER_SECOND)
_PROTOCOLS = "rtp,rtsp,tcp,udp,tls,crypto"
_CODECS: dict[str, Codec] = {"h264": "h264", "hevc": "hevc"}
_WALL_CLOCK = struct.Struct("=q")
"""The head of AVProducerReferenceTime: wall clock in µs since 1970."""


class RtspSource(Source):
    """The first video elementary stream of an `rtsp://` or `rtsps://` URL.

    Opening may take `open_timeout_s`, a silence `read_timeout_s`; both raise Fault 408. The end of the stream is a
    Fault too: a camera has no end. Closing the iterator waits for the thread, at most as long as those times.

    RTCP is no silence: whoever must notice a camera that hangs but reports watches when the last unit came.
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
        self._open_timeout_s, self._read_timeout_s = open_timeout_s, read_timeout_s
        self._keyframes_only = keyframes_only

    @override
    async def units(self) -> AsyncGenerator[AccessUnit]:
        handover = Handover()
        thread = threading.Thread(target=self._pump, args=(handover,), name="rtsp", daemon=True)
        thread.start()
        try:
            while True:
                for unit in await handover.take():
                    yield unit
        finally:
            handover.close()
            with anyio.CancelScope(shield=True):
                await handover.finished.wait()
            thread.join()  # it has nothing left to do

    def probe(self) -> CodecParameters:
        """Opens the URL and says what it carries; blocks."""
        with closing(self._units()) as units:
            for unit in units:
                return unit.parameters
        raise _ended()

    def _pump(self, handover: Handover) -> None:
        """The thread: whatever happens, the reader learns how it ended."""
        fault = Fault("CommunicationError", 502, "Reading the camera failed. The log says why.")
        try:
            with closing(self._units()) as units:
                for unit in units:
                    if not handover.put(unit):
                        break
            fault = _ended()
        except Fault as error:
            fault = error
        finally:
            handover.finish(fault)

    def _units(self) -> Generator[AccessUnit]:
        """Opens the URL and reads it, until it ends or the generator is closed."""
        with self._open() as container:
            try:
                yield from self._read(container)
            except (av.error.FFmpegError, OSError) as error:
                raise fault_of(error, opened=True) from None

    def _open(self) -> av.container.InputContainer:
        options = {
            "rtsp_transport": self._transport,
            "allowed_media_types": "video",
            "protocol_whitelist": _PROTOCOLS,
            # Parameter sets come in the SDP or with the first keyframe; looking longer only costs time.
            "analyzeduration": "500000",
            "probesize": "500000",
            # libav's own timer. PyAV's would ask Python for the time at every read of the socket: four times the CPU.
            "timeout": str(round(self._read_timeout_s * 1e6)),
        }
        begun = self._clock.monotonic()
        try:
            container = av.open(self._url, format="rtsp", options=options, timeout=(self._open_timeout_s, None))
        except (av.error.FFmpegError, OSError, ValueError) as error:
            # libav words its own time-out in several ways; the cause is left out, as it may hold the password.
            timed_out = self._clock.monotonic() - begun >= self._open_timeout_s
            raise (silent() if timed_out else fault_of(error)) from None
        if not container.streams.video:
            container.close()
            raise Fault("VMSNotSupportedError", 422, "The URL answers, but carries no video. Check the path.")
        return container

    def _read(self, container: av.container.InputContainer) -> Iterator[AccessUnit]:
        stream = container.streams.video[0]
        context = stream.codec_context
        codec = _CODECS.get(context.name)
        if codec is None:
            raise Fault("UnsupportedMediaTypeError", 415, f"The camera sends {context.name}; set it to H.264 or H.265.")
        stamper = Stamper(reorders=bool(context.has_b_frames))
        parameters: CodecParameters | None = None
        for packet in self._packets(container, stream):
            for data, is_keyframe, pts, dts, wall_us, duration in stamper.feed(packet):
                if is_keyframe:
                    parameters = parameters_of(codec, data, context, current=parameters)
                elif parameters is None or self._keyframes_only:
                    continue
                yield AccessUnit(data, pts, dts, wall_us, is_keyframe, parameters, duration)

    def _packets(self, container: av.container.InputContainer, stream: av.VideoStream) -> Iterator[RawPacket]:
        """What libav reads, in 90 kHz; the empty packet at the end is left out."""
        scale = (stream.time_base or _TICK) / _TICK
        is_exact = scale == 1  # always so for RTP video; spares the fractions
        for packet in self._demuxed(container, stream):
            if not packet.size:
                continue
            reported_us: int | None = None
            if packet.has_sidedata("prft"):
                (reported_us,) = _WALL_CLOCK.unpack_from(packet.get_sidedata("prft"))
            pts, dts, duration = packet.pts, packet.dts, packet.duration or 0
            if not is_exact:
                pts, dts = (None if stamp is None else round(stamp * scale) for stamp in (pts, dts))
                duration = round(duration * scale)
            yield RawPacket(bytes(packet), packet.is_keyframe, pts, dts, duration, reported_us, self._clock.now())

    def _demuxed(
        self, container: av.container.InputContainer, stream: av.VideoStream
    ) -> Iterator["av.Packet[av.VideoStream]"]:
        """Packets until the end; Fault 408 after a silence.

        At its time-out libav first hands out the picture that it held, and would then wait once more.
        """
        monotonic = self._clock.monotonic
        packets = container.demux(stream)
        while True:
            asked = monotonic()
            packet = next(packets, None)
            waited_s = monotonic() - asked
            if packet is None:
                return
            yield packet
            if waited_s >= self._read_timeout_s:
                raise silent(opened=True)


def parameters_of(
    codec: Codec, keyframe: bytes, context: av.VideoCodecContext, *, current: CodecParameters | None
) -> CodecParameters:
    """The current parameters, or new ones when the keyframe says that the stream has changed."""
    module = h264 if codec == "h264" else hevc
    sets = module.extradata_of(keyframe)
    if not sets:
        described = bytes(context.extradata or b"")
        sets = current.extradata if current else module.extradata_of(described) or described
    if current is not None and sets == current.extradata:
        return current
    width, height = context.width, context.height
    found = h264.parameter_sets(sets)[0] if codec == "h264" else []
    if found:
        try:
            sps = h264.parse_sps(found[0])
            width, height = sps.width, sps.height
        except ValueError:  # a torn SPS: what libav found at the start is the best guess until the next keyframe
            pass
    return CodecParameters(codec, sets, width, height, has_b_frames=bool(context.has_b_frames))


def _ended() -> Fault:
    return Fault("CommunicationError", 502, "The camera ended the stream. Is it restarting, or has it other viewers?")
