"""Plane geometry with exact signs.

Whether a path crosses a wire is a question of signs, and a sign that rounding got wrong is a person counted twice or
not at all. `orient` is exact: a float determinant with Shewchuk's forward error bound ("Adaptive Precision Floating-
Point Arithmetic", 1997), rational arithmetic where the bound does not decide. Degenerate cases (a path through a corner
of a wire, a point on it) are resolved by symbolic perturbation (Edelsbrunner and Mücke 1990): every path is thought of
as shifted by the same infinitely small (ε, ε²), so a crossing of the wire is never seen by two segments or by none.
"""

import itertools
import math
from collections.abc import Iterable, Sequence
from fractions import Fraction
from typing import NamedTuple

from vedette.services.analytics.model.domain import Point

_ERROR_BOUND = (3.0 + 16.0 * 2.0**-53) * 2.0**-53


class Box(NamedTuple):
    """An axis-aligned bounding box, edges included."""

    left: float
    top: float
    right: float
    bottom: float


def bounds(points: Iterable[Point], margin: float = 0.0) -> Box:
    """The smallest box around the points, grown by `margin` on each side."""
    xs, ys = zip(*points, strict=True)
    return Box(min(xs) - margin, min(ys) - margin, max(xs) + margin, max(ys) + margin)


def orient(a: Point, b: Point, c: Point) -> int:
    """Sign of the determinant (b − a) × (c − a): +1, 0 or −1, exactly."""
    left = (b[0] - a[0]) * (c[1] - a[1])
    right = (b[1] - a[1]) * (c[0] - a[0])
    determinant = left - right
    bound = _ERROR_BOUND * (abs(left) + abs(right))
    if determinant > bound:
        return 1
    if determinant < -bound:
        return -1
    ax, ay, bx, by, cx, cy = map(Fraction, (*a, *b, *c))
    exact = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)
    return (exact > 0) - (exact < 0)


def side(a: Point, b: Point, path_point: Point) -> int:
    """+1 or −1: on which side of the line a → b a (perturbed) path point lies; never 0 for a ≠ b."""
    sign = orient(a, b, path_point)
    return sign or _first_sign(a[1] - b[1], b[0] - a[0])


def crossing_sign(start: Point, end: Point, a: Point, b: Point) -> int:
    """+1 or −1 if the path start → end crosses the segment a–b, by the side of a → b it ends on; else 0."""
    before, after = side(a, b, start), side(a, b, end)
    if before == after or start == end:
        return 0
    return after if _side_of_path(start, end, a) != _side_of_path(start, end, b) else 0


def crossings(start: Point, end: Point, wire: Sequence[Point]) -> list[tuple[float, int]]:
    """Where the path start → end crosses the polyline: (fraction of the path, sign), in order along the path."""
    found = []
    for a, b in itertools.pairwise(wire):
        sign = crossing_sign(start, end, a, b)
        if sign:
            found.append((_fraction(start, end, a, b), sign))
    return sorted(found) if len(found) > 1 else found


def distance_to_segment(point: Point, a: Point, b: Point) -> float:
    """Distance in pixels from a point to the segment a–b."""
    dx, dy = b[0] - a[0], b[1] - a[1]
    length2 = dx * dx + dy * dy
    along = 0.0 if length2 == 0 else ((point[0] - a[0]) * dx + (point[1] - a[1]) * dy) / length2
    along = min(1.0, max(0.0, along))
    return math.hypot(point[0] - a[0] - along * dx, point[1] - a[1] - along * dy)


def distance_to_line(point: Point, line: Sequence[Point]) -> float:
    """Distance in pixels from a point to a polyline."""
    return min(distance_to_segment(point, a, b) for a, b in itertools.pairwise(line))


def contains(corners: Sequence[Point], point: Point) -> bool:
    """Whether the polygon holds the (perturbed) point: parity of the edges left of it, each edge by exact signs."""
    inside = False
    for a, b in zip(corners, (*corners[1:], corners[0]), strict=True):
        if (a[1] > point[1]) != (b[1] > point[1]):
            upward = 1 if b[1] > a[1] else -1
            inside ^= side(a, b, point) == upward
    return inside


def arrow_sign(arrow: tuple[Point, Point], wire: Sequence[Point]) -> int:
    """The crossing sign of motion along the arrow; 0 if the arrow runs along the wire and says nothing.

    An arrow that crosses the wire decides by its crossings, any other by the wire segment nearest to its middle.
    """
    net = sum(sign for _, sign in crossings(*arrow, wire))
    if net:
        return 1 if net > 0 else -1
    (x1, y1), (x2, y2) = arrow
    middle = ((x1 + x2) / 2, (y1 + y2) / 2)
    a, b = min(itertools.pairwise(wire), key=lambda segment: distance_to_segment(middle, *segment))
    cross = (b[0] - a[0]) * (y2 - y1) - (b[1] - a[1]) * (x2 - x1)
    return (cross > 0) - (cross < 0)


def crosses_itself(corners: Sequence[Point]) -> bool:
    """Whether two edges of the closed polygon that are not neighbours meet, or the polygon has no area."""
    edges = list(zip(corners, (*corners[1:], corners[0]), strict=True))
    if all(orient(corners[0], corners[1], corner) == 0 for corner in corners[2:]):
        return True
    for first, (a, b) in enumerate(edges):
        for second in range(first + 2, len(edges) - (first == 0)):
            if _touch(a, b, *edges[second]):
                return True
    return False


def _touch(a: Point, b: Point, c: Point, d: Point) -> bool:
    abc, abd, cda, cdb = orient(a, b, c), orient(a, b, d), orient(c, d, a), orient(c, d, b)
    if abc != abd and cda != cdb:
        return True
    return not any((abc, abd, cda, cdb)) and _overlap(bounds((a, b)), bounds((c, d)))


def _overlap(one: Box, other: Box) -> bool:
    across = one.left <= other.right and other.left <= one.right
    return across and one.top <= other.bottom and other.top <= one.bottom


def _side_of_path(start: Point, end: Point, point: Point) -> int:
    return orient(start, end, point) or _first_sign(end[1] - start[1], start[0] - end[0])


def _first_sign(first: float, second: float) -> int:
    decisive = first or second
    return (decisive > 0) - (decisive < 0)


def _fraction(start: Point, end: Point, a: Point, b: Point) -> float:
    dx, dy = b[0] - a[0], b[1] - a[1]
    before = dx * (start[1] - a[1]) - dy * (start[0] - a[0])
    after = dx * (end[1] - a[1]) - dy * (end[0] - a[0])
    return min(1.0, max(0.0, before / (before - after))) if before != after else 0.0
