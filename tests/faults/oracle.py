"""Judges what a recorder kept: every unit that was sent is readable, or missing where the recorder says it is missing.

Pure arithmetic over what was sent and what was found; `life` gathers both.
"""

from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import msgspec

from tests.faults.ledger import Sent
from tests.faults.synthetic import FRAME_US

_EDGE_US = 3 * FRAME_US + 2000
"""At the edge of a span a unit may be on either side: pictures are reordered by two, and times are sent in ms."""


AGED = "aged_out"


class Verdict(msgspec.Struct):
    """What is wrong, summed over cameras; only `lost_us` may be other than zero, by the promised bound.

    `units` were sent, `aged` of them have been deleted by age since, `inside` are missing before the last one that is
    there.
    """

    lost_us: int = 0
    undeclared: int = 0
    unplayable: int = 0
    foreign: int = 0
    untold: int = 0
    damaged: int = 0
    units: int = 0
    aged: int = 0
    inside: int = 0
    notes: list[str] = []

    def add(self, other: "Verdict") -> None:
        """The worst loss and the sum of everything else."""
        self.lost_us = max(self.lost_us, other.lost_us)
        self.undeclared += other.undeclared
        self.unplayable += other.unplayable
        self.foreign += other.foreign
        self.untold += other.untold
        self.damaged += other.damaged
        self.units += other.units
        self.aged += other.aged
        self.inside += other.inside
        self.notes += other.notes[:5]

    @property
    def broken(self) -> int:
        """How often a promise was broken that has no bound."""
        return self.undeclared + self.unplayable + self.foreign + self.untold + self.damaged


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of time with its state: `recorded`, or why not."""

    start_us: int
    end_us: int
    state: str


@dataclass(slots=True)
class Found:
    """What the product lists of one camera and what could be read of it: (camera, number) clip by clip."""

    spans: list[Span] = field(default_factory=list)
    clips: list[list[tuple[int, int] | None]] = field(default_factory=list)
    unplayable: list[str] = field(default_factory=list)


def judge(
    camera: int, found: Found, lives: Sequence[Sent], *, shown_us: Callable[[int], int] | None, since_us: int = 0
) -> Verdict:
    """One camera, from `since_us` on. `shown_us` is the instant that a number stands for; without it, because the clock
    was stepped, units are counted and not looked for in gaps."""
    verdict = Verdict(unplayable=len(found.unplayable), notes=list(found.unplayable))
    numbers = _in_order(camera, found.clips, verdict)
    holes = [(before, after) for before, after in pairwise(found.spans) if before.end_us != after.start_us]
    verdict.undeclared += len(holes)
    verdict.notes += [f"camera {camera}: between {before} and {after} nothing is said" for before, after in holes[:3]]
    recorded = [span for span in found.spans if span.state == "recorded"]
    absent = [span for span in found.spans if span.state != "recorded"]
    aged = [span for span in absent if span.state == AGED]
    sent: set[int] = set()
    for life in lives:
        if life.first < 0:
            continue
        of_life = range(life.first, life.last + 1)
        sent.update(of_life)
        late = [number for number in of_life if shown_us is None or shown_us(number) >= since_us]
        verdict.units += len(late)
        lost = [number for number in late if number not in numbers]
        if shown_us is not None:
            for number in lost:
                _explain(number, shown_us(number), (recorded, absent), verdict)
            kept = [number for number in lost if not _covers(aged, shown_us(number), _EDGE_US)]
            verdict.aged += len(lost) - len(kept)
            lost = kept
            _keep_promise(camera, life, (recorded, aged), verdict, since_us=since_us)
        newest = max((number for number in of_life if number in numbers), default=life.last)
        verdict.lost_us = max(verdict.lost_us, len(lost) * FRAME_US)
        verdict.inside += sum(number < newest for number in lost)
    unsent = numbers - sent
    verdict.foreign += len(unsent)
    if unsent:
        verdict.notes.append(f"camera {camera}: never sent: {sorted(unsent)[:5]}")
    return verdict


def _keep_promise(
    camera: int, life: Sent, spans: tuple[list[Span], list[Span]], verdict: Verdict, *, since_us: int
) -> None:
    kept = any(_covers(some, life.told_us - 2000, 2000) for some in spans)
    if life.told_us > since_us and not kept:
        verdict.untold += 1
        verdict.notes.append(f"camera {camera}: told recorded until {life.told_us}, and it is not")


def _in_order(camera: int, clips: Sequence[Sequence[tuple[int, int] | None]], verdict: Verdict) -> set[int]:
    last, numbers = -1, set[int]()
    for clip in clips:
        for item in clip:
            if item is None or item[0] != camera or item[1] <= last:
                verdict.foreign += 1
                verdict.notes.append(f"camera {camera}: {item} after {last}")
                continue
            last = item[1]
            numbers.add(last)
    return numbers


def _explain(number: int, at_us: int, spans: tuple[list[Span], list[Span]], verdict: Verdict) -> None:
    recorded, absent = spans
    if _covers(absent, at_us, _EDGE_US) and not _covers(recorded, at_us, -_EDGE_US):
        return
    verdict.undeclared += 1
    verdict.notes.append(f"unit {number} at {at_us} is missing and no gap says so")


def _covers(spans: Sequence[Span], at_us: int, margin_us: int) -> bool:
    """Whether a span holds the instant; a margin above zero is generous, one below zero is strict."""
    index = bisect_right(spans, at_us + margin_us, key=lambda span: span.start_us)
    near = spans[max(0, index - 3) : index + 1]
    return any(span.start_us - margin_us <= at_us < span.end_us + margin_us for span in near)
