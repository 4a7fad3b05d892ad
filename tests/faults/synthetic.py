"""Cameras without a network: units that carry their own number, made at the speed of a clock that may run fast.

Unit `n` of a camera is due at one instant and none other, so whoever finds `n` in a recording knows what time it shows,
and whoever knows the time knows which units must be there.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from typing import Protocol, override

from tests.support import clips
from vedette.kernel.clock import US_PER_SECOND, Clock
from vedette.media.source import Source
from vedette.media.unit import AccessUnit, CodecParameters, ticks_to_us

FPS = 10
GOP = 10
COUNT = 6 * GOP
TICKS = 90_000 // FPS
FRAME_US = US_PER_SECOND // FPS
_JITTER_US = 100_000
_MARK = b"vedette-fault-no"
_FOUND = re.compile(_MARK + rb"([0-9a-f]{4})([0-9a-f]{12})")
_KINDS = (("libx264", 0), ("libx264", 2), ("libx265", 0))
"""What the cameras send, in turn: encoder and B-frames."""


@dataclass(frozen=True, slots=True)
class Encoded:
    """A clip to be sent over and over."""

    units: tuple[AccessUnit, ...]
    padding: int = 0

    def padded(self, padding: int) -> "Encoded":
        """The same clip whose units are larger by so many bytes of filler data."""
        return replace(self, padding=padding)

    def times(self, epoch_us: int) -> Callable[[int], int]:
        """From number to the instant that it shows."""
        return lambda number: self.shown_us(number, epoch_us)

    def unit(self, camera: int, number: int, epoch_us: int) -> AccessUnit:
        """Unit `number`, with times counted from `epoch_us` and its number inside."""
        loop, index = divmod(number, COUNT)
        unit = self.units[index]
        shift = loop * COUNT * TICKS
        return replace(
            unit,
            data=marked(unit, camera, number) + self._filler(unit.parameters.codec),
            pts_90k=unit.pts_90k + shift,
            dts_90k=unit.dts_90k + shift,
            wall_us=epoch_us + ticks_to_us(unit.pts_90k + shift),
        )

    def _filler(self, codec: str) -> bytes:
        if not self.padding:
            return b""
        head = b"\x4c\x01" if codec == "hevc" else b"\x0c"
        return b"\x00\x00\x00\x01" + head + b"\xff" * self.padding + b"\x80"

    def shown_us(self, number: int, epoch_us: int) -> int:
        """The instant that unit `number` shows."""
        loop, index = divmod(number, COUNT)
        return epoch_us + ticks_to_us(self.units[index].pts_90k + loop * COUNT * TICKS)


def encoded(kinds: int = len(_KINDS)) -> list[Encoded]:
    """The clips of the cameras; encoding takes a moment."""
    return [
        Encoded(tuple(clips.encode(COUNT, gop=GOP, ticks=TICKS, codec=codec, b_frames=b_frames)))
        for codec, b_frames in _KINDS[:kinds]
    ]


def marked(unit: AccessUnit, camera: int, number: int) -> bytes:
    """The unit with its number in an SEI message (user data, unregistered), in front of the first slice."""
    text = _MARK + f"{camera:04x}{number:012x}".encode()
    hevc = unit.parameters.codec == "hevc"
    head = b"\x4e\x01" if hevc else b"\x06"
    message = b"\x00\x00\x00\x01" + head + bytes((5, len(text))) + text + b"\x80"
    at = _first_slice(unit.data, hevc=hevc)
    return unit.data[:at] + message + unit.data[at:]


def number_of(data: bytes) -> tuple[int, int] | None:
    """(camera, number) of a unit, in whatever framing; None when it is none of ours."""
    found = _FOUND.search(data)
    return (int(found[1], 16), int(found[2], 16)) if found else None


def _first_slice(data: bytes, *, hevc: bool) -> int:
    at = data.find(b"\x00\x00\x00\x01")
    while at >= 0:
        kind = data[at + 4] >> 1 & 0x3F if hevc else data[at + 4] & 0x1F
        if kind < 32 if hevc else kind in (1, 5):
            return at
        at = data.find(b"\x00\x00\x00\x01", at + 4)
    raise ValueError("a unit without a slice")


class Witness(Protocol):
    """Is told of each unit before the product gets it."""

    def sent(self, camera: int, number: int) -> None:
        """The unit is about to be handed over."""


class NumberedCamera(Source):
    """Sends from the next keyframe on that is due, once it may."""

    def __init__(
        self, camera: int, clip: Encoded, *, epoch_us: int, clock: Clock, witness: Witness, may_send: asyncio.Event
    ) -> None:
        self._camera, self._clip, self._epoch_us = camera, clip, epoch_us
        self._clock, self._witness, self._may_send = clock, witness, may_send

    @override
    async def units(self) -> AsyncIterator[AccessUnit]:
        await self._may_send.wait()
        number = -(-round(self._clock.monotonic() * FPS) // GOP) * GOP
        parameters: CodecParameters = replace(self._clip.units[0].parameters)
        while True:
            wait_s = number / FPS - self._clock.monotonic()
            if wait_s > 0:
                await self._clock.sleep(wait_s)
                continue
            self._witness.sent(self._camera, number)
            unit = self._clip.unit(self._camera, number, self._epoch_us + self._step_us())
            yield replace(unit, parameters=parameters)
            number += 1

    def _step_us(self) -> int:
        """How far wall time has been set away from where it was."""
        step_us = self._clock.now() - self._epoch_us - round(self._clock.monotonic() * US_PER_SECOND)
        return 0 if abs(step_us) < _JITTER_US else step_us
