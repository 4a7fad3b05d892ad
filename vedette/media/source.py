"""The seam between media and where it comes from: anything that yields access units."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Protocol

from vedette.media.unit import AccessUnit


class Source(Protocol):
    """A stream of video access units in decode order.

    `units()` opens the source when it is iterated and closes it when the iterator is closed (use `opened`). It starts
    at a keyframe, dts always increases, and both clocks may restart only together with a new `CodecParameters` object.
    A live source never ends cleanly: its end is raised as a `Fault`. One iterator at a time.
    """

    def units(self) -> AsyncIterator[AccessUnit]:
        """Yield access units until the source ends or fails with a `Fault`."""


@asynccontextmanager
async def opened(source: Source) -> AsyncIterator[AsyncIterator[AccessUnit]]:
    """The units of a source, whose connection and thread are gone when the block is left."""
    units = source.units()
    try:
        yield units
    finally:
        close = getattr(units, "aclose", None)
        if close is not None:
            await close()
