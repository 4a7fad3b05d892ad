"""Camera addresses: what may be dialled, and how a URL is written without and with its credentials."""

from collections.abc import Iterable, Sequence
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from urllib.parse import quote, unquote, urlsplit, urlunsplit

from vedette.services.vst.model import Credentials

SCHEMES = ("rtsp", "rtsps")
_PORTS = {"rtsp": 554, "rtsps": 322, "http": 80, "https": 443}
_MOST_CHARACTERS = 1024

type Network = IPv4Network | IPv6Network


def split_url(url: str) -> tuple[str, Credentials | None]:
    """(normal form without credentials, the credentials inside). ValueError with a sentence when it is no camera URL.

    Scheme and host are lower case and a default port is left out, so that one camera has one spelling.
    """
    text = url.strip()
    if len(text) > _MOST_CHARACTERS or any(ord(character) <= 32 or ord(character) == 127 for character in text):
        raise ValueError("a camera URL has no spaces or control characters and at most 1024 characters")
    parts = urlsplit(text)
    if parts.scheme not in SCHEMES:
        raise ValueError("a camera URL begins with rtsp:// or rtsps://")
    host, port = parts.hostname, parts.port
    if not host or port == 0:
        raise ValueError("a camera URL names a host, such as rtsp://192.168.1.20:554/stream1")
    credentials = None
    if parts.username or parts.password:
        credentials = Credentials(unquote(parts.username or ""), unquote(parts.password or ""))
    name = f"[{host}]" if ":" in host else host
    where = name if port in (None, _PORTS[parts.scheme]) else f"{name}:{port}"
    return urlunsplit((parts.scheme, where, parts.path, parts.query, "")), credentials


def host_of(url: str) -> tuple[str, int]:
    """(host, port) of a URL in normal form."""
    parts = urlsplit(url)
    return parts.hostname or "", parts.port or _PORTS[parts.scheme]


def with_host(url: str, host: str) -> str:
    """The same URL at another host, which may bring a port of its own. ValueError with a sentence for no host."""
    parts = urlsplit(url)
    there = urlsplit(f"//{f'[{host}]' if host.count(':') > 1 and not host.startswith('[') else host}")
    if not there.hostname or there.path or there.query or there.fragment or there.username is not None:
        raise ValueError("an address is a host or host:port, such as 192.168.1.20")
    name = f"[{there.hostname}]" if ":" in there.hostname else there.hostname
    port = parts.port if there.port is None else there.port
    return split_url(urlunsplit((parts.scheme, name if port is None else f"{name}:{port}", *parts[2:4], "")))[0]


def dial_url(url: str, address: str, credentials: Credentials | None) -> str:
    """The URL to open: the address that was checked in place of the name, with the credentials inside."""
    parts = urlsplit(url)
    name = f"[{address}]" if ":" in address else address
    where = name if parts.port is None else f"{name}:{parts.port}"
    if credentials is not None:
        user, password = quote(credentials.username, safe=""), quote(credentials.password, safe="")
        where = f"{user}:{password}@{where}"
    return urlunsplit((parts.scheme, where, parts.path, parts.query, ""))


def is_allowed(address: str, networks: Iterable[Network]) -> bool:
    """Whether a resolved address lies in an allowed network; an IPv4 address in IPv6 clothes counts as IPv4."""
    ip = ip_address(address.partition("%")[0])
    if isinstance(ip, IPv6Address) and ip.ipv4_mapped is not None:
        ip = ip.ipv4_mapped
    return any(ip.version == network.version and ip in network for network in networks)


def networks_of(texts: Sequence[str]) -> tuple[Network, ...]:
    """Networks in CIDR notation."""
    return tuple(ip_network(text) for text in texts)
