"""How full a disk is, and whether there is room to record."""

from dataclasses import dataclass
from enum import IntEnum

_LOW_SHARE = 0.02
_STOP_SHARE = 0.01
_STOP_BYTES = 256_000_000
_STOP_FILES = 1000


@dataclass(frozen=True, slots=True)
class Space:
    """A disk, in bytes and in files; `total_files` is 0 where the file system has no limit on them."""

    total_bytes: int
    free_bytes: int
    total_files: int = 0
    free_files: int = 0


class Room(IntEnum):
    """The disk has enough space, nearly none, or too little to record."""

    ENOUGH = 0
    LOW = 1
    NONE = 2


def room_of(space: Space, before: Room = Room.ENOUGH) -> Room:
    """Whether there is room. Recording stops below 256 MB or 1,000 files (1 % on a small disk) and goes on at twice
    that, so that it does not stop and start with every segment; the alarm is raised below 2 %."""
    factor = 2 if before is Room.NONE else 1
    if space.free_bytes < factor * min(_STOP_BYTES, space.total_bytes * _STOP_SHARE):
        return Room.NONE
    if space.total_files and space.free_files < factor * min(_STOP_FILES, space.total_files * _STOP_SHARE):
        return Room.NONE
    return Room.LOW if space.free_bytes < space.total_bytes * _LOW_SHARE else Room.ENOUGH
