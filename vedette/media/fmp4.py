"""Segments and clips: fragmented MP4 written and read by packet copy, never re-encoded.

A segment holds one video elementary stream and begins at a keyframe, whose pts is 0; where it lies on the wall clock
is the catalogue's business. A part (`moof` + `mdat`) closes at each keyframe and at least every second, so that is the
most a crash can lose.
"""

import struct
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import BinaryIO, Literal

import av
import numpy as np
from av.container import OutputContainer
from av.stream import Stream

from vedette.kernel.errors import not_found, unprocessable
from vedette.media import h264, hevc, mp4
from vedette.media.unit import TICKS_PER_SECOND, AccessUnit, CodecParameters, ticks_to_us, us_to_90k

_TICK = Fraction(1, TICKS_PER_SECOND)
_BUFFER_BYTES = 64 * 1024
_FRAGMENTED = "frag_keyframe+empty_moov+default_base_moof+skip_trailer"
_DEFAULT_DURATION_90K = 3000


@dataclass(frozen=True, slots=True)
class ClipSlice:
    """A part of one segment file: `[start_us, end_us)` in media time of that file, which begins at `wall_us` (UTC)."""

    path: Path
    start_us: int
    end_us: int
    wall_us: int


@dataclass(frozen=True, slots=True)
class ClipSummary:
    """What was written. `wall_us` is the capture time of its first picture: at or before the requested start."""

    units: int
    bytes: int
    duration_90k: int
    wall_us: int


def parameters_of(path: Path) -> CodecParameters:
    """The codec parameters of a segment's pictures; Fault 404 when the file is not there, 422 when it is no segment."""
    with _opened(path) as file:
        try:
            return _tracks(file)[0].parameters
        except (ValueError, IndexError, struct.error) as error:
            raise unprocessable(f"The recording cannot be read: {error}.") from error


def read_units(path: Path, *, wall_us: int = 0, start_us: int = 0, audio: bool = False) -> Iterator[AccessUnit]:
    """The units of a segment from the keyframe at or before `start_us`, in decode order; with `audio` the sound from
    there, too.

    pts counts from the first keyframe of the file (0); dts may begin below 0 when there are B-frames, and sound may
    begin before it. `wall_us` of each unit is the given start of the segment plus its pts. A torn tail ends the
    iteration; a file that still grows is read to its last whole part. Blocking: call it from a thread. Faults as in
    `parameters_of`.
    """
    with _opened(path) as file:
        tables = read_tables(file)[: 2 if audio else 1]
        pictures = tables[0]
        if not len(pictures):
            return
        first = keyframe_before(pictures, us_to_90k(start_us))
        scale = pictures.track.timescale
        shown = (int(pictures.dts[first] + pictures.shift[first]) - pictures.origin) if first else -scale
        rows = [*_rows(pictures, first)]
        for sound in tables[1:]:
            begin = sound.origin + shown * sound.track.timescale // scale
            rows += _rows(sound, int(np.searchsorted(sound.dts, begin)))
        for dts, pts, duration, track, offset, size, is_keyframe in sorted(rows, key=_decode_order):
            file.seek(offset)
            data = file.read(size)
            yield AccessUnit(
                data=h264.avcc_to_annexb(data, length_size=track.length_size) if track.length_size else data,
                pts_90k=pts,
                dts_90k=dts,
                wall_us=wall_us + ticks_to_us(pts),
                is_keyframe=is_keyframe,
                parameters=track.parameters,
                duration_90k=duration,
            )


def read_tables(file: BinaryIO) -> list[mp4.SampleTable]:
    """The sample tables of an open segment, pictures first, up to its last whole part; Fault 422 when it is none."""
    try:
        return mp4.tables_of(_tracks(file), _parts(file))
    except (ValueError, IndexError, struct.error) as error:
        raise unprocessable(f"The recording cannot be read: {error}.") from error


def keyframe_before(pictures: mp4.SampleTable, start_90k: int) -> int:
    """The number of the last keyframe that is shown at or before `start_90k` from the first picture."""
    if start_90k <= 0:
        return 0
    start = pictures.origin + start_90k * pictures.track.timescale // TICKS_PER_SECOND
    early = np.flatnonzero(pictures.is_keyframe & (pictures.dts + pictures.shift <= start))
    return int(early[-1]) if len(early) else 0


type _Row = tuple[int, int, int, mp4.Track, int, int, bool]


