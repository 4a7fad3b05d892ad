"""Ageing, deletion and protection over a synthetic catalogue."""

import os
from pathlib import Path

import anyio
import pytest

from tests.support.synthetic_footage import HOUR, SECOND, Footage, statvfs_of, synthetic
from vedette.kernel.clock import FakeClock
from vedette.kernel.errors import Fault
from vedette.services.vst.core.space import Room
from vedette.services.vst.model import Cause, EntryKind, Protection
from vedette.services.vst.service.policy import GIB, Limits
from vedette.services.vst.store import StorageStore

pytestmark = pytest.mark.anyio
BEGIN = 1_700_000_000 * SECOND


def protect(footage: Footage, stream_id: str, start_us: int, end_us: int) -> None:
    item = Protection(stream_id, start_us, end_us, "somebody", 0)
    footage.database.write_now(
        lambda connection: StorageStore(connection).set_protections(stream_id, [item]), durable=True
    )


async def test_bytes_in_total_are_kept_by_deleting_the_oldest_of_all_streams(data_dir: Path) -> None:
    async with synthetic(data_dir, max_gib=400_000 / GIB) as footage:
        footage.record("a", BEGIN, 250)
        footage.record("b", BEGIN, 250)
        assert await footage.reaper.age() >= 100
        kept = footage.segments()
        assert sum(segment.bytes for segment in kept) <= 400_000
        assert min(segment.start_us for segment in kept) >= BEGIN + 50 * 10 * SECOND
        assert footage.file_ids() == {segment.segment_id for segment in kept}
        assert await footage.reaper.age() == 0
        removals = [entry for entry in footage.ledger("a") if entry.kind is EntryKind.REMOVED]
        assert [entry.cause for entry in removals] == ["aged_out"] * len(removals)
        assert sum(entry.segments for entry in removals) == 250 - len(footage.segments("a"))


async def test_each_stream_keeps_its_own_limit(data_dir: Path) -> None:
    async with synthetic(data_dir, max_gib_per_stream=100_000 / GIB) as footage:
        footage.record("a", BEGIN, 150)
        footage.record("b", BEGIN, 90)
        assert await footage.reaper.age() >= 50
        assert len(footage.segments("a")) <= 100
        assert len(footage.segments("b")) == 90


async def test_age_and_its_margin(data_dir: Path) -> None:
    clock = FakeClock(BEGIN + 400 * 10 * SECOND)
    async with synthetic(data_dir, clock=clock, max_age_h=1) as footage:
        footage.record("a", BEGIN, 400)
        assert await footage.reaper.age() > 0
        oldest = footage.segments()[0]
        hour_ago = clock.now() - HOUR
        assert hour_ago < oldest.end_us <= hour_ago + HOUR // 20 + 10 * SECOND
        clock.advance(100)
        assert await footage.reaper.age() == 0


async def test_a_clock_that_jumps_ahead_deletes_nothing_until_somebody_confirms(data_dir: Path) -> None:
    clock = FakeClock(BEGIN + 100 * 10 * SECOND)
    async with synthetic(data_dir, clock=clock, max_age_h=1) as footage:
        footage.record("a", BEGIN, 100)
        assert await footage.reaper.age() == 0
        clock.step(30 * 86_400)
        assert await footage.reaper.age() == 0
        assert footage.reaper.clock_suspect
        await footage.policies.change(footage.policies.limits, actor="admin")
        assert await footage.reaper.age() == 100


async def test_what_is_protected_never_ages(data_dir: Path) -> None:
    async with synthetic(data_dir, max_gib=30_000 / GIB) as footage:
        segments = footage.record("a", BEGIN, 200)
        protect(footage, "a", segments[10].start_us + 1, segments[20].end_us - 1)
        assert await footage.reaper.age() >= 170
        kept = footage.segments()
        assert segments[10].segment_id in {segment.segment_id for segment in kept}
        assert [segment.segment_id for segment in kept[:11]] == [item.segment_id for item in segments[10:21]]
        removals = [entry for entry in footage.ledger("a") if entry.kind is EntryKind.REMOVED]
        assert all(entry.end_us <= segments[10].start_us or entry.start_us >= segments[20].end_us for entry in removals)


