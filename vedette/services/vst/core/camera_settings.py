"""Settings of a camera in the words of the published API, to and from what ONVIF says.

On the wire every value is a text. What a camera does not tell is left out, never made up.
"""

from collections.abc import Mapping, Sequence
from ipaddress import IPv4Network
from typing import Any

from vedette.services.vst.core.onvif_types import Encoder, Imaging, Network, Range

_NUMBERS = {
    "Brightness": "brightness",
    "ColorSaturation": "saturation",
    "Contrast": "contrast",
    "Sharpness": "sharpness",
}
_CHOICES = {
    "IrCutFilterMode": ("ir_cut_filter", ("ON", "OFF", "AUTO")),
    "BacklightCompensationMode": ("backlight", ("ON", "OFF")),
    "WideDynamicRangeMode": ("wide_dynamic_range", ("ON", "OFF")),
}
_CODECS = {"h264": "H264", "hevc": "H265", "av1": "AV1", "mjpeg": "JPEG"}
_PLAIN = {word: codec for codec, word in _CODECS.items()} | {"HEVC": "hevc", "MJPEG": "mjpeg"}


def image_of(imaging: Imaging) -> dict[str, Any]:
    """SensorImageSettings of a camera's picture settings."""
    told: dict[str, Any] = {}
    for word, name in _NUMBERS.items():
        value = getattr(imaging, name)
        if value is not None:
            allowed = imaging.ranges.get(name)
            told[word] = _range(value, allowed)
    for word, (name, allowed_values) in _CHOICES.items():
        value = getattr(imaging, name)
        if value:
            told[word] = {"AllowedValues": list(allowed_values), "Value": value}
    return told


def imaging_of(image: Mapping[str, str]) -> Imaging:
    """What is to be set, from SetImageSettings without its empty texts. ValueError with a sentence."""
    _refuse_unknown(image, {*_NUMBERS, *_CHOICES})
    numbers = {name: _number(image[word], word) for word, name in _NUMBERS.items() if word in image}
    choices: dict[str, str] = {}
    for word, (name, allowed) in _CHOICES.items():
        if word in image:
            choices[name] = image[word].upper()
            if choices[name] not in allowed:
                raise ValueError(f"{word} is one of {', '.join(allowed)}")
    return Imaging(
        brightness=numbers.get("brightness"),
        saturation=numbers.get("saturation"),
        contrast=numbers.get("contrast"),
        sharpness=numbers.get("sharpness"),
        ir_cut_filter=choices.get("ir_cut_filter"),
        backlight=choices.get("backlight"),
        wide_dynamic_range=choices.get("wide_dynamic_range"),
    )


def encode_of(encoder: Encoder) -> dict[str, Any]:
    """SensorEncodeSettings of an encoder; options are those of the codec that it is set to."""
    options, codec = encoder.options, _CODECS.get(encoder.codec or "", "")
    allowed = [_CODECS.get(item, item.upper()) for item in options.codecs] or ([codec] if codec else [])
    told: dict[str, Any] = {"Encoding": {"AllowedValues": allowed, "Value": codec}}
    values: dict[str, Any] = {}
    fps = options.fps_range
    if fps is None and options.fps:
        fps = Range(min(options.fps), max(options.fps))
    for word, value, bounds in (
        ("Bitrate", encoder.bitrate, options.bitrate_range),
        ("FrameRate", encoder.fps, fps),
        ("GovLength", encoder.gov, options.gov_range),
        ("Quality", encoder.quality, options.quality_range),
    ):
        if value is not None:
            values[word] = _range(value, bounds)
    if encoder.width and encoder.height:
        size = (encoder.width, encoder.height)
        values["Resolution"] = {
            "AllowedValues": [_size(item) for item in options.resolutions or (size,)],
            "Value": _size(size),
        }
    if codec in ("H264", "H265") and values:
        told["Options"] = [{codec: values}]
    return told


def encoder_of(encode: Mapping[str, Any], token: str) -> Encoder:
    """What is to be set, from SetEncodeSettings without its empty texts. ValueError with a sentence."""
    _refuse_unknown(encode, {"Bitrate", "Encoding", "FrameRate", "GovLength", "Quality", "Resolution"})
    codec = None
    if "Encoding" in encode:
        codec = _PLAIN.get(str(encode["Encoding"]).upper().replace(".", ""))
        if codec is None:
            raise ValueError(f"Encoding is one of {', '.join(_CODECS.values())}")
    resolution = encode.get("Resolution") or {}
    return Encoder(
        token=token,
        codec=codec,
        width=_whole(resolution, "Width"),
        height=_whole(resolution, "Height"),
        fps=_number(encode["FrameRate"], "FrameRate") if "FrameRate" in encode else None,
        bitrate=_whole(encode, "Bitrate"),
        gov=_whole(encode, "GovLength"),
        quality=_number(encode["Quality"], "Quality") if "Quality" in encode else None,
    )


def network_text(network: Network) -> dict[str, Any]:
    """The network settings of a camera; version 6 is not asked for."""
    mask = str(IPv4Network((0, network.prefix_length)).netmask) if network.prefix_length else ""
    return {
        "dhcpV4": "" if network.dhcp is None else _flag(network.dhcp),
        "dhcpV6": "",
        "ipAddressV4": network.address,
        "ipAddressV6": "",
        "isIpv4Enabled": True,
        "isIpv6Enabled": False,
        "subnetMaskV4": mask,
        "subnetMaskV6": "",
    }


def network_of(body: Mapping[str, Any]) -> Network:
    """What is to be set. ValueError with a sentence."""
    if body.get("ipAddressV6") or body.get("subnetMaskV6") or body.get("isIpv6Enabled") or body.get("dhcpV6"):
        raise ValueError("addresses of version 6 cannot be set; send those of version 4")
    if body.get("isIpv4Enabled") is False:
        raise ValueError("version 4 cannot be switched off: the camera could not be reached any more")
    dhcp = str(body.get("dhcpV4") or "").strip().lower()
    if dhcp in ("true", "on", "1", "yes", "enabled"):
        return Network(dhcp=True)
    address, mask = str(body.get("ipAddressV4") or "").strip(), str(body.get("subnetMaskV4") or "").strip()
    if not address or not mask:
        raise ValueError("send dhcpV4 true, or ipAddressV4 and subnetMaskV4")
    try:
        prefix = IPv4Network(f"0.0.0.0/{mask}").prefixlen
    except ValueError as error:
        raise ValueError(f"'{mask[:50]}' is no subnet mask, write 255.255.255.0") from error
    return Network(dhcp=False, address=address, prefix_length=prefix)


def _range(value: float, allowed: Range | None) -> dict[str, str]:
    least, most = (value, value) if allowed is None else (allowed.least, allowed.most)
    return {"Max": f"{most:g}", "Min": f"{least:g}", "Value": f"{value:g}"}


def _size(size: Sequence[int]) -> dict[str, str]:
    return {"Height": str(size[1]), "Width": str(size[0])}


def _number(text: object, word: str) -> float:
    try:
        number = float(str(text))
    except ValueError as error:
        raise ValueError(f"{word} is a number") from error
    if not abs(number) < 1e9:
        raise ValueError(f"{word} is a number")
    return number


def _whole(values: Mapping[str, Any], word: str) -> int | None:
    return round(_number(values[word], word)) if values.get(word) not in (None, "") else None


def _flag(value: bool) -> str:
    return "true" if value else "false"


def _refuse_unknown(values: Mapping[str, Any], known: set[str]) -> None:
    unknown = sorted(set(values) - known)
    if unknown:
        raise ValueError(f"{', '.join(unknown)} cannot be set over ONVIF")
