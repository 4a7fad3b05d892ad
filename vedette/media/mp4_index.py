"""The index at the end of a finished segment: all samples of all tracks in one box. No I/O.

It repeats what the `moof`s say, for who wants to know a file without visiting each of its parts. Layout, big endian:

    u32 size · "uuid" · 16 bytes INDEX_UUID · the tracks · u32 size
    a track: u32 number · u32 runs · u32 samples · u32 fields
             runs × (u64 offset in the file · u64 first dts · u32 samples)
             samples × fields × u32: duration, size and, for pictures, flags and the signed shift from dts to pts

The size stands at the end as well, so that the box can be found from behind.
"""

import struct
from collections.abc import Mapping, Sequence

import numpy as np

from vedette.media.mp4 import Run, SampleTable, Track, table_of
from vedette.media.mp4_boxes import SYNC_FLAGS

INDEX_UUID = bytes.fromhex("7665646574746500a1c4b7f05d9e4e03")
TAIL_BYTES = 4
_HEAD = struct.Struct(">I4s16s")
_TRACK = struct.Struct(">4I")
_RUN = struct.Struct(">QQI")
_FIELDS = (2, 4)


class IndexedTrack:
    """What is known of a track so far; a row of it has so many `fields`."""

    def __init__(self, fields: int) -> None:
        self.fields = fields
        self.runs: list[bytes] = []
        self.rows: list[bytes] = []

    def add(self, offset: int, dts: int, rows: bytes) -> None:
        """Samples whose bytes lie one after another from `offset`; `rows` are as in the box."""
        self.runs.append(_RUN.pack(offset, dts, len(rows) // (4 * self.fields)))
        self.rows.append(rows)


def index_box(tracks: Mapping[int, IndexedTrack]) -> bytes:
    """The box for tracks by their numbers; those without samples are left out."""
    pieces: list[bytes] = []
    for number, track in tracks.items():
        rows = b"".join(track.rows)
        if rows:
            pieces += [_TRACK.pack(number, len(track.runs), len(rows) // (4 * track.fields), track.fields)]
            pieces += [*track.runs, rows]
    size = _HEAD.size + sum(map(len, pieces)) + TAIL_BYTES
    return b"".join((_HEAD.pack(size, b"uuid", INDEX_UUID), *pieces, size.to_bytes(4)))


def tables_in(box: bytes, tracks: Sequence[Track]) -> list[SampleTable] | None:
    """The sample tables of the tracks out of a whole index box; None when it is none, ValueError when it is broken."""
    if len(box) < _HEAD.size + TAIL_BYTES or _HEAD.unpack_from(box) != (len(box), b"uuid", INDEX_UUID):
        return None
    found: dict[int, list[Run]] = {track.number: [] for track in tracks}
    position, end = _HEAD.size, len(box) - TAIL_BYTES
    while position < end:
        number, runs, samples, fields = _TRACK.unpack_from(box, position)
        position += _TRACK.size
        rows_at = position + runs * _RUN.size
        if fields not in _FIELDS or rows_at + samples * fields * 4 > end:
            raise ValueError("the index is broken")
        if number in found:
            found[number] = _runs(box, position, runs, rows_at=rows_at, fields=fields)
        position = rows_at + samples * fields * 4
    return [table_of(track, found[track.number]) for track in tracks]


def _runs(box: bytes, position: int, count: int, *, rows_at: int, fields: int) -> list[Run]:
    found = []
    for offset, dts, samples in _RUN.iter_unpack(box[position : position + count * _RUN.size]):
        size = samples * fields * 4
        rows = box[rows_at : rows_at + size]
        rows_at += size
        found.append(Run(offset, dts, rows if fields == 4 else _widened(rows)))
    return found


def _widened(rows: bytes) -> bytes:
    """Rows of sound as rows of pictures."""
    narrow = np.frombuffer(rows, ">u4").reshape(-1, 2)
    wide = np.zeros((len(narrow), 4), ">u4")
    wide[:, :2], wide[:, 2] = narrow, SYNC_FLAGS
    return wide.tobytes()
