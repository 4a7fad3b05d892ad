"""SOAP requests to cameras, as text. Source: ONVIF Core, Media, Media2, PTZ, Imaging and Event specifications.

Each function gives a `Call`; what is user-given or device-given is escaped here and nowhere else.
"""

from dataclasses import dataclass
from ipaddress import ip_address
from xml.sax.saxutils import escape, quoteattr

from vedette.services.vst.core.onvif_types import Encoder, Imaging, Network, Position
from vedette.services.vst.core.onvif_xml import Node

SERVICES = {
    "device": "http://www.onvif.org/ver10/device/wsdl",
    "media": "http://www.onvif.org/ver10/media/wsdl",
    "media2": "http://www.onvif.org/ver20/media/wsdl",
    "ptz": "http://www.onvif.org/ver20/ptz/wsdl",
    "imaging": "http://www.onvif.org/ver20/imaging/wsdl",
    "events": "http://www.onvif.org/ver10/events/wsdl",
}
_SCHEMA = "http://www.onvif.org/ver10/schema"
_SOAP = "http://www.w3.org/2003/05/soap-envelope"
_ADDRESSING = "http://www.w3.org/2005/08/addressing"
_NOTIFICATION = "http://docs.oasis-open.org/wsn/b-2"
_PULL = "http://www.onvif.org/ver10/events/wsdl/PullPointSubscription"
_MANAGER = "http://docs.oasis-open.org/wsn/bw-2/SubscriptionManager"
_CODECS_1 = {"h264": "H264", "mjpeg": "JPEG"}
_CODECS_2 = {"h264": "H264", "hevc": "H265", "mjpeg": "JPEG", "av1": "AV1"}


@dataclass(frozen=True, slots=True)
class Call:
    """One operation of one service. `action` is its WS-Addressing action, `body` the content of the SOAP body."""

    service: str
    operation: str
    body: str
    action: str


def call(service: str, operation: str, inner: str = "") -> Call:
    """An operation; `inner` holds its parameters, in the prefixes `n` (the service) and `t` (the schema)."""
    namespace = SERVICES[service]
    body = f'<n:{operation} xmlns:n="{namespace}" xmlns:t="{_SCHEMA}">{inner}</n:{operation}>'
    return Call(service, operation, body, f"{namespace}/{operation}")


def envelope(wanted: Call, *, security: str = "", addressing: str = "") -> bytes:
    """The whole SOAP 1.2 document; `security` and `addressing` are the elements of its header."""
    header = f"<s:Header>{addressing}{security}</s:Header>" if security or addressing else ""
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<s:Envelope xmlns:s="{_SOAP}">{header}'
        f"<s:Body>{wanted.body}</s:Body></s:Envelope>"
    ).encode()


def addressing_header(wanted: Call, *, to: str, message_id: str, references: tuple[Node, ...] = ()) -> str:
    """WS-Addressing for a subscription; its reference parameters go back as the device gave them."""
    echoed = "".join(
        f"<r:{node.name} xmlns:r={quoteattr(node.namespace)}>{escape(node.text)}</r:{node.name}>"
        for node in references
        if node.namespace
    )
    return (
        f'<a:Action s:mustUnderstand="1" xmlns:a="{_ADDRESSING}">{escape(wanted.action)}</a:Action>'
        f'<a:MessageID xmlns:a="{_ADDRESSING}">{escape(message_id)}</a:MessageID>'
        f'<a:To s:mustUnderstand="1" xmlns:a="{_ADDRESSING}">{escape(to)}</a:To>{echoed}'
    )


def get_services() -> Call:
    """Addresses of all services."""
    return call("device", "GetServices", "<n:IncludeCapability>false</n:IncludeCapability>")


def get_capabilities() -> Call:
    """The same for devices older than GetServices."""
    return call("device", "GetCapabilities", "<n:Category>All</n:Category>")


def get_profiles(media2: bool) -> Call:
    """All profiles with their configurations."""
    return call("media2", "GetProfiles", "<n:Type>All</n:Type>") if media2 else call("media", "GetProfiles")


