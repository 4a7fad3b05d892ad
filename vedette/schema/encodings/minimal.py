"""Minimal JSON 4.0: an object is one text `id|x1|y1|x2|y2|Class`, pixels of the source picture.

What may follow the class (attribute groups, pose, confidence) is ignored when read, as the format asks; confidence and
predicted marks are therefore lost, and coordinates keep two decimals.
"""

import msgspec

from vedette.schema.frame import BBox, DetectedObject, FrameMessage


class _MinimalFrame(msgspec.Struct, frozen=True):
    id: str
    sensor_id: str = msgspec.field(name="sensorId")
    version: str = "4.0"
    at_timestamp: str = msgspec.field(name="@timestamp", default="")
    timestamp: str = ""
    objects: list[str] = []


_decoder = msgspec.json.Decoder(_MinimalFrame)


def encode(frame: FrameMessage) -> bytes:
    """JSON bytes of the frame."""
    objects = [
        f"{item.id}|{item.bbox.left_x:.2f}|{item.bbox.top_y:.2f}|{item.bbox.right_x:.2f}|{item.bbox.bottom_y:.2f}|{item.type}"
        for item in frame.objects
    ]
    return msgspec.json.encode(
        {
            "version": frame.version,
            "id": frame.id,
            "@timestamp": frame.captured_at,
            "sensorId": frame.sensor_id,
            "objects": objects,
        }
    )


def decode(payload: bytes) -> FrameMessage:
    """The frame; raises msgspec.DecodeError or msgspec.ValidationError on anything else."""
    frame = _decoder.decode(payload)
    moment = frame.at_timestamp or frame.timestamp
    return FrameMessage(
        version=frame.version,
        id=frame.id,
        timestamp=moment,
        at_timestamp=moment,
        sensor_id=frame.sensor_id,
        objects=[_object(text) for text in frame.objects],
    )


def _object(text: str) -> DetectedObject:
    fields = text.split("|")
    try:
        left, top, right, bottom = (float(value) for value in fields[1:5])
        return DetectedObject(
            id=fields[0], bbox=BBox(left_x=left, top_y=top, right_x=right, bottom_y=bottom), type=fields[5]
        )
    except (IndexError, ValueError) as error:
        raise msgspec.ValidationError(f"not an object of minimal JSON: {text[:80]!r}") from error
