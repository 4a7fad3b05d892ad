"""The tracker: identities over frames, whatever the order of boxes and the rate of inference."""

from collections.abc import Sequence
from dataclasses import replace

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from vedette.services.perception.core import tracker
from vedette.services.perception.core.tracker import Rules, TrackerState
from vedette.services.perception.model import Detections, Tracks

PICTURE = (1280, 720)
START_US = 1_700_000_000_000_000
FRAME_US = 100_000


def found(boxes: Sequence[tuple[float, ...]], scores: list[float] | float = 0.9) -> Detections:
    count = len(boxes)
    score = np.full(count, scores, np.float32) if isinstance(scores, float) else np.array(scores, np.float32)
    return Detections(np.array(boxes, np.float32).reshape(-1, 4), score, np.zeros(count, np.int32))


def walker(frame: float, *, x: float = 100, y: float = 100, speed: float = 6) -> tuple[float, ...]:
    """A person of 40x100 pixels who walks to the right, `speed` pixels a frame."""
    return (x + speed * frame, y, x + 40 + speed * frame, y + 100)


def run(
    frames: list[Detections | None], rules: Rules | None = None, state: TrackerState | None = None, start: int = 0
) -> tuple[TrackerState, list[Tracks]]:
    rules = rules or Rules()
    state = tracker.initial(rules=rules) if state is None else state
    shown: list[Tracks] = []
    for index, detections in enumerate(frames, start):
        state, tracks = tracker.step(state, detections, START_US + index * FRAME_US, rules=rules, picture=PICTURE)
        shown.append(tracks)
    return state, shown


def random_scene(seed: int, frames: int = 12) -> list[Detections]:
    random = np.random.default_rng(seed)
    people = random.integers(1, 6)
    at = random.uniform([50, 50], [1000, 500], (people, 2))
    speed = random.uniform(-8, 8, (people, 2))
    scenes = []
    for frame in range(frames):
        corner = at + speed * frame + random.normal(0, 1, (people, 2))
        seen = random.random(people) > 0.1
        noise = random.uniform([0, 0], [1200, 600], (4, 2))
        corners = np.concatenate([corner[seen], noise])
        boxes = np.hstack([corners, corners + np.array([40, 100])]).astype(np.float32)
        scores = np.concatenate([random.uniform(0.4, 0.9, seen.sum()), random.uniform(0.05, 0.5, 4)])
        scenes.append(Detections(boxes, scores.astype(np.float32), np.zeros(len(boxes), np.int32)))
    return scenes


def same(first: Tracks, second: Tracks) -> bool:
    return all(
        np.array_equal(getattr(first, name), getattr(second, name))
        for name in ("ids", "boxes", "scores", "classes", "predicted", "early_us", "early_boxes")
    )


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 100_000))
def test_the_order_of_detections_does_not_matter(seed: int) -> None:
    scenes = random_scene(seed)
    shuffler = np.random.default_rng(seed + 1)
    shuffled = [scene.select(shuffler.permutation(len(scene))) for scene in scenes]
    first_state, first = run(list(scenes))
    second_state, second = run(list(shuffled))
    assert tracker.snapshot(first_state) == tracker.snapshot(second_state)
    assert all(same(a, b) for a, b in zip(first, second, strict=True))


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 100_000), st.integers(0, 11))
def test_a_restored_snapshot_goes_on_as_if_nothing_happened(seed: int, cut: int) -> None:
    scenes: list[Detections | None] = list(random_scene(seed))
    whole_state, whole = run(scenes)
    middle, first = run(scenes[:cut])
    end, second = run(scenes[cut:], state=tracker.restore(tracker.snapshot(middle)), start=cut)
    assert tracker.snapshot(end) == tracker.snapshot(whole_state)
    assert all(same(a, b) for a, b in zip(whole, first + second, strict=True))


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 100_000))
def test_ids_are_never_reused_and_boxes_stay_inside(seed: int) -> None:
    state = tracker.initial()
    for index, scene in enumerate(random_scene(seed, frames=25)):
        before = state
        t_us = START_US + index * FRAME_US
        state, tracks = tracker.step(state, scene, t_us, rules=Rules(), picture=PICTURE)
        born = set(state.ids.tolist()) - set(before.ids.tolist())
        assert born == set(range(before.next_id, state.next_id))
        assert len(set(state.ids.tolist())) == len(state)
        assert set(tracks.ids.tolist()) <= set(state.ids.tolist())
        assert (tracks.boxes >= 0).all()
        assert (tracks.boxes[:, [0, 2]] <= PICTURE[0]).all()
        assert (tracks.boxes[:, [1, 3]] <= PICTURE[1]).all()


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 100_000), st.lists(st.integers(0, 3), min_size=12, max_size=12))
def test_skipped_frames_change_nothing(seed: int, skipped: list[int]) -> None:
    scenes = random_scene(seed)
    rules = Rules()
    plain, sparse = tracker.initial(), tracker.initial()
    for index, scene in enumerate(scenes):
        t_us = START_US + index * FRAME_US
        plain, expected = tracker.step(plain, scene, t_us, rules=rules, picture=PICTURE)
        sparse, got = tracker.step(sparse, scene, t_us, rules=rules, picture=PICTURE)
        assert same(expected, got)
        for number in range(skipped[index]):
            before = sparse
            later_us = t_us + (number + 1) * FRAME_US // 4
            sparse, between = tracker.step(sparse, None, later_us, rules=rules, picture=PICTURE)
            assert sparse is before
            assert between.predicted.all()
    assert tracker.snapshot(plain) == tracker.snapshot(sparse)


