"""Live viewers by WebRTC: one media session is one peer on one stream."""

import secrets
from dataclasses import dataclass

import anyio

from vedette.kernel.errors import Fault, not_found, too_many, unavailable, unprocessable
from vedette.kernel.log import get_logger
from vedette.media import h264
from vedette.media.hub import DropOldestGop, Hub
from vedette.media.unit import CodecParameters
from vedette.services.vst.adapters.webrtc import Peer, PeerFactory
from vedette.services.vst.service.parts import Parts
from vedette.services.vst.service.sensors import Sensors

_CONNECT_S = 30.0


@dataclass(frozen=True, slots=True)
class MediaSession:
    """One viewer of one stream."""

    media_session_id: str
    stream_id: str
    peer: Peer


class LiveSessions:
    """All live viewers. A session ends when it is closed, its peer dies, or its sensor is removed."""

    def __init__(self, parts: Parts, sensors: Sensors, make_peer: PeerFactory) -> None:
        self._sensors, self._make_peer = sensors, make_peer
        self._clock, self._meters, self._most = parts.clock, parts.meters, parts.settings.max_viewers
        self._sessions: dict[str, MediaSession] = {}
        self._group: anyio.abc.TaskGroup | None = None

    async def start(self, group: anyio.abc.TaskGroup) -> None:
        """Sessions run in this group."""
        self._group = group

    async def open(self, stream_id: str, offer: str) -> tuple[MediaSession, str]:
        """A new session and its SDP answer. Faults: 404 unknown stream, 503 offline, 422 B-frames or no common codec,
        429 at the limit, 400 for an offer that cannot be read."""
        camera = self._sensors.feed(stream_id)
        parameters = camera.hub.parameters
        if parameters is None or not camera.hub.running:
            reason = camera.status.reason or "It is being connected."
            raise unavailable(f"{camera.sensor.name} sends no media now. {reason}")
        profile = _playable_profile(parameters)
        if len(self._sessions) >= self._most:
            raise too_many(f"All {self._most} live viewers are taken. Close one, or raise vst.max_viewers.", 5)
        session = MediaSession(secrets.token_hex(16), stream_id, self._make_peer(profile))
        self._sessions[session.media_session_id] = session
        try:
            answer = await session.peer.answer(offer)
        except BaseException:
            await self._drop(session)
            raise
        self._count()
        self._meters.viewer_sessions.inc()
        self._start(session, camera.hub)
        return session, answer

    def get(self, stream_id: str, media_session_id: str) -> MediaSession:
        """A session of this stream; Fault 404 when it is over."""
        session = self._sessions.get(media_session_id)
        if session is None or session.stream_id != stream_id:
            raise not_found("This media session is over. Open a new one.")
        return session

    async def close(self, stream_id: str, media_session_id: str) -> None:
        """Ends a session; Fault 404 when it is over already."""
        await self._drop(self.get(stream_id, media_session_id))

    async def close_stream(self, stream_id: str) -> None:
        """Ends every session of a stream, because its sensor goes."""
        for session in [item for item in self._sessions.values() if item.stream_id == stream_id]:
            await self._drop(session)

    async def close_all(self) -> None:
        """Ends every session, because the service stops."""
        for session in list(self._sessions.values()):
            await self._drop(session)

    def _start(self, session: MediaSession, hub: Hub) -> None:
        if self._group is None:
            raise RuntimeError("start before opening")
        self._group.start_soon(self._serve, session, hub)

    async def _serve(self, session: MediaSession, hub: Hub) -> None:
        try:
            async with anyio.create_task_group() as group:
                group.start_soon(self._limit_connecting, session, group.cancel_scope)
                group.start_soon(self._await_end, session, group.cancel_scope)
                if await session.peer.connected():
                    await self._pump(session, hub)
                group.cancel_scope.cancel()
        finally:
            with anyio.CancelScope(shield=True):
                await self._drop(session)

    @staticmethod
    async def _pump(session: MediaSession, hub: Hub) -> None:
        """The cached GOP first, so that a picture shows at once; then what comes."""
        try:
            async with hub.subscribe(DropOldestGop(), across_sessions=True) as units:
                async for unit in units:
                    if not unit.parameters.has_b_frames:
                        session.peer.send(unit)
        except Fault as fault:
            get_logger("vst").info("viewer_stream_ended", sensor_id=session.stream_id, cause=fault)

    async def _limit_connecting(self, session: MediaSession, scope: anyio.CancelScope) -> None:
        await self._clock.sleep(_CONNECT_S)
        if session.peer.state not in ("connected", "disconnected"):
            scope.cancel()

    @staticmethod
    async def _await_end(session: MediaSession, scope: anyio.CancelScope) -> None:
        await session.peer.ended()
        scope.cancel()

    async def _drop(self, session: MediaSession) -> None:
        self._sessions.pop(session.media_session_id, None)
        self._count()
        await session.peer.close()

    def _count(self) -> None:
        self._meters.viewers.set(len(self._sessions))


def _playable_profile(parameters: CodecParameters) -> str:
    """The profile-level-id to negotiate; Fault 415 or 422 when WebRTC cannot carry the stream as it is."""
    if parameters.codec != "h264":
        raise Fault(
            "UnsupportedMediaTypeError",
            415,
            f"Live view needs H.264, this camera sends {parameters.codec.upper()}. Choose H.264 in the camera.",
        )
    if parameters.has_b_frames:
        raise unprocessable(
            "Live view cannot show this camera: its stream has B-frames. Switch them off in the camera."
        )
    sps, _ = h264.parameter_sets(parameters.extradata)
    return h264.profile_level_id(sps[0]) if sps else "42e01f"
