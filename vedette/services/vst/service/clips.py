"""Clips for download: planned from sample tables and sent as byte ranges of the segments, or made while they are sent
where another container or other pictures are asked for."""

from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from vedette.kernel.clock import US_PER_SECOND, to_iso
from vedette.kernel.errors import Fault, invalid, not_found, unprocessable
from vedette.media.clip_units import units_of
from vedette.media.mp4_clip import ClipCut, ClipPlan, plan_clip
from vedette.media.unit import TICKS_PER_SECOND, AccessUnit, us_to_90k
from vedette.services.vst.adapters.clip_files import ClipFiles, ClipReader
from vedette.services.vst.core import byte_range, clip
from vedette.services.vst.core.clip import Slice
from vedette.services.vst.model import Segment
from vedette.services.vst.service import clip_making
from vedette.services.vst.service.parts import Parts

type FindSegments = Callable[[str, int, int], Awaitable[list[Segment]]]
type IsKnown = Callable[[str], Awaitable[bool]]
type _Plan = tuple[ClipPlan, Mapping[str, bytes]]
_MOST_PLANS = 32
_MOST_PLAN_BYTES = 32 << 20
_CHUNK_BYTES = 256 * 1024


@dataclass(frozen=True, slots=True)
class ClipRequest:
    """What is asked for: `[start_us, end_us)` of a stream, UTC.

    `gaps` says what happens where nothing was recorded; `cut` whether the clip begins at the keyframe before the start
    or hides what comes before it; `transcode` what is encoded again: nothing, the pictures between the start and the
    first keyframe, or all, then in `size` (width, height) when it is given.
    """

    stream_id: str
    start_us: int
    end_us: int
    gaps: Literal["close", "keep", "refuse"] = "close"
    cut: Literal["keyframe", "exact"] = "keyframe"
    transcode: Literal["none", "gop", "full"] = "none"
    container: Literal["mp4", "ts"] = "mp4"
    size: tuple[int, int] | None = None
    audio: bool = True
    whole_segments: bool = False

    @property
    def is_streamed(self) -> bool:
        """Whether it is made while it is sent, so that nobody knows its size before."""
        return self.container == "ts" or self.transcode == "full"


@dataclass(frozen=True, slots=True)
class Clip:
    """A reply: HTTP status and headers, its bytes in order. `start_us` is the capture time of what is shown first."""

    status: int
    media_type: str
    headers: Mapping[str, str]
    chunks: AsyncIterator[bytes]
    start_us: int


