"""What a browser says about where a request comes from: host, origin, cookies."""

import ipaddress
import re
from collections.abc import Collection, Iterable
from urllib.parse import urlsplit

_HOST = re.compile(r"(?P<name>\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]+)(?::(?P<port>\d{1,5}))?")
_PORTS = {"http": "80", "https": "443"}


def host_allowed(host: str, names: Collection[str]) -> bool:
    """Whether a Host header names this box. An address always does: only a name can be pointed at us by a stranger."""
    match = _HOST.fullmatch(host)
    if match is None:
        return False
    name = match["name"].lower().rstrip(".")
    return name == "localhost" or name in names or is_address(name.strip("[]"))


def is_address(text: str) -> bool:
    """Whether it is an IP address."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches it."""
    return host == "localhost" or (is_address(host) and ipaddress.ip_address(host).is_loopback)


def same_origin(origin: str | None, fetch_site: str | None, host: str) -> bool | None:
    """Whether the page that made a request is ours; None when the client does not say (it is no browser).

    Host and port are compared: behind a proxy that ends TLS the scheme that we see is not the browser's.
    """
    if origin is None and fetch_site is None:
        return None
    if fetch_site is not None and fetch_site != "same-origin":
        return False
    return origin is None or _made_at(origin, host)


def cookies_of(headers: Iterable[str]) -> dict[str, str]:
    """Cookies by name; the first of a name counts, as browsers send the most specific one first."""
    found: dict[str, str] = {}
    for header in headers:
        for part in header.split(";"):
            name, separator, value = part.strip().partition("=")
            if separator:
                found.setdefault(name, value)
    return found


def _made_at(origin: str, host: str) -> bool:
    try:
        parts = urlsplit(origin)
    except ValueError:
        return False
    if parts.scheme not in _PORTS or parts.path or parts.query or parts.fragment:
        return False
    theirs, ours = _with_port(parts.netloc, parts.scheme), _with_port(host, parts.scheme)
    return theirs is not None and theirs == ours


def _with_port(host: str, scheme: str) -> tuple[str, str] | None:
    match = _HOST.fullmatch(host)
    return (match["name"].lower(), match["port"] or _PORTS[scheme]) if match else None
