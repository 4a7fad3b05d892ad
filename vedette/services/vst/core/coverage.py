"""What became of every second of a stream, told from the lines of its ledger."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from vedette.services.vst.core.overlap import Overlap
from vedette.services.vst.core.timeline import Span
from vedette.services.vst.model import Cause, Entry, EntryKind, Head, State

_STATES = {
    Cause.CAMERA: State.CAMERA_DOWN,
    Cause.NETWORK: State.NETWORK_DOWN,
    Cause.NOT_SCHEDULED: State.NOT_SCHEDULED,
    Cause.SWITCHED_OFF: State.NOT_SCHEDULED,
    Cause.SENSOR_REMOVED: State.NOT_SCHEDULED,
    Cause.AGED_OUT: State.AGED_OUT,
    Cause.DELETED: State.DELETED,
}


@dataclass(frozen=True, slots=True)
class CoverageSpan:
    """`[start_us, end_us)` was in one state; `cause` is its finer reason, `by` who removed it, both may be empty."""

    start_us: int
    end_us: int
    state: State
    cause: str = ""
    by: str = ""


def state_of(cause: Cause) -> State:
    """The state that a cause amounts to; what is not the camera's, the network's or a person's is the recorder's."""
    return _STATES.get(cause, State.RECORDER_DOWN)


def resolve(
    entries: Sequence[Entry], head: Head, *, growing: Span | None, now_us: int, start_us: int, end_us: int
) -> list[CoverageSpan]:
    """Adjacent spans that cover the part of `[start_us, end_us)` between the stream's first line and now, each second
    once. `entries` are the stream's lines that reach into the range, in order of their `seq`."""
    base = [_base(entry) for entry in entries if entry.kind is not EntryKind.REMOVED]
    base += _pending(head, growing, now_us)
    removals = Overlap(entry for entry in entries if entry.kind is EntryKind.REMOVED)
    spans = [piece for span in base for piece in _overlaid(span, removals.touching(span))]
    return _joined(_clipped(spans, start_us, end_us))


def seconds(spans: Iterable[CoverageSpan]) -> dict[State, float]:
    """Seconds in each state; all states are there."""
    totals = dict.fromkeys(State, 0)
    for span in spans:
        totals[span.state] += span.end_us - span.start_us
    return {state: total / 1_000_000 for state, total in totals.items()}


def recorded_spans(spans: Iterable[CoverageSpan]) -> list[Span]:
    """Those that can be played."""
    return [Span(span.start_us, span.end_us) for span in spans if span.state is State.RECORDED]


def _base(entry: Entry) -> CoverageSpan:
    if entry.kind is EntryKind.RECORDED:
        return CoverageSpan(entry.start_us, entry.end_us, State.RECORDED)
    return CoverageSpan(entry.start_us, entry.end_us, state_of(Cause(entry.cause)), entry.cause)


def _pending(head: Head, growing: Span | None, now_us: int) -> list[CoverageSpan]:
    """What is not in the ledger yet: an absence that lasts, or the segment that grows and is durable so far."""
    spans: list[CoverageSpan] = []
    until_us = head.until_us
    if growing is not None and growing.end_us > until_us:
        begin = max(growing.start_us, until_us)
        cause = head.cause or Cause.CAMERA
        spans.append(CoverageSpan(until_us, begin, state_of(cause), str(cause)))
        spans.append(CoverageSpan(begin, growing.end_us, State.RECORDED))
        # The newest second or two are on their way to the disk: they are recorded as soon as they are safe.
        return spans
    if head.cause is not None:
        spans.append(CoverageSpan(until_us, now_us, state_of(head.cause), str(head.cause)))
    return spans


def _overlaid(span: CoverageSpan, removals: Sequence[Entry]) -> list[CoverageSpan]:
    """Removal touches what was recorded and nothing else; a later one counts before an earlier one."""
    if span.state is not State.RECORDED:
        return [span]
    pieces = [span]
    for removal in removals:
        cause = Cause(removal.cause)
        cut: list[CoverageSpan] = []
        for piece in pieces:
            begin, end = max(piece.start_us, removal.start_us), min(piece.end_us, removal.end_us)
            if begin >= end:
                cut.append(piece)
                continue
            cut.append(CoverageSpan(piece.start_us, begin, piece.state, piece.cause, piece.by))
            cut.append(CoverageSpan(begin, end, state_of(cause), removal.cause, removal.actor))
            cut.append(CoverageSpan(end, piece.end_us, piece.state, piece.cause, piece.by))
        pieces = [piece for piece in cut if piece.end_us > piece.start_us]
    return pieces


def _clipped(spans: Iterable[CoverageSpan], start_us: int, end_us: int) -> list[CoverageSpan]:
    cut = (
        CoverageSpan(max(item.start_us, start_us), min(item.end_us, end_us), item.state, item.cause, item.by)
        for item in spans
    )
    return [span for span in cut if span.end_us > span.start_us]


def _joined(spans: Sequence[CoverageSpan]) -> list[CoverageSpan]:
    joined: list[CoverageSpan] = []
    for span in spans:
        last = joined[-1] if joined else None
        if last is not None and (last.end_us, last.state, last.cause, last.by) == (
            span.start_us,
            span.state,
            span.cause,
            span.by,
        ):
            joined[-1] = CoverageSpan(last.start_us, span.end_us, last.state, last.cause, last.by)
        else:
            joined.append(span)
    return joined
