"""R1, R4: what is listed as recorded survives a power cut (2 s lost at most) and a kill (1 s at most)."""

from collections.abc import Callable

import pytest

from tests.faults.images import any_instant, lost_writes
from tests.faults.powercut import Outcome, kills, power_cuts

CUT_US = 2_000_000
SLOW_US = 5_000_000
"""A disk that a process serves takes its time to flush; what counts there is that no promise is broken."""
KILL_US = 1_100_000
"""The second that is promised, and the frame of 100 ms that says where it ends."""


def hold(outcome: Outcome, most_us: int = CUT_US) -> None:
    assert outcome.verdict.units > 10 * outcome.cuts, "hardly anything was recorded: the campaign saw nothing"
    assert outcome.verdict.broken == 0, "\n".join(outcome.notes[:20])
    assert outcome.lost_us <= most_us


def test_a_hundred_power_cuts(seed: int, need: Callable[..., None], measured: Callable[[str], None]) -> None:
    need("ext4", "xfs")
    outcome = power_cuts(("ext4", "xfs"), 100, seed)
    measured(outcome.line("power cut, ext4 and xfs"))
    hold(outcome)


@pytest.mark.long
def test_five_thousand_power_cuts(seed: int, need: Callable[..., None], measured: Callable[[str], None]) -> None:
    need("ext4", "xfs")
    outcome = power_cuts(("ext4", "xfs"), 5000, seed)
    measured(outcome.line("power cut, long, ext4 and xfs"))
    hold(outcome)


def test_a_recorder_that_does_not_flush_is_found_out(
    seed: int, need: Callable[..., None], measured: Callable[[str], None]
) -> None:
    need("ext4")
    outcome = power_cuts(("ext4",), 5, seed, lie=True)
    measured(outcome.line("control: power cut without flushing"))
    assert outcome.verdict.broken > 0


@pytest.mark.parametrize("count", [6, pytest.param(5000, marks=pytest.mark.long)])
def test_an_image_of_any_instant(
    count: int, seed: int, need: Callable[..., None], measured: Callable[[str], None]
) -> None:
    need("ext4", "xfs")
    outcome = any_instant(count, seed)
    measured(outcome.line("image of any instant"))
    hold(outcome, SLOW_US)


def test_a_disk_that_loses_and_reorders_what_was_not_flushed(
    seed: int, need: Callable[..., None], measured: Callable[[str], None]
) -> None:
    need("ext4", "fuse")
    outcome = lost_writes(10, seed)
    measured(outcome.line("volatile disk, cut inside a write"))
    hold(outcome, SLOW_US)


@pytest.mark.long
def test_two_thousand_images_of_a_volatile_disk(
    seed: int, need: Callable[..., None], measured: Callable[[str], None]
) -> None:
    need("ext4", "fuse")
    outcome = lost_writes(2000, seed)
    measured(outcome.line("volatile disk, long"))
    hold(outcome, SLOW_US)


def test_a_disk_that_lies_about_flushes_is_found_out(
    seed: int, need: Callable[..., None], measured: Callable[[str], None]
) -> None:
    need("ext4", "fuse")
    outcome = lost_writes(3, seed, lie=True)
    measured(outcome.line("control: a disk that lies"))
    assert outcome.verdict.broken > 0


def test_kill_at_any_instant(seed: int, measured: Callable[[str], None]) -> None:
    outcome = kills(10, seed)
    measured(outcome.line("kill -9"))
    hold(outcome, KILL_US)


@pytest.mark.long
def test_five_hundred_kills(seed: int, measured: Callable[[str], None]) -> None:
    outcome = kills(500, seed)
    measured(outcome.line("kill -9, long"))
    hold(outcome, KILL_US)
