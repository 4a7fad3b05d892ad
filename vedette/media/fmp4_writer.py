"""Writes segments: fragmented MP4 by packet copy, in our own few lines, because a frame must not cost more than its
bytes.

A segment holds one video elementary stream, and the sound beside it where it is recorded. It begins at a keyframe whose
pts is 0; where it lies on the wall clock is the catalogue's business. A file is

    ftyp · moov · uuid(header) · then part after part: moof · mdat · uuid(seal)

and the last part has a `uuid(index)` before its seal, which repeats what all the `moof`s say, so that a clip needs one
read of a finished file instead of one a part (`mp4_index`).

The header and the seals make a segment explain itself, so that a torn file is judged, and a lost catalogue rebuilt,
from the files alone. The payload of `uuid(header)` is whatever the caller gives (`HEADER_UUID`). The seal
(`SEAL_UUID`, 48 bytes with its box header, big endian) is put behind each part by who writes the file, since it needs
the digest of the bytes before it:

    u32 48 · "uuid" · 16 bytes SEAL_UUID · u64 end_90k · 16 bytes BLAKE2b-128 of the file so far

`end_90k` is where the part ends, in 90 kHz ticks of decode time from the segment's begin. A part closes before the unit
that comes `part_us` after its first, so that is the most a crash can lose. No I/O.
"""

import struct
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace

from vedette.kernel.errors import unprocessable
from vedette.media import av1_config, h264, hevc
from vedette.media.mp4_boxes import (
    AUDIO_TRACK,
    NON_SYNC_FLAGS,
    SYNC_FLAGS,
    VIDEO_TRACK,
    Edit,
    box,
    empty_tables,
    file_type,
    full_box,
    movie,
    sample_entry,
    track,
    uuid_box,
)
from vedette.media.mp4_index import IndexedTrack, index_box
from vedette.media.unit import TICKS_PER_SECOND, AccessUnit, CodecParameters, us_to_90k

HEADER_UUID = bytes.fromhex("7665646574746500a1c4b7f05d9e4e01")
SEAL_UUID = bytes.fromhex("7665646574746500a1c4b7f05d9e4e02")
SEAL_BYTES = 48
DIGEST_BYTES = 16
SEALED_BYTES = SEAL_BYTES - DIGEST_BYTES
"""The head of a seal, which its digest covers."""
DEFAULT_DURATION_90K = 3000
_SEAL = struct.Struct(">I4s16sQ16s")
_MOST_PART_BYTES = 8 << 20
"""A part closes early at this size, so that no stream can make us hold more."""
_AAC_FRAME = 1024
_JITTER_PER_SECOND = 100
"""Sound that is off by less than 1/100 s is taken to follow what came before."""
_U32 = 0xFFFF_FFFF
_BASE_IS_MOOF, _HAS_FLAGS = 0x20000, 0x20
_HAS_OFFSET, _HAS_DURATIONS, _HAS_SIZES, _HAS_ROW_FLAGS, _HAS_SHIFTS = 0x1, 0x100, 0x200, 0x400, 0x800
_MOOF_HEAD_BYTES, _TRAF_BYTES, _SOUND_TRAF_BYTES = 24, 64, 68
_EXTRADATA: dict[str, Callable[[bytes], bytes]] = {
    "h264": h264.extradata_of,
    "hevc": hevc.extradata_of,
    "av1": av1_config.extradata_of,
}


@dataclass(frozen=True, slots=True)
class SegmentSummary:
    """What was written: video access units, bytes without seals, and the exact duration with the last unit's."""

    units: int
    bytes: int
    duration_90k: int


def seal(end_90k: int, digest: bytes) -> bytes:
    """The box behind a part that ends at `end_90k`; `digest` is BLAKE2b-128 of the file and of `seal_head`."""
    return seal_head(end_90k) + digest


def seal_head(end_90k: int) -> bytes:
    """The seal up to its digest, which vouches for it, too."""
    return _SEAL.pack(SEAL_BYTES, b"uuid", SEAL_UUID, end_90k, bytes(DIGEST_BYTES))[:SEALED_BYTES]


