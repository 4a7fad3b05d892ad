"""What the fault campaign measures, as figures: power cuts, kills, rotations, a disk that wraps."""

import secrets

from bench.table import Figure
from tests.faults.diskful import FLOOR, MIB, station, wrap
from tests.faults.powercut import Outcome, kills, power_cuts
from tests.faults.rotation import rotate


def powercut() -> list[Figure]:
    """A hundred power cuts on ext4 and xfs, twenty kills."""
    seed = secrets.randbelow(1_000_000)
    cuts, killed = power_cuts(("ext4", "xfs"), 100, seed), kills(20, seed)
    return [
        _figure("power cuts, ext4 and xfs", cuts, 2.0, seed),
        _figure("kill -9", killed, 1.0, seed),
    ]


def rotation() -> list[Figure]:
    """Ten thousand segments; raises when a unit is missing."""
    return [Figure("segment rotations", rotate(10_000, 1), "0 of 10,000 lose a frame", True)]


def retention() -> list[Figure]:
    """A disk of 200 MB that is written over ten times; raises when a write fails."""
    with station(1, 200 * MIB, cameras=4, padding=80_000, settings=FLOOR) as place:
        found = wrap(place, 10)
    return [Figure("retention on a disk of 200 MB", found, "≥ 10 wraps, 0 failed writes", True)]


def _figure(name: str, outcome: Outcome, most_s: float, seed: int) -> Figure:
    found = outcome.verdict
    return Figure(
        f"{name}: {outcome.cuts} times",
        f"{outcome.lost_us / 1e6:.1f} s lost at most; {found.broken} promises broken",
        f"≤ {most_s:g} s, 0",
        found.broken == 0 and outcome.lost_us <= most_s * 1e6,
        f"{found.units} units sent, seed {seed}",
    )
