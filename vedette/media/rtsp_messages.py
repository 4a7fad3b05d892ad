"""RTSP 1.0 without I/O: messages from bytes in any chunking, bytes from messages, and the headers that need a grammar.

Source: RFC 2326. Whatever a peer sends either becomes a message or raises `RtspSyntaxError`; nothing else escapes.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from vedette.kernel.clock import from_iso
from vedette.kernel.errors import Fault
from vedette.media import rtp

MAX_LINE_BYTES = 4096
MAX_HEAD_BYTES = 16_384
MAX_BODY_BYTES = 65_536
MAX_HEADERS = 100
VERSION = "RTSP/1.0"
REASONS = {
    200: "OK",
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    406: "Not Acceptable",
    413: "Request Entity Too Large",
    414: "Request-URI Too Large",
    451: "Parameter Not Understood",
    453: "Not Enough Bandwidth",
    454: "Session Not Found",
    455: "Method Not Valid in This State",
    457: "Invalid Range",
    459: "Aggregate Operation Not Allowed",
    460: "Only Aggregate Operation Allowed",
    461: "Unsupported Transport",
    500: "Internal Server Error",
    501: "Not Implemented",
    503: "Service Unavailable",
    505: "RTSP Version Not Supported",
    551: "Option not supported",
}

_TOKEN = re.compile(r"^[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,40}$", re.ASCII)
_STATUS_LINE = re.compile(r"^RTSP/(\d{1,3})\.(\d{1,3}) (\d{3})(?: (.*))?$", re.ASCII | re.IGNORECASE)
_VERSION = re.compile(r"^RTSP/\d{1,3}\.\d{1,3}$", re.ASCII | re.IGNORECASE)
_DIGITS = re.compile(r"^\d{1,9}$", re.ASCII)


class RtspSyntaxError(ValueError):
    """Bytes that are no RTSP; `status` is the answer that the sender deserves."""

    def __init__(self, message: str, *, status: int = 400) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True, slots=True)
class Headers:
    """Header fields in order; names are compared without regard to case."""

    fields: tuple[tuple[str, str], ...] = ()

    def get(self, name: str, default: str = "") -> str:
        """The first field of this name."""
        return next((value for key, value in self.fields if key.lower() == name.lower()), default)

    def get_all(self, name: str) -> list[str]:
        """Every field of this name, in order."""
        return [value for key, value in self.fields if key.lower() == name.lower()]


@dataclass(frozen=True, slots=True)
class Request:
    """A request; `method` is upper case."""

    method: str
    uri: str
    headers: Headers = field(default_factory=Headers)
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Response:
    """A response; an empty `reason` becomes the usual phrase."""

    status: int
    headers: Headers = field(default_factory=Headers)
    body: bytes = b""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class InterleavedFrame:
    """One RTP or RTCP packet inside the RTSP connection."""

    channel: int
    data: bytes


type Message = Request | Response | InterleavedFrame


def serialise(message: Message) -> bytes:
    """The bytes of a message, Content-Length added where there is a body; `ValueError` for a line break in a field."""
    if isinstance(message, InterleavedFrame):
        return rtp.interleave(message.channel, message.data)
    if isinstance(message, Request):
        start = f"{message.method} {message.uri} {VERSION}"
    else:
        start = f"{VERSION} {message.status} {message.reason or REASONS.get(message.status, 'Unknown')}"
    lines = [start, *(f"{name}: {value}" for name, value in message.headers.fields)]
    if message.body and not message.headers.get("Content-Length"):
        lines.append(f"Content-Length: {len(message.body)}")
    if any("\r" in line or "\n" in line for line in lines):
        raise ValueError("a header field may not hold a line break")
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + message.body


class MessageParser:
    """Messages out of a byte stream: `receive` what came, then call `next_message` until it returns None.

    After an `RtspSyntaxError` the stream has no defined continuation: every further call raises it again. `lenient`
    skips header lines without a name, which some cameras send; whoever serves strangers is strict.
    """

    def __init__(self, *, lenient: bool = False) -> None:
        self._lenient = lenient
        self._buffer = bytearray()
        self._head: tuple[str, Headers, int] | None = None
        self._searched = 0
        self._error: RtspSyntaxError | None = None

    def receive(self, data: bytes) -> None:
        """Take bytes from the peer; holds no more than one message beside them."""
        self._buffer += data

    def next_message(self) -> Message | None:
        """The next whole message, None while it is incomplete; raises `RtspSyntaxError`."""
        if self._error is not None:
            raise self._error
        try:
            return self._next()
        except RtspSyntaxError as error:
            self._error = error
            raise

    def take_rest(self) -> bytes:
        """What follows the last message; it is the caller's now."""
        rest = bytes(self._buffer)
        self._buffer.clear()
        return rest

    def _next(self) -> Message | None:
        if self._head is None:
            while self._buffer and self._buffer[0] in b"\r\n":
                del self._buffer[0]
            if self._buffer.startswith(b"$"):
                return self._next_frame()
            self._head = self._next_head()
        if self._head is None:
            return None
        start, headers, size = self._head
        if len(self._buffer) < size:
            return None
        body = bytes(self._buffer[:size])
        del self._buffer[:size]
        self._head = None
        return _message(start, headers, body)

    def _next_frame(self) -> InterleavedFrame | None:
        if len(self._buffer) < rtp.FRAMING_BYTES:
            return None
        end = rtp.FRAMING_BYTES + int.from_bytes(self._buffer[2:4])
        if len(self._buffer) < end:
            return None
        frame = InterleavedFrame(self._buffer[1], bytes(self._buffer[rtp.FRAMING_BYTES : end]))
        del self._buffer[:end]
        return frame

    def _next_head(self) -> tuple[str, Headers, int] | None:
        """Start line, headers and body size, once the blank line is there (lines may end in LF alone)."""
        end, after = _end_of_head(self._buffer, self._searched)
        _check_head_so_far(self._buffer, end if after else max(0, len(self._buffer) - 3))
        if not after:
            self._searched = max(0, len(self._buffer) - 3)
            return None
        raw = bytes(self._buffer[:end])
        del self._buffer[:after]
        self._searched = 0
        return _parse_head(raw, lenient=self._lenient)


