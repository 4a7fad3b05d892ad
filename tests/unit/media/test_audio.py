"""G.711 becomes AAC: what is heard stays where it was, and holes do not move it."""

from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import cast

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from tests.support import clips, elementary
from vedette.kernel.errors import Fault
from vedette.media import fmp4
from vedette.media.audio import AacTranscoder
from vedette.media.fmp4_writer import fragmented
from vedette.media.unit import AccessUnit, AudioCodec, CodecParameters

RATE = 8000
PACKET = 160
START_90K = 1_000_000


def tone(seconds: float, hertz: float = 400.0) -> NDArray[np.float64]:
    return 0.5 * np.sin(2 * np.pi * hertz / RATE * np.arange(int(seconds * RATE)))


def g711(samples: NDArray[np.float64], codec: AudioCodec = "pcmu") -> list[AccessUnit]:
    """Units of 20 ms, as cameras send them."""
    name = "pcm_mulaw" if codec == "pcmu" else "pcm_alaw"
    encoder = cast(av.AudioCodecContext, av.CodecContext.create(name, "w"))
    encoder.sample_rate, encoder.format, encoder.layout = RATE, "s16", "mono"
    encoder.open()
    frame = av.AudioFrame.from_ndarray((samples * 32767).astype(np.int16)[None, :], format="s16", layout="mono")
    frame.sample_rate, frame.pts, frame.time_base = RATE, 0, Fraction(1, RATE)
    data = b"".join(bytes(packet) for packet in [*encoder.encode(frame), *encoder.encode(None)])
    parameters = CodecParameters(codec, sample_rate=RATE, channels=1)
    times = [START_90K + index * PACKET * 90_000 // RATE for index in range(len(data) // PACKET)]
    return [
        AccessUnit(
            data=data[index * PACKET : (index + 1) * PACKET],
            pts_90k=time,
            dts_90k=time,
            wall_us=clips.WALL_US + (time - START_90K) * 100 // 9,
            is_keyframe=False,
            parameters=parameters,
            duration_90k=1800,
        )
        for index, time in enumerate(times)
    ]


def heard(units: list[AccessUnit]) -> tuple[int, NDArray[np.float64]]:
    """(pts of the first sample, samples) that a decoder makes of AAC units; holes between them are silence."""
    decoder = av.CodecContext.create("aac", "r")
    decoder.extradata = units[0].parameters.extradata
    samples = np.zeros((units[-1].pts_90k - units[0].pts_90k) * RATE // 90_000 + 1024)
    for unit in units:
        for frame in decoder.decode(av.Packet(unit.data)):
            at = (unit.pts_90k - units[0].pts_90k) * RATE // 90_000
            samples[at : at + frame.samples] = frame.to_ndarray()[0]
    return units[0].pts_90k, samples


def transcoded(units: list[AccessUnit]) -> list[AccessUnit]:
    transcoder = AacTranscoder(units[0].parameters)
    found = [done for unit in units for done in transcoder.push(unit)] + transcoder.flush()
    assert all(unit.parameters is transcoder.parameters for unit in found)
    return found


@pytest.mark.parametrize("codec", ["pcmu", "pcma"])
def test_the_tone_stays_where_it_was(codec: AudioCodec) -> None:
    silence, sound = np.zeros(RATE), tone(1.0)
    units = transcoded(g711(np.concatenate([silence, sound, silence]), codec))
    begin, samples = heard(units)
    loud = np.flatnonzero(np.abs(samples) > 0.25)
    first_s = (begin - START_90K) / 90_000 + loud[0] / RATE
    assert first_s == pytest.approx(1.0, abs=0.02)
    assert (loud[-1] - loud[0]) / RATE == pytest.approx(1.0, abs=0.02)
    assert {b.pts_90k - a.pts_90k for a, b in pairwise(units)} == {11_520}
    assert {unit.duration_90k for unit in units} == {11_520}
    assert units[0].parameters.codec == "aac"
    assert all(
        unit.wall_us - clips.WALL_US == pytest.approx((unit.pts_90k - START_90K) * 100 / 9, abs=2) for unit in units
    )


@pytest.mark.parametrize("lost", [10, 80])
def test_a_hole_does_not_move_what_follows(lost: int) -> None:
    units = g711(np.concatenate([tone(1.0), np.zeros(2 * RATE), tone(1.0)]))
    begin, samples = heard(transcoded([*units[:60], *units[60 + lost :]]))
    loud = np.flatnonzero(np.abs(samples[int(1.5 * RATE) :]) > 0.25)
    assert (begin - START_90K) / 90_000 + 1.5 + loud[0] / RATE == pytest.approx(3.0, abs=0.02)


def test_a_jump_of_the_clock_begins_anew() -> None:
    units = g711(tone(1.0))
    later = [replace(unit, pts_90k=unit.pts_90k + 10**9, dts_90k=unit.dts_90k + 10**9) for unit in units]
    earlier = [replace(unit, pts_90k=unit.pts_90k - 900_000, dts_90k=unit.dts_90k - 900_000) for unit in units]
    times = [unit.pts_90k for unit in transcoded([*units, *later, *earlier])]
    assert sum(abs(b - a - 11_520) > 1 for a, b in pairwise(times)) == 2


def test_jitter_is_no_hole() -> None:
    units = [replace(u, pts_90k=u.pts_90k + 900 * (n % 3)) for n, u in enumerate(g711(tone(2.0)))]
    assert {b.pts_90k - a.pts_90k for a, b in pairwise(transcoded(units))} == {11_520}


def test_it_is_recorded_beside_pictures(tmp_path: Path) -> None:
    video = [replace(u, pts_90k=u.pts_90k + START_90K, dts_90k=u.dts_90k + START_90K) for u in clips.encode(60, gop=30)]
    sound = transcoded(g711(tone(2.0)))
    path = tmp_path / "a.mp4"
    units = elementary.interleaved(video, sound)
    path.write_bytes(b"".join(fragmented(iter(units), audio=sound[0].parameters)))
    back = [unit for unit in fmp4.read_units(path, audio=True) if unit.parameters.is_audio]
    assert len(back) >= 15
    with av.open(str(path)) as container:
        assert container.streams.audio[0].codec_context.sample_rate == RATE
        assert sum(frame.samples for frame in container.decode(audio=0)) == len(back) * 1024


def test_only_g711_is_taken() -> None:
    with pytest.raises(Fault, match="opus"):
        AacTranscoder(CodecParameters("opus", sample_rate=48_000, channels=2))
