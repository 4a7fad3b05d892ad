"""Crossings of a tripwire by one track.

The path of a track is the polyline through its anchors. Each time it crosses the wire the sign is added up; the sum is
looked at only when the track is *clear*: farther from the wire than the spatial buffer, for as long as the temporal
buffer asks, or so far (`SURE` buffers) that no jitter explains it. A sum that is not zero is then one crossing. So
jitter, standing and grazing inside the band cancel out, a pass beyond the wire's end adds nothing, a U-turn that gets
clear counts both ways, and nothing depends on how many frames the path was cut into.
"""

from dataclasses import dataclass
from typing import NamedTuple

from vedette.services.analytics.core.geometry import Box, arrow_sign, bounds, crossings, distance_to_line
from vedette.services.analytics.model.domain import Direction, Point, Wire

SURE = 4.0
"""A track this many spatial buffers away is across, whatever the temporal buffer says."""


@dataclass(frozen=True, slots=True)
class Gate:
    """A wire made ready for stepping: its direction by crossing sign, and the box in which anything can happen."""

    wire: Wire
    positive: Direction
    box: Box


class Pending(NamedTuple):
    """A track that crossed and is not clear yet: net sign, when and where it last became non-zero, clear since when."""

    net: int
    t: int
    at: Point
    clear_since: int | None = None


class Crossed(NamedTuple):
    """A crossing that counts: when and where the path met the wire."""

    direction: Direction
    t: int
    at: Point


def gate(wire: Wire) -> Gate:
    """The wire made ready; its arrow must not run along it (`geometry.arrow_sign` ≠ 0)."""
    forward = arrow_sign(wire.arrow, wire.points) > 0
    return Gate(wire, wire.along if forward else wire.along.opposite, bounds(wire.points))


def step(
    state: Pending | None, before: tuple[Point, int], now: tuple[Point, int], gate: Gate
) -> tuple[Pending | None, Crossed | None]:
    """One more piece of a track's path, from (anchor, t) to (anchor, t). None is the state of a track at rest."""
    (start, t0), (end, t1) = before, now
    state = _add(state, start, end, gate, t0, t1)
    if state is None:
        return None, None
    wire = gate.wire
    distance = distance_to_line(end, wire.points)
    if distance == 0 or distance < wire.buffer.spatial_px:
        return (state if state.clear_since is None else state._replace(clear_since=None)), None
    since = t1 if state.clear_since is None else state.clear_since
    if t1 - since < wire.buffer.temporal_us and not 0 < SURE * wire.buffer.spatial_px <= distance:
        return state._replace(clear_since=since), None
    return None, _crossed(state, gate)


def finish(state: Pending | None, gate: Gate) -> Crossed | None:
    """What is left to count when the track is forgotten: it vanished clear of the wire on the far side."""
    return _crossed(state, gate) if state is not None and state.clear_since is not None else None


def _add(state: Pending | None, start: Point, end: Point, gate: Gate, t0: int, t1: int) -> Pending | None:
    if _misses(start, end, gate.box):
        return state
    for fraction, sign in crossings(start, end, gate.wire.points):
        net = sign + (state.net if state else 0)
        if net == 0:
            state = None
        elif state is None:
            at = (start[0] + fraction * (end[0] - start[0]), start[1] + fraction * (end[1] - start[1]))
            state = Pending(net, t0 + round(fraction * (t1 - t0)), at)
        else:
            state = state._replace(net=net, clear_since=None)
    return state


def _misses(start: Point, end: Point, box: Box) -> bool:
    (x1, y1), (x2, y2) = start, end
    left, top, right, bottom = box
    return (
        (x1 < left and x2 < left)
        or (x1 > right and x2 > right)
        or (y1 < top and y2 < top)
        or (y1 > bottom and y2 > bottom)
    )


def _crossed(state: Pending, gate: Gate) -> Crossed:
    return Crossed(gate.positive if state.net > 0 else gate.positive.opposite, state.t, state.at)
