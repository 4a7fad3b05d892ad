"""R9: a wall clock that is set, by an hour, a day or half a century, costs nothing but a seam."""

import random
from collections.abc import Callable, Sequence

from tests.faults.disk import workplace
from tests.faults.lane import Lane, zygote
from tests.faults.oracle import Verdict

HOUR = 3600.0
AGED_AFTER_H = 2.0
MOST_US = 2_000_000


def set_clock(steps: Sequence[float], seed: int, *, epoch_us: int = 0) -> Verdict:
    """Records, sets the clock, records, … and judges. What is older than two hours may be deleted, but not while the
    clock is not to be trusted: nothing is."""
    with workplace() as home:
        data_dir = home / "node" / "vst"
        data_dir.parent.mkdir()
        settings = {"min_free_gib": 0, "max_age_h": AGED_AFTER_H, "ageing_every_s": 2}
        lane = Lane(home, data_dir, random.Random(seed), cameras=4, speed=12.0, settings=settings, epoch_us=epoch_us)
        mother = zygote()
        try:
            lane.begin(mother)
            for step in (0.0, *steps):
                lane.step(step)
                before = [sent.last for sent in lane.sent()]
                lane.until(
                    lambda before=before: all(  # type: ignore[misc]
                        sent.last > last + 80 for sent, last in zip(lane.sent(), before, strict=True)
                    ),
                    "eight seconds",
                )
            lane.end(mother)
            lane.settings = {"min_free_gib": 0}  # a service that starts with the new time may age what bears the old
            lane.last_life(mother)
        finally:
            mother.kill()
            lane.close()
    assert lane.total.units > 4 * 80 * len(steps)
    assert lane.total.broken == 0, "\n".join(lane.worst[:20])
    return lane.total


def test_a_clock_that_is_set(seed: int, measured: Callable[[str], None]) -> None:
    steps = [HOUR, -HOUR, -24 * HOUR, 48 * HOUR]
    found = set_clock(steps, seed)
    measured(f"clock +1 h, -1 h, -1 d, +2 d: {found.units} units, {found.inside} missing at seams, 0 twice, 0 deleted")
    assert found.inside * 100_000 <= MOST_US * len(steps)


def test_a_box_that_wakes_up_in_1970(seed: int, measured: Callable[[str], None]) -> None:
    found = set_clock([1_790_000_000.0], seed, epoch_us=60_000_000)
    measured(f"clock 1970 to now: {found.units} units, {found.inside} missing at the seam, 0 twice, 0 deleted")
    assert found.inside * 100_000 <= MOST_US
