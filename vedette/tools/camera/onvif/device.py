"""The device service (ONVIF Core §8): who the device is, what it offers, its network, its users."""

import ipaddress
from datetime import datetime

from vedette.kernel.clock import to_datetime
from vedette.tools.camera.onvif.model import FIRMWARE, MANUFACTURER, MODEL, Call, Operation
from vedette.tools.camera.onvif.soap import NAMESPACES, SoapError
from vedette.tools.camera.onvif.xml import Xml, el, group

PATHS = {
    "tds": "/onvif/device_service",
    "trt": "/onvif/media_service",
    "tr2": "/onvif/media2_service",
    "timg": "/onvif/imaging_service",
    "tptz": "/onvif/ptz_service",
    "tev": "/onvif/event_service",
}
_VERSIONS = {"tds": (22, 6), "trt": (2, 60), "tr2": (2, 60), "timg": (2, 60), "tptz": (2, 60), "tev": (2, 60)}
_ELEMENTS = {"tds": "Device", "tev": "Events", "timg": "Imaging", "trt": "Media", "tptz": "PTZ"}
PUBLIC = frozenset({"GetSystemDateAndTime", "GetServices", "GetCapabilities", "GetServiceCapabilities", "GetHostname"})


def scopes(name: str) -> list[str]:
    """The scopes of a device, as discovery and GetScopes tell them."""
    place = name.replace(" ", "_")
    return [
        "onvif://www.onvif.org/type/video_encoder",
        "onvif://www.onvif.org/type/ptz",
        "onvif://www.onvif.org/Profile/Streaming",
        "onvif://www.onvif.org/Profile/T",
        f"onvif://www.onvif.org/name/{place}",
        f"onvif://www.onvif.org/hardware/{MODEL.replace(' ', '_')}",
    ]


def get_system_date_and_time(call: Call) -> Xml:
    """The device's clock, which a digest of WS-Security needs."""
    moment = to_datetime(call.device.now())
    local = None if call.device.sloppy else el("tt:LocalDateTime", *_date_time(moment))
    return el(
        "tds:GetSystemDateAndTimeResponse",
        el(
            "tds:SystemDateAndTime",
            el("tt:DateTimeType", "NTP"),
            el("tt:DaylightSavings", False),
            el("tt:TimeZone", el("tt:TZ", "UTC0")),
            el("tt:UTCDateTime", *_date_time(moment)),
            local,
        ),
    )


def _date_time(moment: datetime) -> tuple[Xml, Xml]:
    return (
        el(
            "tt:Time",
            el("tt:Hour", moment.hour),
            el("tt:Minute", moment.minute),
            el("tt:Second", moment.second),
        ),
        el("tt:Date", el("tt:Year", moment.year), el("tt:Month", moment.month), el("tt:Day", moment.day)),
    )


def get_device_information(call: Call) -> Xml:
    """Manufacturer, model, serial number."""
    return el(
        "tds:GetDeviceInformationResponse",
        el("tds:Manufacturer", MANUFACTURER),
        el("tds:Model", MODEL),
        el("tds:FirmwareVersion", FIRMWARE),
        el("tds:SerialNumber", call.device.identity.serial),
        None if call.device.sloppy else el("tds:HardwareId", "vedette-camera"),
    )


def get_capabilities(call: Call) -> Xml:
    """Addresses of the services of the first generation."""
    parts = {prefix: el("tt:XAddr", call.address + path) for prefix, path in PATHS.items() if prefix in _ELEMENTS}
    extras = {
        "tev": group(
            el("tt:WSSubscriptionPolicySupport", False),
            el("tt:WSPullPointSupport", True),
            el("tt:WSPausableSubscriptionManagerInterfaceSupport", False),
        ),
        "trt": el(
            "tt:StreamingCapabilities",
            el("tt:RTPMulticast", False),
            el("tt:RTP_TCP", True),
            el("tt:RTP_RTSP_TCP", True),
        ),
    }
    listed = [el(f"tt:{_ELEMENTS[prefix]}", parts[prefix], extras.get(prefix)) for prefix in _ELEMENTS]
    return el("tds:GetCapabilitiesResponse", el("tds:Capabilities", *listed))


def get_services(call: Call) -> Xml:
    """Addresses of all services."""
    return el(
        "tds:GetServicesResponse",
        *(
            el(
                "tds:Service",
                el("tds:Namespace", NAMESPACES[prefix]),
                el("tds:XAddr", call.address + path),
                el("tds:Version", el("tt:Major", _VERSIONS[prefix][0]), el("tt:Minor", _VERSIONS[prefix][1])),
            )
            for prefix, path in PATHS.items()
        ),
    )


def get_service_capabilities(_call: Call) -> Xml:
    """What the device service can do."""
    return el(
        "tds:GetServiceCapabilitiesResponse",
        el(
            "tds:Capabilities",
            el("tds:Network", DHCPv6=0, NTP=1, HostnameFromDHCP=False),
            el("tds:Security", UsernameToken=True, HttpDigest=True),
            el("tds:System", DiscoveryBye=True, DiscoveryResolve=True),
        ),
    )


