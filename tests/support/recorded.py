"""Recordings without a camera: segments and their rows, written as a recorder writes them."""

from collections.abc import Sequence

from tests.support import clips
from tests.support.vst_running import Running
from vedette.media.fmp4_writer import SegmentWriter
from vedette.media.unit import AccessUnit
from vedette.services.vst.adapters.segment_files import SegmentFile, SegmentFolder, SegmentHeader, header_bytes
from vedette.services.vst.model import Segment


def write_segment(
    folder: SegmentFolder,
    units: Sequence[AccessUnit],
    segment_id: int,
    *,
    stream_id: str = "cam",
    recording_id: int = 1,
    start_us: int = clips.WALL_US,
    next_dts_90k: int | None = None,
) -> Segment:
    """A finished file; the row that belongs to it."""
    video = next(unit.parameters for unit in units if not unit.parameters.is_audio)
    audio = next((unit.parameters for unit in units if unit.parameters.is_audio), None)
    header = SegmentHeader(segment_id, stream_id, recording_id, start_us, video.codec, video.width, video.height)
    file = SegmentFile(folder, header)
    file.create()
    writer = SegmentWriter(video, audio=audio, header=header_bytes(header))
    for unit in units:
        part = writer.write(unit)
        if part is not None:
            file.append(part, writer.end_90k)
    last, summary = writer.close(next_dts_90k=next_dts_90k)
    file.append(last, summary.duration_90k)
    done = file.close_finish()
    return Segment(
        segment_id=segment_id,
        stream_id=stream_id,
        recording_id=recording_id,
        start_us=start_us,
        end_us=start_us + done.media_us,
        media_us=done.media_us,
        bytes=done.bytes,
        digest=done.digest,
        codec=video.codec,
        width=video.width,
        height=video.height,
        audio=audio.codec if audio else "",
    )


async def add_recording(
    vst: Running,
    units: Sequence[AccessUnit],
    *,
    segment_us: int = 2_000_000,
    first_id: int = 1,
    start_us: int = clips.WALL_US,
    stream_id: str = "cam",
) -> list[Segment]:
    """A recording of the units, cut at the keyframes that follow each `segment_us`."""
    folder, catalogue = vst.service._parts.folder, vst.service._parts.catalogue
    begin = units[0].dts_90k
    cuts = [0]
    segments: list[Segment] = []
    for index, unit in enumerate(units):
        if unit.is_keyframe and unit.dts_90k - units[cuts[-1]].dts_90k >= segment_us * 9 // 100:
            cuts.append(index)
    for number, (first, stop) in enumerate(zip(cuts, [*cuts[1:], len(units)], strict=True)):
        wall_us = segments[-1].end_us if segments else start_us + (units[first].dts_90k - begin) * 100 // 9
        segment = write_segment(
            folder,
            units[first:stop],
            first_id + number,
            stream_id=stream_id,
            recording_id=first_id,
            start_us=wall_us,
            next_dts_90k=units[stop].dts_90k if stop < len(units) else None,
        )
        await catalogue.add_segment(segment)
        segments.append(segment)
    return segments
