"""Camera credentials at rest: AES-256-GCM under a key that only this service's folder holds.

The sensor id is authenticated along, so that a sealed value copied to another sensor does not open there.
"""

import os
from pathlib import Path

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from vedette.kernel.auth import write_secret
from vedette.kernel.errors import Fault
from vedette.services.vst.model import Credentials

_KEY_BYTES = 32
_NONCE_BYTES = 12


class Vault:
    """Seals and opens credentials with the key at `path`, made on first use."""

    def __init__(self, path: Path) -> None:
        if not path.exists():
            write_secret(path, AESGCM.generate_key(8 * _KEY_BYTES))
        key = path.read_bytes()
        if len(key) != _KEY_BYTES:
            raise Fault(
                "ConfigurationError", 500, f"{path} is not a key. Restore it, or delete it and add passwords again."
            )
        self._cipher = AESGCM(key)

    def seal(self, sensor_id: str, credentials: Credentials | None) -> bytes:
        """What is stored; empty for a camera that asks for none."""
        if credentials is None:
            return b""
        nonce = os.urandom(_NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, msgspec.json.encode(credentials), sensor_id.encode())

    def open(self, sensor_id: str, sealed: bytes) -> Credentials | None:
        """The credentials. Fault 500 when the key is another one or the value was tampered with."""
        if not sealed:
            return None
        try:
            text = self._cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], sensor_id.encode())
        except InvalidTag as error:
            raise Fault("VMSInternalError", 500, "The stored password cannot be read. Enter it again.") from error
        return msgspec.json.decode(text, type=Credentials)