def _rows(table: mp4.SampleTable, first: int) -> Iterator[_Row]:
    """(dts, pts, duration in 90 kHz ticks, track, offset, size, is_keyframe) from sample `first` on."""
    scale, is_video = table.track.timescale, not table.track.parameters.is_audio
    dts = table.dts[first:] - table.origin
    columns = [
        (ticks * TICKS_PER_SECOND * 2 + scale) // (2 * scale)
        for ticks in (dts, dts + table.shift[first:], table.duration[first:])
    ]
    keys = table.is_keyframe[first:] & is_video
    rows = zip(*(column.tolist() for column in (*columns, table.offset[first:], table.size[first:], keys)), strict=True)
    for dts_90k, pts_90k, duration, offset, size, is_keyframe in rows:
        yield dts_90k, pts_90k, duration, table.track, offset, size, is_keyframe


def _decode_order(row: _Row) -> int:
    return row[0]


def whole_boxes_length(path: Path) -> int:
    """Where the last whole part (`moof` with its `mdat`) ends, or the header before the first; 0 without a header.

    A torn `.part` cut to this length plays to its last part.
    """
    with _opened(path) as file:
        length, has_header = 0, False
        for kind, offset, size in _boxes(file):
            has_header = has_header or kind == b"moov"
            if has_header and kind != b"moof":
                length = offset + size
        return length


def mux_clip(
    slices: Sequence[ClipSlice], sink: Path | Callable[[bytes], None], *, gaps: Literal["close", "keep"] = "close"
) -> ClipSummary:
    """Join parts of segments into one MP4 that browsers play and seek, timestamps from 0 and rising over the seams.

    To a path it is a plain MP4 with its index in front; to a callable it is fragmented and can be streamed. Each slice
    begins at the keyframe at or before its start. `gaps="close"` puts slices end to end, "keep" leaves the wall time
    between them in the file. Raises Fault 404 when there is nothing in the slices and 422 when their codecs differ.
    Blocking: call it from a thread.
    """
    target = None if isinstance(sink, Path) else _PartSink(sink)
    flush = target.flush if target is not None else _nothing
    muxer: _Muxer | None = None
    first_wall_us = shift = 0
    for unit, leads in _clip_units(slices):
        if muxer is None:
            movflags = "faststart" if target is None else _FRAGMENTED
            muxer = _Muxer(_open_output(target or str(sink), {"movflags": movflags}), unit.parameters)
            first_wall_us = unit.wall_us
        if leads:
            kept = us_to_90k(unit.wall_us - first_wall_us) if gaps == "keep" else 0
            shift = max(muxer.next_dts_90k, kept) - unit.dts_90k
        muxer.append(unit, unit.dts_90k + shift)
        flush()
    if muxer is None:
        raise not_found("Nothing was recorded in this time range. Ask the timeline for what there is.")
    duration = muxer.end()
    flush()
    written = sink.stat().st_size if isinstance(sink, Path) else target.written if target is not None else 0
    return ClipSummary(muxer.units, written, duration, first_wall_us)


def _nothing() -> None:
    """A plain file has no parts to hand on."""


def _clip_units(slices: Sequence[ClipSlice]) -> Iterator[tuple[AccessUnit, bool]]:
    """(unit, whether it leads its slice), without pictures that lean on the GOP before their slice."""
    for part in slices:
        end = us_to_90k(part.end_us)
        first_pts: int | None = None
        for unit in read_units(part.path, wall_us=part.wall_us, start_us=part.start_us):
            if unit.dts_90k >= end:
                break
            if first_pts is None:
                first_pts = unit.pts_90k
                yield unit, True
            elif unit.pts_90k >= first_pts:
                yield unit, False


class _PartSink:
    """The file that libav writes to; hands on what one call produced as one piece."""

    def __init__(self, sink: Callable[[bytes], None]) -> None:
        self._sink = sink
        self._pieces: list[bytes] = []
        self.written = 0

    def write(self, data: bytes) -> int:
        self._pieces.append(data)
        return len(data)

    def flush(self) -> None:
        if self._pieces:
            data = b"".join(self._pieces)
            self._pieces.clear()
            self.written += len(data)
            self._sink(data)


