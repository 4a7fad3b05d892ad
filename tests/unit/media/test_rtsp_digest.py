"""Digest authentication: the published examples, and that only the right password for this request passes."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vedette.media.rtsp_digest import Answer, authorization, challenges, expected_response, parse_answer, verify

NONCE = "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v"
BASE = Answer("Mufasa", "http-auth@example.org", NONCE, "/dir/index.html", "", nonce_count="00000001", qop="auth")
RFC_7616 = replace(BASE, client_nonce="f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ")


@pytest.mark.parametrize(
    ("algorithm", "response"),
    [
        ("MD5", "8ca523f5e9506fed4657c9700eebdbec"),
        ("SHA-256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
    ],
)
def test_examples_of_rfc_7616(algorithm: str, response: str) -> None:
    answer = replace(RFC_7616, algorithm=algorithm)
    assert expected_response(answer, method="GET", password="Circle of Life") == response


URI = "rtsp://127.0.0.1:8554/live/a"


def check(header: str, *, method: str = "DESCRIBE", uri: str = URI, password: str | None = "secret") -> bool:
    answer = parse_answer(header)
    return answer is not None and verify(answer, method=method, uri=uri, realm="vedette", nonce="n1", password=password)


@pytest.mark.parametrize("algorithm", ["MD5", "SHA-256"])
@pytest.mark.parametrize("qop", ["", "auth"])
def test_only_the_right_password_for_this_request_passes(algorithm: str, qop: str) -> None:
    answer = Answer("anna", "vedette", "n1", URI, "", algorithm, qop, "00000001" if qop else "", "c" if qop else "")
    header = authorization(answer, method="DESCRIBE", password="secret")
    assert check(header)
    assert check(header, uri=URI + "/trackID=0")
    assert not check(header, method="PLAY")
    assert not check(header, uri="rtsp://127.0.0.1:8554/live/b")
    assert not check(header, password="other")
    assert not check(header, password=None)
    assert not check(authorization(replace(answer, nonce="n2"), method="DESCRIBE", password="secret"))
    assert not check(authorization(replace(answer, realm="other"), method="DESCRIBE", password="secret"))
    assert not check(authorization(answer, method="DESCRIBE", password=""), password=None)


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Basic YTpi",
        'Digest username="a"',
        'Digest username="a", realm="r", nonce="n", uri="u", response="x", algorithm=SHA-512',
        'Digest username="a", realm="r", nonce="n", uri="u", response="x", qop=auth, nc=1',
        'Digest username="a", realm="r", nonce="n", uri="u", response="x", qop=auth-int, nc=00000001',
    ],
)
def test_answers_that_are_none(header: str) -> None:
    assert parse_answer(header) is None


@given(st.text(max_size=120))
def test_reading_never_raises(header: str) -> None:
    parse_answer("Digest " + header)
    assert not check("Digest " + header)


def test_the_last_challenge_is_md5_for_clients_that_know_no_other() -> None:
    better, last = challenges(realm="vedette", nonce="n1")
    assert "algorithm=SHA-256" in better
    assert last.endswith("algorithm=MD5")
    assert 'realm="vedette", nonce="n1"' in last
