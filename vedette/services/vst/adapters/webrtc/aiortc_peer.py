"""A viewer by aiortc: H.264 access units go out as they came, packed into RTP and never re-encoded.

What is not public in aiortc and still used is named here once and guarded by tests/contract/test_peer.py: the last RTP
timestamp of a sender, its reaction to a picture loss, its list of codecs, and aioice's patience for consent.
"""

import asyncio
from collections import deque
from collections.abc import Sequence
from fractions import Fraction
from typing import Any, override

import av
from aioice import ice
from aiortc import (
    MediaStreamTrack,
    RTCConfiguration,
    RTCPeerConnection,
    RTCRtpCodecCapability,
    RTCRtpCodecParameters,
    RTCRtpSender,
    RTCRtpTransceiver,
    RTCSessionDescription,
)
from aiortc.codecs import CODECS
from aiortc.exceptions import InternalError, InvalidAccessError, InvalidStateError, OperationError
from aiortc.mediastreams import MediaStreamError

from vedette.kernel.clock import Clock
from vedette.kernel.errors import invalid, unprocessable
from vedette.media import h264
from vedette.media.unit import TICKS_PER_SECOND, AccessUnit
from vedette.services.vst.adapters.webrtc import Peer, PeerClock, PeerStats

type AnyPacket = av.Packet[Any]
_MAX_QUEUE_BYTES = 8 << 20
_BURST_BYTES_PER_S = 8 << 20
"""A joining viewer gets its GOP this fast: quick to the eye, slow enough for a receiver's socket buffer."""
_RESEND_EVERY_S = 1.0
_TIME_BASE = Fraction(1, TICKS_PER_SECOND)
_CONSTRAINED_BASELINE = "42e01f"
_EXTRA_PROFILES = ("4d001f", "640c1f", "64001f")
_MAX_OFFER_CHARACTERS = 65_535
_SDP_ERRORS = (
    ValueError,
    LookupError,
    AttributeError,
    TypeError,
    AssertionError,
    InternalError,
    InvalidAccessError,
    InvalidStateError,
)


def set_patience(silence_s: float) -> None:
    """Viewers that give no sign of life for this long are cut; aioice asks every 5 seconds."""
    ice.CONSENT_FAILURES = max(1, round(silence_s / ice.CONSENT_INTERVAL))


class AiortcPeer(Peer):
    """One RTCPeerConnection with one sending video transceiver, made on `answer`."""

    def __init__(self, profile_level_id: str, *, clock: Clock) -> None:
        self._profile = profile_level_id.lower()
        self._connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self._track = UnitTrack(clock)
        self._ready = asyncio.Event()
        self._over = asyncio.Event()
        self._connection.on("connectionstatechange", self._follow)

    @property
    @override
    def state(self) -> str:
        return "closed" if self._over.is_set() else str(self._connection.connectionState)

    @property
    @override
    def stats(self) -> PeerStats:
        return self._track.stats

    @property
    @override
    def clock(self) -> PeerClock | None:
        return self._track.clock

    @override
    async def answer(self, offer: str) -> str:
        if len(offer) > _MAX_OFFER_CHARACTERS or not offer.startswith("v=0"):
            raise invalid("The body must be an SDP offer, as RTCPeerConnection.createOffer gives it.")
        transceiver = self._connection.addTransceiver(self._track, direction="sendonly")
        # Preferences must be set before the offer is applied: else VP8 is agreed on and H.264 sent as such.
        transceiver.setCodecPreferences(_preferences(self._profile))
        self._track.attach(transceiver.sender)
        try:
            await self._connection.setRemoteDescription(RTCSessionDescription(_without_mdns(offer), "offer"))
            self._require_video(transceiver)
            await self._connection.setLocalDescription(await self._connection.createAnswer())
        except OperationError as error:
            raise unprocessable("The offer has no H.264 with packetization-mode=1; this stream is H.264.") from error
        except _SDP_ERRORS as error:
            raise invalid("The SDP offer cannot be read.") from error
        answer: str = self._connection.localDescription.sdp
        return answer

    @override
    async def connected(self) -> bool:
        await _first(self._ready, self._over)
        return not self._over.is_set()

    @override
    async def ended(self) -> None:
        await self._over.wait()

    @override
    def send(self, unit: AccessUnit) -> None:
        self._track.push(unit)

    @override
    async def close(self) -> None:
        self._over.set()
        self._track.stop()
        await self._connection.close()

    @staticmethod
    def _require_video(transceiver: RTCRtpTransceiver) -> None:
        if transceiver.mid is None:
            raise invalid("The SDP offer asks for no video.")

    def _follow(self) -> None:
        if self._connection.connectionState == "connected":
            self._ready.set()
        elif self._connection.connectionState in ("failed", "closed"):
            self._over.set()


