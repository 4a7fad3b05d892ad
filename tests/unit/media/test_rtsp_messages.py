"""RTSP messages: any chunking gives the same messages, limits hold, garbage raises one error type."""

from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from vedette.media.rtsp_messages import (
    MAX_BODY_BYTES,
    MAX_HEAD_BYTES,
    MAX_LINE_BYTES,
    Headers,
    InterleavedFrame,
    Message,
    MessageParser,
    Range,
    Request,
    Response,
    RtspSyntaxError,
    Transport,
    format_transport,
    parse_range,
    parse_transport,
    serialise,
)

NAMES = st.sampled_from(("CSeq", "Session", "X-Odd-Name", "transport", "USER-AGENT"))
VALUES = st.text(st.characters(min_codepoint=33, max_codepoint=0x2FF, exclude_categories=("C", "Z")), max_size=20)
HEADERS = st.lists(st.tuples(NAMES, VALUES), max_size=5).map(lambda fields: Headers(tuple(fields)))
BODIES = st.binary(max_size=200)


@st.composite
def messages(draw: st.DrawFn) -> Message:
    kind = draw(st.integers(0, 2))
    if kind == 0:
        return InterleavedFrame(draw(st.integers(0, 255)), draw(BODIES))
    headers, body = draw(HEADERS), draw(BODIES)
    if body:
        headers = Headers((*headers.fields, ("Content-Length", str(len(body)))))
    if kind == 1:
        method = draw(st.sampled_from(("OPTIONS", "DESCRIBE", "SETUP", "PLAY", "X_THING")))
        return Request(method, draw(st.sampled_from(("*", "rtsp://h/live/a?b=c", "rtsp://h:554/ü"))), headers, body)
    return Response(draw(st.sampled_from((200, 404, 454))), headers, body, draw(st.sampled_from(("OK", "No such"))))


def outcome(data: bytes, cuts: list[int]) -> tuple[list[Message], int | None]:
    """Messages and the status of the error at the end, when `data` arrives cut at these places."""
    parser, found = MessageParser(), list[Message]()
    places = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    for start, end in pairwise(places):
        parser.receive(data[start:end])
        try:
            while (message := parser.next_message()) is not None:
                found.append(message)
        except RtspSyntaxError as error:
            return found, error.status
    return found, None


@given(st.lists(messages(), max_size=5), st.lists(st.integers(0, 10_000), max_size=12))
def test_any_chunking_gives_the_messages_that_were_written(sent: list[Message], cuts: list[int]) -> None:
    assert outcome(b"".join(map(serialise, sent)), cuts) == (sent, None)


FRAGMENTS = st.sampled_from(
    (
        b"OPTIONS * RTSP/1.0\r\n",
        b"CSeq: 1\r\n",
        b"\r\n",
        b"\n",
        b"\r",
        b"$\x00\x00\x02ab",
        b"Content-Length: 3\r\n",
        b"\x00",
        b"RTSP/1.0 200 OK\r\n",
        b"Content-Length: -1\r\n",
        b" folded\r\n",
        b"no colon\r\n",
        b"GET / HTTP/1.1\r\n",
        b"abc",
    )
)


@given(st.lists(st.one_of(FRAGMENTS, st.binary(max_size=20)), max_size=12).map(b"".join), st.lists(st.integers(0, 500)))
def test_garbage_is_judged_alike_in_any_chunking(data: bytes, cuts: list[int]) -> None:
    assert outcome(data, cuts) == outcome(data, [])
    assert outcome(data, list(range(len(data)))) == outcome(data, [])


@pytest.mark.parametrize("size", [MAX_LINE_BYTES - 1, MAX_LINE_BYTES, MAX_LINE_BYTES + 1])
def test_line_limit_is_the_same_in_any_chunking(size: int) -> None:
    data = b"OPTIONS /" + b"x" * (size - 18) + b" RTSP/1.0\r\n\r\n"
    whole = outcome(data, [])
    assert whole[1] == (414 if size > MAX_LINE_BYTES else None)
    assert outcome(data, list(range(len(data)))) == whole


