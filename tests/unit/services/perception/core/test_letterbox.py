"""A picture in a network input, and the way back."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vedette.services.perception.core import letterbox

SIZES = ((416, 256), (416, 320), (256, 416))


@given(st.integers(16, 4096), st.integers(16, 4096), st.sampled_from(SIZES))
def test_there_and_back_is_the_same_box(width: int, height: int, size: tuple[int, int]) -> None:
    box = letterbox.fit(width, height, size)
    boxes = np.array([[0, 0, width, height], [width / 3, height / 4, width / 2, height / 2]], np.float32)
    back = letterbox.to_source(letterbox.to_input(boxes, box), box)
    np.testing.assert_allclose(back, boxes, atol=0.01 * max(width, height) / 100 + 0.01)


@given(st.integers(16, 4096), st.integers(16, 4096), st.sampled_from(SIZES))
def test_the_content_lies_inside_the_input_and_is_centred(width: int, height: int, size: tuple[int, int]) -> None:
    box = letterbox.fit(width, height, size)
    assert box.left >= 0
    assert box.top >= 0
    assert box.left + box.content_width <= size[0]
    assert box.top + box.content_height <= size[1]
    assert box.content_width == size[0] or box.content_height == size[1]


@pytest.mark.parametrize(
    ("picture", "expected"),
    [((768, 576), (416, 320)), ((1920, 1080), (416, 256)), ((640, 360), (416, 256)), ((1080, 1920), (256, 416))],
)
def test_the_input_that_shows_most_with_least_area_is_chosen(
    picture: tuple[int, int], expected: tuple[int, int]
) -> None:
    box = letterbox.choose(*picture, SIZES)
    assert (box.input_width, box.input_height) == expected


def test_the_clip_of_the_design_lies_where_the_design_says() -> None:
    box = letterbox.fit(768, 576, (416, 320))
    assert (box.content_width, box.content_height, box.left, box.top) == (416, 312, 0, 4)


def test_clip_keeps_boxes_inside_the_picture() -> None:
    boxes = letterbox.clip(np.array([[-5, -1, 20, 90], [70, 40, 120, 50]], np.float32), 100, 60)
    assert boxes.tolist() == [[0, 0, 20, 60], [70, 40, 100, 50]]
