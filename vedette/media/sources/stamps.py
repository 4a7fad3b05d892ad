"""Times of a live source's access units made whole: each leaves with pts, rising dts and wall time. No I/O.

RTP gives one timestamp a unit, when it is shown, and units come in decode order. Cameras restart that clock, repeat a
timestamp now and then, and tell the wall time only once a sender report has come.
"""

from bisect import insort
from itertools import pairwise
from typing import NamedTuple

from vedette.media.depacketise import Spans
from vedette.media.rtp_receiver import ReceivedUnit
from vedette.media.unit import TICKS_PER_SECOND, ticks_to_us, us_to_90k

_DEFAULT_STEP_90K = 3000
_LONGEST_STEP_90K = TICKS_PER_SECOND
_WATCHED = 8
"""Units held back at the start, when the stream does not say whether pictures are shown in another order."""
_WATCHED_US = 500_000
_MOST_REORDERED = 16
_TRUST_US = 2_000_000
_REANCHOR_US = 500_000
_DRIFT = 5000
"""A camera's clock may lose one part in so many (200 ppm) before the smoothed wall time lags."""
_BACK_90K = TICKS_PER_SECOND
_AHEAD_90K = 10 * TICKS_PER_SECOND


class StampedUnit(NamedTuple):
    """An access unit with all of its times; `duration_90k` is the step of the one before it."""

    data: bytes
    is_keyframe: bool
    pts_90k: int
    dts_90k: int
    wall_us: int
    duration_90k: int
    spans: Spans = ()


class Stamper:
    """One session of one elementary stream.

    `reorder` is how many pictures may come before one that is shown earlier (H.264 max_num_reorder_frames, HEVC
    sps_max_num_reorder_pics); None when the stream does not say. It then is what the first units show, and grows when
    later ones show more. `clamped` counts dts that did not rise, `jumps` restarts of the source's
    clock, which `shift_90k` makes up for.
    """

    def __init__(self, *, reorder: int | None) -> None:
        self.clamped = 0
        self.jumps = 0
        self.reorder = reorder or 0
        self._watches = reorder is None
        self._held: list[tuple[ReceivedUnit, int, int]] = []
        self._recent: list[int] = []
        self.shift_90k = 0
        self._newest: tuple[int, int] | None = None
        self._step = _DEFAULT_STEP_90K
        self._last_dts: int | None = None
        self._anchor: tuple[int, int] | None = None

    def feed(self, unit: ReceivedUnit, arrival_us: int) -> list[StampedUnit]:
        """The units that are complete now, in decode order; `arrival_us` is our wall time."""
        pts = self._continued(unit.ticks, arrival_us)
        recent = self._recent
        if recent and pts < recent[-1]:
            shown_after = sum(later > pts for later in recent)
            if shown_after > self.reorder:
                self.reorder = min(shown_after, _MOST_REORDERED)
        insort(recent, pts)
        if len(recent) > _MOST_REORDERED + 1:
            del recent[0]
        if self._last_dts is not None:
            return [self._stamped(unit, pts, self._dts(pts), arrival_us)]
        self._held.append((unit, pts, arrival_us))
        if self._must_hold(arrival_us):
            return []
        return self._released()

    def _must_hold(self, arrival_us: int) -> bool:
        """At the start: until decode times are known, or the first units have shown their order."""
        if len(self._held) <= self.reorder:
            return True
        watched_us = arrival_us - self._held[0][2]
        return self._watches and len(self._held) < _WATCHED and watched_us < _WATCHED_US

    def _released(self) -> list[StampedUnit]:
        """What was held: decode times are the display times in order, and before those counted back."""
        held, self._held = self._held, []
        shown = sorted(pts for _, pts, _ in held)
        steps = [after - before for before, after in pairwise(shown) if after > before]
        step = min([*steps, _LONGEST_STEP_90K]) if steps else _DEFAULT_STEP_90K
        self._step = step
        depth = self.reorder
        early = [shown[0] - (depth - index) * step for index in range(depth)]
        return [
            self._stamped(unit, pts, dts, arrival_us)
            for (unit, pts, arrival_us), dts in zip(held, early + shown, strict=False)
        ]

    def _dts(self, pts: int) -> int:
        """The smallest display time that may still be missing; the unit's own when nothing is reordered."""
        depth = self.reorder
        recent = self._recent
        return pts if not depth else recent[max(0, len(recent) - 1 - depth)]

    def _stamped(self, unit: ReceivedUnit, pts: int, dts: int, arrival_us: int) -> StampedUnit:
        last = self._last_dts
        if last is not None:
            if dts <= last:
                dts = last + 1
                self.clamped += 1
            elif dts - last <= _LONGEST_STEP_90K:
                self._step = dts - last
        self._last_dts = dts
        if pts < dts:
            pts = dts
        wall_us = self._wall(unit, pts, arrival_us)
        return StampedUnit(unit.data, unit.is_keyframe, pts, dts, wall_us, self._step, unit.spans)

    def _continued(self, ticks: int, arrival_us: int) -> int:
        """The unit's place on a line that goes on as arrivals did when the source's clock has restarted."""
        pts = ticks + self.shift_90k
        if self._newest is not None:
            newest, last_arrival_us = self._newest
            step, waited = pts - newest, us_to_90k(arrival_us - last_arrival_us)
            if not -_BACK_90K <= step <= max(waited, 0) + _AHEAD_90K:
                self.jumps += 1
                self.shift_90k += min(max(waited, self._step), _AHEAD_90K) - step
                pts = ticks + self.shift_90k
            self._newest = max(pts, newest), arrival_us
        else:
            self._newest = pts, arrival_us
        return pts

    def _wall(self, unit: ReceivedUnit, pts: int, arrival_us: int) -> int:
        """The sender's time when it is believable, else arrival smoothed by media time.

        The smallest delay seen is the truest: a join begins with a burst of older pictures. It may grow as slowly as
        clocks drift; a source that steps away from it is anchored anew.
        """
        reported_us = unit.reported_us
        if reported_us is not None and -_TRUST_US <= reported_us - arrival_us <= _TRUST_US:
            return reported_us
        shown_us = ticks_to_us(pts)
        offset_us = arrival_us - shown_us
        latest_us = shown_us
        if self._anchor is not None:
            smallest_us, since_us = self._anchor
            latest_us = max(shown_us, since_us)
            if offset_us <= smallest_us + _REANCHOR_US:
                offset_us = min(offset_us, smallest_us + (latest_us - since_us) // _DRIFT)
        self._anchor = offset_us, latest_us
        return offset_us + shown_us