@pytest.mark.parametrize("extra", [0, 1, 2, 3, 4])
def test_head_limit_is_the_same_in_any_chunking(extra: int) -> None:
    head = b"OPTIONS * RTSP/1.0\r\n" + b"A: b\r\n" * 50
    data = head + b"B: " + b"x" * (MAX_HEAD_BYTES - len(head) - 5 + extra) + b"\r\n\r\n"
    whole = outcome(data, [])
    assert whole[1] == (413 if extra > 2 else None)
    assert outcome(data, list(range(MAX_HEAD_BYTES - 10, len(data)))) == whole


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"OPTIONS *\r\n\r\n", 400),
        (b"OPTIONS * HTTP/1.1\r\n\r\n", 400),
        (b"OPTIONS * RTSP/2.0\r\n\r\n", 505),
        (b"RTSP/1.0 abc\r\n\r\n", 400),
        (b"OPTIONS * RTSP/1.0\r\nno colon\r\n\r\n", 400),
        (b"OPTIONS * RTSP/1.0\r\nA: \x01\r\n\r\n", 400),
        (b"OPTIONS * RTSP/1.0\r\nContent-Length: x\r\n\r\n", 400),
        (b"OPTIONS * RTSP/1.0\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\n", 400),
        (b"OPTIONS * RTSP/1.0\r\nContent-Length: %d\r\n\r\n" % (MAX_BODY_BYTES + 1), 413),
        (b"OPTIONS * RTSP/1.0\r\n" + b"A: b\r\n" * 200 + b"\r\n", 413),
        (b"\x16\x03\x01\x02\x00 hello", 400),
    ],
)
def test_malformed_messages_have_their_status(data: bytes, status: int) -> None:
    assert outcome(data + b"more", []) == ([], status)


def test_the_error_stays() -> None:
    parser = MessageParser()
    parser.receive(b"\x01\x02\x03\x04\x05")
    for _ in range(2):
        with pytest.raises(RtspSyntaxError):
            parser.next_message()


def test_odd_case_folded_lines_bare_newlines_and_latin_1_are_accepted() -> None:
    found, status = outcome(b"\r\n\noptions  * rtsp/1.0\nCSEQ:7\nX: a\n\tb\nY: \xe9\n\n", [])
    request = found[0]
    assert status is None
    assert isinstance(request, Request)
    assert (request.method, request.headers.get("cseq"), request.headers.get("x")) == ("OPTIONS", "7", "a b")
    assert request.headers.get("y") == "é"


def test_a_line_break_cannot_be_smuggled_into_a_header() -> None:
    with pytest.raises(ValueError, match="line break"):
        serialise(Response(200, Headers((("X", "a\r\nY: b"),))))


def test_transport_of_common_clients() -> None:
    value = "RTP/AVP/TCP;unicast;interleaved=4-5,RTP/AVP;unicast;client_port=5000-5001;mode=play, RTP/SAVP;unicast"
    assert parse_transport(value) == [
        Transport("TCP", interleaved=(4, 5)),
        Transport("UDP", client_port=(5000, 5001)),
    ]
    assert parse_transport("RTP/AVP;multicast")[0].unicast is False
    assert parse_transport("RTP/AVP;unicast;client_port=5000")[0].client_port == (5000, 5001)


@pytest.mark.parametrize(
    "value", ["", ";;;", "RTP/AVP/TCP;interleaved=x", "RTP/AVP/TCP;interleaved=0-256", "RTP/AVP;client_port=0-1"]
)
def test_senseless_transports_are_left_out(value: str) -> None:
    assert parse_transport(value) == []


@given(st.sampled_from(("TCP", "UDP")), st.integers(0, 254), st.integers(1, 65_534), st.integers(0, 0xFFFF_FFFF))
def test_transport_is_read_as_written(lower: str, channel: int, port: int, ssrc: int) -> None:
    transport = (
        Transport("TCP", interleaved=(channel, channel + 1), ssrc=ssrc)
        if lower == "TCP"
        else Transport("UDP", client_port=(port, port + 1), server_port=(port, port + 1), ssrc=ssrc)
    )
    assert parse_transport(format_transport(transport)) == [transport]


@given(st.text(max_size=60))
@example("RTP/AVP;client_port=²-³")
def test_transport_and_range_never_raise_anything_else(value: str) -> None:
    parse_transport(value)
    try:
        parse_range(value)
    except RtspSyntaxError as error:
        assert error.status == 457  # noqa: PT017 - the error is optional here


def test_ranges() -> None:
    assert parse_range("npt=now-") == Range("npt", None, None)
    assert parse_range("npt=1.5-00:01:02.25") == Range("npt", 1_500_000, 62_250_000)
    assert parse_range("clock=20260101T000000Z-20260101T000001.5Z") == Range(
        "clock", 1_767_225_600_000_000, 1_767_225_601_500_000
    )


@pytest.mark.parametrize("value", ["smpte=0-", "npt", "npt=x-", "clock=2026-", "clock=20261301T000000Z-", "npt=1"])
def test_malformed_ranges_are_457(value: str) -> None:
    with pytest.raises(RtspSyntaxError) as caught:
        parse_range(value)
    assert caught.value.status == 457
