"""Says to an ONVIF device exactly what a test wants said."""

import base64
import hashlib
from xml.sax.saxutils import escape

from tests.support.rtsp_client import raw_http
from vedette.kernel.clock import to_iso
from vedette.tools.camera.onvif.soap import NAMESPACES
from vedette.tools.camera.onvif.xml import Node, parse

NONCE = b"0123456789abcdef"


def security(user: str, password: str, now_us: int) -> str:
    """A WS-UsernameToken header."""
    created = to_iso(now_us)
    digest = base64.b64encode(hashlib.sha1(NONCE + created.encode() + password.encode()).digest()).decode()
    namespace = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity"
    return (
        f'<w:Security xmlns:w="{namespace}-secext-1.0.xsd"><w:UsernameToken><w:Username>{escape(user)}</w:Username>'
        f'<w:Password Type="{namespace}-username-token-profile-1.0#PasswordDigest">{digest}</w:Password>'
        f"<w:Nonce>{base64.b64encode(NONCE).decode()}</w:Nonce>"
        f'<u:Created xmlns:u="{namespace}-utility-1.0.xsd">{created}</u:Created></w:UsernameToken></w:Security>'
    )


def request(prefix: str, operation: str, inner: str = "", header: str = "") -> bytes:
    """A SOAP request in the prefixes of `NAMESPACES`."""
    declared = "".join(f' xmlns:{name}="{uri}"' for name, uri in NAMESPACES.items())
    head = f"<s:Header>{header}</s:Header>" if header else ""
    body = f"<{prefix}:{operation}>{inner}</{prefix}:{operation}>"
    return f"<s:Envelope{declared}>{head}<s:Body>{body}</s:Body></s:Envelope>".encode()


async def ask(
    url: str, prefix: str, operation: str, inner: str = "", *, header: str = "", http: tuple[tuple[str, str], ...] = ()
) -> tuple[int, Node]:
    """(status, what the body of the reply holds) of one operation."""
    _, _, host, path = url.split("/", 3)
    address, _, port = host.partition(":")
    content = request(prefix, operation, inner, header)
    status, body = await raw_http(int(port), "POST", f"/{path}", content, *http, host=address)
    found = parse(body).child("Body")
    assert found is not None
    return status, found.children[0]
