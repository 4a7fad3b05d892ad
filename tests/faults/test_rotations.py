"""No frame is lost where one segment ends and the next begins, however often."""

from collections.abc import Callable

import pytest

from tests.faults.rotation import rotate


def test_a_thousand_rotations(seed: int, measured: Callable[[str], None]) -> None:
    measured("rotation: " + rotate(1000, seed))


@pytest.mark.long
def test_ten_thousand_rotations(seed: int, measured: Callable[[str], None]) -> None:
    measured("rotation, long: " + rotate(10_000, seed))
