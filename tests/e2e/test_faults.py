"""Faults on the running system: any process may die, nothing committed is lost, and it comes back by itself."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.demo import Demo, demo, until
from vedette.kernel.valkey import server_binary

pytestmark = pytest.mark.e2e
CHILDREN = ("vst", "perception", "valkey", "cameras")


def vedette(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """A verb that is expected to end by itself."""
    argv = [sys.executable, "-m", "vedette", *map(str, arguments)]
    return subprocess.run(argv, capture_output=True, text=True, check=False, timeout=60)


@pytest.fixture(scope="module")
def victim(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """A demo of its own, with short segments, that may be hurt."""
    folder = Path(tmp_path_factory.mktemp("victim"))
    with demo(folder, environment={"VEDETTE_VST__SEGMENT_S": "2"}) as started:
        yield started


def segments(running: Demo, sensor_id: str) -> list[Any]:
    status, content = running.request("GET", f"/vst/api/v1/storage/{sensor_id}/timelines")
    reply = json.loads(content) if status == 200 else []
    found: list[Any] = reply[sensor_id] if isinstance(reply, dict) else reply
    return found


def recorded_end(running: Demo, sensor_id: str) -> str:
    found = segments(running, sensor_id)
    return str(found[-1]["endTime"]) if found else ""


@pytest.mark.parametrize("child", CHILDREN)
def test_a_killed_child_comes_back_and_nothing_committed_is_lost(victim: Demo, child: str) -> None:
    sensor_id = victim.cameras["Plaza"]
    before = until(lambda: recorded_end(victim, sensor_id), "a recording")
    first = segments(victim, sensor_id)[0]["startTime"]
    pid = until(lambda: victim.child_pid(child), f"the process of {child}")
    os.kill(pid, signal.SIGKILL)
    until(lambda: victim.child_pid(child) not in {0, pid}, f"{child} started again")
    until(lambda: recorded_end(victim, sensor_id) > before, "recording goes on")
    after = segments(victim, sensor_id)
    assert after[0]["startTime"] == first

    def counts_again() -> bool:
        info = victim.request("GET", "/perception/api/v1/stream/get-stream-info")
        return info[0] == 200 and b"Plaza" in info[1]

    until(counts_again, "perception watches again")


def test_the_catalogue_is_clean_after_all_that(tmp_path: Path) -> None:
    with demo(tmp_path, environment={"VEDETTE_VST__SEGMENT_S": "1"}) as running:
        until(lambda: recorded_end(running, running.cameras["Plaza"]), "a recording")
        pid = running.child_pid("vst")
        os.kill(pid, signal.SIGKILL)
        until(lambda: running.child_pid("vst") != pid, "vst started again")
    report = vedette("fsck", "--data-dir", tmp_path / "data")
    assert report.returncode == 0, report.stdout + report.stderr
    assert "clean" in report.stdout


def test_a_port_in_use_is_named(tmp_path: Path) -> None:
    with demo(tmp_path) as running:
        port = running.url.rpartition(":")[2]
        other = vedette("up", "--data-dir", tmp_path / "other", "--port", port)
        assert other.returncode == 1
        assert port in other.stderr
        assert "--port" in other.stderr
        same = vedette("up", "--data-dir", running.data_dir, "--port", "0")
        assert same.returncode == 1
        assert "Another Vedette is running" in same.stderr


def test_a_data_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    blocker = tmp_path / "file"
    blocker.write_text("", encoding="utf-8")
    result = vedette("up", "--data-dir", blocker / "data")
    assert result.returncode == 1
    assert "data folder" in result.stderr
    assert "Traceback" not in result.stderr


def test_a_bus_that_is_away_is_said_at_once(tmp_path: Path) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))  # bound and not listening: nobody else can take it
        bus = f"redis://127.0.0.1:{closed.getsockname()[1]}/0"
        result = vedette("up", "--data-dir", tmp_path / "data", "--port", "0", "--bus", bus)
    assert result.returncode == 1
    assert "message bus does not answer" in result.stderr
    assert "Traceback" not in result.stderr


def test_the_whole_system_runs_on_an_external_bus(tmp_path: Path) -> None:
    with external_server(tmp_path) as url, demo(tmp_path, "--bus", url) as running:
        status = running.get("/vst/api/v1/sensor/status")
        assert {item["state"] for item in status.values()} == {"online"}
        assert running.child_pid("valkey") == 0


@contextlib.contextmanager
def external_server(folder: Path) -> Iterator[str]:
    """A server that somebody else runs, over TCP."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    argv = [server_binary(), "--port", str(port), "--bind", "127.0.0.1", "--dir", str(folder), "--save", ""]
    with subprocess.Popen(argv, stdout=subprocess.DEVNULL) as process:
        try:

            def answers() -> bool:
                with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
                    return True
                return False

            until(answers, "the external server")
            yield f"redis://127.0.0.1:{port}/0"
        finally:
            process.terminate()
