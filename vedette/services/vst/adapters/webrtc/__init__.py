"""The seam to WebRTC: one peer is one viewer's connection. The table below names the libraries that can be one."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from vedette.media.unit import AccessUnit


@dataclass(frozen=True, slots=True)
class PeerClock:
    """The last unit that went out: its RTP timestamp on the wire (unsigned 32 bit, 90 kHz) and its capture time."""

    rtp_timestamp: int
    wall_us: int


@dataclass(slots=True)
class PeerStats:
    """Totals of one peer."""

    units: int = 0
    bytes: int = 0
    dropped_units: int = 0
    picture_losses: int = 0
    resent_gops: int = 0


class Peer(Protocol):
    """One viewer. `answer` once, `send` while `connected`, `close` always."""

    @property
    def state(self) -> str:
        """`new`, `connecting`, `connected`, `disconnected`, `failed` or `closed`."""

    @property
    def stats(self) -> PeerStats:
        """What was sent."""

    @property
    def clock(self) -> PeerClock | None:
        """None before the first unit went out."""

    async def answer(self, offer: str) -> str:
        """The SDP answer with all candidates in it. Fault 400 for an offer that cannot be read, 422 when it has no
        H.264 that this stream can be sent as."""

    async def connected(self) -> bool:
        """Waits until media can flow (True) or never will (False)."""

    async def ended(self) -> None:
        """Waits until the connection is over, whoever ended it."""

    def send(self, unit: AccessUnit) -> None:
        """Queues a unit without waiting; a viewer that is too slow loses whole GOPs."""

    async def close(self) -> None:
        """Ends the connection; may be called twice."""


type PeerFactory = Callable[[str], Peer]
"""Makes a peer for a stream whose profile-level-id is given, such as "4d401f"."""
PEERS: Mapping[str, str] = {"aiortc": "vedette.services.vst.adapters.webrtc.aiortc_peer"}
