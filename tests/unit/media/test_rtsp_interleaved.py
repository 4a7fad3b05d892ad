"""A playing connection taken apart: any bytes in any chunks give the same, raise nothing else and hold little back."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vedette.media import rtsp_interleaved
from vedette.media.rtp import interleave
from vedette.media.rtsp_interleaved import Splitter
from vedette.media.rtsp_messages import Headers, Request, Response, RtspSyntaxError, serialise

type Event = tuple[int, bytes] | Request | Response
KEPT = Response(200, Headers((("CSeq", "5"),)), b"body")
PING = Request("OPTIONS", "rtsp://camera/", Headers((("CSeq", "1"),)))


class Taken:
    """A splitter and what it called back with."""

    def __init__(self, *, strict: bool = False) -> None:
        self.events: list[Event] = []
        self.splitter = Splitter(self.events.append, {channel: self._sink(channel) for channel in range(4)})
        self.splitter.strict = strict
        self.broken = False

    def _sink(self, channel: int) -> rtsp_interleaved.PacketSink:
        return lambda data, start, end: self.events.append((channel, data[start:end]))

    def receive(self, data: bytes) -> None:
        if not self.broken:
            try:
                self.splitter.receive(data)
            except RtspSyntaxError:
                self.broken = True


def chunked(data: bytes, cuts: list[int]) -> list[bytes]:
    places = sorted({cut % (len(data) + 1) for cut in cuts} | {0, len(data)})
    return [data[begin:end] for begin, end in pairwise(places)]


rtp_like = st.binary(min_size=8, max_size=60).map(lambda rest: b"\x80\x60" + rest)
sound = st.lists(
    st.tuples(st.integers(0, 3), rtp_like).map(lambda pair: interleave(*pair))
    | st.sampled_from([serialise(KEPT), serialise(PING), b"\r\n", interleave(9, b"of nobody")]),
    max_size=12,
)
cuts = st.lists(st.integers(0, 4000), max_size=12)
noise = st.lists(st.binary(max_size=30) | sound.map(b"".join) | st.sampled_from([b"$", b"RTSP/", b"RTSP/1.0 2"]))


@given(sound, cuts)
def test_frames_and_messages_come_in_order_however_they_are_cut(parts: list[bytes], places: list[int]) -> None:
    taken = Taken()
    for chunk in chunked(b"".join(parts), places):
        taken.receive(chunk)
    expected = [part for part in parts if part != b"\r\n" and part[1] != 9]
    got = [interleave(*one) if isinstance(one, tuple) else serialise(one) for one in taken.events]
    assert got == [serialise(KEPT) if part.startswith(b"RTSP") else part for part in expected]
    assert taken.splitter.garbage_bytes == 0


@given(noise, cuts, st.booleans())
def test_any_bytes_in_any_chunks_give_the_same(parts: list[bytes], places: list[int], strict: bool) -> None:
    data = b"".join(parts)
    whole, cut, single = Taken(strict=strict), Taken(strict=strict), Taken(strict=strict)
    whole.receive(data)
    for chunk in chunked(data, places):
        cut.receive(chunk)
    for byte in data:
        single.receive(bytes((byte,)))
    assert whole.events == cut.events == single.events
    assert whole.broken == cut.broken == single.broken


@given(st.binary(min_size=1, max_size=200), st.lists(rtp_like.filter(lambda one: b"$" not in one), min_size=2))
def test_after_garbage_the_frames_are_found_again(garbage: bytes, packets: list[bytes]) -> None:
    """What looks like a frame may swallow some; at the latest after 64 KiB frames come through."""
    taken = Taken()
    stream = b"".join(interleave(0, packet) for packet in packets)
    taken.receive(b"\x00" + garbage)
    for _ in range(70_000 // len(stream) + 70):
        taken.receive(stream)
    if not taken.broken:
        assert (0, packets[-1]) in taken.events


def test_a_peer_that_speaks_something_else_is_told_at_once() -> None:
    for greeting in (b"SSH-2.0-x\r\n", b"HTTP/1.1 200 OK\r\n\r\n", b"\x16\x03\x01", b"<html>"):
        taken = Taken(strict=True)
        taken.receive(greeting)
        assert taken.broken


def test_too_much_garbage_is_an_error() -> None:
    taken = Taken()
    for _ in range(rtsp_interleaved.MAX_GARBAGE_BYTES // 4096 + 1):
        assert not taken.broken
        taken.receive(bytes(4096))
    assert taken.broken


@pytest.mark.parametrize("head", [b"RTSP/1.0 200 OK\r\n", b"RTSP/1.0 200 OK\r\nX: "])
def test_a_message_without_end_is_an_error(head: bytes) -> None:
    taken = Taken()
    taken.receive(head)
    for _ in range(20):
        taken.receive(b"a: b\r\n" * 200)
    assert taken.broken
