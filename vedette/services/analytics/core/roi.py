"""Presence of one track in an ROI.

A track changes side when its anchor is beyond the edge by the spatial buffer for the temporal buffer, or by `SURE`
buffers at once; until then it stays where it was, so a track that jitters on the edge neither enters nor leaves. A new
track is where it is first seen. Entries minus exits is at every moment the number of tracks inside.
"""

from dataclasses import dataclass
from typing import NamedTuple

from vedette.services.analytics.core.geometry import Box, bounds, contains, distance_to_line
from vedette.services.analytics.model.domain import Passage, Point, Region

SURE = 4.0
"""A track this many spatial buffers beyond the edge has passed it, whatever the temporal buffer says."""


@dataclass(frozen=True, slots=True)
class Zone:
    """An ROI made ready for stepping: its closed edge, and its bounding box."""

    region: Region
    edge: tuple[Point, ...]
    box: Box


class Presence(NamedTuple):
    """Where a track is, since when its anchor has been on the other side of the edge, and clear of it."""

    inside: bool
    beyond_since: int | None = None
    clear_since: int | None = None


class Passed(NamedTuple):
    """An entry or exit that counts, and when the anchor was first beyond the edge."""

    passage: Passage
    t: int


OUTSIDE = Presence(inside=False)


def zone(region: Region) -> Zone:
    """The region made ready."""
    return Zone(region, (*region.corners, region.corners[0]), bounds(region.corners))


def first(anchor: Point, t: int, zone: Zone) -> tuple[Presence, Passed | None]:
    """Where a new track is; one that begins inside has entered."""
    if _within(anchor, zone):
        return Presence(inside=True), Passed(Passage.ENTRY, t)
    return OUTSIDE, None


def step(state: Presence, anchor: Point, t: int, zone: Zone) -> tuple[Presence, Passed | None]:
    """One more anchor of a track."""
    if _within(anchor, zone) == state.inside:
        return (state if state.beyond_since is None else Presence(state.inside)), None
    buffer = zone.region.buffer
    beyond = t if state.beyond_since is None else state.beyond_since
    distance = distance_to_line(anchor, zone.edge)
    if distance < buffer.spatial_px:
        return Presence(state.inside, beyond), None
    clear = t if state.clear_since is None else state.clear_since
    if t - clear < buffer.temporal_us and not 0 < SURE * buffer.spatial_px <= distance:
        return Presence(state.inside, beyond, clear), None
    return Presence(not state.inside), Passed(Passage.EXIT if state.inside else Passage.ENTRY, beyond)


def _within(anchor: Point, zone: Zone) -> bool:
    x, y = anchor
    left, top, right, bottom = zone.box
    return left <= x <= right and top <= y <= bottom and contains(zone.region.corners, anchor)
