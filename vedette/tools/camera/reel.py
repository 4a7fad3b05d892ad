"""Pre-encoded pictures and sound in memory, played as an endless live source at next to no cost."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Hashable, Iterator
from dataclasses import dataclass, replace
from typing import override

import anyio.to_thread

from vedette.kernel.clock import Clock
from vedette.media.source import Source, opened
from vedette.media.sources.pace import Pace
from vedette.media.unit import AccessUnit, CodecParameters, ticks_to_us


@dataclass(frozen=True, slots=True)
class Sound:
    """A loop of encoded sound: frames and how long each of them lasts, in 90 kHz ticks (44.1 kHz has no whole ones)."""

    parameters: CodecParameters
    frames: tuple[bytes, ...]
    frame_90k: float


@dataclass(frozen=True, slots=True)
class Reel:
    """A loop of encoded pictures in decode order, dts from 0, that begins at a keyframe and lasts `duration_90k`."""

    units: tuple[AccessUnit, ...]
    duration_90k: int
    sound: Sound | None = None


class Shelf:
    """Reels by what they show, each made once, in a thread, one after the other."""

    def __init__(self) -> None:
        self._reels: dict[Hashable, Reel] = {}
        self._making = asyncio.Lock()

    async def get(self, key: Hashable, make: Callable[[], Reel]) -> Reel:
        """The reel of this key; a Fault of `make` goes through."""
        async with self._making:
            if key not in self._reels:
                self._reels[key] = await anyio.to_thread.run_sync(make)
            return self._reels[key]


class ReelSource(Source):
    """Plays a reel for ever, at its own speed; timestamps go on over the seam."""

    def __init__(self, reel: Callable[[], Awaitable[Reel]], *, clock: Clock) -> None:
        self._reel = reel
        self._clock = clock

    @override
    async def units(self) -> AsyncGenerator[AccessUnit]:
        reel = await self._reel()
        pace = Pace(self._clock)
        parameters = replace(reel.units[0].parameters)
        offset_90k = 0
        while True:
            for unit in reel.units:
                dts, pts = unit.dts_90k + offset_90k, unit.pts_90k + offset_90k
                await pace.reach(ticks_to_us(dts))
                wall_us = pace.wall_us(ticks_to_us(pts))
                yield AccessUnit(unit.data, pts, dts, wall_us, unit.is_keyframe, parameters, unit.duration_90k)
            offset_90k += reel.duration_90k


class WithSound(Source):
    """A source of pictures with a loop of sound beside it, on the same clock."""

    def __init__(self, source: Source, sound: Callable[[], Awaitable[Sound | None]]) -> None:
        self._source = source
        self._sound = sound

    @override
    async def units(self) -> AsyncIterator[AccessUnit]:
        sound = await self._sound()
        async with opened(self._source) as units:
            track: _Track | None = None
            async for unit in units:
                if sound is None:
                    yield unit
                    continue
                if track is None:
                    track = _Track(sound, unit)
                    yield unit
                    continue
                for heard in track.until(unit):
                    yield heard
                yield unit


class _Track:
    """Where the sound of one session has got to."""

    def __init__(self, sound: Sound, first: AccessUnit) -> None:
        self._sound = sound
        self._parameters = replace(sound.parameters)
        self._begin_90k = first.pts_90k
        self._count = 0

    def until(self, picture: AccessUnit) -> Iterator[AccessUnit]:
        """The frames that end before this picture is sent."""
        sound = self._sound
        while (begin := self._begin_90k + round(self._count * sound.frame_90k)) + sound.frame_90k <= picture.dts_90k:
            wall_us = picture.wall_us + ticks_to_us(begin - picture.pts_90k)
            data = sound.frames[self._count % len(sound.frames)]
            yield AccessUnit(data, begin, begin, wall_us, False, self._parameters, round(sound.frame_90k))
            self._count += 1
