"""Draw the self-test picture of the person detector and print what each file of weights finds in it.

    python scripts/models/draw_self_test.py vedette/data/models

Three figures of plain shapes on a street of plain shapes: ours, so that it can ship with the model. The printed rows go
into `expected` of the model card; they hold for 416x320, where the picture needs no resize.
"""

import argparse
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

WIDTH, HEIGHT = 416, 320
type Picture = NDArray[np.float32]


def ellipse(picture: Picture, centre: tuple[float, float], radii: tuple[float, float], colour: tuple[int, ...]) -> None:
    """A filled ellipse with soft edges."""
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float32)
    inside = ((x - centre[0]) / radii[0]) ** 2 + ((y - centre[1]) / radii[1]) ** 2
    alpha = np.clip((1.0 - inside) * min(radii) / 2 + 0.5, 0, 1)[..., None]
    shade = 1.0 - 0.25 * np.clip((x - centre[0]) / radii[0], -1, 1)[..., None]
    picture[:] = picture * (1 - alpha) + np.array(colour, np.float32) * shade * alpha


def limb(
    picture: Picture, start: tuple[float, float], end: tuple[float, float], radius: float, colour: tuple[int, ...]
) -> None:
    """A thick line with round ends and soft edges."""
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float32)
    dx, dy = end[0] - start[0], end[1] - start[1]
    along = np.clip(((x - start[0]) * dx + (y - start[1]) * dy) / (dx * dx + dy * dy), 0, 1)
    away = np.hypot(x - start[0] - along * dx, y - start[1] - along * dy)
    alpha = np.clip(radius - away + 0.5, 0, 1)[..., None]
    shade = 1.0 - 0.3 * np.clip((x - start[0] - along * dx) / radius, -1, 1)[..., None]
    picture[:] = picture * (1 - alpha) + np.array(colour, np.float32) * shade * alpha


def person(
    picture: Picture, foot: tuple[float, float], height: float, shirt: tuple[int, ...], trousers: tuple[int, ...]
) -> None:
    """A walking figure of `height` pixels whose feet stand at `foot`; colours are BGR."""
    x, y, u = foot[0], foot[1], height / 8
    skin, hair, shoe = (120, 150, 205), (25, 30, 40), (30, 30, 35)
    ellipse(picture, (x, y), (1.3 * u, 0.22 * u), (70, 72, 74))
    limb(picture, (x - 0.3 * u, y - 3.9 * u), (x - 0.75 * u, y - 0.35 * u), 0.42 * u, trousers)
    limb(picture, (x + 0.3 * u, y - 3.9 * u), (x + 0.7 * u, y - 0.35 * u), 0.42 * u, trousers)
    limb(picture, (x - 0.85 * u, y - 0.15 * u), (x - 0.45 * u, y - 0.1 * u), 0.22 * u, shoe)
    limb(picture, (x + 0.6 * u, y - 0.15 * u), (x + 1.0 * u, y - 0.1 * u), 0.22 * u, shoe)
    limb(picture, (x - 0.85 * u, y - 6.2 * u), (x - 1.15 * u, y - 3.9 * u), 0.27 * u, shirt)
    limb(picture, (x + 0.85 * u, y - 6.2 * u), (x + 1.15 * u, y - 3.9 * u), 0.27 * u, shirt)
    ellipse(picture, (x - 1.17 * u, y - 3.6 * u), (0.24 * u, 0.3 * u), skin)
    ellipse(picture, (x + 1.17 * u, y - 3.6 * u), (0.24 * u, 0.3 * u), skin)
    limb(picture, (x, y - 5.9 * u), (x, y - 4.2 * u), 0.82 * u, shirt)
    limb(picture, (x, y - 6.7 * u), (x, y - 6.3 * u), 0.28 * u, skin)
    ellipse(picture, (x, y - 7.3 * u), (0.5 * u, 0.62 * u), skin)
    ellipse(picture, (x, y - 7.6 * u), (0.54 * u, 0.42 * u), hair)


def draw() -> NDArray[np.uint8]:
    """The picture, BGR uint8 of shape (320, 416, 3)."""
    picture = np.zeros((HEIGHT, WIDTH, 3), np.float32)
    y = np.linspace(0, 1, HEIGHT, dtype=np.float32)[:, None, None]
    picture[:] = np.array([205, 190, 175], np.float32) * (1 - 0.25 * y)
    picture[120:] = np.array([118, 122, 126], np.float32) * (0.85 + 0.3 * y[120:])
    picture[112:120] = (90, 95, 100)
    for left in range(12, WIDTH, 68):
        picture[24:88, left : left + 40] = (150, 130, 110)
        picture[28:84, left + 3 : left + 37] = (95, 85, 75)
    grain = np.random.default_rng(2009).normal(0, 4, (HEIGHT // 2, WIDTH // 2, 1)).astype(np.float32)
    picture += np.repeat(np.repeat(grain, 2, 0), 2, 1)
    person(picture, (95, 285), 190, (70, 60, 160), (85, 60, 45))
    person(picture, (225, 235), 130, (150, 110, 50), (60, 62, 66))
    person(picture, (330, 290), 160, (90, 140, 80), (110, 90, 75))
    return np.clip(picture, 0, 255).astype(np.uint8)


def main() -> None:
    """Draws, writes and reports."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    folder: Path = parser.parse_args().folder
    picture = draw()
    np.savez_compressed(folder / "self_test.npz", picture=picture)
    for path in sorted(folder.glob("*.onnx")):
        report(path, picture)


def report(path: Path, picture: NDArray[np.uint8]) -> None:
    """Prints the rows of `expected` for one file of weights."""
    import onnxruntime

    from vedette.services.perception.core import letterbox
    from vedette.services.perception.core.heads import nanodet

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    tensor = picture.transpose(2, 0, 1)[None].astype(np.float32)
    scores, ltrb = session.run(["scores", "ltrb"], {"images": tensor})
    found = nanodet.decode({"scores": scores, "ltrb": ltrb}, letterbox.fit(WIDTH, HEIGHT, (WIDTH, HEIGHT)), 0.10)
    print(path.name)
    for score, box in zip(found.scores, found.boxes, strict=True):
        print(f"  [{score:.3f}, {', '.join(f'{value:.1f}' for value in box)}],")


if __name__ == "__main__":
    main()
