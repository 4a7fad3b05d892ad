"""The boxes of our own segment files, read without libav: where each access unit lies and when it is shown. No I/O.

Follows ISO/IEC 14496-12 (boxes, §8.8 movie fragments) and 14496-15 (`avcC`, `hvcC`). Reads what
`fmp4_writer.SegmentWriter` writes, and what libav wrote before it: one video track, sound beside it or not,
`default-base-is-moof` fragments.
"""

import struct
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vedette.media import h264, hevc, hevc_sps
from vedette.media.unit import Codec, CodecParameters

type Ints = NDArray[np.signedinteger[Any]]
HEADER_BYTES = 16
_KEPT_HEADERS = 64
_CODECS: dict[bytes, Codec] = {
    b"avc1": "h264",
    b"avc3": "h264",
    b"hvc1": "hevc",
    b"hev1": "hevc",
    b"av01": "av1",
    b"mp4a": "aac",
}
_SAMPLE_ENTRY_BYTES, _AUDIO_ENTRY_BYTES = 78, 28
_NON_SYNC_SAMPLE = 0x10000
_DURATION, _SIZE, _FLAGS, _SHIFT = range(4)
_RUN_BITS = (0x100, 0x200, 0x400, 0x800)
_ROW_BYTES = 16
_MOST_BARE_SAMPLES = 1 << 16
"""Samples of which a fragment says nothing but that they are there."""
_OWN = struct.Struct(">20x4s12sI12sQI8sIi")
"""The first `traf` of a `moof` payload as `fmp4_writer` lays it out, up to the rows of its `trun`."""
_OWN_ROWS_AT = _OWN.size
_OWN_KINDS = (b"traf", b"\0\0\0\x10tfhd\0\2\0\0", b"\0\0\0\x14tfdt\1\0\0\0", b"trun\1\0\x0f\1")


@dataclass(frozen=True, slots=True)
class Track:
    """A track of a segment: its number, `parameters`, clock ticks per second, NAL length size (0 when samples
    are no NAL units), the media time that is shown first, its sample entry box, and `trex` defaults."""

    number: int
    parameters: CodecParameters
    timescale: int
    length_size: int
    begin: int
    entry: bytes
    default_duration: int
    default_size: int
    default_flags: int


@dataclass(frozen=True, slots=True, eq=False)
class SampleTable:
    """The access units of one track of a segment in decode order, as arrays of one length.

    `offset` (int64) and `size` (int32) are bytes in the file; `dts` (int64), `duration` and `shift` (pts − dts, both
    int32) are ticks of the track.
    """

    track: Track
    offset: Ints
    size: Ints
    dts: Ints
    duration: Ints
    shift: Ints
    is_keyframe: NDArray[np.bool_]

    def __len__(self) -> int:
        """How many access units."""
        return len(self.offset)

    @property
    def origin(self) -> int:
        """The time in ticks of the track that is 0 for who reads the segment: when its first picture is shown."""
        if self.track.parameters.is_audio or not len(self):
            return self.track.begin
        return int(self.dts[0] + self.shift[0])


def box_header(head: bytes) -> tuple[bytes, int, int] | None:
    """(type, size of the whole box, size of its header); None when `head` is shorter than a header or is not one.

    A size of 0 ("to the end of the file") is not used in segments and counts as torn.
    """
    if len(head) < 8:
        return None
    size, kind = struct.unpack_from(">I4s", head)
    if size != 1:
        return (kind, size, 8) if size >= 8 else None
    if len(head) < HEADER_BYTES:
        return None
    (large,) = struct.unpack_from(">Q", head, 8)
    return (kind, large, HEADER_BYTES) if large >= HEADER_BYTES else None


