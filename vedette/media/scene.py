"""The synthetic scene: a plaza on which everyone's position is known, so that counts can be asserted exactly.

Everything is a function of the frame number and repeats after `PERIOD` frames (40 s at 15 fps): people cross the wire
both ways, one turns round behind it, one stands before it, one passes beyond its end. Frames carry their number as a
barcode along the top edge, so a reader knows what must be in the picture. Nothing here does I/O.

The script is written for 640x360 pixels and scales with the picture; other frame rates play it slower or faster.
"""

from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import pairwise
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from vedette.media.scene_painting import STYLES, Figure, Painter

SIZE = (640, 360)
FPS = 15
PERIOD = 600
COUNTER = 65_536 // PERIOD * PERIOD
"""Frame numbers go on to here and start again, at the start of a period."""
WIRE_NAME = "Main walkway"
ROI_NAME = "Fountain square"
DATA_BITS = 16
CHECK_BITS = 4

_LOW, _HIGH = 80, 175
_STRIDE_PX = 0.62
_WIRE = ((300.0, 148.0), (336.0, 300.0))
_ARROW = ((260.0, 224.0), (376.0, 224.0))
_ROI = ((84.0, 206.0), (248.0, 206.0), (262.0, 272.0), (58.0, 272.0))

type Point = tuple[float, float]
type Direction = Literal["along", "against"]

# Waypoints: (seconds, x, y) of the foot point in a 640x360 picture; straight lines at constant speed between them.
_SCRIPT: dict[str, tuple[tuple[float, float, float], ...]] = {
    "anna": ((0.5, -40, 238), (13.0, 680, 238)),
    "ben": ((0.5, 680, 170), (18.0, -40, 170)),
    "chen": ((3.5, -40, 326), (13.0, 680, 326)),
    "dora": ((12.0, 680, 238), (21.0, 228, 238), (21.6, 228, 238), (30.6, 680, 238)),
    "emil": ((14.5, 680, 172), (23.0, 342, 172), (28.0, 342, 172), (36.5, 680, 172)),
    "finn": ((24.0, -40, 238), (37.0, 680, 238)),
    "gita": ((30.5, 680, 328), (33.4, 452, 326), (35.2, 312, 286), (36.0, 252, 288), (39.6, -40, 328)),
    "hugo": ((13.2, 680, 328), (16.2, 440, 324), (17.8, 310, 288), (18.6, 250, 290), (22.2, -40, 330)),
}


class Box(NamedTuple):
    """One person in the picture, pixels; `key` names the person and the period, so it is never used twice."""

    key: str
    x1: float
    y1: float
    x2: float
    y2: float


class Crossing(NamedTuple):
    """A foot point passed the wire between `frame` − 1 and `frame`; `along` the arrow or `against` it."""

    frame: int
    key: str
    direction: Direction


@dataclass(frozen=True, slots=True)
class FrameTruth:
    """Everything that is true of one frame; `crossings` are those that end in it."""

    frame: int
    boxes: tuple[Box, ...]
    in_roi: int
    crossings: tuple[Crossing, ...]

    @property
    def in_view(self) -> int:
        """How many people the picture shows."""
        return len(self.boxes)


class _Place(NamedTuple):
    """Where a person of the script is at one frame of the period: foot point, walking direction, way walked."""

    x: float
    y: float
    heading: int
    walked: float


def walker_height(foot_y: float) -> float:
    """Height in pixels of a person whose feet are at this y of the 640x360 picture."""
    return 30.0 + 0.36 * (foot_y - 110.0)


WIDTH_BY_HEIGHT = 0.38


@lru_cache(maxsize=PERIOD)
def _places(phase: int) -> dict[str, _Place]:
    """Everyone whose foot point is inside the picture at this frame of the period."""
    seconds = phase / FPS
    found = {}
    for name, waypoints in _SCRIPT.items():
        place = _place(waypoints, seconds)
        if place is not None and 0 <= place.x <= SIZE[0]:
            found[name] = place
    return found


