"""Access units as an MPEG transport stream, piece by piece, for players that want one. Blocking.

Parameter sets go before every keyframe and AAC gets its ADTS header, since a transport stream has no header to hold
either.
"""

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import av
from av.container import OutputContainer
from av.stream import Stream

from vedette.kernel.errors import unprocessable
from vedette.media import h264, hevc
from vedette.media.unit import TICKS_PER_SECOND, AccessUnit, CodecParameters

_TICK = Fraction(1, TICKS_PER_SECOND)
_PIECE_BYTES = 64 * 1024
_CARRIED = ("h264", "hevc", "aac")


def transport_stream(
    units: Iterator[AccessUnit], video: CodecParameters, audio: CodecParameters | None
) -> Iterator[bytes]:
    """The units of one or two elementary streams; Fault 422 for a codec that it does not carry."""
    target = _Target()
    with av.open(target, "w", format="mpegts") as container:
        streams = {stream.is_audio: _stream(container, stream) for stream in (video, audio) if stream is not None}
        for unit in units:
            stream = streams.get(unit.parameters.is_audio)
            if stream is not None:
                container.mux_one(_packet(stream, unit))
            if target.size >= _PIECE_BYTES:
                yield target.take()
    yield target.take()


class _Target:
    """The file that libav writes to."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self.size = 0

    def write(self, data: bytes) -> int:
        """Takes what libav has made."""
        self._pieces.append(bytes(data))
        self.size += len(data)
        return len(data)

    def take(self) -> bytes:
        """What was written since it was last asked for."""
        data, self._pieces, self.size = b"".join(self._pieces), [], 0
        return data


def _stream(container: OutputContainer, parameters: CodecParameters) -> Stream:
    if parameters.codec not in _CARRIED:
        raise unprocessable(f"A transport stream does not carry {parameters.codec}. Ask for container=mp4.")
    if parameters.is_audio:
        return container.add_mux_stream("aac", rate=parameters.sample_rate, time_base=_TICK)
    return container.add_mux_stream(parameters.codec, width=parameters.width, height=parameters.height, time_base=_TICK)


def _packet(stream: Stream, unit: AccessUnit) -> "av.Packet[Any]":
    packet = av.Packet(_adts(unit) if unit.parameters.is_audio else _with_parameter_sets(unit))
    packet.stream, packet.time_base = stream, _TICK
    packet.pts, packet.dts, packet.duration = unit.pts_90k, unit.dts_90k, unit.duration_90k
    packet.is_keyframe = unit.is_keyframe or unit.parameters.is_audio
    return packet


def _with_parameter_sets(unit: AccessUnit) -> bytes:
    """A transport stream has its parameter sets in band, before every keyframe."""
    extradata_of = h264.extradata_of if unit.parameters.codec == "h264" else hevc.extradata_of
    if not unit.is_keyframe or extradata_of(unit.data):
        return unit.data
    return unit.parameters.extradata + unit.data


def _adts(unit: AccessUnit) -> bytes:
    """A raw AAC frame behind its ADTS header (ISO/IEC 13818-7 §6.2), made of the AudioSpecificConfig."""
    config = int.from_bytes(unit.parameters.extradata[:2])
    kind, rate, channels = config >> 11, config >> 7 & 15, config >> 3 & 15
    size = len(unit.data) + 7
    bits = 0xFFF1 << 40 | (min(kind, 4) - 1) << 38 | rate << 34 | channels << 30 | size << 13 | 0x7FF << 2
    return bits.to_bytes(7) + unit.data
