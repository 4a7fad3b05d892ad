"""Timestamps of packets as a live source gives them, made whole: every unit leaves with pts, rising dts and wall time.

Sources lack the timestamps of their first packets, repeat a dts now and then, and know the wall time only once a sender
report has come. No I/O.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from vedette.kernel.errors import Fault
from vedette.media.unit import ticks_to_us, us_to_90k

_DEFAULT_DURATION_90K = 3000
_MOST_HELD = 64
_TRUST_US = 2_000_000
_REANCHOR_US = 500_000


@dataclass(frozen=True, slots=True)
class RawPacket:
    """A packet as it was read. Ticks are 90 kHz; `reported_us` is the sender's own wall time, `arrival_us` ours."""

    data: bytes
    is_keyframe: bool
    pts: int | None
    dts: int | None
    duration: int
    reported_us: int | None
    arrival_us: int


@dataclass(frozen=True, slots=True)
class StampedPacket:
    """A packet with all of its times."""

    data: bytes
    is_keyframe: bool
    pts_90k: int
    dts_90k: int
    wall_us: int
    duration_90k: int


class Stamper:
    """One session of one elementary stream. `reorders`: pictures may be shown in another order than they arrive."""

    def __init__(self, *, reorders: bool) -> None:
        self.clamped = 0
        self._reorders = reorders
        self._held: list[RawPacket] = []
        self._last_dts: int | None = None
        self._offset_us: int | None = None

    def feed(self, packet: RawPacket) -> Iterator[StampedPacket]:
        """The packets that are complete now, in decode order. Fault when a source never gives timestamps."""
        self._held.append(packet)
        if packet.pts is None or (self._reorders and packet.dts is None):
            if len(self._held) > _MOST_HELD:
                raise Fault("CommunicationError", 502, "The camera sends video without timestamps.")
            return
        held, self._held = self._held, []
        for known in self._filled(held):
            yield self._stamp(known)

    def _filled(self, held: list[RawPacket]) -> list[RawPacket]:
        """Missing stamps counted back from the first packet that has them."""
        filled = [held[-1]]
        for packet in reversed(held[:-1]):
            after = filled[-1]
            step = self._step(packet, after)
            pts = packet.pts if packet.pts is not None else _minus(after.pts, step)
            filled.append(
                replace(packet, pts=pts, dts=packet.dts if packet.dts is not None else _minus(after.dts, step))
            )
        return filled[::-1]

    def _step(self, packet: RawPacket, after: RawPacket) -> int:
        """How long this packet lasts: by the sender's clock where it is known, else as the packet says."""
        if packet.reported_us is not None and after.reported_us is not None and not self._reorders:
            between = us_to_90k(after.reported_us - packet.reported_us)
            if between > 0:
                return between
        return packet.duration or _DEFAULT_DURATION_90K

    def _stamp(self, packet: RawPacket) -> StampedPacket:
        pts = packet.pts or 0
        dts = packet.dts if packet.dts is not None else pts
        if self._last_dts is not None and dts <= self._last_dts:
            dts = self._last_dts + 1
            self.clamped += 1
        self._last_dts = dts
        wall_us = self._wall(packet, pts)
        return StampedPacket(packet.data, packet.is_keyframe, pts, dts, wall_us, packet.duration)

    def _wall(self, packet: RawPacket, pts: int) -> int:
        """The sender's time when it is believable, else arrival smoothed by media time.

        The smallest delay seen is the truest: a join begins with a burst of older pictures. A source that drifts away
        from it, or steps, is anchored anew.
        """
        if packet.reported_us is not None and abs(packet.reported_us - packet.arrival_us) <= _TRUST_US:
            return packet.reported_us
        offset_us = packet.arrival_us - ticks_to_us(pts)
        if self._offset_us is None or offset_us < self._offset_us or offset_us > self._offset_us + _REANCHOR_US:
            self._offset_us = offset_us
        return self._offset_us + ticks_to_us(pts)


def _minus(stamp: int | None, step: int) -> int | None:
    return None if stamp is None else stamp - step
