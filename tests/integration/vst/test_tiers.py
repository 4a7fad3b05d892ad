"""Footage that grows old moves to other disks and to an object store, and is read and deleted there."""

import os
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import anyio.to_thread
import pytest
from moto.server import ThreadedMotoServer

from tests.support.synthetic_footage import HOUR, SECOND, Footage, statvfs_of, synthetic
from vedette.kernel.clock import FakeClock
from vedette.services.vst.adapters.volumes import IDENTITY
from vedette.services.vst.core.space import Room
from vedette.services.vst.model import Protection
from vedette.services.vst.service.forecast import Forecasts
from vedette.services.vst.service.policy import GIB
from vedette.services.vst.store import StorageStore

pytestmark = pytest.mark.anyio
BEGIN = 1_700_000_000 * SECOND
DISK = 200_000


@pytest.fixture
def disks(monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """Disks of 200 kB by folder; what lies in a folder's files is used, and so much more as the value says."""
    extra: dict[str, int] = {}

    def statvfs(path: Any) -> Any:
        root = Path(path)
        used = sum(file.stat().st_size for file in root.rglob("*.mp4")) + extra.get(str(root), 0)
        return statvfs_of(DISK, lambda: DISK - used)(path)

    monkeypatch.setattr(os, "statvfs", statvfs)
    return extra


@pytest.fixture
def big(tmp_path: Path) -> Path:
    folder = tmp_path / "big"
    folder.mkdir()
    return folder


@pytest.fixture(scope="module")
def store() -> Iterator[str]:
    """A real S3 server on the loopback, with a bucket."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    connection = HTTPConnection(host, port)
    connection.request("PUT", "/videos")
    assert connection.getresponse().status == 200
    connection.close()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    path = tmp_path / "keys"
    path.write_text("AKID\nsecret\n")
    return path


def where(footage: Footage) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for segment in footage.segments():
        found.setdefault(segment.volume, []).append(segment.segment_id)
    return found


def ids_in(folder: Path, pattern: str = "*.mp4") -> set[int]:
    return {int(path.stem) for path in folder.rglob(pattern)}


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def plug(folder: Path, *, pulled: bool) -> None:
    away = folder.with_name("unplugged")
    if pulled:
        folder.rename(away)
    else:
        folder.rmdir()
        away.rename(folder)


def make_empty(folder: Path) -> None:
    """A mount point without its disk."""
    folder.mkdir()


async def read(footage: Footage, segment_id: int) -> int:
    def size() -> int:
        return footage.parts.folder.locate(segment_id).stat().st_size

    return await anyio.to_thread.run_sync(size)


async def test_what_is_too_much_for_the_disk_moves_and_nothing_is_deleted(
    data_dir: Path, big: Path, disks: dict[str, int]
) -> None:
    async with synthetic(data_dir, tiers=(f"big={big}",), min_free_gib=20_000 / GIB) as footage:
        segments = footage.record("a", BEGIN, 190)
        guard = Protection("a", segments[0].start_us, segments[1].end_us, "somebody", 0)
        footage.database.write_now(lambda tx: StorageStore(tx).set_protections("a", [guard]))
        assert await footage.reaper.age() == 0
        lies = where(footage)
        assert sorted(lies) == ["big", "main"]
        assert lies["big"] == [item.segment_id for item in segments[: len(lies["big"])]]
        assert footage.file_ids() == set(lies["main"])
        assert len(lies["big"]) >= 10
        assert {await read(footage, item) for item in (lies["big"][0], lies["main"][0])} == {1000}
        assert [entry.kind for entry in footage.ledger("a")] == ["recorded"]
        main, other = (await Forecasts(footage.parts, footage.tiers).outlook(footage.policies.limits)).volumes
        assert (main.name, main.tier, main.used_bytes) == ("main", 0, 1000 * len(lies["main"]))
        assert (other.name, other.tier, other.connected, other.used_bytes) == ("big", 1, True, 1000 * len(lies["big"]))
        assert await footage.reaper.age() == 0
        done = await footage.deletion.segments(segments[:5], actor="somebody")
        assert done.segments == 3
        assert not (big / "000000" / f"{segments[4].segment_id}.mp4").exists()
        assert (big / "000000" / f"{segments[1].segment_id}.mp4").exists()


async def test_age_moves_too_and_the_policy_deletes_wherever_it_lies(
    data_dir: Path, big: Path, disks: dict[str, int]
) -> None:
    clock = FakeClock(BEGIN + 100 * 60 * SECOND)
    limits = {"tiers": (f"big={big}",), "move_after_h": 1, "max_age_h": 1.5}
    async with synthetic(data_dir, clock=clock, **limits) as footage:
        footage.record("a", BEGIN, 100, seconds=60)
        assert await footage.reaper.age() > 0
        oldest = footage.segments()[0]
        assert clock.now() - oldest.end_us <= 1.5 * HOUR
        assert oldest.volume == "big"
        newest_there = max(item.end_us for item in footage.segments() if item.volume == "big")
        assert HOUR - HOUR // 20 - 60 * SECOND <= clock.now() - newest_there <= HOUR
        on_disk = ids_in(big)
        assert on_disk == {item.segment_id for item in footage.segments() if item.volume == "big"}


async def test_a_disk_that_is_away_is_waited_for_until_it_gets_tight(
    data_dir: Path, big: Path, disks: dict[str, int]
) -> None:
    async with synthetic(data_dir, tiers=(f"big={big}",), min_free_gib=20_000 / GIB) as footage:
        footage.record("a", BEGIN, 185)
        plug(big, pulled=True)
        await footage.tiers.check()
        assert "away" in footage.tiers.reasons["big"]
        assert await footage.reaper.age() == 0
        assert len(footage.segments()) == 185
        make_empty(big)
        await footage.tiers.check()
        assert "not the disk" in footage.tiers.reasons["big"]
        disks[str(footage.parts.folder.root)] = 12_000
        assert await footage.reaper.age() > 0
        assert footage.parts.disk.room is not Room.NONE
        assert contents(big) == {}
        plug(big, pulled=False)
        await footage.tiers.check()
        assert footage.tiers.reasons["big"] == ""


async def test_a_foreign_disk_is_refused_and_left_as_it_is(data_dir: Path, big: Path, disks: dict[str, int]) -> None:
    async with synthetic(data_dir / "one", tiers=(f"big={big}",)):
        pass
    identity = (big / IDENTITY).read_bytes()
    (big / "holiday.jpg").write_bytes(b"not ours")
    async with synthetic(data_dir / "two", tiers=(f"big={big}",), min_free_gib=20_000 / GIB) as footage:
        footage.record("a", BEGIN, 185)
        assert "another recorder" in footage.tiers.reasons["big"]
        await footage.reaper.age()
        assert where(footage).keys() == {"main"}
        assert contents(big) == {
            IDENTITY: identity,
            "holiday.jpg": b"not ours",
        }


async def test_a_copy_that_is_not_the_recording_is_not_a_move(data_dir: Path, big: Path, disks: dict[str, int]) -> None:
    async with synthetic(data_dir, tiers=(f"big={big}",)) as footage:
        [segment, other] = footage.record("a", BEGIN, 2)
        footage.parts.folder.path(segment.segment_id).write_bytes(b"rot")
        assert (await footage.deletion.move([segment, other], "big")).segments == 0
        assert where(footage) == {"main": [segment.segment_id, other.segment_id]}
        assert ids_in(big) == ids_in(big, "*.moving") == set()


async def test_an_object_store_is_the_last_tier(
    data_dir: Path, big: Path, disks: dict[str, int], store: str, keys: Path
) -> None:
    cloud = f"cloud=s3+{store}/videos/site-1"
    settings: dict[str, Any] = {"tiers": (f"big={big}", cloud), "tier_keys": keys, "min_free_gib": 20_000 / GIB}
    async with synthetic(data_dir, **settings) as footage:
        assert footage.tiers.reasons == {"big": "", "cloud": ""}
        footage.record("a", BEGIN, 190)
        await footage.reaper.age()
        disks[str(big)] = 175_000
        await footage.reaper.age()
        lies = where(footage)
        assert {"big", "cloud", "main"} >= set(lies) >= {"cloud", "main"}
        [first, *_] = lies["cloud"]
        assert await read(footage, first) == 1000
        everything = footage.segments()
        done = await footage.deletion.segments(everything[:1], actor="somebody")
        assert done.segments == 1
        gone = footage.parts.folder.locate
        assert not (await anyio.to_thread.run_sync(gone, first)).exists()
        outlook = await Forecasts(footage.parts, footage.tiers).outlook(footage.policies.limits)
        assert outlook.volumes[2].used_bytes == 1000 * (len(lies["cloud"]) - 1)
    async with synthetic(data_dir, **settings) as again:
        assert again.tiers.reasons == {"big": "", "cloud": ""}
    async with synthetic(data_dir.with_name("other"), tiers=(cloud,), tier_keys=keys) as foreign:
        assert "another recorder" in foreign.tiers.reasons["cloud"]


async def test_a_store_that_does_not_answer_is_away(data_dir: Path, keys: Path) -> None:
    async with synthetic(data_dir, tiers=("cloud=s3+http://127.0.0.1:1/videos",), tier_keys=keys) as footage:
        assert "no answer" in footage.tiers.reasons["cloud"]
