"""What an RTSP client and its server agreed on: the tracks of a session, and the paths that name them."""

import re
from dataclasses import dataclass, field
from urllib.parse import unquote

import anyio

from vedette.media.rtp_sender import RtpSender
from vedette.media.rtsp_host import Mount
from vedette.media.rtsp_messages import Headers, Transport
from vedette.media.unit import Codec

SESSION_TIMEOUT_S = 60
_TRACK = re.compile(r"/trackID=(\d{1,3})/?$", re.ASCII)
_HOST = re.compile(r"^rtsps?://[^/?#]*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Track:
    """How one elementary stream travels, and the codec that was described."""

    transport: Transport
    sender: RtpSender
    codec: Codec


@dataclass(slots=True)
class Session:
    """What SETUP agreed on, track by track."""

    session_id: str
    path: str
    mount: Mount
    tracks: dict[int, Track] = field(default_factory=dict)
    scope: anyio.CancelScope | None = field(default=None)

    @property
    def is_interleaved(self) -> bool:
        """Whether packets travel in the RTSP connection."""
        return any(track.transport.lower == "TCP" for track in self.tracks.values())

    @property
    def media_bytes(self) -> int:
        """Payload bytes sent so far."""
        return sum(track.sender.octets for track in self.tracks.values())

    def rtp_info(self, uri: str) -> str:
        """The RTP-Info header: where each track begins, by a PLAY request's URI."""
        base = _TRACK.sub("", uri.partition("?")[0]).rstrip("/")
        return ",".join(
            f"url={base}/trackID={number};seq={track.sender.sequence}" for number, track in self.tracks.items()
        )


def split_uri(uri: str) -> tuple[str, int | None]:
    """(decoded path without trailing slash, track number) of a request URI; a query is ignored wherever it stands."""
    rest = _HOST.sub("", uri).partition("#")[0]
    path, _, query = rest.partition("?")
    track = _TRACK.search(path) or _TRACK.search("/" + query.partition("/")[2] if "/" in query else "")
    path = _TRACK.sub("", path)
    return unquote(path).rstrip("/") or "/", int(track[1]) if track else None


def session_headers(session: Session, *, timeout: bool = False) -> Headers:
    """The Session header of an answer."""
    value = f"{session.session_id};timeout={SESSION_TIMEOUT_S}" if timeout else session.session_id
    return Headers((("Session", value),))
