"""Passwords that are refused, and that good ones are not."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from vedette.services.accounts.core.passwords import LEAST, weakness


@pytest.mark.parametrize(
    "password",
    [
        "",
        "short",
        "elevenchars",
        "aaaaaaaaaaaa",
        "abababababab",
        "123456789012",
        "987654321098",
        "abcabcabcabc",
        "abcdefghijkl",
        "qwertyuiopas",
        "password1234",
        "Password123!",
        "P@ssw0rd1234",
        "passwordpassword",
        "Vedette2026!!",
        "administrator",
        "Summer2026!!",
        "1q2w3e4r5t6y",
        "camera123456",
        "letmein!!!!!!",
    ],
)
def test_what_is_tried_first_is_refused(password: str) -> None:
    assert weakness(password, "ada") is not None


@pytest.mark.parametrize("password", ["adalovelace1", "AdaLovelace!!", "adalovelace2026"])
def test_the_own_name_is_no_password(password: str) -> None:
    assert weakness(password, "AdaLovelace") is not None


@pytest.mark.parametrize(
    "password", ["correct horse battery staple", "tR7#kf-02mqLz", "übermorgen-fünf-kisten", "vier kisten im hof"]
)
def test_what_is_hard_to_guess_is_fine(password: str) -> None:
    assert weakness(password, "ada") is None


@given(st.text(max_size=LEAST - 1), st.text())
def test_nothing_short_passes(password: str, name: str) -> None:
    assert weakness(password, name) is not None


@given(st.lists(st.sampled_from("abcdefghijkmnpqrstuvwxyz"), min_size=20, max_size=40, unique=True))
def test_long_and_varied_passes(letters: list[str]) -> None:
    password = "-".join(["".join(letters[:9]), "".join(letters[9:])])
    assume(not any(run in password for run in ("abcdefgh",)))
    assert weakness(password, "ada") is None