class _Muxer:
    """One video stream into one container. Holds a unit back until the next one tells how long it lasts."""

    def __init__(self, container: OutputContainer, parameters: CodecParameters) -> None:
        if parameters.codec not in ("h264", "hevc"):
            raise unprocessable(
                f"Only H.264 and HEVC can be recorded, not {parameters.codec}. Change the camera's codec."
            )
        self._container = container
        self._parameters = parameters
        self._stream: Stream = container.add_mux_stream(
            parameters.codec, width=parameters.width, height=parameters.height, time_base=_TICK
        )
        self._held: tuple[AccessUnit, int] | None = None
        self._duration = _DEFAULT_DURATION_90K
        self.units = 0

    @property
    def next_dts_90k(self) -> int:
        """Where a unit belongs that follows the last one directly."""
        if self._held is None:
            return 0
        unit, dts = self._held
        return dts + (unit.duration_90k or self._duration)

    def append(self, unit: AccessUnit, dts_90k: int) -> None:
        if self._held is not None:
            self._mux_held(dts_90k)
        elif not unit.is_keyframe:
            raise unprocessable("A recording begins with a keyframe.")
        self._held = unit, dts_90k
        self.units += 1

    def end(self, end_dts_90k: int | None = None) -> int:
        """Close the file; returns the end of the last unit in ticks."""
        end = self.next_dts_90k if end_dts_90k is None else end_dts_90k
        self._mux_held(end)
        self._container.close()
        return end

    def _mux_held(self, next_dts: int) -> None:
        if self._held is None:
            return
        unit, dts = self._held
        if next_dts <= dts:
            raise unprocessable("The decode times of a recording must rise.")
        self._duration = next_dts - dts
        packet = av.Packet(self._data(unit, first=self.units == 1) if unit.is_keyframe else unit.data)
        packet.stream = self._stream
        packet.time_base = _TICK
        packet.dts = dts
        packet.pts = dts + unit.pts_90k - unit.dts_90k
        packet.duration = self._duration
        packet.is_keyframe = unit.is_keyframe
        self._container.mux_one(packet)

    def _data(self, unit: AccessUnit, *, first: bool) -> bytes:
        """A keyframe's bytes, led by its parameter sets where the header of the file does not hold them."""
        parameters, written = unit.parameters, self._parameters
        if not first and (parameters is written or parameters.extradata == written.extradata):
            return unit.data
        if parameters.codec != written.codec:
            raise unprocessable("The codec changes within this recording. Ask for a shorter time range.")
        inside = (h264 if parameters.codec == "h264" else hevc).extradata_of(unit.data)
        if not inside and not parameters.extradata:
            raise unprocessable("The stream has no parameter sets, so it cannot be recorded yet.")
        return unit.data if inside else parameters.extradata + unit.data


def _open_output(file: str | _PartSink, options: dict[str, str]) -> OutputContainer:
    # Every packet is flushed to the target, so that a part leaves as soon as libav closes it.
    return av.open(file, "w", format="mp4", options=options | {"flush_packets": "1"}, buffer_size=_BUFFER_BYTES)


def _opened(path: Path) -> BinaryIO:
    try:
        return path.open("rb")
    except FileNotFoundError as error:
        raise not_found("The recording's file is gone. Run `vedette fsck`.") from error


def _boxes(file: BinaryIO) -> Iterator[tuple[bytes, int, int]]:
    """(type, offset, size) of each whole top-level box; the caller may move the file position."""
    end = file.seek(0, 2)
    offset = 0
    while True:
        file.seek(offset)
        header = mp4.box_header(file.read(mp4.HEADER_BYTES))
        if header is None or offset + header[1] > end:
            return
        yield header[0], offset, header[1]
        offset += header[1]


def _payload(file: BinaryIO, offset: int, size: int) -> bytes:
    file.seek(offset)
    data = file.read(size)
    header = mp4.box_header(data)
    return data[header[2] :] if header else b""


def _tracks(file: BinaryIO) -> list[mp4.Track]:
    for kind, offset, size in _boxes(file):
        if kind == b"moov":
            return mp4.parse_moov(_payload(file, offset, size))
    raise unprocessable("The recording cannot be read: it has no header.")


def _parts(file: BinaryIO) -> Iterator[tuple[int, bytes]]:
    """(offset of the `moof`, its payload) of each part whose `mdat` is whole."""
    moof: tuple[int, int] | None = None
    for kind, offset, size in _boxes(file):
        if kind == b"moof":
            moof = offset, size
        elif kind == b"mdat" and moof is not None:
            yield moof[0], _payload(file, *moof)
            moof = None
