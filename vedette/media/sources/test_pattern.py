"""The synthetic scene as a camera: `test://scene?fps=15&width=640&height=360`, drawn and encoded as it is watched."""

from collections.abc import AsyncGenerator
from fractions import Fraction
from typing import override
from urllib.parse import parse_qsl, urlsplit

import anyio.to_thread

from vedette.kernel.clock import Clock
from vedette.kernel.errors import invalid
from vedette.media.scene import FPS, SIZE, Scene
from vedette.media.source import Source
from vedette.media.sources.pace import Pace
from vedette.media.sources.x264 import H264Encoder
from vedette.media.unit import TICKS_PER_SECOND, AccessUnit, ticks_to_us

_LIMITS = {"fps": (1, 60), "width": (320, 3840), "height": (180, 2160), "first": (0, 10**9), "frames": (0, 10**9)}


class ScenePattern(Source):
    """The scene from frame `first` on, `frames` of them (0: for ever), a keyframe each second.

    The picture of frame n is `Scene.draw(n)` and `wall_us` the instant it was due. `paced=False` gives units as fast as
    they can be made. Fault 503 without an H.264 encoder.
    """

    def __init__(
        self,
        *,
        clock: Clock,
        fps: int = FPS,
        width: int = SIZE[0],
        height: int = SIZE[1],
        first: int = 0,
        frames: int = 0,
        paced: bool = True,
    ) -> None:
        try:
            self._scene = Scene(width, height)
        except ValueError as error:
            raise invalid(f"The test pattern cannot be drawn: {error}.") from error
        self._clock = clock
        self._fps = fps
        self._first = first
        self._frames = frames
        self._paced = paced

    @override
    async def units(self) -> AsyncGenerator[AccessUnit]:
        encoder = H264Encoder(
            width=self._scene.width, height=self._scene.height, fps=Fraction(self._fps), keyframe_interval=self._fps
        )
        pace = Pace(self._clock, paced=self._paced)
        number = 0
        while not self._frames or number < self._frames:
            pts_90k = number * TICKS_PER_SECOND // self._fps
            media_us = ticks_to_us(pts_90k)
            await pace.reach(media_us)
            wall_us = pace.wall_us(media_us)
            for unit in await anyio.to_thread.run_sync(self._make, encoder, self._first + number, pts_90k, wall_us):
                yield unit
            number += 1

    def _make(self, encoder: H264Encoder, frame: int, pts_90k: int, wall_us: int) -> list[AccessUnit]:
        return list(encoder.encode(self._scene.draw(frame), pts_90k=pts_90k, wall_us=wall_us))


def scene_of_url(url: str, *, clock: Clock, paced: bool = True) -> ScenePattern:
    """Read `test://scene?…`; Fault 400 for another pattern, an unknown parameter or a number out of range."""
    parts = urlsplit(url)
    if parts.scheme != "test" or parts.netloc != "scene" or parts.path not in ("", "/"):
        raise invalid("The only test pattern is test://scene.")
    numbers: dict[str, int] = {}
    for name, text in parse_qsl(parts.query, keep_blank_values=True):
        low, high = _LIMITS.get(name, (1, 0))
        if not text.isascii() or not text.isdigit() or len(text) > 10 or not low <= int(text) <= high:
            known = ", ".join(f"{key} ({least}–{most})" for key, (least, most) in _LIMITS.items())
            raise invalid(f"'{name}' is not a parameter of the test pattern or out of range. It has: {known}.")
        numbers[name] = int(text)
    return ScenePattern(clock=clock, paced=paced, **numbers)
