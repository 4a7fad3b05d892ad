"""Evidence: exported by the command line, checked by the stand-alone verifier in a Python without Vedette."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import anyio.to_thread
import pytest

from tests.integration.vst.test_cameras import a_camera
from tests.support.clips import WALL_US, encode, numbers_in
from tests.support.vst import recording
from tests.support.vst_running import running
from vedette.cli.main import main
from vedette.cli.verify import verify
from vedette.kernel.clock import to_iso

pytestmark = pytest.mark.anyio
SECOND = 1_000_000


async def evidence(node: Path, *, changes: bool = False) -> Path:
    """Two runs of a stream with a gap between them, exported."""
    async with recording(node / "vst") as bench:
        await bench.session(encode(75, gop=15))
        later = WALL_US + 12 * SECOND
        await bench.session(encode(75, gop=15, wall_us=later, first=75, codec="libx265" if changes else "libx264"))
    to = node / "evidence"
    times = ["--start", to_iso(WALL_US - SECOND), "--end", to_iso(WALL_US + 20 * SECOND)]
    command = ["export", "cam", *times, "--to", str(to), "--data-dir", str(node)]
    await anyio.to_thread.run_sync(main, command)
    return to


@pytest.fixture
def node(tmp_path: Path) -> Path:
    (tmp_path / "vst").mkdir()
    return tmp_path


async def test_evidence_is_whole_and_genuine(node: Path, capsys: pytest.CaptureFixture[str]) -> None:
    to = await evidence(node)
    key = (to / "device.pub").read_text().strip()
    names = {str(path.relative_to(to)) for path in to.rglob("*")}
    assert {"clip.mp4", "manifest.json", "README.txt", "verify.py", "device.pub", "segments"} <= names
    assert numbers_in(str(to / "clip.mp4")) == list(range(150))
    assert key in capsys.readouterr().out
    alone = [sys.executable, "-I", "-S", str(to / "verify.py"), "--key", key, str(to)]
    done = await anyio.to_thread.run_sync(lambda: subprocess.run(alone, capture_output=True, text=True, check=False))
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "genuine")
    assert "recorded 5.0 s" in done.stdout
    assert await anyio.to_thread.run_sync(main, ["verify", str(to / "manifest.json"), "--key", key]) == 0
    assert await anyio.to_thread.run_sync(main, ["verify", str(to), "--key", "00" * 32]) == 3


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def forget_a_line(to: Path) -> None:
    manifest = json.loads((to / "manifest.json").read_text())
    del manifest["chain"]["lines"][1]
    (to / "manifest.json").write_text(json.dumps(manifest))


TAMPER: dict[str, Callable[[Path], object]] = {
    "a segment": lambda to: flip(min((to / "segments").iterdir())),
    "a segment that is gone": lambda to: min((to / "segments").iterdir()).unlink(),
    "a segment too many": lambda to: (to / "segments" / "77.mp4").write_bytes(b"new"),
    "the clip": lambda to: flip(to / "clip.mp4"),
    "the manifest": lambda to: flip(to / "manifest.json"),
    "a line": forget_a_line,
    "no manifest": lambda to: (to / "manifest.json").unlink(),
}


@pytest.mark.parametrize("what", TAMPER)
async def test_tampering_shows(node: Path, what: str) -> None:
    to = await evidence(node)
    assert verify(to)[0] == []
    TAMPER[what](to)
    assert len(verify(to)[0]) >= 1


async def test_where_the_pictures_change_each_stretch_has_its_clip(node: Path) -> None:
    to = await evidence(node, changes=True)
    assert sorted(path.name for path in to.glob("clip*")) == ["clip-001.mp4", "clip-002.mp4"]
    assert verify(to)[0] == []


async def test_what_cannot_be_exported_is_said(node: Path, capsys: pytest.CaptureFixture[str]) -> None:
    to = await evidence(node)
    old, times = ["--data-dir", str(node)], ["--start", "2020-01-01T00:00:00Z", "--end", "2020-01-01T00:01:00Z"]
    for command in (
        ["cam", *times, "--to", str(node / "other")],
        ["nobody", *times],
        ["cam"],
        ["cam", "--start", to_iso(WALL_US), "--end", to_iso(WALL_US + SECOND), "--to", str(to)],
    ):
        with pytest.raises(SystemExit):
            await anyio.to_thread.run_sync(main, ["export", *command, *old])
    assert "is there already" in capsys.readouterr().err
    await anyio.to_thread.run_sync(main, ["export", "--list", *old])
    assert "\ncam\t" in "\n" + capsys.readouterr().out


async def test_a_manifest_over_http(data_dir: Path, tmp_path: Path) -> None:
    async with a_camera() as camera, running(data_dir) as vst:
        stream_id = await vst.add(camera.url("scene"), "Gate")
        [span] = await vst.until_recorded(stream_id, 3)
        times = f"startTime={to_iso(span.start_us)}&endTime={to_iso(span.end_us)}"
        reply = await vst.ask("GET", f"/record/{stream_id}/coverage/manifest?{times}")
        assert reply.status == 200
        file = tmp_path / "manifest.json"
        file.write_bytes(reply.body)
        problems, notes = verify(file)
        assert problems == []
        assert "Gate" in notes[0]
        assert (await vst.ask("GET", f"/record/{stream_id}/coverage/manifest")).status == 400
        assert (await vst.ask("GET", f"/record/nobody/coverage/manifest?{times}")).status == 404
