"""Properties of camera health."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vedette.services.vst.core.health import Change, Failure, Health, HealthState, Media, Observation, Tick, step

observations = st.lists(
    st.tuples(
        st.sampled_from([Media(), Failure("CommunicationError", "gone"), Tick()]), st.floats(0, 4, allow_nan=False)
    ),
    max_size=60,
)


def run(events: list[tuple[Observation, float]]) -> tuple[list[HealthState], list[Change]]:
    state, t = HealthState(), 0.0
    states, changes = [state], []
    for observation, wait in events:
        t += wait
        state, more = step(state, observation, t, offline_after_s=5.0)
        states.append(state)
        changes += more
    return states, changes


@given(observations)
def test_streaming_and_lost_alternate_and_begin_with_media(events: list[tuple[Observation, float]]) -> None:
    _, changes = run(events)
    assert all(change is (Change.LOST if index % 2 else Change.STREAMING) for index, change in enumerate(changes))
    if not any(isinstance(observation, Media) for observation, _ in events):
        assert changes == []


@given(observations)
def test_announced_means_that_the_last_change_was_streaming(events: list[tuple[Observation, float]]) -> None:
    states, changes = run(events)
    assert states[-1].announced is bool(changes and changes[-1] is Change.STREAMING)


@given(observations)
def test_media_makes_online_and_clears_the_reason(events: list[tuple[Observation, float]]) -> None:
    states, _ = run([*events, (Media(), 0.0)])
    assert states[-1] == HealthState(Health.ONLINE, announced=True, media_at=states[-1].media_at)
    assert states[-1].media_at == pytest.approx(sum(wait for _, wait in events))


def test_a_short_failure_degrades_and_is_not_told() -> None:
    states, changes = run([(Media(), 0.0), (Failure("c", "r"), 1.0), (Tick(), 3.9), (Media(), 0.5)])
    assert [state.health for state in states[1:]] == [Health.ONLINE, Health.DEGRADED, Health.DEGRADED, Health.ONLINE]
    assert changes == [Change.STREAMING]


def test_a_long_failure_makes_offline_with_its_reason() -> None:
    states, changes = run([(Media(), 0.0), (Failure("c", "first"), 1.0), (Failure("c", "second"), 3.0), (Tick(), 2.0)])
    assert (states[-1].health, states[-1].reason) == (Health.OFFLINE, "second")
    assert changes == [Change.STREAMING, Change.LOST]


def test_a_camera_that_never_came_is_offline_without_a_word() -> None:
    states, changes = run([(Failure("c", "r"), 0.0), (Tick(), 6.0)])
    assert states[-1].health is Health.OFFLINE
    assert changes == []


def test_offline_is_counted_from_the_last_picture_and_not_from_when_we_noticed() -> None:
    states, _ = run([(Media(), 0.0), (Failure("c", "r"), 3.0), (Tick(), 1.9), (Tick(), 0.2)])
    assert [state.health for state in states[2:]] == [Health.DEGRADED, Health.DEGRADED, Health.OFFLINE]


def test_a_camera_that_is_connected_and_silent_is_degraded_and_then_offline() -> None:
    state, found = HealthState(), []
    for t in range(8):
        observation = Media(at=0.0) if t == 0 else Tick()
        state, _ = step(state, observation, float(t), offline_after_s=5.0, quiet_after_s=3.0)
        found.append(state.health)
    assert found == [Health.ONLINE] * 3 + [Health.DEGRADED] * 2 + [Health.OFFLINE] * 3
    assert "sends no pictures" in state.reason


@given(observations)
def test_a_camera_that_sent_a_moment_ago_is_never_offline(events: list[tuple[Observation, float]]) -> None:
    state, t = HealthState(), 0.0
    for observation, wait in events:
        t += wait
        state, _ = step(state, observation, t, offline_after_s=5.0, quiet_after_s=3.0)
        if state.media_at is not None and t - state.media_at < 5.0:
            assert state.health is not Health.OFFLINE
        if state.media_at is not None and t - state.media_at >= 5.0:
            assert state.health is Health.OFFLINE or not isinstance(observation, Tick | Failure)
