"""Certificates of our own: a self-made one for a box that nobody gave a name to. What is pinned is its fingerprint."""

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from vedette.kernel.clock import Instant, from_datetime, to_datetime
from vedette.kernel.errors import Fault

_LIFE = timedelta(days=397)  # what browsers accept at most
_BACKDATED = timedelta(hours=1)  # for clients whose clock is a little behind


@dataclass(frozen=True, slots=True)
class Certificate:
    """A certificate and its private key, both PEM."""

    certificate: bytes
    key: bytes


def self_signed(names: Sequence[str], now: Instant) -> Certificate:
    """A server certificate on P-256 for these DNS names and IP addresses, valid 397 days from `now`."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Vedette")])
    start = to_datetime(now)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start - _BACKDATED)
        .not_valid_after(start + _LIFE)
        .add_extension(x509.SubjectAlternativeName([_general_name(name) for name in names]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return Certificate(made.public_bytes(Encoding.PEM), pem)


def fingerprint(certificate: bytes) -> str:
    """SHA-256 of the certificate as browsers show it, `AB:CD:…`."""
    return _load(certificate).fingerprint(hashes.SHA256()).hex(":").upper()


def is_current(certificate: bytes, names: Sequence[str], now: Instant) -> bool:
    """Whether it covers the names and has not lived two thirds of its life."""
    found = _load(certificate)
    start, end = from_datetime(found.not_valid_before_utc), from_datetime(found.not_valid_after_utc)
    covered = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return start <= now < start + (end - start) * 2 // 3 and {_general_name(name) for name in names} <= set(covered)


def _load(certificate: bytes) -> x509.Certificate:
    try:
        return x509.load_pem_x509_certificate(certificate)
    except ValueError as error:
        raise Fault(
            "ConfigurationError", 500, f"The certificate is not PEM: {error}. Delete it, or set another."
        ) from error


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)
