"""`vedette camera` refuses options that make no sense before it serves anything."""

import argparse
from dataclasses import replace
from itertools import islice
from pathlib import Path

import anyio
import pytest

from vedette.kernel.clock import FakeClock
from vedette.kernel.errors import Fault
from vedette.tools import camera
from vedette.tools.camera import Opener, OpenLoop, Shelf, StreamSpec, open_scene, options
from vedette.tools.camera.options import loopback_addresses


def planned(*arguments: str) -> tuple[dict[str, Opener], dict[str, Opener]]:
    parser = argparse.ArgumentParser()
    camera.add_options(parser)
    return options.planned(parser.parse_args(arguments))


def refused(*arguments: str) -> str:
    parser = argparse.ArgumentParser()
    camera.add_options(parser)
    chosen = parser.parse_args([*arguments, "--port", "0"])

    async def run() -> None:
        with anyio.fail_after(10):
            await camera.serve(chosen, clock=FakeClock())

    with pytest.raises(Fault) as caught:
        anyio.run(run)
    assert caught.value.status == 400
    return caught.value.message


def test_a_user_needs_a_password_file(tmp_path: Path) -> None:
    empty, binary = tmp_path / "empty", tmp_path / "binary"
    empty.write_text("")
    binary.write_bytes(b"\xff\xfe\xff")
    assert "go together" in refused("scene", "--user", "u")
    assert "go together" in refused("scene", "--password-file", str(empty))
    assert "empty" in refused("scene", "--user", "u", "--password-file", str(empty))
    assert "cannot be read" in refused("scene", "--user", "u", "--password-file", str(binary))
    assert "cannot be read" in refused("scene", "--user", "u", "--password-file", str(tmp_path / "none"))


def test_files_sizes_and_copies_are_checked_first(tmp_path: Path) -> None:
    assert "cannot be read" in refused(str(tmp_path / "none.mp4"))
    assert "1 to 1000" in refused("scene", "--copies", "0")
    assert "cannot be drawn" in refused("scene", "--width", "641")
    assert "cannot be read" in refused("--loop", str(tmp_path / "none.mp4"))
    assert "not both" in refused("scene", "--cameras", "2")
    assert "Name a video file" in refused()
    assert "1 to 1000" in refused("--cameras", "2000")
    assert "no size" in refused("scene", "--size", "big")
    assert "no B-frames" in refused("--cameras", "1", "--codec", "av1", "--b-frames", "2")


def test_network_options_are_checked_too() -> None:
    small = ("scene", "--width", "320", "--height", "180")
    assert "need --onvif" in refused(*small, "--discovery", "0")
    assert "need --onvif" in refused(*small, "--motion", "1")
    assert "--motion goes from" in refused(*small, "--onvif", "0", "--motion", "0")
    assert "no IPv4 address" in refused("scene", "--addresses", "here")
    assert "loopback" in refused("scene", "--addresses", "192.168.1.1")


def test_what_is_planned() -> None:
    wanted = ("--size", "1920x1080", "--fps", "30", "--audio", "aac", "--sub", "--kbps", "4000")
    sources, subs = planned("--cameras", "3", *wanted)
    assert list(sources) == ["camera-1", "camera-2", "camera-3"]
    main = StreamSpec("h264", 1920, 1080, 30, 30, kbps=4000, audio="aac")
    assert sources["camera-1"].encoded_as() == main
    assert subs["camera-3"].encoded_as() == replace(main, width=320, height=180, kbps=500)
    sources, subs = planned("scene", "--gop", "60")
    assert sources["scene"].encoded_as() == StreamSpec(gop=60)
    sources, subs = planned("scene", "--sub", "small.mp4")
    assert sources["scene"] == open_scene()
    assert subs["scene"] == OpenLoop("small.mp4", Shelf())
    sources, _ = planned("--loop", "x.mp4")
    assert sources == {"camera-1": OpenLoop("x.mp4", Shelf())}
    assert list(islice(loopback_addresses("127.0.1.254"), 3)) == ["127.0.1.254", "127.0.1.255", "127.0.2.0"]
