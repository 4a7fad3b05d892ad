"""Power cuts and kills: a recording service loses its disk or its life at a random instant, again and again."""

import random
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from tests.faults.disk import FileSystem, a_disk, workplace
from tests.faults.lane import Lane, Zygote, zygote
from tests.faults.oracle import Verdict

PART_US = 1_000_000
LIVES_A_DISK = 25
"""After so many cuts the next disk begins empty, so that first starts are cut, too, and files do not pile up."""
_AGEING = {"max_gib": 0.2 / 1024, "ageing_every_s": 0.5}
"""Every other disk keeps 200 KiB of recordings, so that deletions are cut, too."""
_CUT_SPEED, _KILL_SPEED = 5.0, 2.0
"""The bounds are so near to the length of a part that a busy machine must not be magnified more than this."""
_EARLY = 0.2
"""The share of cuts that come while the service still recovers from the last one."""


@dataclass
class Outcome:
    """What a campaign found."""

    cuts: int = 0
    verdict: Verdict = field(default_factory=Verdict)
    notes: list[str] = field(default_factory=list)
    ready_s: float = 0.0
    lost_us: int = 0
    """The most of a stream, had time not run faster: media of an open part count as they are, delays of the machine by
    what they took."""

    def add(self, other: "Outcome") -> None:
        """Sums two."""
        self.cuts += other.cuts
        self.verdict.add(other.verdict)
        self.notes += other.notes
        self.ready_s = max(self.ready_s, other.ready_s)
        self.lost_us = max(self.lost_us, other.lost_us)

    def line(self, name: str) -> str:
        """One row of the summary."""
        found = self.verdict
        return (
            f"{name}: {self.cuts} cuts, {found.units} units sent, {found.aged} aged out; "
            f"most lost {self.lost_us / 1e6:.1f} s a stream ({found.lost_us / 1e6:.1f} s of faster time); "
            f"undeclared {found.undeclared}, unplayable {found.unplayable}, foreign {found.foreign}, "
            f"promised and gone {found.untold}, fsck not clean {found.damaged}; "
            f"ready again and all of the past judged within {self.ready_s:.1f} s"
        )


def power_cuts(kinds: Sequence[FileSystem], cuts: int, seed: int, *, lie: bool = False) -> Outcome:
    """So many cuts in all, file systems side by side. Seeded: the same seed strikes at the same instants."""
    with workplace() as home, ThreadPoolExecutor(len(kinds)) as pool:
        share = -(-cuts // len(kinds))
        lanes = [(kind, zygote(number), random.Random(f"{seed} {kind}")) for number, kind in enumerate(kinds)]
        outcomes = pool.map(lambda lane: _lane(home, share, *lane, lie=lie), lanes)
        total = Outcome()
        for outcome in outcomes:
            total.add(outcome)
    return total


def kills(count: int, seed: int) -> Outcome:
    """So many `kill -9` of the service; the disk stays, so only what it had not written yet may be lost."""
    with workplace() as home:
        (home / "node").mkdir()
        rng = random.Random(f"{seed} kill")
        lane = Lane(home, home / "node" / "vst", rng, speed=_KILL_SPEED)
        return _lives(lane, zygote(), count, strike=lambda: None, mend=lambda: None)


def _lane(home: Path, cuts: int, kind: FileSystem, mother: Zygote, rng: random.Random, *, lie: bool) -> Outcome:
    outcome, folder = Outcome(), home / f"lane-{kind}"
    folder.mkdir()
    while outcome.cuts < cuts:
        with a_disk(folder, kind) as disk:
            settings = _AGEING if outcome.cuts // LIVES_A_DISK % 2 else {}
            lane = Lane(folder, disk.mount_point / "vst", rng, speed=_CUT_SPEED, lie=lie, settings=settings)
            lives = min(LIVES_A_DISK, cuts - outcome.cuts)
            outcome.add(_lives(lane, mother, lives, strike=disk.cut, mend=disk.power_back))
        disk.mount_point.rmdir()
    return outcome


def _lives(lane: Lane, mother: Zygote, count: int, *, strike: Callable[[], None], mend: Callable[[], None]) -> Outcome:
    try:
        for life in range(count):
            lane.one_life(mother, strike, early=life > 0 and lane.rng.random() < _EARLY)
            mend()
        lane.last_life(mother)
    finally:
        mother.kill()
        lane.close()
    return judged(lane, count)


def judged(lane: Lane, cuts: int) -> Outcome:
    """What a lane found in so many cuts."""
    lost_us = lane.total.lost_us
    late_us = max(0, lost_us - PART_US)
    return Outcome(cuts, lane.total, lane.worst, lane.slowest_s, lost_us - late_us + round(late_us / lane.speed))
