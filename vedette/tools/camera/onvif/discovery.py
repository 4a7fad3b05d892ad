"""WS-Discovery as a device answers it: probes and resolves in, matches out, hello and bye. No I/O.

Source: WS-Discovery 1.0 (April 2005), ONVIF Core §7.
"""

import uuid
from dataclasses import dataclass
from typing import Literal

from vedette.tools.camera.onvif.soap import NAMESPACES, document
from vedette.tools.camera.onvif.xml import Node, Xml, XmlError, el, group, parse

GROUP, PORT = "239.255.255.250", 3702
MAX_DATAGRAM_BYTES = 65_536
_DISCOVERY = "http://schemas.xmlsoap.org/ws/2005/04/discovery"
_ANONYMOUS = "http://schemas.xmlsoap.org/ws/2004/08/addressing/role/anonymous"
_EVERYONE = "urn:schemas-xmlsoap-org:ws:2005:04:discovery"
_NAMESPACES = {
    "s": NAMESPACES["s"],
    "a": "http://schemas.xmlsoap.org/ws/2004/08/addressing",
    "d": _DISCOVERY,
    "dn": "http://www.onvif.org/ver10/network/wsdl",
    "tds": NAMESPACES["tds"],
}
_TYPES = ("NetworkVideoTransmitter", "Device")


@dataclass(frozen=True, slots=True)
class Announced:
    """What a device tells of itself."""

    endpoint: str
    scopes: tuple[str, ...]
    xaddrs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Question:
    """A probe or a resolve that was read."""

    kind: Literal["Probe", "Resolve"]
    message_id: str
    types: tuple[str, ...] = ()
    scopes: tuple[str, ...] = ()
    endpoint: str = ""

    def matches(self, device: Announced) -> bool:
        """Whether this device is meant."""
        if self.kind == "Resolve":
            return self.endpoint == device.endpoint
        wanted = {name.rpartition(":")[2] for name in self.types}
        has_scopes = all(any(scope.startswith(wish) for scope in device.scopes) for wish in self.scopes)
        return wanted <= set(_TYPES) and has_scopes


def read_question(datagram: bytes) -> Question | None:
    """The question in a datagram; None for anything else."""
    if len(datagram) > MAX_DATAGRAM_BYTES:
        return None
    try:
        root = parse(datagram)
    except XmlError:
        return None
    body = root.child("Body")
    message_id = root.value("Header", "MessageID")
    asked = body.children[0] if body is not None and body.children else Node("", "", {})
    if asked.namespace != _DISCOVERY or not message_id:
        return None
    if asked.name == "Probe":
        types, scopes = tuple(asked.value("Types").split()), tuple(asked.value("Scopes").split())
        return Question("Probe", message_id, types, scopes)
    if asked.name == "Resolve":
        return Question("Resolve", message_id, endpoint=asked.value("EndpointReference", "Address"))
    return None


def answer(question: Question, device: Announced) -> bytes:
    """The match that goes to whoever asked."""
    name = f"{question.kind}Match"
    body = el(f"d:{name}es", el(f"d:{name}", _about(device)))
    return _message(f"{name}es", body, to=_ANONYMOUS, relates_to=question.message_id)


def hello(device: Announced) -> bytes:
    """I am here now."""
    return _message("Hello", el("d:Hello", _about(device)), to=_EVERYONE)


def bye(device: Announced) -> bytes:
    """I leave."""
    reference = el("a:EndpointReference", el("a:Address", device.endpoint))
    return _message("Bye", el("d:Bye", reference), to=_EVERYONE)


def _about(device: Announced) -> Xml:
    return group(
        el("a:EndpointReference", el("a:Address", device.endpoint)),
        el("d:Types", "dn:NetworkVideoTransmitter tds:Device"),
        el("d:Scopes", " ".join(device.scopes)),
        el("d:XAddrs", " ".join(device.xaddrs)),
        el("d:MetadataVersion", 1),
    )


def _message(action: str, body: Xml, *, to: str, relates_to: str = "") -> bytes:
    header = group(
        el("a:MessageID", f"urn:uuid:{uuid.uuid4()}"),
        el("a:RelatesTo", relates_to) if relates_to else None,
        el("a:To", to),
        el("a:Action", f"{_DISCOVERY}/{action}"),
    )
    return document(_NAMESPACES, header=header, body=body)
