"""The ledger's arithmetic: time is accounted for once, and no edit of a chain goes unseen."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vedette.services.vst.core import coverage, ledger
from vedette.services.vst.core.ledger import Fact, Step
from vedette.services.vst.core.timeline import Span
from vedette.services.vst.model import Cause, Entry, EntryKind, Head, Segment, State

SECOND = 1_000_000
DOWN = (Cause.CAMERA, Cause.NETWORK, Cause.CRASH, Cause.NOT_SCHEDULED)


def segment(number: int, start_us: int, end_us: int) -> Segment:
    span = start_us, end_us, end_us - start_us
    return Segment(number, "cam", 1, *span, 1000 + number, f"{number:032x}", "h264", 640, 360)


@dataclass
class Book:
    """A ledger in memory, as the store keeps it."""

    head: Head
    entries: dict[int, Entry]
    segments: list[Segment]

    def take(self, step: Step) -> None:
        """Keeps what a step says."""
        self.head = step.head
        self.entries |= {entry.seq: entry for entry in step.entries}

    @property
    def lines(self) -> list[Entry]:
        """In the order of the chain."""
        return [self.entries[seq] for seq in sorted(self.entries)]

    @property
    def facts(self) -> dict[int, Sequence[Fact]]:
        """Of the recorded lines, from the segments that are still there."""
        return {
            line.seq: [ledger.fact_of(s) for s in self.segments if line.seq <= s.seq <= line.last_seq]
            for line in self.lines
            if line.kind is EntryKind.RECORDED
        }

    def states(self, start_us: int, end_us: int, *, now_us: int, growing: Span | None = None) -> list[tuple[int, str]]:
        """(end, state) of each span."""
        spans = coverage.resolve(
            self.lines, self.head, growing=growing, now_us=now_us, start_us=start_us, end_us=end_us
        )
        return [(span.end_us, str(span.state)) for span in spans]


ACTIONS = st.lists(
    st.one_of(
        st.tuples(st.just("record"), st.integers(0, 3), st.integers(1, 900)),
        st.tuples(st.just("absent"), st.integers(0, 50), st.sampled_from(DOWN)),
        st.tuples(st.just("remove"), st.integers(1, 4), st.booleans()),
    ),
    max_size=40,
)


def played(actions: Sequence[tuple[str, int, object]]) -> Book:
    """A ledger after these actions; time only goes on."""
    book = Book(ledger.opened("cam", 0, Cause.STARTING), {}, [])
    now = 0
    for number, (what, amount, detail) in enumerate(actions, 1):
        now = max(now, book.head.until_us) + amount * SECOND
        if what == "record":
            made = segment(number, now, now + int(str(detail)) * SECOND)
            book.take(ledger.recorded(book.head, made))
            book.segments.append(replace(made, seq=book.head.seq))
            now = made.end_us
        elif what == "absent" and isinstance(detail, Cause):
            book.take(ledger.absent(book.head, now, detail))
        elif what == "remove":
            gone, book.segments = book.segments[:amount], book.segments[amount:]
            cause = Cause.AGED_OUT if detail else Cause.DELETED
            book.take(ledger.removed(book.head, gone, cause=cause, actor="alice", at_us=now))
    return book


@given(ACTIONS)
def test_every_instant_is_in_one_state_and_totals_agree(actions: list[tuple[str, int, object]]) -> None:
    book = played(actions)
    end = book.head.until_us
    spans = coverage.resolve(book.lines, book.head, growing=None, now_us=end + 5, start_us=0, end_us=1 << 60)
    cursor = 0
    for span in spans:
        assert span.start_us == cursor < span.end_us
        cursor = span.end_us
    assert cursor == (end if book.head.cause is None else end + 5)
    recorded = sum(s.end_us - s.start_us for s in book.segments)
    assert coverage.seconds(spans)[State.RECORDED] == recorded / SECOND
    assert (book.head.segments, book.head.bytes) == (len(book.segments), sum(s.bytes for s in book.segments))


@given(ACTIONS)
def test_a_whole_chain_holds(actions: list[tuple[str, int, object]]) -> None:
    book = played(actions)
    assert ledger.verify(book.lines, book.facts) is None
    if book.lines:
        assert book.lines[-1].hash == book.head.hash


@given(ACTIONS, st.data())
def test_a_changed_segment_is_found(actions: list[tuple[str, int, object]], data: st.DataObject) -> None:
    book = played(actions)
    whole = [s for line in book.lines if len(book.facts.get(line.seq, ())) == line.segments for s in book.segments
             if line.kind is EntryKind.RECORDED and line.seq <= s.seq <= line.last_seq]  # fmt: skip
    if not whole:
        return
    victim = data.draw(st.sampled_from(whole))
    forged = data.draw(
        st.sampled_from(
            [replace(victim, digest="f" * 32), replace(victim, bytes=victim.bytes + 1), replace(victim, end_us=0)]
        )
    )
    book.segments = [forged if s is victim else s for s in book.segments]
    broken = ledger.verify(book.lines, book.facts)
    assert broken is not None
    assert broken.entry.seq <= victim.seq <= broken.entry.last_seq


@given(ACTIONS, st.data())
def test_a_changed_or_missing_line_is_found(actions: list[tuple[str, int, object]], data: st.DataObject) -> None:
    book = played(actions)
    others = [line for line in book.lines if line.kind is not EntryKind.RECORDED]
    if not others:
        return
    victim = data.draw(st.sampled_from(others))
    book.entries[victim.seq] = replace(victim, cause=str(Cause.CLOCK))
    assert ledger.verify(book.lines, book.facts) == ledger.Broken(
        book.entries[victim.seq], "it was changed, or something before it was"
    )
    del book.entries[victim.seq]
    if book.lines and book.lines[-1].seq > victim.seq > book.lines[0].seq:
        broken = ledger.verify(book.lines, book.facts)
        assert broken is not None
        assert broken.reason == f"line {victim.seq} is missing"


def test_an_hour_of_segments_shares_a_line() -> None:
    book = Book(ledger.opened("cam", 0, Cause.STARTING), {}, [])
    for number in range(720):
        made = segment(number + 1, number * 10 * SECOND, (number + 1) * 10 * SECOND)
        book.take(ledger.recorded(book.head, made))
    assert [(line.seq, line.last_seq, line.segments) for line in book.lines] == [(1, 360, 360), (361, 720, 360)]


def test_segments_never_overlap_what_is_accounted_for() -> None:
    head = ledger.opened("cam", 10 * SECOND, Cause.STARTING)
    with pytest.raises(ValueError, match="follow"):
        ledger.recorded(head, segment(1, 9 * SECOND, 12 * SECOND))
    with pytest.raises(ValueError, match="follow"):
        ledger.recorded(head, segment(1, 12 * SECOND, 12 * SECOND))


def test_a_cause_that_changes_splits_the_gap() -> None:
    book = Book(ledger.opened("cam", 0, Cause.STARTING), {}, [])
    book.take(ledger.recorded(book.head, segment(1, 2 * SECOND, 4 * SECOND)))
    book.take(ledger.absent(book.head, 5 * SECOND, Cause.CAMERA))
    book.take(ledger.absent(book.head, 7 * SECOND, Cause.NETWORK))
    book.take(ledger.absent(book.head, 8 * SECOND, Cause.NETWORK))
    assert book.states(0, 1 << 60, now_us=10 * SECOND) == [
        (2 * SECOND, "recorder_down"),
        (4 * SECOND, "recorded"),
        (7 * SECOND, "camera_down"),
        (10 * SECOND, "network_down"),
    ]


def test_what_grows_counts_as_far_as_it_is_safe() -> None:
    book = Book(ledger.opened("cam", 0, Cause.STARTING), {}, [])
    growing = Span(3 * SECOND, 5 * SECOND)
    assert book.states(0, 1 << 60, now_us=6 * SECOND, growing=growing) == [
        (3 * SECOND, "recorder_down"),
        (5 * SECOND, "recorded"),
    ]


def test_removal_touches_nothing_but_what_was_recorded() -> None:
    book = Book(ledger.opened("cam", 0, Cause.STARTING), {}, [])
    first, second = segment(1, 0, 2 * SECOND), segment(2, 5 * SECOND, 6 * SECOND)
    book.take(ledger.recorded(book.head, first))
    book.take(ledger.absent(book.head, 2 * SECOND, Cause.CAMERA))
    book.take(ledger.recorded(book.head, second))
    book.take(ledger.removed(book.head, [first, second], cause=Cause.DELETED, actor="bob", at_us=9 * SECOND))
    spans = coverage.resolve(book.lines, book.head, growing=None, now_us=9 * SECOND, start_us=0, end_us=1 << 60)
    assert [(span.state, span.by) for span in spans] == [
        (State.DELETED, "bob"),
        (State.CAMERA_DOWN, ""),
        (State.DELETED, "bob"),
    ]
