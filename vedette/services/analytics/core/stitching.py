"""Short id losses: a track that vanished and a new one that appears where it should be now are one track.

A detector that misses a person for a moment makes the tracker give out a new id. Exactly at a wire that would lose the
crossing, and inside an ROI it would invent an exit and an entry. So a new id takes over the state of a lost track of
the same class that was seen at most `STITCH_US` ago, whose last or predicted anchor lies within `REACH` box heights,
and whose box has about the same height. The nearest pairs are joined first, each track once.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Protocol

from vedette.services.analytics.model.domain import Sighting

STITCH_US = 1_000_000
REACH = 0.5
LEAST_REACH_PX = 12.0
_TALLER = 1.5
_SMOOTHING_US = 300_000


class Trace(Protocol):
    """What stitching wants to know of a track: last anchor, velocity in px/s, time, class and box height."""

    @property
    def at(self) -> tuple[float, float]: ...
    @property
    def velocity(self) -> tuple[float, float]: ...
    @property
    def t(self) -> int: ...
    @property
    def object_type(self) -> str: ...
    @property
    def height(self) -> float: ...


def smoothed(
    velocity: tuple[float, float], before: tuple[float, float], now: tuple[float, float], dt_us: int
) -> tuple[float, float]:
    """Velocity in px/s after one more step of the path, by a first-order low-pass that does not mind the frame rate."""
    weight = dt_us / (dt_us + _SMOOTHING_US)
    seconds = dt_us / 1e6
    return (
        velocity[0] + weight * ((now[0] - before[0]) / seconds - velocity[0]),
        velocity[1] + weight * ((now[1] - before[1]) / seconds - velocity[1]),
    )


def match(lost: Mapping[str, Trace], new: Sequence[Sighting], t: int) -> dict[str, str]:
    """New id → lost id, one to one; ids without a partner are not in it."""
    pairs = sorted(
        (distance, item.track_id, lost_id)
        for lost_id, trace in lost.items()
        if 0 < t - trace.t <= STITCH_US
        for item in new
        if (distance := _distance(trace, item, t)) is not None
    )
    heirs: dict[str, str] = {}
    taken: set[str] = set()
    for _, new_id, lost_id in pairs:
        if new_id not in heirs and lost_id not in taken:
            heirs[new_id] = lost_id
            taken.add(lost_id)
    return heirs


def _distance(trace: Trace, item: Sighting, t: int) -> float | None:
    if item.object_type != trace.object_type:
        return None
    low, high = sorted((item.height, trace.height))
    if high > low * _TALLER and low > 0:
        return None
    seconds = (t - trace.t) / 1e6
    x, y = trace.at
    dx, dy = trace.velocity[0] * seconds, trace.velocity[1] * seconds
    distance = min(math.hypot(item.x - x, item.y - y), math.hypot(item.x - x - dx, item.y - y - dy))
    return distance if distance <= max(LEAST_REACH_PX, REACH * high) else None
