"""The catalogue as the recorder and its neighbours use it: ids, rows and gaps, each in one durable transaction."""

from vedette.kernel.clock import Instant
from vedette.kernel.database import Database
from vedette.services.vst.model import Cause, Segment
from vedette.services.vst.store import Store

_ID_BLOCK = 64


class Catalogue:
    """Writes that must be on the disk before anybody is told of them."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self._next_id = self._last_id = 0

    async def next_segment_id(self) -> int:
        """An id that was never used and never will be again, not even after a crash."""
        if self._next_id >= self._last_id:
            first = await self.database.write(
                lambda connection: Store(connection).add_id_block(_ID_BLOCK), durable=True
            )
            self._next_id, self._last_id = first, first + _ID_BLOCK
        self._next_id += 1
        return self._next_id - 1

    async def add_segment(self, segment: Segment, *, cause: Cause | None = None) -> None:
        """A finished segment; the open gap ends where it starts, and another opens behind it when a cause is given."""

        def work(store: Store) -> None:
            store.close_gap(segment.stream_id, segment.start_us)
            store.add_segment(segment)
            if cause is not None:
                store.open_gap(segment.stream_id, segment.end_us, cause)

        await self.database.write(lambda connection: work(Store(connection)), durable=True)

    async def open_gap(self, stream_id: str, start_us: Instant, cause: Cause) -> None:
        """Notes an absence that lasts."""
        await self.database.write(
            lambda connection: Store(connection).open_gap(stream_id, start_us, cause), durable=True
        )

    async def last_segment(self, stream_id: str) -> Segment | None:
        """The newest committed segment."""
        return await self.database.read(lambda connection: Store(connection).last_segment(stream_id))
