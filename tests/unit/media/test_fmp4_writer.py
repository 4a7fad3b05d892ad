"""The segment writer: any units come back as they went in, and other people's readers see the same."""

import json
import subprocess
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import av
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support import clips, elementary
from vedette.media import av1_config, fmp4, h264, hevc, mp4
from vedette.media.bits import unescape
from vedette.media.fmp4_writer import SegmentWriter, read_seal, seal
from vedette.media.unit import AccessUnit, CodecParameters

SPS_PPS = clips.encode(1)[0].parameters.extradata
VIDEO = clips.encode(1)[0].parameters
AUDIO = CodecParameters("aac", bytes.fromhex("1188"), sample_rate=48_000, channels=1)


def segment(path: Path, units: list[AccessUnit], *, part_us: int = 1_000_000) -> Path:
    """A segment file of the units; sound gets its track when there is some."""
    audio = next((unit.parameters for unit in units if unit.parameters.is_audio), None)
    video = next(unit.parameters for unit in units if not unit.parameters.is_audio)
    writer = SegmentWriter(video, audio=audio, part_us=part_us)
    pieces = [piece for unit in units if (piece := writer.write(unit)) is not None]
    path.write_bytes(b"".join([*pieces, writer.close()[0]]))
    return path


def probe(path: Path, *sections: str) -> dict[str, list[dict[str, object]]]:
    """What ffprobe says; anything on its standard error fails the test."""
    command = ["ffprobe", "-v", "warning", "-of", "json", *sections, str(path)]
    done = subprocess.run(command, capture_output=True, check=True)
    assert done.stderr == b""
    return json.loads(done.stdout)  # type: ignore[no-any-return]


nals = st.binary(min_size=1, max_size=300).map(
    lambda body: bytes([1 + body[0] % 31]) + unescape(body).replace(b"\0\0", b"\0\7") + b"\x80"
)
rows = st.lists(
    st.tuples(st.lists(nals, min_size=1, max_size=4), st.integers(1, 60_000), st.integers(0, 9000), st.booleans()),
    min_size=1,
    max_size=40,
)


@settings(max_examples=150, deadline=None)
@given(rows=rows, origin=st.integers(-(2**33), 2**40), part_us=st.integers(0, 3_000_000), audio=st.booleans())
def test_any_units_come_back(
    tmp_path_factory: pytest.TempPathFactory,
    rows: list[tuple[list[bytes], int, int, bool]],
    origin: int,
    part_us: int,
    audio: bool,
) -> None:
    dts, units = origin, []
    for index, (body, duration, shift, key) in enumerate(rows):
        unit = AccessUnit(h264.join(body), dts + shift, dts, 0, key or not index, VIDEO, duration)
        units.append(unit)
        dts += duration
    sounds = [AccessUnit(bytes([n]), origin + n * 1920, origin + n * 1920, 0, False, AUDIO, 1920) for n in range(9)]
    given_units = elementary.interleaved(units, sounds) if audio else units
    path = segment(tmp_path_factory.mktemp("any") / "a.mp4", given_units, part_us=part_us)
    back = list(fmp4.read_units(path, audio=audio))
    pictures = [unit for unit in back if not unit.parameters.is_audio]
    zero = units[0].pts_90k
    assert pictures == [
        replace(
            unit, pts_90k=unit.pts_90k - zero, dts_90k=unit.dts_90k - zero, wall_us=(unit.pts_90k - zero) * 100 // 9
        )
        for unit in units
    ]
    heard = [unit for unit in back if unit.parameters.is_audio]
    assert [unit.data for unit in heard] == [unit.data for unit in (sounds if audio else [])]
    assert all(abs(a.pts_90k + zero - b.pts_90k) <= 1 for a, b in zip(heard, sounds, strict=False))


@pytest.mark.parametrize("size", [0, 5, 2047, 2049, 40_000])
@given(filler=st.binary(max_size=9), zeros=st.integers(0, 5))
@settings(max_examples=30, deadline=None)
def test_both_ways_of_finding_nal_units_agree(size: int, filler: bytes, zeros: int) -> None:
    data = (
        b"\0\0\1\x65" + filler + bytes(zeros) + b"\0\0\0\1\x41" + b"\x55" * size + bytes(zeros) + b"\0\0\1\x06" + filler
    )
    assert [data[begin:end] for begin, end in h264.nal_spans(data)] == list(h264.iter_nals(data))
    assert b"".join(h264.length_prefixed(data)) == b"".join(len(n).to_bytes(4) + n for n in h264.iter_nals(data))


