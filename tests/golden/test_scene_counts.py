"""The synthetic scene through the counting engine, at three frame rates: every number is known and must be exact."""

from collections import Counter
from itertools import pairwise

import pytest

from vedette.media.scene import FPS, PERIOD, Scene
from vedette.services.analytics.core import engine
from vedette.services.analytics.core.geometry import contains
from vedette.services.analytics.model.domain import Direction, Passage, Plan, Region, SensorFrame, Sighting, Wire

SCENE = Scene(1280, 720)
FRAMES = 2 * PERIOD
FRAME_US = 1_000_000 // FPS
WIRE = Wire("walkway", "", SCENE.wire, SCENE.arrow)
ROI = Region("square", "", SCENE.roi)


def _frame(number: int, t: int) -> SensorFrame:
    boxes = SCENE.boxes(number)
    sightings = [Sighting(box.key, "Person", (box.x1 + box.x2) / 2, box.y2, box.y2 - box.y1) for box in boxes]
    return SensorFrame(t, tuple(sightings))


def _between(before: SensorFrame, after: SensorFrame) -> SensorFrame:
    """The frame half way: who is in both, half way along."""
    there = {item.track_id: item for item in before.objects}
    middle = [
        item._replace(x=(item.x + there[item.track_id].x) / 2, y=(item.y + there[item.track_id].y) / 2)
        for item in after.objects
        if item.track_id in there
    ]
    return SensorFrame((before.t + after.t) // 2, tuple(middle))


def footage(fps: int) -> list[SensorFrame]:
    frames = [_frame(number, (number + 1) * FRAME_US) for number in range(FRAMES)]
    if fps < FPS:
        return frames[:: FPS // fps]
    if fps == FPS:
        return frames
    return [item for a, b in pairwise(frames) for item in (a, _between(a, b))] + frames[-1:]


def run(frames: list[SensorFrame]) -> list[engine.Emissions]:
    state, found = engine.start(Plan((WIRE,), (ROI,))), []
    for frame in frames:
        state, out = engine.step(state, frame)
        found.append(out)
    return found


def person(key: str) -> str:
    return key.partition("#")[0]


@pytest.mark.parametrize("fps", [5, 15, 30])
def test_crossings_are_exact(fps: int) -> None:
    found = [item for out in run(footage(fps)) for item in out.crossings]
    truth = SCENE.crossings(0, FRAMES)
    ways = {"along": Direction.IN, "against": Direction.OUT}
    assert Counter((item.track_id, item.direction) for item in found) == Counter(
        (item.key, ways[item.direction]) for item in truth
    )
    for item in found:
        times = [one.frame for one in truth if (one.key, ways[one.direction]) == (item.track_id, item.direction)]
        assert min(abs(item.t - (frame + 1) * FRAME_US) for frame in times) <= 1_000_000 // min(fps, FPS)
        assert item.known_at - item.t <= 500_000


@pytest.mark.parametrize("fps", [5, 15, 30])
def test_fov_counts_are_exact_in_every_frame(fps: int) -> None:
    frames = footage(fps)
    for frame, out in zip(frames, run(frames), strict=True):
        assert out.fov.get("Person", 0) == len(frame.objects)
    if fps == FPS:
        assert [out.fov.get("Person", 0) for out in run(frames)] == [SCENE.in_view(i) for i in range(FRAMES)]


@pytest.mark.parametrize("fps", [5, 15, 30])
def test_visits_to_the_roi_are_exact(fps: int) -> None:
    visits = Counter((item.track_id, item.passage) for out in run(footage(fps)) for item in out.visits)
    truth: Counter[tuple[str, Passage]] = Counter()
    inside: set[str] = set()
    for number in range(FRAMES):
        now = {box.key for box in SCENE.boxes(number) if contains(SCENE.roi, _foot(number, box.key))}
        truth.update((key, Passage.ENTRY) for key in now - inside)
        truth.update((key, Passage.EXIT) for key in inside - now)
        inside = now
    assert visits == truth


@pytest.mark.parametrize("fps", [5, 15, 30])
def test_occupancy_is_exact_but_for_the_buffer_at_the_edge(fps: int) -> None:
    """A walker is counted in and out equally late, so the mean stays; the most at a time is exact."""
    counted = [sum(out.regions["square"].values()) for out in run(footage(fps))]
    true = [SCENE.in_roi(number) for number in range(FRAMES)]
    assert max(counted) == max(true)
    assert sum(counted) / len(counted) == pytest.approx(sum(true) / len(true), rel=0.03)


def test_the_scene_has_something_to_count() -> None:
    crossings = SCENE.crossings(0, PERIOD)
    assert {item.direction for item in crossings} == {"along", "against"}
    assert max(SCENE.in_roi(number) for number in range(PERIOD)) >= 1
    assert len({person(item.key) for item in crossings}) < len(
        {box.key for i in range(PERIOD) for box in SCENE.boxes(i)}
    )


def _foot(number: int, key: str) -> tuple[float, float]:
    foot = SCENE.foot(number, key)
    assert foot is not None
    return foot
