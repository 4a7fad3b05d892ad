"""One served stream of a test camera: a source kept running, its parameters, and the faults switched on for it."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import override

import anyio

from vedette.kernel.clock import Clock
from vedette.kernel.errors import unavailable
from vedette.kernel.lifecycle import retry
from vedette.kernel.log import get_logger
from vedette.media.hub import DropOldestGop, Hub
from vedette.media.rtsp_server import Mount
from vedette.media.source import Source, opened
from vedette.media.unit import AccessUnit, CodecParameters, seconds_to_90k
from vedette.tools.camera.openers import Opener
from vedette.tools.camera.orders import FaultOrder, Kind, StreamName
from vedette.tools.camera.stamp import Stamp, stamped

_WAIT_S = 30.0
_POLL_S = 0.05


class Pump:
    """Keeps one source running into a hub; `change` goes over to another source in the middle of the stream.

    With `stamps` every picture carries who made it and its number (`stamp`).
    """

    def __init__(self, camera: str, stream: StreamName, opener: Opener, *, clock: Clock, stamps: bool = False) -> None:
        self.hub = Hub(clock=clock)
        self.original = opener
        self.video: CodecParameters | None = None
        self.audio: CodecParameters | None = None
        self.has_sound = False
        self.pictures = 0
        self._opener = opener
        self._camera = camera
        self._stream = stream
        self._stamps = stamps
        self._clock = clock
        self._session: anyio.CancelScope | None = None

    async def run(self) -> None:
        """Pump until cancelled; a source that fails or ends is opened again."""
        await retry(
            self._run_sessions, clock=self._clock, log=get_logger("camera"), name=f"{self._camera}/{self._stream}"
        )

    def change(self, opener: Opener) -> None:
        """Go over to another source; clients stay and see its parameters from its first keyframe on."""
        self._opener = opener
        if self._session is not None:
            self._session.cancel()

    async def parameters(self) -> CodecParameters:
        """Those of the video; waits for a source that is just starting, Fault 503 when it does not."""
        deadline = self._clock.monotonic() + _WAIT_S
        while self.video is None or (self.has_sound and self.audio is None):
            if self._clock.monotonic() >= deadline:
                raise unavailable("The camera has no media yet.")
            await self._clock.sleep(_POLL_S)
        return self.video

    async def _run_sessions(self) -> None:
        while True:
            with anyio.CancelScope() as self._session:
                opener = self._opener
                self.has_sound = await opener.prepare(self._clock)
                await self.hub.run(_Watched(opener(self._clock), self.note))
                return

    def note(self, unit: AccessUnit) -> AccessUnit:
        """Note what passes; gives the unit as it goes out."""
        if unit.parameters.is_audio:
            self.audio = unit.parameters
            return unit
        self.video = unit.parameters
        self.pictures += 1
        if not self._stamps:
            return unit
        now_us = round(self._clock.monotonic() * 1e6)
        stamp = Stamp(self._camera, self._stream, self.pictures, now_us)
        return replace(unit, data=stamped(unit.parameters.codec, unit.data, stamp))


class _Watched(Source):
    """A source whose units are noted as they pass."""

    def __init__(self, source: Source, note: Callable[[AccessUnit], AccessUnit]) -> None:
        self._source = source
        self._note = note

    @override
    async def units(self) -> AsyncIterator[AccessUnit]:
        async with opened(self._source) as units:
            async for unit in units:
                yield self._note(unit)


@dataclass(slots=True)
class Feed(Mount):
    """A path of the server. Copies share a pump and have faults of their own."""

    camera: str
    stream: StreamName
    pump: Pump
    faults: dict[Kind, FaultOrder] = field(default_factory=dict)

    @property
    def path(self) -> str:
        """Its path in URLs, not quoted."""
        return f"/{self.camera}" if self.stream == "main" else f"/{self.camera}/sub"

    @override
    async def parameters(self) -> CodecParameters:
        if "refuse" in self.faults:
            raise unavailable("This camera refuses on request.")
        return await self.pump.parameters()

    @override
    def audio(self) -> CodecParameters | None:
        return self.pump.audio if self.pump.has_sound else None

    @override
    @asynccontextmanager
    async def subscribe(self) -> AsyncIterator[AsyncIterator[AccessUnit]]:
        async with self.pump.hub.subscribe(DropOldestGop(), across_sessions=True, audio=True) as units:
            yield self._passing(units)

    async def _passing(self, units: AsyncIterator[AccessUnit]) -> AsyncIterator[AccessUnit]:
        """Everything but what falls into a stall; afterwards it goes on at a keyframe, as an encoder would."""
        broken = False
        async for unit in units:
            broken = "stall" in self.faults or (broken and not unit.is_keyframe)
            if not broken and not ("no_keyframes" in self.faults and unit.is_keyframe):
                jump = self.faults.get("clock_jump")
                yield unit if jump is None else _jumped(unit, jump)


def _jumped(unit: AccessUnit, order: FaultOrder) -> AccessUnit:
    by_90k = seconds_to_90k(order.media_seconds)
    wall_us = unit.wall_us + round(order.wall_seconds * 1e6)
    return replace(unit, pts_90k=unit.pts_90k + by_90k, dts_90k=unit.dts_90k + by_90k, wall_us=wall_us)
