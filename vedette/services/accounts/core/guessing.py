"""How often a secret may be guessed: 20 times an hour for an account and for a source, restart or not.

A stranger can use up an account's guesses. So that this does not lock its owner out, a source from which the account
has been signed in to before has guesses of its own.
"""

import ipaddress
from collections.abc import Sequence

LIMIT = 20
WINDOW_US = 3_600_000_000


def source_of(address: str | None) -> str:
    """What counts as one source: an IPv4 address, an IPv6 /64 network, or this machine."""
    try:
        found = ipaddress.ip_address((address or "").partition("%")[0])
    except ValueError:
        return "local"
    if isinstance(found, ipaddress.IPv6Address):
        found = found.ipv4_mapped or found
    if isinstance(found, ipaddress.IPv6Address) and not found.is_loopback:
        return str(ipaddress.IPv6Network((int(found) >> 64 << 64, 64)))
    return str(found)


def is_near(address: str | None) -> bool:
    """Whether it is this machine or a private network, from which alone the first admin may be made."""
    try:
        found = ipaddress.ip_address((address or "").partition("%")[0])
    except ValueError:
        return True  # a unix socket
    mapped = found.ipv4_mapped if isinstance(found, ipaddress.IPv6Address) else None
    near = mapped or found
    return near.is_private or near.is_loopback or near.is_link_local


def counters(account: str, source: str, *, known: bool) -> tuple[str, str]:
    """The two counters that a guess at an account counts on."""
    return f"source {source}", f"account {account} {source}" if known else f"account {account}"


def wait_s(guesses_us: Sequence[int], now_us: int) -> int:
    """Seconds until the next guess is allowed; 0 when it is now. `guesses_us` are earlier ones, in any order."""
    recent = sorted(at for at in guesses_us if at > now_us - WINDOW_US)
    if len(recent) < LIMIT:
        return 0
    return max(1, -(-(recent[-LIMIT] + WINDOW_US - now_us) // 1_000_000))
