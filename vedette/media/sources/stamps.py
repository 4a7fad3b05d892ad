"""Timestamps of packets as a live source gives them, made whole: every unit leaves with pts, rising dts and wall time.

Sources lack the timestamps of their first packets, repeat a dts now and then, restart their clock, and know the wall
time only once a sender report has come. No I/O.
"""

from dataclasses import dataclass, replace
from typing import NamedTuple

from vedette.kernel.errors import Fault
from vedette.media.unit import TICKS_PER_SECOND, ticks_to_us, us_to_90k

_DEFAULT_DURATION_90K = 3000
_MOST_HELD = 64
_TRUST_US = 2_000_000
_REANCHOR_US = 500_000
_DRIFT = 5000
"""A camera's clock may lose one part in so many (200 ppm) before the smoothed wall time lags."""
_BACK_90K = TICKS_PER_SECOND
_AHEAD_90K = 10 * TICKS_PER_SECOND


@dataclass(slots=True)
class RawPacket:
    """A packet as it was read. Ticks are 90 kHz; `reported_us` is the sender's own wall time, `arrival_us` ours."""

    data: bytes
    is_keyframe: bool
    pts: int | None
    dts: int | None
    duration: int
    reported_us: int | None
    arrival_us: int


class StampedPacket(NamedTuple):
    """A packet with all of its times."""

    data: bytes
    is_keyframe: bool
    pts_90k: int
    dts_90k: int
    wall_us: int
    duration_90k: int


class Stamper:
    """One session of one elementary stream. `reorders`: pictures may be shown in another order than they arrive.

    `clamped` counts dts that did not rise, `jumps` the times the source's clock was found to have restarted.
    """

    def __init__(self, *, reorders: bool) -> None:
        self.clamped = 0
        self.jumps = 0
        self._reorders = reorders
        self._held: list[RawPacket] = []
        self._shift = 0
        self._last: tuple[int, int] | None = None
        self._anchor: tuple[int, int] | None = None

    def feed(self, packet: RawPacket) -> list[StampedPacket]:
        """The packets that are complete now, in decode order. Fault 502 when a source never gives timestamps."""
        complete = packet.pts is not None and (packet.dts is not None or not self._reorders)
        if complete and not self._held:
            return [self._stamp(packet)]
        self._held.append(packet)
        if complete:
            held, self._held = self._held, []
            return [self._stamp(known) for known in self._filled(held)]
        if len(self._held) > _MOST_HELD:
            raise Fault(
                "CommunicationError", 502, "The camera sends video without timestamps. Restart it or update it."
            )
        return []

    def _filled(self, held: list[RawPacket]) -> list[RawPacket]:
        """Missing stamps counted back from the first packet that has them."""
        filled = [held[-1]]
        for packet in reversed(held[:-1]):
            after = filled[-1]
            shown = self._step(packet, after)
            decoded = packet.duration or _DEFAULT_DURATION_90K if self._reorders else shown
            pts = packet.pts if packet.pts is not None else _minus(after.pts, shown)
            dts = packet.dts if packet.dts is not None else _minus(after.dts, decoded)
            filled.append(replace(packet, pts=pts, dts=dts))
        return filled[::-1]

    def _step(self, packet: RawPacket, after: RawPacket) -> int:
        """How much later the next packet is shown: by the sender's clock where it is known, else as this one says."""
        if packet.reported_us is not None and after.reported_us is not None:
            between = round((after.reported_us - packet.reported_us) * 9 / 100)
            if between > 0 or self._reorders:
                return between
        return packet.duration or _DEFAULT_DURATION_90K

    def _stamp(self, packet: RawPacket) -> StampedPacket:
        pts = packet.pts or 0
        dts = packet.dts if packet.dts is not None else pts
        if self._last is not None:
            last_dts, last_arrival_us = self._last
            self._shift += self._correction(packet, dts + self._shift - last_dts, last_arrival_us)
        pts, dts = pts + self._shift, dts + self._shift
        if self._last is not None and dts <= self._last[0]:
            dts = self._last[0] + 1
            self.clamped += 1
        pts = max(pts, dts)
        self._last = dts, packet.arrival_us
        return StampedPacket(packet.data, packet.is_keyframe, pts, dts, self._wall(packet, pts), packet.duration)

    def _correction(self, packet: RawPacket, step: int, last_arrival_us: int) -> int:
        """What to add to the source's clock when it has restarted, so that media time goes on as arrivals did."""
        waited = us_to_90k(packet.arrival_us - last_arrival_us)
        if -_BACK_90K <= step <= max(waited, 0) + _AHEAD_90K:
            return 0
        self.jumps += 1
        return min(max(waited, packet.duration or _DEFAULT_DURATION_90K), _AHEAD_90K) - step

    def _wall(self, packet: RawPacket, pts: int) -> int:
        """The sender's time when it is believable, else arrival smoothed by media time.

        The smallest delay seen is the truest: a join begins with a burst of older pictures. It may grow as slowly as
        clocks drift; a source that steps away from it is anchored anew.
        """
        if packet.reported_us is not None and abs(packet.reported_us - packet.arrival_us) <= _TRUST_US:
            return packet.reported_us
        shown_us = ticks_to_us(pts)
        offset_us = packet.arrival_us - shown_us
        latest_us = shown_us
        if self._anchor is not None:
            smallest_us, since_us = self._anchor
            latest_us = max(shown_us, since_us)
            if offset_us <= smallest_us + _REANCHOR_US:
                offset_us = min(offset_us, smallest_us + (latest_us - since_us) // _DRIFT)
        self._anchor = offset_us, latest_us
        return offset_us + shown_us


def _minus(stamp: int | None, step: int) -> int | None:
    return None if stamp is None else stamp - step
