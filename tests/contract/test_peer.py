"""What every WebRTC library must do behind the `Peer` seam, seen by an aiortc client on this machine."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import anyio
import pytest
from aioice import ice
from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import MediaStreamError

from tests.support.clips import encode, read_number
from vedette.kernel.clock import SystemClock
from vedette.kernel.errors import Fault
from vedette.media import h264
from vedette.media.unit import AccessUnit, CodecParameters
from vedette.services.vst.adapters.webrtc import Peer
from vedette.services.vst.adapters.webrtc.aiortc_peer import AiortcPeer, packet_of, set_patience

pytestmark = pytest.mark.anyio
type MakePeer = Callable[[str], Peer]


@pytest.fixture(params=["aiortc"])
def make_peer(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> MakePeer:
    """Each library that can be a peer, on loopback."""
    monkeypatch.setattr(ice, "get_host_addresses", lambda use_ipv4, use_ipv6: ["127.0.0.1"])
    makers: dict[str, MakePeer] = {"aiortc": lambda profile: AiortcPeer(profile, clock=SystemClock())}
    return makers[request.param]


@dataclass
class Viewer:
    """An aiortc client that decodes what it gets and notes the RTP timestamps on the wire."""

    connection: RTCPeerConnection
    numbers: list[int] = field(default_factory=list)
    timestamps: list[int] = field(default_factory=list)

    async def offer(self) -> str:
        """Its offer, with all candidates."""
        transceiver = self.connection.addTransceiver("video", direction="recvonly")
        receiver: Any = transceiver.receiver
        handle = receiver._handle_rtp_packet

        async def spy(packet: Any, arrival_time_ms: int) -> None:
            if not self.timestamps or self.timestamps[-1] != packet.timestamp:
                self.timestamps.append(packet.timestamp)
            await handle(packet, arrival_time_ms)

        receiver._handle_rtp_packet = spy
        await self.connection.setLocalDescription(await self.connection.createOffer())
        return str(self.connection.localDescription.sdp)

    async def watch(self) -> None:
        """Decodes until the track ends."""
        track = self.connection.getReceivers()[0].track
        try:
            while True:
                frame: Any = await track.recv()
                self.numbers.append(read_number(frame.to_ndarray(format="gray")))
        except MediaStreamError:
            return


@asynccontextmanager
async def watching(peer: Peer) -> AsyncIterator[Viewer]:
    """A viewer connected to the peer; both are closed afterwards."""
    viewer = Viewer(RTCPeerConnection(RTCConfiguration(iceServers=[])))
    watch: asyncio.Task[None] | None = None
    try:
        answer = await peer.answer(await viewer.offer())
        await viewer.connection.setRemoteDescription(RTCSessionDescription(answer, "answer"))
        with anyio.fail_after(15):
            assert await peer.connected()
        watch = asyncio.ensure_future(viewer.watch())
        yield viewer
    finally:
        await peer.close()
        await viewer.connection.close()
        if watch is not None:
            await watch


async def until(condition: Callable[[], bool]) -> None:
    with anyio.fail_after(15):
        while not condition():
            await anyio.sleep(0.01)


async def send(peer: Peer, units: list[AccessUnit]) -> None:
    for unit in units:
        peer.send(unit)
        await anyio.sleep(0.005)


async def test_units_arrive_as_they_were_sent(make_peer: MakePeer) -> None:
    units = encode(40, gop=10)
    peer = make_peer(h264.profile_level_id(h264.parameter_sets(units[0].data)[0][0]))
    async with watching(peer) as viewer:
        await send(peer, units)
        await until(lambda: len(viewer.numbers) >= 35)
        states = [peer.state]
    assert viewer.numbers == list(range(len(viewer.numbers)))
    assert peer.stats.units == 40
    assert [*states, peer.state] == ["connected", "closed"]


async def test_the_clock_names_the_timestamp_on_the_wire(make_peer: MakePeer) -> None:
    units = encode(30, gop=10)
    peer = make_peer("42e01f")
    async with watching(peer) as viewer:
        nothing_sent = peer.clock
        assert nothing_sent is None
        await send(peer, units)
        await until(lambda: peer.stats.units == 30)
        await until(lambda: len(viewer.timestamps) == 30)
        assert peer.clock is not None
        last = viewer.timestamps[-1]
        assert peer.clock.rtp_timestamp == last
        assert peer.clock.wall_us == units[-1].wall_us
        assert [(stamp - last) % 2**32 for stamp in viewer.timestamps] == [
            (unit.pts_90k - units[-1].pts_90k) % 2**32 for unit in units
        ]


async def test_another_session_goes_on_in_time(make_peer: MakePeer) -> None:
    first, second = encode(10, gop=10), encode(10, gop=10, first=10)
    peer = make_peer("42e01f")
    async with watching(peer) as viewer:
        await send(peer, [*first, *second])
        await until(lambda: len(viewer.timestamps) == 20)
        steps = {(b - a) % 2**32 for a, b in zip(viewer.timestamps, viewer.timestamps[1:], strict=False)}
        assert steps == {3000}


async def test_a_lost_picture_brings_the_gop_again(make_peer: MakePeer) -> None:
    units = encode(20, gop=20)
    peer = make_peer("42e01f")
    async with watching(peer) as viewer:
        await send(peer, units[:10])
        await until(lambda: len(viewer.timestamps) == 10)
        receiver: Any = viewer.connection.getReceivers()[0]
        [ssrc] = receiver._RTCRtpReceiver__active_ssrc
        await receiver._send_rtcp_pli(ssrc)
        await receiver._send_rtcp_pli(ssrc)
        await until(lambda: peer.stats.picture_losses >= 2)
        await send(peer, units[10:])
        await until(lambda: len(viewer.timestamps) == 30)
        assert peer.stats.resent_gops == 1
        forward = [(b - a) % 2**32 for a, b in zip(viewer.timestamps, viewer.timestamps[1:], strict=False)]
        assert all(0 < step <= 3000 for step in forward)
        await until(lambda: len(viewer.numbers) >= 28)
        assert viewer.numbers[-1] >= 18


async def test_the_answer_has_all_candidates_and_no_other_codec(make_peer: MakePeer) -> None:
    peer = make_peer("4d001f")
    viewer = Viewer(RTCPeerConnection(RTCConfiguration(iceServers=[])))
    try:
        answer = await peer.answer(await viewer.offer())
        assert "a=candidate:" in answer
        assert "a=end-of-candidates" in answer
        assert "VP8" not in answer
        assert "packetization-mode=1" in answer
    finally:
        await peer.close()
        await viewer.connection.close()


@pytest.mark.parametrize("offer", ["", "hello", "v=0", "v=0\r\nm=video", "v=0\r\n" + "a=x\r\n" * 20_000])
async def test_what_is_no_offer_is_refused(make_peer: MakePeer, offer: str) -> None:
    peer = make_peer("42e01f")
    with pytest.raises(Fault) as raised:
        await peer.answer(offer)
    assert raised.value.status == 400
    await peer.close()


async def test_an_offer_without_our_codec_is_refused(make_peer: MakePeer) -> None:
    viewer = Viewer(RTCPeerConnection(RTCConfiguration(iceServers=[])))
    offer = (await viewer.offer()).replace("H264", "H267")
    peer = make_peer("42e01f")
    with pytest.raises(Fault) as raised:
        await peer.answer(offer)
    assert raised.value.status == 422
    await peer.close()
    await viewer.connection.close()


async def test_a_viewer_that_leaves_ends_the_peer(make_peer: MakePeer) -> None:
    peer = make_peer("42e01f")
    async with watching(peer) as viewer:
        await send(peer, encode(10))
        await viewer.connection.close()
        with anyio.fail_after(15):
            await peer.ended()


def test_parameter_sets_lead_each_keyframe() -> None:
    unit = encode(1)[0]
    bare = h264.join([nal for nal in h264.iter_nals(unit.data) if h264.nal_type(nal) not in (7, 8)])
    parameters = CodecParameters("h264", unit.parameters.extradata, 512, 128)
    packet = packet_of(AccessUnit(bare, 0, 0, 0, True, parameters), 7)
    assert h264.extradata_of(bytes(packet)) == unit.parameters.extradata
    assert packet.pts == 7


def test_patience_is_counted_in_questions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ice, "CONSENT_FAILURES", 6)
    set_patience(15.0)
    assert ice.CONSENT_FAILURES == 3
    assert ice.CONSENT_INTERVAL == 5
