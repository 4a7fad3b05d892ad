"""The path of a track before it was confirmed, as perception hands it over with the confirming frame.

A tracker shows a track only after a few hits. A crossing within those is nowhere but in here.
"""

import itertools
import math

from vedette.services.analytics.model.domain import EarlyPosition

FORGET_US = 2_000_000
"""A track that was not seen for so long is forgotten, so no path has a longer gap."""
MOST_POSITIONS = 64
_MOST_CHARACTERS = 8192


def parse(text: str, t: int) -> tuple[EarlyPosition, ...] | None:
    """The anchors in the text under `EARLY` in a frame of `t` (µs UTC); None if it is no such path.

    Times must rise and end before `t`, without a gap longer than `FORGET_US`: a wild time would count in a wrong hour.
    """
    if len(text) > _MOST_CHARACTERS or text.count(";") >= MOST_POSITIONS:
        return None
    try:
        found = tuple(_position(part) for part in text.split(";"))
    except ValueError:
        return None
    times = (*(position.t for position in found), t)
    return found if all(0 < after - before <= FORGET_US for before, after in itertools.pairwise(times)) else None


def _position(text: str) -> EarlyPosition:
    t_text, *sides = text.split(",")
    left, top, right, bottom = map(float, sides)
    x, height = (left + right) / 2, bottom - top
    if not (math.isfinite(x) and math.isfinite(bottom) and 0 <= height < math.inf):
        raise ValueError(f"no box: {text[:80]!r}")
    return EarlyPosition(int(t_text), x, bottom, height)
