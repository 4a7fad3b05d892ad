"""The director against a fake clock: what it asks for, when, and what it refuses."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

import anyio
import msgspec
import pytest

from tests.support.vst import open_catalogue, settled
from vedette.kernel.bus import MemoryBus
from vedette.kernel.clock import FakeClock, from_datetime, to_iso
from vedette.kernel.database import Database
from vedette.kernel.errors import Fault
from vedette.kernel.telemetry import Telemetry
from vedette.schema.alert import AlertMessage
from vedette.schema.topics import MDX_ALERTS
from vedette.services.vst.adapters.segment_files import SegmentFolder
from vedette.services.vst.core.schedule import Because, Decision
from vedette.services.vst.model import Cause, Mode, RecordingRule, ScheduleEntry, Stream, StreamKind
from vedette.services.vst.service.catalogue import Catalogue
from vedette.services.vst.service.events import Outbox
from vedette.services.vst.service.meters import Meters
from vedette.services.vst.service.parts import Parts
from vedette.services.vst.service.schedules import Director
from vedette.services.vst.service.streams import Streams
from vedette.services.vst.settings import VstSettings

pytestmark = pytest.mark.anyio
BEGIN = from_datetime(datetime(2026, 3, 2, 7, 0, tzinfo=UTC))


@dataclass
class Bench:
    """A director over two streams of one sensor, and what it has asked for."""

    clock: FakeClock
    bus: MemoryBus
    streams: Streams
    director: Director
    asked: list[tuple[str, bool, Because]] = field(default_factory=list)
    refused: set[str] = field(default_factory=set)

    async def pass_time(self, seconds: float) -> None:
        """Time passes, second by second, each one seen by the director."""
        for _ in range(round(seconds)):
            self.clock.advance(1.0)
            for _ in range(5):
                await anyio.lowlevel.checkpoint()

    def now(self, stream_id: str = "cam") -> bool:
        """What was asked for last."""
        return [wanted for name, wanted, _ in self.asked if name == stream_id][-1]

    async def alert(self, name: str, *, start: int, end: int | None = None) -> None:
        """Analytics says something."""
        message = AlertMessage(
            id="a1", sensor_id=name, type="roi", rule_type="occupancy", rule_id="r", start_timestamp=to_iso(start),
            end_timestamp="" if end is None else to_iso(end),
        )  # fmt: skip
        await self.bus.publish(MDX_ALERTS, [msgspec.json.encode(message)])


def catalogue_in(folder: Path) -> Database:
    folder.mkdir(exist_ok=True)
    return open_catalogue(folder)


@asynccontextmanager
async def directing(folder: Path, *, record: bool = True) -> AsyncIterator[Bench]:
    clock, bus = FakeClock(BEGIN), MemoryBus()
    meters, database = Meters(Telemetry("vst")), catalogue_in(folder)
    parts = Parts(
        settings=VstSettings(record=record),
        clock=clock,
        meters=meters,
        outbox=Outbox(bus, clock, meters),
        database=database,
        catalogue=Catalogue(database),
        folder=SegmentFolder(folder / "media"),
    )
    streams = Streams(parts)
    await streams.put(Stream("cam", "cam", StreamKind.MAIN, "rtsp://192.0.2.1/1"))
    await streams.put(Stream("low", "cam", StreamKind.SUB, "rtsp://192.0.2.1/2"))
    asked: list[tuple[str, bool, Because]] = []

    refused: set[str] = set()

    async def apply(stream: Stream, _rule: RecordingRule, decision: Decision) -> None:
        if stream.stream_id in refused:
            raise Fault("VMSInsufficientStorage", 507, "The database's disk is full. Free space on it.")
        asked.append((stream.stream_id, decision.wanted, decision.because))

    director = Director(
        parts, streams, bus=bus, apply=apply, sensors_named=lambda name: ["cam"] if name == "Yard" else []
    )
    try:
        async with anyio.create_task_group() as group:
            group.start_soon(director.run)
            await settled(lambda: len(asked) >= 2)
            yield Bench(clock, bus, streams, director, asked, refused)
            group.cancel_scope.cancel()
    finally:
        database.close()


async def test_main_streams_are_recorded_and_others_are_not_until_somebody_says_so(tmp_path: Path) -> None:
    async with directing(tmp_path) as bench:
        assert bench.asked == [("cam", True, Because.ALWAYS_ON), ("low", False, Because.OFF)]
        await bench.director.set_rule("low", RecordingRule(Mode.ALWAYS))
        assert bench.asked[2:] == [("low", True, Because.ALWAYS_ON)]
    async with directing(tmp_path / "x", record=False) as bench:
        assert bench.asked[0] == ("cam", False, Because.OFF)


async def test_rules_outlive_a_restart(tmp_path: Path) -> None:
    rule = RecordingRule(Mode.SCHEDULE, (ScheduleEntry("0 8 * * 1-5", 3600),), "Europe/Berlin", by_hand=True)
    async with directing(tmp_path) as bench:
        await bench.director.set_rule("cam", rule)
        await bench.streams.load()
        assert bench.streams.rule(bench.streams.get("cam")) == rule


async def test_the_schedule_is_followed_to_the_second(tmp_path: Path) -> None:
    async with directing(tmp_path) as bench:
        rule = RecordingRule(Mode.SCHEDULE, (ScheduleEntry("1 8 * * *", 60),), "Europe/Berlin")  # 07:01 UTC
        await bench.director.set_rule("cam", rule)
        assert not bench.now()
        await bench.pass_time(59)
        assert not bench.now()
        await bench.pass_time(1)
        assert bench.asked[-1] == ("cam", True, Because.SCHEDULE)
        await bench.pass_time(59)
        assert bench.now()
        await bench.pass_time(1)
        assert bench.asked[-1] == ("cam", False, Because.OFF)
        assert bench.director.decision(bench.streams.get("cam")).cause is Cause.NOT_SCHEDULED


async def test_a_stream_that_cannot_be_set_holds_up_no_other_and_is_tried_again(tmp_path: Path) -> None:
    async with directing(tmp_path) as bench:
        bench.refused.add("cam")
        for stream_id, mode in (("cam", Mode.OFF), ("low", Mode.ALWAYS)):
            bench.streams.note(replace(bench.streams.get(stream_id), rule=RecordingRule(mode)))
        await bench.pass_time(1)
        assert bench.now("low")
        assert bench.now("cam")
        bench.refused.clear()
        await bench.pass_time(6)
        assert not bench.now("cam")


async def test_asking_for_a_decision_takes_nothing_from_those_who_apply_it(tmp_path: Path) -> None:
    async with directing(tmp_path) as bench:
        await bench.director.set_rule("cam", RecordingRule(Mode.SCHEDULE, (ScheduleEntry("1 7 * * *", 60),)))
        bench.clock.step(60)
        assert bench.director.decision(bench.streams.get("cam")).wanted
        assert not bench.now()
        await bench.pass_time(1)
        assert bench.now()


async def test_a_wall_clock_that_is_set_is_followed(tmp_path: Path) -> None:
    async with directing(tmp_path) as bench:
        await bench.director.set_rule("cam", RecordingRule(Mode.SCHEDULE, (ScheduleEntry("0 9 * * *", 3600),)))
        bench.clock.step(2.5 * 3600)
        await bench.pass_time(1)
        assert bench.now()
        bench.clock.step(-2.5 * 3600)
        await bench.pass_time(1)
        assert not bench.now()


async def test_an_event_is_recorded_with_its_post_roll(tmp_path: Path) -> None:
    async with directing(tmp_path) as bench:
        await bench.director.set_rule("cam", RecordingRule(Mode.EVENT, post_roll_s=5))
        await bench.director.event("cam")
        assert bench.asked[-1] == ("cam", True, Because.EVENT)
        await bench.pass_time(3)
        await bench.director.event("cam")
        await bench.pass_time(4)
        assert bench.now()
        await bench.pass_time(1)
        assert not bench.now()


async def test_an_alert_is_recorded_while_it_holds_and_a_little_longer(tmp_path: Path) -> None:
    async with directing(tmp_path) as bench:
        await bench.director.set_rule("cam", RecordingRule(Mode.EVENT, post_roll_s=5))
        await bench.director.set_rule("low", RecordingRule(Mode.MANUAL))
        await bench.alert("Gate", start=BEGIN)
        await bench.pass_time(2)
        assert not bench.now()
        await bench.alert("Yard", start=bench.clock.now())
        await settled(bench.now)
        await bench.pass_time(30)
        assert bench.now()
        await bench.alert("Yard", start=BEGIN, end=bench.clock.now())
        await bench.pass_time(4)
        assert bench.now()
        await bench.pass_time(2)
        assert not bench.now()
        assert not bench.now("low")


async def test_an_alert_whose_end_was_lost_is_not_recorded_for_ever(tmp_path: Path) -> None:
    async with directing(tmp_path) as bench:
        await bench.director.set_rule("cam", RecordingRule(Mode.EVENT, post_roll_s=5))
        await bench.alert("Yard", start=BEGIN)
        await settled(bench.now)
        bench.clock.step(3600)
        await bench.pass_time(1)
        assert not bench.now()


async def test_what_is_no_alert_is_passed_over(tmp_path: Path) -> None:
    async with directing(tmp_path) as bench:
        await bench.director.set_rule("cam", RecordingRule(Mode.EVENT))
        await bench.bus.publish(MDX_ALERTS, [b"{", b'{"id":1}'])
        await bench.alert("Yard", start=BEGIN)
        await settled(bench.now)


async def test_start_and_stop_by_hand(tmp_path: Path) -> None:
    async with directing(tmp_path) as bench:
        await bench.director.set_rule("cam", RecordingRule(Mode.MANUAL))
        assert not bench.now()
        await bench.director.start("cam")
        assert bench.asked[-1] == ("cam", True, Because.USER)
        await bench.director.start("cam")
        await bench.director.stop("cam")
        assert bench.asked[-1] == ("cam", False, Because.OFF)
        await bench.director.stop("cam")


async def test_stop_ends_an_event_too(tmp_path: Path) -> None:
    async with directing(tmp_path) as bench:
        await bench.director.set_rule("cam", RecordingRule(Mode.EVENT, post_roll_s=50))
        await bench.director.event("cam")
        await bench.director.stop("cam")
        assert not bench.now()


async def test_what_the_mode_wants_cannot_be_stopped_by_hand(tmp_path: Path) -> None:
    async with directing(tmp_path) as bench:
        await bench.director.start("cam")
        with pytest.raises(Fault, match="Change the mode") as caught:
            await bench.director.stop("cam")
        assert caught.value.status == 409
        assert bench.now()


@pytest.mark.parametrize("verb", ["start", "event"])
async def test_what_is_switched_off_stays_off(tmp_path: Path, verb: str) -> None:
    async with directing(tmp_path) as bench:
        await bench.director.set_rule("cam", RecordingRule(Mode.OFF))
        with pytest.raises(Fault) as caught:
            await getattr(bench.director, verb)("cam")
        assert caught.value.status == 409
        assert not bench.now()


@pytest.mark.parametrize(
    "rule",
    [
        RecordingRule(Mode.SCHEDULE, time_zone="Mars/Olympus"),
        RecordingRule(Mode.SCHEDULE, time_zone="../../etc/passwd"),
        RecordingRule(Mode.SCHEDULE, (ScheduleEntry("nonsense", 60),)),
        RecordingRule(Mode.SCHEDULE, (ScheduleEntry("0 8 * * *", 60),) * 65),
    ],
)
async def test_rules_that_make_no_sense_are_refused(tmp_path: Path, rule: RecordingRule) -> None:
    async with directing(tmp_path) as bench:
        with pytest.raises(Fault) as caught:
            await bench.director.set_rule("cam", rule)
        assert caught.value.status == 400
        assert bench.now()


async def test_entries_come_and_go(tmp_path: Path) -> None:
    async with directing(tmp_path) as bench:
        entry = ScheduleEntry("0 8 * * 1", end="0 9 * * 1")
        await bench.director.add_entries("cam", [entry, entry, ScheduleEntry("0 10 * * *", 3600)])
        assert bench.director.pairs("cam") == [("0 8 * * 1", "0 9 * * 1"), ("0 10 * * *", "0 11 * * *")]
        await bench.director.remove_entry("cam", "0 8 * * 1", "0 9 * * 1")
        assert bench.director.pairs("cam") == [("0 10 * * *", "0 11 * * *")]
        with pytest.raises(Fault) as caught:
            await bench.director.remove_entry("cam", "0 8 * * 1", "0 9 * * 1")
        assert caught.value.status == 404


async def test_unknown_streams_are_not_found(tmp_path: Path) -> None:
    async with directing(tmp_path) as bench:
        for work in (bench.director.start, bench.director.stop, bench.director.event):
            with pytest.raises(Fault) as caught:
                await work("nobody")
            assert caught.value.status == 404
        bench.director.forget("cam")
        await bench.streams.remove("low")
        await bench.director.look("low")
