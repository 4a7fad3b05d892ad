"""What a forecast says against what ageing then does."""

import os
from pathlib import Path

import pytest

from tests.support.synthetic_footage import HOUR, SECOND, Footage, statvfs_of, synthetic
from vedette.kernel.clock import FakeClock
from vedette.services.vst.model import Protection
from vedette.services.vst.service.forecast import Forecasts
from vedette.services.vst.service.policy import GIB, Limits
from vedette.services.vst.store import StorageStore

pytestmark = pytest.mark.anyio
BEGIN = 1_699_999_200 * SECOND


@pytest.fixture(autouse=True)
def disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk of 10 MB with 4 MB free."""
    monkeypatch.setattr(os, "statvfs", statvfs_of(10_000_000, lambda: 4_000_000))


def hours_of_footage(footage: Footage) -> None:
    """Three hours of two streams, a kB every minute and two."""
    footage.record("a", BEGIN, 180, seconds=60)
    footage.record("b", BEGIN, 90, seconds=120)


async def test_rates_and_days(data_dir: Path) -> None:
    async with synthetic(data_dir, clock=FakeClock(BEGIN + 3 * HOUR)) as footage:
        hours_of_footage(footage)
        outlook = await Forecasts(footage.parts).outlook(Limits())
        assert [(item.stream_id, item.bytes) for item in outlook.streams] == [("a", 180_000), ("b", 90_000)]
        assert [item.bytes_per_day for item in outlook.streams] == pytest.approx([1_440_000, 720_000])
        assert outlook.bytes_per_day == pytest.approx(2_160_000)
        assert outlook.days_remaining == pytest.approx(4_000_000 / 2_160_000)
        assert outlook.retention_days == pytest.approx(4_270_000 / 2_160_000)
        assert outlook.oldest_us == BEGIN
        assert outlook.losses == ()
        [volume] = outlook.volumes
        assert (volume.name, volume.total_bytes, volume.free_bytes, volume.used_bytes) == (
            "main", 10_000_000, 4_000_000, 270_000
        )  # fmt: skip
        limited = await Forecasts(footage.parts).outlook(Limits(max_gib=540_000 / GIB, max_age_hours=4))
        assert limited.days_remaining == pytest.approx(270_000 / 2_160_000, rel=1e-3)
        assert limited.retention_days == pytest.approx(4 / 24)
        over = await Forecasts(footage.parts).outlook(Limits(max_gib=1000 / GIB))
        assert over.days_remaining == 0


async def test_nothing_recorded_lasts_for_ever(data_dir: Path) -> None:
    async with synthetic(data_dir) as footage:
        outlook = await Forecasts(footage.parts).outlook(Limits(max_age_hours=1))
        assert (outlook.days_remaining, outlook.retention_days, outlook.oldest_us) == (None, None, None)


@pytest.mark.parametrize(
    "limits",
    [
        Limits(max_age_hours=1.5),
        Limits(max_gib=100_000 / GIB),
        Limits(max_gib_per_stream=77_000 / GIB),
        Limits(max_age_hours=2.2, max_gib=150_000 / GIB),
        Limits(min_free_gib=4_030_000 / GIB),
        Limits(max_used_percent=59.5),
    ],
)
@pytest.mark.parametrize("protected", [False, True])
async def test_what_if_is_what_ageing_then_does(
    data_dir: Path, limits: Limits, protected: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with synthetic(data_dir, clock=FakeClock(BEGIN + 3 * HOUR)) as footage:
        hours_of_footage(footage)
        middle = footage.segments("a")[20:23]
        await footage.deletion.segments(middle, actor="somebody")
        if protected:
            guard = Protection("a", BEGIN + 30 * 60 * SECOND, BEGIN + 50 * 60 * SECOND, "somebody", 0)
            footage.database.write_now(lambda connection: StorageStore(connection).set_protections("a", [guard]))
        files = len(footage.file_ids())
        disk = statvfs_of(10_000_000, lambda: 4_000_000 + 1000 * (files - len(footage.file_ids())))
        monkeypatch.setattr(os, "statvfs", disk)
        outlook = await Forecasts(footage.parts).outlook(limits)
        assert outlook.streams[0].protected_bytes == (20_000 if protected else 0)
        before = {segment.segment_id for segment in footage.segments()}
        await footage.policies.change(limits, actor="somebody")
        await footage.reaper.age()
        gone = before - {segment.segment_id for segment in footage.segments()}
        assert sum(item.segments for item in outlook.losses) == len(gone) > 0
        assert sum(item.bytes for item in outlook.losses) == 1000 * len(gone)
