"""SOAP 1.2 as cameras speak it: envelopes, faults and WS-UsernameToken. No I/O.

Sources: ONVIF Core §5 (faults, HTTP digest beside WS-Security), WS-Security UsernameToken Profile 1.0.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from vedette.kernel.clock import Instant, from_iso
from vedette.kernel.errors import Fault
from vedette.tools.camera.onvif.xml import Node, Xml, XmlError, el, group, parse

CONTENT_TYPE = "application/soap+xml; charset=utf-8"
_WINDOW_US = 300_000_000
_ENVELOPES = ("http://www.w3.org/2003/05/soap-envelope", "http://schemas.xmlsoap.org/soap/envelope/")
NAMESPACES = {
    "s": _ENVELOPES[0],
    "wsa": "http://www.w3.org/2005/08/addressing",
    "wsnt": "http://docs.oasis-open.org/wsn/b-2",
    "tt": "http://www.onvif.org/ver10/schema",
    "tds": "http://www.onvif.org/ver10/device/wsdl",
    "trt": "http://www.onvif.org/ver10/media/wsdl",
    "tr2": "http://www.onvif.org/ver20/media/wsdl",
    "timg": "http://www.onvif.org/ver20/imaging/wsdl",
    "tptz": "http://www.onvif.org/ver20/ptz/wsdl",
    "tev": "http://www.onvif.org/ver10/events/wsdl",
    "wstop": "http://docs.oasis-open.org/wsn/t-1",
    "tns1": "http://www.onvif.org/ver10/topics",
    "ter": "http://www.onvif.org/ver10/error",
}
_WRONG = {
    "tt": "http://www.onvif.org/ver10/schema/",
    "tds": "http://www.onvif.org/ver10/Device/wsdl",
    "trt": "http://www.onvif.org/onvif/ver10/media/wsdl",
    "tr2": "http://www.onvif.org/ver10/media2/wsdl",
}


class SoapError(Exception):
    """What a device refuses: `code` is Sender or Receiver, `subcodes` are names of `ter`."""

    def __init__(self, reason: str, *subcodes: str, code: str = "Sender", status: int = 400) -> None:
        super().__init__(reason)
        self.reason = reason
        self.code = code
        self.subcodes = subcodes
        self.status = status

    def body(self) -> Xml:
        """The fault element."""
        inner: Xml | None = None
        for name in reversed(self.subcodes):
            inner = el("s:Subcode", el("s:Value", f"ter:{name}"), inner)
        code = el("s:Code", el("s:Value", f"s:{self.code}"), inner)
        reason = Xml(el("s:Text", self.reason).replace("<s:Text", '<s:Text xml:lang="en"', 1))
        return el("s:Fault", code, el("s:Reason", reason))


@dataclass(frozen=True, slots=True)
class Message:
    """A request: the operation, and the header if there is one."""

    operation: Node
    header: Node | None


def read(data: bytes) -> Message:
    """The message of an envelope, SOAP 1.2 or 1.1; `SoapError` for anything else."""
    try:
        root = parse(data)
    except XmlError as error:
        raise SoapError(f"The request is not readable: {error}.", "WellFormed") from error
    body = root.child("Body")
    if root.name != "Envelope" or root.namespace not in _ENVELOPES or body is None or not body.children:
        raise SoapError("The request is no SOAP envelope with a body.", "WellFormed")
    return Message(body.children[0], root.child("Header"))


def document(namespaces: Mapping[str, str], *, header: Xml | None, body: Xml) -> bytes:
    """An envelope in which these prefixes are declared."""
    declared = "".join(f' xmlns:{prefix}="{uri}"' for prefix, uri in namespaces.items())
    content = group(None if header is None else el("s:Header", header), el("s:Body", body))
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<s:Envelope{declared}>{content}</s:Envelope>'.encode()


def envelope(body: Xml, *, header: Xml | None = None, sloppy: bool = False) -> bytes:
    """The reply of a service. Sloppy ones use other prefixes and namespaces that are nearly right, as devices do."""
    if not sloppy:
        return document(NAMESPACES, header=header, body=body)
    renamed = Xml(body.replace("<tt:", "<ns4:").replace("</tt:", "</ns4:"))
    namespaces = {**NAMESPACES, **_WRONG}
    return document({**namespaces, "ns4": namespaces["tt"]}, header=header, body=renamed)


def user_of(header: Node | None, *, password_of: Callable[[str], str | None], now: Instant) -> str | None:
    """The user whom a UsernameToken proves; None when there is no token or it is wrong, old or not a digest."""
    token = None if header is None else next((node for node in header.walk() if node.name == "UsernameToken"), None)
    if token is None:
        return None
    given = token.child("Password")
    created, user = token.value("Created"), token.value("Username")
    password = password_of(user)
    if given is None or password is None or not given.attributes.get("Type", "").endswith("#PasswordDigest"):
        return None
    try:
        nonce = base64.b64decode(token.value("Nonce"), validate=True)
        age_us = now - from_iso(created)
    except (binascii.Error, ValueError, Fault):
        return None
    expected = base64.b64encode(hashlib.sha1(nonce + created.encode() + password.encode()).digest())  # noqa: S324 - WSS
    proven = hmac.compare_digest(expected, given.text.encode())
    return user if proven and abs(age_us) <= _WINDOW_US else None
