"""`vedette fsck` finds each kind of damage and nothing where there is none; a lost catalogue is made anew."""

from collections.abc import Callable
from pathlib import Path

import anyio.to_thread
import pytest
from sqlalchemy import delete, update

from tests.support.clips import WALL_US, encode
from tests.support.vst import open_catalogue, recording
from vedette.kernel.clock import SystemClock
from vedette.kernel.database import Transaction
from vedette.services.vst.model import Cause, Protection, Segment, Sensor
from vedette.services.vst.service.catalogue import forget_segments
from vedette.services.vst.service.fsck import CATALOGUE, MEDIA, FsckReport, Problem, fsck
from vedette.services.vst.service.rebuild import rebuild
from vedette.services.vst.store import CoverageStore, StorageStore, Store
from vedette.services.vst.store.tables import HEAD, LEDGER, SEGMENT

pytestmark = pytest.mark.anyio
SECOND = 1_000_000


async def recorded(folder: Path) -> list[Segment]:
    """Two runs of a stream with a gap between them, on the disk and at rest."""
    async with recording(folder) as bench:
        await bench.session(encode(75, gop=15))
        await bench.session(encode(75, gop=15, wall_us=WALL_US + 12 * SECOND))
        return bench.segments()


def checked(folder: Path, *, hashes: bool = True, repair: bool = False) -> FsckReport:
    return fsck(folder, clock=SystemClock(), hashes=hashes, repair=repair)


def problems(folder: Path) -> set[Problem]:
    return {finding.problem for finding in checked(folder).findings}


def changed(folder: Path, work: Callable[[Transaction], object]) -> None:
    database = open_catalogue(folder)
    database.write_now(work, durable=True)
    database.close()


async def in_thread[T](work: Callable[[], T]) -> T:
    return await anyio.to_thread.run_sync(work)


async def test_what_was_recorded_in_peace_is_clean(tmp_path: Path) -> None:
    segments = await recorded(tmp_path)
    report = await in_thread(lambda: checked(tmp_path))
    assert (report.findings, report.segments, report.clean) == ([], len(segments), True)


DAMAGE: dict[str, tuple[Callable[[Transaction], object], Problem]] = {
    "a row that vanished": (lambda tx: tx.execute(delete(SEGMENT).where(SEGMENT.c.seq == 3)), Problem.LEDGER),
    "a row that was changed": (
        lambda tx: tx.execute(update(SEGMENT).where(SEGMENT.c.seq == 3).values(end_us=SEGMENT.c.end_us - 1)),
        Problem.LEDGER,
    ),
    "a line that vanished": (lambda tx: tx.execute(delete(LEDGER).where(LEDGER.c.kind == "absent")), Problem.LEDGER),
    "a line that was changed": (
        lambda tx: tx.execute(update(LEDGER).where(LEDGER.c.kind == "absent").values(cause="network")),
        Problem.LEDGER,
    ),
    "a tail that was cut": (
        lambda tx: tx.execute(delete(LEDGER).where(LEDGER.c.seq > 4)),
        Problem.LEDGER,
    ),
    "a head that counts wrongly": (lambda tx: tx.execute(update(HEAD).values(bytes=1)), Problem.LEDGER),
    "overlapping rows": (
        lambda tx: tx.execute(update(SEGMENT).where(SEGMENT.c.seq == 3).values(end_us=SEGMENT.c.end_us + SECOND)),
        Problem.OVERLAP,
    ),
    "another stream's file": (
        lambda tx: tx.execute(update(SEGMENT).where(SEGMENT.c.seq == 3).values(stream_id="other")),
        Problem.HEADER,
    ),
    "another content": (
        lambda tx: tx.execute(update(SEGMENT).where(SEGMENT.c.seq == 3).values(digest="00")),
        Problem.CONTENT,
    ),
}


@pytest.mark.parametrize("name", DAMAGE)
async def test_damage_to_the_catalogue_is_found(tmp_path: Path, name: str) -> None:
    await recorded(tmp_path)
    work, problem = DAMAGE[name]
    changed(tmp_path, work)
    assert problem in await in_thread(lambda: problems(tmp_path))