class UnitTrack(MediaStreamTrack):
    """Access units as a track of encoded packets, in the source's own time, rebased when that starts anew."""

    kind = "video"

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self.stats = PeerStats()
        self.clock: PeerClock | None = None
        self._time = clock
        self._sender: Any = None
        self._queue: deque[AccessUnit] = deque()
        self._queued_bytes = 0
        self._filled = asyncio.Event()
        self._needs_keyframe = True
        self._shift = 0
        self._last_pts = -1
        self._last_wall_us = 0
        self._parameters: object = None
        self._gop: list[AccessUnit] = []
        self._resent_at = -_RESEND_EVERY_S
        self._burst_until = 0.0

    def attach(self, sender: RTCRtpSender) -> None:
        """The sender that takes from this track: it tells the time on the wire, and of lost pictures."""
        self._sender = sender
        vars(sender)["_send_keyframe"] = self._resend

    def push(self, unit: AccessUnit) -> None:
        """Queues a unit; over the bound everything up to the next keyframe is lost."""
        if self._needs_keyframe and not unit.is_keyframe:
            self.stats.dropped_units += 1
            return
        if self._queued_bytes > _MAX_QUEUE_BYTES:
            self.stats.dropped_units += len(self._queue)
            self._queue.clear()
            self._queued_bytes = 0
            self._needs_keyframe = not unit.is_keyframe
            if self._needs_keyframe:
                return
        self._needs_keyframe = False
        self._queue.append(unit)
        self._queued_bytes += len(unit.data)
        self._filled.set()

    @override
    async def recv(self) -> AnyPacket:
        self._note_clock()
        while not self._queue:
            if self.readyState != "live":
                raise MediaStreamError
            self._filled.clear()
            await self._filled.wait()
        if self.readyState != "live":
            raise MediaStreamError
        unit = self._queue.popleft()
        self._queued_bytes -= len(unit.data)
        await self._pace(unit)
        return self._packet(unit)

    @override
    def stop(self) -> None:
        super().stop()
        self._filled.set()

    def _note_clock(self) -> None:
        """Being asked for a unit means that the one before is on the wire, under the sender's last timestamp."""
        if self._last_wall_us and self._sender is not None:
            self.clock = PeerClock(self._sender._RTCRtpSender__rtp_timestamp, self._last_wall_us)

    async def _pace(self, unit: AccessUnit) -> None:
        if not self._queue:
            return
        await self._time.sleep(len(unit.data) / _BURST_BYTES_PER_S)

    def _packet(self, unit: AccessUnit) -> AnyPacket:
        if unit.parameters is not self._parameters:
            self._rebase(unit)
        if unit.is_keyframe:
            self._gop.clear()
        self._gop.append(unit)
        pts = max(unit.pts_90k + self._shift, self._last_pts + 1)
        self._last_pts, self._last_wall_us = pts, unit.wall_us
        self.stats.units += 1
        self.stats.bytes += len(unit.data)
        return packet_of(unit, pts)

    def _rebase(self, unit: AccessUnit) -> None:
        """Another source session counts from elsewhere: go on where the last one stopped."""
        if self._parameters is not None:
            self._shift = self._last_pts + 3000 - unit.pts_90k
        self._parameters = unit.parameters

    def _resend(self) -> None:
        """A picture was lost and a copier cannot make a keyframe: the GOP so far is sent again at once, its pictures
        one tick apart, so that decoding resumes before the next unit without running back in time."""
        self.stats.picture_losses += 1
        now = self._time.monotonic()
        if now - self._resent_at < _RESEND_EVERY_S or not self._gop or not self.stats.units:
            return
        self._resent_at = now
        self.stats.resent_gops += 1
        gop, self._gop = self._gop, []
        last_pts = gop[-1].pts_90k
        for offset, unit in enumerate(reversed(gop)):
            moved = AccessUnit(
                data=unit.data,
                pts_90k=last_pts - offset,
                dts_90k=unit.dts_90k,
                wall_us=gop[-1].wall_us,
                is_keyframe=unit.is_keyframe,
                parameters=unit.parameters,
            )
            self._queue.appendleft(moved)
            self._queued_bytes += len(moved.data)
        self._filled.set()


