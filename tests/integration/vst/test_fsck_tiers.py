"""`vedette fsck` on footage that lies on another disk, and a rebuild that finds it there."""

from collections.abc import Callable
from pathlib import Path

import anyio.to_thread
import pytest

from tests.support.clips import encode, numbers_in
from tests.support.synthetic_footage import synthetic
from tests.support.vst import open_catalogue, recording
from vedette.cli.verify import verify
from vedette.kernel.clock import SystemClock
from vedette.services.vst.model import Segment
from vedette.services.vst.service.export import Exporter
from vedette.services.vst.service.fsck import CATALOGUE, MEDIA, FsckReport, Problem, fsck
from vedette.services.vst.service.rebuild import rebuild
from vedette.services.vst.store import Store
from vedette.services.vst.store.volumes import VolumeStore

pytestmark = pytest.mark.anyio


async def moved(folder: Path, big: Path) -> list[Segment]:
    """A recording of five segments, the first three of them on another disk."""
    make(big)
    async with recording(folder) as bench:
        await bench.session(encode(150, gop=15))
    async with synthetic(folder, clock=SystemClock(), tiers=(f"big={big}",)) as footage:
        assert (await footage.deletion.move(footage.segments()[:3], "big")).segments == 3
        return footage.segments()


async def checked(folder: Path, big: Path | None) -> FsckReport:
    tiers = {} if big is None else {"big": big}
    return await in_thread(lambda: fsck(folder, clock=SystemClock(), hashes=True, tiers=tiers))


async def in_thread[T](work: Callable[[], T]) -> T:
    return await anyio.to_thread.run_sync(work)


def make(folder: Path) -> None:
    folder.mkdir()


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def lose(folder: Path) -> None:
    """The catalogue, with its journal."""
    for path in folder.glob(f"{CATALOGUE}.db*"):
        path.unlink()


async def test_what_lies_on_tiers_is_checked_too(tmp_path: Path) -> None:
    folder, big = tmp_path / "vst", tmp_path / "big"
    folder.mkdir()
    segments = await moved(folder, big)
    report = await checked(folder, big)
    assert (report.findings, report.elsewhere, report.segments) == ([], 0, len(segments))
    away = await checked(folder, None)
    assert (away.findings, away.elsewhere) == ([], 3)
    flip(big / "000000" / f"{segments[1].segment_id}.mp4")
    assert [finding.problem for finding in (await checked(folder, big)).findings] in (
        [Problem.CONTENT], [Problem.UNPLAYABLE]
    )  # fmt: skip
    gone = await checked(folder, tmp_path / "nowhere")
    assert [finding.problem for finding in gone.findings] == [Problem.VOLUME]
    assert gone.elsewhere == 3


@pytest.mark.parametrize("identity", ["kept", "lost"])
async def test_a_rebuild_takes_the_other_disk_in(tmp_path: Path, identity: str) -> None:
    folder, big = tmp_path / "vst", tmp_path / "big"
    folder.mkdir()
    before = await moved(folder, big)
    if identity == "lost":
        lose(folder)
    rebuilt = await in_thread(lambda: rebuild(folder, catalogue=CATALOGUE, media=MEDIA, tiers={"big": big}))
    assert (rebuilt.segments, rebuilt.discarded) == (len(before), [])
    assert (await checked(folder, big)).findings == []
    database = open_catalogue(folder)
    after = database.read_now(lambda tx: list(Store(tx).list_all_segments()))
    stock = database.read_now(lambda tx: VolumeStore(tx).list_stock())
    database.close()
    assert [(item.segment_id, item.volume, item.end_us) for item in after] == [
        (item.segment_id, item.volume, item.end_us) for item in before
    ]
    assert stock == {("big", "cam"): sum(item.bytes for item in before[:3])}
    async with synthetic(folder, clock=SystemClock(), tiers=(f"big={big}",)) as footage:
        assert footage.tiers.reasons == {"big": ""}


async def test_an_export_finds_what_has_moved(tmp_path: Path) -> None:
    folder, big = tmp_path / "vst", tmp_path / "big"
    folder.mkdir()
    segments = await moved(folder, big)
    exporter = Exporter(folder, SystemClock(), catalogue=CATALOGUE, media=MEDIA, tiers={"big": big})
    stream = await exporter.find("cam")
    to = tmp_path / "evidence"
    done = await exporter.export(stream, segments[0].start_us, segments[-1].end_us, to=to, verifier=b"")
    exporter.close()
    assert done.segments == len(segments)
    assert verify(to)[0] == []
    assert numbers_in(str(to / "clip.mp4")) == list(range(150))
