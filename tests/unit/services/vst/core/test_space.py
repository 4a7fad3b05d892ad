"""When a disk counts as full."""

import pytest

from vedette.services.vst.core.space import Room, Space, room_of

GB = 1_000_000_000


@pytest.mark.parametrize(
    ("space", "before", "room"),
    [
        (Space(1000 * GB, 100 * GB), Room.ENOUGH, Room.ENOUGH),
        (Space(1000 * GB, 19 * GB), Room.ENOUGH, Room.LOW),
        (Space(1000 * GB, GB // 4), Room.LOW, Room.NONE),
        (Space(1000 * GB, GB // 3), Room.NONE, Room.NONE),
        (Space(1000 * GB, GB), Room.NONE, Room.LOW),
        (Space(GB // 5, GB // 400), Room.ENOUGH, Room.LOW),
        (Space(GB // 5, GB // 600), Room.ENOUGH, Room.NONE),
        (Space(100 * GB, 50 * GB, 1_000_000, 999), Room.ENOUGH, Room.NONE),
        (Space(100 * GB, 50 * GB, 1_000_000, 1999), Room.NONE, Room.NONE),
        (Space(100 * GB, 50 * GB, 1_000_000, 5000), Room.NONE, Room.ENOUGH),
        (Space(100 * GB, 50 * GB, 0, 0), Room.ENOUGH, Room.ENOUGH),
    ],
)
def test_room(space: Space, before: Room, room: Room) -> None:
    assert room_of(space, before) is room