def _place(waypoints: tuple[tuple[float, float, float], ...], seconds: float) -> _Place | None:
    walked = 0.0
    for (t0, x0, y0), (t1, x1, y1) in pairwise(waypoints):
        way = abs(x1 - x0)
        if t0 <= seconds <= t1:
            part = (seconds - t0) / (t1 - t0)
            heading = 0 if way == 0 else 1 if x1 > x0 else -1
            return _Place(x0 + part * (x1 - x0), y0 + part * (y1 - y0), heading, walked + part * way)
        walked += way
    return None


class Scene:
    """The scene in a picture of `width` x `height` pixels (even, at least 320 wide); frame numbers are ≥ 0."""

    def __init__(self, width: int = SIZE[0], height: int = SIZE[1]) -> None:
        if width < 320 or height < 180 or width % 2 or height % 2:
            raise ValueError("the scene needs an even size of at least 320x180 pixels")
        self.width = width
        self.height = height
        self._scale = (width / SIZE[0], height / SIZE[1])

    @property
    def wire(self) -> tuple[Point, Point]:
        """The tripwire `WIRE_NAME`."""
        return self._point(_WIRE[0]), self._point(_WIRE[1])

    @property
    def arrow(self) -> tuple[Point, Point]:
        """The wire's direction, p1 → p2: from left to right."""
        return self._point(_ARROW[0]), self._point(_ARROW[1])

    @property
    def roi(self) -> tuple[Point, ...]:
        """The polygon `ROI_NAME`."""
        return tuple(self._point(corner) for corner in _ROI)

    def boxes(self, frame: int) -> list[Box]:
        """Everyone whose foot point is in the picture, cut at the picture's edges, in the order of the script."""
        scale_x, scale_y = self._scale
        cycle = frame // PERIOD
        found = []
        for name, place in _places(frame % PERIOD).items():
            high = walker_height(place.y)
            half = high * WIDTH_BY_HEIGHT / 2
            left, right = max(0.0, place.x - half), min(float(SIZE[0]), place.x + half)
            box = (left * scale_x, (place.y - high) * scale_y, right * scale_x, place.y * scale_y)
            found.append(Box(f"{name}#{cycle}", *box))
        return found

    def foot(self, frame: int, key: str) -> Point | None:
        """The foot point of a person, None when not in the picture."""
        name, _, cycle = key.partition("#")
        place = _places(frame % PERIOD).get(name) if str(frame // PERIOD) == cycle else None
        return None if place is None else self._point((place.x, place.y))

    def crossings(self, start: int, end: int) -> list[Crossing]:
        """Crossings that end in a frame of [start, end), in order."""
        return [crossing for frame in range(start, end) for crossing in _crossings_at(frame)]

    def in_roi(self, frame: int) -> int:
        """How many foot points are inside the polygon."""
        return sum(_inside((place.x, place.y)) for place in _places(frame % PERIOD).values())

    def in_view(self, frame: int) -> int:
        """How many people the picture shows."""
        return len(_places(frame % PERIOD))

    def truth(self, start: int, end: int) -> list[FrameTruth]:
        """Everything that is true of the frames [start, end)."""
        return [
            FrameTruth(frame, tuple(self.boxes(frame)), self.in_roi(frame), tuple(_crossings_at(frame)))
            for frame in range(start, end)
        ]

    def draw(self, frame: int) -> NDArray[np.uint8]:
        """The picture, uint8 BGR of shape (height, width, 3), a new array each time."""
        scale_x, scale_y = self._scale
        figures = [
            Figure(
                style=list(_SCRIPT).index(name) % len(STYLES),
                x=place.x * scale_x,
                y=place.y * scale_y,
                height=walker_height(place.y) * scale_y,
                stretch=scale_x / scale_y,
                heading=place.heading,
                stride=place.walked / (walker_height(place.y) * _STRIDE_PX),
            )
            for name, place in _places(frame % PERIOD).items()
        ]
        image = self._painter.paint(figures)
        self._write_barcode(image, frame % COUNTER)
        return image

    @cached_property
    def _painter(self) -> Painter:
        return Painter(self.width, self.height)

    def _point(self, point: Point) -> Point:
        return point[0] * self._scale[0], point[1] * self._scale[1]

    def _write_barcode(self, image: NDArray[np.uint8], number: int) -> None:
        block = _block(self.width)
        for index in range(DATA_BITS + CHECK_BITS):
            bit = ((number | _check(number) << DATA_BITS) >> index) & 1
            image[:block, index * block : (index + 1) * block] = 255 if bit else 0


def _crossings_at(frame: int) -> list[Crossing]:
    if frame < 1 or frame % PERIOD == 0:
        return []
    before, now = _places(frame % PERIOD - 1), _places(frame % PERIOD)
    found = []
    for name, place in now.items():
        if name in before:
            side = _passes((before[name].x, before[name].y), (place.x, place.y))
            if side:
                found.append(Crossing(frame, f"{name}#{frame // PERIOD}", "along" if side > 0 else "against"))
    return found


def _cross(a: Point, b: Point, c: Point) -> float:
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])


