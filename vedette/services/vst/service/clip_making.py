"""Clips that must be made: other containers, other pictures, exact starts that need no edit list. Blocking."""

import io
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b
from itertools import groupby
from typing import Literal, cast

import numpy as np

from vedette.media.fmp4 import keyframe_before, read_tables
from vedette.media.fmp4_writer import SegmentWriter, fragmented
from vedette.media.mp4_clip import ClipCut, ClipPlan, Gaps, plan_clip
from vedette.media.mpegts import transport_stream
from vedette.media.transcode import reencode, with_durations
from vedette.media.unit import AccessUnit, CodecParameters, VideoCodec, ticks_to_us

type ReadPlan = Callable[[ClipPlan], Iterator[AccessUnit]]
"""The units of a planned clip."""


@dataclass(frozen=True, slots=True)
class Making:
    """How a clip is made; `size` is that of encoded pictures, (width, height) in pixels."""

    gaps: Gaps
    exact: bool
    is_encoded: bool
    size: tuple[int, int] | None
    container: Literal["mp4", "ts"]


def plans_of(cuts: Sequence[ClipCut], making: Making) -> list[ClipPlan]:
    """One plan, or one for each codec in a row where pictures are encoded anyway. Faults as for `plan_clip`."""
    if not making.is_encoded:
        return [plan_clip(cuts, gaps=making.gaps)]
    plans: list[ClipPlan] = []
    for _, group in groupby(cuts, key=lambda cut: cut.tables[0].track.parameters.codec):
        plans.append(plan_clip(list(group), gaps=making.gaps, exact=making.exact or bool(plans)))
    return plans


def pieces_of(plans: Sequence[ClipPlan], making: Making, read: ReadPlan) -> Iterator[bytes]:
    """The clip, piece by piece. Fault 422 for a codec that the container does not carry, 503 when nothing here
    encodes."""
    video, audio = _parameters(plans)
    if making.is_encoded:
        video = CodecParameters("h264", b"", *(making.size or (video.width, video.height)))
        units = _encoded(plans, read, size=(video.width, video.height))
    else:
        units = read(plans[0])
    if making.container == "ts":
        return transport_stream(units, video, audio)
    return fragmented(units, audio=audio)


def with_exact_start(cuts: Sequence[ClipCut], read: ReadPlan) -> tuple[list[ClipCut], Mapping[str, bytes]]:
    """The cuts with the pictures before the first keyframe encoded again, so that the clip begins where it was asked
    for, and the bytes of the source that this needs. Fault 503 when nothing here encodes the codec."""
    cut = cuts[0]
    pictures = cut.tables[0]
    shown = pictures.dts + pictures.shift - pictures.origin
    if shown[keyframe_before(pictures, cut.start_90k)] >= cut.start_90k:
        return list(cuts), {}
    later = np.flatnonzero(pictures.is_keyframe & (shown > cut.start_90k) & (shown < cut.end_90k))
    until = int(shown[later[0]]) if len(later) else min(cut.end_90k, int((shown + pictures.duration).max()))
    behind = pictures.shift[later] if len(later) else cuts[1].tables[0].shift if len(cuts) > 1 else np.zeros(1)
    shift = int(behind[0])
    plan = plan_clip([replace(cut, end_90k=until)], exact=True)
    blob = _lead(plan, until - cut.start_90k, read, shift=shift)
    name = f"lead-{blake2b(blob, digest_size=8).hexdigest()}"
    wall_us = cut.wall_us + ticks_to_us(cut.start_90k)
    lead = ClipCut(name, read_tables(io.BytesIO(blob)), 0, until - cut.start_90k, wall_us)
    rest = [replace(cut, start_90k=until, follows=False)] if len(later) else []
    others = [replace(other, leans=index > 0 or bool(rest)) for index, other in enumerate(cuts[1:])]
    return [lead, *rest, *others], {name: blob}


def _lead(plan: ClipPlan, length: int, read: ReadPlan, *, shift: int) -> bytes:
    """A segment of the first `length` ticks of a plan, encoded; `shift` is that of what comes behind it."""
    video, audio = _parameters([plan])
    sound: deque[AccessUnit] = deque()
    encoded = reencode(_pictures(read(plan), sound), cast(VideoCodec, video.codec), span_90k=(0, length))
    pictures = [replace(unit, dts_90k=unit.pts_90k - shift) for unit in encoded]
    heard = [replace(unit, dts_90k=unit.dts_90k - shift) for unit in sound if 0 <= unit.pts_90k < length]
    writer = SegmentWriter(pictures[0].parameters, audio=audio, has_index=False)
    units = sorted([*pictures, *heard], key=lambda unit: (unit.dts_90k, unit.parameters.is_audio))
    parts = [part for unit in units if (part := writer.write(unit)) is not None]
    return b"".join([*parts, writer.close(next_dts_90k=length - shift)[0]])


def _encoded(plans: Sequence[ClipPlan], read: ReadPlan, *, size: tuple[int, int]) -> Iterator[AccessUnit]:
    begin = 0
    for plan in plans:
        sound: deque[AccessUnit] = deque()
        fresh = reencode(_pictures(read(plan), sound), "h264", size=size, span_90k=(0, plan.duration_90k))
        for unit in with_durations(fresh, plan.duration_90k):
            yield _moved(unit, begin)
            while sound and sound[0].dts_90k <= unit.dts_90k:
                yield _moved(sound.popleft(), begin)
        yield from (_moved(unit, begin) for unit in sound if unit.pts_90k < plan.duration_90k)
        begin += plan.duration_90k


def _pictures(units: Iterator[AccessUnit], sound: deque[AccessUnit]) -> Iterator[AccessUnit]:
    """The pictures among the units; the sound is put aside."""
    for unit in units:
        if not unit.parameters.is_audio:
            yield unit
        elif unit.pts_90k + unit.duration_90k > 0:
            sound.append(unit)


def _moved(unit: AccessUnit, ticks: int) -> AccessUnit:
    return replace(unit, pts_90k=unit.pts_90k + ticks, dts_90k=unit.dts_90k + ticks)


def _parameters(plans: Sequence[ClipPlan]) -> tuple[CodecParameters, CodecParameters | None]:
    """(pictures, sound) of plans; sound when all have the same."""
    sounds = {plan.tracks[1].decoders[0].parameters if plan.has_audio else None for plan in plans}
    return plans[0].tracks[0].decoders[0].parameters, sounds.pop() if len(sounds) == 1 else None
