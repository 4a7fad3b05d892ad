"""One served stream of a test camera: a source kept running, its parameters, and the faults switched on for it."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Literal, override

import anyio

from vedette.kernel.clock import Clock
from vedette.kernel.errors import unavailable
from vedette.kernel.lifecycle import retry
from vedette.kernel.log import get_logger
from vedette.media.hub import DropOldestGop, Hub
from vedette.media.rtsp_server import Mount
from vedette.media.source import Source, opened
from vedette.media.unit import AccessUnit, CodecParameters, seconds_to_90k
from vedette.tools.camera.orders import FaultOrder, Kind

_WAIT_S = 30.0
_POLL_S = 0.05

type OpenSource = Callable[[Clock], Source]


class Pump:
    """Keeps one source running into a hub; `change` goes over to another source in the middle of the stream."""

    def __init__(self, name: str, open_source: OpenSource, *, clock: Clock) -> None:
        self.hub = Hub(clock=clock)
        self.original = open_source
        self.video: CodecParameters | None = None
        self.audio: CodecParameters | None = None
        self._opener = open_source
        self._name = name
        self._clock = clock
        self._session: anyio.CancelScope | None = None

    async def run(self) -> None:
        """Pump until cancelled; a source that fails or ends is opened again."""
        await retry(self._run_sessions, clock=self._clock, log=get_logger("camera"), name=self._name)

    def change(self, open_source: OpenSource) -> None:
        """Go over to another source; clients stay and see its parameters from its first keyframe on."""
        self._opener = open_source
        if self._session is not None:
            self._session.cancel()

    async def parameters(self) -> CodecParameters:
        """Those of the video; waits for a source that is just starting, Fault 503 when it does not."""
        deadline = self._clock.monotonic() + _WAIT_S
        while self.video is None:
            if self._clock.monotonic() >= deadline:
                raise unavailable("The camera has no media yet.")
            await self._clock.sleep(_POLL_S)
        return self.video

    async def _run_sessions(self) -> None:
        while True:
            with anyio.CancelScope() as self._session:
                await self.hub.run(_Watched(self._opener(self._clock), self))
                return


class _Watched(Source):
    """A source whose parameters are noted as they pass."""

    def __init__(self, source: Source, pump: Pump) -> None:
        self._source = source
        self._pump = pump

    @override
    async def units(self) -> AsyncIterator[AccessUnit]:
        async with opened(self._source) as units:
            async for unit in units:
                if unit.parameters.is_audio:
                    self._pump.audio = unit.parameters
                else:
                    self._pump.video = unit.parameters
                yield unit


@dataclass(slots=True)
class Feed(Mount):
    """A path of the server. Copies share a pump and have faults of their own."""

    camera: str
    stream: Literal["main", "sub"]
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
    @asynccontextmanager
    async def subscribe(self) -> AsyncIterator[AsyncIterator[AccessUnit]]:
        async with self.pump.hub.subscribe(DropOldestGop(), across_sessions=True) as units:
            yield self._passing(units)

    async def _passing(self, units: AsyncIterator[AccessUnit]) -> AsyncIterator[AccessUnit]:
        """Everything but what falls into a stall; afterwards it goes on at a keyframe, as an encoder would."""
        broken = False
        async for unit in units:
            broken = "stall" in self.faults or (broken and not unit.is_keyframe)
            if not broken:
                jump = self.faults.get("clock_jump")
                yield unit if jump is None else _jumped(unit, jump)


def _jumped(unit: AccessUnit, order: FaultOrder) -> AccessUnit:
    by_90k = seconds_to_90k(order.media_seconds)
    wall_us = unit.wall_us + round(order.wall_seconds * 1e6)
    return replace(unit, pts_90k=unit.pts_90k + by_90k, dts_90k=unit.dts_90k + by_90k, wall_us=wall_us)
