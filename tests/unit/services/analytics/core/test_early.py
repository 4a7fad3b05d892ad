"""Positions from before a track's confirmation count as if they had been seen in their frames."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vedette.schema.frame import EARLY, BBox, DetectedObject, FrameMessage
from vedette.services.analytics.core import engine
from vedette.services.analytics.core.early import FORGET_US, MOST_POSITIONS
from vedette.services.analytics.model.domain import (
    Crossing,
    EarlyPosition,
    Plan,
    Region,
    SensorFrame,
    Sighting,
    Visit,
    Wire,
)

MS = 1000
BEGIN = 1_700_000_000_000_000
WIRE = Wire("w", "door", ((100.0, 100.0), (300.0, 100.0)), ((200.0, 150.0), (200.0, 50.0)))
HALL = Region("r", "hall", ((100.0, 110.0), (300.0, 110.0), (300.0, 300.0), (100.0, 300.0)))
PLAN = Plan((WIRE,), (HALL,), ())


def path(frames: int) -> list[EarlyPosition]:
    """A straight walk from the hall over the wire, ten frames a second."""
    return [EarlyPosition(BEGIN + i * 100 * MS, 200.0, 160.0 - 120.0 * i / (frames - 1), 60.0) for i in range(frames)]


def frames_of(walk: list[EarlyPosition], hidden: int) -> list[SensorFrame]:
    """The walk as frames, its first `hidden` positions told only with the first frame that shows it."""
    shown = [
        SensorFrame(at.t, (Sighting("7", "Person", at.x, at.y, at.height, tuple(walk[:hidden]) if i == 0 else ()),))
        for i, at in enumerate(walk[hidden:])
    ]
    return [SensorFrame(at.t, ()) for at in walk[:hidden]] + shown


def crossings(frames: list[SensorFrame], *, restart_after: int = -1) -> list[Crossing]:
    state, found = engine.start(PLAN), []
    for index, frame in enumerate(frames):
        state, out = engine.step(state, frame)
        found += out.crossings
        if index == restart_after:
            state = engine.restore(PLAN, engine.snapshot(state))
    return found


def visits(frames: list[SensorFrame]) -> list[Visit]:
    state, found = engine.start(PLAN), []
    for frame in frames:
        state, out = engine.step(state, frame)
        found += out.visits
    return found


def when_and_where(found: list[Crossing]) -> list[tuple[str, object, int]]:
    return [(item.wire_id, item.direction, item.t) for item in found]


@given(st.integers(min_value=6, max_value=30), st.data())
def test_a_crossing_is_counted_once_however_much_of_it_was_early(length: int, data: st.DataObject) -> None:
    walk = path(length)
    hidden = data.draw(st.integers(min_value=0, max_value=length - 2))
    restart = data.draw(st.integers(min_value=-1, max_value=length - 1))
    whole = crossings(frames_of(walk, 0))
    assert len(whole) == 1
    assert when_and_where(crossings(frames_of(walk, hidden), restart_after=restart)) == when_and_where(whole)


def message(early: str) -> FrameMessage:
    box = BBox(left_x=190, top_y=40, right_x=210, bottom_y=100)
    return FrameMessage(id="1", sensor_id="s", objects=[DetectedObject(id="7", bbox=box, info={EARLY: early})])


def test_early_positions_are_read_as_anchors() -> None:
    text = f"{BEGIN},190,40,210,100;{BEGIN + 100 * MS},192.00,42.00,212.00,102.00"
    reading = engine.read(message(text), BEGIN + 200 * MS)
    assert reading.frame.objects[0].early == (
        EarlyPosition(BEGIN, 200.0, 100.0, 60.0),
        EarlyPosition(BEGIN + 100 * MS, 202.0, 102.0, 60.0),
    )


@pytest.mark.parametrize(
    "junk",
    [
        "",
        ";",
        "now",
        "0,1,2,3,4",
        "nan,1,2,3,4",
        f"{BEGIN}.5,1,2,3,4",
        f"{BEGIN},9,8,7,6",
        f"{BEGIN},1e308,0,1e308,6",
        f"{BEGIN},1,2,3,4,5",
        f"{BEGIN + 200 * MS},1,2,3,4",
        f"{BEGIN + 199 * MS - FORGET_US},1,2,3,4",
        ";".join(f"{BEGIN + i},1,2,3,4" for i in range(MOST_POSITIONS + 1)),
        "1" * 10_000,
        f"{BEGIN},1,2,3",
        f"{BEGIN},1,2,3,nan",
        f"{BEGIN},1,2,3,inf",
        f"{BEGIN * 2},1,2,3,4",
        f"{BEGIN},1,2,3,4;{BEGIN},1,2,3,4",
    ],
)
def test_junk_says_nothing_and_harms_nothing(junk: str) -> None:
    reading = engine.read(message(junk), BEGIN + 200 * MS)
    assert reading.frame.objects[0].early == ()
    assert (reading.refused, reading.pasts_refused) == (0, 1)
    assert len(reading.frame.objects) == 1


@given(st.text())
def test_any_text_is_read_or_refused(text: str) -> None:
    reading = engine.read(message(text), BEGIN)
    assert bool(reading.frame.objects[0].early) != bool(reading.pasts_refused)


@given(st.integers(min_value=6, max_value=30), st.data())
def test_entries_and_exits_are_the_same_however_much_of_them_was_early(length: int, data: st.DataObject) -> None:
    walk = path(length)
    hidden = data.draw(st.integers(min_value=0, max_value=length - 2))
    whole, late = visits(frames_of(walk, 0)), visits(frames_of(walk, hidden))
    assert [str(item.passage) for item in whole] == ["ENTRY", "EXIT"]
    assert [item._replace(known_at=0) for item in late] == [item._replace(known_at=0) for item in whole]
    assert {item.known_at for item in late} <= {at.t for at in walk[hidden:]}


def crossed_early() -> list[SensorFrame]:
    """Over the wire and clear of it before the first frame that shows the track."""
    return frames_of(path(20), 16)[16:]


def test_a_crossing_that_lies_entirely_in_the_past_is_known_with_the_frame_that_tells_it() -> None:
    frames = crossed_early()
    (only,) = crossings(frames)
    assert str(only.direction) == "IN"
    assert only.t < path(20)[15].t < only.known_at == frames[0].t


def test_frames_that_are_read_or_told_again_count_nothing_again() -> None:
    frames = crossed_early()
    past = frames[0].objects[0].early
    again = [SensorFrame(item.t, (item.objects[0]._replace(early=past),)) for item in frames]
    assert len(crossings([*frames, *frames])) == 1
    assert len(crossings([*again, *again], restart_after=0)) == 1


def test_what_is_in_view_is_counted_in_this_frame_alone() -> None:
    state, out = engine.step(engine.start(PLAN), crossed_early()[0])
    assert (out.fov, out.regions) == ({"Person": 1}, {"r": {}})
    assert list(state.memory.tracks) == ["7"]


def test_who_takes_over_a_lost_track_goes_on_where_that_was_lost() -> None:
    walk = path(20)
    lost, back = walk[:9], walk[12]
    detour = EarlyPosition(walk[8].t - 1, 900.0, 900.0, 60.0)
    frames = [SensorFrame(at.t, (Sighting("6", "Person", at.x, at.y, at.height),)) for at in lost]
    told = Sighting("7", "Person", back.x, back.y, back.height, (detour, *walk[9:12]))
    rest = [SensorFrame(at.t, (Sighting("7", "Person", at.x, at.y, at.height),)) for at in walk[13:]]
    found = crossings([*frames, SensorFrame(back.t, (told,)), *rest])
    assert when_and_where(found) == when_and_where(crossings(frames_of(walk, 0)))
