"""Domain values of perception: letterbox, detections and tracks as structs of arrays, streams as their readers see
them.
"""

from dataclasses import dataclass, field
from typing import Literal, Self

import numpy as np
from numpy.typing import NDArray

type Boxes = NDArray[np.float32]
"""float32 of shape (n, 4): left, top, right, bottom in pixels of the source picture."""


@dataclass(frozen=True, slots=True)
class Letterbox:
    """How a source picture of `width` x `height` lies in a network input: scaled by `scale`, moved by `left`, `top`.

    `content_width` x `content_height` is the size of the scaled picture inside the input of `input_width` x
    `input_height`; the rest of the input is the fill colour.
    """

    width: int
    height: int
    input_width: int
    input_height: int
    scale: float
    left: int
    top: int
    content_width: int
    content_height: int


@dataclass(frozen=True, slots=True, eq=False)
class Detections:
    """What a detector found in one frame: `boxes` (n, 4), `scores` (n,) in 0..1, `classes` (n,) as class indices."""

    boxes: Boxes
    scores: NDArray[np.float32]
    classes: NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.scores)

    def select(self, index: NDArray[np.intp] | NDArray[np.bool_]) -> "Detections":
        """The rows that `index` names, in its order."""
        return Detections(self.boxes[index], self.scores[index], self.classes[index])

    @classmethod
    def empty(cls) -> Self:
        """Nothing found."""
        return cls(np.zeros((0, 4), np.float32), np.zeros(0, np.float32), np.zeros(0, np.int32))


@dataclass(frozen=True, slots=True, eq=False)
class Tracks:
    """The objects of one frame, in order of their ids.

    `ids` (n,) int64 are never reused, `boxes` (n, 4) are smoothed and clipped to the picture, `scores` (n,) are those
    of the last real match, `predicted` (n,) marks boxes that no detection of this frame stands behind. `early_us` (n,
    k) and `early_boxes` (n, k, 4) hold the positions before confirmation of tracks that this frame confirmed (oldest
    first, time 0 = none); analytics needs them so that a crossing near the border is not lost.
    """

    ids: NDArray[np.int64]
    boxes: Boxes
    scores: NDArray[np.float32]
    classes: NDArray[np.int32]
    predicted: NDArray[np.bool_]
    early_us: NDArray[np.int64]
    early_boxes: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.ids)


type StreamState = Literal["connecting", "streaming", "failed"]


@dataclass(frozen=True, slots=True)
class StreamRequest:
    """A stream that perception is asked to watch. `name` is what metadata carries as `sensorId`."""

    camera_id: str
    name: str
    url: str


@dataclass(frozen=True, slots=True)
class Pace:
    """How often a stream is inferred: one frame, then `interval` skipped; or `infer_fps` a second if that is set."""

    interval: int = 0
    infer_fps: float | None = None


@dataclass(slots=True)
class StreamReport:
    """What the outside may know of one stream. Costs are CPU seconds spent on it since it was added."""

    camera_id: str
    name: str
    state: StreamState
    cause: str = ""
    width: int = 0
    height: int = 0
    frames: int = 0
    inferences: int = 0
    dropped: int = 0
    tracks: int = 0
    decode_s: float = 0.0
    inference_s: float = 0.0
    tracking_s: float = 0.0
    pace: Pace = field(default_factory=Pace)