def test_seals() -> None:
    data = seal(90_000, bytes(range(16)))
    assert read_seal(data) == (90_000, bytes(range(16)))
    assert read_seal(data[:-1]) is None
    assert read_seal(b"\1" + data[1:]) is None


@pytest.mark.parametrize(
    ("codec", "b_frames", "name"), [("libx264", 0, "avc1"), ("libx264", 2, "avc1"), ("libx265", 2, "hev1")]
)
def test_other_readers_see_the_same_times(tmp_path: Path, codec: str, b_frames: int, name: str) -> None:
    units = clips.encode(100, codec=codec, gop=25, b_frames=b_frames)
    path = segment(tmp_path / "a.mp4", units)
    found = probe(path, "-show_streams", "-show_packets")
    assert found["streams"][0]["codec_tag_string"] == name
    assert found["streams"][0]["time_base"] == "1/90000"
    zero = units[0].pts_90k
    assert [(row["pts"], row["dts"]) for row in found["packets"]] == [
        (unit.pts_90k - zero, unit.dts_90k - zero) for unit in units
    ]
    assert [str(row["flags"]).startswith("K") for row in found["packets"]] == [unit.is_keyframe for unit in units]
    assert clips.numbers_in(str(path)) == list(range(100))
    decode = subprocess.run(["ffmpeg", "-v", "warning", "-i", path, "-f", "null", "-"], capture_output=True, check=True)
    assert decode.stderr == b""


def test_hevc_without_parameter_sets_in_band_is_hvc1(tmp_path: Path) -> None:
    units = clips.encode(10, codec="libx265", gop=10)
    bare = [replace(u, data=h264.join([n for n in h264.split(u.data) if hevc.nal_type(n) < 32])) for u in units]
    path = segment(tmp_path / "a.mp4", bare)
    assert probe(path, "-show_streams")["streams"][0]["codec_tag_string"] == "hvc1"
    assert clips.numbers_in(str(path)) == list(range(10))
    assert fmp4.parameters_of(path) == units[0].parameters


def test_our_hvcc_is_the_one_that_libav_writes(tmp_path: Path) -> None:
    units = clips.encode(3, codec="libx265", gop=10)
    (tmp_path / "a.h265").write_bytes(b"".join(unit.data for unit in units))
    subprocess.run(["ffmpeg", "-v", "error", "-i", tmp_path / "a.h265", "-c", "copy", tmp_path / "a.mp4"], check=True)
    theirs = (tmp_path / "a.mp4").read_bytes()
    ours = hevc.hvcc_extradata(h264.split(units[0].parameters.extradata))
    begin = theirs.index(b"hvcC") + 4
    record = theirs[begin : begin + len(ours)]
    # Profile, tier, level, formats and layers agree; min_spatial_segmentation and array_completeness may differ.
    assert ours[:13] == record[:13]
    assert (ours[16:19], ours[21]) == (record[16:19], record[21])
    assert hevc.parse_hvcc(ours) == (h264.split(units[0].parameters.extradata), 4)


def test_av1_is_recorded(tmp_path: Path) -> None:
    units = elementary.encode_av1(40, gop=20)
    assert [unit.is_keyframe for unit in units].count(True) == 2
    path = segment(tmp_path / "a.mp4", units)
    assert [unit.data for unit in fmp4.read_units(path)] == [unit.data for unit in units]
    assert fmp4.parameters_of(path) == units[0].parameters
    assert probe(path, "-show_streams")["streams"][0]["codec_name"] == "av1"
    assert clips.numbers_in(str(path)) == list(range(40))
    header = av1_config.parse_sequence_header(units[0].parameters.extradata)
    assert (header.width, header.height, header.profile, header.subsampling) == (clips.WIDTH, clips.HEIGHT, 0, (1, 1))


@pytest.mark.parametrize("extradata", [b"", b"\x0a\x0b\x00", b"\x12\x00", b"\x08\x00", bytes(40)])
def test_broken_av1_headers_are_refused(extradata: bytes) -> None:
    with pytest.raises(ValueError, match=r"AV1|ends early"):
        av1_config.record_of(extradata)


