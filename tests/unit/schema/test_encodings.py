"""Frames survive their encodings, to the precision each one states."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vedette.schema.encodings import ENCODINGS, full, minimal
from vedette.schema.frame import BBox, DetectedObject, FrameMessage

PIXELS = st.integers(min_value=-50_000, max_value=500_000).map(lambda value: value / 100)
NAMES = st.text(alphabet=st.characters(codec="utf-8", exclude_characters="|", exclude_categories=["Cs"]), max_size=12)
BOXES = st.builds(BBox, left_x=PIXELS, top_y=PIXELS, right_x=PIXELS, bottom_y=PIXELS)
OBJECTS = st.builds(
    DetectedObject,
    id=st.integers(min_value=0).map(str),
    bbox=BOXES,
    type=NAMES,
    confidence=st.floats(min_value=0, max_value=1),
    info=st.dictionaries(NAMES, NAMES, max_size=2),
)
MOMENTS = st.just("2026-01-31T12:00:00.040Z")
FRAMES = st.builds(
    FrameMessage,
    id=st.integers(min_value=0).map(str),
    timestamp=MOMENTS,
    at_timestamp=MOMENTS,
    sensor_id=NAMES,
    objects=st.lists(OBJECTS, max_size=5),
    info=st.dictionaries(NAMES, NAMES, max_size=2),
)


@given(FRAMES)
def test_full_json_keeps_everything(frame: FrameMessage) -> None:
    assert full.decode(full.encode(frame)) == frame


@given(FRAMES)
def test_minimal_json_keeps_what_it_states(frame: FrameMessage) -> None:
    back = minimal.decode(minimal.encode(frame))
    assert (back.id, back.sensor_id, back.captured_at) == (frame.id, frame.sensor_id, frame.captured_at)
    assert [(item.id, item.bbox, item.type) for item in back.objects] == [
        (item.id, item.bbox, item.type) for item in frame.objects
    ]


def test_the_published_keys_are_on_the_wire() -> None:
    box = BBox(left_x=1, top_y=2, right_x=3, bottom_y=4)
    frame = FrameMessage(
        id="7", timestamp="T", at_timestamp="T", sensor_id="door", objects=[DetectedObject(id="5", bbox=box)]
    )
    wire = msgspec.json.decode(full.encode(frame))
    assert wire["@timestamp"] == wire["timestamp"] == "T"
    assert wire["sensorId"] == "door"
    assert wire["objects"][0]["bbox"] == {"leftX": 1, "topY": 2, "rightX": 3, "bottomY": 4}
    assert msgspec.json.decode(minimal.encode(frame))["objects"] == ["5|1.00|2.00|3.00|4.00|Person"]


def test_foreign_frames_are_read() -> None:
    text = (
        b'{"version":"4.0","id":"1","@timestamp":"T","sensorId":"a","objects":["9|1|2|3|4|Person|#|x|0.9"],"extra":1}'
    )
    assert minimal.decode(text).objects[0].type == "Person"
    assert full.decode(b'{"id":"1","@timestamp":"T","sensorId":"a","new":{}}').captured_at == "T"


@pytest.mark.parametrize("name", sorted(ENCODINGS))
@pytest.mark.parametrize("junk", [b"", b"{", b"[]", b'{"id":1}', b'{"id":"1","sensorId":"a","objects":["1|2"]}'])
def test_junk_is_refused(name: str, junk: bytes) -> None:
    with pytest.raises(msgspec.MsgspecError):
        ENCODINGS[name].decode(junk)
