"""Where a picture lies in a network input, and the way back; perception.md §3."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from vedette.services.perception.model import Boxes, Letterbox


def fit(width: int, height: int, input_size: tuple[int, int]) -> Letterbox:
    """The picture scaled to fit `input_size` (width, height), aspect kept, centred; sizes in pixels, above 0."""
    input_width, input_height = input_size
    scale = min(input_width / width, input_height / height)
    content_width = max(1, round(width * scale))
    content_height = max(1, round(height * scale))
    return Letterbox(
        width=width,
        height=height,
        input_width=input_width,
        input_height=input_height,
        scale=scale,
        left=(input_width - content_width) // 2,
        top=(input_height - content_height) // 2,
        content_width=content_width,
        content_height=content_height,
    )


def choose(width: int, height: int, input_sizes: Sequence[tuple[int, int]]) -> Letterbox:
    """The input of `input_sizes` that shows the picture largest; of equals the one with the least area."""
    fits = [fit(width, height, size) for size in input_sizes]
    return max(fits, key=lambda box: (round(box.scale, 6), -box.input_width * box.input_height))


def to_input(boxes: NDArray[np.float32], letterbox: Letterbox) -> Boxes:
    """Boxes of the source picture, in pixels of the network input."""
    return boxes * np.float32(letterbox.scale) + _offset(letterbox)


def to_source(boxes: NDArray[np.float32], letterbox: Letterbox) -> Boxes:
    """Boxes of the network input, in pixels of the source picture; may reach outside it."""
    return (boxes - _offset(letterbox)) / np.float32(letterbox.scale)


def clip(boxes: NDArray[np.float32], width: int, height: int) -> Boxes:
    """Boxes cut to the picture."""
    limits = np.array([width, height, width, height], np.float32)
    return np.minimum(np.maximum(boxes, np.float32(0)), limits)


def _offset(letterbox: Letterbox) -> NDArray[np.float32]:
    return np.array([letterbox.left, letterbox.top, letterbox.left, letterbox.top], np.float32)