def test_a_track_is_shown_after_three_hits_with_where_it_was_before() -> None:
    _, shown = run([found([walker(frame)]) for frame in range(5)])
    assert [len(tracks) for tracks in shown] == [0, 0, 1, 1, 1]
    confirmed = shown[2]
    assert confirmed.early_us[0].tolist() == [START_US, START_US + FRAME_US]
    assert confirmed.early_boxes[0, 0].tolist() == pytest.approx(list(walker(0)), abs=0.5)
    assert abs(confirmed.early_boxes[0, 1, 0] - walker(1)[0]) < 6
    assert not shown[3].early_us.any()


def test_skipped_frames_are_predicted_along_the_way() -> None:
    frames: list[Detections | None] = [found([walker(frame)]) if frame % 2 == 0 else None for frame in range(24)]
    _, shown = run(frames)
    for frame in range(13, 24):
        assert shown[frame].ids.tolist() == [1]
        assert shown[frame].predicted.tolist() == [frame % 2 == 1]
        assert shown[frame].boxes[0].tolist() == pytest.approx(list(walker(frame)), abs=4)


def test_prediction_is_shown_for_a_while_and_the_track_comes_back_with_its_id() -> None:
    seen: list[Detections | None] = [found([walker(frame)]) for frame in range(10)]
    nothing: list[Detections | None] = [found([]) for _ in range(12)]
    again: list[Detections | None] = [found([walker(frame)]) for frame in range(22, 26)]
    _, shown = run(seen + nothing + again, Rules(shown_misses=100))
    assert [len(tracks) for tracks in shown[10:22]] == [1] * 5 + [0] * 7
    assert shown[12].predicted.all()
    assert [tracks.ids.tolist() for tracks in shown[22:]] == [[1]] * 4
    _, shown = run(seen + nothing + again)
    assert [len(tracks) for tracks in shown[10:22]] == [1] + [0] * 11
    assert [tracks.ids.tolist() for tracks in shown[22:]] == [[1]] * 4


def test_a_lost_track_ends_after_three_seconds() -> None:
    seen: list[Detections | None] = [found([walker(frame, speed=0)]) for frame in range(10)]
    nothing: list[Detections | None] = [found([]) for _ in range(31)]
    state, _ = run(seen + nothing)
    assert len(state) == 0
    _, shown = run([found([walker(0, speed=0)]) for _ in range(3)], state=state, start=41)
    assert shown[-1].ids.tolist() == [2]


def test_an_unconfirmed_track_dies_after_two_misses() -> None:
    state, _ = run([found([walker(0)]), found([])])
    assert len(state) == 1
    state, _ = run([found([])], state=state, start=2)
    assert len(state) == 0


@pytest.mark.parametrize(("score", "born"), [(0.49, 0), (0.50, 1)])
def test_only_strong_boxes_begin_a_track(score: float, born: int) -> None:
    state, _ = run([found([walker(0)], score)])
    assert len(state) == born


def test_a_second_box_on_a_tracked_person_begins_nothing() -> None:
    frames: list[Detections | None] = [found([walker(frame, speed=1)]) for frame in range(5)]
    double = found([walker(5, speed=1), walker(5, speed=1, x=104, y=104)], [0.9, 0.8])
    state, _ = run([*frames, double])
    assert len(state) == 1


def test_faint_boxes_prolong_a_confirmed_track_five_times() -> None:
    seen: list[Detections | None] = [found([walker(frame)]) for frame in range(6)]
    faint: list[Detections | None] = [found([walker(frame)], 0.2) for frame in range(6, 14)]
    state, shown = run(seen + faint)
    predicted = [bool(tracks.predicted.all()) for tracks in shown[6:]]
    assert predicted == [False] * 5 + [True] * 3
    assert state.hits.tolist() == [6]


def test_faint_boxes_confirm_nothing_and_need_a_good_overlap() -> None:
    _, shown = run([found([walker(0)]), *[found([walker(frame)], 0.2) for frame in range(1, 6)]])
    assert len(shown[-1]) == 0
    seen: list[Detections | None] = [found([walker(frame)]) for frame in range(6)]
    off = found([walker(6, x=122)], 0.2)
    _, shown = run([*seen, off])
    assert shown[-1].predicted.all()


