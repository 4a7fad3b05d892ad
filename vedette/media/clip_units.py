"""The access units of a planned clip, for who needs another container or other pictures than the plan serves. No I/O of
its own."""

from collections.abc import Callable, Iterator
from heapq import merge

from vedette.media import h264
from vedette.media.mp4 import Track
from vedette.media.mp4_clip import ClipPlan
from vedette.media.mp4_progressive import ClipTrack
from vedette.media.unit import TICKS_PER_SECOND, AccessUnit, ticks_to_us

type ReadPiece = Callable[[str, int, int], bytes]
"""(source, offset, length) to bytes."""
_BLOCK = 4096


def units_of(plan: ClipPlan, read: ReadPiece) -> Iterator[AccessUnit]:
    """The units of a clip in decode order; pts 0 is what a player shows first, what it hides lies before."""
    rows = merge(*(_rows(track) for track in plan.tracks), key=lambda row: row[0])
    for dts, pts, duration, (decoder, source, offset, size, is_keyframe) in rows:
        data = read(plan.sources[source], offset, size)
        is_audio = decoder.parameters.is_audio
        if decoder.length_size:
            data = h264.avcc_to_annexb(data, length_size=decoder.length_size)
        yield AccessUnit(
            data=data,
            pts_90k=pts,
            dts_90k=dts,
            wall_us=plan.shown_us + ticks_to_us(pts),
            is_keyframe=is_keyframe and not is_audio,
            parameters=decoder.parameters,
            duration_90k=duration,
        )


type _Sample = tuple[Track, int, int, int, bool]


def _rows(track: ClipTrack) -> Iterator[tuple[int, int, int, _Sample]]:
    """(dts, pts, duration) in 90 kHz ticks as they are shown, and where the sample is."""
    samples, decoders = track.samples, track.decoders
    scale = decoders[0].timescale
    pause = sum(edit.duration for edit in track.edits if edit.media_time < 0)
    begin = next(edit.media_time for edit in track.edits if edit.media_time >= 0)
    for first in range(0, len(samples.dts), _BLOCK):
        here = slice(first, first + _BLOCK)
        ends = [*samples.dts[first + 1 : first + _BLOCK + 1].tolist(), track.end]
        columns = (samples.dts, samples.shift, samples.entry, samples.source, samples.offset, samples.size)
        keys = samples.is_keyframe[here].tolist()
        for (dts, shift, entry, source, offset, size), end, key in zip(
            zip(*(column[here].tolist() for column in columns), strict=True), ends, keys, strict=False
        ):
            shown, shown_end = (pause + _rescaled(ticks - begin, scale) for ticks in (dts, end))
            row = decoders[entry], source, offset, size, key
            yield shown, shown + _rescaled(shift, scale), shown_end - shown, row


def _rescaled(ticks: int, scale: int) -> int:
    return (ticks * TICKS_PER_SECOND * 2 + scale) // (2 * scale)
