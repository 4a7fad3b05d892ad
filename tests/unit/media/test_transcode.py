"""Pictures encoded again: the ones that are shown, when they are shown, and a sentence where nothing encodes."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise

import av
import pytest

from tests.support import clips, elementary
from tests.support.pictures import gray
from vedette.kernel.errors import Fault
from vedette.media.decoding import new_decoder
from vedette.media.transcode import Encoder, decode, reencode, with_durations
from vedette.media.unit import AccessUnit, CodecParameters, VideoCodec


def numbers(units: Iterator[AccessUnit]) -> list[tuple[int, int]]:
    """(number, pts) of each picture."""
    return [(clips.read_number(gray(frame)), frame.pts or 0) for frame in decode(units)]


@pytest.mark.parametrize("codec", ["h264", "hevc", "av1"])
@pytest.mark.parametrize("b_frames", [0, 2])
def test_the_pictures_of_a_span_come_out(codec: VideoCodec, b_frames: int) -> None:
    units = reencode(iter(clips.encode(30, gop=30, b_frames=b_frames)), codec, span_90k=(15_000, 60_000))
    made = list(units)
    assert made[0].is_keyframe
    assert made[0].parameters.codec == codec
    assert made[0].parameters.extradata
    assert [unit.dts_90k for unit in made] == [unit.pts_90k for unit in made] == list(range(15_000, 60_000, 3000))
    assert numbers(iter(made)) == [(number, number * 3000) for number in range(5, 20)]


def test_a_span_begins_with_the_picture_that_was_on_the_screen() -> None:
    made = list(reencode(iter(clips.encode(10, gop=10)), "h264", span_90k=(10_000, 20_000)))
    assert numbers(iter(made)) == [(3, 10_000), (4, 12_000), (5, 15_000), (6, 18_000)]
    last = list(reencode(iter(clips.encode(3, gop=3)), "h264", span_90k=(8000, 20_000)))
    assert numbers(iter(last)) == [(2, 8000)]
    assert list(reencode(iter([]), "h264", span_90k=(0, 1))) == []


def test_other_sizes_and_even_ones() -> None:
    made = list(reencode(iter(clips.encode(3)), "h264", size=(257, 65), span_90k=(0, 9000)))
    assert (made[0].parameters.width, made[0].parameters.height) == (256, 64)


def test_a_change_of_codec_and_of_parameters_is_decoded() -> None:
    first, second = clips.encode(10, gop=10), clips.encode(10, gop=10, first=10, height=192)
    third = elementary.encode_av1(10, gop=10, first=20)
    moved = [
        replace(unit, pts_90k=unit.pts_90k + shift, dts_90k=unit.dts_90k + shift)
        for shift, part in ((0, first), (30_000, second), (60_000, third))
        for unit in part
    ]
    assert numbers(iter(moved)) == [(number, number * 3000) for number in range(30)]


def test_broken_pictures_are_left_out() -> None:
    units = clips.encode(30, gop=10)
    units[12] = replace(units[12], data=b"\0\0\0\1\x65" + b"\xff" * 20)
    found = [number for number, _ in numbers(iter(units))]
    assert found[:10] == list(range(10))
    assert found[-10:] == list(range(20, 30))


def test_durations_reach_to_the_next_and_to_the_end() -> None:
    units = [replace(unit, duration_90k=0) for unit in clips.encode(4, ticks=2000)]
    assert [unit.duration_90k for unit in with_durations(iter(units), 9000)] == [2000, 2000, 2000, 3000]
    assert [unit.duration_90k for unit in with_durations(iter(units[:1]), -5)] == [1]
    assert list(with_durations(iter([]), 5)) == []
    assert all(b.dts_90k > a.dts_90k for a, b in pairwise(units))


def test_where_nothing_encodes_or_decodes_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(av.codec, "codecs_available", frozenset({"h264_nvenc"}))
    with pytest.raises(Fault, match="transcode=none") as fault:
        Encoder("h264", (64, 64))
    assert fault.value.status == 503
    with pytest.raises(Fault, match="decodes av1"):
        new_decoder(CodecParameters("av1", b"", 64, 64))
    with pytest.raises(Fault, match="decodes aac"):
        new_decoder(CodecParameters("aac", sample_rate=48_000))
