"""Everyone of the synthetic scene keeps one id for the whole walk, and nobody is invented, at any rate of inference."""

from collections import defaultdict
from functools import lru_cache

import numpy as np
import pytest

from vedette.media import scene
from vedette.media.scene import Box, Scene
from vedette.services.perception.core import tracker
from vedette.services.perception.core.tracker import Rules
from vedette.services.perception.model import Detections, Tracks

RULES = Rules(confirm_hits=1, shown_misses=0)
PERIODS = 2


@lru_cache(maxsize=1)
def truth() -> tuple[tuple[Box, ...], ...]:
    plaza = Scene()
    return tuple(tuple(plaza.boxes(number)) for number in range(PERIODS * scene.PERIOD))


def track(every: int) -> list[Tracks]:
    state, shown = tracker.initial(rules=RULES), []
    for number, people in enumerate(truth()):
        boxes = np.array([box[1:] for box in people], np.float32).reshape(-1, 4)
        found = Detections(boxes, np.ones(len(boxes), np.float32), np.zeros(len(boxes), np.int32))
        inferred = found if number % every == 0 else None
        t_us = 10**9 + number * 1_000_000 // scene.FPS
        state, tracks = tracker.step(state, inferred, t_us, rules=RULES, picture=scene.SIZE)
        shown.append(tracks)
    return shown


@pytest.mark.parametrize("every", [1, 2, 3])
def test_one_id_a_walk(every: int) -> None:
    keys: dict[int, set[str]] = defaultdict(set)
    ids: dict[str, set[int]] = defaultdict(set)
    for number, (people, tracks) in enumerate(zip(truth(), track(every), strict=True)):
        if number % every == 0:
            assert len(tracks) == len(people), number
        for track_id, box in zip(tracks.ids.tolist(), tracks.boxes, strict=True):
            for person in people:
                if np.abs(box - np.array(person[1:], np.float32)).max() < 4:
                    keys[track_id].add(person.key)
                    ids[person.key].add(track_id)
    assert {key: found for key, found in ids.items() if len(found) > 1} == {}
    assert {track_id: found for track_id, found in keys.items() if len(found) > 1} == {}
    assert set(ids) == {person.key for people in truth() for person in people}
