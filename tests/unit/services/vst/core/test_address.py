"""What may be dialled, and that credentials never stay in a URL."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vedette.services.vst.core.address import dial_url, host_of, is_allowed, networks_of, split_url, with_host
from vedette.services.vst.model import Credentials

PRIVATE = networks_of(["10.0.0.0/8", "192.168.0.0/16", "fd00::/8"])
words = st.text(min_size=1, max_size=20)


@given(words, words)
def test_credentials_survive_the_way_through_a_url(username: str, password: str) -> None:
    credentials = Credentials(username, password)
    dialled = dial_url("rtsp://camera/one", "10.1.2.3", credentials)
    clean, inside = split_url(dialled)
    assert clean == "rtsp://10.1.2.3/one"
    assert inside == credentials


@pytest.mark.parametrize(
    ("url", "normal"),
    [
        ("RTSP://Camera.Local:554/Stream1", "rtsp://camera.local/Stream1"),
        (" rtsp://10.0.0.1:8554/a?b=c#d ", "rtsp://10.0.0.1:8554/a?b=c"),
        ("rtsps://[FD00::1]:322/x", "rtsps://[fd00::1]/x"),
        ("rtsp://user:secret@h/p", "rtsp://h/p"),
    ],
)
def test_one_camera_has_one_spelling(url: str, normal: str) -> None:
    assert split_url(url)[0] == normal
    assert split_url(normal)[0] == normal


@pytest.mark.parametrize(
    "url",
    ["", "http://10.0.0.1/", "file:///etc/passwd", "rtsp://", "rtsp://h:0/", "rtsp://h:99999/", "rtsp://a b/", "rtsp://[1/",
     "rtsp://h/" + "x" * 1024, "rtsp://h/\r\nDESCRIBE"],
)  # fmt: skip
def test_what_is_no_camera_url_is_refused(url: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - the sentences differ
        split_url(url)


@pytest.mark.parametrize("address", ["10.9.8.7", "192.168.1.1", "fd00::2", "::ffff:10.0.0.1", "fd00::2%eth0"])
def test_private_addresses_are_allowed(address: str) -> None:
    assert is_allowed(address, PRIVATE)


@pytest.mark.parametrize("address", ["127.0.0.1", "::1", "169.254.169.254", "8.8.8.8", "::ffff:127.0.0.1", "0.0.0.0"])
def test_others_are_not(address: str) -> None:
    assert not is_allowed(address, PRIVATE)


def test_the_checked_address_takes_the_place_of_the_name() -> None:
    assert dial_url("rtsp://camera:8554/a", "fd00::1", None) == "rtsp://[fd00::1]:8554/a"
    assert host_of("rtsp://camera/a") == ("camera", 554)
    assert host_of("rtsps://camera/a") == ("camera", 322)


@pytest.mark.parametrize(
    ("host", "moved"),
    [
        ("192.0.2.9", "rtsp://192.0.2.9:8554/a/b?c=d"),
        ("cam.example", "rtsp://cam.example:8554/a/b?c=d"),
        ("192.0.2.9:10554", "rtsp://192.0.2.9:10554/a/b?c=d"),
        ("2001:db8::7", "rtsp://[2001:db8::7]:8554/a/b?c=d"),
        ("[2001:db8::7]:99", "rtsp://[2001:db8::7]:99/a/b?c=d"),
    ],
)
def test_a_camera_moves_to_another_host(host: str, moved: str) -> None:
    assert with_host("rtsp://192.0.2.1:8554/a/b?c=d", host) == moved


@pytest.mark.parametrize("host", ["", "a b", "a/b", "u@h", "h:x", "h:0", "h?x", "h#x", "rtsp://h"])
def test_what_is_no_host_is_refused(host: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        with_host("rtsp://192.0.2.1:8554/a", host)
