"""Sound out of packets: AAC in one, many and fragments, G.711 as it is; and what AudioSpecificConfig says."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vedette.media import aac, packetise
from vedette.media.depacketise_audio import AacDepacketiser, G711Depacketiser
from vedette.media.rtp import RtpError, RtpPacket, SenderReport, us_to_ntp
from vedette.media.rtp_receiver import SoundReceiver

HBR = {"mode": "AAC-hbr", "sizeLength": "13", "indexLength": "3", "IndexDeltaLength": "3"}


def pushed(depacketiser: AacDepacketiser, payload: bytes) -> list[bytes]:
    return [sound.data for sound in depacketiser.push(b"#" + payload + b"#", 1, len(payload) + 1)]


@given(st.lists(st.binary(min_size=1, max_size=3000), max_size=6), st.sampled_from([16, 100, 1388]))
def test_what_was_sent_comes_out(frames: list[bytes], limit: int) -> None:
    depacketiser = AacDepacketiser(HBR, frame_ticks=1024)
    payloads = [payload for frame in frames for payload in packetise.audio_payloads("aac", frame, limit=limit)]
    assert [frame for payload in payloads for frame in pushed(depacketiser, payload)] == frames


@given(st.lists(st.binary(max_size=200), min_size=1, max_size=6))
def test_many_frames_in_a_packet_follow_one_another(frames: list[bytes]) -> None:
    headers = b"".join((len(frame) << 3).to_bytes(2) for frame in frames)
    payload = (16 * len(frames)).to_bytes(2) + headers + b"".join(frames)
    sounds = AacDepacketiser(HBR, frame_ticks=1024).push(payload, 0, len(payload))
    assert [(sound.data, sound.offset) for sound in sounds] == [
        (frame, index * 1024) for index, frame in enumerate(frames) if frame
    ]


def test_low_bit_rate_headers_of_a_byte() -> None:
    depacketiser = AacDepacketiser({"sizelength": "6", "indexlength": "2", "indexdeltalength": "2"}, frame_ticks=1024)
    assert pushed(depacketiser, (16).to_bytes(2) + bytes((3 << 2, 2 << 2)) + b"abcde") == [b"abc", b"de"]


def test_a_lost_fragment_costs_its_frame_only() -> None:
    depacketiser = AacDepacketiser(HBR, frame_ticks=1024)
    payloads = packetise.audio_payloads("aac", b"x" * 300, limit=100)
    assert pushed(depacketiser, payloads[0]) == []
    depacketiser.lost()
    assert pushed(depacketiser, packetise.audio_payloads("aac", b"next", limit=100)[0]) == [b"next"]


@pytest.mark.parametrize(
    "payload", [b"", b"\x00", b"\x00\x10\x00", b"\x00\x05\x00\x00", b"\x00\x20\x00\x28\x00\x28abc"]
)
def test_payloads_that_cannot_be(payload: bytes) -> None:
    with pytest.raises(RtpError):
        pushed(AacDepacketiser(HBR, frame_ticks=1024), payload)


def test_a_fragment_of_another_frame() -> None:
    depacketiser = AacDepacketiser(HBR, frame_ticks=1024)
    pushed(depacketiser, packetise.audio_payloads("aac", b"x" * 300, limit=100)[0])
    with pytest.raises(RtpError):
        pushed(depacketiser, packetise.audio_payloads("aac", b"y" * 200, limit=100)[0])
    assert pushed(depacketiser, packetise.audio_payloads("aac", b"z", limit=100)[0]) == [b"z"]


@given(st.lists(st.binary(max_size=30), max_size=10))
def test_garbage_raises_only_rtp_errors(payloads: list[bytes]) -> None:
    depacketiser = AacDepacketiser(HBR, frame_ticks=1024)
    for payload in payloads:
        try:
            pushed(depacketiser, payload)
        except RtpError:
            depacketiser.lost()


@pytest.mark.parametrize("parameters", [{"sizelength": "0"}, {"sizelength": "x"}, {**HBR, "CTSDeltaLength": "8"}])
def test_headers_of_another_kind(parameters: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=r"another kind|invalid literal"):
        AacDepacketiser(parameters, frame_ticks=1024)


def test_g711_is_an_octet_a_sample() -> None:
    sounds = G711Depacketiser(2).push(b"..abcdef..", 2, 8)
    assert [(sound.data, sound.offset, sound.ticks) for sound in sounds] == [(b"abcdef", 0, 3)]
    assert G711Depacketiser(1).push(b"", 0, 0) == []


def test_the_receiver_gives_every_frame_its_time() -> None:
    receiver = SoundReceiver(AacDepacketiser(HBR, frame_ticks=1024), payload_type=97, clock_rate=48_000)
    receiver.report(SenderReport(7, us_to_ntp(1_700_000_000_000_000), 0))
    frames = [b"one", b"two"]
    payload = b"\x00\x20" + b"".join((len(frame) << 3).to_bytes(2) for frame in frames) + b"".join(frames)
    for number in (0, 1, 1, 3):
        packet = RtpPacket(97, number, number * 2048, 7, payload, True).serialise()
        receiver.push(packet, 0, len(packet))
    assert [unit.ticks for unit in receiver.ready] == [0, 1024, 2048, 3072, 6144, 7168]
    assert [unit.duration for unit in receiver.ready] == [1024] * 6
    assert receiver.ready[1].reported_us == 1_700_000_000_000_000 + 1024 * 1_000_000 // 48_000
    assert (receiver.counters.lost, receiver.counters.late, receiver.counters.strange) == (1, 1, 0)


# --- AudioSpecificConfig ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ("1190", aac.AacConfig(48_000, 2, 1024)),
        ("1188", aac.AacConfig(48_000, 1, 1024)),
        ("1588", aac.AacConfig(8000, 1, 1024)),
        ("1408", aac.AacConfig(16_000, 1, 1024)),
        ("119056e500", aac.AacConfig(48_000, 2, 1024)),
        ("2b098800", aac.AacConfig(48_000, 1, 2048)),  # HE-AAC: 24 kHz inside
        ("eb098800", aac.AacConfig(48_000, 2, 2048)),  # and with parametric stereo
        ("1194", aac.AacConfig(48_000, 2, 960)),
        ("17800bb808", aac.AacConfig(6000, 1, 1024)),
    ],
)
def test_what_a_config_says(config: str, expected: aac.AacConfig) -> None:
    assert aac.parse_config(bytes.fromhex(config)) == expected


@given(st.binary(max_size=8))
def test_any_config_is_read_or_a_value_error(config: bytes) -> None:
    try:
        found = aac.parse_config(config)
    except ValueError:
        return
    assert found.sample_rate > 0
    assert 1 <= found.channels <= 8
