"""From the packets of one RTSP session to access units, without I/O: what the asyncio half of the client drives."""

from vedette.kernel.errors import Fault
from vedette.media import rtp, rtsp_faults
from vedette.media.depacketise import Assembler, H264Assembler, HevcAssembler
from vedette.media.rtp_receiver import ReceiverCounters, VideoReceiver
from vedette.media.rtsp_client import Track
from vedette.media.rtsp_interleaved import PacketSink
from vedette.media.sources.stamps import Stamper
from vedette.media.unit import AccessUnit, CodecParameters, VideoCodec
from vedette.media.video_parameters import ParameterTracker

_CODECS: dict[str, tuple[VideoCodec, type[Assembler]]] = {
    "H264": ("h264", H264Assembler),
    "H265": ("hevc", HevcAssembler),
    "HEVC": ("hevc", HevcAssembler),
}


class VideoTrack:
    """The video of a session: packets in by `packet` and `control`, units out by `drain`."""

    def __init__(self, track: Track, *, keyframes_only: bool = False) -> None:
        codec, assembler = _CODECS[track.media.encoding]
        try:
            described = track.media.extradata()
        except ValueError:  # the sets are expected in band, then
            described = b""
        self._receiver = VideoReceiver(assembler(), payload_type=track.media.payload_type)
        self._tracker = ParameterTracker(codec, described)
        self._stamper: Stamper | None = None
        self._jumps = 0
        self._keyframes_only = keyframes_only
        self._parameters: CodecParameters | None = None
        self.packet: PacketSink = self._receiver.push
        self.has_ended = False

    @property
    def counters(self) -> ReceiverCounters:
        """What came, and what did not."""
        return self._receiver.counters

    @property
    def has_units(self) -> bool:
        """Whether `drain` has something to do."""
        return bool(self._receiver.ready)

    def control(self, data: bytes, start: int, end: int) -> None:
        """Take an RTCP packet; what cannot be read is ignored, as RFC 3550 asks."""
        try:
            items = rtp.parse_rtcp(data[start:end])
        except rtp.RtpError:
            return
        for item in items:
            if isinstance(item, rtp.SenderReport):
                self._receiver.report(item)
            elif isinstance(item, rtp.Goodbye):
                self.has_ended = True

    def drain(self, arrival_us: int) -> list[AccessUnit]:
        """The units that are whole by now, from the first keyframe on; `arrival_us` is our wall time."""
        received = self._receiver.ready
        self._receiver.ready = []
        units: list[AccessUnit] = []
        for one in received:
            stamper = self._stamper
            if stamper is None:
                if not one.is_keyframe:
                    continue
                self._tracker.see(one.data)
                stamper = self._stamper = Stamper(reorder=self._tracker.shape.reorder)
            for data, is_keyframe, pts, dts, wall_us, duration in stamper.feed(one, arrival_us):
                parameters = self._parameters
                if is_keyframe:
                    parameters = self._at_keyframe(data, stamper)
                elif parameters is None or self._keyframes_only:
                    continue
                units.append(AccessUnit(data, pts, dts, wall_us, is_keyframe, parameters, duration))
        return units

    def _at_keyframe(self, data: bytes, stamper: Stamper) -> CodecParameters:
        """The parameters from here on: other ones when the stream, its order or its clock changed."""
        if stamper.jumps != self._jumps:
            self._jumps = stamper.jumps
            self._tracker.renew()
        parameters = self._tracker.of(data, has_b_frames=stamper.reorder > 0)
        if self._parameters is not None and parameters is not self._parameters:
            stamper.reorder = self._tracker.shape.reorder or stamper.reorder
        self._parameters = parameters
        return parameters


def video_of(track: Track, *, keyframes_only: bool) -> VideoTrack:
    """The video track that was set up; Fault 415 when its codec is not read."""
    if track.media.encoding not in _CODECS:
        raise rtsp_faults.unknown_codec(track.media.encoding.lower())
    return VideoTrack(track, keyframes_only=keyframes_only)


def ended(video: VideoTrack) -> Fault | None:
    """The fault of a camera that said goodbye."""
    return rtsp_faults.ended() if video.has_ended else None
