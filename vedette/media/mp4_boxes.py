"""The boxes of MP4 files as bytes: what segments and clips have in common. No I/O.

Follows ISO/IEC 14496-12 (boxes), 14496-15 (`avcC`, `hvcC`), 14496-14 (`esds`) and the AV1 binding (`av1C`). The movie's
clock and that of video are 90 kHz, sound counts in samples.
"""

import struct
from collections.abc import Sequence
from dataclasses import dataclass

from vedette.kernel.errors import unprocessable
from vedette.media import av1_config, h264, hevc
from vedette.media.unit import TICKS_PER_SECOND, CodecParameters

SYNC_FLAGS = 0x02000000
NON_SYNC_FLAGS = 0x01010000
VIDEO_TRACK, AUDIO_TRACK = 1, 2
_MATRIX = struct.pack(">9I", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)
_UNDETERMINED = 0x55C4
"""The language "und", five bits a letter."""
_DPI_72 = 0x00480000


@dataclass(frozen=True, slots=True)
class Edit:
    """One entry of an edit list: `duration` in 90 kHz ticks, `media_time` in the track's own, -1 for a pause."""

    duration: int
    media_time: int


def box(kind: bytes, *payload: bytes) -> bytes:
    """A box of less than 4 GiB."""
    return b"".join((struct.pack(">I4s", 8 + sum(map(len, payload)), kind), *payload))


def full_box(kind: bytes, version: int, flags: int, *payload: bytes) -> bytes:
    """A box that begins with a version and 24 flags."""
    return box(kind, struct.pack(">I", version << 24 | flags), *payload)


def uuid_box(name: bytes, payload: bytes) -> bytes:
    """A box of our own; `name` has 16 bytes. Readers that do not know it skip it."""
    return box(b"uuid", name, payload)


def timescale_of(parameters: CodecParameters) -> int:
    """Ticks per second of a track in our files."""
    return parameters.sample_rate or TICKS_PER_SECOND


def file_type(*, fragmented: bool) -> bytes:
    """`ftyp`: what a reader must know to read the file."""
    brands = (b"iso6", b"mp41") if fragmented else (b"isom", b"iso4", b"mp41", b"mp42")
    return box(b"ftyp", brands[0], struct.pack(">I", 512), *brands)


def movie(tracks: Sequence[bytes], *, duration: int = 0, fragments: Sequence[int] = (), creation_s: int = 0) -> bytes:
    """`moov` around whole `trak` boxes; `duration` in 90 kHz ticks; `fragments` names tracks that go on in `moof`s."""
    header = full_box(
        b"mvhd",
        1,
        0,
        struct.pack(">QQIQIH10x", creation_s, creation_s, TICKS_PER_SECOND, duration, 0x10000, 0x100),
        _MATRIX,
        struct.pack(">24xI", max(VIDEO_TRACK, AUDIO_TRACK) + 1),
    )
    extends = [full_box(b"trex", 0, 0, struct.pack(">5I", track, 1, 0, 0, NON_SYNC_FLAGS)) for track in fragments]
    return box(b"moov", header, *tracks, *([box(b"mvex", *extends)] if extends else []))


def track(
    parameters: CodecParameters,
    tables: bytes,
    *,
    duration: int = 0,
    media_duration: int = 0,
    edits: Sequence[Edit] = (),
) -> bytes:
    """`trak` around the boxes of an `stbl`. `duration` is in 90 kHz ticks, `media_duration` in the track's own."""
    number = AUDIO_TRACK if parameters.is_audio else VIDEO_TRACK
    volume = 0x100 if parameters.is_audio else 0
    header = full_box(
        b"tkhd",
        1,
        3,
        struct.pack(">QQIIQ8xHHHH", 0, 0, number, 0, duration, 0, parameters.is_audio, volume, 0),
        _MATRIX,
        struct.pack(">II", parameters.width << 16, parameters.height << 16),
    )
    media_header = full_box(
        b"mdhd", 1, 0, struct.pack(">QQIQHH", 0, 0, timescale_of(parameters), media_duration, _UNDETERMINED, 0)
    )
    kind, name = (b"soun", b"sound\0") if parameters.is_audio else (b"vide", b"video\0")
    handler = full_box(b"hdlr", 0, 0, struct.pack(">4x4s12x", kind), name)
    kind_header = full_box(b"smhd", 0, 0, bytes(4)) if parameters.is_audio else full_box(b"vmhd", 0, 1, bytes(8))
    here = full_box(b"url ", 0, 1)
    data = box(b"dinf", full_box(b"dref", 0, 0, struct.pack(">I", 1), here))
    info = box(b"minf", kind_header, data, box(b"stbl", tables))
    return box(b"trak", header, edit_list(edits), box(b"mdia", media_header, handler, info))


