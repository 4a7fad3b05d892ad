"""One RTSP client: its requests answered, its session's packets sent. The server around it owns sockets and limits."""

import asyncio
import secrets
from typing import cast

import anyio

from vedette.kernel.errors import Fault, unavailable
from vedette.media import rtp, rtsp_digest
from vedette.media.rtp_sender import RtpSender
from vedette.media.rtsp_host import ClientCounters, Datagrams, Host, Mount, Wire
from vedette.media.rtsp_messages import (
    Headers,
    InterleavedFrame,
    MessageParser,
    Request,
    Response,
    RtspSyntaxError,
    Transport,
    format_transport,
    parse_range,
    parse_transport,
    serialise,
)
from vedette.media.rtsp_session import SESSION_TIMEOUT_S, Session, Track, session_headers, split_uri
from vedette.media.sdp_writer import write_sdp
from vedette.media.unit import TICKS_PER_SECOND, AccessUnit

REALM = "vedette"
VIDEO_CODECS = ("h264", "hevc", "av1")
VIDEO_TRACK, AUDIO_TRACK = 0, 1
PUBLIC = "OPTIONS, DESCRIBE, SETUP, PLAY, PAUSE, GET_PARAMETER, SET_PARAMETER, TEARDOWN"
_REFUSED = ("ANNOUNCE", "RECORD", "REDIRECT")
_MAX_FAILED_ANSWERS = 5
_DATAGRAM_BURST = 8
_DATAGRAM_PAUSE_S = 0.001


class RefusedError(Exception):
    """The answer to a request that cannot be granted; never leaves this module."""

    def __init__(self, status: int, *headers: tuple[str, str]) -> None:
        super().__init__(status)
        self.response = Response(status, Headers(headers))