async def test_deleting_a_protected_range_is_refused(data_dir: Path) -> None:
    async with synthetic(data_dir) as footage:
        segments = footage.record("a", BEGIN, 10)
        protect(footage, "a", segments[4].start_us + 1, segments[4].start_us + 2)
        for start, end in ((0, 1 << 62), (segments[4].start_us, segments[4].end_us)):
            with pytest.raises(Fault) as refused:
                await footage.deletion.range("a", start, end, actor="admin")
            assert refused.value.status == 409
        assert len(footage.segments()) == 10
        done = await footage.deletion.segments(segments, actor="admin")
        assert done.segments == 9
        assert [segment.segment_id for segment in footage.segments()] == [segments[4].segment_id]
        lines = [entry for entry in footage.ledger("a") if entry.kind is EntryKind.REMOVED]
        assert [(entry.start_us, entry.end_us) for entry in lines] == [
            (segments[0].start_us, segments[3].end_us),
            (segments[5].start_us, segments[9].end_us),
        ]
        assert {(entry.cause, entry.actor) for entry in lines} == {(Cause.DELETED, "admin")}


async def test_a_range_is_cut_at_the_borders_of_segments(data_dir: Path) -> None:
    async with synthetic(data_dir) as footage:
        segments = footage.record("a", BEGIN, 620)
        inside = segments[100].start_us + 1, segments[600].end_us - 1
        done = await footage.deletion.range("a", *inside, actor="x")
        assert (done.segments, done.start_us, done.end_us) == (499, segments[101].start_us, segments[599].end_us)
        done = await footage.deletion.range("a", *inside, actor="x", partial=True)
        assert (done.segments, done.start_us, done.end_us) == (2, segments[100].start_us, segments[600].end_us)
        assert (await footage.deletion.range("a", *inside, actor="x")).segments == 0


async def test_a_full_disk_with_everything_protected_stops_recording_and_resumes(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with synthetic(data_dir, min_free_gib=20_000 / GIB) as footage:
        segments = footage.record("a", BEGIN, 180)
        monkeypatch.setattr(os, "statvfs", statvfs_of(200_000, lambda: 181_000 - 1000 * len(footage.file_ids())))
        protect(footage, "a", segments[0].start_us, segments[-1].end_us)
        disk = footage.parts.disk
        assert await footage.reaper.age() == 0
        assert (disk.room, disk.accepts) == (Room.NONE, False)
        assert "full" in disk.alarm
        protect(footage, "a", segments[0].start_us, segments[1].end_us)
        assert await footage.reaper.age() >= 19
        assert (disk.room, disk.accepts, disk.alarm) == (Room.ENOUGH, True, "")
        assert len(footage.segments()) >= 120


async def test_a_policy_outlives_a_restart(data_dir: Path) -> None:
    chosen = Limits(max_age_hours=720, max_gib=100, min_free_gib=5, max_used_percent=90)
    async with synthetic(data_dir, max_gib=7) as footage:
        await footage.policies.load()
        assert footage.policies.limits.max_gib == 7
        await footage.policies.change(chosen, actor="admin")
    async with synthetic(data_dir) as footage:
        await footage.policies.load()
        assert footage.policies.limits == chosen


async def test_a_disk_that_fills_up_is_noticed_within_seconds(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock, others = FakeClock(BEGIN + 100 * 10 * SECOND), [0]
    async with synthetic(data_dir, clock=clock, min_free_gib=20_000 / GIB, ageing_every_s=600) as footage:
        footage.record("a", BEGIN, 100)
        monkeypatch.setattr(
            os, "statvfs", statvfs_of(200_000, lambda: 200_000 - 1000 * len(footage.file_ids()) - others[0])
        )
        async with anyio.create_task_group() as group:
            group.start_soon(footage.reaper.run)
            await turned(clock, seconds=20)
            assert len(footage.segments()) == 100
            others[0] = 90_000
            with anyio.fail_after(20):
                while len(footage.segments()) == 100:
                    await turned(clock, seconds=2)
            others[0] = 199_000 - 1000 * len(footage.file_ids())
            with anyio.fail_after(20):
                while footage.segments():
                    await turned(clock, seconds=2)
            group.cancel_scope.cancel()
        assert clock.now() < BEGIN + (100 * 10 + 600) * SECOND


async def turned(clock: FakeClock, *, seconds: int) -> None:
    """Turns the clock and lets everybody work for a moment."""
    for _ in range(seconds):
        clock.advance(1)
        await anyio.wait_all_tasks_blocked()
        await anyio.sleep(0.005)
