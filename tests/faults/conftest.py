"""The seed of a campaign, the features it needs, and what it measured, printed at the end."""

import os
import secrets
import shutil
from collections.abc import Callable

import pytest

# What makes file systems lies where root looks and other users' shells do not.
os.environ["PATH"] = os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin", "/sbin"))

_LINES = pytest.StashKey[list[str]]()
TOOLS = {
    "ext4": ("mkfs.ext4", "losetup", "mount"),
    "xfs": ("mkfs.xfs", "losetup", "mount"),
    "fuse": ("fusermount3",),
    "cc": ("cc",),
}


@pytest.fixture
def seed(request: pytest.FixtureRequest) -> int:
    """Every random choice comes from it; `--seed` plays a run again."""
    chosen: int | None = request.config.getoption("--seed")
    value = secrets.randbelow(1_000_000) if chosen is None else chosen
    request.config.stash.setdefault(_LINES, []).append(f"{request.node.name}: --seed {value}")
    return value


@pytest.fixture
def measured(request: pytest.FixtureRequest) -> Callable[[str], None]:
    """Takes a line for the summary."""
    return request.config.stash.setdefault(_LINES, []).append


@pytest.fixture
def need() -> Callable[..., None]:
    """Skips with a reason where a feature is missing; in continuous integration a missing one is a failure."""

    def check(*features: str) -> None:
        missing = [tool for feature in features for tool in TOOLS[feature] if shutil.which(tool) is None]
        if os.geteuid() != 0:
            missing.append("root")
        if missing and os.environ.get("CI"):
            pytest.fail(f"the fault campaign needs {', '.join(missing)}: run make peers")
        if missing:
            pytest.skip(f"needs {', '.join(missing)}")

    return check


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """What was measured, green or not."""
    lines = config.stash.get(_LINES, [])
    if lines:
        terminalreporter.section("fault campaign")
        for line in lines:
            terminalreporter.write_line(line)
