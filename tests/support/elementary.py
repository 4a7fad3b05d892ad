"""AV1 pictures and AAC sound, encoded in memory, as a source would yield them."""

from fractions import Fraction

import av
import numpy as np

from tests.support import clips
from vedette.media import av1_config
from vedette.media.unit import AccessUnit, CodecParameters, ticks_to_us


def encode_av1(count: int, *, gop: int = 10, ticks: int = 3000, first: int = 0) -> list[AccessUnit]:
    """`count` temporal units of `clips.WIDTH` × `clips.HEIGHT` whose pictures show their number."""
    encoder = av.CodecContext.create("libsvtav1", "w")
    assert isinstance(encoder, av.VideoCodecContext)
    encoder.width, encoder.height, encoder.pix_fmt = clips.WIDTH, clips.HEIGHT, "yuv420p"
    encoder.time_base, encoder.framerate = Fraction(1, 90_000), Fraction(90_000, ticks)
    encoder.gop_size = gop
    encoder.options = {"preset": "8", "crf": "12", "svtav1-params": "pred-struct=1:lp=1:scd=0"}
    packets = []
    for number in range(first, first + count):
        frame = av.VideoFrame.from_ndarray(clips.draw(number), format="yuv420p")
        frame.pts, frame.time_base = (number - first) * ticks, Fraction(1, 90_000)
        packets += encoder.encode(frame)
    packets += encoder.encode(None)
    data = [av1_config.without_delimiter(bytes(packet)) for packet in packets]
    parameters = CodecParameters("av1", av1_config.extradata_of(data[0]), clips.WIDTH, clips.HEIGHT)
    return [
        AccessUnit(
            data=octets,
            pts_90k=packet.pts or 0,
            dts_90k=packet.pts or 0,
            wall_us=clips.WALL_US + ticks_to_us(packet.pts or 0),
            is_keyframe=packet.is_keyframe,
            parameters=parameters,
            duration_90k=ticks,
        )
        for octets, packet in zip(data, packets, strict=True)
    ]


def encode_aac(
    seconds: float, *, rate: int = 48_000, channels: int = 1, start_90k: int = 0, hertz: float = 440.0
) -> list[AccessUnit]:
    """AAC frames of 1024 samples of a tone, their times rounded to 90 kHz as a source rounds them."""
    encoder = av.CodecContext.create("aac", "w")
    assert isinstance(encoder, av.AudioCodecContext)
    encoder.sample_rate, encoder.format, encoder.layout = rate, "fltp", "mono" if channels == 1 else "stereo"
    encoder.open()
    count = int(seconds * rate) // 1024
    packets = []
    for index in range(count):
        phase = 2 * np.pi * hertz / rate * np.arange(index * 1024, (index + 1) * 1024)
        tone = np.tile((0.5 * np.sin(phase)).astype(np.float32), (channels, 1))
        frame = av.AudioFrame.from_ndarray(tone, format="fltp", layout="mono" if channels == 1 else "stereo")
        frame.sample_rate, frame.pts, frame.time_base = rate, index * 1024, Fraction(1, rate)
        packets += encoder.encode(frame)
    packets += encoder.encode(None)
    parameters = CodecParameters("aac", bytes(encoder.extradata or b""), sample_rate=rate, channels=channels)
    times = [start_90k + round(Fraction(index * 1024 * 90_000, rate)) for index in range(len(packets) + 1)]
    return [
        AccessUnit(
            data=bytes(packet),
            pts_90k=time,
            dts_90k=time,
            wall_us=clips.WALL_US + ticks_to_us(time),
            is_keyframe=False,
            parameters=parameters,
            duration_90k=following - time,
        )
        for packet, time, following in zip(packets, times, times[1:], strict=False)
    ]


def interleaved(*streams: list[AccessUnit]) -> list[AccessUnit]:
    """Units of several elementary streams in order of their dts, pictures first."""
    units = [unit for stream in streams for unit in stream]
    return sorted(units, key=lambda unit: (unit.dts_90k, unit.parameters.is_audio))
