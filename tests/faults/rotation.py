"""A recorder that finishes a segment at every keyframe, as fast as it can."""

import random

from tests.faults.disk import workplace
from tests.faults.lane import Lane, zygote

SPEED = 16.0
CAMERAS = 6


def rotate(times: int, seed: int) -> str:
    """Records until so many segments were finished, in segments of one second and one GOP; then reads every unit."""
    with workplace() as home:
        data_dir = home / "node" / "vst"
        data_dir.parent.mkdir()
        settings = {"min_free_gib": 0, "segment_s": 1}
        lane = Lane(home, data_dir, random.Random(seed), cameras=CAMERAS, speed=SPEED, settings=settings)
        mother = zygote()

        def finished() -> int:
            return sum(1 for _ in (data_dir / "media").rglob("*.mp4"))

        try:
            lane.begin(mother)
            lane.until(
                lambda: sum(sent.last - sent.first for sent in lane.sent()) > times * 11 and finished() >= times,
                f"{times} rotations",
                within_s=1200,
            )
            lane.end(mother)
            segments = finished()
            lane.last_life(mother)
        finally:
            mother.kill()
            lane.close()
    found = lane.total
    assert segments >= times
    assert found.broken == 0, "\n".join(lane.worst[:20])
    assert found.inside == 0, f"{found.inside} units are missing"
    return f"{segments} segments, {found.units} units sent, 0 missing, 0 repeated, 0 out of order before the kill"