def test_faint_boxes_hidden_by_a_trusted_one_are_ignored() -> None:
    apart: list[Detections | None] = [
        found([walker(frame, speed=0), walker(frame, x=130, speed=0)]) for frame in range(6)
    ]
    together = found([walker(6, speed=0), walker(6, x=130, speed=0)], [0.9, 0.2])
    covering = found([(100, 100, 170, 200), (128, 100, 168, 200)], [0.9, 0.2])
    assert run([*apart, together])[1][-1].predicted.sum() == 0
    assert run([*apart, covering])[1][-1].predicted.sum() == 1


def test_a_long_gap_switches_the_second_pass_off_and_widens_the_gate() -> None:
    rules = Rules()
    state, _ = run([found([walker(frame, speed=0)]) for frame in range(6)])
    later_us = START_US + 5 * FRAME_US + 200_000
    _, faint = tracker.step(state, found([walker(0)], 0.3), later_us, rules=rules, picture=PICTURE)
    assert faint.predicted.all()
    shifted = found([walker(0, x=131)])
    _, near = tracker.step(state, shifted, later_us, rules=rules, picture=PICTURE)
    _, narrow = tracker.step(state, shifted, later_us, rules=replace(rules, wide_gate=0.2), picture=PICTURE)
    assert not near.predicted.any()
    assert narrow.predicted.all()


def test_what_looks_a_little_like_a_person_is_not_followed() -> None:
    lamp_post: list[Detections | None] = [found([walker(0)], 0.5 if frame % 20 == 0 else 0.44) for frame in range(100)]
    _, shown = run(lamp_post)
    assert sum(len(tracks) for tracks in shown) == 0
    person: list[Detections | None] = [found([walker(0)], 0.7 if frame > 3 else 0.5) for frame in range(8)]
    _, shown = run(person)
    assert len(shown[-1]) == 1


def test_two_who_cross_keep_their_ids() -> None:
    frames: list[Detections | None] = [
        found([walker(frame), walker(frame, x=500, y=130, speed=-6)]) for frame in range(60)
    ]
    _, shown = run(frames)
    first, last = shown[2], shown[-1]
    order = np.argsort(first.boxes[:, 0])
    left, right = first.ids[order]
    order = np.argsort(last.boxes[:, 0])
    assert last.ids[order].tolist() == [right, left]
    assert {len(tracks) for tracks in shown[2:]} == {2}


def test_classes_do_not_mix() -> None:
    person, bag = found([walker(0)]), found([walker(0)])
    bag = Detections(bag.boxes, bag.scores, np.ones(1, np.int32))
    state, _ = run([person, bag])
    assert state.classes.tolist() == [0, 1]
    assert state.misses.tolist() == [1, 0]


def test_the_caps_hold_and_are_counted() -> None:
    boxes = [(float(x), float(y), x + 20.0, y + 40.0) for x in range(0, 1200, 30) for y in range(0, 600, 50)]
    rules = Rules(max_boxes=100, max_tracks=60)
    state, _ = run([found(boxes)], rules)
    assert len(state) == 60
    assert state.overflow == len(boxes) - 100 + 40
    confirmed, _ = run([found(boxes)] * 3, rules)
    emptied, _ = run([found([])], replace(rules, max_lost=10), confirmed, start=3)
    assert len(emptied) == 10


def test_a_clock_that_jumps_back_forgets_tracks_and_keeps_counting() -> None:
    state, _ = run([found([walker(frame)]) for frame in range(5)])
    state, tracks = tracker.step(state, found([walker(0)]), START_US - 10**9, rules=Rules(), picture=PICTURE)
    assert len(tracks) == 0
    assert state.ids.tolist() == [2]
    assert state.t_us == START_US - 10**9


def test_an_exact_detector_shows_from_the_first_frame_and_nothing_that_left() -> None:
    rules = Rules(confirm_hits=1, shown_misses=0)
    frames: list[Detections | None] = [found([walker(0)]), None, found([walker(2)]), found([]), None]
    _, shown = run(frames, rules)
    assert [len(tracks) for tracks in shown] == [1, 1, 1, 0, 0]
    assert [tracks.predicted.tolist() for tracks in shown[:3]] == [[False], [True], [False]]


def test_other_bytes_are_no_snapshot() -> None:
    with pytest.raises(msgspec.DecodeError):
        tracker.restore(b"\xc1not a snapshot")


def test_who_leaves_the_picture_is_not_shown_outside_it() -> None:
    frames: list[Detections | None] = [found([walker(frame, x=1180, speed=10)]) for frame in range(9)]
    _, shown = run([*frames, *[found([])] * 4])
    ends: list[NDArray[np.float32]] = [tracks.boxes for tracks in shown[9:]]
    assert all((boxes[:, 2] <= PICTURE[0]).all() for boxes in ends)
    assert len(ends[-1]) == 0