class Connection:
    """Serves one TCP connection until either side ends it. One session of one track at a time."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, host: Host) -> None:
        peer = writer.get_extra_info("peername") or ("unknown", 0)
        self._reader = reader
        self._writer = writer  # kept alive: it closes the transport when it is collected
        self._host = host
        self._address = str(peer[0])
        self._nonce = secrets.token_urlsafe(18)
        self._failed_answers = 0
        self._session: Session | None = None
        self._group: anyio.abc.TaskGroup | None = None
        self._active_s = host.clock.monotonic()
        self.counters = ClientCounters(f"{peer[0]}:{peer[1]}", self._active_s)
        transport = cast(asyncio.Transport, writer.transport)
        self._transport: Wire = transport if host.tamper is None else host.tamper.wire(transport, self.counters)

    async def run(self) -> None:
        """Answer requests until the connection ends."""
        try:
            async with anyio.create_task_group() as self._group:
                await self._read()
                self._group.cancel_scope.cancel()
        finally:
            self._stop_playing()
            self._transport.close()

    def abort(self) -> None:
        """Cut the connection at once; `run` then returns."""
        self._transport.abort()

    def expire(self, now_s: float) -> bool:
        """Cut a client that said nothing for too long; one that keeps draining interleaved packets is alive."""
        session = self._session
        draining = session is not None and session.scope is not None and session.is_interleaved
        if draining or now_s - self._active_s < SESSION_TIMEOUT_S * 1.25:
            return False
        was_open = not self._transport.is_closing()
        self.abort()
        return was_open

    def owns_control_address(self, address: tuple[str, int]) -> bool:
        """Whether RTCP from this address belongs to this client's UDP session."""
        tracks = self._session.tracks.values() if self._session else ()
        ports = [port for track in tracks for port in track.transport.client_port or ()]
        return address[0] == self._address and address[1] in ports

    def receive_control(self, data: bytes) -> None:
        """RTCP from the client; what cannot be read is ignored, as RFC 3550 asks."""
        self._active_s = self._host.clock.monotonic()
        try:
            items = rtp.parse_rtcp(data)
        except rtp.RtpError:
            return
        for item in items:
            if isinstance(item, rtp.ReceiverReport):
                self.counters.receiver_reports += 1
                self.counters.fraction_lost = item.fraction_lost / 256
                self.counters.lost, self.counters.jitter_90k = item.lost, item.jitter

    # --- requests ----------------------------------------------------------------------------------------------------

    async def _read(self) -> None:
        parser = MessageParser()
        while True:
            try:
                data = await self._reader.read(65_536)
            except OSError:
                return
            if not data:
                return
            self._active_s = self._host.clock.monotonic()
            parser.receive(data)
            try:
                while (message := parser.next_message()) is not None:
                    if isinstance(message, InterleavedFrame):
                        self._receive_frame(message)
                    elif isinstance(message, Request) and not await self._serve(message):
                        return
            except RtspSyntaxError as error:
                self._host.counters.syntax_errors += 1
                self._write(serialise(Response(error.status)))
                return

    def _receive_frame(self, frame: InterleavedFrame) -> None:
        tracks = self._session.tracks.values() if self._session else ()
        if any(track.transport.interleaved and frame.channel == track.transport.interleaved[1] for track in tracks):
            self.receive_control(frame.data)

    async def _serve(self, request: Request) -> bool:
        """Answer one request; False ends the connection."""
        sequence = request.headers.get("CSeq")
        try:
            if not sequence.isascii() or not sequence.isdigit() or len(sequence) > 10:
                raise RefusedError(400)
            response = await self._answer(request)
        except RefusedError as refused:
            response = refused.response
        except Fault as fault:
            response = Response(fault.status if fault.status in (403, 404) else 503)
        except RtspSyntaxError as error:
            response = Response(error.status)
        known = (("CSeq", sequence),) if sequence else ()
        self._write(
            serialise(
                Response(response.status, Headers((*known, ("Server", REALM), *response.headers.fields)), response.body)
            )
        )
        if request.method == "PLAY" and response.status == 200:
            self._start_playing()
        too_many = self._failed_answers >= _MAX_FAILED_ANSWERS
        return not self._transport.is_closing() and not too_many

    async def _answer(self, request: Request) -> Response:
        if request.headers.get("Require"):
            raise RefusedError(551, ("Unsupported", request.headers.get("Require")))
        if request.method == "OPTIONS":
            return Response(200, Headers((("Public", PUBLIC),)))
        self._authenticate(request)
        match request.method:
            case "DESCRIBE":
                return await self._describe(request)
            case "SETUP":
                return await self._set_up(request)
            case "PLAY":
                return self._play(request)
            case "PAUSE":
                session = self._session_of(request)
                self._stop_playing()
                return Response(200, session_headers(session))
            case "TEARDOWN":
                session = self._session_of(request)
                self._stop_playing()
                self._session = None
                return Response(200, session_headers(session))
            case "GET_PARAMETER" | "SET_PARAMETER":
                return self._keep_alive(request)
        raise RefusedError(405 if request.method in _REFUSED else 501, ("Allow", PUBLIC))

    def _authenticate(self, request: Request) -> None:
        credentials, tamper = self._host.credentials, self._host.tamper
        denied = tamper is not None and tamper.denies(split_uri(request.uri)[0])
        if credentials is None and not denied:
            return
        header = request.headers.get("Authorization")
        answer = rtsp_digest.parse_answer(header)
        if answer is not None and credentials is not None and not denied:
            password = credentials(answer.username)
            if rtsp_digest.verify(
                answer, method=request.method, uri=request.uri, realm=REALM, nonce=self._nonce, password=password
            ):
                self.counters.user = answer.username
                return
        if header:
            self._failed_answers += 1
            self._host.counters.failed_answers += 1
        values = rtsp_digest.challenges(realm=REALM, nonce=self._nonce)
        raise RefusedError(401, *(("WWW-Authenticate", value) for value in values))

    def _find(self, path: str) -> Mount:
        mount = self._host.mount(path)
        if mount is None:
            raise RefusedError(404)
        self.counters.path = path
        return mount

    async def _describe(self, request: Request) -> Response:
        accept = request.headers.get("Accept").lower()
        if accept and not any(kind in accept for kind in ("application/sdp", "application/*", "*/*")):
            raise RefusedError(406)
        path, _ = split_uri(request.uri)
        mount = self._find(path)
        parameters = await mount.parameters()
        if parameters.codec not in VIDEO_CODECS:
            raise RefusedError(404)
        body = write_sdp(parameters, name=path.rsplit("/", 1)[-1], control="trackID=0", audio=mount.audio())
        base = request.uri.partition("?")[0].rstrip("/") + "/"
        return Response(200, Headers((("Content-Type", "application/sdp"), ("Content-Base", base))), body)

    async def _set_up(self, request: Request) -> Response:
        path, number = split_uri(request.uri)
        current = self._session
        if current is not None or request.headers.get("Session"):
            current = self._session_of(request)
            if current.scope is not None:
                raise RefusedError(455)
        mount = self._find(path)
        video, audio = await mount.parameters(), mount.audio()
        number = VIDEO_TRACK if number is None else number
        described = {VIDEO_TRACK: video, AUDIO_TRACK: audio}.get(number)
        if described is None:
            raise RefusedError(404)
        transport = self._choose(request.headers.get("Transport"), number)
        rate = described.sample_rate or TICKS_PER_SECOND
        sender = RtpSender(ssrc=secrets.randbits(32), sequence=secrets.randbits(16), clock_rate=rate)
        if current is None or current.path != path:
            current = Session(current.session_id if current else secrets.token_hex(12), path, mount)
        self._session = current
        current.tracks[number] = Track(transport, sender, described.codec)
        self.counters.transport = transport.lower
        answer = Transport(
            transport.lower,
            interleaved=transport.interleaved,
            client_port=transport.client_port,
            server_port=transport.server_port,
            ssrc=sender.ssrc,
        )
        headers = session_headers(current, timeout=True)
        return Response(200, Headers((*headers.fields, ("Transport", format_transport(answer)))))

    def _choose(self, header: str, number: int) -> Transport:
        """The client's first alternative that we can do, with the free half filled in."""
        for offered in parse_transport(header):
            if not offered.unicast or offered.mode != "PLAY":
                continue
            if offered.lower == "TCP":
                return Transport("TCP", interleaved=offered.interleaved or (2 * number, 2 * number + 1))
            datagrams = self._datagrams()
            if datagrams is not None and offered.client_port is not None:
                return Transport("UDP", client_port=offered.client_port, server_port=datagrams.ports)
        raise RefusedError(461)

    def _play(self, request: Request) -> Response:
        session = self._session_of(request)
        if split_uri(request.uri)[0] not in (session.path, "*", "/"):
            raise RefusedError(404)
        if request.headers.get("Range"):
            parse_range(request.headers.get("Range"))
        fields = (("Range", "npt=0.000-"), ("RTP-Info", session.rtp_info(request.uri)))
        return Response(200, Headers((*session_headers(session).fields, *fields)))

    def _keep_alive(self, request: Request) -> Response:
        if request.headers.get("Session"):
            self._session_of(request)
        if request.body.strip():
            raise RefusedError(451)
        return Response(200)

    def _session_of(self, request: Request) -> Session:
        session = self._session
        given = request.headers.get("Session").partition(";")[0].strip()
        if session is None or given != session.session_id:
            raise RefusedError(454)
        return session

    # --- packets -----------------------------------------------------------------------------------------------------

    def _start_playing(self) -> None:
        session = self._session
        if session is not None and session.scope is None and self._group is not None:
            session.scope = anyio.CancelScope()
            self.counters.playing = True
            self._group.start_soon(self._send, session, session.scope)

    def _stop_playing(self) -> None:
        if self._session is not None and self._session.scope is not None:
            self._session.scope.cancel()
            self._session.scope = None
            self.counters.playing = False

    async def _send(self, session: Session, scope: anyio.CancelScope) -> None:
        """Send units until the stream ends; a Fault of the mount is no fault of ours, the client just sees the end."""
        with scope:
            try:
                async with session.mount.subscribe() as units:
                    async for unit in units:
                        await self._send_unit(session, unit)
            except Fault as fault:
                self.counters.ended = fault.code
            for track in session.tracks.values():
                self._send_control(track, rtp.build_goodbye(track.sender.ssrc))
            session.scope, self.counters.playing = None, False
            self._transport.close()

    async def _send_unit(self, session: Session, unit: AccessUnit) -> None:
        is_audio = unit.parameters.is_audio
        track = session.tracks.get(AUDIO_TRACK if is_audio else VIDEO_TRACK)
        if track is None:
            return
        if unit.parameters.codec != track.codec:
            raise unavailable("The stream has another codec now. Ask for its description again.")
        template, sender = self._host.template(unit), track.sender
        ticks = sender.timestamp_90k(unit)
        report = sender.report(unit, ticks)
        if report is not None:
            self._send_control(track, report)
            self.counters.sender_reports += 1
        channels, ports = track.transport.interleaved, track.transport.client_port
        if channels is not None:
            self._write(sender.framed(template, ticks, channel=channels[0]))
        elif ports is not None:
            await self._send_datagrams(sender.datagrams(template, ticks), (self._address, ports[0]))
        self.counters.units += not is_audio
        self.counters.packets += len(template.offsets)
        self.counters.bytes = session.media_bytes

    async def _send_datagrams(self, packets: list[memoryview], address: tuple[str, int]) -> None:
        """Pace large units, because a receiver's socket buffer holds about a hundred packets."""
        sockets = self._datagrams()
        for number, packet in enumerate(packets, 1):
            if sockets is not None:
                sockets.send(packet, address, control=False)
            if number % _DATAGRAM_BURST == 0:
                await self._host.clock.sleep(_DATAGRAM_PAUSE_S)

    def _send_control(self, track: Track, data: bytes) -> None:
        channels, ports, sockets = track.transport.interleaved, track.transport.client_port, self._datagrams()
        if channels is not None:
            self._write(rtp.interleave(channels[1], data))
        elif ports is not None and sockets is not None:
            sockets.send(data, (self._address, ports[1]), control=True)

    def _datagrams(self) -> Datagrams | None:
        sockets, tamper = self._host.datagrams(), self._host.tamper
        return sockets if sockets is None or tamper is None else tamper.datagrams(sockets, self.counters)

    def _write(self, data: bytes | bytearray) -> None:
        """Queue bytes for the client; whoever lets too many pile up is cut, never waited for."""
        if self._transport.is_closing():
            return
        self._transport.write(data)
        if self._transport.get_write_buffer_size() > self._host.max_backlog_bytes:
            self._host.counters.slow_clients += 1
            self.abort()