def _passes(start: Point, end: Point) -> int:
    """+1 or −1 when the way crosses the wire along or against the arrow, else 0."""
    top, bottom = _WIRE
    before, after = _cross(top, bottom, start) >= 0, _cross(top, bottom, end) >= 0
    if before == after or (_cross(start, end, top) >= 0) == (_cross(start, end, bottom) >= 0):
        return 0
    return 1 if before else -1


def _inside(point: Point) -> bool:
    """Even-odd rule."""
    inside = False
    for (x0, y0), (x1, y1) in zip(_ROI, (*_ROI[1:], _ROI[0]), strict=True):
        if (y0 > point[1]) != (y1 > point[1]) and point[0] < x0 + (point[1] - y0) / (y1 - y0) * (x1 - x0):
            inside = not inside
    return inside


# --- the frame number in the picture ---------------------------------------------------------------------------------


def _block(width: int) -> int:
    """Side of a barcode block in pixels."""
    return max(8, width // 40)


def _check(number: int) -> int:
    """Four bits that a black, a white and a shifted row do not have."""
    nibbles = number ^ number >> 4 ^ number >> 8 ^ number >> 12
    return (nibbles & 0xF) ^ 0b0110


def read_barcode(image: NDArray[np.uint8]) -> int | None:
    """The frame number in a uint8 picture, BGR (height, width, 3) or luma (height, width); None when it shows none.

    Sixteen blocks of `max(8, width // 40)` pixels along the top edge, bright is 1, least bit first, then four check
    bits. The middle half of each block is averaged; a block that is neither bright nor dark makes it None.
    """
    height, width = image.shape[:2]
    block = _block(width)
    count = DATA_BITS + CHECK_BITS
    if height < block or width < count * block:
        return None
    row = image[block // 4 : block - block // 4, : count * block]
    luma = row if row.ndim == 2 else row @ np.array([0.114, 0.587, 0.299])
    inner = luma.reshape(luma.shape[0], count, block)[:, :, block // 4 : block - block // 4]
    levels = inner.mean(axis=(0, 2))
    if np.any((levels > _LOW) & (levels < _HIGH)):
        return None
    value = sum(1 << index for index, level in enumerate(levels) if level >= _HIGH)
    number = value & ((1 << DATA_BITS) - 1)
    return number if value >> DATA_BITS == _check(number) and number < COUNTER else None


_DEFAULT = Scene()


def boxes(number: int) -> NDArray[np.float32]:
    """The boxes of a frame in a picture of `SIZE`: float32 of shape (people, 4), x1 y1 x2 y2."""
    return np.array([box[1:] for box in _DEFAULT.boxes(number)], np.float32).reshape(-1, 4)
