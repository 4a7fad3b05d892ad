"""Raised and cleared alternate, after a hold and never inside the cool-down."""

from hypothesis import given
from hypothesis import strategies as st

from vedette.services.analytics.core import rules
from vedette.services.analytics.model.domain import NO_DATA, AlertChange, AlertRule, Kind, Metric

S = 1_000_000


def rule(metric: Metric = Metric.OCCUPANCY, threshold: int = 3, hold_s: int = 2, cool_down_s: int = 10) -> AlertRule:
    return AlertRule("r1", Kind.FOV, "", "crowd", metric, threshold, hold_s * S, cool_down_s * S)


def run(values: list[int], what: AlertRule) -> list[AlertChange]:
    state, found = rules.RuleState(), []
    for t, value in enumerate(values):
        state, change = rules.step(state, what, value, t * S)
        if change:
            found.append(change)
    return found


def test_raised_after_the_hold_and_cleared_with_its_peak() -> None:
    what = rule()
    assert run([0, 3, 3, 4, 5, 3, 1, 1], what) == [
        AlertChange(what, 3 * S, None, 4),
        AlertChange(what, 3 * S, 6 * S, 5),
    ]


def test_a_short_excess_raises_nothing() -> None:
    assert run([3, 3, 0, 3, 3, 0], rule()) == []


def test_the_cool_down_delays_the_next_one() -> None:
    starts = [change.start // S for change in run([3] * 3 + [0] + [3] * 20, rule()) if change.end is None]
    assert starts == [2, 13]


def test_a_vacancy_is_few_enough_and_its_peak_the_fewest() -> None:
    what = rule(Metric.VACANCY, threshold=1, hold_s=0)
    assert run([2, 1, 0, 1, 2], what) == [AlertChange(what, S, None, 1), AlertChange(what, S, 4 * S, 0)]


def test_without_data_an_alert_ends_and_the_cool_down_begins() -> None:
    what = rule(hold_s=0)
    raised, _ = rules.step(rules.RuleState(), what, 5, 3 * S)
    lost, change = rules.lose(raised, what, 4 * S)
    assert change == AlertChange(what, 3 * S, 4 * S, 5, NO_DATA)
    assert lost == rules.RuleState(quiet_until=14 * S)
    assert rules.lose(lost, what, 4 * S) == (lost, None)
    assert rules.step(lost, what, 5, 13 * S)[1] is None
    assert rules.step(lost, what, 5, 14 * S)[1] == AlertChange(what, 14 * S, None, 5)


def test_without_data_a_hold_begins_anew() -> None:
    what = rule(hold_s=2)
    waiting, _ = rules.step(rules.RuleState(), what, 5, S)
    lost, change = rules.lose(waiting, what, 2 * S)
    assert change is None
    seen, change = rules.step(lost, what, 5, 20 * S)
    assert change is None
    assert rules.step(seen, what, 5, 22 * S)[1] == AlertChange(what, 22 * S, None, 5)


def test_an_alert_keeps_its_id() -> None:
    first, last = run([3, 3, 3, 0], rule())
    assert first.alert_id == last.alert_id == "r1-2000000"


@given(st.lists(st.integers(0, 5), max_size=80), st.integers(0, 5), st.integers(0, 8))
def test_they_alternate_and_respect_the_cool_down(values: list[int], hold_s: int, cool_down_s: int) -> None:
    found = run(values, rule(hold_s=hold_s, cool_down_s=cool_down_s))
    assert [change.end is None for change in found] == [index % 2 == 0 for index in range(len(found))]
    for cleared, raised in zip(found[1::2], found[2::2], strict=False):
        assert cleared.end is not None
        assert raised.start >= cleared.end + cool_down_s * S
