"""The recorder under rules, hanging disks and a catalogue that refuses: nothing is lost, everything is told."""

import os
import threading
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy.exc import OperationalError

from tests.support.clips import WALL_US, encode
from tests.support.vst import open_catalogue, recording, settled
from vedette.kernel.clock import FakeClock
from vedette.kernel.errors import Fault
from vedette.services.vst.model import Cause
from vedette.services.vst.settings import VstSettings

pytestmark = pytest.mark.anyio
SECOND = 1_000_000
LONG = VstSettings(segment_s=600)


async def test_a_recording_begins_before_its_reason_and_ends_when_it_is_told(tmp_path: Path) -> None:
    async with recording(tmp_path, settings=LONG) as bench:
        bench.recorder.set_rule_state(False, Cause.NOT_SCHEDULED, pre_roll_s=2)
        units = encode(300, gop=15)
        await bench.push(units[:150])
        assert bench.segments() == []
        bench.recorder.set_rule_state(True, pre_roll_s=2)
        await bench.push(units[150:200])
        bench.recorder.set_rule_state(False, Cause.SWITCHED_OFF)
        await bench.push(units[200:])
        [segment] = bench.segments()
        begin, end = ((at - WALL_US) / SECOND for at in (segment.start_us, segment.end_us))
        assert 2.4 <= begin <= 3.0, "two seconds before frame 150, and the rest of that GOP"
        assert end == pytest.approx(200 / 30, abs=0.05)
        assert bench.gaps()[-1].cause is Cause.SWITCHED_OFF


async def test_without_a_pre_roll_the_current_gop_is_recorded(tmp_path: Path) -> None:
    async with recording(tmp_path, settings=LONG) as bench:
        bench.recorder.set_rule_state(False)
        units = encode(100, gop=30)
        await bench.push(units[:50])
        bench.recorder.set_rule_state(True)
        await bench.push(units[50:])
        bench.recorder.set_rule_state(False)
        await bench.written()
        [segment] = bench.segments()
    assert segment.start_us == pytest.approx(WALL_US + SECOND, abs=SECOND // 30)
    assert segment.media_us == pytest.approx(70 * SECOND // 30, abs=SECOND // 30)


async def test_what_keeps_the_camera_away_may_change_and_each_cause_is_told(tmp_path: Path) -> None:
    clock = FakeClock(WALL_US)
    async with recording(tmp_path, settings=LONG, clock=clock) as bench:
        await bench.session(encode(60))
        clock.advance(5)
        bench.recorder.set_absence(Cause.CAMERA)
        clock.advance(5)
        bench.recorder.set_absence(Cause.NETWORK)
        bench.recorder.set_absence(Cause.NETWORK)
        await bench.written()
        clock.advance(5)
        assert [(gap.cause, gap.start_us - WALL_US, gap.end_us and gap.end_us - WALL_US) for gap in bench.gaps()] == [
            (Cause.CAMERA, 2 * SECOND, 10 * SECOND),
            (Cause.NETWORK, 10 * SECOND, None),
        ]
        await bench.session(encode(60, wall_us=WALL_US + 20 * SECOND))
        assert [gap.cause for gap in bench.gaps()] == [Cause.CAMERA, Cause.NETWORK, Cause.CAMERA]


async def test_a_disk_that_hangs_is_told_and_what_does_not_fit_is_a_gap(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock, answers, real = FakeClock(WALL_US), threading.Event(), os.fdatasync

    def fdatasync(descriptor: int) -> None:
        answers.wait(60)
        real(descriptor)

    monkeypatch.setattr(os, "fdatasync", fdatasync)
    async with recording(tmp_path, settings=VstSettings(segment_s=600, queue_mib=1), clock=clock) as bench:
        try:
            bench.hub._running = True
            filler = b"\0\0\0\1\x0c" + b"\xff" * 4000 + b"\x80"
            units = [replace(unit, data=unit.data + filler) for unit in encode(600, gop=30)]
            for unit in units[:100]:
                bench.hub.push(unit)
            await settled(lambda: bench.recorder._writing_since is not None)
            assert bench.recorder.failing == ""
            clock.advance(16)
            assert "not answered" in bench.recorder.failing
            for unit in units[100:]:
                bench.hub.push(unit)
            assert not bench.recorder.ready
        finally:
            answers.set()
        await bench.written()
        assert bench.recorder.failing == ""
        assert bench.gaps()[-1].cause is Cause.DISK_STALLED
        [kept] = bench.segments()
        for unit in encode(90, wall_us=WALL_US + 200 * SECOND):
            bench.hub.push(unit)
        bench.recorder.set_rule_state(False)
        await bench.written()
        [_, after] = bench.segments()
    assert kept.bytes <= (1 << 20) + (1 << 19)
    assert after.start_us == WALL_US + 200 * SECOND


async def test_a_row_that_the_catalogue_refuses_is_written_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with recording(tmp_path) as bench:
        database, refused = bench.database, 0
        real = database.write_now

        def write_now(work: object, durable: bool = False) -> object:
            nonlocal refused
            if refused < 3:
                refused += 1
                raise Fault("VMSInsufficientStorage", 507, "The database's disk is full. Free space on it.")
            return real(work, durable)  # type: ignore[arg-type]

        monkeypatch.setattr(database, "write_now", write_now)
        await bench.session(encode(75))
        assert refused == 3
        segments = bench.segments()
    assert sum(segment.media_us for segment in segments) == pytest.approx(75 * SECOND // 30, abs=10)


def test_a_database_that_cannot_write_is_a_fault(tmp_path: Path) -> None:
    database = open_catalogue(tmp_path)

    def refuse(_connection: object) -> None:
        raise OperationalError("INSERT", {}, Exception("database or disk is full"))

    with pytest.raises(Fault) as caught:
        database.write_now(refuse)
    assert (caught.value.status, caught.value.code) == (507, "VMSInsufficientStorage")
    database.close()
