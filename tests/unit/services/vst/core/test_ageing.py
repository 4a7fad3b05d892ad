"""Properties of ageing."""

from hypothesis import given
from hypothesis import strategies as st

from vedette.services.vst.core.ageing import AgeingPolicy, select
from vedette.services.vst.model import Segment

segments = st.lists(st.integers(1, 100), max_size=30).map(
    lambda sizes: [
        Segment(number, f"s{number % 3}", 1, number * 10, number * 10 + 10, 10, size, "", "h264", 1, 1)
        for number, size in enumerate(sizes)
    ]
)
policies = st.builds(AgeingPolicy, st.integers(0, 300), st.integers(0, 2000), st.integers(0, 500))


def chosen(some: list[Segment], policy: AgeingPolicy, free: int, now: int = 400) -> list[Segment]:
    return select(some, policy, now_us=now, used_bytes=sum(item.bytes for item in some), free_bytes=free)


@given(segments, policies, st.integers(0, 500))
def test_the_oldest_go_first(some: list[Segment], policy: AgeingPolicy, free: int) -> None:
    gone = chosen(some, policy, free)
    assert gone == sorted(some, key=lambda item: item.start_us)[: len(gone)]


@given(segments, policies, st.integers(0, 500), st.integers(0, 500))
def test_more_space_never_selects_more(some: list[Segment], policy: AgeingPolicy, free: int, more: int) -> None:
    assert len(chosen(some, policy, free + more)) <= len(chosen(some, policy, free))


@given(segments, policies, st.integers(0, 500))
def test_what_stays_keeps_the_limits(some: list[Segment], policy: AgeingPolicy, free: int) -> None:
    gone = chosen(some, policy, free)
    kept = [item for item in some if item not in gone]
    if kept:
        assert not policy.max_bytes or sum(item.bytes for item in kept) <= policy.max_bytes
        assert free + sum(item.bytes for item in gone) >= policy.min_free_bytes
        assert not policy.max_age_us or min(item.end_us for item in kept) >= 400 - policy.max_age_us


@given(segments)
def test_no_limits_delete_nothing(some: list[Segment]) -> None:
    assert chosen(some, AgeingPolicy(), 0) == []
