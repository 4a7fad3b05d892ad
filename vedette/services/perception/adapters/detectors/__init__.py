"""The seam to detectors and the visible table of them."""

from collections.abc import Sequence
from typing import Protocol

from vedette.media.unit import Frame
from vedette.services.perception.core.tracker import Rules
from vedette.services.perception.model import Detections, Pace


class Detector(Protocol):
    """Finds objects in pictures, without identity. Made without effects; `open` loads what it needs."""

    @property
    def classes(self) -> Sequence[str]:
        """What the class indices of its detections mean."""

    async def open(self) -> None:
        """Loads and checks it. Fault 503 when it cannot be trusted."""

    def picture_size(self, width: int, height: int) -> tuple[int, int]:
        """The size, in pixels, in which it wants the pictures of a source of `width` x `height`."""

    def rules(self, base: Rules) -> Rules:
        """The tracker's rules that fit its boxes, made from the configured ones."""

    def pace(self, asked: Pace) -> Pace:
        """How often a new stream is looked at, made from what the settings ask for."""

    async def detect(self, frames: Sequence[Frame]) -> list[Detections]:
        """Detections of each frame in pixels of its source picture; `frames` have the size asked for."""
