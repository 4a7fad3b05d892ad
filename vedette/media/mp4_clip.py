"""Clips without making them: a progressive MP4 of any part of any segments is a computed header and byte ranges of
their files. No I/O.

The idea is Moonfire NVR's: media bytes are never moved, only `moov` is synthesised, so the size is known before the
first byte and any HTTP range can be served. Decode times run on over the seams, signed composition offsets keep
B-frames in place, and an edit list makes the first wanted picture time 0.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Literal

import numpy as np

from vedette.kernel.errors import not_found, unprocessable
from vedette.media.mp4 import Ints, SampleTable, Track
from vedette.media.mp4_boxes import Edit
from vedette.media.mp4_progressive import ClipTrack, Samples, assemble
from vedette.media.unit import TICKS_PER_SECOND, ticks_to_us, us_to_90k

type Gaps = Literal["close", "keep"]
_JITTER_90K = TICKS_PER_SECOND // 100
"""Sound that is off by less than this follows what came before it."""
_EARLY_90K = TICKS_PER_SECOND
_FOR_EVER_90K = 1 << 40


@dataclass(frozen=True, slots=True, eq=False)
class ClipCut:
    """`[start_90k, end_90k)` of a segment in ticks from its first picture, which was captured at `wall_us` (UTC).

    `source` names the file for the reader of the plan. `follows` says that nothing is missing before it: the cut before
    ends where its segment ends, and this one begins its own. `leans` is off when the pictures of the cut before it are
    not those that were recorded: what leans on them is then left out.
    """

    source: str
    tables: Sequence[SampleTable]
    start_90k: int
    end_90k: int
    wall_us: int
    follows: bool = False
    leans: bool = True


@dataclass(frozen=True, slots=True, eq=False)
class ClipPlan:
    """A clip: `head`, and then for each i the `lengths[i]` bytes at `offsets[i]` of `sources[files[i]]`, which end at
    `ends[i]` of the clip.

    `wall_us` is the capture time of the first picture in it, `shown_us` of the first that is shown; `duration_90k` is
    what a player shows. `tag` names exactly these bytes.
    """

    head: bytes
    tracks: Sequence[ClipTrack]
    sources: Sequence[str]
    files: Ints
    offsets: Ints
    lengths: Ints
    ends: Ints
    wall_us: int
    shown_us: int
    duration_90k: int
    units: int
    has_audio: bool
    tag: str

    @property
    def size(self) -> int:
        """The clip's length in bytes."""
        return int(self.ends[-1])

    def pieces(self, start: int, stop: int) -> Iterator[tuple[str | None, int, int]]:
        """(source, offset, length) of the bytes `[start, stop)` of the clip, in order; the source None is `head`."""
        stop = min(stop, self.size)
        if start < min(stop, len(self.head)):
            yield None, start, min(stop, len(self.head)) - start
        position = max(start, len(self.head))
        index = int(np.searchsorted(self.ends, position, side="right"))
        while position < stop:
            end, length = int(self.ends[index]), int(self.lengths[index])
            skipped = position - (end - length)
            wanted = min(stop, end) - position
            yield self.sources[int(self.files[index])], int(self.offsets[index]) + skipped, wanted
            position, index = position + wanted, index + 1


class _Chosen:
    """What is chosen of one elementary stream, cut after cut."""

    def __init__(self, timescale: int) -> None:
        self.timescale = timescale
        self.next_dts = 0
        self.decoders: list[Track] = []
        self._entries: list[bytes] = []
        self._parts: list[Samples] = []

    def add(self, number: int, table: SampleTable, chosen: Ints, dts: Ints) -> None:
        """Takes the chosen samples of the table of cut `number`, at these times of the clip."""
        if table.track.entry not in self._entries:
            self._entries.append(table.track.entry)
            self.decoders.append(table.track)
        entry = self._entries.index(table.track.entry)
        self._parts.append(
            Samples(
                source=np.full(len(chosen), number, np.int32),
                entry=np.full(len(chosen), entry, np.int32),
                offset=table.offset[chosen],
                size=table.size[chosen],
                dts=dts,
                shift=table.shift[chosen],
                is_keyframe=table.is_keyframe[chosen],
            )
        )
        self.next_dts = int(dts[-1] + table.duration[chosen[-1]])

    @property
    def has_any(self) -> bool:
        """Whether anything was chosen."""
        return bool(self._parts)

    @property
    def samples(self) -> Samples:
        """All of them."""
        return Samples.joined(self._parts)


