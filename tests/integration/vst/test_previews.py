"""Small pictures: packs on the disk, and how they come from a camera and go with its footage."""

import io
from pathlib import Path

import anyio
import av
import pytest

from tests.integration.vst.test_cameras import a_camera
from tests.support.vst_running import running, settings_of
from vedette.kernel.clock import from_iso, to_iso
from vedette.services.vst.adapters.preview_packs import HOUR_US, PreviewPacks

pytestmark = pytest.mark.anyio
BEGIN = 1_700_000_000_000_000 // HOUR_US * HOUR_US
SECOND = 1_000_000


def size_of(jpeg: bytes) -> tuple[int, int]:
    with av.open(io.BytesIO(jpeg), "r") as container:
        frame = next(container.decode(video=0))
        return frame.width, frame.height


def packs(folder: Path, *, hours: int = 2) -> PreviewPacks:
    made = PreviewPacks(folder)
    for number in range(hours * 60):
        made.append("cam", BEGIN + number * 60 * SECOND, b"picture %d" % number)
    return made


def test_pictures_are_found_by_time_over_hours(tmp_path: Path) -> None:
    made = packs(tmp_path)
    found = made.list("cam", BEGIN + 58 * 60 * SECOND, BEGIN + 62 * 60 * SECOND)
    assert [made.read("cam", item) for item in found] == [b"picture %d" % number for number in (58, 59, 60, 61)]
    assert made.list("cam", BEGIN - HOUR_US, BEGIN) == ()
    assert made.list("nobody", 0, BEGIN + HOUR_US) == ()
    assert made.streams() == ("cam",)


def test_a_torn_tail_is_not_seen_and_what_follows_is(tmp_path: Path) -> None:
    made = packs(tmp_path, hours=1)
    index = tmp_path / "cam" / f"{BEGIN // HOUR_US}.index"
    index.write_bytes(index.read_bytes()[:-5])
    made.append("cam", BEGIN + 3599 * SECOND, b"after the tear")
    found = made.list("cam", BEGIN, BEGIN + HOUR_US)
    readable = [item for item in found if made.read("cam", item) is not None]
    assert len(readable) == 60
    assert made.read("cam", readable[-1]) == b"after the tear"
    pack = tmp_path / "cam" / f"{BEGIN // HOUR_US}.pack"
    pack.write_bytes(b"?" + pack.read_bytes()[1:])
    assert made.read("cam", found[0]) is None


def test_what_is_deleted_leaves_no_byte(tmp_path: Path) -> None:
    made = packs(tmp_path)
    made.keep("cam", BEGIN + 10 * 60 * SECOND, BEGIN + 70 * 60 * SECOND, lambda at: at == BEGIN + 30 * 60 * SECOND)
    kept = [made.read("cam", item) for item in made.list("cam", BEGIN, BEGIN + 2 * HOUR_US)]
    assert kept == [b"picture %d" % number for number in (*range(10), 30, *range(70, 120))]
    on_disk = b"".join(path.read_bytes() for path in (tmp_path / "cam").glob("*.pack"))
    assert b"picture 29" not in on_disk
    made.drop_before("cam", BEGIN + HOUR_US)
    assert len(made.list("cam", BEGIN, BEGIN + 2 * HOUR_US)) == 50
    made.drop_before("cam", None)
    assert made.streams() == ()


async def test_a_camera_has_previews_that_go_with_its_footage(data_dir: Path) -> None:
    async with a_camera() as camera, running(data_dir, settings=settings_of(preview_every_s=0.2)) as vst:
        stream_id = await vst.add(camera.url("scene"), "Gate")
        [span] = await vst.until_recorded(stream_id, 4)
        base, made = f"/storage/stream/{stream_id}", vst.service.previews
        with anyio.fail_after(20):
            while len(made._packs.list(stream_id, span.start_us, span.start_us + HOUR_US)) < 3:
                await anyio.sleep(0.1)
        last_us = made._packs.list(stream_id, span.start_us, span.start_us + HOUR_US)[-1].wall_us
        [span] = await vst.until_recorded(stream_id, (last_us - span.start_us) / SECOND + 1)
        times = f"startTime={to_iso(span.start_us)}&endTime={to_iso(span.end_us)}"
        found = (await vst.ask("GET", f"{base}/previews?{times}&count=3")).json["times"]
        assert 1 <= len(found) <= 3
        assert all(span.start_us - 1000 <= from_iso(at) < span.end_us for at in found)
        small = await vst.ask("GET", f"{base}/preview?startTime={found[0]}&width=200")
        assert (small.status, size_of(small.body)) == (200, (320, 180))
        large = await vst.ask("GET", f"{base}/preview?startTime={found[0]}&width=700")
        assert size_of(large.body)[0] == 700
        assert (await vst.ask("GET", f"{base}/preview?startTime=2020-01-01T00:00:00Z")).status == 404
        for wrong in ("preview", f"previews?startTime={found[0]}", f"previews?{times}&count=0", "previews?endTime=x"):
            assert (await vst.ask("GET", f"{base}/{wrong}")).status == 400
        assert (await vst.ask("DELETE", f"/storage/file/{stream_id}?endTime={to_iso(span.end_us)}")).status == 200
        spans = await vst.service.coverage.timeline(stream_id)
        kept = made._packs.list(stream_id, span.start_us, spans[0].start_us if spans else span.end_us)
        assert kept == ()


async def test_without_previews_they_come_from_the_recording(data_dir: Path) -> None:
    async with a_camera() as camera, running(data_dir, settings=settings_of(preview_every_s=0)) as vst:
        stream_id = await vst.add(camera.url("scene"), "Gate")
        [span] = await vst.until_recorded(stream_id, 2)
        start, end = to_iso(span.start_us), to_iso(span.end_us)
        found = (
            await vst.ask("GET", f"/storage/stream/{stream_id}/previews?startTime={start}&endTime={end}&count=4")
        ).json["times"]
        assert len(found) == 4
        picture = await vst.ask("GET", f"/storage/stream/{stream_id}/preview?startTime={found[1]}")
        assert size_of(picture.body) == (320, 180)
        assert not (data_dir / "previews").exists()
