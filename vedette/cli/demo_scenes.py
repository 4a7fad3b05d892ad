"""What the demo shows: its two cameras and the tripwire and ROI drawn on each, in shares of the picture."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vedette.media.scene import Scene

type Point = tuple[float, float]

CLIP = Path(".cache/video/pedestrians.mp4")
"""Where `make setup` leaves the pedestrian scene, below the folder it ran in."""


@dataclass(frozen=True, slots=True)
class DemoCamera:
    """A virtual camera and what is counted in its picture. `source` is a file, an RTSP URL or `scene`.

    Points are (x, y) as shares of width and height; the arrow of the wire points the way that counts as IN.
    """

    name: str
    source: str
    path: str
    wire: Sequence[Point]
    arrow: tuple[Point, Point]
    directions: tuple[str, str]
    roi: Sequence[Point]
    roi_name: str

    def tripwire_body(self, width: int, height: int) -> dict[str, Any]:
        """The body of POST config/tripwire for a picture of this size in pixels."""
        start, end = self.arrow
        direction = {
            "p1": _pixel(start, width, height),
            "p2": _pixel(end, width, height),
            "entry": {"name": self.directions[0]},
            "exit": {"name": self.directions[1]},
        }
        wire = {"id": "wire-1", "name": "Tripwire", "wire": [_pixel(point, width, height) for point in self.wire]}
        return {"deleteIfPresent": True, "sensorId": self.name, "tripwires": [{**wire, "direction": direction}]}

    def roi_body(self, width: int, height: int) -> dict[str, Any]:
        """The body of POST config/roi for a picture of this size in pixels."""
        corners = [_pixel(point, width, height) for point in self.roi]
        roi = {"id": "roi-1", "name": self.roi_name, "coordinates": corners}
        return {"deleteIfPresent": True, "sensorId": self.name, "rois": [roi]}


def _pixel(point: Point, width: int, height: int) -> dict[str, float]:
    return {"x": round(point[0] * width, 1), "y": round(point[1] * height, 1)}


def synthetic() -> DemoCamera:
    """The scene whose truth is known, with its own wire and ROI."""
    scene = Scene()
    share = (1 / scene.width, 1 / scene.height)

    def scaled(points: Sequence[Point]) -> list[Point]:
        return [(x * share[0], y * share[1]) for x, y in points]

    start, end = scaled(scene.arrow)
    return DemoCamera(
        name="Plaza",
        source="scene",
        path="plaza",
        wire=scaled(scene.wire),
        arrow=(start, end),
        directions=("east", "west"),
        roi=scaled(scene.roi),
        roi_name="Fountain square",
    )


def pedestrians(source: str) -> DemoCamera:
    """The crossroads of PETS 2009; wire and ROI lie on its footpaths."""
    return DemoCamera(
        name="Crossroads",
        source=source,
        path="crossroads",
        wire=[(0.30, 0.36), (0.52, 0.60), (0.55, 0.98)],
        arrow=((0.22, 0.66), (0.78, 0.58)),
        directions=("towards the road", "towards the lawn"),
        roi=[(0.52, 0.28), (0.92, 0.34), (0.96, 0.62), (0.60, 0.62)],
        roi_name="Junction",
    )


def other(source: str) -> DemoCamera:
    """Somebody's own video: a wire down the middle and an ROI in the lower half."""
    return DemoCamera(
        name="Video",
        source=source,
        path="video",
        wire=[(0.5, 0.1), (0.5, 0.9)],
        arrow=((0.35, 0.5), (0.65, 0.5)),
        directions=("right", "left"),
        roi=[(0.1, 0.5), (0.9, 0.5), (0.9, 0.95), (0.1, 0.95)],
        roi_name="Foreground",
    )
