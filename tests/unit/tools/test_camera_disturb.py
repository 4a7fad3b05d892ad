"""Faults on bytes: what is framed stays framed unless it is garbage, answers keep their number."""

from pathlib import Path
from typing import get_args

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from vedette.media import rtp
from vedette.media.rtsp_messages import Headers, InterleavedFrame, MessageParser, Response, serialise
from vedette.tools.camera.disturb import disturbed_answer, disturbed_packets, framed_packets
from vedette.tools.camera.orders import FaultOrder, Kind, read_order

packets = st.lists(st.tuples(st.integers(0, 3), st.binary(min_size=12, max_size=60)), min_size=1, max_size=12)


def framed(items: list[tuple[int, bytes]]) -> bytes:
    return b"".join(rtp.interleave(channel, data) for channel, data in items)


def through(items: list[tuple[int, bytes]], kind: Kind, seed: int = 0, **values: float) -> list[tuple[int, bytes]]:
    """What a client parses after one fault."""
    order = read_order({"fault": kind, **values})
    parser = MessageParser()
    parser.receive(disturbed_packets(framed(items), {kind: order}, np.random.default_rng(seed)))
    found = []
    while (message := parser.next_message()) is not None:
        assert isinstance(message, InterleavedFrame)
        found.append((message.channel, message.data))
    return found


@given(packets)
def test_packets_are_told_apart(items: list[tuple[int, bytes]]) -> None:
    assert [bytes(packet) for packet in framed_packets(framed(items))] == [rtp.interleave(*item) for item in items]
    assert disturbed_packets(framed(items), {}, np.random.default_rng(0)) == framed(items)


@given(packets, st.integers(0, 100))
def test_loss_takes_whole_media_packets(items: list[tuple[int, bytes]], seed: int) -> None:
    left = through(items, "loss", seed, share=0.5)
    remaining = iter(items)
    assert all(any(item == kept for item in remaining) for kept in left)
    assert [item for item in left if item[0] % 2] == [item for item in items if item[0] % 2]
    assert through(items, "loss", seed, share=1) == [item for item in items if item[0] % 2]
    assert through(items, "rtcp_only") == [item for item in items if item[0] % 2]


@given(packets, st.integers(0, 100))
def test_reordering_loses_nothing(items: list[tuple[int, bytes]], seed: int) -> None:
    assert sorted(through(items, "reorder", seed)) == sorted(items)


@given(packets)
def test_labels_are_wrong_on_media_alone(items: list[tuple[int, bytes]]) -> None:
    moved = through(items, "wrong_channel")
    assert [channel for channel, _ in moved] == [channel if channel % 2 else 200 for channel, _ in items]
    for (channel, before), (_, after) in zip(items, through(items, "wrong_ssrc"), strict=True):
        assert (before[8:12] == after[8:12]) == bool(channel % 2)
        assert before[:8] == after[:8]


@given(packets, st.integers(0, 100))
def test_garbage_stands_between_packets(items: list[tuple[int, bytes]], seed: int) -> None:
    order = FaultOrder(fault="garbage", share=1)
    data = disturbed_packets(framed(items), {"garbage": order}, np.random.default_rng(seed))
    assert len(data) > len(framed(items))
    assert data.startswith(rtp.interleave(*items[0]))


def test_answers() -> None:
    headers = Headers((("CSeq", "7"), ("Content-Type", "application/sdp")))
    answer = serialise(Response(200, headers, b"m=video 0 RTP/AVP 96\r\na=fmtp:96 x=y\r\na=control:c\r\n"))
    for kind in ("stall", "loss"):
        assert disturbed_answer(answer, {kind: FaultOrder(fault=kind)}) == answer

    def read(data: bytes) -> Response:
        parser = MessageParser()
        parser.receive(data)
        message = parser.next_message()
        assert isinstance(message, Response)
        return message

    moved = read(disturbed_answer(answer, {"redirect": FaultOrder(fault="redirect", url="rtsp://x/y")}))
    assert (moved.status, moved.headers.get("CSeq"), moved.headers.get("Location")) == (302, "7", "rtsp://x/y")
    bare = read(disturbed_answer(answer, {"bare_sdp": FaultOrder(fault="bare_sdp")}))
    assert bare.body == b"m=video 0 RTP/AVP 96\r\na=control:c\r\n"
    lying = disturbed_answer(answer, {"bad_length": FaultOrder(fault="bad_length", length=-5)})
    assert lying.count(b"Content-Length") == 1
    assert b"Content-Length: -5\r\n\r\n" in lying


def test_every_fault_is_documented() -> None:
    page = Path("docs/guide/test-camera.md").read_text(encoding="utf-8")
    missing = [kind for kind in get_args(Kind.__value__) if f"`{kind}`" not in page and f'"{kind}"' not in page]
    assert not missing
