"""From the packets of one RTSP session to access units, without I/O: what the asyncio half of the client drives."""

import secrets
from typing import NamedTuple

from vedette.media import aac, rtp, rtsp_faults
from vedette.media.depacketise import Assembler, H264Assembler, HevcAssembler
from vedette.media.depacketise_audio import AacDepacketiser, G711Depacketiser, SoundDepacketiser
from vedette.media.depacketise_av1 import Av1Assembler
from vedette.media.rtp_receiver import ReceivedUnit, ReceiverCounters, SoundReceiver, VideoReceiver
from vedette.media.rtsp_client import Track
from vedette.media.rtsp_interleaved import PacketSink
from vedette.media.sdp import MediaDescription
from vedette.media.sources.stamps import Stamper
from vedette.media.unit import (
    TICKS_PER_SECOND,
    AccessUnit,
    AudioCodec,
    CodecParameters,
    VideoCodec,
    ticks_to_us,
    us_to_90k,
)
from vedette.media.video_parameters import ParameterTracker

_G711: dict[str, AudioCodec] = {"PCMU": "pcmu", "PCMA": "pcma"}
_IN_STEP_90K = 3600
"""How far sound may be off (40 ms) where the camera's own clock tells; more can be seen at a speaker's lips."""
_APART_90K = 90_000
"""And where only arrival does, which jitters."""
_CODECS: dict[str, tuple[VideoCodec, type[Assembler]]] = {
    "H264": ("h264", H264Assembler),
    "H265": ("hevc", HevcAssembler),
    "HEVC": ("hevc", HevcAssembler),
    "AV1": ("av1", Av1Assembler),
}


class Heard(NamedTuple):
    """A picture by which sound is aligned: where it lies on the video's clock, and its times by three clocks."""

    place_90k: int
    reported_us: int | None
    arrival_us: int
    wall_us: int


class _Reader[Receiver: (VideoReceiver, SoundReceiver)]:
    """What both kinds of tracks are: packets in by `packet` and `control`."""

    def __init__(self, receiver: Receiver) -> None:
        self._receiver: Receiver = receiver
        self._reporter = secrets.randbits(32)
        self.packet: PacketSink = receiver.push
        self.has_ended = False

    def receiver_report(self) -> bytes:
        """RTCP for the camera, b"" while there is nothing to report."""
        return self._receiver.receiver_report(self._reporter)

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


class VideoTrack(_Reader[VideoReceiver]):
    """The video of a session; units out by `drain`."""

    def __init__(self, track: Track, *, keyframes_only: bool = False) -> None:
        codec, assembler = _CODECS[track.media.encoding]
        try:
            described = track.media.extradata()
        except ValueError:  # the sets are expected in band, then
            described = b""
        super().__init__(VideoReceiver(assembler(), payload_type=track.media.payload_type))
        self._tracker = ParameterTracker(codec, described)
        self._stamper: Stamper | None = None
        self._jumps = 0
        self._keyframes_only = keyframes_only
        self._parameters: CodecParameters | None = None
        self.last: Heard | None = None

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
            for data, is_keyframe, pts, dts, wall_us, duration, spans in stamper.feed(one, arrival_us):
                parameters = self._parameters
                if is_keyframe:
                    parameters = self._at_keyframe(data, stamper)
                elif parameters is None or self._keyframes_only:
                    continue
                units.append(AccessUnit(data, pts, dts, wall_us, is_keyframe, parameters, duration, spans))
        if units:
            self._remember(received[-1], units[-1], arrival_us)
        return units

    def _remember(self, received: ReceivedUnit, unit: AccessUnit, arrival_us: int) -> None:
        place_90k = received.ticks + (self._stamper.shift_90k if self._stamper else 0)
        wall_us = unit.wall_us + ticks_to_us(place_90k - unit.pts_90k)
        self.last = Heard(place_90k, received.reported_us, arrival_us, wall_us)

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


class SoundTrack(_Reader[SoundReceiver]):
    """The sound of a session, laid on the video's clock: by what the camera's reports say of both, which is exact;
    until both have come, by arrival. Sound before the first picture is left out."""

    def __init__(self, track: Track) -> None:
        media = track.media
        depacketiser, self._parameters = _sound_format(media)
        super().__init__(SoundReceiver(depacketiser, payload_type=media.payload_type, clock_rate=media.clock_rate))
        self._rate = media.clock_rate
        self._offset_90k: int | None = None
        self._last_dts: int | None = None

    def drain(self, arrival_us: int, video: VideoTrack) -> list[AccessUnit]:
        """The frames that came, as access units; `arrival_us` is our wall time."""
        received = self._receiver.ready
        self._receiver.ready = []
        picture = video.last
        if picture is None:
            return []
        units = []
        for frame in received:
            own_90k = frame.ticks * TICKS_PER_SECOND // self._rate
            pts = own_90k + self._aligned(own_90k, frame.reported_us, arrival_us, picture)
            if self._last_dts is not None and pts <= self._last_dts:
                pts = self._last_dts + 1
            self._last_dts = pts
            wall_us = picture.wall_us + ticks_to_us(pts - picture.place_90k)
            duration = frame.duration * TICKS_PER_SECOND // self._rate
            units.append(AccessUnit(frame.data, pts, pts, wall_us, False, self._parameters, duration))
        return units

    def _aligned(self, own_90k: int, reported_us: int | None, arrival_us: int, picture: Heard) -> int:
        """What to add to the sound's own clock. It is kept while it is right, because steps are heard."""
        if reported_us is not None and picture.reported_us is not None:
            apart_us, tolerance = reported_us - picture.reported_us, _IN_STEP_90K
        else:
            apart_us, tolerance = arrival_us - picture.arrival_us, _APART_90K
        offset = picture.place_90k + us_to_90k(apart_us) - own_90k
        if self._offset_90k is None or abs(offset - self._offset_90k) > tolerance:
            self._offset_90k = offset
        return self._offset_90k


def _sound_format(media: MediaDescription) -> tuple[SoundDepacketiser, CodecParameters]:
    """How to read this sound, and what decodes it; ValueError when it is described in a way that is not known."""
    if media.encoding in _G711:
        codec = _G711[media.encoding]
        parameters = CodecParameters(codec, sample_rate=media.clock_rate, channels=media.channels)
        return G711Depacketiser(max(1, media.channels)), parameters
    fields = {name.lower(): value for name, value in media.parameters.items()}
    config = bytes.fromhex(fields.get("config", ""))
    found = aac.parse_config(config)
    ticks = found.frame_samples * media.clock_rate // found.sample_rate
    parameters = CodecParameters("aac", config, sample_rate=found.sample_rate, channels=found.channels)
    return AacDepacketiser(media.parameters, frame_ticks=ticks), parameters


def video_of(track: Track, *, keyframes_only: bool) -> VideoTrack:
    """The video track that was set up; Fault 415 when its codec is not read."""
    if track.media.encoding not in _CODECS:
        raise rtsp_faults.unknown_codec(track.media.encoding.lower())
    return VideoTrack(track, keyframes_only=keyframes_only)


def sound_of(track: Track) -> SoundTrack | None:
    """The sound that was set up, None when it cannot be read: the picture is worth having without it."""
    try:
        return SoundTrack(track)
    except ValueError:
        return None