def get_stream_uri(media2: bool, profile: str) -> Call:
    """Where a profile is streamed over RTSP."""
    token = f"<n:ProfileToken>{escape(profile)}</n:ProfileToken>"
    if media2:
        return call("media2", "GetStreamUri", f"<n:Protocol>RTSP</n:Protocol>{token}")
    transport = "<t:Stream>RTP-Unicast</t:Stream><t:Transport><t:Protocol>RTSP</t:Protocol></t:Transport>"
    return call("media", "GetStreamUri", f"<n:StreamSetup>{transport}</n:StreamSetup>{token}")


def get_snapshot_uri(media2: bool, profile: str) -> Call:
    """Where a JPEG of a profile is."""
    service = "media2" if media2 else "media"
    return call(service, "GetSnapshotUri", f"<n:ProfileToken>{escape(profile)}</n:ProfileToken>")


def set_synchronization_point(media2: bool, profile: str) -> Call:
    """Asks for a keyframe now."""
    service = "media2" if media2 else "media"
    return call(service, "SetSynchronizationPoint", f"<n:ProfileToken>{escape(profile)}</n:ProfileToken>")


def get_encoder(media2: bool, token: str) -> Call:
    """One encoder configuration."""
    inner = f"<n:ConfigurationToken>{escape(token)}</n:ConfigurationToken>"
    if media2:
        return call("media2", "GetVideoEncoderConfigurations", inner)
    return call("media", "GetVideoEncoderConfiguration", inner)


def get_encoder_options(media2: bool, token: str) -> Call:
    """What that configuration may be."""
    service = "media2" if media2 else "media"
    inner = f"<n:ConfigurationToken>{escape(token)}</n:ConfigurationToken>"
    return call(service, "GetVideoEncoderConfigurationOptions", inner)


def set_encoder(media2: bool, wanted: Encoder, *, session_timeout: str = "PT60S", multicast: str = "") -> Call:
    """Replaces an encoder configuration; every field of `wanted` is given."""
    size = f"<t:Width>{wanted.width or 0}</t:Width><t:Height>{wanted.height or 0}</t:Height>"
    quality = f"<t:Quality>{wanted.quality or 0:g}</t:Quality>"
    name = f"<t:Name>{escape(wanted.name)}</t:Name><t:UseCount>0</t:UseCount>"
    codec = wanted.codec or "h264"
    if media2:
        attributes = f'token={quoteattr(wanted.token)} GovLength="{wanted.gov or 0}"'
        rate = (
            f"<t:FrameRateLimit>{wanted.fps or 0:g}</t:FrameRateLimit>"
            f"<t:BitrateLimit>{wanted.bitrate or 0}</t:BitrateLimit>"
        )
        inner = (
            f"{name}<t:Encoding>{_CODECS_2.get(codec, 'H264')}</t:Encoding><t:Resolution>{size}</t:Resolution>"
            f"<t:RateControl>{rate}</t:RateControl>{quality}"
        )
        return call(
            "media2", "SetVideoEncoderConfiguration", f"<n:Configuration {attributes}>{inner}</n:Configuration>"
        )
    rate = (
        f"<t:FrameRateLimit>{round(wanted.fps or 0)}</t:FrameRateLimit><t:EncodingInterval>1</t:EncodingInterval>"
        f"<t:BitrateLimit>{wanted.bitrate or 0}</t:BitrateLimit>"
    )
    h264 = f"<t:H264><t:GovLength>{wanted.gov or 0}</t:GovLength><t:H264Profile>Main</t:H264Profile></t:H264>"
    inner = (
        f"{name}<t:Encoding>{_CODECS_1.get(codec, 'H264')}</t:Encoding><t:Resolution>{size}</t:Resolution>{quality}"
        f"<t:RateControl>{rate}</t:RateControl>{h264 if codec == 'h264' else ''}{multicast or _NO_MULTICAST}"
        f"<t:SessionTimeout>{escape(session_timeout)}</t:SessionTimeout>"
    )
    configuration = f"<n:Configuration token={quoteattr(wanted.token)}>{inner}</n:Configuration>"
    return call(
        "media", "SetVideoEncoderConfiguration", f"{configuration}<n:ForcePersistence>true</n:ForcePersistence>"
    )


