"""The client's side of an RTSP conversation, without I/O: what to ask next, and what the answers mean.

`RtspClient.set_up` and `play` are generators: they yield requests and are sent the responses. Source:
RFC 2326; where cameras and the standard differ, the comments say what they do. A redirection is refused (see
`rtsp_faults.of_status`).
"""

import re
from collections.abc import Generator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit, urlunsplit

from vedette import __version__
from vedette.kernel.errors import Fault
from vedette.media import rtsp_faults
from vedette.media.rtsp_login import Login
from vedette.media.rtsp_messages import Headers, Request, Response, Transport, format_transport, parse_transport
from vedette.media.sdp import MediaDescription, parse_sdp, session_control

type Conversation[T] = Generator[Request, Response, T]

DEFAULT_TIMEOUT_S = 60.0
VIDEO_ENCODINGS = frozenset({"H264", "H265", "HEVC", "AV1"})
AUDIO_ENCODINGS = frozenset({"MPEG4-GENERIC", "PCMU", "PCMA"})
_STATIC_TYPES = {0: ("PCMU", 8000), 8: ("PCMA", 8000), 26: ("MJPEG", 90_000), 32: ("MPEG2", 90_000)}
_NAMES = {"JPEG": "mjpeg", "MP4V-ES": "mpeg4"}
_PORTS = {"rtsp": 554, "rtsps": 322}
_URL = re.compile(r"^rtsps?://", re.IGNORECASE)
_CONTROL_CHARACTER = re.compile(r"[\x00-\x20\x7f]")
_TIMEOUT = re.compile(r";\s*timeout\s*=\s*(\d{1,6})", re.ASCII | re.IGNORECASE)
_MOST_ANSWERED = 2
"""How often a challenge is answered for one request: twice, as the first nonce may have become stale; more would lock
an account for one wrong password."""


@dataclass(frozen=True, slots=True)
class Target:
    """A camera's URL taken apart: `uri` is what requests name, without credentials."""

    uri: str
    host: str
    port: int
    secure: bool
    username: str = ""
    password: str = ""


@dataclass(frozen=True, slots=True)
class Track:
    """One elementary stream that was set up: its description, and over what it comes."""

    media: MediaDescription
    transport: Transport


