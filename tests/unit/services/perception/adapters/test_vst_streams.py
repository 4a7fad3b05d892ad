"""VST's list of live streams as requests."""

import pytest

from vedette.services.perception.adapters.vst_streams import parse
from vedette.services.perception.model import StreamRequest

MAIN = {"streamId": "a", "name": "Gate", "url": "rtsp://127.0.0.1:1/live/a", "isMain": True}
SUB = {"streamId": "b", "name": "Gate", "url": "rtsp://127.0.0.1:1/live/b", "isMain": False}


def test_the_main_stream_of_each_sensor_is_taken() -> None:
    assert parse([{"a": [SUB, MAIN]}, {"c": [SUB]}]) == [
        StreamRequest("a", "Gate", "rtsp://127.0.0.1:1/live/a"),
        StreamRequest("c", "Gate", "rtsp://127.0.0.1:1/live/b"),
    ]


def test_streams_without_an_address_are_left_out_and_a_name_is_made_up() -> None:
    assert parse([{"a": [{**MAIN, "url": ""}]}, {"b": []}]) == []
    assert parse([{"a": [{"url": "rtsp://x/y"}]}])[0].name == "a"


@pytest.mark.parametrize("content", [None, 3, [3], [{"a": 3}], [{"a": [None]}]])
def test_anything_else_is_refused(content: object) -> None:
    with pytest.raises((TypeError, KeyError, AttributeError)):
        parse(content)
