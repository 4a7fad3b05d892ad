"""The pedestrian clip (PETS 2009), fetched by `make setup`; tests that need it say why they are skipped without it."""

from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
import pytest

from vedette.media.unit import Frame
from vedette.services.perception.adapters.detectors import Detector

FOLDER = Path(__file__).parents[2] / ".cache" / "video"
AVI = FOLDER / "vtest.avi"
FRAMES = 795


def require() -> Path:
    """The clip. Skips with the reason that its fetch left behind when it could not be had."""
    if not AVI.exists():
        reason = FOLDER / "unavailable"
        said = reason.read_text(encoding="utf-8").strip() if reason.exists() else "run `make setup` once"
        pytest.skip(f"the pedestrian clip is not here: {said}")
    return AVI


def frames(detector: Detector, *, most: int = FRAMES) -> Iterator[Frame]:
    """The first `most` frames as the pipeline hands them to a detector, at 10 frames a second."""
    with av.open(str(require())) as container:
        for number, picture in enumerate(container.decode(video=0)):
            if number >= most:
                return
            width, height = detector.picture_size(picture.width, picture.height)
            converted = picture.reformat(width, height, "bgr24", interpolation="AREA")
            image = np.asarray(converted.to_ndarray(), np.uint8)
            yield Frame(image, picture.width, picture.height, number * 9000, 10**9 + number * 100_000, number + 1)
