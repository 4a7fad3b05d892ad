"""The GOP cache holds exactly the units since the newest keyframe, or nothing, and never more than its bound."""

from hypothesis import given
from hypothesis import strategies as st

from vedette.media.gop import GopCache
from vedette.media.unit import AccessUnit, CodecParameters

PARAMETERS = CodecParameters("h264")
units = st.builds(
    AccessUnit,
    data=st.binary(max_size=20),
    pts_90k=st.just(0),
    dts_90k=st.just(0),
    wall_us=st.just(0),
    is_keyframe=st.booleans(),
    parameters=st.just(PARAMETERS),
)


@given(st.lists(units, max_size=40), st.integers(0, 100))
def test_holds_the_newest_gop_or_nothing(feed: list[AccessUnit], limit: int) -> None:
    cache = GopCache(limit)
    for unit in feed:
        cache.feed(unit)
    last = max((index for index, unit in enumerate(feed) if unit.is_keyframe), default=len(feed))
    gop = feed[last:]
    fits = sum(len(unit.data) for unit in gop) <= limit
    assert cache.units() == (tuple(gop) if fits else ())
    assert cache.size_bytes == sum(len(unit.data) for unit in cache.units())


def test_clear_waits_for_the_next_keyframe() -> None:
    key, other = (AccessUnit(b"x", 0, 0, 0, is_keyframe, PARAMETERS) for is_keyframe in (True, False))
    cache = GopCache(10)
    cache.feed(key)
    cache.clear()
    cache.feed(other)
    assert cache.units() == ()
