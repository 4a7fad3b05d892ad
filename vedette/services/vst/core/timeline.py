"""What a stream has recorded, as spans of wall time."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """`[start_us, end_us)` in microseconds UTC."""

    start_us: int
    end_us: int


def merge(spans: Iterable[Span], max_gap_us: int) -> list[Span]:
    """Spans in order, joined where no more than `max_gap_us` lies between them; empty ones vanish."""
    merged: list[Span] = []
    for span in sorted(spans):
        if span.end_us <= span.start_us:
            continue
        if merged and span.start_us - merged[-1].end_us <= max_gap_us:
            merged[-1] = Span(merged[-1].start_us, max(merged[-1].end_us, span.end_us))
        else:
            merged.append(span)
    return merged


def clipped(spans: Iterable[Span], start_us: int | None, end_us: int | None) -> list[Span]:
    """The parts of the spans that lie in `[start_us, end_us)`; None leaves a side open."""
    cut = (
        Span(
            span.start_us if start_us is None else max(span.start_us, start_us),
            span.end_us if end_us is None else min(span.end_us, end_us),
        )
        for span in spans
    )
    return [span for span in cut if span.end_us > span.start_us]
