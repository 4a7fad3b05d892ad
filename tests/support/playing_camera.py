"""A camera's RTSP port under a test's full control: it answers as told and sends exactly the bytes it is given."""

import asyncio
import base64
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import anyio

from tests.support import clips
from vedette.media import h264, rtp
from vedette.media.rtp_sender import RtpSender
from vedette.media.rtsp_messages import InterleavedFrame, MessageParser, Request, Response, RtspSyntaxError
from vedette.media.unit import AccessUnit

type Answer = Callable[[Request], bytes | None]


class PlayingCamera:
    """One H.264 stream over TCP. `answer` may give other bytes than the usual answer; `asked` holds the requests."""

    def __init__(self, answer: Answer) -> None:
        self.asked: list[Request] = []
        self.frames: list[InterleavedFrame] = []
        self.port = 0
        self.gone = anyio.Event()
        self._answer = answer
        self._writer: asyncio.StreamWriter | None = None
        self._news = asyncio.Condition()
        self._sender = RtpSender(ssrc=7, sequence=65_000)
        sets = h264.extradata_of(clips.encode(1)[0].data)
        sprops = ",".join(base64.b64encode(nal).decode() for nal in h264.split(sets))
        self._body = (
            "v=0\r\nm=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n"
            f"a=fmtp:96 packetization-mode=1;sprop-parameter-sets={sprops}\r\na=control:track1\r\n"
        )

    @property
    def url(self) -> str:
        return f"rtsp://admin:s3cret@127.0.0.1:{self.port}/live"

    @property
    def methods(self) -> list[str]:
        return [request.method for request in self.asked]

    def send(self, data: bytes) -> None:
        assert self._writer is not None
        self._writer.write(data)

    def show(self, *units: AccessUnit, skip: int = 0, jump_90k: int = 0) -> None:
        """Send units as packets, without a report; `skip` leaves sequence numbers out before them."""
        self._sender.sequence = (self._sender.sequence + skip) & 0xFFFF
        for unit in units:
            self.send(bytes(self._sender.framed(rtp.lay_out(unit), unit.pts_90k + jump_90k, channel=0)))

    def report(self, wall_us: int, timestamp: int) -> None:
        """Send a sender report."""
        report = rtp.SenderReport(7, rtp.us_to_ntp(wall_us), timestamp & 0xFFFF_FFFF)
        self.send(rtp.interleave(1, rtp.build_sender_report(report)))

    def hang_up(self) -> None:
        assert self._writer is not None
        self._writer.close()

    async def until(self, method: str, times: int = 1) -> Request:
        """Wait until a request of this method came so many times; returns the last."""
        with anyio.fail_after(10):
            async with self._news:
                await self._news.wait_for(lambda: self.methods.count(method) >= times)
        return [request for request in self.asked if request.method == method][times - 1]

    async def until_frame(self) -> InterleavedFrame:
        with anyio.fail_after(10):
            async with self._news:
                await self._news.wait_for(lambda: bool(self.frames))
        return self.frames[0]

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writer = writer
        parser = MessageParser()
        try:
            while data := await reader.read(65_536):
                parser.receive(data)
                while (message := parser.next_message()) is not None:
                    await self._take(message)
        except (ConnectionError, RtspSyntaxError):
            pass
        finally:
            self.gone.set()
            writer.close()

    async def _take(self, message: Request | Response | InterleavedFrame) -> None:
        if isinstance(message, InterleavedFrame):
            self.frames.append(message)
        elif isinstance(message, Request):
            reply = self._answer(message)
            self.send(self._usual(message) if reply is None else reply)
            self.asked.append(message)
        async with self._news:
            self._news.notify_all()

    def _usual(self, request: Request) -> bytes:
        fields = {
            "OPTIONS": "Public: DESCRIBE, SETUP, PLAY, GET_PARAMETER\r\n",
            "DESCRIBE": f"Content-Type: application/sdp\r\nContent-Length: {len(self._body)}\r\n",
            "SETUP": f"Session: 1;timeout=30\r\nTransport: {request.headers.get('Transport')}\r\n",
        }.get(request.method, "")
        body = self._body if request.method == "DESCRIBE" else ""
        return f"RTSP/1.0 200 OK\r\nCSeq: {request.headers.get('CSeq')}\r\n{fields}\r\n{body}".encode()


def refusal(request: Request, status: int, *fields: str) -> bytes:
    lines = [f"RTSP/1.0 {status} X", f"CSeq: {request.headers.get('CSeq')}", *fields]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


@asynccontextmanager
async def playing_camera(answer: Answer = lambda _: None) -> AsyncIterator[PlayingCamera]:
    camera = PlayingCamera(answer)
    server = await asyncio.start_server(camera.talk, "127.0.0.1", 0)
    async with server:
        camera.port = server.sockets[0].getsockname()[1]
        yield camera
