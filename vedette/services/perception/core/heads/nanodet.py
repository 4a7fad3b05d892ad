"""NanoDet's output as the shipped files give it: scores and distances from cell centres; perception.md §2 and §3."""

from collections.abc import Mapping
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from vedette.services.perception.core import letterbox as boxing
from vedette.services.perception.core.postprocess import nms
from vedette.services.perception.model import Detections, Letterbox

STRIDES = (8, 16, 32)
NMS_IOU = 0.6
SMALLEST = 1.0


def decode(outputs: Mapping[str, NDArray[np.float32]], letterbox: Letterbox, threshold: float) -> Detections:
    """Boxes of score above `threshold` in pixels of the source picture, inside it, best first, overlaps suppressed.

    `outputs`: `scores` (1, N, classes) are probabilities, `ltrb` (1, N, 4) distances in units of the stride.
    """
    scores = outputs["scores"][0]
    best = scores.argmax(axis=1) if scores.shape[1] > 1 else np.zeros(len(scores), np.intp)
    score = scores[np.arange(len(scores)), best]
    wanted = np.flatnonzero(score > threshold)
    centre, stride = grid(letterbox.input_width, letterbox.input_height)
    distance = outputs["ltrb"][0][wanted] * stride[wanted]
    corners = np.concatenate([centre[wanted] - distance[:, :2], centre[wanted] + distance[:, 2:]], axis=1)
    boxes = boxing.clip(boxing.to_source(corners, letterbox), letterbox.width, letterbox.height)
    sides = boxes[:, 2:] - boxes[:, :2]
    real = np.flatnonzero((sides >= SMALLEST).all(axis=1))
    found = Detections(boxes, score[wanted], best[wanted].astype(np.int32)).select(real)
    return found.select(nms(found.boxes, found.scores, NMS_IOU))


@lru_cache(maxsize=32)
def grid(input_width: int, input_height: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Cell centres (N, 2) in pixels of the input and strides (N, 1), level by level, row by row."""
    centres, strides = [], []
    for stride in STRIDES:
        y, x = np.mgrid[0 : input_height // stride, 0 : input_width // stride]
        centres.append(np.stack([(x.ravel() + 0.5) * stride, (y.ravel() + 0.5) * stride], axis=1))
        strides.append(np.full((x.size, 1), stride))
    return np.concatenate(centres).astype(np.float32), np.concatenate(strides).astype(np.float32)