def get_scopes(call: Call) -> Xml:
    """What discovery tells of the device."""
    listed = scopes(call.device.identity.name)
    return el(
        "tds:GetScopesResponse",
        *(el("tds:Scopes", el("tt:ScopeDef", "Fixed"), el("tt:ScopeItem", item)) for item in listed),
    )


def get_hostname(call: Call) -> Xml:
    """Its own name in the network."""
    return el(
        "tds:GetHostnameResponse",
        el("tds:HostnameInformation", el("tt:FromDHCP", False), el("tt:Name", _hostname(call))),
    )


def set_hostname(call: Call) -> Xml:
    """Takes a new one."""
    name = call.message.operation.value("Name")
    if not name or not all(character.isalnum() or character in "-." for character in name) or len(name) > 63:
        raise SoapError("That is no host name.", "InvalidArgVal", "InvalidHostname")
    call.device.hostname = name
    return el("tds:SetHostnameResponse")


def _hostname(call: Call) -> str:
    return call.device.hostname or "".join(c if c.isalnum() else "-" for c in call.device.identity.name)


def get_network_interfaces(call: Call) -> Xml:
    """One Ethernet interface with a fixed address."""
    address = call.host.rpartition(":")[0]
    return el(
        "tds:GetNetworkInterfacesResponse",
        el(
            "tds:NetworkInterfaces",
            el("tt:Enabled", True),
            el("tt:Info", el("tt:Name", "eth0"), el("tt:HwAddress", call.device.identity.mac), el("tt:MTU", 1500)),
            el(
                "tt:IPv4",
                el("tt:Enabled", True),
                el(
                    "tt:Config",
                    el("tt:Manual", el("tt:Address", address), el("tt:PrefixLength", 8)),
                    el("tt:DHCP", False),
                ),
            ),
            token="eth0",  # noqa: S106 - an ONVIF token is a name
        ),
    )


def set_network_interfaces(call: Call) -> Xml:
    """Moves the camera to another address, which takes a restart."""
    operation = call.message.operation
    if operation.value("InterfaceToken") != "eth0":
        raise SoapError("There is no such interface.", "InvalidArgVal", "InvalidNetworkInterface")
    address = operation.value("NetworkInterface", "IPv4", "Manual", "Address")
    if address:
        try:
            ipaddress.IPv4Address(address)
        except ValueError as error:
            raise SoapError("That is no address.", "InvalidArgVal", "InvalidIPv4Address") from error
        call.device.streams.reboot(host=address)
    return el("tds:SetNetworkInterfacesResponse", el("tds:RebootNeeded", False))


def get_network_protocols(call: Call) -> Xml:
    """Ports of HTTP and RTSP."""
    rtsp = call.device.streams.stream_url("main").split("/")[2].rpartition(":")[2]
    ports = {"HTTP": call.host.rpartition(":")[2] or "80", "RTSP": rtsp}
    return el(
        "tds:GetNetworkProtocolsResponse",
        *(
            el("tds:NetworkProtocols", el("tt:Name", name), el("tt:Enabled", True), el("tt:Port", port))
            for name, port in ports.items()
        ),
    )


def get_dns(_call: Call) -> Xml:
    """None."""
    return el("tds:GetDNSResponse", el("tds:DNSInformation", el("tt:FromDHCP", False)))


def get_ntp(_call: Call) -> Xml:
    """None."""
    return el("tds:GetNTPResponse", el("tds:NTPInformation", el("tt:FromDHCP", False)))


def get_network_default_gateway(_call: Call) -> Xml:
    """None."""
    return el("tds:GetNetworkDefaultGatewayResponse", el("tds:NetworkGateway"))


def get_endpoint_reference(call: Call) -> Xml:
    """The address that discovery knows it by."""
    return el("tds:GetEndpointReferenceResponse", el("tds:GUID", call.device.identity.endpoint))


def get_users(call: Call) -> Xml:
    """The one user that is signed in, an administrator."""
    header = call.message.header
    user = next((node.text for node in header.walk() if node.name == "Username"), "") if header else ""
    listed = el("tds:User", el("tt:Username", user or "admin"), el("tt:UserLevel", "Administrator"))
    return el("tds:GetUsersResponse", listed)


def system_reboot(call: Call) -> Xml:
    """Goes away and comes back."""
    call.device.streams.reboot()
    return el("tds:SystemRebootResponse", el("tds:Message", "Restarting."))


OPERATIONS: dict[str, Operation] = {
    "GetSystemDateAndTime": get_system_date_and_time,
    "GetDeviceInformation": get_device_information,
    "GetCapabilities": get_capabilities,
    "GetServices": get_services,
    "GetServiceCapabilities": get_service_capabilities,
    "GetScopes": get_scopes,
    "GetHostname": get_hostname,
    "SetHostname": set_hostname,
    "GetNetworkInterfaces": get_network_interfaces,
    "SetNetworkInterfaces": set_network_interfaces,
    "GetNetworkProtocols": get_network_protocols,
    "GetDNS": get_dns,
    "GetNTP": get_ntp,
    "GetNetworkDefaultGateway": get_network_default_gateway,
    "GetEndpointReference": get_endpoint_reference,
    "GetUsers": get_users,
    "SystemReboot": system_reboot,
}