def read_seal(data: bytes) -> tuple[int, bytes] | None:
    """(`end_90k`, digest) of a whole seal, None when it is none."""
    if len(data) != SEAL_BYTES:
        return None
    size, kind, name, end_90k, digest = _SEAL.unpack(data)
    return (end_90k, digest) if (size, kind, name) == (SEAL_BYTES, b"uuid", SEAL_UUID) else None


class SegmentWriter:
    """Makes the bytes of one segment, without seals. Holds the pending part and no more. Not thread-safe.

    `header` goes into the file's `uuid(header)`, which is left out when it is empty. `audio` adds a track for AAC.
    `has_index` is for files whose parts are sealed; it costs 16 bytes of memory a picture.
    """

    def __init__(
        self,
        video: CodecParameters,
        *,
        audio: CodecParameters | None = None,
        part_us: int = 1_000_000,
        header: bytes = b"",
        has_index: bool = True,
    ) -> None:
        if video.codec not in _EXTRADATA:
            raise unprocessable(
                f"Only H.264, HEVC and AV1 can be recorded, not {video.codec}. Change the camera's codec."
            )
        if audio is not None and audio.codec != "aac":
            raise unprocessable(f"Sound is recorded as AAC, not {audio.codec}. Transcode it, or record without sound.")
        self._video, self._header = video, header
        self._sound = _Sound(audio) if audio else None
        self._part_90k = us_to_90k(part_us)
        self._is_annexb = video.codec != "av1"
        self._index = {VIDEO_TRACK: IndexedTrack(4), AUDIO_TRACK: IndexedTrack(2)} if has_index else {}
        self._entry = b""
        self._origin = self._first_pts = self._part_dts = self._last_dts = self._last_duration = 0
        self._duration = DEFAULT_DURATION_90K
        self._rows: list[int] = []
        self._pieces: list[bytes | memoryview] = []
        self._pending = self._written = self._parts = 0
        self.units = 0
        self.end_90k = 0
        """Where the part that was returned last ends, as its seal must say."""

    @property
    def pending_bytes(self) -> int:
        """The size of the pictures that wait for their part to close."""
        return self._pending

    def write(self, unit: AccessUnit) -> bytes | None:
        """Append a unit. Returns a whole part when the unit is the first one behind it; the first such piece begins
        with the header of the file. Sound is left out while there is no track for it, or no picture yet.

        Fault 422 when the first picture is not a keyframe, dts does not rise or the codec changes.
        """
        if unit.parameters.sample_rate:
            if self._sound and self.units:
                self._sound.append(unit, self._first_pts, may_lead=not self._parts)
            return None
        dts, part, data, spans = unit.dts_90k, None, unit.data, unit.spans
        if not self.units:
            self._begin(unit)
        else:
            duration = dts - self._last_dts
            if duration <= 0:
                raise unprocessable("The decode times of a recording must rise.")
            self._rows[-4] = self._duration = duration
            if dts - self._part_dts >= self._part_90k or self._pending > _MOST_PART_BYTES:
                part = self._close_part(dts)
        if unit.parameters is not self._video:
            data, spans = self._changed(unit), ()
        pieces = h264.length_prefixed(data, spans) if self._is_annexb else [data]
        size = sum(map(len, pieces))
        self._pieces += pieces
        self._pending += size
        flags = SYNC_FLAGS if unit.is_keyframe else NON_SYNC_FLAGS
        self._rows += (0, size, flags, (unit.pts_90k - dts) & _U32)
        self._last_dts, self._last_duration = dts, unit.duration_90k
        self.units += 1
        return part

    def close(self, *, next_dts_90k: int | None = None) -> tuple[bytes, SegmentSummary]:
        """The last part, b"" when nothing was written, and what was written in all.

        Give the dts of the unit after it, in the source's time, where it is known: it makes the duration exact;
        otherwise the last unit lasts as long as it says, or as the one before.
        """
        if not self.units:
            return b"", SegmentSummary(0, 0, 0)
        end = self._last_dts + (self._last_duration or self._duration) if next_dts_90k is None else next_dts_90k
        if end <= self._last_dts:
            raise unprocessable("The decode times of a recording must rise.")
        self._rows[-4] = end - self._last_dts
        part = self._close_part(end)
        if self._index:
            index = index_box(self._index)
            part, self._written = part + index, self._written + len(index)
        return part, SegmentSummary(self.units, self._written, self.end_90k)

    def _begin(self, unit: AccessUnit) -> None:
        if not unit.is_keyframe:
            raise unprocessable("A recording begins with a keyframe.")
        video, inside = self._video, _EXTRADATA[self._video.codec](unit.data)
        if not video.extradata and not inside:
            raise unprocessable("The stream has no parameter sets, so it cannot be recorded yet.")
        described = video if video.extradata else replace(video, extradata=inside)
        self._entry = sample_entry(described, in_band=bool(inside))
        self._origin = self._part_dts = unit.dts_90k
        self._first_pts = unit.pts_90k

    def _changed(self, unit: AccessUnit) -> bytes:
        """A unit's bytes, led by its parameter sets where neither it nor the header of the file holds them."""
        parameters, extradata = unit.parameters, unit.parameters.extradata
        if parameters.codec != self._video.codec:
            raise unprocessable("The codec changes within this recording. Ask for a shorter time range.")
        if not unit.is_keyframe or extradata == self._video.extradata or _EXTRADATA[parameters.codec](unit.data):
            return unit.data
        if not extradata:
            raise unprocessable("The stream has no parameter sets, so it cannot be recorded yet.")
        return extradata + unit.data

    def _close_part(self, end_dts: int) -> bytes:
        """`moof` and `mdat` of what is pending, behind the header of the file when it is the first."""
        sound = self._sound
        first = self._header_of_file() if not self._parts else b""
        self._parts += 1
        count = len(self._rows) // 4
        heard = len(sound.rows) // 2 if sound else 0
        moof = _MOOF_HEAD_BYTES + _TRAF_BYTES + 16 * count + (_SOUND_TRAF_BYTES + 8 * heard if heard else 0)
        start = self._part_dts - self._origin + max(0, self._origin - self._first_pts)
        rows = struct.pack(f">{len(self._rows)}I", *self._rows)
        # Where this part will lie in a file whose parts are sealed.
        place = self._written + (self._parts - 1) * SEAL_BYTES + len(first) + moof + 8
        trafs = [_video_traf(rows, start, moof + 8)]
        self._note(VIDEO_TRACK, place, start, rows)
        pieces, payload = self._pieces, self._pending
        if sound and heard:
            sound_rows = struct.pack(f">{len(sound.rows)}I", *sound.rows)
            trafs.append(sound.traf(sound_rows, moof + 8 + payload))
            self._note(AUDIO_TRACK, place + payload, sound.start, sound_rows)
            pieces += sound.pieces
            payload += sound.bytes
            sound.clear()
        fragment = box(b"moof", full_box(b"mfhd", 0, 0, struct.pack(">I", self._parts)), *trafs)
        part = b"".join((first, fragment, struct.pack(">I4s", 8 + payload, b"mdat"), *pieces))
        self._rows, self._pieces, self._pending = [], [], 0
        self._part_dts, self.end_90k = end_dts, end_dts - self._origin
        self._written += len(part)
        return part

    def _note(self, track: int, place: int, start: int, rows: bytes) -> None:
        if self._index:
            self._index[track].add(place, start, rows)

    def _header_of_file(self) -> bytes:
        # The first picture is shown at 0, whatever its dts; sound may begin before it.
        lead = max(0, self._first_pts - self._origin)
        tracks = [track(self._video, empty_tables(self._entry), edits=[Edit(0, lead)] if lead else [])]
        numbers = [VIDEO_TRACK]
        if self._sound:
            tracks.append(self._sound.track())
            numbers.append(AUDIO_TRACK)
        header = uuid_box(HEADER_UUID, self._header) if self._header else b""
        return file_type(fragmented=True) + movie(tracks, fragments=numbers) + header


