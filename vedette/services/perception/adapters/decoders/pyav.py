"""FFmpeg's software decoders through PyAV: one thread a call, from a bounded set shared by all streams."""

from collections import OrderedDict
from collections.abc import AsyncGenerator, AsyncIterator
from fractions import Fraction
from typing import Any, override

import anyio.to_thread
import av
import numpy as np
from av.video.reformatter import Interpolation, VideoReformatter
from numpy.typing import NDArray

from vedette.kernel.clock import Clock
from vedette.kernel.errors import unavailable
from vedette.media.unit import TICKS_PER_SECOND, AccessUnit, CodecParameters, Frame
from vedette.services.perception.adapters.decoders import NO_PIXELS, Decoder, PictureSize, Wanted

_TIME_BASE = Fraction(1, TICKS_PER_SECOND)
_CODECS = {"h264": "h264", "hevc": "hevc", "av1": "libdav1d"}
_BROKEN_IN_A_ROW = 100
_REMEMBERED = 128


class PyavDecoder(Decoder):
    """Decodes one stream at a time; `wanted` decides which pictures are converted to BGR of `picture_size`.

    A broken access unit is skipped and counted in `broken`; a hundred in a row are a Fault.
    """

    def __init__(
        self, *, wanted: Wanted, picture_size: PictureSize, clock: Clock, threads: anyio.CapacityLimiter
    ) -> None:
        self._wanted, self._picture_size, self._clock, self._threads = wanted, picture_size, clock, threads
        self._reformatter = VideoReformatter()
        self._busy_s = 0.0
        self._number = 0
        self.broken = 0

    @property
    @override
    def busy_s(self) -> float:
        return self._busy_s

    @override
    async def frames(self, units: AsyncIterator[AccessUnit]) -> AsyncGenerator[Frame]:
        session: _Session | None = None
        failures = 0
        async for unit in units:
            if session is None or (session.parameters is not unit.parameters and session.parameters != unit.parameters):
                session = _Session(unit.parameters)
            try:
                frames = await anyio.to_thread.run_sync(self._decode, session, unit, limiter=self._threads)
            except av.error.FFmpegError as error:
                self.broken += 1
                failures += 1
                if failures >= _BROKEN_IN_A_ROW:
                    raise unavailable(f"{failures} access units in a row could not be decoded: {error}.") from error
                continue
            failures = 0
            for frame in frames:
                yield frame

    def _decode(self, session: "_Session", unit: AccessUnit) -> list[Frame]:
        started = self._clock.monotonic()
        frames = [self._frame(picture, wall_us) for picture, wall_us in session.decode(unit)]
        self._busy_s += self._clock.monotonic() - started
        return frames

    def _frame(self, picture: Any, wall_us: int) -> Frame:
        width, height = picture.width, picture.height
        image: NDArray[np.uint8] = NO_PIXELS
        if self._wanted(wall_us):
            to_width, to_height = self._picture_size(width, height)
            converted = self._reformatter.reformat(
                picture, to_width, to_height, "bgr24", interpolation=Interpolation.AREA
            )
            image = np.asarray(converted.to_ndarray(), np.uint8)
        self._number += 1
        return Frame(image, width, height, picture.pts or 0, wall_us, self._number)


class _Session:
    """A codec context for one set of parameters, and the capture times of what is inside it."""

    def __init__(self, parameters: CodecParameters) -> None:
        if parameters.codec not in _CODECS:
            raise unavailable(f"There is no decoder for {parameters.codec}. Give the camera H.264.")
        self.parameters = parameters
        try:
            self._context: Any = av.CodecContext.create(_CODECS[parameters.codec], "r")
        except (ValueError, av.error.FFmpegError) as error:
            raise unavailable(f"This build cannot decode {parameters.codec}. Give the camera H.264.") from error
        self._context.thread_count = 1
        if parameters.extradata:
            self._context.extradata = parameters.extradata
        if not parameters.has_b_frames:
            self._context.flags |= av.codec.context.Flags.low_delay
        self._wall_us: OrderedDict[int, int] = OrderedDict()

    def decode(self, unit: AccessUnit) -> list[tuple[Any, int]]:
        """Pictures that became ready, each with its capture time in µs."""
        packet = av.Packet(unit.data)
        packet.pts, packet.dts, packet.time_base = unit.pts_90k, unit.dts_90k, _TIME_BASE
        self._wall_us[unit.pts_90k] = unit.wall_us
        while len(self._wall_us) > _REMEMBERED:
            self._wall_us.popitem(last=False)
        return [(picture, self._wall_us.get(picture.pts, unit.wall_us)) for picture in self._context.decode(packet)]