def boxes(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """(type, payload) of each whole box that lies in `data`, in order."""
    position = 0
    while (header := box_header(data[position : position + HEADER_BYTES])) is not None:
        kind, size, head = header
        if position + size > len(data):
            return
        yield kind, data[position + head : position + size]
        position += size


@lru_cache(maxsize=_KEPT_HEADERS)
def parse_moov(payload: bytes) -> tuple[Track, ...]:
    """The tracks of a `moov` payload, pictures first; raises ValueError when there is no video track that we know.

    The segments of one camera mostly have the same one, so the last ones are kept.
    """
    defaults = {_u32(extends, 4): extends for kind, extends in boxes(_find(payload, b"mvex")) if kind == b"trex"}
    tracks = [_track(track, defaults) for kind, track in boxes(payload) if kind == b"trak"]
    known = [track for track in tracks if track is not None]
    if all(track.parameters.is_audio for track in known):
        raise ValueError("no H.264, HEVC or AV1 track")
    return tuple(sorted(known, key=lambda track: track.parameters.is_audio))


def tables_of(tracks: Sequence[Track], moofs: Iterable[tuple[int, bytes]]) -> list[SampleTable]:
    """The samples of each track from (file offset, payload) of every `moof`; raises ValueError when one is broken."""
    runs: dict[int, list[Run]] = {track.number: [] for track in tracks}
    by_number = {track.number: track for track in tracks}
    for offset, payload in moofs:
        first = _own_run(payload, offset)
        if first is not None and first[0] in runs:
            runs[first[0]].append(first[1])
            payload = payload[_OWN_ROWS_AT + len(first[1].rows) :]
        for kind, traf in boxes(payload):
            if kind == b"traf":
                header = _find(traf, b"tfhd")
                track = by_number.get(_u32(header, 4))
                if track is not None:
                    runs[track.number] += _parse_traf(traf, header, track, offset)
    return [table_of(track, runs[track.number]) for track in tracks]


@dataclass(frozen=True, slots=True, eq=False)
class Run:
    """Samples that lie together: where their bytes begin, the first dts, and rows of four 32-bit numbers, big endian:
    duration, size, flags, shift."""

    offset: int
    dts: int
    rows: bytes


def _own_run(payload: bytes, moof: int) -> tuple[int, Run] | None:
    """(track, samples) of the pictures of a `moof` that our own writer made, whose boxes lie where they always lie."""
    if len(payload) < _OWN_ROWS_AT:
        return None
    traf, tfhd, number, tfdt, dts, size, trun, count, offset = _OWN.unpack_from(payload)
    if (traf, tfhd, tfdt, trun) != _OWN_KINDS or size != 20 + count * _ROW_BYTES:
        return None
    rows = payload[_OWN_ROWS_AT : _OWN_ROWS_AT + count * _ROW_BYTES]
    return (number, Run(moof + offset, dts, rows)) if len(rows) == count * _ROW_BYTES else None


def table_of(track: Track, runs: Sequence[Run]) -> SampleTable:
    """A table of runs in order; raises ValueError for sizes that cannot be."""
    counts = [len(run.rows) // _ROW_BYTES for run in runs]
    rows = np.frombuffer(b"".join(run.rows for run in runs), ">i4").reshape(-1, 4).astype(np.int32)
    duration, size = rows[:, _DURATION].copy(), rows[:, _SIZE].copy()
    offset = _running(size, [run.offset for run in runs], counts)
    if len(rows) and min(int(duration.min()), int(size.min()), int(offset.min())) < 0:
        raise ValueError("a fragment has sizes or times that cannot be")
    return SampleTable(
        track,
        offset,
        size,
        _running(duration, [run.dts for run in runs], counts),
        duration,
        rows[:, _SHIFT].copy(),
        (rows[:, _FLAGS] & _NON_SYNC_SAMPLE) == 0,
    )


def _running(steps: Ints, starts: Sequence[int], counts: Sequence[int]) -> Ints:
    """The sum of the steps before each one, beginning anew at `starts` after so many."""
    before = np.cumsum(steps, dtype=np.int64) - steps
    if not counts:
        return before
    first = np.cumsum(counts) - counts
    filled = np.array(counts) > 0
    base = np.array(starts, np.int64)
    base[filled] -= before[first[filled]]
    return before + np.repeat(base, counts)


def _track(payload: bytes, defaults: dict[int, bytes]) -> Track | None:
    """None for a track whose codec we do not know."""
    number = _u32(_find(payload, b"tkhd"), 20 if _version(_find(payload, b"tkhd")) else 12)
    media = _find(payload, b"mdia")
    header = _find(media, b"mdhd")
    timescale = _u32(header, 20 if _version(header) else 12)
    kind, body = next(boxes(_find(media, b"minf", b"stbl", b"stsd")[8:]), (b"", b""))
    codec = _CODECS.get(kind)
    if codec is None:
        return None
    parameters, length_size = _entry(codec, body, timescale)
    duration, size, flags = struct.unpack_from(">III", defaults[number], 12) if number in defaults else (0, 0, 0)
    entry = struct.pack(">I4s", 8 + len(body), kind) + body
    return Track(number, parameters, timescale, length_size, _first_shown(payload), entry, duration, size, flags)


def _version(payload: bytes) -> int:
    """The version of a full box."""
    return payload[0]


def _entry(codec: Codec, body: bytes, timescale: int) -> tuple[CodecParameters, int]:
    """(parameters, NAL length size) of a sample entry."""
    if codec == "aac":
        (channels,) = struct.unpack_from(">H", body, 16)
        extradata = _audio_config(_find(body[_AUDIO_ENTRY_BYTES:], b"esds")[4:])
        return CodecParameters(codec, extradata, sample_rate=timescale, channels=channels), 0
    width, height = struct.unpack_from(">HH", body, 24)
    extradata, length_size, has_b_frames = _decoder_config(codec, body[_SAMPLE_ENTRY_BYTES:])
    return CodecParameters(codec, extradata, width, height, has_b_frames=has_b_frames), length_size


def _first_shown(track: bytes) -> int:
    """The media time at the begin of the track's presentation; 0 without an edit list."""
    edits = next((payload for kind, payload in boxes(track) if kind == b"edts"), b"")
    rows = next((payload for kind, payload in boxes(edits) if kind == b"elst"), b"")
    if len(rows) < 8:
        return 0
    wide = _version(rows)
    times = [
        struct.unpack_from(">Qq" if wide else ">Ii", rows, 8 + index * (20 if wide else 12))
        for index in range(_u32(rows, 4))
    ]
    return next((int(time) for _, time in times if time >= 0), 0)


def _audio_config(data: bytes) -> bytes:
    """The AudioSpecificConfig of an `esds` payload: the descriptor 5 inside 4 inside 3 (14496-1, 7.2.6)."""
    for tag, skipped in ((3, 3), (4, 13), (5, 0)):
        if not data or data[0] != tag:
            raise ValueError("esds names no decoder")
        size, position = 0, 1
        while data[position] & 0x80:
            size, position = size << 7 | data[position] & 0x7F, position + 1
        size, position = size << 7 | data[position], position + 1
        data = data[position + skipped : position + size]
    return data


def _parse_traf(traf: bytes, header: bytes, track: Track, moof: int) -> list[Run]:
    defaults = _fragment_defaults(header, track)
    decode_time = _find(traf, b"tfdt")
    (dts,) = struct.unpack_from(">Q" if _version(decode_time) else ">I", decode_time, 4)
    runs: list[Run] = []
    for kind, data in boxes(traf):
        if kind == b"trun":
            offset, rows = _parse_run(data, defaults)
            runs.append(Run(moof + offset, dts, rows.tobytes()))
            dts += int(rows[:, _DURATION].sum(dtype=np.int64))
    return runs


def _decoder_config(codec: Codec, inner: bytes) -> tuple[bytes, int, bool]:
    """(extradata as in `CodecParameters`, NAL length size, whether B-frames are announced)."""
    if codec == "av1":
        return _find(inner, b"av1C")[4:], 0, False
    if codec == "hevc":
        nals, length_size = hevc.parse_hvcc(_find(inner, b"hvcC"))
        return h264.join(nals), length_size, any(_reorders(nal) for nal in nals if hevc.nal_type(nal) == hevc.SPS)
    sps, pps, length_size = h264.parse_avcc(_find(inner, b"avcC"))
    return h264.join([*sps, *pps]), length_size, (h264.parse_sps(sps[0]).max_reorder_frames or 0) > 0


def _reorders(sps: bytes) -> bool:
    return hevc_sps.parse_sps(sps).max_reorder_frames > 0


def _u32(data: bytes, position: int) -> int:
    value: int = struct.unpack_from(">I", data, position)[0]
    return value


def _fragment_defaults(header: bytes, track: Track) -> tuple[int, int, int]:
    present = int.from_bytes(header[1:4])
    position = 8 + 8 * bool(present & 0x1) + 4 * bool(present & 0x2)
    values = [track.default_duration, track.default_size, track.default_flags]
    for index, bit in enumerate((0x8, 0x10, 0x20)):
        if present & bit:
            (values[index],) = struct.unpack_from(">I", header, position)
            position += 4
    return values[0], values[1], values[2]


def _parse_run(run: bytes, defaults: tuple[int, int, int]) -> tuple[int, NDArray[np.uint32]]:
    """(offset of the bytes from the `moof`, rows of duration, size, flags, shift) of a `trun`.

    Version 0 has unsigned shifts; real ones never reach the sign bit, so one reading serves both.
    """
    present = int.from_bytes(run[1:4])
    count, position, offset = _u32(run, 4), 8, 0
    if present & 0x1:
        (offset,) = struct.unpack_from(">i", run, position)
        position += 4
    first_flags = _u32(run, position) if present & 0x4 else None
    position += 4 * bool(present & 0x4)
    columns = [column for column, bit in enumerate(_RUN_BITS) if present & bit]
    if not columns and count > _MOST_BARE_SAMPLES:
        raise ValueError("a fragment names more samples than it can hold")
    given = np.frombuffer(run, ">u4", count * len(columns), position).reshape(count, len(columns))
    rows = np.empty((count, 4), ">u4")
    rows[:] = (*defaults, 0)
    rows[:, columns] = given
    if first_flags is not None and count:
        rows[0, _FLAGS] = first_flags
    return offset, rows


def _find(data: bytes, *path: bytes) -> bytes:
    for name in path:
        data = next((payload for kind, payload in boxes(data) if kind == name), b"")
        if not data:
            raise ValueError(f"box {name.decode('latin-1')!r} is missing")
    return data
