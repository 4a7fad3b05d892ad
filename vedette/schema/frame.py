"""One frame's detections and tracks, as the Metropolis schema names them (`nv.Frame` as JSON)."""

import msgspec

from vedette.schema.base import Message

PREDICTED = "predicted"
"""Key of `DetectedObject.info`: "true" on a box that the tracker predicted and no detector saw in this frame."""
EARLY = "early"
"""Key of `DetectedObject.info` on the frame that confirms a track: where it was before it was shown, oldest first.

Positions are joined by `;`, each is `<t>,<left>,<top>,<right>,<bottom>`: µs UTC as a whole number, then the box in
pixels of the source picture as decimals. Times rise and lie before the frame's own. Whoever follows paths (crossings,
entries) takes these positions first; whoever counts what is in view leaves them out, because their frames are over.
"""
FRAME_WIDTH, FRAME_HEIGHT = "frameWidth", "frameHeight"
"""Keys of `FrameMessage.info`: size of the source picture in pixels, as decimal text."""


class BBox(Message, frozen=True, kw_only=True, rename="camel"):
    """A box in pixels of the source picture; right and bottom are exclusive edges."""

    left_x: float
    top_y: float
    right_x: float
    bottom_y: float


class DetectedObject(Message, frozen=True, kw_only=True, rename="camel"):
    """One object in one frame; `id` is the track id, decimal text, unique within the sensor."""

    id: str
    bbox: BBox
    type: str = "Person"
    confidence: float = 0.0
    info: dict[str, str] = {}


class FrameMessage(Message, frozen=True, kw_only=True, rename="camel", omit_defaults=False):
    """All objects of one frame. `sensor_id` carries the sensor's *name*; `timestamp` is the capture time, ISO-8601 UTC.

    `at_timestamp` repeats it under the older producers' key `@timestamp`.
    """

    version: str = "4.0"
    id: str
    timestamp: str = ""
    at_timestamp: str = msgspec.field(name="@timestamp", default="")
    sensor_id: str
    objects: list[DetectedObject] = []
    info: dict[str, str] = {}

    @property
    def captured_at(self) -> str:
        """The capture time under whichever key the producer used."""
        return self.timestamp or self.at_timestamp
