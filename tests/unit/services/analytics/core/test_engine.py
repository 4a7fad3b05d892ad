"""The operator: determinism, snapshots, short id losses, late frames, forgetting."""

import math

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vedette.schema.frame import BBox, DetectedObject, FrameMessage
from vedette.services.analytics.core import engine, fov
from vedette.services.analytics.model.domain import (
    NO_DATA,
    AlertRule,
    Direction,
    Kind,
    Metric,
    Passage,
    Plan,
    Point,
    Region,
    SensorFrame,
    Sighting,
    Wire,
)

MS, S = 1000, 1_000_000
WIRE = Wire("w", "door", ((100.0, 100.0), (300.0, 100.0)), ((200.0, 150.0), (200.0, 50.0)))
HALL = Region("r", "hall", ((100.0, 110.0), (300.0, 110.0), (300.0, 300.0), (100.0, 300.0)))
CROWD = AlertRule("crowd", Kind.ROI, "r", "crowd", Metric.OCCUPANCY, 2, hold_us=300 * MS)
BUSY = AlertRule("busy", Kind.TRIPWIRE, "w", "busy", Metric.INCREMENT, 2, interval_us=5 * S, direction=Direction.IN)
SEEN = AlertRule("seen", Kind.FOV, "", "seen", Metric.OCCUPANCY, 1, object_type="Dog")
PLAN = Plan((WIRE,), (HALL,), (CROWD, BUSY, SEEN))


def person(track_id: str, x: float, y: float, height: float = 60.0, kind: str = "Person") -> Sighting:
    return Sighting(track_id, kind, x, y, height)


def frame(t_ms: int, *objects: Sighting) -> SensorFrame:
    return SensorFrame(t_ms * MS, objects)


def run(frames: list[SensorFrame], plan: Plan = PLAN) -> list[engine.Emissions]:
    state, found = engine.start(plan), []
    for item in frames:
        state, out = engine.step(state, item)
        found.append(out)
    return found


def walk(track_id: str, start: Point, end: Point, begin_ms: int, frames: int, step_ms: int = 100) -> list[SensorFrame]:
    return [
        frame(
            begin_ms + i * step_ms,
            person(
                track_id,
                start[0] + (end[0] - start[0]) * i / (frames - 1),
                start[1] + (end[1] - start[1]) * i / (frames - 1),
            ),
        )
        for i in range(frames)
    ]


def crossings(found: list[engine.Emissions]) -> list[str]:
    return [str(item.direction) for out in found for item in out.crossings]


def visits(found: list[engine.Emissions]) -> list[str]:
    return [str(item.passage) for out in found for item in out.visits]


objects = st.lists(
    st.builds(
        person,
        st.sampled_from(["1", "2", "3", "4"]),
        st.floats(90, 310),
        st.floats(60, 310),
        st.sampled_from([50.0, 60.0, 120.0]),
        st.sampled_from(["Person", "Dog"]),
    ),
    max_size=4,
    unique_by=lambda item: item.track_id,
)
footage = st.lists(st.tuples(st.integers(-50, 1500), objects), max_size=30).map(
    lambda steps: [
        SensorFrame(max(1, sum(step for step, _ in steps[: i + 1])) * MS, tuple(found))
        for i, (_, found) in enumerate(steps)
    ]
)


@given(footage, st.integers(0, 30))
def test_snapshot_and_restore_is_never_interrupted(frames: list[SensorFrame], cut: int) -> None:
    whole = run(frames)
    state, halves = engine.start(PLAN), []
    for number, item in enumerate(frames):
        if number == cut:
            state = engine.restore(PLAN, engine.snapshot(state))
        state, out = engine.step(state, item)
        halves.append(out)
    assert halves == whole


@given(footage)
def test_entries_minus_exits_is_the_number_inside(frames: list[SensorFrame]) -> None:
    state, balance = engine.start(PLAN), 0
    for item in frames:
        state, out = engine.step(state, item)
        kinds = [visit.passage for visit in out.visits]
        balance += kinds.count(Passage.ENTRY) - kinds.count(Passage.EXIT)
        assert balance == sum(track.regions["r"].inside for track in state.memory.tracks.values())
        if not out.late:
            assert sum(out.fov.values()) == len(item.objects)
            assert sum(out.regions["r"].values()) <= balance


