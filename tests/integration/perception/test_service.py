"""Perception as a whole: streams in, messages out, with losses and restarts in between."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import override

import anyio
import msgspec
import pytest

from tests.support import clips
from tests.support.perception import SETTINGS, ClipSource, make, read_number, running, walkers
from vedette.kernel.bus import MemoryBus
from vedette.kernel.errors import Fault
from vedette.kernel.lifecycle import Receive, Scope, Send
from vedette.media.source import Source
from vedette.media.unit import Frame
from vedette.node import serving
from vedette.schema.encodings import minimal
from vedette.schema.frame import FRAME_WIDTH, PREDICTED
from vedette.schema.sensor import Change, SensorEvent, StreamRef
from vedette.schema.topics import MDX_RAW, VST_EVENT
from vedette.services.perception.adapters.detectors.scripted import ScriptedDetector
from vedette.services.perception.model import Detections, Pace, StreamRequest

GATE = StreamRequest("cam-1", "Gate", "rtsp://127.0.0.1:8554/live/cam-1")
KEY = "127.0.0.1:8554/live/cam-1"


def source(count: int = 40, *, ends: bool = False, first: int = 0) -> Source:
    return ClipSource(clips.encode(count, first=first, wall_us=clips.WALL_US + first * 33_333), ends=ends)


def event(change: Change, name: str = "Gate") -> bytes:
    stream = StreamRef(camera_id="cam-1", camera_name=name, camera_url=GATE.url, change=change)
    return msgspec.json.encode(SensorEvent(created_at="2026-01-01T00:00:00.000Z", event=stream))


@pytest.mark.anyio
async def test_every_frame_becomes_a_message_with_exact_boxes_and_steady_ids(tmp_path: Path) -> None:
    async with running(tmp_path, sources={KEY: [source(40)]}) as bench:
        bench.service.add(GATE)
        messages = await bench.frames(40)
        assert [int(message.id) for message in messages] == list(range(1, 41))
        assert messages[0].sensor_id == "Gate"
        assert messages[0].info[FRAME_WIDTH] == str(clips.WIDTH)
        assert messages[3].timestamp == "2023-11-14T22:13:20.100Z"
        for number, message in enumerate(messages):
            assert [item.id for item in message.objects] == (["1"] if number < 2 else ["1", "2"])
            for item, box in zip(message.objects, walkers(number), strict=True):
                assert item.bbox.left_x == pytest.approx(box[0], abs=3)
                assert item.bbox.bottom_y == pytest.approx(box[3], abs=3)
                assert PREDICTED not in item.info


@pytest.mark.anyio
async def test_frames_that_are_not_inferred_are_predicted(tmp_path: Path) -> None:
    async with running(tmp_path, sources={KEY: [source(60)]}) as bench:
        bench.service.add(GATE)
        bench.service.set_pace("cam-1", Pace(interval=1))
        messages = await bench.frames(60)
        (report,) = bench.service.list()
        assert 27 <= report.inferences <= 33
        marks = [all(PREDICTED in item.info for item in message.objects) for message in messages[20:]]
        assert marks.count(True) in (19, 20, 21)
        for number, message in enumerate(messages[20:], 20):
            assert {item.id for item in message.objects} == {"1", "2"}
            lefts = sorted(item.bbox.left_x for item in message.objects)
            assert lefts == pytest.approx(sorted(walkers(number)[:, 0].tolist()), abs=4)


@pytest.mark.anyio
async def test_a_lost_camera_is_opened_again_and_ids_go_on(tmp_path: Path) -> None:
    async with running(tmp_path, sources={KEY: [source(10, ends=True), source(10, first=30)]}) as bench:
        bench.service.add(GATE)
        await bench.until(lambda: bench.service.list()[0].state == "failed")
        assert bench.service.list()[0].cause == "The camera is gone."
        messages = await bench.frames(20)
        assert len(bench.opened) == 2
        ids = {item.id for message in messages for item in message.objects}
        assert ids <= {"1", "2", "3", "4"}


@pytest.mark.anyio
async def test_events_start_and_stop_streams_any_number_of_times(tmp_path: Path) -> None:
    async with running(tmp_path, sources={KEY: [source(), source()]}) as bench:
        await bench.until(lambda: bench.service.ready() is None)
        await bench.bus.publish(VST_EVENT, [b"{}", event("camera_add"), event("camera_streaming")])
        await bench.until(lambda: len(bench.service.list()) == 1)
        await bench.bus.publish(VST_EVENT, [event("camera_streaming")])
        await bench.frames(40)
        assert bench.opened == ["rtsp://perception:relay-secret@127.0.0.1:8554/live/cam-1"]
        await bench.bus.publish(VST_EVENT, [event("camera_remove"), event("camera_remove")])
        await bench.until(lambda: not bench.service.list())
        await bench.bus.publish(VST_EVENT, [event("camera_streaming", "North gate")])
        await bench.until(lambda: [item.name for item in bench.service.list()] == ["North gate"])


@pytest.mark.anyio
async def test_ids_are_not_reused_after_a_restart(tmp_path: Path) -> None:
    bus = MemoryBus()
    async with running(tmp_path, sources={KEY: [source(5)]}, bus=bus) as bench:
        bench.service.add(GATE)
        await bench.frames(5)
    async with running(tmp_path, sources={KEY: [source(5)]}, bus=bus) as bench:
        bench.service.add(GATE)
        messages = await bench.frames(10)
    assert [item.id for item in messages[4].objects] == ["1", "2"]
    assert [item.id for item in messages[9].objects] == ["3", "4"]


@pytest.mark.anyio
async def test_two_streams_do_not_disturb_each_other(tmp_path: Path) -> None:
    yard = StreamRequest("cam-2", "Yard", "rtsp://127.0.0.1:8554/live/cam-2")
    streams = {KEY: [source(30)], "127.0.0.1:8554/live/cam-2": [source(30)]}
    async with running(tmp_path, sources=streams) as bench:
        bench.service.add(GATE)
        bench.service.add(yard)
        for name in ("Gate", "Yard"):
            messages = await bench.frames(30, name)
            assert [int(message.id) for message in messages] == list(range(1, 31))
            assert [item.id for item in messages[-1].objects] == ["1", "2"]


@pytest.mark.anyio
async def test_a_second_topic_carries_minimal_json(tmp_path: Path) -> None:
    settings = SETTINGS.model_copy(update={"minimal_topic": "test"})
    async with running(tmp_path, settings, sources={KEY: [source(10)]}) as bench:
        bench.service.add(GATE)
        await bench.frames(10)
        async for batch in bench.bus.subscribe(replace(MDX_RAW, name="test"), "0-0"):
            frame = minimal.decode(batch.entries[0].payload)
            assert frame.objects[0].type == "Person"
            break


@pytest.mark.anyio
async def test_the_pace_can_change_while_it_runs(tmp_path: Path) -> None:
    async with running(tmp_path, sources={KEY: [source(30)]}) as bench:
        bench.service.add(GATE)
        bench.service.set_pace("cam-1", Pace(interval=2))
        assert bench.service.list()[0].pace == Pace(interval=2)
        with pytest.raises(Fault) as caught:
            bench.service.set_pace("nobody", Pace())
        assert caught.value.status == 404


@pytest.mark.anyio
async def test_the_number_of_streams_is_limited(tmp_path: Path) -> None:
    async with running(tmp_path, SETTINGS.model_copy(update={"max_streams": 1})) as bench:
        bench.service.add(GATE)
        with pytest.raises(Fault) as caught:
            bench.service.add(StreamRequest("cam-2", "Yard", GATE.url))
        assert caught.value.status == 409


@pytest.mark.anyio
async def test_an_announced_stream_that_cannot_be_watched_does_not_hold_up_the_others(tmp_path: Path) -> None:
    def announce(camera_id: str, url: str) -> bytes:
        stream = StreamRef(camera_id=camera_id, camera_name=camera_id, camera_url=url, change="camera_streaming")
        return msgspec.json.encode(SensorEvent(created_at="2026-01-01T00:00:00.000Z", event=stream))

    async with running(tmp_path, SETTINGS.model_copy(update={"max_streams": 1})) as bench:
        await bench.until(lambda: bench.service.ready() is None)
        entries = [announce("a", "file:///etc/passwd"), announce("b", GATE.url), announce("c", GATE.url)]
        await bench.bus.publish(VST_EVENT, [*entries, event("camera_remove")])
        await bench.until(lambda: b"refused_streams_total 2.0" in bench.kernel.telemetry.render())
        assert [item.camera_id for item in bench.service.list()] == ["b"]


@pytest.mark.anyio
async def test_credentials_go_to_announced_relays_only(tmp_path: Path) -> None:
    async with running(tmp_path) as bench:
        bench.service.add(StreamRequest("cam-9", "Elsewhere", "rtsp://198.51.100.7/stream"))
        await bench.until(lambda: bool(bench.opened))
        assert bench.opened[0] == "rtsp://198.51.100.7/stream"
        await bench.until(lambda: bench.service.list()[0].state == "failed")
        assert bench.service.list()[0].cause == "Nobody answers there."


class Slow(ScriptedDetector):
    """Answers when it is let go, so that newer pictures can pile up meanwhile."""

    def __init__(self) -> None:
        super().__init__(read_number=read_number, boxes_at=walkers, size=(clips.WIDTH, clips.HEIGHT))
        self.go = anyio.Event()
        self.looked_at: list[int] = []

    @override
    async def detect(self, frames: Sequence[Frame]) -> list[Detections]:
        self.looked_at += [read_number(frame.image) for frame in frames]
        await self.go.wait()
        return await super().detect(frames)


@pytest.mark.anyio
async def test_when_inference_is_slow_the_newest_picture_wins_and_no_frame_is_lost(tmp_path: Path) -> None:
    detector = Slow()
    bench = make(tmp_path, detector=detector)
    hasty = ClipSource(clips.encode(30))
    async with bench.service.life():
        bench.sources[KEY] = [hasty]
        bench.service.add(GATE)
        await bench.until(lambda: bool(bench.opened))
        hasty.handled = lambda: 10**6
        await bench.until(lambda: hasty.given == 30 and bool(detector.looked_at))
        detector.go.set()
        messages = await bench.frames(30)
        assert [int(message.id) for message in messages] == list(range(1, 31))
        assert detector.looked_at[-1] == 29
        assert len(detector.looked_at) < 30
        assert bench.service.list()[0].dropped == 30 - len(detector.looked_at)


@pytest.mark.anyio
async def test_pictures_that_wait_for_their_turn_give_way_to_newer_ones(tmp_path: Path) -> None:
    detector = Slow()
    bench = make(tmp_path, detector=detector)
    yard = StreamRequest("cam-2", "Yard", "rtsp://127.0.0.1:8554/live/cam-2")
    async with bench.service.life():
        bench.sources[KEY] = [source(1)]
        bench.sources["127.0.0.1:8554/live/cam-2"] = [hasty := ClipSource(clips.encode(12))]
        bench.service.add(GATE)
        await bench.until(lambda: detector.looked_at == [0])
        bench.service.add(yard)
        await bench.until(lambda: bool(bench.opened[1:]))
        hasty.handled = lambda: 10**6
        await bench.until(lambda: hasty.given == 12)
        detector.go.set()
        await bench.frames(12, "Yard")
        assert detector.looked_at == [0, 11]


@pytest.mark.anyio
async def test_the_list_of_vst_says_what_to_watch(tmp_path: Path) -> None:
    listed = [{"cam-1": [{"streamId": "cam-1", "name": "Gate", "url": GATE.url, "isMain": True}]}]

    async def vst(scope: Scope, _receive: Receive, send: Send) -> None:
        assert scope["path"] == "/vst/api/v1/live/streams"
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json")]})
        await send({"type": "http.response.body", "body": msgspec.json.encode(listed)})

    settings = SETTINGS.model_copy(update={"vst": ""})
    async with serving(vst, listener=tmp_path / "vst.sock"), running(tmp_path, settings) as bench:
        await bench.until(lambda: [item.name for item in bench.service.list()] == ["Gate"])
        await bench.until(lambda: bool(bench.opened))
        assert bench.opened[0].startswith("rtsp://perception:relay-secret@")


def test_before_its_life_it_is_not_ready_and_takes_no_streams(tmp_path: Path) -> None:
    bench = make(tmp_path)
    assert bench.service.ready() == "the detector is being loaded"
    with pytest.raises(Fault) as caught:
        bench.service.add(GATE)
    assert caught.value.status == 503
