"""AV1 temporal units put together from packets, as our packetiser and as others write them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vedette.media import packetise, rtp
from vedette.media.depacketise_av1 import Av1Assembler, without_size
from vedette.media.rtp import RtpError, RtpPacket
from vedette.media.rtp_receiver import ReceivedUnit, VideoReceiver

SEQUENCE, DELIMITER, FRAME_HEADER, TILES, METADATA, FRAME = 1, 2, 3, 4, 5, 6
KEY, INTER = 0x10, 0x30
STEP = 3000


def obu(kind: int, body: bytes, *, extension: bool = False) -> bytes:
    return bytes((kind << 3 | (4 if extension else 0),)) + (b"\x08" if extension else b"") + body


@st.composite
def temporal_units(draw: st.DrawFn) -> list[bytes]:
    """OBUs without size fields: perhaps a sequence header and metadata, then a frame and more of it."""
    found = [obu(SEQUENCE, draw(st.binary(min_size=5, max_size=12)))] if draw(st.booleans()) else []
    if draw(st.booleans()):
        found.append(obu(METADATA, draw(st.binary(max_size=40)), extension=draw(st.booleans())))
    first = bytes((draw(st.sampled_from((KEY, INTER))),))
    size = draw(st.one_of(st.integers(0, 60), st.integers(500, 3000)))
    found.append(obu(FRAME, first + draw(st.binary(min_size=1, max_size=1)) * size))
    return found


def packets_of(units: list[list[bytes]], limit: int) -> list[bytes]:
    packets = []
    sequence = 65_530
    for number, obus in enumerate(units):
        payloads = packetise.av1_payloads(packetise.join_obus(obus), limit=limit)
        for index, payload in enumerate(payloads):
            marker = index == len(payloads) - 1
            packets.append(RtpPacket(96, sequence & 0xFFFF, number * STEP, 7, payload, marker).serialise())
            sequence += 1
    return packets


def received(packets: list[bytes]) -> tuple[list[ReceivedUnit], VideoReceiver]:
    receiver = VideoReceiver(Av1Assembler(), payload_type=96)
    for packet in packets:
        receiver.push(packet, 0, len(packet))
    last = rtp.parse_packet(packets[-1])
    for ending in (1, 2):
        payload = packetise.av1_payloads(packetise.join_obus([obu(FRAME, b"\x30")]), limit=100)[0]
        packet = RtpPacket(96, last.sequence + ending & 0xFFFF, last.timestamp + ending, 7, payload).serialise()
        receiver.push(packet, 0, len(packet))
    return receiver.ready[:-1], receiver


@given(st.lists(temporal_units(), min_size=1, max_size=6), st.sampled_from([16, 40, 300, 1388]))
def test_what_was_sent_comes_out(units: list[list[bytes]], limit: int) -> None:
    got, receiver = received(packets_of(units, limit))
    assert [unit.data for unit in got] == [packetise.join_obus(obus) for obus in units]
    known = False
    for unit, obus in zip(got, units, strict=True):
        known = known or packetise.obu_type(obus[0]) == SEQUENCE
        assert unit.is_keyframe == (known and obus[-1][1] == KEY)
    assert (receiver.counters.damaged, receiver.counters.strange) == (0, 0)


@given(st.lists(temporal_units(), min_size=1, max_size=6), st.sampled_from([16, 40, 300]), st.data())
def test_after_a_loss_every_unit_is_one_that_was_sent(
    units: list[list[bytes]], limit: int, data: st.DataObject
) -> None:
    """But for OBUs in front of it that were lost whole, as nothing tells that a unit once began earlier."""
    packets = packets_of(units, limit)
    lost = data.draw(st.sets(st.integers(0, len(packets) - 1), max_size=4))
    kept = [packet for index, packet in enumerate(packets) if index not in lost]
    if not kept:
        return
    got, _ = received(kept)
    for unit in got:
        obus = packetise.split_obus(unit.data)
        assert units[unit.ticks // STEP][-len(obus) :] == obus


def test_elements_may_be_counted_instead_of_measured() -> None:
    """W = 2: the last element has no length. The delimiter and size fields that a sender should leave out go."""
    frame = obu(FRAME, bytes((KEY, 1, 2, 3)))
    sized = packetise.join_obus([obu(SEQUENCE, b"12345")])
    payload = bytes((0x28,)) + packetise.leb128(len(sized)) + sized + frame
    assembler = Av1Assembler()
    assembler.add(b"\x10" + obu(DELIMITER, b""), 0, 2)
    assembler.add(payload, 0, len(payload))
    data, is_keyframe, _ = assembler.take()
    assert (packetise.split_obus(data), is_keyframe) == ([obu(SEQUENCE, b"12345"), frame], True)


def test_one_obu_over_many_counted_packets() -> None:
    frame = obu(FRAME, bytes((INTER,)) + bytes(range(200)))
    assembler = Av1Assembler()
    for begin in range(0, len(frame), 50):
        header = 0x10 | (0x80 if begin else 0) | (0x40 if begin + 50 < len(frame) else 0)
        payload = bytes((header,)) + frame[begin : begin + 50]
        assembler.add(payload, 0, len(payload))
        assert assembler.continuation == (b"\xd0" if header & 0x40 else b"")
    assert packetise.split_obus(assembler.take().data) == [frame]


@pytest.mark.parametrize(
    "payload",
    [
        b"\x10",
        b"\x90\x30\x01",  # goes on with what never began
        b"\x00\x05\x30",
        b"\x20\x01\x30",  # two elements announced, one there
        b"\x00\x00",
        b"\x00\xff\xff\xff\xff\xff\xff\xff\xff\xff",
        b"\x10\xb0\x00",  # forbidden bit
        b"\x10\x34",  # an extension that is not there
        b"\x10\x32\x09\x00",  # an inner size beyond its end
    ],
)
def test_payloads_that_cannot_be(payload: bytes) -> None:
    with pytest.raises(RtpError):
        Av1Assembler().add(payload, 0, len(payload))


@given(st.lists(st.binary(max_size=40), max_size=20))
def test_garbage_raises_only_rtp_errors(payloads: list[bytes]) -> None:
    assembler = Av1Assembler()
    for payload in payloads:
        assembler.begins(payload, 0, len(payload))
        try:
            assembler.add(payload, 0, len(payload))
        except RtpError:
            assembler.clear()
    assembler.take()


def test_a_hidden_key_frame_or_one_shown_again_is_no_place_to_start() -> None:
    assembler = Av1Assembler()
    for flags in (0x00, 0x80, KEY | 0x20):
        unit = packetise.av1_payloads(
            packetise.join_obus([obu(SEQUENCE, b"12345"), obu(FRAME_HEADER, bytes((flags, 0)))]), limit=100
        )[0]
        assembler.add(unit, 0, len(unit))
        assert not assembler.take().is_keyframe


def test_an_empty_frame_header() -> None:
    assert without_size(b"\x32\x00") == b"\x30"
