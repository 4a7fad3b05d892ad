"""Small pictures for scrubbing: a keyframe of each camera every two seconds or less often, 180 lines high.

Made by one thread of low priority that gives way: while a round takes too long, the next ones come less often. Where
there is none, it is decoded from the recording when somebody asks.
"""

import asyncio
import os
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from vedette.kernel.clock import US_PER_SECOND, Instant
from vedette.kernel.errors import Fault, not_found
from vedette.kernel.lifecycle import Backoff, retry
from vedette.kernel.log import get_logger
from vedette.media.picture import decode_picture
from vedette.media.unit import AccessUnit
from vedette.services.vst.adapters.preview_packs import PreviewPacks
from vedette.services.vst.core import previews
from vedette.services.vst.core.timeline import Span
from vedette.services.vst.service.coverage import Coverage
from vedette.services.vst.service.footage import Footage
from vedette.services.vst.service.parts import Parts
from vedette.services.vst.service.sensors import Sensors

HEIGHT = 180
_NICE = 15
_ENOUGH_WIDTH = 640
_NEAR_US = 5 * US_PER_SECOND
_TIDY_S = 300.0


class Previews:
    """Makes, finds and forgets small pictures."""

    def __init__(self, parts: Parts, sensors: Sensors, footage: Footage, coverage: Coverage, *, root: Path) -> None:
        self._parts, self._sensors, self._footage, self._coverage = parts, sensors, footage, coverage
        self._packs = PreviewPacks(root)
        self._every_s = parts.settings.preview_every_s
        self._last: dict[str, Instant] = {}
        self._thread = ThreadPoolExecutor(1, "previews", _give_way)

    async def run(self) -> None:
        """Makes previews for ever; returns at once when they are switched off."""
        if self._every_s <= 0:
            return
        clock, log = self._parts.clock, get_logger("vst")
        try:
            await retry(self._make_for_ever, clock=clock, log=log, name="previews", backoff=Backoff(2.0, 60.0))
        finally:
            self._thread.shutdown(wait=False, cancel_futures=True)

    async def picture(self, stream_id: str, at_us: Instant, *, width: int | None) -> bytes:
        """The small picture nearest to an instant at which something was recorded. Fault 404 when nothing was.

        `width` is what the reader shows; only for one that is much wider than the kept pictures another is made.
        """
        near = await self._coverage.timeline(stream_id, at_us - _NEAR_US, at_us + _NEAR_US)
        if not near:
            raise not_found("Nothing was recorded at that time. Ask the timeline for what there is.")
        if width is None or width <= _ENOUGH_WIDTH:
            found = await self._parts.folder.run(self._read_nearest, stream_id, at_us, near)
            if found is not None:
                return found
        shown_us = previews.nearest_inside(at_us, near)
        wide = width is not None and width > _ENOUGH_WIDTH
        return await self._footage.picture(
            stream_id, shown_us, width=width if wide else None, height=None if wide else HEIGHT
        )

    async def times(self, stream_id: str, start_us: Instant, end_us: Instant, count: int) -> Sequence[Instant]:
        """About `count` instants, evenly spread over what was recorded in a range, at which there are pictures."""
        spans = await self._coverage.timeline(stream_id, start_us, end_us)
        wanted = previews.spread(spans, count)
        have = [item.wall_us for item in await self._parts.folder.run(self._packs.list, stream_id, start_us, end_us)]
        return previews.snapped(wanted, have, within_us=_NEAR_US)

    async def forget(self, stream_id: str, start_us: Instant, end_us: Instant) -> None:
        """Somebody deleted footage: its pictures go, too."""
        left = await self._coverage.timeline(stream_id, start_us, end_us)
        await self._parts.folder.run(
            self._packs.keep, stream_id, start_us, end_us, partial(previews.is_inside, spans=left)
        )

    async def tidy(self) -> None:
        """Previews age with the footage that they show."""
        usage = await self._footage.usage()
        for stream_id in await self._parts.folder.run(self._packs.streams):
            oldest = usage[stream_id].start_us if stream_id in usage else None
            await self._parts.folder.run(self._packs.drop_before, stream_id, oldest)

    async def _make_for_ever(self) -> None:
        clock, pause_s, tidied_s = self._parts.clock, self._every_s, clock_s(self._parts)
        while True:
            await clock.sleep(pause_s)
            begun_s = clock_s(self._parts)
            made = await self._round()
            took_s = clock_s(self._parts) - begun_s
            pause_s = previews.pause_s(self._every_s, pause_s, took_s if made else 0.0)
            if begun_s - tidied_s > _TIDY_S:
                tidied_s = begun_s
                await self.tidy()

    async def _round(self) -> int:
        """One picture of each camera that is recorded and has a newer keyframe than at the last round."""
        loop, made = asyncio.get_running_loop(), 0
        for status in self._sensors.list():
            stream_id = status.sensor.sensor_id
            camera = self._sensors.find(stream_id)
            unit = next(iter(camera.hub.cached_units()), None) if camera is not None and camera.recorder.ready else None
            if unit is None or unit.wall_us - self._last.get(stream_id, 0) < self._every_s * US_PER_SECOND / 2:
                continue
            self._last[stream_id] = unit.wall_us
            made += await loop.run_in_executor(self._thread, self._make, stream_id, unit)
        return made

    def _make(self, stream_id: str, unit: AccessUnit) -> int:
        try:
            jpeg = decode_picture([unit], height=HEIGHT).jpeg
            self._packs.append(stream_id, unit.wall_us, jpeg)
        except Fault as fault:
            self._parts.meters.previews_failed.inc()
            get_logger("vst").debug("preview_not_made", sensor_id=stream_id, cause=fault)
            return 0
        except OSError as error:
            self._parts.meters.previews_failed.inc()
            get_logger("vst").warning("preview_not_kept", sensor_id=stream_id, cause=error)
            return 0
        self._parts.meters.previews.inc()
        return 1

    def _read_nearest(self, stream_id: str, at_us: Instant, spans: Sequence[Span]) -> bytes | None:
        items = self._packs.list(stream_id, at_us - _NEAR_US, at_us + _NEAR_US)
        shown = [item for item in items if previews.is_inside(item.wall_us, spans=spans)]
        for item in sorted(shown, key=lambda item: abs(item.wall_us - at_us)):
            jpeg = self._packs.read(stream_id, item)
            if jpeg is not None:
                return jpeg
        return None


def clock_s(parts: Parts) -> float:
    """Seconds that never step."""
    return parts.clock.monotonic()


def _give_way() -> None:
    """Whatever else wants the processor comes before previews. Linux keeps priorities by thread."""
    os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICE)