def _end_of_head(buffer: bytearray, start: int) -> tuple[int, int]:
    """(end of the last header line, start of the body); (0, 0) when the blank line is missing."""
    found = [
        (at, at + len(mark)) for mark in (b"\r\n\r\n", b"\n\n", b"\n\r\n") if (at := buffer.find(mark, start)) >= 0
    ]
    return min(found, default=(0, 0))


def _check_head_so_far(buffer: bytearray, end: int) -> None:
    """Refuse an oversized or binary head as soon as it shows, so that a peer cannot make us buffer it."""
    first = bytes(buffer[: min(end, MAX_LINE_BYTES + 2)]).split(b"\n", 1)[0].rstrip(b"\r")
    if any(byte < 32 and byte not in b"\r\t" for byte in first[:64]):
        raise RtspSyntaxError("not RTSP")
    if len(first) > MAX_LINE_BYTES:
        raise RtspSyntaxError("the request line is too long", status=414)
    if end > MAX_HEAD_BYTES:
        raise RtspSyntaxError("the header is too long", status=413)


def _parse_head(raw: bytes, *, lenient: bool) -> tuple[str, Headers, int]:
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        text = raw.decode("latin-1")
    start, *lines = text.replace("\r\n", "\n").split("\n")
    headers = Headers(tuple(_parse_fields(lines, lenient=lenient)))
    lengths = set(headers.get_all("Content-Length"))
    if len(lengths) > 1:
        raise RtspSyntaxError("Content-Length is given twice")
    length = lengths.pop() if lengths else "0"
    if not _DIGITS.match(length):
        raise RtspSyntaxError("Content-Length is not a number")
    if int(length) > MAX_BODY_BYTES:
        raise RtspSyntaxError("the body is too long", status=413)
    return start.strip(), headers, int(length)


def _parse_fields(lines: list[str], *, lenient: bool) -> Iterator[tuple[str, str]]:
    if len(lines) > MAX_HEADERS:
        raise RtspSyntaxError("too many headers", status=413)
    name, value = "", ""
    for line in lines:
        if line[:1] in (" ", "\t") and name:
            value += " " + line.strip()
            continue
        if name:
            yield name, value
        name, colon, value = line.partition(":")
        name, value = name.strip(), value.strip()
        if not colon or not _TOKEN.match(name):
            if lenient:
                name = ""
                continue
            raise RtspSyntaxError("a header line has no name")
        if any(ord(character) < 32 and character != "\t" for character in value):
            raise RtspSyntaxError("a header holds control characters")
    if name:
        yield name, value


def _message(start: str, headers: Headers, body: bytes) -> Request | Response:
    if start[:5].upper() == "RTSP/":
        match = _STATUS_LINE.match(start)
        if match is None:
            raise RtspSyntaxError("the status line is malformed")
        return Response(int(match[3]), headers, body, match[4] or "")
    parts = start.split()
    if len(parts) != 3 or not _TOKEN.match(parts[0]):
        raise RtspSyntaxError("the request line is malformed")
    if not _VERSION.match(parts[2]):
        raise RtspSyntaxError("not an RTSP version", status=400)
    if not parts[2].upper().startswith("RTSP/1."):
        raise RtspSyntaxError("only RTSP 1.0 is spoken here", status=505)
    return Request(parts[0].upper(), parts[1], headers, body)


