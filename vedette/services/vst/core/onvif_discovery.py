"""WS-Discovery messages: what is asked of a network and how its answers read.

Source: WS-Discovery 1.0 (April 2005), ONVIF Core section 7. Answers are datagrams from anybody: everything in them is a
claim, and an address that they name counts only when it lies where cameras may be.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import unquote, urlsplit, urlunsplit
from xml.sax.saxutils import escape

from vedette.services.vst.core.address import Network, is_allowed
from vedette.services.vst.core.onvif_replies import short
from vedette.services.vst.core.onvif_xml import Node, XmlError, parse

GROUP = "239.255.255.250"
PORT = 3702
MOST_DATAGRAM_BYTES = 65_536
_MOST_ELEMENTS = 2_000
_MOST_MATCHES = 16
_MOST_ADDRESSES = 8
_SCOPE = "onvif://www.onvif.org/"
TYPES = ("dn:NetworkVideoTransmitter", "tds:Device")
_DEVICE_PATH = "/onvif/device_service"


class Kind(StrEnum):
    """What an announcement says."""

    MATCH = "match"
    HELLO = "hello"
    BYE = "bye"


_KINDS = {"ProbeMatch": Kind.MATCH, "ResolveMatch": Kind.MATCH, "Hello": Kind.HELLO, "Bye": Kind.BYE}


@dataclass(frozen=True, slots=True)
class Announcement:
    """One device of one datagram. `relates_to` is the message id of the probe that it answers."""

    kind: Kind
    endpoint: str
    types: tuple[str, ...] = ()
    scopes: tuple[str, ...] = ()
    xaddrs: tuple[str, ...] = ()
    relates_to: str = ""

    @property
    def is_camera(self) -> bool:
        """Whether it says it is an ONVIF device; printers and computers answer on the same port."""
        kinds = {item.rpartition(":")[2].lower() for item in self.types}
        return "networkvideotransmitter" in kinds or any(item.lower().startswith(_SCOPE) for item in self.scopes)

    def scope(self, name: str) -> str:
        """The text of the first scope of this name (`name`, `hardware`, `location`), decoded."""
        start = f"{_SCOPE}{name}/"
        found = next((item for item in self.scopes if item.lower().startswith(start)), "")
        return short(unquote(found[len(start) :]).rstrip("/"))


def probe_message(message_id: str, types: str) -> bytes:
    """A Probe for devices of one of `TYPES`."""
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" '
        'xmlns:a="http://schemas.xmlsoap.org/ws/2004/08/addressing" '
        'xmlns:d="http://schemas.xmlsoap.org/ws/2005/04/discovery" '
        'xmlns:dn="http://www.onvif.org/ver10/network/wsdl" xmlns:tds="http://www.onvif.org/ver10/device/wsdl">'
        "<s:Header><a:Action>http://schemas.xmlsoap.org/ws/2005/04/discovery/Probe</a:Action>"
        f"<a:MessageID>{escape(message_id)}</a:MessageID>"
        "<a:To>urn:schemas-xmlsoap-org:ws:2005:04:discovery</a:To></s:Header>"
        f"<s:Body><d:Probe><d:Types>{escape(types)}</d:Types></d:Probe></s:Body></s:Envelope>"
    ).encode()


def read_announcements(datagram: bytes) -> list[Announcement]:
    """The cameras that a datagram tells of; empty for anything else, malformed and hostile ones included."""
    if len(datagram) > MOST_DATAGRAM_BYTES:
        return []
    try:
        root = parse(datagram, most_elements=_MOST_ELEMENTS)
    except XmlError:
        return []
    relates_to = root.value("Header", "RelatesTo")
    nodes = [node for node in (root.child("Body") or root).walk() if node.name in _KINDS][:_MOST_MATCHES]
    found = [_announcement(node, relates_to) for node in nodes]
    return [item for item in found if item.endpoint and (item.is_camera or item.kind is Kind.BYE)]


def usable_xaddrs(announced: Iterable[str], *, source: str, networks: Iterable[Network]) -> tuple[str, ...]:
    """Device service addresses that may be dialled, the likeliest first.

    Those at the address that answered come first; then the same paths there for what names a host that is no allowed
    address; a device that names nothing usable is asked at the standard path.
    """
    allowed = tuple(networks)
    here: list[str] = []
    elsewhere: list[str] = []
    for text in announced:
        try:
            parts = urlsplit(text)
            host, port = parts.hostname or "", parts.port
        except ValueError:
            continue
        if parts.scheme not in {"http", "https"} or not host or any(ord(item) <= 32 for item in text):
            continue
        if host != source and _is_allowed_address(host, allowed):
            elsewhere.append(urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, parts.query, "")))
            continue
        name = f"[{source}]" if ":" in source else source
        here.append(urlunsplit((parts.scheme, name if port is None else f"{name}:{port}", parts.path, parts.query, "")))
    name = f"[{source}]" if ":" in source else source
    return tuple(dict.fromkeys([*here, *elsewhere]))[:_MOST_ADDRESSES] or (f"http://{name}{_DEVICE_PATH}",)


def _announcement(node: Node, relates_to: str) -> Announcement:
    return Announcement(
        kind=_KINDS[node.name],
        endpoint=short(node.value("EndpointReference", "Address") or node.value("Address")),
        types=tuple(node.value("Types").split()),
        scopes=_scopes(node.value("Scopes")),
        xaddrs=tuple(node.value("XAddrs").split()),
        relates_to=relates_to,
    )


def _scopes(text: str) -> tuple[str, ...]:
    """Scopes are URIs separated by spaces; some devices leave spaces in them too."""
    found: list[str] = []
    for word in text.split():
        if found and "://" not in word:
            found[-1] += f" {word}"
        else:
            found.append(word)
    return tuple(found)


def _is_allowed_address(host: str, networks: tuple[Network, ...]) -> bool:
    try:
        return is_allowed(host, networks)
    except ValueError:  # a name
        return False