_NO_MULTICAST = (
    "<t:Multicast><t:Address><t:Type>IPv4</t:Type><t:IPv4Address>0.0.0.0</t:IPv4Address></t:Address>"
    "<t:Port>0</t:Port><t:TTL>0</t:TTL><t:AutoStart>false</t:AutoStart></t:Multicast>"
)


def get_imaging(source: str) -> Call:
    """Picture settings of a video source."""
    return call("imaging", "GetImagingSettings", f"<n:VideoSourceToken>{escape(source)}</n:VideoSourceToken>")


def get_imaging_options(source: str) -> Call:
    """What they may be."""
    return call("imaging", "GetOptions", f"<n:VideoSourceToken>{escape(source)}</n:VideoSourceToken>")


def set_imaging(source: str, wanted: Imaging) -> Call:
    """Sets what is not None, in the order of the schema."""
    parts = (
        f"<t:BacklightCompensation><t:Mode>{escape(wanted.backlight)}</t:Mode></t:BacklightCompensation>"
        if wanted.backlight is not None
        else "",
        _number("Brightness", wanted.brightness),
        _number("ColorSaturation", wanted.saturation),
        _number("Contrast", wanted.contrast),
        f"<t:IrCutFilter>{escape(wanted.ir_cut_filter)}</t:IrCutFilter>" if wanted.ir_cut_filter is not None else "",
        _number("Sharpness", wanted.sharpness),
        f"<t:WideDynamicRange><t:Mode>{escape(wanted.wide_dynamic_range)}</t:Mode></t:WideDynamicRange>"
        if wanted.wide_dynamic_range is not None
        else "",
    )
    return call(
        "imaging",
        "SetImagingSettings",
        f"<n:VideoSourceToken>{escape(source)}</n:VideoSourceToken>"
        f"<n:ImagingSettings>{''.join(parts)}</n:ImagingSettings><n:ForcePersistence>true</n:ForcePersistence>",
    )


def set_interface(wanted: Network) -> Call:
    """Sets the IPv4 address of an interface: DHCP, or a fixed one."""
    manual = (
        f"<t:Manual><t:Address>{escape(wanted.address)}</t:Address>"
        f"<t:PrefixLength>{wanted.prefix_length}</t:PrefixLength></t:Manual>"
        if wanted.address and not wanted.dhcp
        else ""
    )
    dhcp = "true" if wanted.dhcp else "false"
    return call(
        "device",
        "SetNetworkInterfaces",
        f"<n:InterfaceToken>{escape(wanted.token)}</n:InterfaceToken><n:NetworkInterface><t:Enabled>true</t:Enabled>"
        f"<t:IPv4><t:Enabled>true</t:Enabled>{manual}<t:DHCP>{dhcp}</t:DHCP></t:IPv4></n:NetworkInterface>",
    )


def set_gateway(address: str) -> Call:
    """Sets the default route."""
    return call("device", "SetNetworkDefaultGateway", f"<n:IPv4Address>{escape(address)}</n:IPv4Address>")


def set_name_servers(addresses: tuple[str, ...]) -> Call:
    """Sets the DNS servers by hand."""
    servers = "".join(
        f"<n:DNSManual><t:Type>IPv4</t:Type><t:IPv4Address>{escape(item)}</t:IPv4Address></n:DNSManual>"
        for item in addresses
    )
    return call("device", "SetDNS", f"<n:FromDHCP>false</n:FromDHCP>{servers}")


def set_time_servers(hosts: tuple[str, ...]) -> Call:
    """Sets the NTP servers by hand."""
    servers = "".join(
        f"<n:NTPManual><t:Type>{'IPv4' if _is_ipv4(item) else 'DNS'}</t:Type>"
        f"<t:{'IPv4Address' if _is_ipv4(item) else 'DNSname'}>{escape(item)}"
        f"</t:{'IPv4Address' if _is_ipv4(item) else 'DNSname'}></n:NTPManual>"
        for item in hosts
    )
    return call("device", "SetNTP", f"<n:FromDHCP>false</n:FromDHCP>{servers}")


