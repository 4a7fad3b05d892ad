"""A detector that knows the answer: it reads the frame number from the synthetic scene and returns the scene's own
boxes.

It stands in for the network where the truth must be known: counts in demonstrations and tests are exact, and everything
behind the detector is the real thing.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import override

import numpy as np
from numpy.typing import NDArray

from vedette.media.unit import Frame
from vedette.services.perception.adapters.detectors import Detector
from vedette.services.perception.core.tracker import Rules
from vedette.services.perception.model import Boxes, Detections, Pace

type ReadNumber = Callable[[NDArray[np.uint8]], int | None]
type BoxesAt = Callable[[int], Boxes]


class ScriptedDetector(Detector):
    """`read_number` finds the frame number in a picture, None when it shows none; `boxes_at` gives that frame's boxes.

    Boxes are in pixels of a picture of the scene's `size`; a stream of another size gets them scaled.
    """

    def __init__(self, *, read_number: ReadNumber, boxes_at: BoxesAt, size: tuple[int, int]) -> None:
        self._read_number, self._boxes_at, self._size = read_number, boxes_at, size

    @property
    @override
    def classes(self) -> Sequence[str]:
        return ("Person",)

    @override
    async def open(self) -> None:
        """Nothing to load."""

    @override
    def picture_size(self, width: int, height: int) -> tuple[int, int]:
        return width, height

    @override
    def rules(self, base: Rules) -> Rules:
        """An exact detector: what it shows is there from the first frame on, what it does not show is gone."""
        return replace(base, confirm_hits=1, shown_misses=0)

    @override
    def pace(self, asked: Pace) -> Pace:
        """Every frame: it costs next to nothing, and exact counts need it."""
        return Pace()

    @override
    async def detect(self, frames: Sequence[Frame]) -> list[Detections]:
        return [self._detect(frame) for frame in frames]

    def _detect(self, frame: Frame) -> Detections:
        number = self._read_number(frame.image)
        if number is None:
            return Detections.empty()
        scale_x, scale_y = frame.width / self._size[0], frame.height / self._size[1]
        boxes = self._boxes_at(number) * np.array([scale_x, scale_y, scale_x, scale_y], np.float32)
        count = len(boxes)
        return Detections(boxes.astype(np.float32), np.ones(count, np.float32), np.zeros(count, np.int32))
