"""The `moov` of a progressive MP4 whose samples lie in other files: sample tables out of arrays. No I/O.

Follows ISO/IEC 14496-12 §8.6 to §8.7. What lies together in a file becomes one chunk, and chunks keep the order of the
files, so that pictures and sound stay interleaved as they were recorded.
"""

import struct
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from vedette.media import mp4_boxes
from vedette.media.mp4 import Ints, Track
from vedette.media.mp4_boxes import Edit, full_box

type Pieces = tuple[Ints, Ints, Ints]
"""(number of the source, offset in it, length) of what follows the header, in order."""
_U32_MOST = 0xFFFF_FFFF
_SECONDS_1904_TO_1970 = 2_082_844_800


@dataclass(frozen=True, slots=True, eq=False)
class Samples:
    """Samples of one track in decode order: where their bytes lie (`source` is a number), which sample entry decodes
    them, and when, in ticks of the track. All arrays have one length."""

    source: Ints
    entry: Ints
    offset: Ints
    size: Ints
    dts: Ints
    shift: Ints
    is_keyframe: NDArray[np.bool_]

    @staticmethod
    def joined(parts: "Sequence[Samples]") -> "Samples":
        """Samples one after another."""
        return Samples(
            *(
                np.concatenate([getattr(part, name) for part in parts])
                for name in ("source", "entry", "offset", "size", "dts", "shift", "is_keyframe")
            )
        )

    def moved(self, ticks: int) -> "Samples":
        """The same, decoded later."""
        return replace(self, dts=self.dts + ticks)

    def shifted(self, ticks: int) -> "Samples":
        """The same, shown later."""
        return replace(self, shift=self.shift + ticks)


@dataclass(frozen=True, slots=True, eq=False)
class ClipTrack:
    """A track of the clip: the first dts is 0, the last sample ends at `end`; `samples.entry` counts `decoders`."""

    decoders: Sequence[Track]
    samples: Samples
    end: int
    edits: Sequence[Edit]


@dataclass(frozen=True, slots=True, eq=False)
class _Chunks:
    """Runs of samples that lie together: first sample, how many, and their bytes."""

    first: Ints
    count: Ints
    source: Ints
    offset: Ints
    length: Ints
    entry: Ints


def assemble(tracks: Sequence[ClipTrack], *, duration: int, wall_us: int) -> tuple[bytes, Pieces]:
    """(everything before the media bytes, where those lie). `duration` is in 90 kHz ticks, `wall_us` the capture time
    that the file states as its creation."""
    chunks = [_chunks(track.samples) for track in tracks]
    source, offset, length = (
        np.concatenate([getattr(part, name) for part in chunks]) for name in ("source", "offset", "length")
    )
    order = np.lexsort((offset, source))
    positions = np.empty(len(order), np.int64)
    positions[order] = np.cumsum(length[order], dtype=np.int64) - length[order]
    media = int(length.sum(dtype=np.int64))
    creation_s = wall_us // 1_000_000 + _SECONDS_1904_TO_1970

    def header(base: int) -> bytes:
        traks, done = [], 0
        for track, part in zip(tracks, chunks, strict=True):
            placed = positions[done : done + len(part.first)] + base
            done += len(part.first)
            traks.append(_trak(track, part, placed, duration=duration, is_wide=media > _U32_MOST // 2))
        kind = mp4_boxes.file_type(fragmented=False)
        return kind + mp4_boxes.movie(traks, duration=duration, creation_s=creation_s) + _mdat_header(media)

    return header(len(header(0))), _merged(source[order], offset[order], length[order])


def _mdat_header(media: int) -> bytes:
    if media + 8 > _U32_MOST:
        return struct.pack(">I4sQ", 1, b"mdat", media + 16)
    return struct.pack(">I4s", media + 8, b"mdat")


def _chunks(samples: Samples) -> _Chunks:
    ends = samples.offset + samples.size
    breaks = (
        (samples.source[1:] != samples.source[:-1])
        | (samples.offset[1:] != ends[:-1])
        | (samples.entry[1:] != samples.entry[:-1])
    )
    first = np.concatenate([[0], np.flatnonzero(breaks) + 1])
    last = np.concatenate([first[1:], [len(ends)]]) - 1
    begin = samples.offset[first]
    return _Chunks(first, last - first + 1, samples.source[first], begin, ends[last] - begin, samples.entry[first])


def _merged(source: Ints, offset: Ints, length: Ints) -> Pieces:
    """The same bytes in as few pieces as can be."""
    joins = (source[1:] == source[:-1]) & (offset[1:] == offset[:-1] + length[:-1])
    first = np.concatenate([[0], np.flatnonzero(~joins) + 1])
    return source[first], offset[first], np.add.reduceat(length, first, dtype=np.int64)


def _trak(track: ClipTrack, chunks: _Chunks, placed: Ints, *, duration: int, is_wide: bool) -> bytes:
    samples = track.samples
    steps = np.diff(samples.dts, append=track.end)
    tables = [
        mp4_boxes.descriptions([_playable(decoder.entry) for decoder in track.decoders]),
        _runs(b"stts", steps),
        _chunk_runs(chunks),
        full_box(b"stsz", 0, 0, struct.pack(">II", 0, len(samples.size)), samples.size.astype(">u4").tobytes()),
        full_box(
            b"co64" if is_wide else b"stco",
            0,
            0,
            struct.pack(">I", len(placed)),
            placed.astype(">u8" if is_wide else ">u4").tobytes(),
        ),
    ]
    if samples.shift.any():
        tables.append(_runs(b"ctts", samples.shift, version=1 if samples.shift.min() < 0 else 0))
    if not samples.is_keyframe.all():
        keys = np.flatnonzero(samples.is_keyframe) + 1
        tables.append(full_box(b"stss", 0, 0, struct.pack(">I", len(keys)), keys.astype(">u4").tobytes()))
    return mp4_boxes.track(
        track.decoders[0].parameters,
        b"".join(tables),
        duration=duration,
        media_duration=int(track.end),
        edits=track.edits,
    )


def _playable(entry: bytes) -> bytes:
    """A sample entry as most players want it: Apple's refuse `hev1`, and nobody minds `hvc1` whose samples repeat the
    parameter sets of the header."""
    return entry[:4] + b"hvc1" + entry[8:] if entry[4:8] == b"hev1" else entry


def _runs(kind: bytes, values: Ints, *, version: int = 0) -> bytes:
    """Values as (count, value), equal ones together."""
    first = np.concatenate([[0], np.flatnonzero(np.diff(values)) + 1])
    rows = np.stack([np.diff(first, append=len(values)), values[first]], axis=1)
    return full_box(kind, version, 0, struct.pack(">I", len(rows)), (rows & _U32_MOST).astype(">u4").tobytes())


def _chunk_runs(chunks: _Chunks) -> bytes:
    """`stsc`: (first chunk, samples in each, sample entry), equal chunks together, all counted from 1."""
    changes = (np.diff(chunks.count) != 0) | (np.diff(chunks.entry) != 0)
    first = np.concatenate([[0], np.flatnonzero(changes) + 1])
    rows = np.stack([first + 1, chunks.count[first], chunks.entry[first] + 1], axis=1)
    return full_box(b"stsc", 0, 0, struct.pack(">I", len(rows)), rows.astype(">u4").tobytes())