@given(footage)
def test_alerts_alternate(frames: list[SensorFrame]) -> None:
    for rule in PLAN.rules:
        ends = [change.end is None for out in run(frames) for change in out.alerts if change.rule == rule]
        assert ends == [index % 2 == 0 for index in range(len(ends))]


@given(st.lists(st.builds(person, st.text(max_size=3), st.floats(0, 9), st.floats(0, 9)), max_size=20))
def test_the_classes_add_up(items: list[Sighting]) -> None:
    assert sum(fov.count(items).values()) == len(items)


def test_a_short_loss_at_the_wire_keeps_the_crossing() -> None:
    before = walk("7", (200, 150), (200, 105), 0, 10)
    gap = [frame(1000), frame(1100)]
    after = walk("8", (200, 92), (200, 50), 1200, 10)
    found = run([frame(-100), *before, *gap, *after])
    assert crossings(found) == ["IN"]
    assert visits(found) == ["ENTRY", "EXIT"]
    assert sum(out.stitched for out in found) == 1


def test_a_new_id_after_the_wire_does_not_double_the_crossing() -> None:
    found = run([*walk("7", (200, 150), (200, 70), 0, 17), *walk("8", (200, 66), (200, 20), 1700, 10), frame(9000)])
    assert crossings(found) == ["IN"]


@pytest.mark.parametrize(
    "other",
    [person("8", 200, 60, height=150), person("8", 290, 90), person("8", 200, 92, kind="Dog")],
    ids=["taller", "too far", "another class"],
)
def test_somebody_else_does_not_take_over(other: Sighting) -> None:
    found = run([*walk("7", (200, 150), (200, 105), 0, 10), frame(1000), frame(1100, other)])
    assert sum(out.stitched for out in found) == 0


def test_the_nearest_pair_is_joined_first() -> None:
    lost = frame(100, person("1", 100, 200), person("2", 120, 200))
    found = frame(200, person("3", 119, 200), person("4", 104, 200))
    state, _ = engine.step(engine.start(PLAN), lost)
    state, out = engine.step(state, found)
    assert out.stitched == 2
    assert not out.visits
    assert set(state.memory.tracks) == {"3", "4"}


def test_a_track_that_vanished_is_forgotten_and_has_left() -> None:
    found = run([frame(100, person("1", 200, 200)), frame(200), frame(2200)])
    assert visits(found) == ["ENTRY", "EXIT"]
    assert found[-1].visits[0].t == 100 * MS


def test_a_crossing_before_vanishing_counts_when_forgotten() -> None:
    found = run([frame(100, person("1", 200, 120)), frame(150, person("1", 200, 90)), frame(3000)])
    assert crossings(found) == ["IN"]
    assert found[-1].crossings[0].known_at == 3000 * MS


def test_an_id_that_comes_back_much_later_is_somebody_else() -> None:
    assert crossings(run([frame(100, person("1", 200, 180)), frame(9000, person("1", 200, 20))])) == []


def test_late_and_repeated_frames_change_nothing() -> None:
    frames = walk("1", (200, 150), (200, 50), 100, 11)
    shaken = [item for number, item in enumerate(frames) for item in (frames[number], frames[max(0, number - 3)])]
    found = run(shaken)
    assert sum(out.late for out in found) == len(frames)
    assert [out for out in found if not out.late] == run(frames)


def test_a_clock_that_was_set_back_starts_afresh() -> None:
    ahead = walk("1", (200, 200), (200, 150), 100_000, 5)
    back = walk("1", (200, 200), (200, 50), 1000, engine.LATE_RUN + 20)
    found = run([*ahead, *back])
    assert sum(out.late for out in found) == engine.LATE_RUN - 1
    assert visits(found)[:2] == ["ENTRY", "EXIT"]
    assert [out.t for out in found[-2:]] == [item.t for item in back[-2:]]


