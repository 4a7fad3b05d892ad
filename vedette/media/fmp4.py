"""Segments read again: their codec parameters, their access units, where their last whole part ends.

Files that still grow, or were torn by a crash, are read to their last whole part. `fmp4_writer` has the layout; what
earlier versions wrote through libav is read as well.
"""

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import numpy as np

from vedette.kernel.errors import not_found, unprocessable
from vedette.media import h264, mp4, mp4_index
from vedette.media.fmp4_writer import SEAL_BYTES, read_seal
from vedette.media.unit import TICKS_PER_SECOND, AccessUnit, CodecParameters, ticks_to_us, us_to_90k

_WINDOW_BYTES = 4096
_BROKEN = (ValueError, IndexError, OverflowError, struct.error)
"""What parsers raise at bytes that are not what they should be."""


def parameters_of(path: Path) -> CodecParameters:
    """The codec parameters of a segment's pictures; Fault 404 when the file is not there, 422 when it is no segment."""
    with _opened(path) as file:
        try:
            return _tracks(_Window(file))[0].parameters
        except _BROKEN as error:
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
        window = _Window(file)
        tracks = _tracks(window)
        indexed = mp4_index.tables_in(_index(window), tracks)
        return mp4.tables_of(tracks, _parts(window)) if indexed is None else indexed
    except _BROKEN as error:
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
        (ticks.astype(np.int64) * TICKS_PER_SECOND * 2 + scale) // (2 * scale)
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
        for kind, offset, size in _boxes(_Window(file)):
            has_header = has_header or kind == b"moov"
            if has_header and kind != b"moof":
                length = offset + size
        return length


def _opened(path: Path) -> BinaryIO:
    try:
        return path.open("rb")
    except FileNotFoundError as error:
        raise not_found("The recording's file is gone. Run `vedette fsck`.") from error


class _Window:
    """Small reads at rising offsets, with about one system call a part."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._begin, self._data = 0, b""
        self.size = file.seek(0, 2)

    def read(self, offset: int, size: int) -> bytes:
        """So many bytes, fewer at the end of the file."""
        start = offset - self._begin
        if start < 0 or start + size > len(self._data):
            self._file.seek(offset)
            self._data = self._file.read(max(size, _WINDOW_BYTES))
            self._begin, start = offset, 0
        return self._data[start : start + size]


def _boxes(window: _Window, offset: int = 0) -> Iterator[tuple[bytes, int, int]]:
    """(type, offset, size) of each whole top-level box."""
    while True:
        header = mp4.box_header(window.read(offset, mp4.HEADER_BYTES))
        if header is None or offset + header[1] > window.size:
            return
        yield header[0], offset, header[1]
        offset += header[1]


def _index(window: _Window) -> bytes:
    """The box that lies before the last seal and says its own size at its end; b"" when there is none."""
    tail = window.read(max(0, window.size - SEAL_BYTES - mp4_index.TAIL_BYTES), SEAL_BYTES + mp4_index.TAIL_BYTES)
    size = int.from_bytes(tail[: mp4_index.TAIL_BYTES])
    end = window.size - SEAL_BYTES
    if read_seal(tail[mp4_index.TAIL_BYTES :]) is None or not 0 < size <= end:
        return b""
    return window.read(end - size, size)


def _payload(window: _Window, offset: int, size: int) -> bytes:
    data = window.read(offset, size)
    header = mp4.box_header(data)
    return data[header[2] :] if header else b""


def _tracks(window: _Window) -> tuple[mp4.Track, ...]:
    for kind, offset, size in _boxes(window):
        if kind == b"moov":
            return mp4.parse_moov(_payload(window, offset, size))
    raise unprocessable("The recording cannot be read: it has no header.")


def _parts(window: _Window) -> Iterator[tuple[int, bytes]]:
    """(offset of the `moof`, its payload) of each part whose `mdat` is whole."""
    moof: tuple[int, bytes] | None = None
    for kind, offset, size in _boxes(window):
        if kind == b"moof":
            moof = offset, _payload(window, offset, size)
        elif kind == b"mdat" and moof is not None:
            yield moof
            moof = None
