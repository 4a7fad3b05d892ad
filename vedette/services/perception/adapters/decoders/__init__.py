"""The seam to decoders and the visible table of them."""

from collections.abc import AsyncGenerator, AsyncIterator, Callable
from typing import Protocol

import numpy as np

from vedette.media.unit import AccessUnit, Frame

type Wanted = Callable[[int], bool]
"""Asked once for each decoded picture, with its capture time in µs: are its pixels needed?"""
type PictureSize = Callable[[int, int], tuple[int, int]]
"""Size of the source picture → size that its pixels are wanted in."""

NO_PIXELS = np.zeros((0, 0, 3), np.uint8)
"""`Frame.image` of a picture that was decoded, because later ones depend on it, and not converted."""


class Decoder(Protocol):
    """Turns access units into frames, in order of presentation; every picture yields a frame, few have pixels."""

    def frames(self, units: AsyncIterator[AccessUnit]) -> AsyncGenerator[Frame]:
        """Frames of the units. Fault 503 when the stream cannot be decoded."""

    @property
    def busy_s(self) -> float:
        """Seconds spent decoding and converting so far."""
