"""Hosts, origins and cookies as browsers send them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vedette.services.ingress.core.origins import cookies_of, host_allowed, is_loopback, same_origin

NAMES = {"box", "box.local"}


@pytest.mark.parametrize(
    ("host", "allowed"),
    [
        ("localhost", True),
        ("localhost:30080", True),
        ("LOCALHOST.", True),
        ("127.0.0.1:1", True),
        ("192.0.2.7", True),
        ("[::1]:30080", True),
        ("[fe80::1]", True),
        ("box.local:443", True),
        ("Box", True),
        ("evil.example", False),
        ("box.evil.example", False),
        ("localhost.evil.example", False),
        ("127.0.0.1.evil.example", False),
        ("", False),
        ("box.local:443@evil", False),
        ("box/evil", False),
        ("box:port", False),
        ("[evil]", False),
    ],
)
def test_only_our_names_and_addresses_are_hosts(host: str, allowed: bool) -> None:
    assert host_allowed(host, NAMES) is allowed


@pytest.mark.parametrize(
    ("origin", "site", "host", "expected"),
    [
        (None, None, "box:1", None),
        ("http://box:1", None, "box:1", True),
        ("http://BOX:1", None, "box:1", True),
        ("http://box", None, "box:80", True),
        ("https://box", None, "box:443", True),
        ("https://box", None, "box", True),
        ("http://box:1", "same-origin", "box:1", True),
        (None, "same-origin", "box:1", True),
        (None, "none", "box:1", False),
        (None, "same-site", "box:1", False),
        (None, "cross-site", "box:1", False),
        ("http://box:1", "cross-site", "box:1", False),
        ("http://box:2", "same-origin", "box:1", False),
        ("http://box:2", None, "box:1", False),
        ("http://evil.example", None, "box:1", False),
        ("null", None, "box:1", False),
        ("", None, "box:1", False),
        ("file://", None, "box:1", False),
        ("http://box:1/path", None, "box:1", False),
        ("http://[::1", None, "box:1", False),
        ("null", None, "", False),
    ],
)
def test_a_page_is_ours_only_when_it_says_so(origin: str | None, site: str | None, host: str, expected: object) -> None:
    assert same_origin(origin, site, host) is expected


@given(st.text())
def test_no_origin_breaks_it(origin: str) -> None:
    assert same_origin(origin, None, "box:1") is not None


def test_loopback() -> None:
    assert [is_loopback(host) for host in ("localhost", "127.0.0.1", "127.8.8.8", "::1")] == [True] * 4
    assert [is_loopback(host) for host in ("0.0.0.0", "::", "192.0.2.7", "box")] == [False] * 4


def test_cookies_are_read_and_the_first_of_a_name_counts() -> None:
    assert cookies_of(["a=1; b=2=3; c", "a=4; d="]) == {"a": "1", "b": "2=3", "d": ""}
