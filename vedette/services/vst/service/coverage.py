"""What became of every second: timelines, gaps and the coverage of a stream, read from its ledger."""

from dataclasses import dataclass
from functools import partial

from vedette.kernel.clock import US_PER_SECOND, Clock, Instant
from vedette.kernel.database import Transaction
from vedette.kernel.errors import invalid, not_found
from vedette.services.vst.core import coverage, timeline
from vedette.services.vst.core.coverage import CoverageSpan
from vedette.services.vst.core.timeline import Span
from vedette.services.vst.model import Cause, Entry, EntryKind, Gap, Growing, Head, State
from vedette.services.vst.service.parts import Parts
from vedette.services.vst.service.sensors import Sensors
from vedette.services.vst.store import CoverageStore, StorageStore

_FOR_EVER_US = 1 << 62


@dataclass(frozen=True, slots=True)
class CoverageReport:
    """Adjacent spans from `start_us` to `end_us`, each second in one state, and where the ledger stood."""

    stream_id: str
    start_us: Instant
    end_us: Instant
    spans: tuple[CoverageSpan, ...]
    seq: int
    hash: str

    @property
    def seconds(self) -> dict[State, float]:
        """Seconds in each state."""
        return coverage.seconds(self.spans)


@dataclass(frozen=True, slots=True)
class _View:
    """The lines of a range with the head that they belong to."""

    head: Head
    entries: list[Entry]
    growing: Growing | None

    @property
    def span(self) -> Span | None:
        """What of the growing segment is safe."""
        return None if self.growing is None else Span(self.growing.start_us, self.growing.durable_us)


class Coverage:
    """Reads only. What the ledger does not hold yet comes from the segment that grows and the absence that lasts."""

    def __init__(self, parts: Parts, sensors: Sensors) -> None:
        self._database, self._sensors = parts.database, sensors
        self._clock: Clock = parts.clock
        self._join_us = round(parts.settings.join_gap_s * US_PER_SECOND)

    async def timeline(self, stream_id: str, start_us: int | None = None, end_us: int | None = None) -> list[Span]:
        """Spans of recorded time, in order; holes up to `join_gap_s` are not shown. Fault 404 for an unknown stream."""
        if start_us is None:
            # What was removed long ago is no part of it, however many lines the ledger has about that.
            start_us = await self._database.read(partial(_oldest_us, stream_id))
        spans = coverage.recorded_spans(await self._spans(stream_id, start_us, end_us))
        return timeline.merge(spans, self._join_us)

    async def gaps(self, stream_id: str, start_us: int | None = None, end_us: int | None = None) -> list[Gap]:
        """Known absences that reach into the range, in order; the last has no end while it lasts."""
        view = await self._view(stream_id, start_us, end_us)
        gaps = [
            Gap(stream_id, entry.start_us, entry.end_us, Cause(entry.cause))
            for entry in view.entries
            if entry.kind is EntryKind.ABSENT
        ]
        head, end = view.head, _FOR_EVER_US if end_us is None else end_us
        if head.cause is not None and head.until_us < end:
            until_us = None if view.growing is None else max(head.until_us, view.growing.start_us)
            gaps.append(Gap(stream_id, head.until_us, until_us, head.cause))
        return [gap for gap in gaps if gap.end_us is None or gap.end_us > gap.start_us]

    async def report(self, stream_id: str, start_us: int | None, end_us: int | None) -> CoverageReport:
        """The state of every second of a range, cut to what the ledger knows: from the stream's begin to now."""
        if start_us is not None and end_us is not None and end_us <= start_us:
            raise invalid("endTime must be later than startTime.")
        view = await self._view(stream_id, start_us, end_us)
        spans = tuple(self._resolved(view, start_us, end_us))
        first, last = (spans[0].start_us, spans[-1].end_us) if spans else (view.head.until_us, view.head.until_us)
        return CoverageReport(stream_id, first, last, spans, view.head.seq, view.head.hash)

    async def known(self, stream_id: str) -> bool:
        """Whether there is such a stream, or was."""
        if self._sensors.find(stream_id) is not None:
            return True
        return await self._database.read(lambda connection: CoverageStore(connection).get_head(stream_id)) is not None

    async def _spans(self, stream_id: str, start_us: int | None, end_us: int | None) -> list[CoverageSpan]:
        return self._resolved(await self._view(stream_id, start_us, end_us), start_us, end_us)

    def _resolved(self, view: _View, start_us: int | None, end_us: int | None) -> list[CoverageSpan]:
        return coverage.resolve(
            view.entries,
            view.head,
            growing=view.span,
            now_us=self._clock.now(),
            start_us=0 if start_us is None else start_us,
            end_us=_FOR_EVER_US if end_us is None else end_us,
        )

    async def _view(self, stream_id: str, start_us: int | None, end_us: int | None) -> _View:
        begin, end = 0 if start_us is None else start_us, _FOR_EVER_US if end_us is None else end_us
        # The growing segment is asked for first: one that finishes in between is then in the ledger, too.
        camera = self._sensors.find(stream_id)
        growing = camera.growing if camera else None

        def look(connection: Transaction) -> tuple[Head | None, list[Entry]]:
            store = CoverageStore(connection)
            return store.get_head(stream_id), store.list_entries(stream_id, begin, end)

        head, entries = await self._database.read(look)
        if head is None:
            raise not_found(f"There is no stream '{stream_id[:100]}'.", "CameraNotFoundError")
        return _View(head, entries, growing)


def _oldest_us(stream_id: str, connection: Transaction) -> Instant | None:
    """Where the oldest segment begins; None when there is none, but one may be growing."""
    found = StorageStore(connection).list_from(stream_id, 0, _FOR_EVER_US, limit=1)
    return found[0].start_us if found else None
