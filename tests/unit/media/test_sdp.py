"""Session descriptions say what the decoder needs, and what we write we can read."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vedette.media import h264
from vedette.media.sdp import parse_sdp
from vedette.media.sdp_writer import write_sdp
from vedette.media.unit import CodecParameters

SPS, PPS = b"\x67\x4d\x40\x1f\xaa", b"\x68\xee\x3c"
HEVC_SETS = [b"\x40\x01vps", b"\x42\x01sps", b"\x44\x01pps"]


def test_h264_description() -> None:
    parameters = CodecParameters("h264", extradata=h264.join([SPS, PPS]), width=640, height=360)
    data = write_sdp(parameters, name="Plaza\r\na=evil", control="trackID=0")
    (media,) = parse_sdp(data)
    assert (media.kind, media.payload_type, media.encoding, media.clock_rate) == ("video", 96, "H264", 90_000)
    assert media.control == "trackID=0"
    assert media.parameters["packetization-mode"] == "1"
    assert media.parameters["profile-level-id"] == "4d401f"
    assert (
        media.parameters["sprop-parameter-sets"] == f"{base64.b64encode(SPS).decode()},{base64.b64encode(PPS).decode()}"
    )
    assert media.extradata() == parameters.extradata
    assert b"\r\na=evil" not in data


def test_hevc_description() -> None:
    parameters = CodecParameters("hevc", extradata=h264.join(HEVC_SETS))
    (media,) = parse_sdp(write_sdp(parameters, name="", control="trackID=0"))
    assert media.encoding == "H265"
    assert media.extradata() == parameters.extradata


def test_without_parameter_sets_they_come_in_band() -> None:
    (media,) = parse_sdp(write_sdp(CodecParameters("h264"), name="x", control="c"))
    assert media.parameters == {"packetization-mode": "1"}
    assert media.extradata() == b""


def test_other_codecs_are_refused() -> None:
    with pytest.raises(ValueError, match="aac"):
        write_sdp(CodecParameters("aac"), name="x", control="c")


@given(st.one_of(st.binary(max_size=100), st.text("mav=:;/ 9c\n", max_size=100).map(str.encode)))
def test_reading_raises_only_value_errors(data: bytes) -> None:
    try:
        for media in parse_sdp(data):
            media.extradata()
    except ValueError:
        return
