"""`vedette camera`: files and the scene as cameras, copies of one reader, and faults on demand."""

import asyncio
import json
import os
import sys
from itertools import pairwise
from pathlib import Path

import anyio
import anyio.to_thread
import av
import numpy as np
import pytest

from tests.support import clips
from tests.support.rtsp_client import connected
from vedette.kernel.clock import SystemClock
from vedette.kernel.errors import Fault
from vedette.media.scene import read_barcode
from vedette.tools.camera import Camera, named_sources, open_file, open_scene


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("clip") / "Gate 1.h264"
    path.write_bytes(b"".join(unit.data for unit in clips.encode(25, gop=5)))
    return path


def scene_numbers(url: str, count: int) -> list[int | None]:
    numbers: list[int | None] = []
    with av.open(url, options={"rtsp_transport": "tcp"}, timeout=(10, 5)) as container:
        for frame in container.decode(video=0):
            numbers.append(read_barcode(np.asarray(frame.to_ndarray(format="bgr24"), np.uint8)))
            if len(numbers) == count:
                break
    return numbers


def clip_numbers(url: str, count: int) -> list[int]:
    numbers: list[int] = []
    with av.open(url, options={"rtsp_transport": "tcp"}, timeout=(10, 5)) as container:
        for frame in container.decode(video=0):
            numbers.append(clips.read_number(np.asarray(frame.to_ndarray(format="gray"), np.uint8)))
            if len(numbers) == count:
                break
    return numbers


def test_the_scene_arrives_frame_by_frame() -> None:
    async def run() -> list[int | None]:
        async with Camera({"scene": open_scene(fps=30, width=320, height=180)}, clock=SystemClock()) as camera:
            return await anyio.to_thread.run_sync(scene_numbers, camera.url("scene"), 40)

    numbers = anyio.run(run)
    first = numbers[0]
    assert first is not None
    assert numbers == list(range(first, first + 40))


def test_copies_share_one_reader_and_loop(clip: Path) -> None:
    async def run() -> None:
        async with Camera({"gate": open_file(clip)}, clock=SystemClock(), copies=3) as camera:
            assert camera.names == ["gate-0", "gate-1", "gate-2"]
            found: list[list[int]] = []

            async def watch(name: str) -> None:
                found.append(await anyio.to_thread.run_sync(clip_numbers, camera.url(name), 40))

            async with anyio.create_task_group() as group:
                for name in camera.names:
                    group.start_soon(watch, name)
            for numbers in found:
                assert [(b - a) % 25 for a, b in pairwise(numbers)] == [1] * 39
            sent = sum(client.units for client in camera.server.clients)
            assert camera.server.counters.packetised_units < 2 * 40 + sent

    anyio.run(run)


def test_faults_and_recovery(clip: Path) -> None:
    async def run() -> None:
        sources = {"a": open_file(clip), "b": open_file(clip)}
        async with Camera(sources, clock=SystemClock()) as camera:
            async with connected(camera.port) as client:
                await client.set_up("/a")
                await client.ask("PLAY", "/a")
                await client.frame()
                camera.stall("a")
                assert (await client.ask("GET_PARAMETER", "/a")).status == 200
                before = camera.server.clients[0].units
                client.frames.clear()
                camera.resume("a")
                while camera.server.clients[0].units == before:
                    await client.frame()
                camera.drop("b")
                assert (await client.ask("GET_PARAMETER", "/a")).status == 200
                camera.drop()
                await client.ended()
            camera.refuse("a")
            async with connected(camera.port) as client:
                assert (await client.ask("DESCRIBE", "/a")).status == 503
                assert (await client.ask("DESCRIBE", "/b")).status == 200
                assert (await client.ask("DESCRIBE", "/c")).status == 404
            camera.resume()
            assert len(await anyio.to_thread.run_sync(clip_numbers, camera.url("a"), 5)) == 5
            with pytest.raises(Fault, match="no camera"):
                camera.stall("c")

    anyio.run(run)


def test_control_lines(clip: Path) -> None:
    camera = Camera({"a": open_file(clip)}, clock=SystemClock())
    assert camera.control(b'{"command": "stall", "name": "a"}') == {"ok": True}
    assert camera.control(b'{"command": "resume"}') == {"ok": True}
    for line in (
        b"",
        b"no json",
        b"[]",
        b'{"command": "explode"}',
        b'{"command": []}',
        b'{"command": "stall", "name": 7}',
    ):
        assert camera.control(line)["ok"] is False


def test_names_of_the_command_line() -> None:
    items = ["scene", "/x/Gate 1.mp4", "a=/x/b.mp4", "/y/a.avi", "left=scene"]
    assert list(named_sources(items)) == ["scene", "Gate-1", "a", "a-2", "left"]


PROGRAM = """
import argparse, anyio
from vedette.tools import camera
parser = argparse.ArgumentParser()
camera.add_options(parser)
anyio.run(camera.serve, parser.parse_args())
"""


def test_the_program_prints_urls_and_obeys(clip: Path, tmp_path: Path) -> None:
    secret = tmp_path / "password"
    secret.write_text("hush\n")

    async def run() -> None:
        arguments = ["--port", "0", "--user", "u", "--password-file", str(secret), "scene", f"gate={clip}"]
        child = await asyncio.create_subprocess_exec(
            sys.executable,
            "-c",
            PROGRAM,
            *arguments,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": os.getcwd()},
        )
        assert child.stdin is not None
        assert child.stdout is not None
        try:
            urls = [(await child.stdout.readline()).decode().strip() for _ in range(2)]
            assert [url.rsplit("/", 1)[-1] for url in urls] == ["scene", "gate"]
            with_user = urls[1].replace("rtsp://", "rtsp://u:hush@")
            assert len(await anyio.to_thread.run_sync(clip_numbers, with_user, 3)) == 3
            with pytest.raises(av.error.HTTPUnauthorizedError):
                await anyio.to_thread.run_sync(clip_numbers, urls[1], 3)
            child.stdin.write(b'{"command": "refuse", "name": "gate"}\n')
            assert json.loads(await child.stdout.readline()) == {"ok": True}
            with pytest.raises(av.error.FFmpegError):
                await anyio.to_thread.run_sync(clip_numbers, with_user, 3)
        finally:
            child.terminate()
            await child.communicate()

    anyio.run(run)