@dataclass(slots=True)
class _Shown:
    """What a player shows, in 90 kHz ticks: capture time of the first picture in the clip, its shift from dts to pts,
    what is hidden before the start, and where it ends."""

    wall_us: int = 0
    zero: int = 0
    lead: int = 0
    end: int = 0


def plan_clip(cuts: Sequence[ClipCut], *, gaps: Gaps = "close", exact: bool = False) -> ClipPlan:
    """Plans the clip of the cuts, which are in order of time.

    It begins at the keyframe at or before the start; `exact` has the player hide what comes before the start and after
    the end. `gaps="close"` puts cuts end to end, "keep" leaves the wall time between them in the file. Sound is there
    when every cut has it. Fault 404 when there is nothing in the cuts, 422 when their codecs differ.
    """
    cuts = [cut for cut in cuts if cut.tables and len(cut.tables[0])]
    if not cuts:
        raise not_found("Nothing was recorded in this time range. Ask the timeline for what there is.")
    _check_codecs(cuts)
    video, shown = _Chosen(TICKS_PER_SECOND), _Shown()
    audio = _Chosen(cuts[0].tables[1].track.timescale) if _has_common_sound(cuts) else None
    for number, cut in enumerate(cuts):
        table = cut.tables[0]
        runs_on = number + 1 < len(cuts) and cuts[number + 1].follows
        chosen = _pictures(cut, runs_on=runs_on)
        first = int(chosen[0])
        shown_at = int(table.dts[first] + table.shift[first]) - table.origin
        wall_us = cut.wall_us + ticks_to_us(shown_at)
        if not number:
            shown = _Shown(wall_us, int(table.shift[first]), max(0, cut.start_90k - shown_at) if exact else 0)
        kept = us_to_90k(wall_us - shown.wall_us) if gaps == "keep" and not cut.follows else 0
        move = max(video.next_dts, kept) - int(table.dts[first])
        video.add(number, table, chosen, table.dts[chosen] + move)
        shown.end = _end_of(cut, chosen, exact=exact) + move + table.origin - shown.zero
        if audio is not None:
            span = (-_EARLY_90K if cut.follows else shown_at, _FOR_EVER_90K if runs_on else cut.end_90k)
            _add_sound(audio, number, cut.tables[1], span=span, move_90k=move + table.origin - shown.zero)
    return _plan(cuts, video, audio if audio is not None and audio.has_any else None, shown=shown)


def _check_codecs(cuts: Sequence[ClipCut]) -> None:
    codecs = list(dict.fromkeys(cut.tables[0].track.parameters.codec for cut in cuts))
    if len(codecs) > 1:
        raise unprocessable(
            f"The camera changed its codec in this time range ({' and '.join(codecs)}), and one clip has one codec. "
            "Ask for the ranges before and after the change, or with transcode=full."
        )
    if any(cut.tables[0].track.timescale != TICKS_PER_SECOND for cut in cuts):
        raise unprocessable("The recording counts in another unit than 90 kHz. Ask for it with transcode=full.")


def _has_common_sound(cuts: Sequence[ClipCut]) -> bool:
    if any(len(cut.tables) < 2 or not len(cut.tables[1]) for cut in cuts):
        return False
    return len({(cut.tables[1].track.parameters.codec, cut.tables[1].track.timescale) for cut in cuts}) == 1


