"""How the synthetic scene looks: a calm plaza in the morning, painted once, and people cut out of soft shapes.

Shapes are signed distances turned into coverage, so that edges are smooth at any size. A figure is painted once per
size, pose and style and then only blended in.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

type Plane = NDArray[np.float32]
type Colour = tuple[int, int, int]

HORIZON = 0.235
_POSES = 12
_SHADOW_REACH = 0.62


class Style(NamedTuple):
    """Colours of one person, BGR."""

    coat: Colour
    trousers: Colour
    hair: Colour
    skin: Colour


STYLES = (
    Style((96, 110, 196), (74, 62, 58), (46, 52, 70), (150, 178, 220)),
    Style((150, 122, 70), (66, 70, 78), (40, 40, 44), (120, 150, 196)),
    Style((112, 148, 104), (82, 70, 62), (60, 84, 120), (160, 190, 228)),
    Style((92, 172, 222), (96, 78, 60), (38, 44, 58), (140, 168, 212)),
    Style((128, 96, 132), (60, 58, 66), (120, 130, 140), (156, 184, 224)),
    Style((168, 158, 98), (88, 84, 92), (44, 60, 92), (110, 136, 180)),
    Style((214, 218, 222), (120, 96, 74), (36, 36, 40), (150, 176, 216)),
    Style((84, 88, 92), (112, 124, 138), (70, 96, 140), (160, 188, 226)),
)


@dataclass(frozen=True, slots=True)
class Figure:
    """A person to paint: foot point and height in pixels, heading −1, 0 (standing) or 1, strides walked so far."""

    style: int
    x: float
    y: float
    height: float
    stretch: float
    heading: int
    stride: float


class Painter:
    """Paints figures over the plaza in a picture of a fixed size."""

    def __init__(self, width: int, height: int) -> None:
        self._background = _plaza(width, height)

    def paint(self, figures: Sequence[Figure]) -> NDArray[np.uint8]:
        """A new uint8 BGR picture, nearer figures over farther ones."""
        image = self._background.copy()
        for figure in sorted(figures, key=lambda figure: figure.y):
            pose = round(figure.stride * _POSES) % _POSES if figure.heading else _POSES
            size = max(8, round(figure.height))
            sprite = _sprite(figure.style, size, round(figure.stretch, 3), pose, figure.heading or 1)
            _blend(image, sprite, round(figure.x), round(figure.y))
        return image


class Sprite(NamedTuple):
    """A figure ready to blend: `paint` is colour x coverage, `keep` is 256 − coverage; `foot` is a pixel of it."""

    paint: NDArray[np.uint16]
    keep: NDArray[np.uint16]
    foot: tuple[int, int]


def _blend(image: NDArray[np.uint8], sprite: Sprite, x: int, y: int) -> None:
    height, width = sprite.keep.shape[:2]
    left, top = x - sprite.foot[0], y - sprite.foot[1]
    x1, y1, x2, y2 = max(0, left), max(0, top), min(image.shape[1], left + width), min(image.shape[0], top + height)
    if x1 >= x2 or y1 >= y2:
        return
    cut = (slice(y1 - top, y2 - top), slice(x1 - left, x2 - left))
    target = image[y1:y2, x1:x2]
    target[:] = (target * sprite.keep[cut] + sprite.paint[cut]) >> 8


# --- shapes ----------------------------------------------------------------------------------------------------------


class _Canvas:
    """Colour and coverage in floats; coordinates are pixels, shapes are laid over one another."""

    def __init__(self, colour: Plane, coverage: Plane, xs: Plane, ys: Plane) -> None:
        self.colour = colour
        self.coverage = coverage
        self.xs = xs
        self.ys = ys

    @classmethod
    def blank(cls, width: int, height: int) -> "_Canvas":
        """Nothing on it yet."""
        ys, xs = np.mgrid[0:height, 0:width].astype(np.float32) + np.float32(0.5)
        return cls(np.zeros((height, width, 3), np.float32), np.zeros((height, width, 1), np.float32), xs, ys)

    def part(self, x1: float, y1: float, x2: float, y2: float) -> "_Canvas":
        """A view of the pixels around this rectangle, so that a small shape costs little."""
        left, top = round(float(self.xs[0, 0]) - 0.5), round(float(self.ys[0, 0]) - 0.5)
        rows = slice(max(0, int(y1) - 4 - top), max(0, int(y2) + 5 - top) or 1)
        columns = slice(max(0, int(x1) - 4 - left), max(0, int(x2) + 5 - left) or 1)
        cut = (rows, columns)
        return _Canvas(self.colour[cut], self.coverage[cut], self.xs[cut], self.ys[cut])

    def lay(
        self, distance: Plane, colour: Colour | NDArray[np.float32], opacity: float = 1.0, soft: float = 1.0
    ) -> None:
        """Cover where the distance is negative, over an edge `soft` pixels wide."""
        cover = np.clip(0.5 - distance / np.float32(soft), 0, 1)[..., None] * np.float32(opacity)
        self.colour[:] = self.colour * (1 - cover) + np.asarray(colour, np.float32) * cover
        self.coverage[:] = self.coverage + (1 - self.coverage) * cover

    def lay_box(self, x1: float, y1: float, x2: float, y2: float, colour: Colour, opacity: float = 1.0) -> None:
        """A rectangle."""
        part = self.part(x1, y1, x2, y2)
        part.lay(part.box(x1, y1, x2, y2), colour, opacity)

    def lay_ellipse(
        self, x: float, y: float, radii: tuple[float, float], colour: Colour, opacity: float = 1.0, soft: float = 1.0
    ) -> None:
        """An ellipse."""
        edge = 1 + soft / min(radii)  # the soft edge is as much wider as the ellipse is
        part = self.part(x - radii[0] * edge, y - radii[1] * edge, x + radii[0] * edge, y + radii[1] * edge)
        part.lay(part.ellipse(x, y, *radii), colour, opacity, soft)

    def lay_capsule(
        self, a: tuple[float, float], b: tuple[float, float], radii: tuple[float, float], colour: Colour
    ) -> None:
        """A line with round ends."""
        reach = max(radii)
        xs, ys = (a[0], b[0]), (a[1], b[1])
        part = self.part(min(xs) - reach, min(ys) - reach, max(xs) + reach, max(ys) + reach)
        part.lay(part.capsule(a, b, *radii), colour)

    def ellipse(self, x: float, y: float, radius_x: float, radius_y: float) -> Plane:
        """Distance to an ellipse, exact for circles."""
        scaled = np.hypot((self.xs - x) / radius_x, (self.ys - y) / radius_y)
        distance: Plane = ((scaled - 1) * min(radius_x, radius_y)).astype(np.float32)
        return distance

    def capsule(self, a: tuple[float, float], b: tuple[float, float], radius_a: float, radius_b: float) -> Plane:
        """Distance to a line with round ends and a thickness that goes from one radius to the other."""
        dx, dy = b[0] - a[0], b[1] - a[1]
        along = ((self.xs - a[0]) * dx + (self.ys - a[1]) * dy) / max(dx * dx + dy * dy, 1e-6)
        along = np.clip(along, 0, 1)
        away = np.hypot(self.xs - a[0] - along * dx, self.ys - a[1] - along * dy)
        distance: Plane = (away - radius_a - along * (radius_b - radius_a)).astype(np.float32)
        return distance

    def box(self, x1: float, y1: float, x2: float, y2: float, radius: float = 0.0) -> Plane:
        """Distance to a rectangle with round corners."""
        dx = np.abs(self.xs - (x1 + x2) / 2) - (x2 - x1) / 2 + radius
        dy = np.abs(self.ys - (y1 + y2) / 2) - (y2 - y1) / 2 + radius
        outside = np.hypot(np.maximum(dx, 0), np.maximum(dy, 0))
        return (outside + np.minimum(np.maximum(dx, dy), 0) - radius).astype(np.float32)


# --- people ----------------------------------------------------------------------------------------------------------


@lru_cache(maxsize=4096)
def _sprite(style: int, height: int, stretch: float, pose: int, heading: int) -> Sprite:
    """A person of this height in pixels, walking to the right, mirrored for the left."""
    reach = round(height * _SHADOW_REACH)
    canvas = _Canvas.blank(2 * reach + 1, height + max(4, height // 8))
    foot = (reach, height)
    _lay_shadow(canvas, foot, height, heading)
    _lay_person(canvas, foot, height, STYLES[style], pose)
    colour, coverage = canvas.colour, canvas.coverage
    if heading < 0:
        colour, coverage = colour[:, ::-1], coverage[:, ::-1]
    if stretch != 1.0:
        columns = max(3, round(colour.shape[1] * stretch))
        chosen = np.minimum(((np.arange(columns) + 0.5) / stretch).astype(int), colour.shape[1] - 1)
        colour, coverage = colour[:, chosen], coverage[:, chosen]
        foot = (round(reach * stretch), height)
    cover = np.rint(coverage * 256)
    return Sprite(np.rint(colour * cover).astype(np.uint16), (256 - cover).astype(np.uint16), foot)


def _lay_shadow(canvas: _Canvas, foot: tuple[int, int], height: int, heading: int) -> None:
    """A long soft shadow to the right of the picture, whichever way the person faces."""
    x, y = foot
    canvas.lay_ellipse(x, y - 0.012 * height, (0.15 * height, 0.032 * height), (70, 60, 58), 0.34, 0.05 * height)
    end = (x + heading * 0.46 * height, y - 0.075 * height)
    canvas.lay(canvas.capsule((x, y), end, 0.03 * height, 0.045 * height), (84, 72, 70), 0.2, 0.07 * height)


def _lay_person(canvas: _Canvas, foot: tuple[int, int], height: int, style: Style, pose: int) -> None:
    """Side view: far limbs darker, then body, near limbs, head. Lengths are parts of the height."""
    walking = pose < _POSES
    swing = float(np.sin(2 * np.pi * pose / _POSES)) if walking else 0.0
    lift = 0.012 * abs(float(np.cos(2 * np.pi * pose / _POSES))) if walking else 0.0

    def at(x: float, y: float) -> tuple[float, float]:
        return foot[0] + x * height, foot[1] - (1 - y) * height

    def limb(points: Sequence[tuple[float, float]], radii: Sequence[float], colour: Colour) -> None:
        for index in range(len(points) - 1):
            a, b = at(*points[index]), at(*points[index + 1])
            canvas.lay_capsule(a, b, (radii[index] * height, radii[index + 1] * height), colour)

    def leg(turn: float, colour: Colour) -> None:
        hip, top = (0.0, 0.53 - lift), 0.53 - lift
        knee = (0.095 * turn + 0.02, top + 0.213)
        raised = 0.035 * max(0.0, -turn) if walking else 0.0
        ankle = (0.155 * turn - (0.025 if turn < 0 else 0.0), 0.962 - raised)
        limb((hip, knee, ankle), (0.062, 0.046, 0.034), colour)
        limb(((ankle[0] - 0.01, ankle[1] + 0.016), (ankle[0] + 0.045, ankle[1] + 0.02)), (0.02, 0.016), (52, 46, 44))

    def arm(turn: float, colour: Colour) -> None:
        shoulder, elbow = (0.0, 0.235 - lift), (0.075 * turn - 0.012, 0.375 - lift)
        hand = (0.14 * turn + 0.02, 0.495 - lift)
        limb((shoulder, elbow, hand), (0.042, 0.034, 0.026), colour)
        canvas.lay_ellipse(*at(hand[0], hand[1] + 0.012), (0.024 * height, 0.026 * height), style.skin)

    arm(-swing, _shade(style.coat, 0.74))
    leg(-swing, _shade(style.trousers, 0.8))
    leg(swing, style.trousers)
    limb(((0.0, 0.16 - lift), (0.004, 0.2 - lift)), (0.032, 0.036), _shade(style.skin, 0.9))
    limb(((0.0, 0.25 - lift), (0.0, 0.40 - lift), (0.0, 0.545 - lift)), (0.082, 0.086, 0.088), style.coat)
    arm(swing, _shade(style.coat, 0.88))
    canvas.lay_ellipse(*at(0.006, 0.092 - lift), (0.058 * height, 0.07 * height), style.skin)
    hair = np.maximum(
        canvas.ellipse(*at(-0.004, 0.082 - lift), 0.066 * height, 0.078 * height),
        (canvas.ys - at(0, 0.088 - lift)[1]) + 0.9 * (canvas.xs - at(-0.006, 0)[0]),
    )
    canvas.lay(hair.astype(np.float32), style.hair)


def _shade(colour: Colour, factor: float) -> Colour:
    return (round(colour[0] * factor), round(colour[1] * factor), round(colour[2] * factor))


# --- the plaza -------------------------------------------------------------------------------------------------------


@lru_cache(maxsize=4)
def _plaza(width: int, height: int) -> NDArray[np.uint8]:
    """Sky, a quiet row of houses and trees, and light stone with joints running to one vanishing point."""
    canvas = _Canvas.blank(width, height)
    horizon = HORIZON * height
    _lay_sky(canvas, horizon)
    _lay_houses(canvas, horizon, width)
    _lay_ground(canvas, horizon, width, height)
    _lay_trees(canvas, horizon, width)
    _lay_fountain(canvas, width, height)
    vignette = 1 - 0.1 * (((canvas.xs / width - 0.5) * 1.5) ** 2 + ((canvas.ys / height - 0.55) * 1.2) ** 2)
    image = np.clip(canvas.colour * vignette[..., None], 0, 255).astype(np.uint8)
    image.flags.writeable = False
    return image


def _gradient(canvas: _Canvas, part: Plane, top: Colour, bottom: Colour) -> NDArray[np.float32]:
    mix = np.clip(part, 0, 1)[..., None]
    blended: NDArray[np.float32] = np.asarray(top, np.float32) * (1 - mix) + np.asarray(bottom, np.float32) * mix
    return blended


def _lay_sky(canvas: _Canvas, horizon: float) -> None:
    everywhere = np.full_like(canvas.xs, -2.0)
    canvas.lay(everywhere, _gradient(canvas, canvas.ys / horizon, (226, 202, 176), (222, 230, 240)))


def _lay_houses(canvas: _Canvas, horizon: float, width: int) -> None:
    """Fronts of even, muted colours with rows of windows; x and y in parts of the width and of the horizon."""
    fronts: tuple[tuple[float, float, float, Colour], ...] = (
        (-0.02, 0.13, 0.34, (196, 204, 214)),
        (0.13, 0.235, 0.5, (186, 198, 212)),
        (0.235, 0.43, 0.28, (204, 212, 220)),
        (0.43, 0.56, 0.44, (190, 196, 204)),
        (0.56, 0.72, 0.33, (200, 210, 222)),
        (0.72, 0.84, 0.52, (184, 192, 204)),
        (0.84, 1.02, 0.38, (202, 208, 214)),
    )
    for left, right, top, colour in fronts:
        x1, x2, y1 = left * width, right * width, top * horizon
        canvas.lay_box(x1, y1, x2, horizon + 4, colour)
        canvas.lay_box(x1, y1, x2, y1 + 0.035 * horizon, _shade(colour, 0.9))
        columns = max(2, round((right - left) * 34))
        for column in range(columns):
            centre = x1 + (column + 0.5) * (x2 - x1) / columns
            half = 0.26 * (x2 - x1) / columns
            for row in range(4):
                y = y1 + (0.09 + 0.155 * row) * horizon
                if y + 0.09 * horizon < horizon * 0.9:
                    canvas.lay_box(centre - half, y, centre + half, y + 0.085 * horizon, _shade(colour, 0.84))


def _lay_ground(canvas: _Canvas, horizon: float, width: int, height: int) -> None:
    ground = horizon - canvas.ys
    part = (canvas.ys - horizon) / (height - horizon)
    canvas.lay(ground, _gradient(canvas, part, (190, 200, 208), (206, 217, 226)))
    _lay_joints(canvas, horizon, width, height)
    canvas.lay_box(-9, horizon - 0.4, width + 9, horizon + 2.4, (160, 168, 176), 0.8)
    haze = np.clip(1 - part * 5, 0, 1)[..., None] * 0.45 * (ground < 0)[..., None]
    canvas.colour[:] = canvas.colour * (1 - haze) + np.asarray((216, 222, 228), np.float32) * haze


def _lay_joints(canvas: _Canvas, horizon: float, width: int, height: int) -> None:
    """Paving: depth is one over the distance to the horizon, so that rows and columns of slabs keep their shape."""
    below = np.maximum(canvas.ys - horizon, 0.5)
    depth = (height - horizon) / below
    across = (canvas.xs - width / 2) * depth / width
    slab = np.asarray(np.floor(depth * 2.6) * 7 + np.floor(across * 7 + 0.5) * 3, np.float32)
    tone = ((np.abs(np.sin(slab * 12.9898)) * 43758.5) % 1 - 0.5) * 7
    fade = np.clip((below - 3) / (0.25 * height), 0, 1)
    canvas.colour += np.where(canvas.ys > horizon, tone * fade, 0)[..., None].astype(np.float32)
    rows = np.abs((depth * 2.6 + 0.5) % 1 - 0.5) * below / (2.6 * depth)
    columns = np.abs((across * 7) % 1 - 0.5) * width / (7 * depth)
    for distance in (rows, columns):
        lines = np.where(canvas.ys > horizon, distance - 0.35, 9).astype(np.float32)
        canvas.colour += (np.clip(0.75 - lines, 0, 1) * fade * -17)[..., None]


def _lay_trees(canvas: _Canvas, horizon: float, width: int) -> None:
    leaves = ((0.0, 0.55, 0.27, 0.9), (-0.13, 0.46, 0.2, 0.82), (0.13, 0.5, 0.2, 0.98), (0.03, 0.63, 0.17, 1.06))
    for x, size in ((0.055, 1.0), (0.205, 0.82), (0.345, 0.94), (0.655, 0.9), (0.8, 1.02), (0.945, 0.86)):
        centre, scale = x * width, size * horizon
        canvas.lay_ellipse(centre + 0.3 * scale, horizon + 5, (0.42 * scale, 0.045 * scale), (96, 92, 90), 0.3, 6)
        trunk = 0.022 * scale
        canvas.lay_box(centre - trunk, horizon - 0.34 * scale, centre + trunk, horizon + 5, (74, 92, 112))
        for dx, dy, radius, tone in leaves:
            colour = _shade((122, 164, 142), tone)
            at = (centre + dx * scale, horizon - dy * scale)
            canvas.lay_ellipse(*at, (radius * scale, radius * 0.92 * scale), colour, 1.0, 2.0)


def _lay_fountain(canvas: _Canvas, width: int, height: int) -> None:
    """A round basin between the lanes on the left, low enough that nobody is hidden by it."""
    x, y, r = 0.25 * width, 0.79 * height, 0.085 * width
    canvas.lay_ellipse(x + 0.12 * r, y + 0.05 * r, (1.14 * r, 0.36 * r), (110, 104, 102), 0.35, 8)
    canvas.lay_ellipse(x, y, (1.04 * r, 0.32 * r), (176, 184, 190))
    canvas.lay_ellipse(x, y - 0.035 * r, (1.04 * r, 0.32 * r), (222, 230, 236))
    canvas.lay_ellipse(x, y - 0.02 * r, (0.9 * r, 0.26 * r), (196, 178, 146))
    canvas.lay_ellipse(x - 0.1 * r, y - 0.05 * r, (0.6 * r, 0.13 * r), (216, 202, 176), 0.7, 5)
