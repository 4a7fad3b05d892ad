"""Tracks of one frame as the message that goes on the bus."""

from collections.abc import Sequence

from vedette.media.unit import Frame
from vedette.schema.frame import EARLY, FRAME_HEIGHT, FRAME_WIDTH, PREDICTED, BBox, DetectedObject, FrameMessage
from vedette.services.perception.model import Tracks


def compose(tracks: Tracks, frame: Frame, *, sensor: str, timestamp: str, classes: Sequence[str]) -> FrameMessage:
    """The message of a frame; coordinates in pixels of the source picture, to a hundredth."""
    objects = [_object(tracks, row, classes) for row in range(len(tracks))]
    return FrameMessage(
        id=str(frame.number),
        timestamp=timestamp,
        at_timestamp=timestamp,
        sensor_id=sensor,
        objects=objects,
        info={FRAME_WIDTH: str(frame.width), FRAME_HEIGHT: str(frame.height)},
    )


def _object(tracks: Tracks, row: int, classes: Sequence[str]) -> DetectedObject:
    left, top, right, bottom = (round(value, 2) for value in tracks.boxes[row].tolist())
    info: dict[str, str] = {}
    if tracks.predicted[row]:
        info[PREDICTED] = "true"
    if tracks.early_us[row].any():
        info[EARLY] = _early(tracks, row)
    return DetectedObject(
        id=str(tracks.ids[row]),
        bbox=BBox(left_x=left, top_y=top, right_x=right, bottom_y=bottom),
        type=classes[tracks.classes[row]],
        confidence=round(float(tracks.scores[row]), 3),
        info=info,
    )


def _early(tracks: Tracks, row: int) -> str:
    positions = zip(tracks.early_us[row].tolist(), tracks.early_boxes[row].tolist(), strict=True)
    return ";".join(f"{t_us}," + ",".join(f"{value:.2f}" for value in box) for t_us, box in positions if t_us)
