"""Pictures of a recording by their number, told from sample tables, without a look at the media."""

from vedette.kernel.clock import Instant
from vedette.kernel.errors import not_found
from vedette.media.unit import ticks_to_us
from vedette.services.vst.adapters.clip_files import ClipFiles
from vedette.services.vst.service.clips import FindSegments
from vedette.services.vst.service.parts import Parts

_STRETCH_US = 60_000_000
_FOR_EVER_US = 1 << 62
_MOST_SAMPLES = 20_000


class Frames:
    """Counts pictures in the order in which they are shown."""

    def __init__(self, parts: Parts, find: FindSegments) -> None:
        self._folder, self._find = parts.folder, find
        self._files = ClipFiles(parts.folder, most_samples=_MOST_SAMPLES)

    async def at(self, stream_id: str, start_us: Instant, number: int) -> Instant:
        """An instant at which the picture is shown that comes `number` pictures after the one shown at `start_us`.

        Gaps count nothing. Fault 404 when the recordings end before it.
        """
        cursor_us, skip = start_us, number
        while True:
            segments = [item for item in await self._find(stream_id, cursor_us, cursor_us + _STRETCH_US) if item.digest]
            if not segments:
                segments = (await self._find(stream_id, cursor_us, _FOR_EVER_US))[:1]
            if not segments:
                raise not_found("The recordings end before this picture. Ask the timeline for what there is.")
            for segment in segments:
                times = await self._folder.run(self._times, segment.segment_id)
                shown = [segment.start_us + time for time in times]
                before = sum(time <= start_us for time in shown)
                left = shown[max(0, before - 1) :] if segment.start_us <= start_us else shown
                if skip < len(left):
                    return left[skip] + 1
                skip -= len(left)
                cursor_us = max(segment.end_us, cursor_us + 1)

    def _times(self, segment_id: int) -> list[int]:
        """When each picture is shown, microseconds from the begin of the segment, in order. Blocking."""
        table = self._files.tables(segment_id)[0]
        ticks = sorted(int(tick) - table.origin for tick in table.dts + table.shift)
        return [ticks_to_us(tick) for tick in ticks]
