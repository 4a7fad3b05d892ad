"""The limiter: never more than twenty in any hour, whatever the order and the restarts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vedette.services.accounts.core.guessing import LIMIT, WINDOW_US, counters, is_near, source_of, wait_s

NOW = 1_700_000_000_000_000


@given(st.lists(st.integers(0, 3 * WINDOW_US), min_size=1, max_size=200))
def test_no_hour_holds_more_than_the_limit(attempts: list[int]) -> None:
    taken: list[int] = []
    for at in sorted(attempts):
        if wait_s(taken, at) == 0:
            taken.append(at)
    for start in taken:
        assert sum(start <= at < start + WINDOW_US for at in taken) <= LIMIT


@given(st.lists(st.integers(NOW - WINDOW_US, NOW), min_size=LIMIT, max_size=40))
def test_the_wait_that_is_told_is_enough_and_not_a_second_too_long(guesses: list[int]) -> None:
    wait = wait_s(guesses, NOW)
    assert wait_s(guesses, NOW + wait * 1_000_000) == 0
    if wait > 1:
        assert wait_s(guesses, NOW + (wait - 1) * 1_000_000) > 0


def test_a_clock_set_back_does_not_open_the_door() -> None:
    assert wait_s([NOW + 10] * LIMIT, NOW) > 0


@pytest.mark.parametrize(
    ("address", "source"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::1", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("::1", "::1"),
        (None, "local"),
        ("nonsense", "local"),
    ],
)
def test_a_source_is_what_one_person_can_hold(address: str | None, source: str) -> None:
    assert source_of(address) == source


def test_a_known_source_has_a_counter_that_strangers_cannot_use_up() -> None:
    stranger = counters("u1", "203.0.113.9", known=False)
    owner = counters("u1", "192.0.2.7", known=True)
    assert not set(stranger) & set(owner)
    assert stranger[1] == counters("u1", "203.0.113.10", known=False)[1]


@pytest.mark.parametrize(
    ("address", "near"),
    [
        ("127.0.0.1", True),
        ("::1", True),
        ("192.168.1.5", True),
        ("10.1.2.3", True),
        ("fe80::1%eth0", True),
        ("fd00::1", True),
        ("::ffff:10.0.0.1", True),
        (None, True),
        ("8.8.8.8", False),
        ("2600::1", False),
        ("::ffff:8.8.8.8", False),
    ],
)
def test_the_first_admin_is_made_from_near(address: str | None, near: bool) -> None:
    assert is_near(address) is near
