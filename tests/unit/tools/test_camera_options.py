"""`vedette camera` refuses options that make no sense before it serves anything."""

import argparse
from pathlib import Path

import anyio
import pytest

from vedette.kernel.clock import FakeClock
from vedette.kernel.errors import Fault
from vedette.tools import camera


def refused(*arguments: str) -> str:
    parser = argparse.ArgumentParser()
    camera.add_options(parser)
    options = parser.parse_args([*arguments, "--port", "0"])

    async def run() -> None:
        with anyio.fail_after(10):
            await camera.serve(options, clock=FakeClock())

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
