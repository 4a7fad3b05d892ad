"""The camera list: what goes out comes in again, and no cell is a formula."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vedette.services.vst.core import sensor_list
from vedette.services.vst.core.sensor_list import COLUMNS, BadNameError, checked_name, free_name

# A CSV cell cannot tell apart what Python's reader joins: no NUL, and texts come back without outer blanks.
texts = st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), max_size=20).map(str.strip)
rows = st.lists(st.fixed_dictionaries(dict.fromkeys(COLUMNS, texts)), max_size=5)


def filled(items: list[dict[str, str]]) -> list[dict[str, str]]:
    return [{key: text for key, text in item.items() if text} for item in items if any(item.values())]


@given(rows)
def test_a_list_comes_back_from_json_as_it_went(items: list[dict[str, str]]) -> None:
    found = sensor_list.from_json(sensor_list.to_json(items))
    assert filled([dict(row) for row in found]) == filled(items)


@given(rows)
def test_a_list_comes_back_from_csv_as_it_went(items: list[dict[str, str]]) -> None:
    found = sensor_list.from_csv(sensor_list.to_csv(items))
    assert filled([dict(row) for row in found]) == filled(items)


@given(rows)
def test_no_cell_is_a_formula(items: list[dict[str, str]]) -> None:
    written = sensor_list.to_csv(items).decode()
    for line in csv.reader(io.StringIO(written, newline="")):
        assert not any(cell.startswith(("=", "+", "-", "@", "\t", "\r", "\n")) for cell in line)


def test_passwords_are_never_exported() -> None:
    items = [{"name": "Gate", "sensorUrl": "rtsp://192.0.2.1/1", "username": "canary", "password": "canary"}]
    assert b"canary" not in sensor_list.to_json(items) + sensor_list.to_csv(items)


def test_semicolons_a_byte_order_mark_and_other_columns_are_taken() -> None:
    text = "\ufeffname;sensorUrl;password;colour\nGate;rtsp://192.0.2.1/1;secret;red\n\n".encode()
    assert sensor_list.from_csv(text) == [{"name": "Gate", "sensorUrl": "rtsp://192.0.2.1/1", "password": "secret"}]


@pytest.mark.parametrize(
    "text",
    [b"", b"\n", b"name,colour\nGate,red", b"\xff\xfe", b'name,sensorUrl\n"open', b"sensorUrl\n" + b"x\n" * 1001],
)
def test_what_is_no_csv_list_is_refused(text: bytes) -> None:
    with pytest.raises(ValueError, match=r"^it "):
        sensor_list.from_csv(text)


@pytest.mark.parametrize("text", [b"", b"{", b"7", b'["a"]', b'{"sensors": 1}', b"\xff"])
def test_what_is_no_json_list_is_refused(text: bytes) -> None:
    with pytest.raises(ValueError, match=r"^it "):
        sensor_list.from_json(text)
    assert sensor_list.from_json(b'{"sensors": [{"name": "Gate", "port": 7}]}') == [{"name": "Gate"}]


@given(st.text(max_size=120), st.sets(st.text(max_size=8)))
def test_a_free_name_is_free_and_good(wanted: str, taken: set[str]) -> None:
    found = free_name(wanted, taken)
    assert found not in taken
    assert checked_name(found) == found


@pytest.mark.parametrize("name", ["", "  ", "x" * 101, "a\nb", "a #-# b"])
def test_bad_names_are_refused(name: str) -> None:
    with pytest.raises(BadNameError):
        checked_name(name)


def test_a_name_that_is_taken_gets_a_number() -> None:
    assert free_name("Gate", {"Gate", "Gate 2"}) == "Gate 3"
    assert free_name("\x00", set()) == "Camera"