def parse_target(url: str) -> Target:
    """Read an `rtsp://` or `rtsps://` URL; Fault 400 when there is nothing to connect to."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port or _PORTS[parts.scheme]
        username, password = unquote(parts.username or ""), unquote(parts.password or "")
    except (ValueError, KeyError):
        raise rtsp_faults.bad_url() from None
    named = f"[{host}]" if ":" in host else host
    uri = urlunsplit((parts.scheme, f"{named}:{port}", parts.path, parts.query, "")).replace(" ", "%20")
    if not host or _CONTROL_CHARACTER.search(uri) or any(character in username + password for character in "\r\n\0"):
        raise rtsp_faults.bad_url()
    return Target(uri, host, port, parts.scheme == "rtsps", username, password)


def base_of(response: Response, uri: str) -> str:
    """What relative control URLs of a description are relative to (RFC 2326 §C.1.1)."""
    for name in ("Content-Base", "Content-Location"):
        value = response.headers.get(name).strip()
        if _URL.match(value) and not _CONTROL_CHARACTER.search(value):
            return value
    return uri


def control_url(base: str, control: str) -> str:
    """Where a control attribute points. Relative ones are appended, query or not, as every client does."""
    if control in ("", "*"):
        return base
    if _URL.match(control):
        return control
    return base + ("" if base.endswith("/") else "/") + control.removeprefix("/")


class RtspClient:
    """One session with a camera, over TCP unless `offer_ports` is called first. `audio` asks for the sound, too."""

    def __init__(self, target: Target, *, audio: bool = False) -> None:
        self._target = target
        self._audio = audio
        self._client_ports: Sequence[tuple[int, int]] = ()
        self._login = Login(target.username, target.password)
        self._sequence = 0
        self._session = ""
        self._aggregate = self._base = target.uri
        self._methods = ""
        self._pending: tuple[str, int] | None = None
        self.timeout_s = DEFAULT_TIMEOUT_S

    @property
    def most_tracks(self) -> int:
        """How many tracks may be set up."""
        return 2 if self._audio else 1

    def offer_ports(self, client_ports: Sequence[tuple[int, int]]) -> None:
        """Ask for UDP to these pairs of local ports, one for each track."""
        self._client_ports = client_ports

    def set_up(self) -> Conversation[list[Track]]:
        """OPTIONS, DESCRIBE, SETUP. Returns the video track first, then the sound if asked for and there; Faults 400,
        403, 404, 415, 422 and 502."""
        options = yield from self._ask("OPTIONS", self._target.uri, tolerated=(405, 451, 454, 501, 551))
        self._methods = options.headers.get("Public").upper()
        described = yield from self._ask("DESCRIBE", self._target.uri, ("Accept", "application/sdp"))
        base = base_of(described, self._target.uri)
        try:
            medias = [_completed(media) for media in parse_sdp(described.body)]
        except ValueError:
            raise rtsp_faults.no_video() from None
        self._aggregate = control_url(base, session_control(described.body))
        tracks = [(yield from self._set_up(_choose_video(medias), base, 0))]
        sound = next((media for media in medias if _is_sound(media)), None) if self._audio else None
        if sound is not None:
            with suppress(Fault):  # the picture is worth having without its sound
                tracks.append((yield from self._set_up(sound, base, 1)))
        self._base = base
        return tracks

    def play(self, tracks: list[Track]) -> Conversation[None]:
        """PLAY, after `set_up`; packets may come before its answer."""
        now = ("Range", "npt=0.000-")
        response = yield from self._ask("PLAY", self._aggregate, now, tolerated=(459,))
        if response.status == 459:  # aggregate operation is not allowed
            for track in tracks:
                yield from self._ask("PLAY", control_url(self._base, track.media.control), now)

    def keep_alive(self) -> Request:
        """What to send every half `timeout_s`: GET_PARAMETER, or OPTIONS to cameras that do not know it."""
        method = "GET_PARAMETER" if "GET_PARAMETER" in self._methods else "OPTIONS"
        self._pending = (method, 0)
        return self._request(method, self._aggregate)

    def tear_down(self) -> Request:
        """The last request; nobody waits for its answer."""
        self._pending = None
        return self._request("TEARDOWN", self._aggregate)

    def answered(self, response: Response) -> Request | None:
        """Take the answer to a keep-alive; returns what to send at once, as for a nonce that went stale. Fault 403
        when the credentials are no longer taken, 502 when the session is over."""
        pending, self._pending = self._pending, None
        if pending is None or response.status < 300:
            return None
        method, answered = pending
        if response.status == 401:
            self._check_challenge(response, answered)
            self._pending = (method, answered + 1)
            return self._request(method, self._aggregate)
        if response.status in (405, 501, 551) and method == "GET_PARAMETER":
            self._methods = ""
            return None
        if response.status == 454:
            raise rtsp_faults.ended()
        if 300 <= response.status < 400:
            raise rtsp_faults.of_status(response.status, location=response.headers.get("Location"))
        return None

    def answer(self, request: Request) -> Response:
        """The answer to a request of the camera's own; Fault 502 when it ends the session."""
        if request.method == "TEARDOWN":
            raise rtsp_faults.ended()
        if request.method == "REDIRECT":
            raise rtsp_faults.of_status(302, location=request.headers.get("Location"))
        status = 200 if request.method in ("OPTIONS", "GET_PARAMETER", "SET_PARAMETER", "ANNOUNCE") else 501
        return Response(status, Headers((("CSeq", request.headers.get("CSeq") or "0"),)))

    def _set_up(self, media: MediaDescription, base: str, index: int) -> Conversation[Track]:
        wanted = Transport("TCP", interleaved=(2 * index, 2 * index + 1))
        if self._client_ports:
            wanted = Transport("UDP", client_port=self._client_ports[index])
        value = format_transport(wanted).partition(";mode")[0]
        response = yield from self._ask("SETUP", control_url(base, media.control), ("Transport", value))
        session = response.headers.get("Session")
        self._session = session.partition(";")[0].strip() or self._session
        stated = _TIMEOUT.search(session)
        if stated:
            self.timeout_s = float(stated[1]) or DEFAULT_TIMEOUT_S
        agreed = next(iter(parse_transport(response.headers.get("Transport"))), wanted)
        if agreed.lower != wanted.lower:
            raise rtsp_faults.other_transport()
        if agreed.lower == "TCP" and agreed.interleaved is None:
            agreed = wanted
        return Track(media, agreed)

    def _ask(
        self, method: str, uri: str, *fields: tuple[str, str], tolerated: tuple[int, ...] = ()
    ) -> Conversation[Response]:
        answered = 0
        while True:
            response = yield self._request(method, uri, *fields)
            if response.status == 401:
                self._check_challenge(response, answered)
                answered += 1
            elif 200 <= response.status < 300 or response.status in tolerated:
                return response
            else:
                raise rtsp_faults.of_status(response.status, location=response.headers.get("Location"))

    def _check_challenge(self, response: Response, answered: int) -> None:
        """Take a 401; Fault 403 when answering it (again) makes no sense."""
        known = self._login.nonce
        if self._login.is_empty or answered >= _MOST_ANSWERED or not self._login.challenged(response.headers):
            raise rtsp_faults.unauthorized()
        if answered and self._login.nonce == known and not self._login.is_stale:
            raise rtsp_faults.unauthorized()

    def _request(self, method: str, uri: str, *fields: tuple[str, str]) -> Request:
        self._sequence += 1
        headers = [("CSeq", str(self._sequence)), ("User-Agent", f"vedette/{__version__}"), *fields]
        if self._session:
            headers.append(("Session", self._session))
        if authorization := self._login.header(method, uri):
            headers.append(("Authorization", authorization))
        return Request(method, uri, Headers(tuple(headers)))


def _completed(media: MediaDescription) -> MediaDescription:
    """With the encoding that static payload types imply (RFC 3551 §6)."""
    if media.encoding or media.payload_type not in _STATIC_TYPES:
        return media
    encoding, rate = _STATIC_TYPES[media.payload_type]
    return MediaDescription(media.kind, media.payload_type, encoding, rate, media.control, media.parameters)


def _choose_video(medias: list[MediaDescription]) -> MediaDescription:
    videos = [media for media in medias if media.kind == "video"]
    if not videos:
        raise rtsp_faults.no_video()
    known = next((media for media in videos if media.encoding in VIDEO_ENCODINGS), None)
    if known is None:
        encoding = videos[0].encoding
        raise rtsp_faults.unknown_codec(_NAMES.get(encoding, encoding.lower()) or "video of an unknown kind")
    return known


def _is_sound(media: MediaDescription) -> bool:
    return media.kind == "audio" and media.encoding in AUDIO_ENCODINGS and media.clock_rate > 0