def packet_of(unit: AccessUnit, pts_90k: int) -> AnyPacket:
    """The unit as aiortc wants it; a keyframe is led by its parameter sets, which a late joiner needs."""
    data = unit.data
    if unit.is_keyframe and not h264.extradata_of(data):
        data = unit.parameters.extradata + data
    packet = av.Packet(data)
    packet.pts = packet.dts = pts_90k
    packet.time_base = _TIME_BASE
    packet.is_keyframe = unit.is_keyframe
    return packet


async def _first(*events: asyncio.Event) -> None:
    waits = [asyncio.ensure_future(event.wait()) for event in events]
    try:
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()


def _preferences(profile: str) -> list[RTCRtpCodecCapability]:
    """Capabilities in order: the stream's own profile, constrained baseline, the others; never another codec.

    Every browser decodes whatever profile arrives under any H.264 payload type, so a near miss still plays.
    """
    _add_profiles()
    known = RTCRtpSender.getCapabilities("video").codecs
    wanted = [codec for codec in known if codec.mimeType.lower() == "video/h264"]

    def rank(codec: RTCRtpCodecCapability) -> int:
        offered = str(codec.parameters.get("profile-level-id", "")).lower()
        return 0 if offered[:4] == profile[:4] else 1 if offered == _CONSTRAINED_BASELINE else 2

    return [*sorted(wanted, key=rank), *(codec for codec in known if codec.mimeType.lower() == "video/rtx")]


def _add_profiles() -> None:
    """Main and High are copied as well as baseline is; aiortc lists only what it could encode itself."""
    known: list[RTCRtpCodecParameters] = CODECS["video"]
    listed = {codec.parameters.get("profile-level-id") for codec in known}
    model = next(codec for codec in known if codec.parameters.get("profile-level-id") == _CONSTRAINED_BASELINE)
    payload_type = max(codec.payloadType or 0 for codec in known) + 1
    for number, profile in enumerate(item for item in _EXTRA_PROFILES if item not in listed):
        known.append(
            RTCRtpCodecParameters(
                mimeType=model.mimeType,
                clockRate=model.clockRate,
                payloadType=payload_type + number,
                rtcpFeedback=list(model.rtcpFeedback),
                parameters={**model.parameters, "profile-level-id": profile},
            )
        )


def _without_mdns(offer: str) -> str:
    """The offer without `.local` candidates: the viewer reaches us, so its hidden address need not be looked up."""
    return (
        "\r\n".join(line for line in _lines(offer) if not (line.startswith("a=candidate:") and ".local " in line))
        + "\r\n"
    )


def _lines(text: str) -> Sequence[str]:
    return [line for line in text.replace("\r\n", "\n").split("\n") if line]
