"""What streams say about themselves, checked against what encoders were told."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support import clips
from vedette.media import h264, hevc_sps
from vedette.media.unit import VideoCodec
from vedette.media.video_parameters import ParameterTracker, shape_of
from vedette.tools.camera.encode import encode_scene
from vedette.tools.camera.spec import StreamSpec

CODECS: list[VideoCodec] = ["h264", "hevc", "av1"]


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize(("width", "height"), [(640, 360), (322, 182)])
def test_the_size_is_that_of_the_picture(codec: VideoCodec, width: int, height: int) -> None:
    reel = encode_scene(StreamSpec(codec, width, height, fps=5, gop=5), seconds=1)
    tracker = ParameterTracker(codec)
    tracker.see(reel.units[0].data)
    assert (tracker.shape.width, tracker.shape.height) == (width, height)
    parameters = tracker.of(reel.units[0].data, has_b_frames=False)
    assert (parameters.codec, parameters.width, parameters.height) == (codec, width, height)
    assert parameters.extradata == reel.units[0].parameters.extradata


@pytest.mark.parametrize(("codec", "encoder"), [("h264", "libx264"), ("hevc", "libx265")])
@pytest.mark.parametrize("b_frames", [0, 1, 2])
def test_the_order_is_stated(codec: VideoCodec, encoder: str, b_frames: int) -> None:
    unit = clips.encode(8, codec=encoder, b_frames=b_frames)[0]
    reorder = shape_of(codec, unit.data).reorder
    assert reorder is not None
    assert (reorder > 0) == (b_frames > 0)


def test_the_same_object_until_something_changes() -> None:
    small, large = clips.encode(1)[0].data, clips.encode(1, height=2 * clips.HEIGHT)[0].data
    bare = h264.join(h264.split(small)[-1:])
    tracker = ParameterTracker("h264", h264.extradata_of(small))
    first = tracker.of(bare, has_b_frames=False)
    assert (first.width, first.height) == (clips.WIDTH, clips.HEIGHT)
    assert tracker.of(small, has_b_frames=False) is first
    assert tracker.of(bare, has_b_frames=False) is first
    other = tracker.of(large, has_b_frames=False)
    assert other is not first
    assert other.height == 2 * clips.HEIGHT
    assert tracker.of(bare, has_b_frames=False) is other
    assert tracker.of(bare, has_b_frames=True) is not other


def test_renewed_parameters_are_equal_but_another_object() -> None:
    small = clips.encode(1)[0].data
    tracker = ParameterTracker("h264")
    first = tracker.of(small, has_b_frames=False)
    tracker.renew()
    second = tracker.of(small, has_b_frames=False)
    assert second == first
    assert second is not first
    assert tracker.of(small, has_b_frames=False) is second


def test_sets_that_are_sent_twice_count_once() -> None:
    nals = h264.split(clips.encode(1)[0].data)
    sets = [nal for nal in nals if h264.nal_type(nal) in (7, 8)]
    tracker = ParameterTracker("h264")
    first = tracker.of(h264.join([*sets, *nals]), has_b_frames=False)
    assert first.extradata == h264.join(sets)
    assert tracker.of(h264.join(nals), has_b_frames=False) is first


def test_torn_sets_do_not_end_the_stream() -> None:
    small = clips.encode(1)[0].data
    torn = h264.join([b"\x67\x64\x01", b"\x68\x01", b"\x65\x88"])
    tracker = ParameterTracker("h264", h264.extradata_of(small))
    tracker.see(torn)
    parameters = tracker.of(torn, has_b_frames=False)
    assert (parameters.width, parameters.height) == (clips.WIDTH, clips.HEIGHT)
    assert parameters.extradata == h264.join([b"\x67\x64\x01", b"\x68\x01"])


@given(st.binary(max_size=80), st.sampled_from(CODECS))
def test_any_bytes_have_a_shape(data: bytes, codec: VideoCodec) -> None:
    for sets in (data, b"\x00\x00\x00\x01\x67" + data, b"\x00\x00\x00\x01\x42\x01" + data, b"\x0a\x10" + data):
        shape = shape_of(codec, sets)
        assert shape.width >= 0


def ue(value: int) -> str:
    """Exp-Golomb (ITU-T H.265 §9.2)."""
    digits = f"{value + 1:b}"
    return "0" * (len(digits) - 1) + digits


def hevc_sps_of(*, layers: int, chroma: int, crop: bool, per_layer: bool) -> bytes:
    """An SPS of 416x240, cropped by 8 and 4 units, with one more reordered picture in each temporal layer."""
    bits = f"0000{layers - 1:03b}1" + "0" * 96
    if layers > 1:
        bits += "11" * (layers - 1) + "00" * (8 - (layers - 1)) + "0" * 96 * (layers - 1)
    bits += ue(0) + ue(chroma) + ("0" if chroma == 3 else "") + ue(416) + ue(240)
    bits += "1" + ue(8) + ue(0) + ue(0) + ue(4) if crop else "0"
    bits += ue(0) + ue(0) + ue(4) + str(int(per_layer))
    bits += "".join(ue(4) + ue(layer) + ue(0) for layer in (range(layers) if per_layer else [layers - 1]))
    bits += "1" + "0" * (-(len(bits) + 1) % 8)
    return b"\x42\x01" + int(bits, 2).to_bytes(len(bits) // 8)


@pytest.mark.parametrize("layers", [1, 2, 7])
@pytest.mark.parametrize(("chroma", "width", "height"), [(0, 408, 236), (1, 400, 232), (2, 400, 236), (3, 408, 236)])
@pytest.mark.parametrize("per_layer", [True, False])
def test_an_sps_of_hevc(layers: int, chroma: int, width: int, height: int, per_layer: bool) -> None:
    found = hevc_sps.parse_sps(hevc_sps_of(layers=layers, chroma=chroma, crop=True, per_layer=per_layer))
    assert found == hevc_sps.Sps(width, height, layers - 1)
    plain = hevc_sps.parse_sps(hevc_sps_of(layers=layers, chroma=chroma, crop=False, per_layer=per_layer))
    assert (plain.width, plain.height) == (416, 240)


@pytest.mark.parametrize("nal", [b"", b"\x40\x01\x01", b"\x42\x01\x01\x00"])
def test_what_is_no_sps_of_hevc(nal: bytes) -> None:
    with pytest.raises(ValueError, match=r"SPS|ends early"):
        hevc_sps.parse_sps(nal)
