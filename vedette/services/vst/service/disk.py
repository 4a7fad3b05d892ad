"""What is known of the disk that is recorded to: read by whoever asks, without touching the disk."""

import errno

from vedette.services.vst.core.space import Room, Space, room_of

_FULL = "The disk is full and everything on it is protected or kept. Free space or change the ageing policy."


class DiskState:
    """The last look at the disk; the reaper takes it. Reading it never blocks, whatever the disk does."""

    def __init__(self) -> None:
        self.space: Space | None = None
        self.room = Room.ENOUGH

    @property
    def accepts(self) -> bool:
        """Whether new segments may be begun."""
        return self.room is not Room.NONE

    @property
    def alarm(self) -> str:
        """Why nothing is recorded, empty when it is."""
        return "" if self.accepts else _FULL

    def check(self) -> None:
        """OSError as a full disk gives it while nothing may be begun: stopping early keeps the catalogue writable."""
        if not self.accepts:
            raise OSError(errno.ENOSPC, "too little space is left")

    def look(self, space: Space) -> Room:
        """Takes in a look at the disk."""
        self.space, self.room = space, room_of(space, self.room)
        return self.room