class Clips:
    """Plans and sends. Holds a bounded memory of sample tables, and of a clip no more than its header and a chunk."""

    def __init__(self, parts: Parts, find: FindSegments, is_known: IsKnown) -> None:
        self._folder, self._settings = parts.folder, parts.settings
        self._files = ClipFiles(parts.folder)
        self._find, self._is_known = find, is_known
        self._plans: OrderedDict[object, _Plan] = OrderedDict()
        self._join_us = round(parts.settings.join_gap_s * US_PER_SECOND)

    async def open(self, request: ClipRequest, *, ranged: str | None = None, if_range: str | None = None) -> Clip:
        """A clip, or the `Range` of it that is asked for.

        Faults: 400 for times that make no clip, 404 when nothing was recorded, 416 for a range outside it, 422 when the
        recordings do not fit into one clip, have gaps that are refused, or the codec does not fit the container, 503
        when something here would have to encode and cannot.
        """
        slices = await self._slices(request)
        holes = clip.missing(slices, request.start_us, request.end_us, join_us=self._join_us)
        if holes and request.gaps == "refuse":
            raise unprocessable(
                f"Nothing was recorded from {to_iso(holes[0][0])} to {to_iso(holes[0][1])}. "
                "Ask for a range that the timeline covers, or with gaps=close or gaps=keep."
            )
        missing_s = sum(end - begin for begin, end in holes) / US_PER_SECOND
        headers = {"vedette-clip-gaps": f"{request.gaps}; count={len(holes)}; seconds={missing_s:.3f}"}
        if request.is_streamed:
            return await self._streamed(request, slices, headers)
        plan, extra = await self._planned(request, slices)
        headers |= {"vedette-clip-cut": request.cut, "vedette-clip-start": to_iso(plan.shown_us)}
        headers |= {"vedette-clip-seconds": f"{plan.duration_90k / TICKS_PER_SECOND:.3f}"}
        return self._sent(plan, extra, headers, ranged=ranged if if_range in (None, f'"{plan.tag}"') else None)

    async def _slices(self, request: ClipRequest) -> list[Slice]:
        start_us, end_us = request.start_us, request.end_us
        if end_us <= start_us:
            raise invalid("endTime must be later than startTime.")
        if end_us - start_us > self._settings.clip_most_h * 3600 * US_PER_SECOND:
            raise invalid(f"A clip has at most {self._settings.clip_most_h:g} hours. Ask for a shorter range.")
        segments = await self._find(request.stream_id, start_us, end_us)
        if request.whole_segments and segments:
            start_us = min(start_us, *(segment.start_us for segment in segments))
            end_us = max(end_us, *(segment.end_us for segment in segments))
        slices = clip.plan(segments, start_us, end_us)
        if slices:
            return slices
        if not await self._is_known(request.stream_id):
            raise not_found(f"There is no stream '{request.stream_id[:100]}'.", "CameraNotFoundError")
        raise not_found("Nothing was recorded in this time range. Ask the timeline for what there is.")

    async def _planned(self, request: ClipRequest, slices: Sequence[Slice]) -> _Plan:
        """The plan; players ask for many ranges of one clip, so the last ones are kept."""
        used = tuple((item.segment.segment_id, item.media_start_us, item.media_end_us) for item in slices)
        key = (used, request.gaps, request.cut, request.transcode, request.audio)
        found = self._plans.get(key)
        if found is None:
            found = await self._folder.run(self._plan, request, slices)
        self._plans[key] = found
        self._plans.move_to_end(key)
        while len(self._plans) > 1 and (
            len(self._plans) > _MOST_PLANS or sum(map(_bytes_of, self._plans.values())) > _MOST_PLAN_BYTES
        ):
            self._plans.popitem(last=False)
        return found

    def _plan(self, request: ClipRequest, slices: Sequence[Slice]) -> _Plan:
        """The plan, and sources of it that are no segments. Blocking."""
        cuts = self._cuts(request, slices)
        extra: Mapping[str, bytes] = {}
        exact = request.cut == "exact" or request.transcode == "gop"
        if request.transcode == "gop":
            cuts, extra = clip_making.with_exact_start(cuts, self._read)
        return plan_clip(cuts, gaps="keep" if request.gaps == "keep" else "close", exact=exact), extra

    def _cuts(self, request: ClipRequest, slices: Sequence[Slice]) -> list[ClipCut]:
        cuts = []
        for index, item in enumerate(slices):
            tables = self._files.tables(item.segment.segment_id)
            cuts.append(
                ClipCut(
                    source=str(item.segment.segment_id),
                    tables=tables if request.audio else tables[:1],
                    start_90k=us_to_90k(item.media_start_us),
                    end_90k=us_to_90k(item.media_end_us),
                    wall_us=item.segment.start_us,
                    follows=index > 0 and clip.follows(slices[index - 1], item),
                )
            )
        return cuts

    def _read(self, plan: ClipPlan) -> Iterator[AccessUnit]:
        reader = ClipReader(self._files, plan, {})
        try:
            yield from units_of(plan, reader.piece)
        finally:
            reader.close()

    def _sent(self, plan: ClipPlan, extra: Mapping[str, bytes], headers: dict[str, str], *, ranged: str | None) -> Clip:
        try:
            span = byte_range.parse(ranged, plan.size)
        except byte_range.UnsatisfiableError:
            raise Fault(
                "InvalidParameterError",
                416,
                f"The clip has {plan.size} bytes, and the range lies outside.",
                headers={"content-range": f"bytes */{plan.size}"},
            ) from None
        start, stop = span or (0, plan.size)
        headers |= {"accept-ranges": "bytes", "etag": f'"{plan.tag}"', "content-length": str(stop - start)}
        if span is not None:
            headers["content-range"] = f"bytes {start}-{stop - 1}/{plan.size}"
        chunks = self._chunks(plan, extra, start, stop)
        return Clip(206 if span else 200, "video/mp4", headers, chunks, plan.shown_us)

    async def _chunks(self, plan: ClipPlan, extra: Mapping[str, bytes], start: int, stop: int) -> AsyncIterator[bytes]:
        reader = ClipReader(self._files, plan, extra)
        try:
            if start < len(plan.head):  # what is in memory needs no thread
                yield plan.head[start:stop]
                start = len(plan.head)
            while start < stop:
                end = min(stop, start + _CHUNK_BYTES)
                yield await self._folder.run(reader.read, start, end)
                start = end
        finally:
            reader.close()

    async def _streamed(self, request: ClipRequest, slices: Sequence[Slice], headers: dict[str, str]) -> Clip:
        """Made as it is sent; the first piece comes before the reply, so that what cannot be made has a true status."""
        making = clip_making.Making(
            gaps="keep" if request.gaps == "keep" else "close",
            exact=request.cut == "exact",
            is_encoded=request.transcode == "full",
            size=request.size,
            container=request.container,
        )

        def begin() -> tuple[int, Iterator[bytes], bytes | None]:
            plans = clip_making.plans_of(self._cuts(request, slices), making)
            pieces = clip_making.pieces_of(plans, making, self._read)
            return plans[0].shown_us, pieces, next(pieces, None)

        shown_us, pieces, first = await self._folder.run(begin)
        cut = request.cut if making.is_encoded else "keyframe"
        headers |= {"vedette-clip-cut": cut, "vedette-clip-start": to_iso(shown_us)}
        kind = "video/mp2t" if request.container == "ts" else "video/mp4"
        return Clip(200, kind, headers, self._made(first, pieces), shown_us)

    async def _made(self, first: bytes | None, pieces: Iterator[bytes]) -> AsyncIterator[bytes]:
        piece = first
        try:
            while piece is not None:
                if piece:
                    yield piece
                piece = await self._folder.run(next, pieces, None)
        finally:
            pieces.close()  # type: ignore[attr-defined]


def _bytes_of(planned: _Plan) -> int:
    """About what a plan takes in memory; its samples take as much again as its header."""
    plan, extra = planned
    return 4 * len(plan.head) + sum(map(len, extra.values()))