def test_occupancy_is_raised_after_the_hold_and_cleared() -> None:
    two = [frame(t, person("1", 150, 200), person("2", 250, 200)) for t in range(100, 600, 100)]
    one = [frame(t, person("1", 150, 200)) for t in range(600, 800, 100)]
    changes = [change for out in run([*two, *one]) for change in out.alerts]
    assert [(change.rule.rule_id, change.start // MS, change.end) for change in changes] == [
        ("crowd", 400, None),
        ("crowd", 400, 600 * MS),
    ]


def test_crossings_within_the_interval_raise_an_increment() -> None:
    first, second = walk("1", (150, 150), (150, 50), 100, 11), walk("2", (250, 150), (250, 50), 3000, 11)
    found = run([*first, *second, frame(12_000)])
    changes = [change for out in found for change in out.alerts if change.rule == BUSY]
    assert [(change.value, change.end is None) for change in changes] == [(2, True), (2, False)]


def test_a_rule_may_look_at_one_class() -> None:
    found = run([frame(100, person("1", 9, 9)), frame(200, person("1", 9, 9), person("2", 300, 9, kind="Dog"))])
    assert [change.rule.rule_id for out in found for change in out.alerts] == ["seen"]


@given(footage, st.sets(st.integers(0, 30)))
def test_silences_change_nothing_but_alerts(frames: list[SensorFrame], silences: set[int]) -> None:
    state, ends, counts = engine.start(PLAN), dict[str, list[bool]](), []
    for number, item in enumerate(frames):
        state, out = engine.step(state, item)
        changes = list(out.alerts)
        counts.append((out.fov, out.regions, out.crossings, out.visits))
        if number in silences:
            state, lost = engine.fall_silent(state)
            assert all((change.end, change.reason) == (state.memory.t, NO_DATA) for change in lost)
            assert all(known.raised_at is None for known in state.memory.rules.values())
            changes += lost
            assert engine.fall_silent(state)[1] == []
        for change in changes:
            ends.setdefault(change.rule.rule_id, []).append(change.end is None)
    assert counts == [(out.fov, out.regions, out.crossings, out.visits) for out in run(frames)]
    for found in ends.values():
        assert found == [index % 2 == 0 for index in range(len(found))]


def test_another_plan_drops_what_is_gone_and_keeps_the_tracks() -> None:
    state, _ = engine.step(engine.start(PLAN), frame(100, person("1", 200, 104)))
    state, _ = engine.step(state, frame(200, person("1", 200, 98)))
    assert "w" in state.memory.tracks["1"].wires
    state = engine.configure(state, Plan())
    assert state.memory.tracks["1"].wires == {}
    assert state.memory.rules == {}
    state = engine.configure(state, PLAN)
    state, out = engine.step(state, frame(300, person("1", 200, 200)))
    assert [visit.passage for visit in out.visits] == [Passage.ENTRY]


def test_a_snapshot_that_is_none_is_refused() -> None:
    with pytest.raises(msgspec.MsgspecError):
        engine.restore(PLAN, b"[]")


def test_boxes_that_cannot_be_are_left_out() -> None:
    def box(left: float, top: float, right: float, bottom: float) -> BBox:
        return BBox(left_x=left, top_y=top, right_x=right, bottom_y=bottom)

    message = FrameMessage(
        id="1",
        sensor_id="cam",
        objects=[
            DetectedObject(id="1", bbox=box(10, 20, 30, 80)),
            DetectedObject(id="1", bbox=box(10, 20, 30, 80)),
            DetectedObject(id="2", bbox=box(10, 20, math.nan, 80)),
            DetectedObject(id="3", bbox=box(10, 20, 30, math.inf)),
            DetectedObject(id="4", bbox=box(10, 90, 30, 80)),
        ],
    )
    assert engine.read(message, 5) == (SensorFrame(5, (Sighting("1", "Person", 20, 80, 60),)), 4, 0)
