"""Overlap and non-maximum suppression."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from vedette.services.perception.core.postprocess import covered, iou, nms

BOX = st.tuples(st.integers(0, 60), st.integers(0, 60), st.integers(1, 40), st.integers(1, 40))
SCENES = st.lists(st.tuples(BOX, st.integers(1, 20)), max_size=24)


def scene(items: list[tuple[tuple[int, int, int, int], int]]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    boxes = np.array([[x, y, x + w, y + h] for (x, y, w, h), _ in items], np.float32).reshape(-1, 4)
    return boxes, np.array([score / 20 for _, score in items], np.float32)


def test_iou_of_known_boxes() -> None:
    first = np.array([[0, 0, 10, 10]], np.float32)
    second = np.array([[0, 0, 10, 10], [5, 0, 15, 10], [10, 0, 20, 10], [2, 2, 2, 8]], np.float32)
    assert iou(first, second)[0].tolist() == pytest.approx([1, 1 / 3, 0, 0])


def test_covered_is_the_part_of_the_first_box() -> None:
    small, large = np.array([[0, 0, 4, 4]], np.float32), np.array([[2, 0, 100, 100]], np.float32)
    assert covered(small, large)[0, 0] == pytest.approx(0.5)
    assert covered(large, small)[0, 0] < 0.01


@settings(max_examples=150)
@given(SCENES, st.sampled_from([0.3, 0.6]))
def test_nms_keeps_the_best_is_idempotent_and_order_free(
    items: list[tuple[tuple[int, int, int, int], int]], threshold: float
) -> None:
    boxes, scores = scene(items)
    keep = nms(boxes, scores, threshold)
    kept, kept_scores = boxes[keep], scores[keep]
    assert (np.diff(kept_scores) <= 0).all()
    if items:
        assert kept_scores[0] == scores.max()
    overlap = iou(kept, kept) - np.eye(len(keep), dtype=np.float32)
    assert (overlap <= threshold + 1e-6).all()
    assert nms(kept, kept_scores, threshold).tolist() == list(range(len(keep)))
    order = np.random.default_rng(len(items)).permutation(len(items))
    again = order[nms(boxes[order], scores[order], threshold)]
    assert boxes[again].tolist() == kept.tolist()


def test_nms_of_nothing_is_nothing() -> None:
    boxes, scores = scene([])
    assert len(nms(boxes, scores, 0.6)) == 0