def fragmented(units: Iterable[AccessUnit], *, audio: CodecParameters | None = None) -> Iterator[bytes]:
    """The units as the bytes of a segment without seals, part by part; sound before the first picture is left out."""
    writer: SegmentWriter | None = None
    for unit in units:
        if writer is None and not unit.parameters.is_audio:
            writer = SegmentWriter(unit.parameters, audio=audio, has_index=False)
        part = writer.write(unit) if writer is not None else None
        if part is not None:
            yield part
    if writer is not None:
        yield writer.close()[0]


class _Sound:
    """The sound of the pending part, on a clock that counts its samples from the first picture."""

    def __init__(self, parameters: CodecParameters) -> None:
        self._parameters, self._rate = parameters, parameters.sample_rate
        self._entry = sample_entry(parameters, in_band=False)
        self._lead = self.start = self._last = self._frame = 0
        self._begun = False
        self.rows: list[int] = []
        self.pieces: list[bytes] = []
        self.bytes = 0

    def append(self, unit: AccessUnit, first_pts: int, *, may_lead: bool) -> None:
        """Take a frame. Small jitter is smoothed away; what overlaps follows what came before it."""
        at = ((unit.pts_90k - first_pts) * self._rate * 2 + TICKS_PER_SECOND) // (TICKS_PER_SECOND * 2)
        if not self._begun:
            if may_lead:
                self._lead = max(0, -at)
            if at + self._lead < 0:
                return
        at += self._lead
        if self._begun:
            follows = self._last + self._frame
            at = follows if at - follows <= self._rate // _JITTER_PER_SECOND else at
        if self.rows:
            self.rows[-2] = at - self._last
        else:
            self.start = at
        duration = (unit.duration_90k * self._rate * 2 + TICKS_PER_SECOND) // (TICKS_PER_SECOND * 2)
        self._begun, self._last, self._frame = True, at, duration or _AAC_FRAME
        self.rows += (self._frame, len(unit.data))
        self.pieces.append(unit.data)
        self.bytes += len(unit.data)

    def track(self) -> bytes:
        """Its `trak`, once the sound of the first part is there."""
        edits = [Edit(0, self._lead)] if self._lead else []
        return track(self._parameters, empty_tables(self._entry), edits=edits)

    def traf(self, rows: bytes, data_offset: int) -> bytes:
        """Its fragment of the pending part; `rows` are packed, `data_offset` counts from the `moof`."""
        flags = _HAS_OFFSET | _HAS_DURATIONS | _HAS_SIZES
        return box(
            b"traf",
            full_box(b"tfhd", 0, _BASE_IS_MOOF | _HAS_FLAGS, struct.pack(">II", AUDIO_TRACK, SYNC_FLAGS)),
            full_box(b"tfdt", 1, 0, struct.pack(">Q", self.start)),
            full_box(b"trun", 1, flags, struct.pack(">Ii", len(rows) // 8, data_offset), rows),
        )

    def clear(self) -> None:
        """The part is closed."""
        self.rows, self.pieces, self.bytes = [], [], 0


def _video_traf(rows: bytes, start: int, data_offset: int) -> bytes:
    """The pictures' fragment: a row is duration, size, flags and the signed shift from dts to pts."""
    flags = _HAS_OFFSET | _HAS_DURATIONS | _HAS_SIZES | _HAS_ROW_FLAGS | _HAS_SHIFTS
    return box(
        b"traf",
        full_box(b"tfhd", 0, _BASE_IS_MOOF, struct.pack(">I", VIDEO_TRACK)),
        full_box(b"tfdt", 1, 0, struct.pack(">Q", start)),
        full_box(b"trun", 1, flags, struct.pack(">Ii", len(rows) // 16, data_offset), rows),
    )
