"""Encoded units as files."""

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av

from vedette.media.unit import AccessUnit


def write_clip(path: Path, units: Sequence[AccessUnit]) -> Path:
    """The units of an H.264 clip in the container that the suffix names."""
    parameters = units[0].parameters
    with av.open(str(path), "w") as container:
        stream = container.add_stream("h264", rate=30)
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height, stream.pix_fmt = parameters.width, parameters.height, "yuv420p"
        stream.codec_context.extradata = parameters.extradata
        for unit in units:
            packet = av.Packet(unit.data)
            packet.stream, packet.time_base = stream, Fraction(1, 90_000)
            packet.pts, packet.dts, packet.is_keyframe = unit.pts_90k, unit.dts_90k, unit.is_keyframe
            container.mux(packet)
    return path
