"""Alert rules: a condition that has held long enough raises an alert, its end clears it.

Raised and cleared alternate, and after a clear nothing is raised within the cool-down.
"""

from typing import NamedTuple

from vedette.services.analytics.model.domain import NO_DATA, AlertChange, AlertRule, Metric


class RuleState(NamedTuple):
    """Since when the condition holds, since when the alert is raised and its peak, and until when it stays quiet."""

    met_since: int | None = None
    raised_at: int | None = None
    peak: int = 0
    quiet_until: int | None = None


def is_met(rule: AlertRule, value: int) -> bool:
    """Whether the value meets the threshold: at most it for a vacancy, at least it for all others."""
    return value <= rule.threshold if rule.metric is Metric.VACANCY else value >= rule.threshold


def step(state: RuleState, rule: AlertRule, value: int, t: int) -> tuple[RuleState, AlertChange | None]:
    """One more value of what the rule watches; `t` must not go back."""
    met = is_met(rule, value)
    if state.raised_at is not None:
        if met:
            return _with_peak(state, rule, value), None
        return RuleState(quiet_until=t + rule.cool_down_us), AlertChange(rule, state.raised_at, t, state.peak)
    if not met:
        return (state if state.met_since is None else state._replace(met_since=None)), None
    since = t if state.met_since is None else state.met_since
    quiet = state.quiet_until is not None and t < state.quiet_until
    if quiet or t - since < rule.hold_us:
        return state._replace(met_since=since), None
    return RuleState(since, t, value), AlertChange(rule, t, None, value)


def lose(state: RuleState, rule: AlertRule, t: int) -> tuple[RuleState, AlertChange | None]:
    """Nothing is known of what the rule watches after `t`: an alert ends there, and a hold begins anew."""
    if state.raised_at is None:
        return (state if state.met_since is None else state._replace(met_since=None)), None
    cleared = AlertChange(rule, state.raised_at, t, state.peak, NO_DATA)
    return RuleState(quiet_until=t + rule.cool_down_us), cleared


def _with_peak(state: RuleState, rule: AlertRule, value: int) -> RuleState:
    peak = min(state.peak, value) if rule.metric is Metric.VACANCY else max(state.peak, value)
    return state if peak == state.peak else state._replace(peak=peak)