# --- Transport and Range ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Transport:
    """One alternative of a Transport header (RFC 2326 §12.39); port and channel pairs are (RTP, RTCP)."""

    lower: Literal["TCP", "UDP"] = "UDP"
    unicast: bool = True
    interleaved: tuple[int, int] | None = None
    client_port: tuple[int, int] | None = None
    server_port: tuple[int, int] | None = None
    ssrc: int | None = None
    mode: str = "PLAY"


def parse_transport(value: str) -> list[Transport]:
    """The alternatives in order of preference; those of unknown profile or with senseless numbers are left out."""
    found = (_parse_transport(alternative) for alternative in value.split(",")[:16])
    return [transport for transport in found if transport is not None]


def _parse_transport(text: str) -> Transport | None:
    profile, *rest = (part.strip() for part in text.split(";"))
    lower = {"RTP/AVP": "UDP", "RTP/AVP/UDP": "UDP", "RTP/AVP/TCP": "TCP"}.get(profile.upper())
    if lower is None:
        return None
    parameters: dict[str, str] = {}
    for part in rest:
        name, _, value = part.partition("=")
        parameters.setdefault(name.strip().lower(), value.strip().strip('"'))
    interleaved = _pair(parameters.get("interleaved"), 255)
    client_port = _pair(parameters.get("client_port"), 65_535)
    server_port = _pair(parameters.get("server_port"), 65_535)
    malformed = (
        ("interleaved" in parameters and interleaved is None)
        or ("client_port" in parameters and client_port is None)
        or (client_port is not None and 0 in client_port)
    )
    if malformed:
        return None
    ssrc = parameters.get("ssrc", "")
    return Transport(
        lower="TCP" if lower == "TCP" else "UDP",
        unicast="multicast" not in parameters,
        interleaved=interleaved,
        client_port=client_port,
        server_port=server_port,
        ssrc=int(ssrc, 16) if re.fullmatch("[0-9A-Fa-f]{1,8}", ssrc) else None,
        mode=parameters.get("mode", "PLAY").upper(),
    )


def _pair(text: str | None, largest: int) -> tuple[int, int] | None:
    first, _, second = (text or "").partition("-")
    if not _DIGITS.match(first) or (second and not _DIGITS.match(second)):
        return None
    pair = (int(first), int(second) if second else int(first) + 1)
    return pair if max(pair) <= largest and pair[0] != pair[1] else None


def format_transport(transport: Transport) -> str:
    """The Transport header of an answer."""
    parts = ["RTP/AVP/TCP" if transport.lower == "TCP" else "RTP/AVP"]
    parts.append("unicast" if transport.unicast else "multicast")
    for name in ("interleaved", "client_port", "server_port"):
        pair: tuple[int, int] | None = getattr(transport, name)
        if pair is not None:
            parts.append(f"{name}={pair[0]}-{pair[1]}")
    if transport.ssrc is not None:
        parts.append(f"ssrc={transport.ssrc:08X}")
    parts.append(f'mode="{transport.mode}"')
    return ";".join(parts)


@dataclass(frozen=True, slots=True)
class Range:
    """A Range header: `npt` counts microseconds from the start of the presentation, `clock` is microseconds UTC.

    None as start is *now*, None as end is *open*.
    """

    unit: Literal["npt", "clock"]
    start_us: int | None = None
    end_us: int | None = None


_NPT = re.compile(r"^(?:(\d{1,6}):(\d{1,2}):)?(\d{1,9})(?:\.(\d{0,9}))?$", re.ASCII)
_CLOCK = re.compile(r"^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)(?:\.(\d{1,9}))?Z$", re.ASCII)


def parse_range(value: str) -> Range:
    """Read a Range header; `RtspSyntaxError` with status 457 for one that is malformed or in another unit."""
    unit, equals, rest = value.split(";")[0].partition("=")
    start, dash, end = rest.strip().partition("-")
    kind = unit.strip().lower()
    if not equals or not dash or kind not in ("npt", "clock"):
        raise RtspSyntaxError("the range is malformed", status=457)
    read = _npt_us if kind == "npt" else _clock_us
    first = None if start.strip() in ("", "now") else read(start.strip())
    return Range("npt" if kind == "npt" else "clock", first, read(end.strip()) if end.strip() else None)


def _npt_us(text: str) -> int:
    match = _NPT.match(text)
    if match is None:
        raise RtspSyntaxError("the time is malformed", status=457)
    hours, minutes, seconds, fraction = match.groups()
    whole = int(hours or 0) * 3600 + int(minutes or 0) * 60 + int(seconds)
    return whole * 1_000_000 + int((fraction or "0").ljust(6, "0")[:6])


def _clock_us(text: str) -> int:
    match = _CLOCK.match(text)
    if match is None:
        raise RtspSyntaxError("the time is malformed", status=457)
    year, month, day, hour, minute, second, fraction = match.groups()
    try:
        return from_iso(f"{year}-{month}-{day}T{hour}:{minute}:{second}.{fraction or '0'}Z")
    except Fault as error:
        raise RtspSyntaxError("there is no such time", status=457) from error
