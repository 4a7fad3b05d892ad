"""The filter over arrays: covariance stays sound, a batch equals its rows, time adds up."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from vedette.services.perception.core import kalman
from vedette.services.perception.core.kalman import Gaussian

BOXES = st.lists(
    st.tuples(st.floats(0, 2000), st.floats(0, 1000), st.floats(5, 300), st.floats(10, 600)), min_size=1, max_size=6
)
MOVES = st.lists(st.tuples(st.floats(0, 3), st.floats(-40, 40), st.sampled_from([1.0, 2.0])), max_size=12)


def run(measured: NDArray[np.float64], moves: list[tuple[float, float, float]]) -> Gaussian:
    state = kalman.start(measured)
    for dt_s, shift, noise in moves:
        seen = measured + np.array([shift, shift / 2, 0, 0])
        state = kalman.update(kalman.predict(state, dt_s), seen, np.full(len(measured), noise))
    return state


@settings(max_examples=60)
@given(BOXES, MOVES)
def test_covariance_stays_positive(boxes: list[tuple[float, ...]], moves: list[tuple[float, float, float]]) -> None:
    p00, p01, p11 = np.moveaxis(run(np.array(boxes), moves).covariance, -1, 0)
    assert (p00 > 0).all()
    assert (p11 > 0).all()
    assert (p00 * p11 - p01**2 >= -1e-6 * p00 * p11).all()


@settings(max_examples=40)
@given(BOXES, MOVES)
def test_a_batch_equals_its_rows(boxes: list[tuple[float, ...]], moves: list[tuple[float, float, float]]) -> None:
    together = run(np.array(boxes), moves)
    for row, box in enumerate(boxes):
        alone = run(np.array([box]), moves)
        np.testing.assert_allclose(together.mean[row], alone.mean[0], rtol=1e-12, atol=1e-12)
        np.testing.assert_allclose(together.covariance[row], alone.covariance[0], rtol=1e-12, atol=1e-12)


@given(st.floats(0, 2), st.floats(0, 2))
def test_two_steps_equal_one_of_their_sum(first_s: float, second_s: float) -> None:
    state = run(np.array([[100.0, 200.0, 40.0, 100.0]]), [(0.1, 5.0, 1.0), (0.1, 9.0, 1.0)])
    state.mean[:, 3, 1] = 0  # the noise follows the height
    twice = kalman.predict(kalman.predict(state, first_s), second_s)
    once = kalman.predict(state, first_s + second_s)
    np.testing.assert_allclose(twice.mean, once.mean, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(twice.covariance, once.covariance, rtol=1e-9, atol=1e-9)


def test_the_rate_of_a_walker_is_found() -> None:
    state = kalman.start(np.array([[0.0, 50.0, 40.0, 100.0]]))
    for frame in range(1, 15):
        state = kalman.predict(state, 0.1)
        state = kalman.update(state, np.array([[frame * 8.0, 50.0, 40.0, 100.0]]), np.ones(1))
    assert abs(state.mean[0, 0, 1] - 80) < 4
    assert abs(kalman.predict(state, 0.5).mean[0, 0, 0] - (14 * 8 + 40)) < 3


def test_noise_makes_a_measurement_count_for_less() -> None:
    state = kalman.predict(kalman.start(np.array([[0.0, 0.0, 40.0, 100.0]])), 0.1)
    measured = np.array([[10.0, 0.0, 40.0, 100.0]])
    near = kalman.update(state, measured, np.ones(1)).mean[0, 0, 0]
    far = kalman.update(state, measured, np.full(1, 2.0)).mean[0, 0, 0]
    assert 0 < far < near < 10
