"""A video file as an endless camera: H.264 is passed on as it is, everything else is encoded on the way.

Used by `vedette camera` and by tests; recordings are played by other means. Timestamps go on over the seam, where the
file starts again at its first keyframe.
"""

from collections.abc import AsyncGenerator, Generator, Iterator
from contextlib import closing
from fractions import Fraction
from itertools import islice
from typing import override

import anyio.to_thread
import av

from vedette.kernel.clock import Clock
from vedette.kernel.errors import invalid
from vedette.media import h264
from vedette.media.source import Source
from vedette.media.sources.pace import Pace
from vedette.media.sources.x264 import H264Encoder
from vedette.media.unit import TICKS_PER_SECOND, AccessUnit, CodecParameters, ticks_to_us

_TICK = Fraction(1, TICKS_PER_SECOND)
_COPY_BATCH = 16
_DEFAULT_FPS = Fraction(25)


class LoopedFile(Source):
    """Any file that libav reads, over and over, at its own speed; `wall_us` is the instant a picture is due.

    `passes` = 0 never ends. Fault 400 for a file that cannot be opened or holds no video.
    """

    def __init__(self, path: str, *, clock: Clock, passes: int = 0, paced: bool = True) -> None:
        self._path = path
        self._clock = clock
        self._passes = passes
        self._paced = paced

    def check(self) -> bool:
        """Open the file once: True when it will be copied, False when encoded; Fault 400 when it is no video."""
        with closing(_open(self._path)) as container:
            return bool(container.streams.video[0].codec_context.name == "h264")

    @override
    async def units(self) -> AsyncGenerator[AccessUnit]:
        copied = await anyio.to_thread.run_sync(self.check)
        units = _copy(self._path, self._passes) if copied else _encode(self._path, self._passes)
        pace = Pace(self._clock, paced=self._paced)
        batch = _COPY_BATCH if copied else 1
        first_us: int | None = None
        try:
            while some := await anyio.to_thread.run_sync(lambda: list(islice(units, batch))):
                for unit in some:
                    first_us = ticks_to_us(unit.dts_90k) if first_us is None else first_us
                    await pace.reach(ticks_to_us(unit.dts_90k) - first_us)
                    yield _stamped(unit, pace.wall_us(ticks_to_us(unit.pts_90k) - first_us))
        finally:
            units.close()


def _stamped(unit: AccessUnit, wall_us: int) -> AccessUnit:
    return AccessUnit(
        unit.data, unit.pts_90k, unit.dts_90k, wall_us, unit.is_keyframe, unit.parameters, unit.duration_90k
    )


def _open(path: str) -> av.container.InputContainer:
    try:
        container = av.open(path)
    except (av.error.FFmpegError, OSError, ValueError) as error:
        raise invalid(f"{path} cannot be read as a video file: {error}.") from error
    if not container.streams.video:
        container.close()
        raise invalid(f"{path} holds no video.")
    return container


def _frame_ticks(stream: av.VideoStream) -> int:
    rate = stream.average_rate or stream.guessed_rate or _DEFAULT_FPS
    return max(1, round(TICKS_PER_SECOND / rate))


def _copy(path: str, passes: int) -> Generator[AccessUnit]:
    """Units of pass after pass in media time, Annex B, one `CodecParameters` for all."""
    parameters: CodecParameters | None = None
    offset_90k, done = 0, 0
    while not passes or done < passes:
        last_90k = offset_90k - 1
        with closing(_open(path)) as container:
            stream = container.streams.video[0]
            ticks = _frame_ticks(stream)
            for data, pts, dts, is_keyframe in _packets(container, stream):
                if parameters is None:
                    context = stream.codec_context
                    sets = h264.extradata_of(data)
                    reorders = bool(context.has_b_frames)
                    parameters = CodecParameters("h264", sets, context.width, context.height, has_b_frames=reorders)
                last_90k = max(offset_90k + dts, last_90k + 1)
                yield AccessUnit(data, offset_90k + pts, last_90k, 0, is_keyframe, parameters, ticks)
        if last_90k < offset_90k:
            raise invalid(f"{path} holds no keyframe.")
        offset_90k, done = last_90k + ticks, done + 1


def _packets(container: av.container.InputContainer, stream: av.VideoStream) -> Iterator[tuple[bytes, int, int, bool]]:
    """(Annex B, pts, dts, keyframe) from the first keyframe on, in ticks since its dts, made up if missing."""
    annex_b = av.BitStreamFilterContext("h264_mp4toannexb", stream)
    ticks, position, origin = _frame_ticks(stream), 0, None
    for packet in container.demux(stream):
        if not packet.size:
            continue
        scale = (packet.time_base or _TICK) / _TICK
        is_keyframe, dts, pts = packet.is_keyframe, packet.dts, packet.pts
        if origin is None and not is_keyframe:
            continue
        at_90k = position if dts is None else round(dts * scale) - (origin or 0)
        if origin is None:
            origin, at_90k = (0 if dts is None else round(dts * scale)), 0
        shown_90k = at_90k if pts is None else at_90k + round(((pts - dts) if dts is not None else 0) * scale)
        position = at_90k + ticks
        for filtered in annex_b.filter(packet):
            yield h264.join(h264.split(bytes(filtered))), shown_90k, at_90k, is_keyframe


def _encode(path: str, passes: int) -> Generator[AccessUnit]:
    """Decoded pictures of pass after pass through one encoder, a keyframe each second."""
    encoder: H264Encoder | None = None
    offset_90k, done = 0, 0
    while not passes or done < passes:
        last_90k = offset_90k - 1
        with closing(_open(path)) as container:
            stream = container.streams.video[0]
            ticks = _frame_ticks(stream)
            if encoder is None:
                fps = Fraction(TICKS_PER_SECOND, ticks)
                width, height = stream.codec_context.width // 2 * 2, stream.codec_context.height // 2 * 2
                encoder = H264Encoder(width=width, height=height, fps=fps, keyframe_interval=max(1, round(fps)))
            origin: int | None = None
            for frame in container.decode(stream):
                shown = None if frame.pts is None else round(frame.pts * (frame.time_base or _TICK) / _TICK)
                origin = shown if origin is None else origin
                due_90k = last_90k + ticks if shown is None or origin is None else offset_90k + shown - origin
                last_90k = max(due_90k, last_90k + 1)
                yield from encoder.encode_frame(frame, pts_90k=last_90k, wall_us=0)
        if last_90k < offset_90k:
            raise invalid(f"{path} holds no picture.")
        offset_90k, done = last_90k + ticks, done + 1
