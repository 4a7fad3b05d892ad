"""Tracks become the message of a frame."""

import numpy as np

from vedette.media.unit import Frame
from vedette.schema.encodings import full
from vedette.schema.frame import EARLY, FRAME_HEIGHT, FRAME_WIDTH, PREDICTED
from vedette.services.perception.core.messages import compose
from vedette.services.perception.model import Tracks


def test_every_track_is_an_object_with_its_marks() -> None:
    tracks = Tracks(
        ids=np.array([3, 12]),
        boxes=np.array([[1.234, 2, 30.5, 40], [50, 60, 70, 80]], np.float32),
        scores=np.array([0.87654, 0.5], np.float32),
        classes=np.zeros(2, np.int32),
        predicted=np.array([False, True]),
        early_us=np.array([[0, 1_700_000_000_100_000], [0, 0]]),
        early_boxes=np.arange(16, dtype=np.float32).reshape(2, 2, 4),
    )
    frame = Frame(np.zeros((0, 0, 3), np.uint8), 640, 360, 0, 1_700_000_000_200_000, 42)
    message = compose(tracks, frame, sensor="Gate", timestamp="2023-11-14T22:13:20.200Z", classes=("Person",))
    assert (message.id, message.sensor_id, message.captured_at) == ("42", "Gate", "2023-11-14T22:13:20.200Z")
    assert message.at_timestamp == message.timestamp
    assert message.info == {FRAME_WIDTH: "640", FRAME_HEIGHT: "360"}
    first, second = message.objects
    assert (first.id, first.type, first.confidence, first.bbox.left_x) == ("3", "Person", 0.877, 1.23)
    assert first.info == {EARLY: "1700000000100000,4.00,5.00,6.00,7.00"}
    assert second.info == {PREDICTED: "true"}
    assert full.decode(full.encode(message)) == message
