"""What cameras answer, turned into our words. A missing element is an unknown value, never an error."""

from collections.abc import Mapping
from dataclasses import replace
from urllib.parse import urlsplit, urlunsplit

from vedette.services.vst.core.onvif_calls import SERVICES
from vedette.services.vst.core.onvif_types import (
    DeviceInfo,
    Encoder,
    EncoderOptions,
    Imaging,
    Network,
    Position,
    Preset,
    Profile,
    PtzStatus,
    Range,
)
from vedette.services.vst.core.onvif_xml import Node, to_count, to_number

MOST_PROFILES = 64
_MOST_TEXT = 200
_MOST_ADDRESSES = 32
_CODECS = {"h264": "h264", "h265": "hevc", "hevc": "hevc", "jpeg": "mjpeg", "mjpeg": "mjpeg", "av1": "av1"}
_CAPABILITIES = {"Device": "device", "Media": "media", "PTZ": "ptz", "Imaging": "imaging", "Events": "events"}


def short(text: str) -> str:
    """Device text as it may be shown and stored: one line, printable, at most 200 characters."""
    return " ".join("".join(item if item.isprintable() else " " for item in text[: 4 * _MOST_TEXT]).split())[
        :_MOST_TEXT
    ]


def fault_of(root: Node) -> tuple[str, str] | None:
    """(codes, reason) when the body is a SOAP fault, 1.1 or 1.2; None otherwise."""
    body = root.child("Body") or root
    fault = body.child("Fault") or (root if root.name == "Fault" else None)
    if fault is None:
        return None
    codes = " ".join(node.text.rpartition(":")[2] for node in fault.walk() if node.name in {"Value", "faultcode"})
    reason = fault.value("Reason", "Text") or fault.value("Reason") or fault.value("faultstring")
    return codes, short(reason or fault.value("Text"))


def clock_of(root: Node) -> tuple[int, int, int, int, int, int] | None:
    """(year, month, day, hour, minute, second) UTC as the device tells it."""
    moment = root.first("UTCDateTime")
    if moment is None:
        return None
    names = (
        ("Date", "Year"),
        ("Date", "Month"),
        ("Date", "Day"),
        ("Time", "Hour"),
        ("Time", "Minute"),
        ("Time", "Second"),
    )
    values = [moment.number(*path) for path in names]
    year, month, day, hour, minute, second = (-1 if value is None else int(value) for value in values)
    plausible = 1970 <= year <= 9999 and 1 <= month <= 12 and 1 <= day <= 31
    if not plausible or not (0 <= hour <= 23 and 0 <= minute <= 59 and 0 <= second <= 60):
        return None
    return year, month, day, hour, minute, min(second, 59)


def device_info(root: Node) -> DeviceInfo:
    """GetDeviceInformation."""
    return DeviceInfo(
        manufacturer=short(root.value("Manufacturer")),
        model=short(root.value("Model")),
        firmware=short(root.value("FirmwareVersion")),
        serial=short(root.value("SerialNumber")),
        hardware_id=short(root.value("HardwareId")),
    )


def services(root: Node) -> dict[str, str]:
    """GetServices: our name of the service to its address; unknown ones are left out."""
    names = {_plain_namespace(value): key for key, value in SERVICES.items()}
    found: dict[str, str] = {}
    for node in root.all("Service"):
        name = names.get(_plain_namespace(node.value("Namespace")))
        if name is not None and node.value("XAddr"):
            found.setdefault(name, node.value("XAddr"))
    return found


def capabilities(root: Node) -> dict[str, str]:
    """GetCapabilities, in the same form."""
    inside = root.first("Capabilities") or root
    found = {}
    for element, name in _CAPABILITIES.items():
        address = inside.value(element, "XAddr")
        if address:
            found[name] = address
    return found


def profiles(root: Node) -> list[Profile]:
    """GetProfiles of Media or Media2; those without a token or without video are left out."""
    found = [_profile(node) for node in root.all("Profiles")[:MOST_PROFILES] if node.token()]
    return [item for item in found if item is not None]


def media_uri(root: Node) -> str:
    """The URI of a stream or snapshot reply."""
    return root.value("Uri").strip()


