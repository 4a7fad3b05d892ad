"""WS-UsernameToken: proves a password to a camera without sending it.

Source: OASIS Web Services Security UsernameToken Profile 1.0, section 3.1: Base64(SHA-1(nonce + created + password)).
`created` is on the camera's clock, because cameras refuse tokens that are more than seconds old.
"""

import base64
import hashlib
from xml.sax.saxutils import escape

from vedette.services.vst.model import Credentials

NONCE_BYTES = 16
_TYPE = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-username-token-profile-1.0#PasswordDigest"
_ENCODING = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-soap-message-security-1.0#Base64Binary"
_WSSE = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"
_WSU = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd"


def digest_of(nonce: bytes, created: str, password: str) -> str:
    """The password digest of the token."""
    content = nonce + created.encode() + password.encode()
    return base64.b64encode(hashlib.sha1(content, usedforsecurity=False).digest()).decode()


def security_header(credentials: Credentials, *, nonce: bytes, created: str) -> str:
    """The `Security` element of a SOAP header. `nonce` is fresh for each request, `created` ISO-8601 UTC."""
    return (
        f'<wsse:Security s:mustUnderstand="1" xmlns:wsse="{_WSSE}" xmlns:wsu="{_WSU}"><wsse:UsernameToken>'
        f"<wsse:Username>{escape(credentials.username)}</wsse:Username>"
        f'<wsse:Password Type="{_TYPE}">{digest_of(nonce, created, credentials.password)}</wsse:Password>'
        f'<wsse:Nonce EncodingType="{_ENCODING}">{base64.b64encode(nonce).decode()}</wsse:Nonce>'
        f"<wsu:Created>{escape(created)}</wsu:Created></wsse:UsernameToken></wsse:Security>"
    )
