"""Pictures put together from packets: what was sent comes out whatever the packet size, and a loss never shows as a
unit that was not sent."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from vedette.media import h264, hevc, rtp
from vedette.media.depacketise import Assembler, H264Assembler, HevcAssembler
from vedette.media.rtp import RtpError, RtpPacket
from vedette.media.rtp_receiver import ReceivedUnit, VideoReceiver
from vedette.media.unit import VideoCodec

STEP = 3000
type Picture = list[bytes]
ASSEMBLERS: dict[VideoCodec, type[Assembler]] = {"h264": H264Assembler, "hevc": HevcAssembler}


def filled(draw: st.DrawFn, head: bytes) -> bytes:
    size = draw(st.one_of(st.integers(1, 40), st.integers(900, 1800)))
    return head + bytes((draw(st.integers(0x81, 0xFF)),)) * size


@st.composite
def h264_pictures(draw: st.DrawFn) -> Picture:
    """Delimiter, sets, SEI as they come, then the slices; only the first one begins with a set bit."""
    kinds = draw(st.lists(st.sampled_from((6, 7, 8, 9)), max_size=4, unique=True))
    nals = [filled(draw, bytes((0x60 | kind,))) for kind in kinds]
    slices = draw(st.integers(1, 3))
    kind = draw(st.sampled_from((1, 5)))
    for index in range(slices):
        nal = filled(draw, bytes((0x60 | kind,)))
        nals.append(nal if index == 0 else nal[:1] + bytes((nal[1] & 0x7F,)) + nal[2:])
    return nals


@st.composite
def hevc_pictures(draw: st.DrawFn) -> Picture:
    kinds = draw(st.lists(st.sampled_from((32, 33, 34, 35, 39)), max_size=4, unique=True))
    nals = [filled(draw, bytes((kind << 1, 1))) for kind in kinds]
    kind = draw(st.sampled_from((0, 1, 19, 20, 21)))
    for index in range(draw(st.integers(1, 3))):
        nal = filled(draw, bytes((kind << 1, 1)))
        nals.append(nal if index == 0 else nal[:2] + bytes((nal[2] & 0x7F,)) + nal[3:])
    return nals


@st.composite
def streams(draw: st.DrawFn) -> tuple[VideoCodec, list[Picture], int]:
    codec: VideoCodec = draw(st.sampled_from(("h264", "hevc")))
    one = h264_pictures() if codec == "h264" else hevc_pictures()
    return codec, draw(st.lists(one, min_size=1, max_size=6)), draw(st.sampled_from((16, 50, 100, 333, 1000, 1400)))


def packets_of(codec: VideoCodec, pictures: list[Picture], limit: int, *, sequence: int = 65_530) -> list[bytes]:
    packets = []
    for number, nals in enumerate(pictures):
        payloads = rtp.packetise(codec, nals, limit=limit)
        for index, payload in enumerate(payloads):
            marker = index == len(payloads) - 1
            timestamp = (2**32 - 2 * STEP + number * STEP) % 2**32
            packets.append(RtpPacket(96, sequence & 0xFFFF, timestamp, 7, payload, marker).serialise())
            sequence += 1
    return packets


def received(
    codec: VideoCodec, packets: list[bytes], *, sent: list[bytes] | None = None
) -> tuple[list[ReceivedUnit], VideoReceiver]:
    """What comes out of `packets` of those `sent`; one of the next picture makes sure that everything does."""
    receiver = VideoReceiver(ASSEMBLERS[codec](), payload_type=96)
    for packet in packets:
        receiver.push(b"$$" + packet + b"$$", 2, len(packet) + 2)
    last = rtp.parse_packet((sent or packets)[-1])
    ending = RtpPacket(96, last.sequence + 1 & 0xFFFF, last.timestamp + 77 & 0xFFFF_FFFF, 7, b"\x41\x01\x80\x80")
    receiver.push(ending.serialise(), 0, len(ending.serialise()))
    return receiver.ready, receiver


@given(streams())
def test_what_was_sent_comes_out(stream: tuple[VideoCodec, list[Picture], int]) -> None:
    codec, pictures, limit = stream
    units, receiver = received(codec, packets_of(codec, pictures, limit))
    assert [unit.data for unit in units] == [h264.join(nals) for nals in pictures]
    seen = False
    for unit, nals in zip(units, pictures, strict=True):
        seen = seen or unit.is_keyframe
        assert [unit.data[begin:end] for begin, end in unit.spans] == (nals if seen else [])
    module = h264 if codec == "h264" else hevc
    assert [unit.is_keyframe for unit in units] == [module.is_keyframe(unit.data) for unit in units]
    assert [unit.ticks for unit in units] == [2**32 - 2 * STEP + n * STEP for n in range(len(pictures))]
    counters = receiver.counters
    assert (counters.lost, counters.damaged, counters.late, counters.strange) == (0, 0, 0, 0)


@given(streams(), st.data())
def test_after_a_loss_every_unit_is_one_that_was_sent_whole(
    stream: tuple[VideoCodec, list[Picture], int], data: st.DataObject
) -> None:
    """Sets that went missing ahead of a picture may lack; a slice never does, and an untouched picture is lost only
    beside a damaged one."""
    codec, pictures, limit = stream
    packets = packets_of(codec, pictures, limit)
    lost = data.draw(st.sets(st.integers(0, len(packets) - 1), max_size=5))
    kept = [packet for index, packet in enumerate(packets) if index not in lost]
    if not kept:
        return
    units, receiver = received(codec, kept, sent=packets)
    sent = {(2**32 - 2 * STEP + n * STEP) % 2**32: nals for n, nals in enumerate(pictures)}
    for unit in units:
        nals = sent[unit.ticks % 2**32]
        slices = [nal for nal in nals if is_slice(codec, nal)]
        assert h264.split(unit.data)[-len(slices) :] == slices
        assert all(nal in nals for nal in h264.split(unit.data))
    first, last = rtp.parse_packet(packets[0]).sequence, rtp.parse_packet(kept[0]).sequence
    at_start = last - first & 0xFFFF
    assert receiver.counters.lost == len(lost) - at_start
    assert len(pictures) - len(units) <= 2 * len(lost)


def is_slice(codec: VideoCodec, nal: bytes) -> bool:
    return rtp.nal_type(codec, nal) in range(1, 6) if codec == "h264" else rtp.nal_type(codec, nal) < 32


@given(st.lists(st.binary(max_size=60), max_size=20), st.sampled_from(["h264", "hevc"]))
@example([b"\x62\x00\x00"], "hevc")
@example([b"\x7c\x80"], "h264")
def test_garbage_payloads_raise_only_rtp_errors(payloads: list[bytes], codec: VideoCodec) -> None:
    assembler = ASSEMBLERS[codec]()
    for payload in payloads:
        assembler.begins(payload, 0, len(payload))
        try:
            assembler.add(payload, 0, len(payload))
        except RtpError:
            assembler.clear()
    unit = assembler.take()
    assert not unit.is_keyframe or unit.data


@pytest.mark.parametrize(
    ("codec", "payload"),
    [
        ("h264", b"\x7c\x05\x01"),  # the middle of a fragmented unit that never began
        ("h264", b"\x7c"),
        ("h264", b"\x19\x00\x00\x01"),  # STAP-B: interleaved mode
        ("h264", b"\x78\x00\x05\x41"),  # an aggregated unit of five bytes in one
        ("h264", b"\x78\x00\x00"),
        ("hevc", b"\x62\x01\x13\x01"),
        ("hevc", b"\x60\x01\x00\x01\x40"),
        ("hevc", b"\x64\x01\x00"),  # PACI
        ("hevc", b"\x40"),
    ],
)
def test_payloads_that_cannot_be(codec: VideoCodec, payload: bytes) -> None:
    with pytest.raises(RtpError):
        ASSEMBLERS[codec]().add(payload, 0, len(payload))


@pytest.mark.parametrize("codec", ["h264", "hevc"])
def test_a_whole_access_unit_inside_an_sps(codec: VideoCodec) -> None:
    """Some cameras send parameter sets and the picture as one NAL unit with start codes in it."""
    heads = (b"\x67", b"\x68", b"\x65") if codec == "h264" else (b"\x40\x01", b"\x42\x01", b"\x44\x01", b"\x26\x01")
    nals = [head + b"\x99" * 9 for head in heads]
    assembler = ASSEMBLERS[codec]()
    sent = b"\x00\x00\x00\x01".join(nals)
    assembler.add(sent, 0, len(sent))
    assert assembler.has_picture
    data, is_keyframe, spans = assembler.take()
    assert (h264.split(data), is_keyframe, spans) == (nals, True, ())


@pytest.mark.parametrize("codec", ["h264", "hevc"])
def test_where_an_access_unit_can_begin(codec: VideoCodec) -> None:
    assembler = ASSEMBLERS[codec]()
    first, later, sps = (
        (b"\x41\x80\x00", b"\x41\x40\x00", b"\x67\x01\x00")
        if codec == "h264"
        else (b"\x02\x01\x80\x00", b"\x02\x01\x40\x00", b"\x42\x01\x01\x00")
    )
    assert assembler.begins(first, 0, len(first))
    assert assembler.begins(sps, 0, len(sps))
    assert not assembler.begins(later, 0, len(later))
    fragments = [payload for nal in (first + bytes(100), later + bytes(100)) for payload in fragments_of(codec, nal)]
    assert [assembler.begins(one, 0, len(one)) for one in fragments] == [True, False, False, False, False, False]


def fragments_of(codec: VideoCodec, nal: bytes) -> list[bytes]:
    return rtp.packetise(codec, [nal], limit=40)
