"""From packets to access units: sound lies on the picture's clock, and what is described badly costs nothing else."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support import clips
from vedette.kernel.errors import Fault
from vedette.media import h264, rtp
from vedette.media.packetise import audio_payloads
from vedette.media.rtp import RtpPacket
from vedette.media.rtsp_client import Track
from vedette.media.rtsp_messages import Transport
from vedette.media.sdp import MediaDescription
from vedette.media.sources.rtsp_tracks import SoundTrack, VideoTrack, sound_of, video_of
from vedette.media.unit import AccessUnit

WALL_US = 1_700_000_000_000_000
CLIP = clips.encode(60, gop=10)
AAC = {"mode": "AAC-hbr", "sizelength": "13", "indexlength": "3", "indexdeltalength": "3", "config": "1188"}
VIDEO = MediaDescription("video", 96, "H264", 90_000)
SOUND = MediaDescription("audio", 97, "MPEG4-GENERIC", 48_000, "", AAC)


def track(media: MediaDescription) -> Track:
    return Track(media, Transport("TCP", interleaved=(0, 1)))


class Session:
    """A picture every 1/30 s and a frame of sound every 1024/48000 s, from clocks that begin anywhere."""

    def __init__(self, *, video_start: int, sound_start: int) -> None:
        self.video = VideoTrack(track(VIDEO))
        self.sound = SoundTrack(track(SOUND))
        self._video_start, self._sound_start = video_start, sound_start
        self._numbers = [0, 0]

    def report(self, at_us: int, wall_us: int, *, which: str = "both") -> None:
        """Sender reports for the instant `at_us` of the session, which the camera's clock calls `wall_us`."""
        ntp = rtp.us_to_ntp(wall_us)
        for name, one, start, rate in (
            ("video", self.video, self._video_start, 90_000),
            ("sound", self.sound, self._sound_start, 48_000),
        ):
            if which in (name, "both"):
                stamp = (start + at_us * rate // 1_000_000) & 0xFFFF_FFFF
                data = rtp.build_sender_report(rtp.SenderReport(7, ntp, stamp))
                one.control(data, 0, len(data))

    def picture(self, number: int, *, arrival_us: int | None = None) -> list[AccessUnit]:
        unit = CLIP[number]
        for index, payload in enumerate(payloads := rtp.packetise("h264", h264.split(unit.data))):
            stamp = (self._video_start + number * 3000) & 0xFFFF_FFFF
            packet = RtpPacket(96, self._next(0), stamp, 7, payload, index == len(payloads) - 1).serialise()
            self.video.packet(packet, 0, len(packet))
        return self.video.drain(WALL_US + number * 100_000 // 3 if arrival_us is None else arrival_us)

    def beep(self, number: int, *, arrival_us: int | None = None) -> list[AccessUnit]:
        (payload,) = audio_payloads("aac", b"%d" % number, limit=1000)
        stamp = (self._sound_start + number * 1024) & 0xFFFF_FFFF
        packet = RtpPacket(97, self._next(1), stamp, 8, payload, True).serialise()
        self.sound.packet(packet, 0, len(packet))
        at_us = WALL_US + number * 1024 * 1_000_000 // 48_000
        return self.sound.drain(at_us if arrival_us is None else arrival_us, self.video)

    def _next(self, which: int) -> int:
        self._numbers[which] += 1
        return self._numbers[which] & 0xFFFF


starts = st.integers(0, 2**32 - 1)


@given(starts, starts, st.integers(0, 400_000), st.integers(0, 400_000))
def test_sound_is_in_step_by_the_cameras_own_clock(
    video_start: int, sound_start: int, video_late_us: int, sound_late_us: int
) -> None:
    """However differently late the two arrive, and although the camera's clock is a day off."""
    session = Session(video_start=video_start, sound_start=sound_start)
    session.report(0, WALL_US - 86_400_000_000)
    pictures, sounds = [], []
    for number in range(60):
        pictures += session.picture(number, arrival_us=WALL_US + number * 100_000 // 3 + video_late_us)
        at_us = number * 1024 * 1_000_000 // 48_000
        sounds += session.beep(number, arrival_us=WALL_US + at_us + sound_late_us)
    first_90k = pictures[0].pts_90k
    left_out = 60 - len(sounds)
    for number, unit in enumerate(sounds, left_out):
        assert abs(unit.pts_90k - first_90k - number * 1920) <= 2
        assert unit.data == b"%d" % number
    assert all(b.dts_90k - a.dts_90k == 1920 for a, b in pairwise(sounds))
    assert all(unit.duration_90k == 1920 and not unit.is_keyframe for unit in sounds)
    assert sounds[0].parameters.extradata == bytes.fromhex("1188")
    assert (sounds[0].parameters.sample_rate, sounds[0].parameters.channels) == (48_000, 1)


@given(starts, starts, st.sampled_from(["", "video", "sound"]), st.lists(st.integers(0, 30_000), min_size=60))
def test_without_reports_of_both_sound_is_laid_by_arrival(
    video_start: int, sound_start: int, reported: str, jitter_us: list[int]
) -> None:
    session = Session(video_start=video_start, sound_start=sound_start)
    if reported:
        session.report(0, WALL_US, which=reported)
    pictures, sounds = [], []
    for number in range(60):
        arrival_us = WALL_US + number * 100_000 // 3 + jitter_us[number]
        pictures += session.picture(number, arrival_us=arrival_us)
        sounds += session.beep(number)
    first_90k = pictures[0].pts_90k
    for number, unit in enumerate(sounds, 60 - len(sounds)):
        assert abs(unit.pts_90k - first_90k - number * 1920) <= 3000 + 6000
    assert all(b.dts_90k - a.dts_90k == 1920 for a, b in pairwise(sounds))


def test_sound_comes_into_step_when_reports_come() -> None:
    session = Session(video_start=5, sound_start=9)
    sounds = []
    for number in range(60):
        if number == 30:
            session.report(1_000_000, WALL_US + 1_000_000)
        session.picture(number)
        at_us = number * 1024 * 1_000_000 // 48_000
        sounds += session.beep(number, arrival_us=WALL_US + at_us + 300_000)
    steps = [b.dts_90k - a.dts_90k for a, b in pairwise(sounds)]
    assert all(step > 0 for step in steps)
    assert sum(step != 1920 for step in steps) <= 1 + 300_000 * 9 // 100 // 1920 + 1
    video = session.video.last
    assert video is not None
    assert abs(sounds[-1].pts_90k - (5 + 59 * 1920)) <= 2


def test_sound_before_the_first_picture_is_left_out() -> None:
    session = Session(video_start=0, sound_start=0)
    assert session.beep(0) == []
    session.picture(0)
    session.picture(1)
    assert len(session.beep(1)) == 1


def test_a_sound_clock_that_restarts_goes_on() -> None:
    session = Session(video_start=0, sound_start=0)
    session.report(0, WALL_US)
    sounds = []
    for number in range(50):
        if number == 25:
            session._sound_start = 123_456_789
            session.report(number * 1024 * 1_000_000 // 48_000, WALL_US + number * 1024 * 1_000_000 // 48_000)
        session.picture(number)
        sounds += session.beep(number)
    assert all(0 < b.dts_90k - a.dts_90k <= 2 * 1920 for a, b in pairwise(sounds))


def test_only_keyframes_when_nothing_else_is_wanted() -> None:
    video = VideoTrack(track(VIDEO), keyframes_only=True)
    session = Session(video_start=0, sound_start=0)
    session.video = video
    got = [unit for number in range(60) for unit in session.picture(number)]
    assert len(got) >= 5
    assert all(unit.is_keyframe for unit in got)


@pytest.mark.parametrize(
    "media",
    [
        MediaDescription("audio", 97, "MPEG4-GENERIC", 48_000, "", {**AAC, "config": "nothex"}),
        MediaDescription("audio", 97, "MPEG4-GENERIC", 48_000, "", {**AAC, "config": "ff"}),
        MediaDescription("audio", 97, "MPEG4-GENERIC", 48_000),
        MediaDescription("audio", 97, "MPEG4-GENERIC", 48_000, "", {**AAC, "sizelength": "99"}),
    ],
)
def test_sound_that_is_described_badly_is_left_out(media: MediaDescription) -> None:
    assert sound_of(track(media)) is None


def test_a_codec_that_is_not_read() -> None:
    with pytest.raises(Fault, match="mjpeg") as caught:
        video_of(track(MediaDescription("video", 26, "MJPEG", 90_000)), keyframes_only=False)
    assert caught.value.status == 415


def test_parameter_sets_that_are_not_base64_are_expected_in_band() -> None:
    media = MediaDescription("video", 96, "H264", 90_000, "", {"sprop-parameter-sets": "Z0*,aA"})
    session = Session(video_start=0, sound_start=0)
    session.video = VideoTrack(track(media))
    got = [unit for number in range(3) for unit in session.picture(number)]
    assert got[0].parameters.width == clips.WIDTH


@given(st.binary(max_size=60))
def test_any_rtcp_is_taken(data: bytes) -> None:
    video = VideoTrack(track(VIDEO))
    video.control(b"#" + data, 1, len(data) + 1)
    assert video.receiver_report() == b""