async def test_rot_is_found_wherever_a_byte_flips(tmp_path: Path) -> None:
    segments = await recorded(tmp_path)
    path = tmp_path / MEDIA / "000000" / f"{segments[1].segment_id}.mp4"
    original = path.read_bytes()
    for offset in range(0, len(original), len(original) // 25):
        path.write_bytes(original[:offset] + bytes([original[offset] ^ 1]) + original[offset + 1 :])
        found = await in_thread(lambda: checked(tmp_path).findings)
        assert [finding.subject for finding in found] == [str(path)]


async def test_what_was_removed_although_it_was_protected_is_told(tmp_path: Path) -> None:
    segments = await recorded(tmp_path)
    guard = Protection("cam", segments[0].start_us, segments[1].end_us, "somebody", 1)
    changed(tmp_path, lambda tx: StorageStore(tx).set_protections("cam", [guard]))
    assert await in_thread(lambda: problems(tmp_path)) == set()
    changed(
        tmp_path,
        lambda tx: forget_segments(tx, segments[1:2], cause=Cause.DELETED, actor="a bug", at_us=2),
    )
    assert await in_thread(lambda: problems(tmp_path)) == {Problem.PROTECTED, Problem.GARBAGE}


async def test_repair_leaves_a_catalogue_that_is_true(tmp_path: Path) -> None:
    segments = await recorded(tmp_path)
    folder = tmp_path / MEDIA / "000000"
    (folder / f"{segments[1].segment_id}.mp4").unlink()
    (folder / "9999.mp4").write_bytes(b"nobody knows me")
    report = await in_thread(lambda: checked(tmp_path, repair=True))
    assert report.clean
    assert {finding.problem for finding in report.findings} == {Problem.MISSING, Problem.STRAY}
    assert await in_thread(lambda: checked(tmp_path).findings) == []


@pytest.mark.parametrize("loss", ["deleted", "overwritten", "emptied"])
async def test_a_lost_catalogue_is_rebuilt_from_the_files(tmp_path: Path, loss: str) -> None:
    before = await recorded(tmp_path)
    changed(tmp_path, lambda tx: Store(tx).add_sensor(Sensor("cam", "Gate", "rtsp://x/", 1)))
    path = tmp_path / f"{CATALOGUE}.db"
    for suffix in ("-wal", "-shm"):
        (tmp_path / f"{CATALOGUE}.db{suffix}").unlink(missing_ok=True)
    if loss == "deleted":
        path.unlink()
    elif loss == "overwritten":
        path.write_bytes(b"nothing of the kind" * 1000)
        assert not (await in_thread(lambda: checked(tmp_path))).clean
    else:
        changed(tmp_path, lambda tx: tx.execute(delete(SEGMENT)))
    rebuilt = await in_thread(lambda: rebuild(tmp_path, catalogue=CATALOGUE, media=MEDIA))
    assert (rebuilt.segments, rebuilt.streams, rebuilt.discarded) == (len(before), 1, [])
    assert rebuilt.kept == ({"sensor": 1} if loss == "emptied" else {})
    assert bool(rebuilt.aside) == (loss != "deleted")
    assert await in_thread(lambda: checked(tmp_path).findings) == []
    database = open_catalogue(tmp_path)
    after = database.read_now(lambda tx: list(Store(tx).list_all_segments()))
    next_id = database.write_now(lambda tx: Store(tx).add_id_block(1))
    entries = database.read_now(lambda tx: CoverageStore(tx).list_chain("cam", 0, 1 << 62))
    database.close()
    assert next_id > max(segment.segment_id for segment in before)
    assert [(item.segment_id, item.start_us, item.media_us, item.digest) for item in after] == [
        (item.segment_id, item.start_us, item.media_us, item.digest) for item in before
    ]
    assert [item.end_us for item in after] == [item.end_us for item in before]
    assert [entry.kind for entry in entries] == ["recorded", "absent", "recorded"]
    assert entries[1].cause == "damaged"
