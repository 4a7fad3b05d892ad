"""What was recorded, for those who look: timelines, sizes, clips and pictures."""

import shutil
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from vedette.kernel.clock import US_PER_SECOND
from vedette.kernel.errors import Fault, not_found
from vedette.media.fmp4 import read_units
from vedette.media.picture import decode_picture
from vedette.media.unit import AccessUnit, ticks_to_us
from vedette.services.vst.core import clip
from vedette.services.vst.model import Growing, Segment, Usage
from vedette.services.vst.service.clips import Clips
from vedette.services.vst.service.parts import Parts
from vedette.services.vst.service.sensors import Sensors
from vedette.services.vst.store import CoverageStore, Store

MIB = 1_000_000
"""A megabyte as the wire counts them."""


@dataclass(frozen=True, slots=True)
class Disk:
    """The recordings' disk, in bytes."""

    total: int
    free: int
    used_by_recordings: int


class Footage:
    """Reads only; every answer counts committed segments, plus the durable part of the growing one."""

    def __init__(self, parts: Parts, sensors: Sensors) -> None:
        self._database, self._folder = parts.database, parts.folder
        self._sensors = sensors
        self.clips = Clips(parts, self.segments, self.known)

    async def known(self, stream_id: str) -> bool:
        """Whether there is a sensor, or at least footage of one that was deleted."""
        if self._sensors.find(stream_id) is not None:
            return True
        return await self._database.read(lambda connection: CoverageStore(connection).get_head(stream_id)) is not None

    async def usage(self) -> dict[str, Usage]:
        """Bytes and covered time of every stream with recordings."""
        rows = await self._database.read(lambda connection: Store(connection).list_usage())
        usage = {row.stream_id: row for row in rows}
        for status in self._sensors.list():
            growing = self._growing(status.sensor.sensor_id)
            if growing is not None:
                usage[growing.stream_id] = _grown(usage.get(growing.stream_id), growing)
        return usage

    async def extent(self, stream_id: str) -> tuple[int, int]:
        """When the recordings of a stream begin and end, UTC; Fault 404 when there are none."""
        usage = (await self.usage()).get(stream_id)
        if usage is None:
            raise not_found("Nothing was recorded of this stream. Ask the timeline for what there is.")
        return usage.start_us, usage.end_us

    async def disk(self) -> Disk:
        """Space on the recordings' disk."""
        used = sum(item.bytes for item in (await self.usage()).values())
        disk = await self._folder.run(partial(shutil.disk_usage, self._folder.root))
        return Disk(disk.total, disk.free, used)

    async def picture(self, stream_id: str, at_us: int, *, width: int | None, height: int | None) -> bytes:
        """A JPEG of what was recorded at an instant; Fault 404 when nothing was."""
        if not await self.known(stream_id):
            raise not_found(f"There is no stream '{stream_id[:100]}'.", "CameraNotFoundError")
        slices = clip.plan(await self.segments(stream_id, at_us, at_us + US_PER_SECOND), at_us, at_us + US_PER_SECOND)
        if not slices:
            raise not_found("Nothing was recorded at that time. Ask the timeline for what there is.")
        first = slices[0]
        path = self._folder.readable_path(first.segment.segment_id)

        def decode() -> bytes:
            units = _units_up_to(path, first.segment.start_us, first.media_start_us)
            at_wall = first.segment.start_us + first.media_start_us
            return decode_picture(units, at_wall_us=at_wall, width=width, height=height).jpeg

        return await self._folder.run(decode)

    async def live_picture(self, stream_id: str, *, width: int | None, height: int | None) -> bytes:
        """A JPEG of the newest picture of a camera; Fault 503 while it sends none."""
        camera = self._sensors.feed(stream_id)
        units = camera.hub.cached_units()
        if not units:
            raise Fault("ServiceUnavailableError", 503, f"{camera.sensor.name} sends no pictures now. Try again later.")
        picture = await self._folder.run(partial(decode_picture, units, width=width, height=height))
        return picture.jpeg

    def _growing(self, stream_id: str) -> Growing | None:
        camera = self._sensors.find(stream_id)
        return camera.growing if camera else None

    async def segments(self, stream_id: str, start_us: int, end_us: int) -> list[Segment]:
        """Segments that reach into `[start_us, end_us)`, in order; the durable part of the growing one is the last."""
        # The growing segment is asked for first: one that finishes in between is then in the catalogue, too.
        growing = self._growing(stream_id)
        found = await self._database.read(
            lambda connection: Store(connection).list_segments(stream_id, start_us, end_us)
        )
        if growing is not None and all(item.segment_id != growing.segment_id for item in found):
            found.append(_as_segment(growing))
        return found


def _units_up_to(path: Path, wall_us: int, media_us: int) -> list[AccessUnit]:
    units: list[AccessUnit] = []
    for unit in read_units(path, wall_us=wall_us, start_us=media_us):
        if units and ticks_to_us(unit.dts_90k) > media_us:
            break
        units.append(unit)
    return units


def _as_segment(growing: Growing) -> Segment:
    span_us = growing.durable_us - growing.start_us
    return Segment(
        segment_id=growing.segment_id,
        stream_id=growing.stream_id,
        recording_id=growing.segment_id,
        start_us=growing.start_us,
        end_us=growing.durable_us,
        media_us=span_us,
        bytes=growing.bytes,
        digest="",
        codec="",
        width=0,
        height=0,
    )


def _grown(usage: Usage | None, growing: Growing) -> Usage:
    if usage is None:
        return Usage(growing.stream_id, growing.bytes, growing.start_us, growing.durable_us)
    return Usage(usage.stream_id, usage.bytes + growing.bytes, usage.start_us, growing.durable_us)