def edit_list(edits: Sequence[Edit]) -> bytes:
    """`edts`, nothing without edits."""
    if not edits:
        return b""
    rows = [struct.pack(">QqI", edit.duration, edit.media_time, 0x10000) for edit in edits]
    return box(b"edts", full_box(b"elst", 1, 0, struct.pack(">I", len(rows)), *rows))


def empty_tables(entry: bytes) -> bytes:
    """The sample tables of a track whose samples all lie in fragments."""
    none = struct.pack(">I", 0)
    return b"".join(
        (
            descriptions([entry]),
            full_box(b"stts", 0, 0, none),
            full_box(b"stsc", 0, 0, none),
            full_box(b"stsz", 0, 0, none, none),
            full_box(b"stco", 0, 0, none),
        )
    )


def descriptions(entries: Sequence[bytes]) -> bytes:
    """`stsd`: the sample entries of a track."""
    return full_box(b"stsd", 0, 0, struct.pack(">I", len(entries)), *entries)


def sample_entry(parameters: CodecParameters, *, in_band: bool) -> bytes:
    """How samples are decoded, from `parameters.extradata`; `in_band` says that H.265 samples hold parameter sets, too.

    Fault 422 when the codec does not belong into MP4 or its parameter sets are missing or broken.
    """
    try:
        if parameters.codec == "aac":
            return _audio_entry(parameters)
        return _video_entry(parameters, in_band=in_band)
    except (ValueError, IndexError) as error:
        raise unprocessable(
            f"The stream's {parameters.codec} parameter sets cannot be read ({error}), so it cannot be recorded yet."
        ) from error


def _video_entry(parameters: CodecParameters, *, in_band: bool) -> bytes:
    extradata = parameters.extradata
    if not extradata:
        raise ValueError("there are none")
    match parameters.codec:
        case "h264":
            kind, config = b"avc1", box(b"avcC", h264.avcc_extradata(*h264.parameter_sets(extradata)))
        case "hevc":
            kind, config = b"hev1" if in_band else b"hvc1", box(b"hvcC", hevc.hvcc_extradata(h264.split(extradata)))
        case "av1":
            kind, config = b"av01", box(b"av1C", av1_config.record_of(extradata))
        case codec:
            raise unprocessable(f"Only H.264, HEVC and AV1 can be recorded, not {codec}. Change the camera's codec.")
    head = struct.pack(">6xH16xHHII4xH32xHh", 1, parameters.width, parameters.height, _DPI_72, _DPI_72, 1, 0x18, -1)
    return box(kind, head, config)


def _audio_entry(parameters: CodecParameters) -> bytes:
    if not parameters.extradata:
        raise ValueError("there are none")
    head = struct.pack(">6xH8xHH4xI", 1, parameters.channels, 16, min(parameters.sample_rate, 0xFFFF) << 16)
    specific = _descriptor(5, parameters.extradata)
    # 0x40: MPEG-4 audio; 0x15: an audio stream, upstream 0, reserved 1 (14496-1, 7.2.6.6).
    config = _descriptor(4, struct.pack(">BB3xII", 0x40, 0x15, 0, 0), specific)
    stream = _descriptor(3, struct.pack(">HB", 0, 0), config, _descriptor(6, b"\x02"))
    return box(b"mp4a", head, full_box(b"esds", 0, 0, stream))


def _descriptor(tag: int, *payload: bytes) -> bytes:
    size = sum(map(len, payload))
    length = bytes(size >> shift & 0x7F | (0x80 if shift else 0) for shift in (21, 14, 7, 0))
    return b"".join((bytes([tag]), length, *payload))
