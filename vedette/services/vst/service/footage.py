"""What was recorded, for those who look: timelines, sizes, clips and pictures."""

import asyncio
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from vedette.kernel.clock import US_PER_SECOND
from vedette.kernel.errors import Fault, invalid, not_found
from vedette.media.fmp4 import ClipSlice, mux_clip, read_units
from vedette.media.picture import decode_picture
from vedette.media.unit import AccessUnit, ticks_to_us
from vedette.services.vst.core import clip
from vedette.services.vst.model import Growing, Segment, Usage
from vedette.services.vst.service.parts import Parts
from vedette.services.vst.service.sensors import Sensors
from vedette.services.vst.store import CoverageStore, Store

MIB = 1_000_000
"""A megabyte as the wire counts them."""
_CHUNK_BYTES = 256 * 1024
_QUEUE_PARTS = 16
_NOTHING = "Nothing was recorded in this time range. Ask the timeline for what there is."


@dataclass(frozen=True, slots=True)
class Clip:
    """A clip ready to be sent: its bytes in order, its size when it is known before, and the begin of its media."""

    chunks: AsyncIterator[bytes]
    size_bytes: int | None
    start_us: int


@dataclass(frozen=True, slots=True)
class Disk:
    """The recordings' disk, in bytes."""

    total: int
    free: int
    used_by_recordings: int


class Footage:
    """Reads only; every answer counts committed segments, plus the durable part of the growing one."""

    def __init__(self, parts: Parts, sensors: Sensors, scratch: Path) -> None:
        self._database, self._folder, self._settings = parts.database, parts.folder, parts.settings
        self._sensors, self._scratch = sensors, scratch

    def clear_scratch(self) -> None:
        """Removes what clips of an earlier life left behind. Blocking."""
        shutil.rmtree(self._scratch, ignore_errors=True)
        self._scratch.mkdir(parents=True, exist_ok=True)

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

    async def disk(self) -> Disk:
        """Space on the recordings' disk."""
        used = sum(item.bytes for item in (await self.usage()).values())
        disk = await self._folder.run(partial(shutil.disk_usage, self._folder.root))
        return Disk(disk.total, disk.free, used)

    async def clip(self, stream_id: str, start_us: int, end_us: int) -> Clip:
        """One playable MP4 of what was recorded in `[start_us, end_us)`, gaps closed; it begins at the keyframe at or
        before the start. Faults: 400 for a range that is none or too long, 404 when nothing is there."""
        if end_us <= start_us:
            raise invalid("endTime must be later than startTime.")
        if end_us - start_us > self._settings.clip_most_h * 3600 * US_PER_SECOND:
            raise invalid(f"A clip has at most {self._settings.clip_most_h:g} hours. Ask for a shorter range.")
        slices = await self._slices(stream_id, start_us, end_us)
        first_us = slices[0].wall_us + slices[0].start_us
        if sum(item.end_us - item.start_us for item in slices) <= self._settings.clip_file_s * US_PER_SECOND:
            return await self._whole(slices, first_us)
        return Clip(self._streamed(slices), None, first_us)

    async def picture(self, stream_id: str, at_us: int, *, width: int | None, height: int | None) -> bytes:
        """A JPEG of what was recorded at an instant; Fault 404 when nothing was."""
        if not await self.known(stream_id):
            raise not_found(f"There is no stream '{stream_id[:100]}'.", "CameraNotFoundError")
        slices = clip.plan(await self._segments(stream_id, at_us, at_us + US_PER_SECOND), at_us, at_us + US_PER_SECOND)
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
        camera = self._sensors.camera(stream_id)
        units = camera.hub.cached_units()
        if not units:
            raise Fault("ServiceUnavailableError", 503, f"{camera.sensor.name} sends no pictures now. Try again later.")
        picture = await self._folder.run(partial(decode_picture, units, width=width, height=height))
        return picture.jpeg

    def _growing(self, stream_id: str) -> Growing | None:
        camera = self._sensors.find(stream_id)
        return camera.growing if camera else None

    async def _segments(self, stream_id: str, start_us: int, end_us: int) -> list[Segment]:
        # The growing segment is asked for first: one that finishes in between is then in the catalogue, too.
        growing = self._growing(stream_id)
        found = await self._database.read(
            lambda connection: Store(connection).list_segments(stream_id, start_us, end_us)
        )
        if growing is not None and all(item.segment_id != growing.segment_id for item in found):
            found.append(_as_segment(growing))
        return found

    async def _slices(self, stream_id: str, start_us: int, end_us: int) -> list[ClipSlice]:
        if not await self.known(stream_id):
            raise not_found(f"There is no stream '{stream_id[:100]}'.", "CameraNotFoundError")
        planned = clip.plan(await self._segments(stream_id, start_us, end_us), start_us, end_us)
        if not planned:
            raise not_found(_NOTHING)
        return [
            ClipSlice(
                path=self._folder.readable_path(item.segment.segment_id),
                start_us=item.media_start_us,
                end_us=item.media_end_us,
                wall_us=item.segment.start_us,
            )
            for item in planned
        ]

    async def _whole(self, slices: Sequence[ClipSlice], first_us: int) -> Clip:
        """Made in a file that has no name any more when it is sent, so that nothing can be left behind."""

        def make() -> int:
            descriptor, name = tempfile.mkstemp(suffix=".mp4", dir=self._scratch)
            try:
                mux_clip(_settled(slices), Path(name))
            except BaseException:
                os.close(descriptor)
                raise
            else:
                os.close(descriptor)
                return os.open(name, os.O_RDONLY | os.O_CLOEXEC)
            finally:
                Path(name).unlink(missing_ok=True)

        file = await self._folder.run(make)
        return Clip(self._sent(file), os.fstat(file).st_size, first_us)

    async def _sent(self, descriptor: int) -> AsyncIterator[bytes]:
        try:
            while data := await self._folder.run(os.read, descriptor, _CHUNK_BYTES):
                yield data
        finally:
            os.close(descriptor)

    async def _streamed(self, slices: Sequence[ClipSlice]) -> AsyncIterator[bytes]:
        """Parts as they are muxed; the thread waits for the reader, and ends when the reader goes."""
        queue: asyncio.Queue[bytes | Fault | None] = asyncio.Queue(_QUEUE_PARTS)
        loop = asyncio.get_running_loop()
        gone = False

        def put(item: bytes | Fault | None) -> None:
            if gone:
                raise _ReaderGoneError
            asyncio.run_coroutine_threadsafe(queue.put(item), loop).result()

        work = asyncio.ensure_future(self._folder.run(partial(_mux_into, slices, put)))
        try:
            while (item := await queue.get()) is not None:
                if isinstance(item, Fault):
                    raise item
                yield item
        finally:
            gone = True
            while not work.done():
                while not queue.empty():
                    queue.get_nowait()
                await asyncio.wait([work], timeout=0.05)


class _ReaderGoneError(Exception):
    """Nobody wants the rest of the clip; never leaves this module."""


def _mux_into(slices: Sequence[ClipSlice], put: Callable[[bytes | Fault | None], None]) -> None:
    try:
        mux_clip(_settled(slices), put)
        put(None)
    except Fault as fault:
        put(fault)
    except _ReaderGoneError:
        return


def _settled(slices: Sequence[ClipSlice]) -> list[ClipSlice]:
    """The slices with the name each file has by now: a growing one may have been finished meanwhile."""
    return [
        item
        if item.path.exists()
        else ClipSlice(item.path.with_suffix(".mp4"), item.start_us, item.end_us, item.wall_us)
        for item in slices
    ]


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
