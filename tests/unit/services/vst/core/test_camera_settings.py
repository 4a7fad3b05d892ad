"""Camera settings between the words of the published API and those of ONVIF."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vedette.services.vst.core import camera_settings
from vedette.services.vst.core.onvif_types import Encoder, EncoderOptions, Imaging, Network, Range

numbers = st.floats(0, 100).map(lambda value: round(value, 2))


def test_a_cameras_picture_is_told_with_what_it_may_be() -> None:
    imaging = Imaging(brightness=50.5, ir_cut_filter="AUTO", ranges={"brightness": Range(0, 100)})
    assert camera_settings.image_of(imaging) == {
        "Brightness": {"Max": "100", "Min": "0", "Value": "50.5"},
        "IrCutFilterMode": {"AllowedValues": ["ON", "OFF", "AUTO"], "Value": "AUTO"},
    }


@given(numbers, numbers)
def test_what_is_told_can_be_set(brightness: float, contrast: float) -> None:
    told = camera_settings.image_of(Imaging(brightness=brightness, contrast=contrast))
    found = camera_settings.imaging_of({key: item["Value"] for key, item in told.items()})
    assert (found.brightness, found.contrast, found.sharpness) == (brightness, contrast, None)


def test_an_encoder_is_told_with_its_options() -> None:
    options = EncoderOptions(
        ("h264", "hevc"), ((640, 360), (1280, 720)), (5.0, 25.0), None, Range(64, 4096), None, None
    )
    told = camera_settings.encode_of(
        Encoder("e", codec="hevc", width=640, height=360, fps=12.5, bitrate=1000, gov=25, options=options)
    )
    assert told["Encoding"] == {"AllowedValues": ["H264", "H265"], "Value": "H265"}
    [values] = told["Options"]
    assert values["H265"]["FrameRate"] == {"Max": "25", "Min": "5", "Value": "12.5"}
    assert values["H265"]["Bitrate"] == {"Max": "4096", "Min": "64", "Value": "1000"}
    assert values["H265"]["GovLength"] == {"Max": "25", "Min": "25", "Value": "25"}
    assert values["H265"]["Resolution"] == {
        "AllowedValues": [{"Height": "360", "Width": "640"}, {"Height": "720", "Width": "1280"}],
        "Value": {"Height": "360", "Width": "640"},
    }


def test_an_encoder_that_tells_little_is_told_as_it_is() -> None:
    assert camera_settings.encode_of(Encoder("e", codec="mjpeg", width=640, height=360)) == {
        "Encoding": {"AllowedValues": ["JPEG"], "Value": "JPEG"}
    }


def test_an_encoder_is_set() -> None:
    body = {
        "Encoding": "H.265", "Resolution": {"Width": "1280", "Height": "720"}, "FrameRate": "12.5", "Bitrate": "2048",
        "GovLength": "50", "Quality": "4",
    }  # fmt: skip
    assert camera_settings.encoder_of(body, "e") == Encoder(
        "e", codec="hevc", width=1280, height=720, fps=12.5, bitrate=2048, gov=50, quality=4.0
    )
    assert camera_settings.encoder_of({}, "e") == Encoder("e")


@pytest.mark.parametrize(
    "body",
    [{"Encoding": "MPEG-2"}, {"FrameRate": "many"}, {"Bitrate": "nan"}, {"Profiles": "High"}, {"Bitrate": "1e12"}],
)
def test_encoder_settings_that_make_no_sense_are_refused(body: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"is one of|is a number|cannot be set"):
        camera_settings.encoder_of(body, "e")


def test_choices_are_set_in_any_case_and_an_encoder_without_a_size_is_told() -> None:
    found = camera_settings.imaging_of({"IrCutFilterMode": "auto", "WideDynamicRangeMode": "On"})
    assert (found.ir_cut_filter, found.wide_dynamic_range, found.backlight) == ("AUTO", "ON", None)
    told = camera_settings.encode_of(Encoder("e", codec="h264", bitrate=500))
    assert told["Options"] == [{"H264": {"Bitrate": {"Max": "500", "Min": "500", "Value": "500"}}}]


@pytest.mark.parametrize("body", [{"Brightness": "x"}, {"IrCutFilterMode": "MAYBE"}, {"ExposureTime": "1"}])
def test_picture_settings_that_make_no_sense_are_refused(body: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=r"is one of|is a number|cannot be set"):
        camera_settings.imaging_of(body)


def test_network_settings_go_both_ways() -> None:
    told = camera_settings.network_text(Network(dhcp=False, address="192.0.2.7", prefix_length=24))
    assert (told["dhcpV4"], told["ipAddressV4"], told["subnetMaskV4"]) == ("false", "192.0.2.7", "255.255.255.0")
    found = camera_settings.network_of(told | {"isIpv6Enabled": False})
    assert (found.dhcp, found.address, found.prefix_length) == (False, "192.0.2.7", 24)
    assert camera_settings.network_of({"dhcpV4": "on"}).dhcp is True
    assert camera_settings.network_text(Network())["dhcpV4"] == ""


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"ipAddressV4": "192.0.2.7"},
        {"ipAddressV4": "192.0.2.7", "subnetMaskV4": "255.0.255.0"},
        {"ipAddressV6": "fe80::1"},
        {"isIpv4Enabled": False},
    ],
)
def test_network_settings_that_make_no_sense_are_refused(body: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"version|send|mask"):
        camera_settings.network_of(body)
