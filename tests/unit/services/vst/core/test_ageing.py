"""Properties of ageing."""

from itertools import groupby

from hypothesis import given
from hypothesis import strategies as st

from vedette.services.vst.core.ageing import (
    AgeingPolicy,
    Holding,
    Targets,
    is_protected,
    outside,
    pick,
    room_bytes,
    runs,
    select,
    targets,
)
from vedette.services.vst.core.space import Space
from vedette.services.vst.core.timeline import Span
from vedette.services.vst.model import Segment

NOW, DISK = 400, 10_000
segments = st.lists(st.integers(1, 100), max_size=30).map(
    lambda sizes: [
        Segment(number, f"s{number % 3}", 1, number * 10, number * 10 + 10, 10, size, "", "h264", 1, 1)
        for number, size in enumerate(sizes)
    ]
)
policies = st.builds(
    AgeingPolicy,
    st.integers(0, 300),
    st.integers(0, 2000),
    st.integers(0, 500),
    st.integers(0, 700),
    st.sampled_from([0, 95, 99.5]),
)
frees = st.integers(0, 2000)
spans = st.lists(st.tuples(st.integers(0, 400), st.integers(0, 60)).map(lambda pair: Span(pair[0], sum(pair))))


def holdings(some: list[Segment], *, rate: float = 0.02, limit: int = 1000) -> list[Holding[Segment]]:
    by_stream = {key: [item for item in some if item.stream_id == key] for key in ("s0", "s1", "s2")}
    return [
        Holding(key, sum(item.bytes for item in mine), mine[:limit], len(mine) > limit, rate)
        for key, mine in by_stream.items()
    ]


def chosen(some: list[Segment], policy: AgeingPolicy, free: int, now: int = NOW) -> list[Segment]:
    return select(holdings(some), policy, now_us=now, space=Space(DISK, free))


@given(segments, policies, frees)
def test_the_oldest_of_each_stream_go_first(some: list[Segment], policy: AgeingPolicy, free: int) -> None:
    gone = sorted(chosen(some, policy, free), key=lambda item: (item.stream_id, item.start_us))
    for key, mine in groupby(gone, key=lambda item: item.stream_id):
        group = list(mine)
        assert group == [item for item in some if item.stream_id == key][: len(group)]


@given(segments, policies, frees)
def test_without_a_limit_for_streams_the_oldest_of_all_go_first(
    some: list[Segment], policy: AgeingPolicy, free: int
) -> None:
    whole = AgeingPolicy(policy.max_age_us, policy.max_bytes, policy.min_free_bytes, 0, policy.max_used_percent)
    gone = sorted(chosen(some, whole, free), key=lambda item: item.start_us)
    assert gone == some[: len(gone)]


@given(segments, policies, frees, st.integers(0, 500))
def test_more_space_never_selects_more(some: list[Segment], policy: AgeingPolicy, free: int, more: int) -> None:
    assert len(chosen(some, policy, free + more)) <= len(chosen(some, policy, free))


@given(segments, policies, frees)
def test_what_stays_keeps_the_limits(some: list[Segment], policy: AgeingPolicy, free: int) -> None:
    gone = chosen(some, policy, free)
    kept = [item for item in some if item not in gone]
    freed = sum(item.bytes for item in gone)
    if kept:
        used = sum(item.bytes for item in kept)
        assert room_bytes(policy, Space(DISK, free + freed), used_bytes=used, bytes_per_s=0.06) >= 0
        assert not policy.max_age_us or min(item.end_us for item in kept) > NOW - policy.max_age_us
    for holding in holdings(kept):
        assert not policy.max_stream_bytes or not holding.oldest or holding.bytes <= policy.max_stream_bytes


@given(segments, policies, frees)
def test_a_second_look_finds_nothing_to_do(some: list[Segment], policy: AgeingPolicy, free: int) -> None:
    gone = chosen(some, policy, free)
    kept = [item for item in some if item not in gone]
    assert not kept or chosen(kept, policy, free + sum(item.bytes for item in gone)) == []


def test_a_limit_that_is_passed_is_undercut_by_the_margin() -> None:
    """An hour of ingest, or 5 % of the budget where that is less."""
    some = [Segment(n, "s0", 1, n, n + 1, 1, 10, "", "h264", 1, 1) for n in range(201)]
    policy = AgeingPolicy(max_bytes=2000)
    slow, fast = holdings(some, rate=0.0015), holdings(some, rate=100)
    space = Space(1_000_000, 900_000)
    assert len(select(slow, policy, now_us=0, space=space)) == 1 + 2  # 3 streams of 0.0015 B/s: 16 bytes
    assert len(select(fast, policy, now_us=0, space=space)) == 1 + 10  # 5 % of 2000 bytes
    assert select(holdings(some[1:], rate=100), policy, now_us=0, space=space) == []


@given(segments)
def test_no_limits_delete_nothing(some: list[Segment]) -> None:
    assert chosen(some, AgeingPolicy(), 0) == []


@given(segments, policies, frees, st.integers(1, 4))
def test_short_lists_lead_to_the_same_end(some: list[Segment], policy: AgeingPolicy, free: int, limit: int) -> None:
    """Looking at few at a time, round by round, deletes what one look at everything would."""
    wanted = targets(holdings(some), policy, now_us=NOW, space=Space(DISK, free))
    left, gone = list(some), set[int]()
    while found := pick(holdings(left, limit=limit), wanted):
        gone |= {item.segment_id for item in found}
        left = [item for item in left if item.segment_id not in gone]
        freed = sum(item.bytes for item in found)
        wanted = Targets(wanted.cutoff_us, wanted.stream_bytes, max(0, wanted.excess_bytes - freed))
    at_once = {item.segment_id for item in chosen(some, policy, free)}
    if not policy.max_stream_bytes:
        assert gone == at_once
    assert gone >= at_once or policy.max_stream_bytes


@given(spans, st.integers(0, 200), st.integers(0, 300))
def test_windows_and_protection_share_all_time(protected: list[Span], start: int, length: int) -> None:
    windows = outside(protected, start, start + length)
    for instant in range(start, start + length):
        inside = any(span.start_us <= instant < span.end_us for span in protected)
        assert any(window.start_us <= instant < window.end_us for window in windows) != inside
    assert windows == sorted(windows)


@given(segments, spans)
def test_runs_hold_everything_and_bridge_nothing_that_stays(some: list[Segment], protected: list[Span]) -> None:
    mine = [item for item in some if item.stream_id == "s0"]
    gone = [item for item in mine if not is_protected(item, protected)]
    kept = [item for item in mine if item not in gone]
    split = runs(gone, [Span(item.start_us, item.end_us) for item in kept])
    assert [item for run in split for item in run] == gone
    for run in split:
        assert not any(run[0].start_us < item.start_us < run[-1].end_us for item in kept)
