"""The scene's truth is consistent with its own positions, and its pictures carry their number."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from vedette.media import scene
from vedette.media.scene import COUNTER, PERIOD, SIZE, Box, Scene, read_barcode

PLAZA = Scene()


def overlap(a: Box, b: Box) -> float:
    """Intersection over union."""
    wide, high = min(a.x2, b.x2) - max(a.x1, b.x1), min(a.y2, b.y2) - max(a.y1, b.y1)
    if wide <= 0 or high <= 0:
        return 0.0
    both = (a.x2 - a.x1) * (a.y2 - a.y1) + (b.x2 - b.x1) * (b.y2 - b.y1)
    return wide * high / (both - wide * high)


def test_the_script_of_one_period() -> None:
    found = [(crossing.key, crossing.direction) for crossing in PLAZA.crossings(0, PERIOD)]
    assert found == [
        ("anna#0", "along"),
        ("ben#0", "against"),
        ("hugo#0", "against"),
        ("dora#0", "against"),
        ("dora#0", "along"),
        ("finn#0", "along"),
        ("gita#0", "against"),
    ]


def test_periods_repeat_with_new_keys() -> None:
    first, second = PLAZA.truth(0, PERIOD), PLAZA.truth(PERIOD, 2 * PERIOD)
    for a, b in zip(first, second, strict=True):
        assert [box[1:] for box in a.boxes] == [box[1:] for box in b.boxes]
        assert (a.in_roi, a.in_view, len(a.crossings)) == (b.in_roi, b.in_view, len(b.crossings))
    keys = [{box.key for frame in period for box in frame.boxes} for period in (first, second)]
    assert keys[0].isdisjoint(keys[1])
    assert len(keys[0]) == 8


def test_nobody_jumps_appears_inside_or_stays_over_the_seam() -> None:
    for frame in range(PERIOD):
        now = {box.key: PLAZA.foot(frame, box.key) for box in PLAZA.boxes(frame)}
        for key, foot in now.items():
            assert foot is not None
            before = PLAZA.foot(frame - 1, key) if frame else None
            after = PLAZA.foot(frame + 1, key) if frame + 1 < PERIOD else None
            for other in (before, after):
                if other is None:
                    assert min(foot[0], SIZE[0] - foot[0]) < 8
                else:
                    assert np.hypot(foot[0] - other[0], foot[1] - other[1]) < 8
    assert not PLAZA.boxes(0)
    assert not PLAZA.boxes(PERIOD - 1)


def test_boxes_stay_apart_so_that_a_sane_tracker_keeps_everyone() -> None:
    for frame in range(PERIOD):
        for a, b in combinations(PLAZA.boxes(frame), 2):
            assert overlap(a, b) < 0.12


def test_crossings_are_sign_changes_at_the_wire() -> None:
    """An independent count: by the x of the foot against the wire's x at its height."""
    (x1, y1), (x2, y2) = PLAZA.wire
    found = []
    for frame in range(1, PERIOD):
        for box in PLAZA.boxes(frame):
            before, now = PLAZA.foot(frame - 1, box.key), PLAZA.foot(frame, box.key)
            if before is None or now is None or not y1 < now[1] < y2:
                continue
            sides = [x > x1 + (y - y1) / (y2 - y1) * (x2 - x1) for x, y in (before, now)]
            if sides[0] != sides[1]:
                found.append((frame, box.key, "along" if sides[1] else "against"))
    assert sorted(map(tuple, PLAZA.crossings(0, PERIOD))) == sorted(found)


def test_the_one_who_stands_and_the_one_who_grazes_come_close_and_do_not_cross() -> None:
    (x1, y1), (x2, y2) = PLAZA.wire
    feet = [foot for n in range(PERIOD) if (foot := PLAZA.foot(n, "emil#0"))]
    nearest = min(x - (x1 + (y - y1) / (y2 - y1) * (x2 - x1)) for x, y in feet)
    assert 20 < nearest < 50
    grazing = [foot for n in range(PERIOD) if (foot := PLAZA.foot(n, "chen#0"))]
    assert min(np.hypot(x - x2, y - y2) for x, y in grazing) < 40


