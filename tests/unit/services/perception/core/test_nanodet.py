"""NanoDet's outputs become boxes of the source picture."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from vedette.services.perception.core import letterbox
from vedette.services.perception.core.heads import HEADS, nanodet

SIZE = (416, 320)
CELLS = 2730


def outputs(cells: dict[int, tuple[float, tuple[float, float, float, float]]]) -> dict[str, NDArray[np.float32]]:
    scores, ltrb = np.zeros((1, CELLS, 1), np.float32), np.zeros((1, CELLS, 4), np.float32)
    for cell, (score, distances) in cells.items():
        scores[0, cell, 0], ltrb[0, cell] = score, distances
    return {"scores": scores, "ltrb": ltrb}


def test_the_grid_is_level_by_level_row_by_row() -> None:
    centre, stride = nanodet.grid(*SIZE)
    assert len(centre) == len(stride) == CELLS
    assert centre[0].tolist() == [4, 4]
    assert centre[1].tolist() == [12, 4]
    assert centre[52].tolist() == [4, 12]
    assert centre[52 * 40].tolist() == [8, 8]
    assert centre[-1].tolist() == [400, 304]
    assert stride[[0, 2079, 2080, -1], 0].tolist() == [8, 8, 16, 32]


def test_one_cell_becomes_one_box_in_source_pixels() -> None:
    box = letterbox.fit(768, 576, SIZE)
    cell = 52 * 40 + 26 * 10 + 13  # stride 16, row 10, column 13: centre (216, 168)
    found = HEADS["nanodet"](outputs({cell: (0.8, (1, 2, 1, 3))}), box, 0.1)
    r = 416 / 768
    expected = [(216 - 16) / r, (168 - 32 - 4) / r, (216 + 16) / r, (168 + 48 - 4) / r]
    assert found.boxes[0].tolist() == pytest.approx(expected, abs=0.01)
    assert found.scores.tolist() == pytest.approx([0.8])
    assert found.classes.tolist() == [0]


def test_faint_cells_slivers_and_duplicates_are_left_out() -> None:
    box = letterbox.fit(768, 576, SIZE)
    cells = {
        100: (0.09, (2.0, 2.0, 2.0, 2.0)),
        700: (0.9, (2.0, 2.0, 2.0, 2.0)),
        701: (0.7, (3.0, 2.0, 1.0, 2.0)),
        900: (0.9, (0.0, 2.0, 0.05, 2.0)),
    }
    assert len(nanodet.decode(outputs(cells), box, 0.1)) == 1


@given(
    st.dictionaries(
        st.integers(0, CELLS - 1), st.tuples(st.floats(0, 1), st.tuples(*[st.floats(0, 10)] * 4)), max_size=40
    ),
    st.sampled_from([(768, 576), (1920, 1080), (320, 240), (100, 700)]),
)
def test_boxes_lie_inside_the_picture(
    cells: dict[int, tuple[float, tuple[float, float, float, float]]], picture: tuple[int, int]
) -> None:
    found = nanodet.decode(outputs(cells), letterbox.fit(*picture, SIZE), 0.1)
    assert (found.boxes >= 0).all()
    assert (found.boxes[:, [0, 2]] <= picture[0]).all()
    assert (found.boxes[:, [1, 3]] <= picture[1]).all()
    assert (found.boxes[:, 2:] - found.boxes[:, :2] >= 1).all()
    assert (found.scores > 0.1).all()
