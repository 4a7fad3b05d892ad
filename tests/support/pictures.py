"""Decoded pictures as arrays, with the type that they really have."""

import io
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from vedette.media import scene


def gray(frame: av.VideoFrame) -> NDArray[np.uint8]:
    """Luma of shape (height, width)."""
    return np.asarray(frame.to_ndarray(format="gray"), dtype=np.uint8)


def bgr(frame: av.VideoFrame) -> NDArray[np.uint8]:
    """Pixels of shape (height, width, 3)."""
    return np.asarray(frame.to_ndarray(format="bgr24"), dtype=np.uint8)


def scene_numbers(content: bytes | Path) -> list[int | None]:
    """The scene's frame number in every picture of a media file, None where it cannot be read."""
    with av.open(io.BytesIO(content) if isinstance(content, bytes) else str(content), "r") as container:
        return [scene.read_barcode(bgr(frame)) for frame in container.decode(video=0)]
