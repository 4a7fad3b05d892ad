"""HTTP ranges: any header gives a part of the body, the whole, or says that there is none."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vedette.services.vst.core.byte_range import UnsatisfiableError, parse


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("bytes=0-0", (0, 1)), ("bytes=0-", (0, 100)), ("bytes=5-9", (5, 10)), ("bytes=90-500", (90, 100)),
        ("bytes=-1", (99, 100)), ("bytes=-500", (0, 100)), ("bytes=99-", (99, 100)), ("bytes= 5-9", (5, 10)),
        (None, None), ("bytes=-", None), ("bytes=9-5", None), ("bytes=0-1,5-6", None), ("lines=0-1", None),
        ("bytes=a-b", None), ("bytes=1-2-3", None), ("bytes=" + "9" * 200 + "-", None), ("", None),
    ],
)  # fmt: skip
def test_what_a_header_means(header: str | None, expected: tuple[int, int] | None) -> None:
    assert parse(header, 100) == expected


@pytest.mark.parametrize("header", ["bytes=100-", "bytes=100-200", "bytes=-0"])
def test_what_lies_outside(header: str) -> None:
    with pytest.raises(UnsatisfiableError):
        parse(header, 100)


def test_an_empty_body_has_no_ranges() -> None:
    with pytest.raises(UnsatisfiableError):
        parse("bytes=-5", 0)


@given(st.one_of(st.text(max_size=40), st.from_regex(r"bytes=\d{0,4}-\d{0,4}", fullmatch=True)), st.integers(0, 5000))
def test_ranges_lie_inside(header: str, size: int) -> None:
    try:
        span = parse(header, size)
    except UnsatisfiableError:
        return
    assert span is None or 0 <= span[0] < span[1] <= size
