"""A small RTSP client that says exactly what a test wants said."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from vedette.media.rtsp_digest import Answer, authorization
from vedette.media.rtsp_messages import Headers, InterleavedFrame, MessageParser, Request, Response, serialise


class RtspClient:
    """One TCP connection; every request gets a CSeq, frames that arrive in between are kept in `frames`."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, port: int) -> None:
        self._reader = reader
        self._writer = writer
        self._parser = MessageParser()
        self._sequence = 0
        self.base = f"rtsp://127.0.0.1:{port}"
        self.frames: list[InterleavedFrame] = []
        self.session = ""

    def send(self, data: bytes) -> None:
        self._writer.write(data)

    async def ask(
        self, method: str, path: str, *headers: tuple[str, str], body: bytes = b"", sequence: bool = True
    ) -> Response:
        """Send a request (with the session, when there is one) and return its answer."""
        self._sequence += 1
        uri = path if path == "*" else self.base + path
        fields = list(headers)
        if sequence:
            fields.insert(0, ("CSeq", str(self._sequence)))
        if self.session and not any(name.lower() == "session" for name, _ in headers):
            fields.append(("Session", self.session))
        self.send(serialise(Request(method, uri, Headers(tuple(fields)), body)))
        response = await self.response()
        if sequence:
            assert response.headers.get("CSeq") == str(self._sequence)
        return response

    async def set_up(self, path: str, transport: str = "RTP/AVP/TCP;unicast;interleaved=0-1") -> Response:
        response = await self.ask("SETUP", path, ("Transport", transport))
        self.session = response.headers.get("Session").partition(";")[0]
        return response

    async def response(self) -> Response:
        while True:
            message = await self._message()
            if isinstance(message, Response):
                return message
            assert isinstance(message, InterleavedFrame)
            self.frames.append(message)

    async def frame(self) -> InterleavedFrame:
        if self.frames:
            return self.frames.pop(0)
        message = await self._message()
        assert isinstance(message, InterleavedFrame)
        return message

    async def ended(self) -> None:
        """Wait until the server ends the connection."""
        try:
            while await self._reader.read(65_536):
                continue
        except ConnectionError:
            return

    async def _message(self) -> Request | Response | InterleavedFrame:
        while (message := self._parser.next_message()) is None:
            data = await self._reader.read(65_536)
            if not data:
                raise EOFError("the server ended the connection")
            self._parser.receive(data)
        return message


@asynccontextmanager
async def connected(port: int) -> AsyncIterator[RtspClient]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        yield RtspClient(reader, writer, port)
    finally:
        writer.close()


def signed(challenge: str, *, method: str, uri: str, user: str, password: str) -> str:
    """The Authorization value that answers a WWW-Authenticate value."""
    fields = dict(part.strip().split("=", 1) for part in challenge.removeprefix("Digest ").split(", "))
    qop = fields.get("qop", "").strip('"')
    answer = Answer(
        user,
        fields["realm"].strip('"'),
        fields["nonce"].strip('"'),
        uri,
        "",
        fields.get("algorithm", "MD5"),
        qop,
        "00000001" if qop else "",
        "0a4f113b" if qop else "",
    )
    return authorization(answer, method=method, password=password)


async def raw_http(
    port: int, method: str, path: str, body: bytes = b"", *headers: tuple[str, str], host: str = "127.0.0.1"
) -> tuple[int, bytes]:
    """Status and body of one HTTP/1.1 exchange, said as it stands here."""
    reader, writer = await asyncio.open_connection(host, port)
    lines = [
        f"{method} {path} HTTP/1.1",
        f"Host: {host}:{port}",
        "Connection: close",
        f"Content-Length: {len(body)}",
        *(f"{name}: {value}" for name, value in headers),
    ]
    try:
        writer.write(("\r\n".join(lines) + "\r\n\r\n").encode() + body)
        head, _, content = (await reader.read()).partition(b"\r\n\r\n")
        return int(head.split()[1]), content
    finally:
        writer.close()