def set_host_name(name: str) -> Call:
    """Sets the device's own name."""
    return call("device", "SetHostname", f"<n:Name>{escape(name)}</n:Name>")


def ptz(operation: str, profile: str, inner: str = "") -> Call:
    """A PTZ operation on a profile."""
    return call("ptz", operation, f"<n:ProfileToken>{escape(profile)}</n:ProfileToken>{inner}")


def ptz_move(kind: str, profile: str, where: Position, *, timeout_s: float | None = None) -> Call:
    """`kind` is absolute, continuous or relative; axes that are None are left alone."""
    operation, element = {
        "absolute": ("AbsoluteMove", "Position"),
        "continuous": ("ContinuousMove", "Velocity"),
        "relative": ("RelativeMove", "Translation"),
    }[kind]
    timeout = f"<n:Timeout>PT{timeout_s:g}S</n:Timeout>" if timeout_s is not None and kind == "continuous" else ""
    return ptz(operation, profile, f"<n:{element}>{_vector(where)}</n:{element}>{timeout}")


def ptz_stop(profile: str) -> Call:
    """Stops all axes."""
    return ptz("Stop", profile, "<n:PanTilt>true</n:PanTilt><n:Zoom>true</n:Zoom>")


def ptz_preset(operation: str, profile: str, *, token: str = "", name: str = "") -> Call:
    """`operation` is SetPreset, GotoPreset or RemovePreset."""
    named = f"<n:PresetName>{escape(name)}</n:PresetName>" if name else ""
    known = f"<n:PresetToken>{escape(token)}</n:PresetToken>" if token else ""
    return ptz(operation, profile, named + known)


def create_pull_point(lifetime_s: int) -> Call:
    """A subscription to everything."""
    inner = f"<n:InitialTerminationTime>PT{lifetime_s}S</n:InitialTerminationTime>"
    wanted = call("events", "CreatePullPointSubscription", inner)
    action = f"{SERVICES['events']}/EventPortType/CreatePullPointSubscriptionRequest"
    return Call("events", "CreatePullPointSubscription", wanted.body, action)


def pull_messages(wait_s: int, most: int) -> Call:
    """Waits up to `wait_s` for up to `most` events."""
    inner = f"<n:Timeout>PT{wait_s}S</n:Timeout><n:MessageLimit>{most}</n:MessageLimit>"
    return Call("events", "PullMessages", call("events", "PullMessages", inner).body, f"{_PULL}/PullMessagesRequest")


def renew(lifetime_s: int) -> Call:
    """Keeps a subscription for another `lifetime_s`."""
    inner = f"<w:TerminationTime>PT{lifetime_s}S</w:TerminationTime>"
    return Call("events", "Renew", f'<w:Renew xmlns:w="{_NOTIFICATION}">{inner}</w:Renew>', f"{_MANAGER}/RenewRequest")


def unsubscribe() -> Call:
    """Ends a subscription."""
    body = f'<w:Unsubscribe xmlns:w="{_NOTIFICATION}"/>'
    return Call("events", "Unsubscribe", body, f"{_MANAGER}/UnsubscribeRequest")


def _vector(where: Position) -> str:
    pan_tilt = (
        ""
        if where.pan is None and where.tilt is None
        else f'<t:PanTilt x="{where.pan or 0:g}" y="{where.tilt or 0:g}"/>'
    )
    return pan_tilt + ("" if where.zoom is None else f'<t:Zoom x="{where.zoom:g}"/>')


def _number(name: str, value: float | None) -> str:
    return "" if value is None else f"<t:{name}>{value:g}</t:{name}>"


def _is_ipv4(host: str) -> bool:
    try:
        return ip_address(host).version == 4
    except ValueError:
        return False
