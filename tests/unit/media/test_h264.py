"""H.264 bytes: split and join are inverse, parameter sets say what the encoder was told."""

from fractions import Fraction

import av
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support import clips
from vedette.media import h264

# A NAL unit as an encoder leaves it: no start code inside (emulation prevention), last byte not zero.
nals = st.binary(min_size=1, max_size=60).map(
    lambda raw: bytes([raw[0] | 1]) + raw[1:].replace(b"\x00\x00", b"\x00\x01") + b"\x80"
)


@given(st.lists(nals, max_size=8))
def test_split_undoes_join(units: list[bytes]) -> None:
    assert h264.split(h264.join(units)) == units


@given(st.lists(st.tuples(nals, st.sampled_from([b"\x00\x00\x01", b"\x00\x00\x00\x01", b"\x00\x00\x00\x00\x01"]))))
def test_every_start_code_is_understood(units: list[tuple[bytes, bytes]]) -> None:
    assert h264.split(b"".join(code + nal for nal, code in units)) == [nal for nal, _ in units]


@given(st.lists(nals, max_size=8))
def test_avcc_and_annexb_are_inverse(units: list[bytes]) -> None:
    stream = h264.join(units)
    assert h264.avcc_to_annexb(h264.annexb_to_avcc(stream)) == stream


@given(st.lists(nals, min_size=1, max_size=4), st.integers(min_value=1))
def test_a_torn_sample_keeps_its_whole_units(units: list[bytes], cut: int) -> None:
    sample = h264.annexb_to_avcc(h264.join(units))
    torn = h264.split(h264.avcc_to_annexb(sample[: cut % len(sample)]))
    assert torn == units[: len(torn)]
    assert len(torn) < len(units)


def test_short_lengths_are_read() -> None:
    assert h264.avcc_to_annexb(b"\x00\x02ab\x00\x00\x00\x01c", length_size=2) == h264.join([b"ab", b"c"])


def test_data_without_a_start_code_has_no_units() -> None:
    assert h264.split(b"abc") == []
    assert not h264.is_keyframe(b"abc")


def test_parameter_sets_of_an_encoder() -> None:
    units = clips.encode(3, gop=2)
    sps, pps = h264.parameter_sets(units[0].data)
    assert (len(sps), len(pps)) == (1, 1)
    assert [h264.is_keyframe(unit.data) for unit in units] == [True, False, True]
    assert h264.extradata_of(units[0].data) == h264.join([*sps, *pps])
    assert h264.extradata_of(units[1].data) == b""
    assert h264.parse_avcc(h264.avcc_extradata(sps, pps)) == (sps, pps, 4)


@pytest.mark.parametrize(
    ("width", "height", "rate", "b_frames", "profile"),
    [(1920, 1080, 30, 0, "high"), (640, 362, 25, 2, "main"), (322, 180, 15, 0, "baseline"), (512, 128, 10, 1, "high")],
)
def test_sps_of_an_encoder(width: int, height: int, rate: int, b_frames: int, profile: str) -> None:
    sps = _sps(width, height, rate=rate, b_frames=b_frames, profile=profile)
    parsed = h264.parse_sps(sps)
    assert (parsed.width, parsed.height, parsed.fps) == (width, height, Fraction(rate))
    assert parsed.may_reorder == (b_frames > 0)
    assert parsed.profile == {"high": 100, "main": 77, "baseline": 66}[profile]
    assert h264.codec_string(sps) == f"avc1.{sps[1]:02X}{sps[2]:02X}{sps[3]:02X}"
    assert h264.profile_level_id(sps) == f"{parsed.profile:02x}{parsed.constraints:02x}{parsed.level:02x}"


@pytest.mark.parametrize(("pixels", "chroma"), [("yuv444p", 3), ("yuv422p", 2), ("gray", 0)])
def test_chroma_formats_crop_in_their_own_units(pixels: str, chroma: int) -> None:
    sps = _sps(326, 182, pixels=pixels, profile=None)
    parsed = h264.parse_sps(sps)
    assert (parsed.width, parsed.height) == (326, 182)
    if sps[1] in (100, 110, 122):
        assert h264.avcc_extradata([sps], [b"\x68"])[-4] & 3 == chroma


def test_interlaced_sps() -> None:
    parsed = h264.parse_sps(_sps(720, 576, extra=":tff=1", profile="high"))
    assert (parsed.width, parsed.height) == (720, 576)


def test_scaling_lists_and_hrd_are_skipped() -> None:
    parsed = h264.parse_sps(
        _sps(640, 360, extra=":cqm=jvt:nal-hrd=vbr:vbv-maxrate=500:vbv-bufsize=500", profile="high")
    )
    assert (parsed.width, parsed.height, parsed.fps, parsed.max_reorder_frames) == (640, 360, Fraction(25), 0)


@given(st.data())
def test_a_torn_sps_is_an_error_or_an_answer(data: st.DataObject) -> None:
    sps = bytes.fromhex("67640028acd940780227e5c044000003000400000300f03c60c658")
    cut = data.draw(st.integers(0, len(sps) - 1))
    flipped = bytearray(sps[:cut])
    if flipped:
        flipped[data.draw(st.integers(0, cut - 1))] ^= data.draw(st.integers(1, 255))
    try:
        h264.parse_sps(bytes(flipped))
    except ValueError as error:
        assert str(error)  # noqa: PT017 - either outcome is fine, another exception is not


def test_a_published_sps() -> None:
    """1080p High from a widespread test clip: 1920 × 1080, 29.97 or 30 frames per second, two reference reorders."""
    parsed = h264.parse_sps(bytes.fromhex("67640028acd940780227e5c044000003000400000300f03c60c658"))
    assert (parsed.profile, parsed.level, parsed.width, parsed.height) == (100, 40, 1920, 1080)
    assert parsed.fps == Fraction(30)


def test_records_that_are_not_ours_are_refused() -> None:
    for record in (b"", b"\x01\x42\x00\x0a\xff\xe1\x00\x40\x67", b"\x02" * 12):
        with pytest.raises(ValueError, match="avcC"):
            h264.parse_avcc(record)
    with pytest.raises(ValueError, match="SPS"):
        h264.avcc_extradata([], [])
    with pytest.raises(ValueError, match="SPS"):
        h264.parse_sps(b"\x68\x01\x02\x03")


def _sps(
    width: int,
    height: int,
    *,
    rate: int = 25,
    b_frames: int = 0,
    profile: str | None = None,
    pixels: str = "yuv420p",
    extra: str = "",
) -> bytes:
    encoder = av.CodecContext.create("libx264", "w")
    assert isinstance(encoder, av.VideoCodecContext)
    encoder.width, encoder.height, encoder.pix_fmt = width, height, pixels
    encoder.time_base, encoder.framerate = Fraction(1, rate), Fraction(rate)
    options = {"preset": "veryfast", "x264-params": f"bframes={b_frames}:b-pyramid=none{extra}"}
    encoder.options = options | ({"profile": profile} if profile else {})
    encoder.flags |= 1 << 22
    encoder.open()
    sps, _ = h264.parameter_sets(encoder.extradata or b"")
    return sps[0]