def test_places_in_counts() -> None:
    occupied = [PLAZA.in_roi(frame) for frame in range(PERIOD)]
    assert max(occupied) == 1
    assert 60 < sum(occupied) < 300
    assert max(PLAZA.in_view(frame) for frame in range(PERIOD)) >= 4
    assert all(PLAZA.in_view(frame) == len(PLAZA.boxes(frame)) for frame in range(PERIOD))


def test_the_default_boxes_as_an_array() -> None:
    assert scene.boxes(0).shape == (0, 4)
    assert scene.boxes(260) == pytest.approx(np.array([box[1:] for box in PLAZA.boxes(260)], np.float32))
    wide = Scene(1280, 720).boxes(260)
    assert [2 * value for value in PLAZA.boxes(260)[0][1:]] == pytest.approx(list(wide[0][1:]))


@pytest.mark.parametrize("size", [(638, 360), (640, 360), (1920, 1080), (320, 180)])
def test_pictures_carry_their_number(size: tuple[int, int]) -> None:
    plaza = Scene(*size)
    for number in (0, 1, 599, 600, 21_845, 43_690, COUNTER - 1):
        image = plaza.draw(number)
        assert image.shape == (size[1], size[0], 3)
        assert image.dtype == np.uint8
        assert read_barcode(image) == number
    assert read_barcode(plaza.draw(COUNTER + 5)) == 5


def test_a_person_is_drawn_where_its_box_is() -> None:
    empty, frame = PLAZA.draw(0).astype(int), 260
    changed = np.abs(PLAZA.draw(frame).astype(int) - empty).max(axis=2) > 24
    changed[:20] = False
    for _, x1, y1, x2, y2 in PLAZA.boxes(frame):
        inside = changed[round(y1) : round(y2), round(x1) : round(x2)]
        assert inside.mean() > 0.25
        rows = np.flatnonzero(inside.any(axis=1))
        assert rows[0] < 4
        assert rows[-1] > len(inside) - 5
        changed[round(y1) - 2 : round(y2) + 8, round(x1) - 6 : round(x2) + 6] = False
    shadows = changed.sum()
    assert shadows < 800


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32), st.floats(0, 30), st.floats(0.8, 1.0), st.integers(0, COUNTER - 1))
def test_the_number_survives_noise_and_flat_contrast(seed: int, noise: float, contrast: float, number: int) -> None:
    image = PLAZA.draw(number).astype(float)
    damaged = (image[:16] - 128) * contrast + 128 + np.random.default_rng(seed).normal(0, noise, image[:16].shape)
    assert read_barcode(np.clip(damaged, 0, 255).astype(np.uint8)) == number


@pytest.mark.parametrize("level", [0, 16, 100, 128, 200, 235, 255])
def test_a_flat_picture_has_no_number(level: int) -> None:
    assert read_barcode(np.full((360, 640, 3), level, np.uint8)) is None
    assert read_barcode(np.full((360, 640), level, np.uint8)) is None


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32))
def test_noise_has_no_number(seed: int) -> None:
    image: NDArray[np.uint8] = np.random.default_rng(seed).integers(0, 256, (16, 640, 3), dtype=np.uint8)
    assert read_barcode(image) is None


@pytest.mark.parametrize("size", [(10, 10), (640, 4), (100, 100)])
def test_a_small_picture_has_no_number(size: tuple[int, int]) -> None:
    assert read_barcode(np.full((size[1], size[0], 3), 255, np.uint8)) is None


@pytest.mark.parametrize("size", [(319, 180), (318, 180), (640, 179), (641, 360)])
def test_odd_and_tiny_sizes_are_refused(size: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="even size"):
        Scene(*size)
