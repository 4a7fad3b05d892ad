"""RTP: packets and back without loss, for any NAL sizes; reports; NTP time."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vedette.media import h264, rtp
from vedette.media.unit import AccessUnit, Codec, CodecParameters

H264_KINDS = st.sampled_from((1, 5, 6, 7, 8, 9))
HEVC_KINDS = st.sampled_from((0, 1, 19, 20, 32, 33, 34, 35, 39))


@st.composite
def h264_nals(draw: st.DrawFn) -> bytes:
    kind, importance = draw(H264_KINDS), draw(st.integers(0, 3))
    size = draw(st.one_of(st.integers(0, 40), st.integers(1300, 5000)))
    return bytes(((importance << 5) | kind,)) + bytes((draw(st.integers(1, 255)),)) * size


@st.composite
def hevc_nals(draw: st.DrawFn) -> bytes:
    kind, layer, temporal = draw(HEVC_KINDS), draw(st.integers(0, 63)), draw(st.integers(1, 7))
    size = draw(st.one_of(st.integers(1, 40), st.integers(1300, 5000)))
    head = bytes(((kind << 1) | (layer >> 5), ((layer & 0x1F) << 3) | temporal))
    return head + bytes((draw(st.integers(1, 255)),)) * size


def back(codec: Codec, payloads: list[bytes]) -> list[bytes]:
    depacketiser = rtp.Depacketiser(codec)
    return [nal for payload in payloads for nal in depacketiser.push(payload)]


@given(st.lists(h264_nals(), max_size=8), st.integers(16, 1500))
def test_h264_packets_give_back_the_unit(nals: list[bytes], limit: int) -> None:
    payloads = rtp.packetise("h264", nals, limit=limit)
    assert all(len(payload) <= limit for payload in payloads)
    assert back("h264", payloads) == nals


@given(st.lists(hevc_nals(), max_size=8), st.integers(16, 1500))
def test_hevc_packets_give_back_the_unit(nals: list[bytes], limit: int) -> None:
    payloads = rtp.packetise("hevc", nals, limit=limit)
    assert all(len(payload) <= limit for payload in payloads)
    assert back("hevc", payloads) == nals


def test_a_lost_fragment_drops_its_nal_only() -> None:
    nals = [b"\x65" + b"a" * 4000, b"\x41" + b"b" * 100]
    payloads = rtp.packetise("h264", nals)
    depacketiser = rtp.Depacketiser("h264")
    out = depacketiser.push(payloads[0])
    depacketiser.lost()
    for payload in payloads[2:]:
        out += depacketiser.push(payload)
    assert out == nals[1:]


@given(st.binary(max_size=80), st.sampled_from(["h264", "hevc"]))
def test_garbage_payloads_raise_only_rtp_errors(data: bytes, codec: Codec) -> None:
    depacketiser = rtp.Depacketiser(codec)
    try:
        depacketiser.push(data)
    except rtp.RtpError:
        return


@given(
    st.integers(0, 127),
    st.integers(0, 0xFFFF),
    st.integers(0, 0xFFFF_FFFF),
    st.integers(0, 0xFFFF_FFFF),
    st.binary(max_size=50),
    st.booleans(),
)
def test_packet_survives_the_wire(
    kind: int, sequence: int, timestamp: int, ssrc: int, payload: bytes, marker: bool
) -> None:
    packet = rtp.RtpPacket(kind, sequence, timestamp, ssrc, payload, marker)
    assert rtp.parse_packet(packet.serialise()) == packet


def test_extension_csrc_and_padding_are_skipped() -> None:
    head = struct.pack(">BBHII", 0x80 | 0x20 | 0x10 | 1, 96, 7, 8, 9)
    data = head + b"csrc" + b"\xbe\xde\x00\x01" + b"extn" + b"payload" + b"\x00\x00\x03"
    assert rtp.parse_packet(data).payload == b"payload"


@given(st.binary(max_size=60))
def test_garbage_packets_raise_only_rtp_errors(data: bytes) -> None:
    for parse in (rtp.parse_packet, rtp.parse_rtcp):
        try:
            parse(data)
        except rtp.RtpError:
            continue


def unit(nals: list[bytes], *, keyframe: bool = True, extradata: bytes = b"", pts: int = 2**32 + 90) -> AccessUnit:
    parameters = CodecParameters("h264", extradata=extradata, width=64, height=48)
    return AccessUnit(h264.join(nals), pts, pts, 0, keyframe, parameters)


def test_a_template_serves_sessions_with_their_own_numbers() -> None:
    template = rtp.lay_out(unit([b"\x65" + b"x" * 4000]))
    packets = [rtp.parse_packet(bytes(p)) for p in template.packets(sequence=0xFFFF, timestamp=90, ssrc=0x1234)]
    assert [p.sequence for p in packets] == [0xFFFF, 0, 1]
    assert [p.marker for p in packets] == [False, False, True]
    assert {(p.timestamp, p.ssrc, p.payload_type) for p in packets} == {(90, 0x1234, 96)}
    assert back("h264", [p.payload for p in packets]) == [b"\x65" + b"x" * 4000]
    framed = bytes(template.framed(channel=6, sequence=0xFFFF, timestamp=90, ssrc=0x1234))
    assert framed == b"".join(rtp.interleave(6, p.serialise()) for p in packets)
    assert template.payload_bytes == sum(len(p.payload) for p in packets)


def test_a_keyframe_without_parameter_sets_gets_them() -> None:
    sets = [b"\x67sps", b"\x68pps"]
    extradata = h264.join(sets)
    assert rtp.nals_to_send(unit([b"\x65idr"], extradata=extradata)) == [*sets, b"\x65idr"]
    assert rtp.nals_to_send(unit([*sets, b"\x65idr"], extradata=extradata)) == [*sets, b"\x65idr"]
    assert rtp.nals_to_send(unit([b"\x41p"], keyframe=False, extradata=extradata)) == [b"\x41p"]


def test_unsupported_codec_is_refused() -> None:
    with pytest.raises(ValueError, match="opus"):
        rtp.packetise("opus", [b"x"])
    with pytest.raises(ValueError, match="room"):
        rtp.packetise("h264", [b"x"], limit=4)


@given(st.integers(-(10**15), 2_000_000_000 * 10**6))
def test_ntp_time_is_exact_to_the_microsecond(us: int) -> None:
    assert rtp.ntp_to_us(rtp.us_to_ntp(us)) == us


@given(st.integers(0, 0xFFFF_FFFF), st.integers(0, 2**64 - 1), st.text(max_size=20))
def test_sender_report_is_read_back(ssrc: int, ntp: int, cname: str) -> None:
    report = rtp.SenderReport(ssrc, ntp, 1234, 5, 678)
    data = rtp.build_sender_report(report, cname=cname)
    assert len(data) % 4 == 0
    assert rtp.parse_rtcp(data) == [report]


def test_receiver_blocks_and_goodbye_are_read() -> None:
    block = struct.pack(">IIIIII", 7, (64 << 24) | 0xFF_FFFE, 99, 12, 0, 0)
    data = struct.pack(">BBHI", 0x81, 201, 7, 1) + block + rtp.build_goodbye(7)
    assert rtp.parse_rtcp(data) == [rtp.ReceiverReport(7, 64, -2, 99, 12), rtp.Goodbye(7)]


@pytest.mark.parametrize("data", [b"\x80", b"\x80\xc8\x00\x06", b"\x80\xc8\x00\x00", b"\x81\xcb\x00\x00", b"\x00" * 8])
def test_cut_reports_are_errors(data: bytes) -> None:
    with pytest.raises(rtp.RtpError):
        rtp.parse_rtcp(data)
