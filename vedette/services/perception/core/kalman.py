"""A Kalman filter over arrays: many boxes at once, each coordinate on its own.

The four coordinates of a box (centre x, centre y, width, height) are independent axes; each has a value and a rate,
moved by white noise of acceleration and of position. Noise is proportional to the height of the box, because what is
near moves more pixels. Times are seconds.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

type Values = NDArray[np.float64]

MEASUREMENT = np.array([0.05, 0.05, 0.07, 0.05])
"""Standard deviation of a detected coordinate, in box heights."""
POSITION_NOISE = np.array([0.10, 0.10, 0.05, 0.05])
"""Random walk of a coordinate, in box heights per square root of a second."""
RATE_NOISE = np.array([0.40, 0.40, 0.05, 0.05])
"""Random walk of a rate, in box heights per second, per square root of a second."""
FIRST_RATE = np.array([0.80, 0.40, 0.10, 0.10])
"""Standard deviation of the unknown first rate, in box heights per second: people walk 0.8 heights a second."""


@dataclass(frozen=True, slots=True, eq=False)
class Gaussian:
    """`mean` (n, 4, 2): value and rate of an axis. `covariance` (n, 4, 3): var(value), cov(value, rate), var(rate)."""

    mean: Values
    covariance: Values


def start(measured: Values) -> Gaussian:
    """The state after a first measurement (n, 4): the value as measured, the rate unknown."""
    scale = _scale(measured[:, 3])
    mean = np.zeros((len(measured), 4, 2))
    mean[..., 0] = measured
    covariance = np.zeros((len(measured), 4, 3))
    covariance[..., 0] = (MEASUREMENT * scale) ** 2
    covariance[..., 2] = (FIRST_RATE * scale) ** 2
    return Gaussian(mean, covariance)


def predict(state: Gaussian, dt_s: float) -> Gaussian:
    """The state `dt_s` ≥ 0 seconds later; two steps equal one of their sum while the height stays."""
    scale = _scale(state.mean[:, 3, 0])
    q_position, q_rate = (POSITION_NOISE * scale) ** 2, (RATE_NOISE * scale) ** 2
    mean = state.mean.copy()
    mean[..., 0] += dt_s * mean[..., 1]
    p00, p01, p11 = (state.covariance[..., item] for item in range(3))
    covariance = np.empty_like(state.covariance)
    covariance[..., 0] = p00 + dt_s * (2 * p01 + dt_s * p11) + q_position * dt_s + q_rate * dt_s**3 / 3
    covariance[..., 1] = p01 + dt_s * p11 + q_rate * dt_s**2 / 2
    covariance[..., 2] = p11 + q_rate * dt_s
    return Gaussian(mean, covariance)


def update(state: Gaussian, measured: Values, noise: Values) -> Gaussian:
    """The state after `measured` (n, 4); `noise` (n,) multiplies the measurement's standard deviation."""
    scale = _scale(measured[:, 3])
    r = (MEASUREMENT * scale * noise[:, None]) ** 2
    p00, p01, p11 = (state.covariance[..., item] for item in range(3))
    inverse = 1.0 / (p00 + r)
    gain_value, gain_rate = p00 * inverse, p01 * inverse
    surprise = measured - state.mean[..., 0]
    mean = np.empty_like(state.mean)
    mean[..., 0] = state.mean[..., 0] + gain_value * surprise
    mean[..., 1] = state.mean[..., 1] + gain_rate * surprise
    covariance = np.empty_like(state.covariance)
    covariance[..., 0] = r * gain_value
    covariance[..., 1] = r * gain_rate
    covariance[..., 2] = p11 - gain_rate * p01
    return Gaussian(mean, covariance)


def _scale(height: Values) -> Values:
    return np.maximum(height, 1.0)[:, None]
