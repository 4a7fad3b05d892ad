"""HEVC bytes, against what libx265 writes."""

import pytest

from tests.support import clips
from vedette.media import h264, hevc


def test_keyframes_and_parameter_sets_of_an_encoder() -> None:
    units = clips.encode(5, codec="libx265", gop=2)
    assert [hevc.is_keyframe(unit.data) for unit in units] == [unit.is_keyframe for unit in units]
    kinds = [hevc.nal_type(nal) for nal in h264.split(hevc.extradata_of(units[0].data))]
    assert kinds == [hevc.VPS, hevc.SPS, hevc.PPS]
    assert hevc.extradata_of(units[1].data) == b""


def test_data_without_a_slice_is_no_keyframe() -> None:
    assert not hevc.is_keyframe(b"")


def test_a_torn_record_is_refused() -> None:
    for record in (b"", bytes([1]) + bytes(21) + b"\x01", bytes([1]) + bytes(21) + b"\x01\x20\x00\x01\x00\x09\x40"):
        with pytest.raises(ValueError, match="hvcC"):
            hevc.parse_hvcc(record)
