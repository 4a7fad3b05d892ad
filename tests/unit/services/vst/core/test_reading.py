"""Values that are not video: what is taken, and as what."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vedette.services.vst.core.reading import MOST_FUTURE_US, MOST_VALUE_BYTES, from_message, reading_of, value_of

NOW = 1_700_000_000_000_000
scalars = st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False) | st.text()
values = scalars | st.dictionaries(st.text(max_size=8), scalars, max_size=4)


@given(values)
def test_a_value_comes_back_as_it_went_in(value: Any) -> None:
    found = value_of(reading_of("s", "temperature", value, at_us=NOW, now_us=NOW))
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize("value", [None, [], [1], float("nan"), float("inf"), "x" * MOST_VALUE_BYTES])
def test_what_is_no_value_is_refused(value: Any) -> None:
    with pytest.raises(ValueError, match="value of a reading"):
        reading_of("s", "temperature", value, at_us=NOW, now_us=NOW)


@pytest.mark.parametrize(("name", "unit"), [("", ""), ("a\nb", ""), ("x" * 129, ""), ("a", "u" * 33), ("a", "\x07")])
def test_names_and_units_are_printable_and_short(name: str, unit: str) -> None:
    with pytest.raises(ValueError, match="name"):
        reading_of("s", name, 1, at_us=NOW, now_us=NOW, unit=unit)


def test_the_future_is_refused_and_a_clock_that_is_a_little_ahead_is_not() -> None:
    reading_of("s", "a", 1, at_us=NOW + MOST_FUTURE_US, now_us=NOW)
    with pytest.raises(ValueError, match="time"):
        reading_of("s", "a", 1, at_us=NOW + MOST_FUTURE_US + 1, now_us=NOW)


@given(values)
def test_a_bare_value_and_one_in_an_object_are_the_same_message(value: Any) -> None:
    bare = from_message("site/Gate/temperature", json.dumps({"value": value, "unit": "C"}).encode(), "site")
    assert bare == ("Gate", "temperature", {"value": value, "unit": "C"})
    if not isinstance(value, dict) or "value" not in value:
        assert from_message("site/Gate/t", json.dumps(value).encode(), "site/") == ("Gate", "t", {"value": value})


@pytest.mark.parametrize(
    ("topic", "payload"), [("site/Gate", b"1"), ("site/a/b/c", b"1"), ("site//b", b"1"), ("site/a/b", b"{")]
)
def test_messages_that_are_no_readings_are_refused(topic: str, payload: bytes) -> None:
    with pytest.raises(ValueError, match=r"published|JSON"):
        from_message(topic, payload, "site")
