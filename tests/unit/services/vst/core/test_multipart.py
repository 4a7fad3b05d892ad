"""Multipart forms in any pieces."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vedette.services.vst.core.multipart import (
    Event,
    Multipart,
    MultipartError,
    PartBegin,
    PartData,
    PartEnd,
    boundary_of,
)

MARK = "frontier"
fields = st.lists(st.tuples(st.sampled_from(["file", "metadata"]), st.binary(max_size=300)), min_size=1, max_size=5)


def form(parts: list[tuple[str, bytes]]) -> bytes:
    body = b""
    for name, content in parts:
        head = (
            f'--{MARK}\r\nContent-Disposition: form-data; name="{name}"; filename="a.mp4"\r\nContent-Type: x/y\r\n\r\n'
        )
        body += head.encode() + content + b"\r\n"
    return body + f"--{MARK}--\r\n".encode()


def told(events: list[Event]) -> list[tuple[str, bytes]]:
    """(name, content) of each whole part."""
    parts: list[tuple[str, bytes]] = []
    open_name, content = "", b""
    for event in events:
        if isinstance(event, PartBegin):
            open_name, content = event.name, b""
        elif isinstance(event, PartData):
            assert event.data
            content += event.data
        else:
            assert isinstance(event, PartEnd)
            parts.append((open_name, content))
    return parts


@given(fields, st.lists(st.integers(1, 50), min_size=1, max_size=20))
def test_any_chunking_gives_the_same_parts(parts: list[tuple[str, bytes]], steps: list[int]) -> None:
    body, parser, events, at, turn = form(parts), Multipart(MARK), list[Event](), 0, 0
    while at < len(body):
        step = steps[turn % len(steps)]
        events += parser.feed(body[at : at + step])
        at, turn = at + step, turn + 1
    parser.close()
    assert told(events) == parts


@given(st.binary(min_size=1, max_size=60))
def test_what_looks_like_a_boundary_is_content(noise: bytes) -> None:
    content = b"\r\n--front" + noise + b"\r\n-" + b"--" + MARK.encode()[:-1]
    if b"\r\n--" + MARK.encode() in content:
        return
    parser = Multipart(MARK)
    assert told(parser.feed(form([("file", content)]))) == [("file", content)]


@given(st.binary(max_size=400))
def test_rubbish_ends_in_an_error_or_nothing(data: bytes) -> None:
    parser = Multipart(MARK)
    with pytest.raises(MultipartError):
        parser.feed(data)
        parser.close()


def test_little_is_held_of_a_large_part() -> None:
    parser = Multipart(MARK)
    parser.feed(form([("file", b"")])[:-20])
    parser = Multipart(MARK)
    parser.feed(f'--{MARK}\r\nContent-Disposition: form-data; name="file"\r\n\r\n'.encode())
    given_out = 0
    for _ in range(100):
        given_out += sum(len(event.data) for event in parser.feed(bytes(10_000)) if isinstance(event, PartData))
        assert len(parser._held) < 100
    assert given_out > 999_000


@pytest.mark.parametrize(
    "wrong", ["", "text/plain; boundary=x", "multipart/form-data", "multipart/form-data; boundary="]
)
def test_other_content_types_have_no_boundary(wrong: str) -> None:
    with pytest.raises(MultipartError):
        boundary_of(wrong)


def test_boundaries_with_and_without_quotes() -> None:
    assert boundary_of('multipart/form-data; boundary="a b"') == "a b"
    assert boundary_of("Multipart/Form-Data; charset=utf-8; boundary=ab-c") == "ab-c"