def reached_url(url: str, *, reached: str, names: frozenset[str] = frozenset()) -> str:
    """A URL that a device gave, at the host that answered us; empty when it is none that we open.

    HTTP: an address that is not the one we reached is the device's own idea of itself (behind NAT, after a new lease),
    so scheme, host and port become the reached ones; `names` are other spellings of the reached host. RTSP: only the
    host, because the port belongs to another server. Credentials and fragments are dropped. So whatever a device says,
    nothing but the address that was checked is ever dialled.
    """
    ours = urlsplit(reached)
    try:
        parts = urlsplit(url.strip())
        port = parts.port
    except ValueError:
        return ""
    if parts.scheme not in {"http", "https", "rtsp", "rtsps"} or any(
        ord(item) <= 32 or ord(item) == 127 for item in url.strip()
    ):
        return ""
    host = ours.hostname or ""
    name = f"[{host}]" if ":" in host else host
    if parts.scheme in {"rtsp", "rtsps"}:
        return urlunsplit((parts.scheme, name if port is None else f"{name}:{port}", parts.path, parts.query, ""))
    if parts.hostname in {host, *names}:
        return urlunsplit((parts.scheme, name if port is None else f"{name}:{port}", parts.path, parts.query, ""))
    return urlunsplit((ours.scheme, ours.netloc, parts.path, parts.query, ""))


def encoder(root: Node) -> Encoder | None:
    """A video encoder configuration of Media or Media2."""
    node = root.first("Configuration") or root.first("Configurations")
    if node is None:
        return None
    facts = _video_facts(Profile(""), node)
    return Encoder(
        token=node.token(),
        name=short(node.value("Name")),
        codec=facts.codec,
        width=facts.width,
        height=facts.height,
        fps=facts.fps,
        bitrate=facts.bitrate,
        gov=facts.gov,
        quality=node.number("Quality"),
    )


def encoder_options(root: Node, codec: str) -> EncoderOptions:
    """What an encoder may be. Media2 has one `Options` per codec, Media one with an element per codec."""
    options = root.all("Options")
    names = [_CODECS.get(node.value("Encoding").lower(), "") for node in options]
    if any(names):
        mine = next((node for node, name in zip(options, names, strict=True) if name == codec), options[0])
        gov = [to_number(item) for item in mine.attributes.get("GovLengthRange", "").split()]
        rates = [to_number(item) for item in mine.attributes.get("FrameRatesSupported", "").split()]
        return EncoderOptions(
            codecs=tuple(dict.fromkeys(name for name in names if name)),
            resolutions=_resolutions(mine),
            fps=tuple(sorted({item for item in rates if item is not None}, reverse=True)),
            bitrate_range=_range(mine.first("BitrateRange")),
            gov_range=Range(gov[0], gov[-1]) if len(gov) >= 2 and gov[0] is not None and gov[-1] is not None else None,
            quality_range=_range(mine.first("QualityRange")),
        )
    whole = options[0] if options else root
    present = tuple(
        name for element, name in (("H264", "h264"), ("H265", "hevc"), ("JPEG", "mjpeg")) if whole.first(element)
    )
    element = {"h264": "H264", "hevc": "H265", "mjpeg": "JPEG"}.get(codec, "H264")
    mine = whole.first(element) or whole
    extension = whole.first("Extension", element)
    return EncoderOptions(
        codecs=present,
        resolutions=_resolutions(mine),
        fps_range=_range(mine.first("FrameRateRange")),
        bitrate_range=_range(extension.first("BitrateRange")) if extension else _range(mine.first("BitrateRange")),
        gov_range=_range(mine.first("GovLengthRange")),
        quality_range=_range(whole.first("QualityRange")),
    )


def imaging(root: Node) -> Imaging:
    """GetImagingSettings; the element may be 1.0's or 2.0's."""
    return Imaging(
        brightness=root.number("Brightness"),
        saturation=root.number("ColorSaturation"),
        contrast=root.number("Contrast"),
        sharpness=root.number("Sharpness"),
        ir_cut_filter=root.value("IrCutFilter") or None,
        backlight=root.value("BacklightCompensation", "Mode") or None,
        wide_dynamic_range=root.value("WideDynamicRange", "Mode") or None,
    )


def imaging_ranges(root: Node) -> dict[str, Range]:
    """GetOptions of Imaging, by the names of `Imaging`."""
    names = {
        "brightness": "Brightness",
        "saturation": "ColorSaturation",
        "contrast": "Contrast",
        "sharpness": "Sharpness",
    }
    found = {name: _range(root.first(element)) for name, element in names.items()}
    return {name: value for name, value in found.items() if value is not None}


