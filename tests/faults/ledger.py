"""What was sent and what was promised, in memory that outlives the process that is killed."""

import mmap
import struct
from dataclasses import dataclass
from pathlib import Path

_ENTRY = struct.Struct("=qqq")
_STEP = struct.Struct("=q")
_PAGE = 4096
_STEP_AT = _PAGE - _STEP.size


@dataclass(frozen=True, slots=True)
class Sent:
    """Numbers of the first and last unit of one life, -1 when there was none, and the recorded end that was told."""

    first: int
    last: int
    told_us: int


class Ledger:
    """One entry a camera, in a file in memory that both sides map."""

    def __init__(self, path: Path, cameras: int) -> None:
        self._cameras = cameras
        if not path.exists():
            path.write_bytes(bytes(_PAGE))
        with path.open("r+b") as file:
            self._map = mmap.mmap(file.fileno(), _PAGE)

    def begin(self) -> None:
        """A new life: nothing sent and nothing told yet."""
        for camera in range(self._cameras):
            _ENTRY.pack_into(self._map, camera * _ENTRY.size, -1, -1, 0)

    def sent(self, camera: int, number: int) -> None:
        """A unit is about to be handed over."""
        first, _, told = _ENTRY.unpack_from(self._map, camera * _ENTRY.size)
        _ENTRY.pack_into(self._map, camera * _ENTRY.size, number if first < 0 else first, number, told)

    def tell(self, camera: int, until_us: int) -> None:
        """The product has said that the camera is recorded until then."""
        first, last, _ = _ENTRY.unpack_from(self._map, camera * _ENTRY.size)
        _ENTRY.pack_into(self._map, camera * _ENTRY.size, first, last, until_us)

    def read(self) -> list[Sent]:
        """All entries as they are now."""
        return [Sent(*_ENTRY.unpack_from(self._map, camera * _ENTRY.size)) for camera in range(self._cameras)]

    @property
    def step_us(self) -> int:
        """How far the wall clock of the life has been set away from where it was."""
        return int(_STEP.unpack_from(self._map, _STEP_AT)[0])

    @step_us.setter
    def step_us(self, value: int) -> None:
        _STEP.pack_into(self._map, _STEP_AT, value)

    def close(self) -> None:
        """Unmaps it."""
        self._map.close()
