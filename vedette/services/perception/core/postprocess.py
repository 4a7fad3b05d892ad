"""Boxes against boxes: overlap and non-maximum suppression."""

import numpy as np
from numpy.typing import NDArray

from vedette.services.perception.model import Boxes

CANDIDATES = 1000
"""How many boxes suppression looks at, best first; a detector yields about 40 a frame after it."""


def iou(first: Boxes, second: Boxes) -> NDArray[np.float32]:
    """Intersection over union of each of `first` (m, 4) with each of `second` (n, 4): (m, n), 0 for empty boxes."""
    shared = _intersection(first, second)
    union = _area(first)[:, None] + _area(second)[None, :] - shared
    return _ratio(shared, union)


def covered(boxes: Boxes, by: Boxes) -> NDArray[np.float32]:
    """The part of each of `boxes` (m, 4) that lies inside each of `by` (n, 4): (m, n) in 0..1."""
    return _ratio(_intersection(boxes, by), _area(boxes)[:, None])


def nms(boxes: Boxes, scores: NDArray[np.float32], threshold: float) -> NDArray[np.intp]:
    """Indices of the boxes that stay, best first: each overlaps every better one by `threshold` IoU at most.

    Equal scores are ordered by coordinates, so that the result does not depend on the order of the input.
    """
    order = np.lexsort((boxes[:, 3], boxes[:, 2], boxes[:, 1], boxes[:, 0], -scores))[:CANDIDATES]
    ordered = boxes[order]
    near = iou(ordered, ordered) > threshold
    alive = np.ones(len(order), np.bool_)
    keep: list[int] = []
    for row in range(len(order)):
        if alive[row]:
            keep.append(row)
            alive &= ~near[row]
    return order[np.array(keep, np.intp)]


def _intersection(first: Boxes, second: Boxes) -> NDArray[np.float32]:
    low = np.maximum(first[:, None, :2], second[None, :, :2])
    high = np.minimum(first[:, None, 2:], second[None, :, 2:])
    sides: NDArray[np.float32] = np.maximum(high - low, np.float32(0))
    area: NDArray[np.float32] = sides[..., 0] * sides[..., 1]
    return area


def _area(boxes: Boxes) -> NDArray[np.float32]:
    sides: NDArray[np.float32] = np.maximum(boxes[:, 2:] - boxes[:, :2], np.float32(0))
    area: NDArray[np.float32] = sides[:, 0] * sides[:, 1]
    return area


def _ratio(part: NDArray[np.float32], whole: NDArray[np.float32]) -> NDArray[np.float32]:
    return (part / np.maximum(whole, np.float32(1e-9))).astype(np.float32, copy=False)
