"""AV1 and sound as RTP payloads, and back by a reader that follows the specifications word for word."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vedette.media import packetise, rtp
from vedette.media.packetise import PAYLOAD_TYPES, audio_payloads, av1_payloads, join_obus, split_obus
from vedette.media.rtp_sender import RtpSender
from vedette.media.sdp import parse_sdp
from vedette.media.sdp_writer import write_sdp
from vedette.media.unit import AccessUnit, AudioCodec, CodecParameters

SEQUENCE, DELIMITER, FRAME, PADDING = 1, 2, 6, 15
AAC = CodecParameters("aac", b"\x11\x90", sample_rate=48_000, channels=2)
AV1 = CodecParameters("av1", join_obus([b"\x08seq"]), 640, 360)


@st.composite
def obus(draw: st.DrawFn) -> bytes:
    kind = draw(st.sampled_from((SEQUENCE, 3, 4, 5, FRAME)))
    extension = draw(st.booleans())
    size = draw(st.one_of(st.integers(0, 40), st.integers(100, 4000)))
    head = bytes(((kind << 3) | (4 if extension else 0),)) + (b"\x20" if extension else b"")
    return head + bytes((draw(st.integers(0, 255)),)) * size


def read_av1(payloads: list[bytes]) -> list[bytes]:
    """OBUs of a temporal unit: aggregation header Z Y W N, then elements, each behind its length when W is 0."""
    found: list[bytes] = []
    open_element = False
    for payload in payloads:
        continues, goes_on = bool(payload[0] & 0x80), bool(payload[0] & 0x40)
        assert continues == open_element
        assert not payload[0] & 0x30
        position, elements = 1, list[bytes]()
        while position < len(payload):
            size, position = packetise.read_leb128(payload, position)
            elements.append(payload[position : position + size])
            assert len(elements[-1]) == size
            assert size
            position += size
        if continues:
            found[-1] += elements.pop(0)
        found += elements
        open_element = goes_on
    assert not open_element
    return found


@given(st.lists(obus(), min_size=1, max_size=6), st.integers(16, 1500))
def test_av1_packets_give_back_the_unit(units: list[bytes], limit: int) -> None:
    payloads = av1_payloads(join_obus([b"\x10", *units, b"\x78pad"]), limit=limit)
    assert all(1 < len(payload) <= limit for payload in payloads)
    assert read_av1(payloads) == units
    assert [bool(payload[0] & 8) for payload in payloads].count(True) == any(obu[0] >> 3 == SEQUENCE for obu in units)


@given(st.lists(obus(), max_size=6))
def test_size_fields_come_and_go(units: list[bytes]) -> None:
    assert split_obus(join_obus(units)) == units


@given(st.binary(max_size=60))
def test_reading_obus_raises_only_value_errors(data: bytes) -> None:
    try:
        split_obus(data)
    except ValueError:
        return


def test_a_keyframe_without_sequence_header_gets_one() -> None:
    frame = join_obus([b"\x30frame"])
    for data, expected in ((frame, [b"\x08seq", b"\x30frame"]), (AV1.extradata + frame, [b"\x08seq", b"\x30frame"])):
        unit = AccessUnit(data, 0, 0, 0, True, AV1)
        template = rtp.lay_out(unit)
        packets = [rtp.parse_packet(bytes(p)) for p in template.packets(sequence=1, timestamp=0, ssrc=0)]
        assert read_av1([packet.payload for packet in packets]) == expected
        assert packets[-1].marker


@given(st.binary(min_size=1, max_size=4000), st.integers(16, 1500))
def test_aac_frames_travel_behind_their_size(frame: bytes, limit: int) -> None:
    payloads = audio_payloads("aac", frame, limit=limit)
    assert all(len(payload) <= limit for payload in payloads)
    assert all(payload[:2] == b"\x00\x10" for payload in payloads)
    assert {int.from_bytes(payload[2:4]) for payload in payloads} == {len(frame) << 3}
    assert b"".join(payload[4:] for payload in payloads) == frame


def test_g711_travels_as_it_is_or_not_at_all() -> None:
    assert audio_payloads("pcmu", b"\xff" * 160, limit=1388) == [b"\xff" * 160]
    for codec, size in (("pcmu", 2000), ("h264", 10)):
        with pytest.raises(ValueError, match="no RTP payload format"):
            audio_payloads(codec, bytes(size), limit=1388)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="too large"):
        audio_payloads("aac", bytes(9000), limit=1388)


@pytest.mark.parametrize(
    ("codec", "rate", "marked"),
    [("aac", 48_000, True), ("aac", 44_100, True), ("pcmu", 8000, False), ("pcma", 8000, False)],
)
def test_sound_counts_in_its_own_clock(codec: AudioCodec, rate: int, marked: bool) -> None:
    samples = 1024 if codec == "aac" else 160
    parameters = CodecParameters(codec, sample_rate=rate, channels=1)
    sender = RtpSender(ssrc=1, sequence=0, clock_rate=rate)
    for number in range(50):
        pts = round(number * samples * 90_000 / rate)
        unit = AccessUnit(b"x" * 160, pts, pts, 0, False, parameters)
        (packet,) = sender.datagrams(rtp.lay_out(unit), sender.timestamp_90k(unit))
        read = rtp.parse_packet(bytes(packet))
        assert (read.timestamp, read.payload_type) == (number * samples, PAYLOAD_TYPES[codec])
        assert read.marker == marked


def test_a_description_with_sound() -> None:
    data = write_sdp(AV1, name="x", control="trackID=0", audio=AAC)
    video, audio = parse_sdp(data)
    assert (video.encoding, video.control) == ("AV1", "trackID=0")
    assert (audio.kind, audio.encoding, audio.clock_rate) == ("audio", "MPEG4-GENERIC", 48_000)
    assert (audio.control, audio.parameters["config"], audio.parameters["mode"]) == ("trackID=1", "1190", "AAC-hbr")
    _, audio = parse_sdp(write_sdp(AV1, name="x", control="c", audio=CodecParameters("pcma", sample_rate=8000)))
    assert (audio.payload_type, audio.encoding) == (8, "PCMA")
    with pytest.raises(ValueError, match="no RTP payload format"):
        write_sdp(AV1, name="x", control="c", audio=AV1)
