"""The pre-roll keeps whole GOPs, long enough and no longer."""

from hypothesis import given
from hypothesis import strategies as st

from vedette.media.unit import AccessUnit, CodecParameters
from vedette.services.vst.core.preroll import PreRoll

PARAMETERS = CodecParameters("h264", b"sets", 640, 360)
TICKS = 3000


def unit(number: int, *, is_keyframe: bool, size: int = 10, parameters: CodecParameters = PARAMETERS) -> AccessUnit:
    return AccessUnit(bytes(size), number * TICKS, number * TICKS, number, is_keyframe, parameters)


@given(st.lists(st.booleans(), max_size=120), st.integers(0, 40), st.integers(20, 2000))
def test_it_begins_at_a_keyframe_reaches_far_enough_and_is_bounded(
    keyframes: list[bool], frames: int, most_bytes: int
) -> None:
    roll = PreRoll(frames * TICKS, most_bytes)
    units = [unit(number, is_keyframe=key) for number, key in enumerate(keyframes)]
    for some in units:
        roll.feed(some)
    kept = roll.drain()
    assert not kept or (kept[0].is_keyframe and frames)
    assert kept == (units[-len(kept) :] if kept else [])
    assert sum(len(some.data) for some in kept) <= most_bytes
    if kept and sum(some.is_keyframe for some in kept) > 1:
        second = next(some for some in kept[1:] if some.is_keyframe)
        assert units[-1].dts_90k - second.dts_90k < frames * TICKS
    assert roll.drain() == []


def test_without_length_it_keeps_nothing_and_another_session_begins_anew() -> None:
    roll = PreRoll(0, 1000)
    roll.feed(unit(0, is_keyframe=True))
    assert roll.drain() == []
    roll.set_length(10 * TICKS)
    other = CodecParameters("h264", b"other", 640, 360)
    for some in (
        unit(0, is_keyframe=True),
        unit(1, is_keyframe=False),
        unit(2, is_keyframe=True, parameters=other),
    ):
        roll.feed(some)
    assert [some.wall_us for some in roll.drain()] == [2]
    roll.feed(unit(3, is_keyframe=True))
    roll.set_length(0)
    assert roll.drain() == []