def interface(root: Node) -> Network:
    """GetNetworkInterfaces: the first one that is enabled, else the first."""
    nodes = root.all("NetworkInterfaces")
    if not nodes:
        return Network()
    node = next((item for item in nodes if (item.child("Enabled") or Node("")).text == "true"), nodes[0])
    dhcp = node.value("IPv4", "DHCP")
    chosen = node.first("IPv4", "Manual") if dhcp != "true" else node.first("IPv4", "FromDHCP")
    chosen = chosen or node.first("IPv4", "FromDHCP") or node.first("IPv4", "Manual") or Node("")
    return Network(
        token=node.token(),
        hardware_address=short(node.value("HwAddress")),
        dhcp=None if not dhcp else dhcp == "true",
        address=short(chosen.value("Address")),
        prefix_length=to_count(chosen.number("PrefixLength")),
    )


def addresses(root: Node, name: str) -> tuple[str, ...]:
    """Addresses and names inside every element whose name begins with `name` (DNSManual, NTPFromDHCP, ...)."""
    wanted = {"IPv4Address", "IPv6Address", "DNSname"}
    names = {node.name for node in root.walk() if node.name.startswith(name)}
    nodes = [node for each in sorted(names) for node in root.all(each)][:_MOST_ADDRESSES]
    return tuple(
        dict.fromkeys(short(item.text) for node in nodes for item in node.walk() if item.name in wanted and item.text)
    )


def position(node: Node | None) -> Position:
    """A PTZ vector; empty elements are unknown axes."""
    if node is None:
        return Position()
    pan_tilt, zoom = node.first("PanTilt"), node.first("Zoom")
    return Position(
        pan=to_number(pan_tilt.attributes.get("x", "")) if pan_tilt else None,
        tilt=to_number(pan_tilt.attributes.get("y", "")) if pan_tilt else None,
        zoom=to_number(zoom.attributes.get("x", "")) if zoom else None,
    )


def ptz_status(root: Node) -> PtzStatus:
    """GetStatus of PTZ."""
    states = {node.text.upper() for node in (root.first("MoveStatus") or Node("")).walk() if node.text}
    moving = True if "MOVING" in states else False if "IDLE" in states else None
    return PtzStatus(position(root.first("Position")), moving)


def presets(root: Node) -> list[Preset]:
    """GetPresets."""
    nodes = [node for node in root.all("Preset") if node.token()]
    return [Preset(node.token(), short(node.value("Name")), position(node.first("PTZPosition"))) for node in nodes]


def largest_first(found: Mapping[str, Profile] | list[Profile]) -> tuple[Profile, ...]:
    """Profiles by picture size, then bit rate; equal ones keep the device's order."""
    items = list(found.values()) if isinstance(found, Mapping) else found
    return tuple(sorted(items, key=lambda item: (-item.width * item.height, -item.bitrate)))


def _profile(node: Node) -> Profile | None:
    encoder_node = node.first("VideoEncoderConfiguration") or node.first("VideoEncoder")
    source = node.first("VideoSourceConfiguration") or node.first("VideoSource")
    audio = node.first("AudioEncoderConfiguration") or node.first("AudioEncoder")
    moves = node.first("PTZConfiguration") or node.first("PTZ")
    if encoder_node is None and source is None:
        return None
    blank = Profile(
        token=node.token(),
        name=short((node.child("Name") or Node("")).text),
        has_audio=audio is not None,
        source_token=source.value("SourceToken") if source else "",
        encoder_token=encoder_node.token() if encoder_node else "",
        ptz_token=moves.token() if moves else "",
    )
    return blank if encoder_node is None else _video_facts(blank, encoder_node)


def _video_facts(profile: Profile, node: Node) -> Profile:
    gov = to_number(node.attributes.get("GovLength", "")) or node.number("GovLength")
    return replace(
        profile,
        codec=_CODECS.get(node.value("Encoding").lower(), ""),
        width=to_count(node.number("Resolution", "Width")),
        height=to_count(node.number("Resolution", "Height")),
        fps=max(0.0, node.number("RateControl", "FrameRateLimit") or 0.0),
        bitrate=to_count(node.number("RateControl", "BitrateLimit")),
        gov=to_count(gov),
    )


def _resolutions(node: Node) -> tuple[tuple[int, int], ...]:
    sizes = [
        (to_count(item.number("Width")), to_count(item.number("Height"))) for item in node.all("ResolutionsAvailable")
    ]
    return tuple(sorted({size for size in sizes if all(size)}, key=lambda size: -size[0] * size[1]))


def _range(node: Node | None) -> Range | None:
    if node is None:
        return None
    least, most = node.number("Min"), node.number("Max")
    return None if least is None or most is None else Range(least, most)


def _plain_namespace(text: str) -> str:
    return text.strip().lower().rstrip("/")
