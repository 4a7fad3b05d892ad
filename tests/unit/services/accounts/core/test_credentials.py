"""Tokens and codes as they are written and read."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vedette.kernel.auth import new_secret
from vedette.services.accounts.core.credentials import parse_bearer, plain_code, setup_code, token_text

ID = "0123456789abcdef"


def test_a_token_is_read_back() -> None:
    secret = new_secret()
    assert parse_bearer(f"Bearer {token_text(ID, secret)}") == (ID, secret)
    assert parse_bearer(f"bearer  {token_text(ID, secret)} ") == (ID, secret)


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Bearer",
        "Bearer ",
        "Basic YTpi",
        f"Bearer vedette_{ID}_short",
        f"Bearer vedette_{ID.upper()}_{'a' * 43}",
        f"Bearer vedette_{ID}_{'a' * 44}",
        f"Bearer vedette_{ID}_{'a' * 42}=",
        f"Token vedette_{ID}_{'a' * 43}",
        "Bearer eyJhbGciOiJub25lIn0.e30.",
        "Bearer " + "a" * 100_000,
    ],
)
def test_anything_else_is_no_token(header: str) -> None:
    assert parse_bearer(header) is None


@given(st.binary(min_size=32, max_size=32), st.integers(0, 10_000))
def test_a_code_is_steady_inside_its_window_and_easy_to_type(secret: bytes, window: int) -> None:
    code = setup_code(secret, window)
    assert code == setup_code(secret, window)
    assert code != setup_code(secret, window + 1)
    assert len(code) == 9
    assert plain_code(f" {code.lower().replace('-', ' ')} ") == plain_code(code)
