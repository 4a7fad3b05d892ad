"""One form of a path, or none."""

from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vedette.services.ingress.core.paths import normalise

TEXT = st.text(st.characters(codec="utf-8", exclude_characters="/\\.", exclude_categories=("Cc", "Cs")), min_size=1)


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (b"/", "/"),
        (b"//vst/api/v1/live/ws", "/vst/api/v1/live/ws"),
        (b"/a///b//", "/a/b/"),
        (b"/a%20b", "/a b"),
        (b"/%C3%A9", "/é"),
        (b"/a%252e", "/a%2e"),
        (b"/v3.2/x.js", "/v3.2/x.js"),
        (b"/...", "/..."),
    ],
)
def test_it_has_one_form(raw: bytes, expected: str) -> None:
    path = normalise(raw)
    assert path is not None
    assert path.decoded == expected


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"*",
        b"a",
        b"http://x/a",
        b"/a/../b",
        b"/a/./b",
        b"/..",
        b"/a%2fb",
        b"/a%2Fb",
        b"/%2e%2e/b",
        b"/%2E",
        b"/a%5cb",
        b"/a\\b",
        b"/a%00",
        b"/a%0d%0ab",
        b"/a%7f",
        b"/a b",
        b"/a%",
        b"/a%zz",
        b"/\xc3\xa9",
        b"/%ff",
        b"/%c0%ae%c0%ae/",
        b'/a"b',
        b"/a?b",
        b"/a#b",
        b"/a\r\nb",
    ],
)
def test_what_can_be_read_in_two_ways_is_refused(raw: bytes) -> None:
    assert normalise(raw) is None


@given(st.lists(TEXT, min_size=1), st.integers(1, 4))
def test_segments_survive_encoding_and_repeated_slashes(segments: list[str], slashes: int) -> None:
    raw = ("/" * slashes + ("/" * slashes).join(quote(item, safe="") for item in segments)).encode()
    path = normalise(raw)
    assert path is not None
    assert list(path.segments) == segments
    again = normalise(path.raw.encode())
    assert again == path


@given(st.binary(max_size=40))
def test_no_input_yields_a_way_out_or_an_empty_segment(raw: bytes) -> None:
    path = normalise(b"/" + raw)
    if path is not None:
        assert not {".", ".."} & set(path.segments)
        assert "" not in path.segments[:-1]
        assert not any("/" in item or "\\" in item or "\0" in item for item in path.segments)


def test_a_mount_takes_its_own_segments_off() -> None:
    path = normalise(b"/perception/api/v1/stream/a%20dd/")
    assert path is not None
    inside = path.without(1)
    assert (inside.raw, inside.decoded) == ("/api/v1/stream/a%20dd/", "/api/v1/stream/a dd/")
