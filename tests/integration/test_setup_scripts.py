"""Set-up on machines unlike this one: broken shims, pyenv only, no Python; and steps that know when to run."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from scripts.set_up import Steps, digest

ROOT = Path(__file__).resolve().parents[2]
FIND_PYTHON = ROOT / "scripts" / "find_python.sh"
COMMANDS = ("sh", "id", "cut", "grep", "sort", "ls", "cat")


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """A machine whose PATH has a shell's everyday commands and no Python."""
    commands = tmp_path / "bin"
    commands.mkdir()
    for name in COMMANDS:
        found = next(folder for folder in ("/usr/bin", "/bin") if Path(folder, name).exists())
        (commands / name).symlink_to(Path(found, name))
    return tmp_path


def program(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)


def find_python(machine: Path, **env: str) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": str(machine / "bin"), "HOME": str(machine), **env}
    return subprocess.run([FIND_PYTHON], env=environment, capture_output=True, text=True, check=False)


def this_python() -> str:
    return os.path.realpath(sys.executable)


def working(path: Path) -> None:
    program(path, f'exec {this_python()} "$@"')


def test_a_shim_that_does_not_run_is_passed_over(machine: Path) -> None:
    program(machine / "bin/python3.14", "echo 'pyenv: python3.14: command not found' >&2; exit 127")
    working(machine / "bin/python3.12")
    found = find_python(machine)
    assert found.returncode == 0
    assert os.path.realpath(found.stdout.strip()) == this_python()


def test_an_old_python3_does_not_count(machine: Path) -> None:
    program(machine / "bin/python3", "exit 1")  # what the check of versions ends with
    found = find_python(machine)
    assert found.returncode == 1
    assert "Python 3.12 or newer" in found.stderr
    assert found.stdout == ""


def test_pyenv_is_asked_newest_first(machine: Path) -> None:
    root = machine / "pyenv"
    log = machine / "asked"
    for version in ("2.7.18", "3.9.18", "3.12.1", "3.12.10", "3.13.0"):
        program(root / f"versions/{version}/bin/python", f"echo {version} >>{log}; exit 1")
    assert find_python(machine, PYENV_ROOT=str(root)).returncode == 1
    asked = log.read_text().split()
    assert asked[:4] == ["3.13.0", "3.12.10", "3.12.1", "3.9.18"]
    assert "2.7.18" not in asked


def test_pyenv_is_found_without_its_shims(machine: Path) -> None:
    working(machine / ".pyenv/versions/3.13.0/bin/python")
    found = find_python(machine)
    assert os.path.realpath(found.stdout.strip()) == this_python()


def test_a_step_runs_when_something_changed_or_its_result_is_gone(tmp_path: Path) -> None:
    stamp, result = tmp_path / "stamps" / "step", tmp_path / "result"
    runs: list[str] = []

    def run(key: str) -> None:
        def work() -> None:
            result.touch()
            runs.append(key)

        Steps().run("a step", stamp=stamp, key=key, result=result, work=work)

    for key in ("one", "one", "two", "two"):
        run(key)
    assert runs == ["one", "two"]
    result.unlink()
    run("two")
    assert runs == ["one", "two", "two"]


def test_a_step_that_failed_runs_again(tmp_path: Path) -> None:
    def fail() -> None:
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        Steps().run("a step", stamp=tmp_path / "stamp", key="one", result=tmp_path, work=fail)
    assert not (tmp_path / "stamp").exists()


def test_a_digest_sees_names_contents_and_borders() -> None:
    assert digest(["ab", "c"]) != digest(["a", "bc"])
    assert digest([ROOT / "Makefile"]) != digest([ROOT / "mkdocs.yml"])
    assert digest([ROOT / "Makefile"]) == digest([ROOT / "Makefile"])
