"""The catalogue as the recorder and its neighbours use it: ids, rows, ledger; each write is one durable transaction."""

from collections.abc import Sequence
from dataclasses import replace

import anyio

from vedette.kernel.clock import Instant
from vedette.kernel.database import Database, Transaction
from vedette.kernel.errors import unavailable
from vedette.services.vst.model import Cause, Head, Segment
from vedette.services.vst.store import CoverageStore, Store

_ID_BLOCK = 256


class Catalogue:
    """Writes that must be on the disk before anybody is told of them."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self._next_id = self._last_id = 0
        self._one = anyio.Lock()

    def take_segment_id(self) -> int:
        """An id that was never used and never will be again, not even after a crash. Fault 503 when none is at hand."""
        if self._next_id >= self._last_id:
            raise unavailable("The catalogue does not answer, so no recording can begin. Check the disk.")
        self._next_id += 1
        return self._next_id - 1

    async def top_up(self) -> None:
        """Makes sure that ids are at hand, so that a recording can begin without waiting."""
        if self._last_id - self._next_id >= _ID_BLOCK:
            return
        async with self._one:
            if self._last_id - self._next_id < _ID_BLOCK:
                first = await self.database.write(
                    lambda connection: Store(connection).add_id_block(2 * _ID_BLOCK), durable=True
                )
                # What is left of an earlier block is given up: blocks need not follow one another.
                self._next_id, self._last_id = first, first + 2 * _ID_BLOCK

    async def add_segment(self, segment: Segment, *, cause: Cause | None = None) -> None:
        """A finished segment; nothing follows it for the time being when a cause is given."""
        await self.database.write(lambda connection: add_segment(connection, segment, cause), durable=True)

    async def set_absent(self, stream_id: str, at_us: Instant, cause: Cause) -> None:
        """From `at_us` on a stream is not recorded because of `cause`."""
        await self.database.write(
            lambda connection: CoverageStore(connection).set_absent(stream_id, at_us, cause), durable=True
        )

    async def head(self, stream_id: str, *, at_us: Instant) -> Head:
        """Where the ledger of a stream goes on; it begins at `at_us` when the stream is new."""
        return await self.database.write(
            lambda connection: CoverageStore(connection).add_stream(stream_id, at_us, Cause.STARTING), durable=True
        )


def add_segment(connection: Transaction, segment: Segment, cause: Cause | None = None) -> None:
    """The row of a segment together with its place in the ledger."""
    coverage = CoverageStore(connection)
    seq = coverage.add_segment(segment)
    Store(connection).add_segment(replace(segment, seq=seq))
    if cause is not None:
        coverage.set_absent(segment.stream_id, segment.end_us, cause)


def forget_segments(
    connection: Transaction, segments: Sequence[Segment], *, cause: Cause, actor: str, at_us: Instant
) -> None:
    """Rows become garbage and the ledger says why: the first half of every deletion."""
    Store(connection).move_to_garbage(segments)
    CoverageStore(connection).add_removal(segments, cause=cause, actor=actor, at_us=at_us)
