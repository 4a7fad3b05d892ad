"""The boxes of our own segment files, read without libav: where each access unit lies and when it is shown. No I/O.

Follows ISO/IEC 14496-12 (boxes, §8.8 movie fragments) and 14496-15 (`avcC`, `hvcC`). Reads what `fmp4.SegmentWriter`
writes: one video track, `default-base-is-moof` fragments.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from vedette.media import h264, hevc
from vedette.media.unit import Codec, CodecParameters

HEADER_BYTES = 16
_CODECS: dict[bytes, Codec] = {b"avc1": "h264", b"avc3": "h264", b"hvc1": "hevc", b"hev1": "hevc"}
_SAMPLE_ENTRY_BYTES = 78
_NON_SYNC_SAMPLE = 0x10000


@dataclass(frozen=True, slots=True)
class Track:
    """The one track of a segment: `parameters`, clock ticks per second, NAL length size and `trex` defaults."""

    parameters: CodecParameters
    timescale: int
    length_size: int
    default_duration: int
    default_size: int
    default_flags: int


@dataclass(frozen=True, slots=True)
class Sample:
    """One access unit in a part: byte offset from the start of its `moof`, times in ticks of the track."""

    offset: int
    size: int
    dts: int
    pts: int
    duration: int
    is_keyframe: bool


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


def parse_moov(payload: bytes) -> Track:
    """The track of a `moov` payload; raises ValueError when there is no video track that we know."""
    track = _find(payload, b"trak", b"mdia")
    entry = _find(track, b"minf", b"stbl", b"stsd")[8:]
    kind, body = next(boxes(entry), (b"", b""))
    codec = _CODECS.get(kind)
    if codec is None:
        raise ValueError(f"no H.264 or HEVC track, but {kind.decode('latin-1')!r}")
    width, height = struct.unpack_from(">HH", body, 24)
    inner = body[_SAMPLE_ENTRY_BYTES:]
    extradata, length_size, has_b_frames = _decoder_config(codec, inner)
    header = _find(track, b"mdhd")
    (timescale,) = struct.unpack_from(">I", header, 20 if header[0] else 12)
    duration, size, flags = struct.unpack_from(">III", _find(payload, b"mvex", b"trex"), 12)
    parameters = CodecParameters(codec, extradata, width, height, has_b_frames=has_b_frames)
    return Track(parameters, timescale, length_size, duration, size, flags)


def parse_moof(payload: bytes, track: Track) -> list[Sample]:
    """The access units of one part, in decode order, from its `moof` payload."""
    traf = _find(payload, b"traf")
    duration, size, flags = _fragment_defaults(_find(traf, b"tfhd"), track)
    decode_time = _find(traf, b"tfdt")
    (dts,) = struct.unpack_from(">Q" if decode_time[0] else ">I", decode_time, 4)
    samples: list[Sample] = []
    for kind, run in boxes(traf):
        if kind == b"trun":
            samples += _parse_run(run, dts, duration, size, flags)
            dts = samples[-1].dts + samples[-1].duration if samples else dts
    return samples


def _decoder_config(codec: Codec, inner: bytes) -> tuple[bytes, int, bool]:
    """(Annex B extradata, NAL length size, whether B-frames are announced)."""
    if codec == "hevc":
        nals, length_size = hevc.parse_hvcc(_find(inner, b"hvcC"))
        return h264.join(nals), length_size, False
    sps, pps, length_size = h264.parse_avcc(_find(inner, b"avcC"))
    return h264.join([*sps, *pps]), length_size, (h264.parse_sps(sps[0]).max_reorder_frames or 0) > 0


def _fragment_defaults(header: bytes, track: Track) -> tuple[int, int, int]:
    present = int.from_bytes(header[1:4])
    position = 8 + 8 * bool(present & 0x1) + 4 * bool(present & 0x2)
    values = [track.default_duration, track.default_size, track.default_flags]
    for index, bit in enumerate((0x8, 0x10, 0x20)):
        if present & bit:
            (values[index],) = struct.unpack_from(">I", header, position)
            position += 4
    return values[0], values[1], values[2]


def _parse_run(run: bytes, dts: int, duration: int, size: int, flags: int) -> list[Sample]:
    present = int.from_bytes(run[1:4])
    (count,) = struct.unpack_from(">I", run, 4)
    position = 8
    offset, first_flags = 0, None
    if present & 0x1:
        (offset,) = struct.unpack_from(">i", run, position)
        position += 4
    if present & 0x4:
        (first_flags,) = struct.unpack_from(">I", run, position)
        position += 4
    row = struct.Struct(">" + "".join(code for bit, code in _RUN_FIELDS if present & bit))
    samples = []
    for index in range(count):
        fields = iter(row.unpack_from(run, position))
        position += row.size
        this_duration = next(fields) if present & 0x100 else duration
        this_size = next(fields) if present & 0x200 else size
        this_flags = next(fields) if present & 0x400 else flags
        shift = next(fields) if present & 0x800 else 0
        if index == 0 and first_flags is not None:
            this_flags = first_flags
        samples.append(Sample(offset, this_size, dts, dts + shift, this_duration, not this_flags & _NON_SYNC_SAMPLE))
        offset += this_size
        dts += this_duration
    return samples


# Version 0 has unsigned composition offsets; real ones never reach the sign bit, so one reading serves both.
_RUN_FIELDS = ((0x100, "I"), (0x200, "I"), (0x400, "I"), (0x800, "i"))


def _find(data: bytes, *path: bytes) -> bytes:
    for name in path:
        data = next((payload for kind, payload in boxes(data) if kind == name), b"")
        if not data:
            raise ValueError(f"box {name.decode('latin-1')!r} is missing")
    return data