@pytest.mark.parametrize(("rate", "channels"), [(48_000, 2), (44_100, 1), (16_000, 1), (8_000, 1)])
def test_sound_is_recorded_beside_the_pictures(tmp_path: Path, rate: int, channels: int) -> None:
    pictures = clips.encode(90, gop=30, b_frames=2)
    sound = elementary.encode_aac(3, rate=rate, channels=channels, start_90k=pictures[0].pts_90k)
    path = segment(tmp_path / "a.mp4", elementary.interleaved(pictures, sound))
    back = list(fmp4.read_units(path, audio=True))
    heard = [unit for unit in back if unit.parameters.is_audio]
    first = next(index for index, unit in enumerate(sound) if unit.dts_90k >= pictures[0].dts_90k)
    assert [unit.data for unit in heard] == [unit.data for unit in sound[first:]]
    assert {unit.parameters for unit in heard} == {sound[0].parameters}
    zero = pictures[0].pts_90k
    assert max(abs(a.pts_90k - b.pts_90k + zero) for a, b in zip(heard, sound[first:], strict=True)) <= 1
    assert [unit.dts_90k for unit in back] == sorted(unit.dts_90k for unit in back)
    assert [unit.data for unit in fmp4.read_units(path)] == [unit.data for unit in pictures]
    found = probe(path, "-show_streams", "-show_packets")["packets"]
    times = [row["pts"] for row in found if row["codec_type"] == "audio"]
    assert {b - a for a, b in pairwise(times)} == {1024}  # type: ignore[operator]
    with av.open(str(path)) as container:
        samples = sum(frame.samples for frame in container.decode(audio=0))
        assert samples == len(heard) * 1024


def test_sound_that_comes_late_or_early_keeps_its_place(tmp_path: Path) -> None:
    pictures = [replace(u, pts_90k=u.pts_90k + 90_000, dts_90k=u.dts_90k + 90_000) for u in clips.encode(60, gop=30)]
    # It began two frames before the first picture, but arrives behind it; then it pauses.
    sound = elementary.encode_aac(1.5, start_90k=90_000 - 2 * 1920)
    paused = [replace(u, pts_90k=u.pts_90k + 18_000, dts_90k=u.dts_90k + 18_000) for u in sound[30:]]
    path = segment(tmp_path / "a.mp4", [pictures[0], *sound[:30], *pictures[1:], *paused])
    heard = [unit for unit in fmp4.read_units(path, audio=True) if unit.parameters.is_audio]
    assert [u.pts_90k + 90_000 for u in heard] == [u.pts_90k for u in [*sound[:30], *paused]]
    assert clips.numbers_in(str(path)) == list(range(60))
    # Jitter below 10 ms is smoothed away, what repeats follows on.
    rough = [replace(u, pts_90k=u.pts_90k + 90_000 + 300 * (n % 2)) for n, u in enumerate(elementary.encode_aac(0.5))]
    path = segment(tmp_path / "b.mp4", [pictures[0], *rough, *pictures[1:]])
    heard = [unit for unit in fmp4.read_units(path, audio=True) if unit.parameters.is_audio]
    assert {b.pts_90k - a.pts_90k for a, b in pairwise(heard)} == {1920}


def test_reading_sound_from_a_later_keyframe(tmp_path: Path) -> None:
    pictures = clips.encode(90, gop=30)
    path = segment(tmp_path / "a.mp4", elementary.interleaved(pictures, elementary.encode_aac(3)))
    units = list(fmp4.read_units(path, start_us=1_500_000, audio=True))
    assert units[0].is_keyframe
    assert units[0].pts_90k == 90_000
    sound = [unit.pts_90k for unit in units if unit.parameters.is_audio]
    assert 90_000 <= sound[0] < 92_000


def test_a_part_ends_at_a_size_too() -> None:
    unit = AccessUnit(SPS_PPS + b"\0\0\0\1\x65" + b"\x55" * (5 << 20), 0, 0, 0, True, VIDEO)
    writer = SegmentWriter(VIDEO)
    assert writer.write(unit) is None
    assert writer.write(replace(unit, dts_90k=1)) is None
    assert writer.pending_bytes > 10 << 20
    assert writer.write(replace(unit, dts_90k=2)) is not None
    assert writer.end_90k == 2


def test_pictures_shown_before_they_are_decoded_are_moved(tmp_path: Path) -> None:
    units = [replace(unit, pts_90k=unit.pts_90k - 500) for unit in clips.encode(5, gop=5)]
    path = segment(tmp_path / "a.mp4", units)
    assert [unit.pts_90k for unit in fmp4.read_units(path)] == [n * 3000 for n in range(5)]
    tracks = mp4.parse_moov(dict(mp4.boxes(path.read_bytes()))[b"moov"])
    assert tracks[0].begin == 0
