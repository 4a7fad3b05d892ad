"""The lock is complete, pinned with hashes, and works with whatever package index a machine uses."""

import re
import tomllib
from pathlib import Path

import pytest

LOCKS = ("runtime.txt", "dev.txt")
HOST_NAME = re.compile(
    r"://|\b[a-z0-9-]+\.(?:org|com|net|io|dev|eu|cn)\b|--(?:index-url|extra-index-url|find-links|trusted-host)"
)
PIN = re.compile(r"^(?P<name>[A-Za-z0-9._-]+)(?:\[[^]]+])?==(?P<version>[^ ;\\]+)")


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def entries(text: str) -> dict[tuple[str, str], int]:
    """(name, version) → number of hashes."""
    found: dict[tuple[str, str], int] = {}
    current: tuple[str, str] | None = None
    for line in text.splitlines():
        pin = PIN.match(line)
        if pin:
            current = (normal(pin["name"]), pin["version"])
            found[current] = 0
        if current and "--hash=sha256:" in line:
            found[current] += 1
    return found


@pytest.fixture(scope="module")
def locks(root: Path) -> dict[str, str]:
    return {name: (root / "requirements" / name).read_text() for name in LOCKS}


@pytest.mark.parametrize("name", LOCKS)
def test_a_lock_names_no_host(name: str, locks: dict[str, str]) -> None:
    assert [line for line in locks[name].splitlines() if HOST_NAME.search(line)] == []


@pytest.mark.parametrize("name", LOCKS)
def test_every_pin_has_a_hash(name: str, locks: dict[str, str]) -> None:
    pins = entries(locks[name])
    assert len(pins) > 30
    assert [pin for pin, hashes in pins.items() if hashes == 0] == []
    loose = [line for line in locks[name].splitlines() if line and line[0] not in " #" and not PIN.match(line)]
    assert loose == []


def test_development_has_every_package_of_the_product_in_the_same_version(locks: dict[str, str]) -> None:
    assert entries(locks["runtime.txt"]).keys() <= entries(locks["dev.txt"]).keys()


def test_every_dependency_is_locked(root: Path, locks: dict[str, str]) -> None:
    project = tomllib.loads((root / "pyproject.toml").read_text())
    declared = {"runtime.txt": project["project"]["dependencies"], "dev.txt": project["dependency-groups"]["dev"]}
    for lock, requirements in declared.items():
        names = {normal(re.split(r"[\[<>=!~; ]", requirement)[0]) for requirement in requirements}
        missing = names - {name for name, _ in entries(locks[lock])}
        assert not missing, f"run `make lock`: requirements/{lock} lacks {missing}"


def test_the_check_sees_addresses() -> None:
    assert HOST_NAME.search("--index-url https://example.org/simple")
    assert HOST_NAME.search("a==1 # from files.example.com")
    assert not HOST_NAME.search("msgspec==0.22.0 \\")
