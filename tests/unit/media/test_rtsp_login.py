"""Who asks how: the login answers digests that our server verifies, and chooses the strongest it is offered."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vedette.media.rtsp_digest import challenges, parse_answer, verify
from vedette.media.rtsp_login import Login
from vedette.media.rtsp_messages import Headers

URI = "rtsp://camera/live?channel=1"


def challenge(*values: str) -> Headers:
    return Headers(tuple(("WWW-Authenticate", value) for value in values))


def accepted(header: str, *, nonce: str, password: str = "pw", realm: str = "r") -> bool:
    answer = parse_answer(header)
    return answer is not None and verify(answer, method="PLAY", uri=URI, realm=realm, nonce=nonce, password=password)


@pytest.mark.parametrize(
    "values",
    [
        challenges(realm="r", nonce="abc"),
        challenges(realm="r", nonce="abc")[:1],
        challenges(realm="r", nonce="abc")[1:],
        ('Digest realm="r", nonce="abc", stale="FALSE"', 'Basic realm="r"'),
        ('Basic realm="r"', 'digest realm="r",nonce="abc",qop="auth,auth-int"'),
        ('Basic realm="r", Digest realm="r", nonce="abc", qop=auth, opaque="xyz"',),
        (
            'Digest qop="auth", algorithm=MD5-sess, realm="r", nonce="x"',
            'Digest realm="r", nonce="abc", algorithm="MD5"',
        ),
    ],
)
def test_a_challenge_is_answered_so_that_a_server_agrees(values: tuple[str, ...]) -> None:
    login = Login("user", "pw")
    assert login.header("PLAY", URI) == ""
    assert login.challenged(challenge(*values))
    header = login.header("PLAY", URI)
    assert accepted(header, nonce="abc")
    assert not accepted(header, nonce="abd")
    assert not accepted(header, nonce="abc", password="pv")
    assert ('opaque="xyz"' in header) == ("opaque" in values[0])


def test_the_strongest_is_chosen() -> None:
    login = Login("user", "pw")
    login.challenged(challenge(*reversed(challenges(realm="r", nonce="abc"))))
    assert "algorithm=SHA-256" in login.header("PLAY", URI)
    assert "nc=00000002" in login.header("PLAY", URI)


def test_basic_where_nothing_else_is_known() -> None:
    login = Login("us", "p:w")
    assert login.challenged(challenge('Basic realm="x"'))
    scheme, _, value = login.header("PLAY", URI).partition(" ")
    assert (scheme, base64.b64decode(value)) == ("Basic", b"us:p:w")


@pytest.mark.parametrize("values", [(), ('Bearer realm="x"',), ('Digest realm="x", nonce="y", algorithm=SHA-512-256',)])
def test_what_cannot_be_answered(values: tuple[str, ...]) -> None:
    assert not Login("user", "pw").challenged(challenge(*values))


def test_a_stale_nonce_is_told_from_a_wrong_password() -> None:
    login = Login("user", "pw")
    login.challenged(challenge('Digest realm="r", nonce="a"'))
    assert (login.nonce, login.is_stale) == ("a", False)
    login.challenged(challenge('Digest realm="r", nonce="b", stale=true'))
    assert (login.nonce, login.is_stale) == ("b", True)


@given(st.lists(st.text(max_size=60), max_size=4))
def test_any_challenge_is_read(values: list[str]) -> None:
    login = Login("user", "pw")
    login.challenged(challenge(*values, *(f"Digest {value}" for value in values)))
    login.header("PLAY", URI)
