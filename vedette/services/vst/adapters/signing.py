"""The device's key for evidence: Ed25519, made on first use, and only its public half ever leaves the folder."""

from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from vedette.kernel.auth import write_secret
from vedette.kernel.errors import Fault


class Signer:
    """Signs with the key at `path`. Blocking."""

    def __init__(self, path: Path) -> None:
        if not path.exists():
            pem = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
            write_secret(path, pem)
        try:
            key = load_pem_private_key(path.read_bytes(), None)
        except (ValueError, UnsupportedAlgorithm) as error:
            raise _no_key(path) from error
        if not isinstance(key, Ed25519PrivateKey):
            raise _no_key(path)
        self._key = key

    @property
    def public_key(self) -> str:
        """The public key, 64 hexadecimal digits: note it down, it is what exports are checked against."""
        return self._key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw).hex()

    def sign(self, content: bytes) -> str:
        """The signature, 128 hexadecimal digits."""
        return self._key.sign(content).hex()


def _no_key(path: Path) -> Fault:
    message = f"{path} is no Ed25519 key. Restore it from a backup; with a new key, older exports stay valid."
    return Fault("ConfigurationError", 500, message)
