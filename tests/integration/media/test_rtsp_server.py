"""The RTSP server over real sockets: its statuses, its packets, and that nothing a client does disturbs the others."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, override

import anyio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support import clips
from tests.support.rtsp_client import RtspClient, connected, signed
from vedette.kernel.clock import FakeClock, SystemClock
from vedette.kernel.errors import unavailable
from vedette.media import rtp
from vedette.media.hub import Hub
from vedette.media.rtp import Depacketiser
from vedette.media.rtsp_server import Authenticate, HubMount, Mount, RtspServer
from vedette.media.sdp import parse_sdp
from vedette.media.unit import AccessUnit, CodecParameters

UNITS = clips.encode(20)
TCP = "RTP/AVP/TCP;unicast;interleaved=0-1"


class Shelf(Mount):
    """Gives the units at hand to everyone, then holds until it is ended."""

    def __init__(self, units: list[AccessUnit]) -> None:
        self.units = units
        self.subscribed = 0
        self.ended = anyio.Event()

    @override
    async def parameters(self) -> CodecParameters:
        if not self.units:
            raise unavailable("nothing here")
        return self.units[0].parameters

    @override
    @asynccontextmanager
    async def subscribe(self) -> AsyncIterator[AsyncIterator[AccessUnit]]:
        self.subscribed += 1
        yield self._give()

    async def _give(self) -> AsyncIterator[AccessUnit]:
        for unit in self.units:
            yield unit
        await self.ended.wait()


type Work = Callable[[RtspServer, Shelf], Awaitable[None]]


def serve(
    work: Work,
    *,
    units: list[AccessUnit] | None = None,
    authenticate: Authenticate | None = None,
    clock: SystemClock | FakeClock | None = None,
    **options: Any,
) -> None:
    """Run `work` beside a server with a live mount, an empty and an audio one; the event loop must report nothing."""
    complaints: list[dict[str, Any]] = []

    async def run() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context))
        shelf = Shelf(UNITS if units is None else units)
        audio = AccessUnit(b"x", 0, 0, 0, True, CodecParameters("aac"))
        mounts: dict[str, Mount] = {"/live/a": shelf, "/live/ü b": shelf, "/empty": Shelf([]), "/audio": Shelf([audio])}
        server = RtspServer(
            host="127.0.0.1",
            port=0,
            mounts=mounts.get,
            authenticate=authenticate,
            clock=clock or SystemClock(),
            **options,
        )
        with anyio.fail_after(60):
            async with server:
                await work(server, shelf)

    anyio.run(run)
    assert complaints == []


async def play(client: RtspClient, path: str = "/live/a") -> None:
    assert (await client.set_up(path + "/trackID=0")).status == 200
    assert (await client.ask("PLAY", path + "/", ("Range", "npt=0.000-"))).status == 200


async def pictures(client: RtspClient, count: int, *, channel: int = 0) -> list[bytes]:
    """Annex B of the next `count` access units."""
    depacketiser, units, nals = Depacketiser("h264"), list[bytes](), list[bytes]()
    while len(units) < count:
        frame = await client.frame()
        if frame.channel != channel:
            continue
        packet = rtp.parse_packet(frame.data)
        nals += depacketiser.push(packet.payload)
        if packet.marker:
            units.append(b"".join(b"\x00\x00\x00\x01" + nal for nal in nals))
            nals = []
    return units


def test_a_session_from_options_to_teardown() -> None:
    async def work(server: RtspServer, shelf: Shelf) -> None:
        async with connected(server.port) as client:
            assert "PLAY" in (await client.ask("OPTIONS", "*")).headers.get("public")
            described = await client.ask("DESCRIBE", "/live/a?token=x", ("Accept", "application/sdp"))
            assert described.headers.get("Content-Base") == f"{client.base}/live/a/"
            (media,) = parse_sdp(described.body)
            assert media.extradata() == UNITS[0].parameters.extradata
            answer = await client.set_up(f"/live/a/{media.control}", "RTP/AVP/TCP;unicast;interleaved=6-7")
            assert "interleaved=6-7" in answer.headers.get("Transport")
            assert "timeout=60" in answer.headers.get("Session")
            assert (await client.ask("PLAY", "/live/a/")).status == 200
            first = await client.frame()
            (report,) = rtp.parse_rtcp(first.data)
            assert first.channel == 7
            assert isinstance(report, rtp.SenderReport)
            assert rtp.ntp_to_us(report.ntp) == UNITS[0].wall_us
            assert report.timestamp == UNITS[0].pts_90k
            assert await pictures(client, 20, channel=6) == [unit.data for unit in UNITS]
            assert (await client.ask("GET_PARAMETER", "/live/a")).status == 200
            (counters,) = server.clients
            assert (counters.units, counters.path, counters.transport, counters.playing) == (20, "/live/a", "TCP", True)
            assert (await client.ask("TEARDOWN", "/live/a")).status == 200
            assert (await client.ask("PLAY", "/live/a")).status == 454
            assert counters.playing is False
        assert server.counters.packetised_units == 20

    serve(work)


@pytest.mark.parametrize(
    ("method", "path", "headers", "status"),
    [
        ("DESCRIBE", "/nothing", [], 404),
        ("DESCRIBE", "/empty", [], 503),
        ("DESCRIBE", "/audio", [], 404),
        ("DESCRIBE", "/live/a", [("Accept", "text/html")], 406),
        ("DESCRIBE", "/live/%C3%BC%20b", [], 200),
        ("OPTIONS", "/live/a", [("Require", "implicit-play")], 551),
        ("SETUP", "/nothing", [("Transport", TCP)], 404),
        ("SETUP", "/live/a/trackID=1", [("Transport", TCP)], 404),
        ("SETUP", "/live/a", [("Transport", TCP)], 200),
        ("SETUP", "/live/a?x=1/trackID=0", [("Transport", TCP)], 200),
        ("SETUP", "/live/a", [("tRANSPORT", "rtp/avp/tcp;UNICAST")], 200),
        ("SETUP", "/live/a", [], 461),
        ("SETUP", "/live/a", [("Transport", "RTP/AVP;multicast")], 461),
        ("SETUP", "/live/a", [("Transport", "RTP/SAVP/TCP;unicast")], 461),
        ("SETUP", "/live/a", [("Transport", TCP + ";mode=record")], 461),
        ("SETUP", "/live/a", [("Transport", TCP), ("Session", "made-up")], 454),
        ("PLAY", "/live/a", [("Session", "made-up")], 454),
        ("PLAY", "/live/a", [], 454),
        ("PAUSE", "/live/a", [], 454),
        ("TEARDOWN", "/live/a", [], 454),
        ("GET_PARAMETER", "/live/a", [("Session", "made-up")], 454),
        ("GET_PARAMETER", "*", [], 200),
        ("SET_PARAMETER", "*", [], 200),
        ("ANNOUNCE", "/live/a", [], 405),
        ("RECORD", "/live/a", [], 405),
        ("FLY", "/live/a", [], 501),
    ],
)
def test_statuses(method: str, path: str, headers: list[tuple[str, str]], status: int) -> None:
    async def work(server: RtspServer, shelf: Shelf) -> None:
        async with connected(server.port) as client:
            assert (await client.ask(method, path, *headers)).status == status
            assert (await client.ask("OPTIONS", "*")).status == 200

    serve(work)


def test_statuses_inside_a_session() -> None:
    async def work(server: RtspServer, shelf: Shelf) -> None:
        async with connected(server.port) as client:
            await client.set_up("/live/a")
            assert (await client.ask("PLAY", "/live/a", ("Range", "smpte=0-"))).status == 457
            assert (await client.ask("PLAY", "/live/other")).status == 404
            assert (await client.ask("SET_PARAMETER", "/live/a", body=b"zoom: 3")).status == 451
            assert (await client.set_up("/live/a")).status == 200
            assert (await client.ask("PLAY", "/live/a")).status == 200
            assert (await client.ask("SETUP", "/live/a", ("Transport", TCP))).status == 455
            assert (await client.ask("OPTIONS", "*", sequence=False)).status == 400

    serve(work)


def test_pause_stops_and_play_goes_on_with_the_same_numbers() -> None:
    async def work(server: RtspServer, shelf: Shelf) -> None:
        async with connected(server.port) as client:
            await play(client)
            await pictures(client, 20)
            sent = server.clients[0].packets
            assert (await client.ask("PAUSE", "/live/a")).status == 200
            assert server.clients[0].playing is False
            assert (await client.ask("PLAY", "/live/a")).status == 200
            again = await client.frame()
            while again.channel != 0:
                again = await client.frame()
            assert shelf.subscribed == 2
            first = rtp.parse_packet(again.data).sequence
            await pictures(client, 19)
            assert server.clients[0].packets == 2 * sent
            assert first >= 0

    serve(work)


def test_the_end_of_the_stream_ends_the_connection() -> None:
    async def work(server: RtspServer, shelf: Shelf) -> None:
        async with connected(server.port) as client:
            await play(client)
            await pictures(client, 20)
            shelf.ended.set()
            frame = await client.frame()
            assert any(isinstance(item, rtp.Goodbye) for item in rtp.parse_rtcp(frame.data))
            await client.ended()

    serve(work)


@pytest.mark.parametrize("which", [0, 1])
def test_digest_lets_only_the_right_password_in(which: int) -> None:
    async def work(server: RtspServer, shelf: Shelf) -> None:
        async with connected(server.port) as client:
            assert (await client.ask("OPTIONS", "*")).status == 200
            refused = await client.ask("DESCRIBE", "/nothing")
            assert refused.status == 401
            challenge = refused.headers.get_all("WWW-Authenticate")[which]
            uri = client.base + "/live/a"
            wrong = signed(challenge, method="DESCRIBE", uri=uri, user="anna", password="guess")
            assert (await client.ask("DESCRIBE", "/live/a", ("Authorization", wrong))).status == 401
            right = signed(challenge, method="DESCRIBE", uri=uri, user="anna", password="secret")
            assert (await client.ask("DESCRIBE", "/live/a", ("authorization", right))).status == 200
            assert (await client.ask("SETUP", "/live/a", ("Authorization", right), ("Transport", TCP))).status == 401
            assert server.clients[0].user == "anna"
        assert server.counters.failed_answers == 2

    serve(work, authenticate={"anna": "secret"})


def test_guessing_ends_the_connection() -> None:
    async def work(server: RtspServer, shelf: Shelf) -> None:
        async with connected(server.port) as client:
            for _ in range(5):
                header = ("Authorization", 'Digest username="a", realm="vedette", nonce="n", uri="u", response="x"')
                assert (await client.ask("DESCRIBE", "/live/a", header)).status == 401
            await client.ended()

    serve(work, authenticate=lambda user: None)


def test_a_slow_client_is_cut_and_the_others_are_not() -> None:
    big = [
        AccessUnit(b"\x00\x00\x00\x01\x65" + b"x" * 400_000, n * 3000, n * 3000, n * 33_333, True, UNITS[0].parameters)
        for n in range(60)
    ]

    async def work(server: RtspServer, shelf: Shelf) -> None:
        async with connected(server.port) as slow, connected(server.port) as quick:
            await play(quick)
            await pictures(quick, 1)
            await slow.set_up("/live/a")
            await slow.ask("PLAY", "/live/a")
            while not server.counters.slow_clients:
                await anyio.sleep(0.01)

    serve(work, units=big, max_backlog_bytes=4_000_000)


def test_too_many_clients_are_turned_away() -> None:
    async def work(server: RtspServer, shelf: Shelf) -> None:
        async with connected(server.port) as first:
            assert (await first.ask("OPTIONS", "*")).status == 200
            async with connected(server.port) as second:
                await second.ended()
            assert (await first.ask("OPTIONS", "*")).status == 200
        assert server.counters.refused_clients == 1

    serve(work, max_clients=1)


def test_silent_clients_expire_and_reading_ones_do_not() -> None:
    clock = FakeClock()

    async def work(server: RtspServer, shelf: Shelf) -> None:
        async with connected(server.port) as silent, connected(server.port) as viewer:
            assert (await silent.ask("OPTIONS", "*")).status == 200
            await play(viewer)
            for _ in range(20):
                await anyio.wait_all_tasks_blocked()
                clock.advance(5)
            await silent.ended()
            assert (await viewer.ask("GET_PARAMETER", "/live/a")).status == 200
        assert server.counters.expired_clients == 1

    serve(work, clock=clock)


def test_receiver_reports_are_counted() -> None:
    async def work(server: RtspServer, shelf: Shelf) -> None:
        async with connected(server.port) as client:
            await play(client)
            block = (7).to_bytes(4) + bytes((64, 0, 0, 5)) + (9).to_bytes(4) + (450).to_bytes(4) + bytes(8)
            client.send(rtp.interleave(1, b"\x81\xc9\x00\x07" + bytes(4) + block))
            client.send(rtp.interleave(1, b"junk") + rtp.interleave(9, b"other channel"))
            await client.ask("GET_PARAMETER", "*")
            counters = server.clients[0]
            assert (counters.receiver_reports, counters.fraction_lost, counters.lost) == (1, 0.25, 5)
            assert counters.jitter_90k == 450

    serve(work)


GARBAGE = st.one_of(
    st.binary(max_size=200),
    st.lists(
        st.sampled_from(
            (
                b"DESCRIBE rtsp://h/live/a RTSP/1.0\r\n",
                b"SETUP rtsp://h/live/a RTSP/1.0\r\nCSeq: 1\r\nTransport: RTP/AVP/TCP\r\n\r\n",
                b"PLAY rtsp://h/live/a RTSP/1.0\r\nCSeq: 2\r\nSession: x\r\n\r\n",
                b"TEARDOWN * RTSP/1.0\r\nCSeq: 2\r\n\r\n",
                b"OPTIONS \xff\xfe RTSP/1.0\r\nCSeq: 99999999999\r\n\r\n",
                b"SETUP %zz%00 RTSP/1.0\r\nCSeq: 3\r\nTransport: ;;=,interleaved=0-1\r\n\r\n",
                b"Content-Length: 70000\r\n\r\n",
                b"$\x01\x00\x04junk",
                b"\r\n",
            )
        ),
        max_size=8,
    ).map(b"".join),
)


@settings(max_examples=40, deadline=None)
@given(st.lists(GARBAGE, min_size=1, max_size=6))
def test_garbage_never_reaches_the_log_or_the_others(chunks: list[bytes]) -> None:
    async def work(server: RtspServer, shelf: Shelf) -> None:
        async with connected(server.port) as good:
            await play(good)
            for chunk in chunks:
                async with connected(server.port) as bad:
                    bad.send(chunk)
            await pictures(good, 20)
            assert (await good.ask("OPTIONS", "*")).status == 200

    serve(work)


def test_a_hub_serves_its_cached_group_to_a_late_client() -> None:
    class Live:
        async def units(self) -> AsyncIterator[AccessUnit]:
            for unit in UNITS[:15]:
                yield unit
            await anyio.sleep_forever()

    async def run() -> None:
        clock = SystemClock()
        hub = Hub(clock=clock)
        mount = HubMount(hub, clock=clock)
        async with (
            anyio.create_task_group() as group,
            RtspServer(host="127.0.0.1", port=0, mounts=lambda _: mount, authenticate=None, clock=clock) as server,
        ):
            group.start_soon(hub.run, Live())
            while hub.counters.units < 15:
                await anyio.sleep(0.001)
            async with connected(server.port) as client:
                await play(client)
                assert await pictures(client, 5) == [unit.data for unit in UNITS[10:15]]
            group.cancel_scope.cancel()

    anyio.run(run)


def test_a_taken_port_fails_loudly() -> None:
    async def work(server: RtspServer, shelf: Shelf) -> None:
        with pytest.raises(OSError, match="address already in use"):
            async with RtspServer(
                host="127.0.0.1", port=server.port, mounts=lambda _: None, authenticate=None, clock=SystemClock()
            ):
                pass

    serve(work)


def test_a_hub_is_relayed_with_its_sound_until_the_codec_changes() -> None:
    sound = CodecParameters("pcmu", sample_rate=8000, channels=1)
    heard = AccessUnit(b"\xff" * 160, 0, 0, UNITS[0].wall_us, False, sound)
    other = clips.encode(1, codec="libx265")[0]

    async def run() -> None:
        hub = Hub(clock=SystemClock())
        server = RtspServer(
            host="127.0.0.1",
            port=0,
            mounts=lambda _: HubMount(hub, clock=SystemClock()),
            authenticate=None,
            clock=SystemClock(),
        )
        with anyio.fail_after(60):
            async with server, connected(server.port) as client:
                hub.push(UNITS[0])
                assert len(parse_sdp((await client.ask("DESCRIBE", "/x")).body)) == 1
                hub.push(heard)
                assert [media.kind for media in parse_sdp((await client.ask("DESCRIBE", "/x")).body)] == [
                    "video",
                    "audio",
                ]
                await client.set_up("/x/trackID=0")
                await client.set_up("/x/trackID=1", "RTP/AVP/TCP;unicast")
                assert (await client.ask("PLAY", "/x")).status == 200
                while (await client.frame()).channel != 0:
                    continue
                hub.push(heard)
                while (frame := await client.frame()).channel != 2:
                    continue
                assert rtp.parse_packet(frame.data).payload == heard.data
                hub.push(other)
                await client.ended()
                assert server.counters.packetised_units == 2

    anyio.run(run)