def _pictures(cut: ClipCut, *, runs_on: bool) -> Ints:
    """The samples from the keyframe before the start to the end, without those that lean on pictures before it; all to
    the end of the segment when the next cut `runs_on` there."""
    table = cut.tables[0]
    shown = table.dts + table.shift - table.origin
    first = 0
    if cut.start_90k > 0:
        early = np.flatnonzero(table.is_keyframe & (shown <= cut.start_90k))
        first = int(early[-1]) if len(early) else 0
    wanted = np.flatnonzero(shown < cut.end_90k)
    last = len(table) if runs_on else max(first, int(wanted[-1]) if len(wanted) else 0) + 1
    chosen = np.arange(first, last)
    return chosen if cut.follows and cut.leans and not first else chosen[shown[first:last] >= shown[first]]


def _end_of(cut: ClipCut, chosen: Ints, *, exact: bool) -> int:
    """When the last picture that was asked for is over, from the segment's first picture. Those behind it are there
    for others to lean on."""
    table = cut.tables[0]
    shown = table.dts[chosen] + table.shift[chosen] - table.origin
    wanted = shown < max(cut.end_90k, int(shown.min()) + 1)
    end = int((shown + table.duration[chosen])[wanted].max())
    return min(end, cut.end_90k) if exact else end


def _add_sound(audio: _Chosen, number: int, table: SampleTable, *, span: tuple[int, int], move_90k: int) -> None:
    """Takes the sound of `[begin, end)` (90 kHz from the segment's first picture) where `move_90k` puts it."""
    scale = table.track.timescale
    rel = table.dts - table.track.begin
    begin, end = (bound * scale // TICKS_PER_SECOND for bound in span)
    chosen = np.flatnonzero((rel >= begin) & (rel < end))
    dts = rel[chosen] + (move_90k * scale * 2 + TICKS_PER_SECOND) // (TICKS_PER_SECOND * 2)
    if audio.has_any:
        jitter = _JITTER_90K * scale // TICKS_PER_SECOND
        kept = dts >= audio.next_dts - jitter
        chosen, dts = chosen[kept], dts[kept]
        if len(dts) and int(dts[0]) - audio.next_dts <= jitter:
            dts = dts + (audio.next_dts - dts[0])
    if len(dts):
        audio.add(number, table, chosen, dts)


def _plan(cuts: Sequence[ClipCut], video: _Chosen, audio: _Chosen | None, *, shown: _Shown) -> ClipPlan:
    pictures = video.samples
    below = min(0, shown.zero)
    duration = max(1, shown.end - shown.lead)
    edits = [Edit(duration, shown.zero - below + shown.lead)]
    tracks = [ClipTrack(video.decoders, pictures.shifted(-below), video.next_dts, edits)]
    if audio is not None:
        sound = audio.samples
        begin = int(sound.dts[0])
        edits = _sound_edits(begin, shown.lead, duration, scale=audio.timescale)
        tracks.append(ClipTrack(audio.decoders, sound.moved(-begin), audio.next_dts - begin, edits))
    shown_us = shown.wall_us + ticks_to_us(shown.lead)
    head, (files, offsets, lengths) = assemble(tracks, duration=duration, wall_us=shown_us)
    tag = blake2b(head, digest_size=16)
    for cut in cuts:
        tag.update(cut.source.encode() + b"\0")
    return ClipPlan(
        head=head,
        tracks=tracks,
        sources=[cut.source for cut in cuts],
        files=files,
        offsets=offsets,
        lengths=lengths,
        ends=len(head) + np.cumsum(lengths),
        wall_us=shown.wall_us,
        shown_us=shown_us,
        duration_90k=duration,
        units=len(pictures.dts),
        has_audio=len(tracks) > 1,
        tag=tag.hexdigest(),
    )


def _sound_edits(begin: int, lead_90k: int, duration_90k: int, *, scale: int) -> list[Edit]:
    """Puts sound whose first sample belongs at `begin` (ticks of the track) in its place behind what is hidden."""
    late = begin - lead_90k * scale // TICKS_PER_SECOND
    if late <= 0:
        return [Edit(duration_90k, -late)]
    pause = min(duration_90k, late * TICKS_PER_SECOND // scale)
    return [Edit(pause, -1), Edit(duration_90k - pause, 0)]
