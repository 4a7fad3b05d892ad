"""One `authorize()` for every route, the identity that travels between our processes, passwords and tokens."""

import hashlib
import hmac
import os
import secrets
from dataclasses import dataclass
from pathlib import Path

import jwt
import msgspec
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from vedette.kernel.clock import US_PER_SECOND, Clock
from vedette.kernel.errors import Fault, forbidden, unauthorized
from vedette.schema.identity import Action, Resource, Role, Subject

IDENTITY_HEADER = b"x-vedette-identity"
SUBJECT = "vedette.subject"
"""Key of the ASGI scope under which the caller's `Subject` travels inside one process."""

_AUDIENCE = "vedette-node"
_LIFE_S = 60
_LEEWAY_S = 5

_NEEDED: dict[Action, Role] = {
    Action.SELF: Role.VIEWER,
    Action.VIEW: Role.VIEWER,
    Action.LIVE: Role.VIEWER,
    Action.REPLAY: Role.VIEWER,
    Action.EXPORT: Role.OPERATOR,
    Action.CONFIGURE: Role.OPERATOR,
    Action.DELETE: Role.ADMIN,
    Action.ADMINISTER: Role.ADMIN,
}


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether it may happen, and if not, the fault that says so."""

    allowed: bool
    fault: Fault | None = None


def authorize(subject: Subject | None, action: Action, resource: Resource) -> Decision:
    """The only place that decides. No subject, no access; no grant, no access.

    A sensor outside a subject's grants answers as if it did not exist; a forbidden action on a seen thing answers 403.
    """
    if action is Action.PUBLIC:
        return Decision(True)
    if subject is None:
        return Decision(False, unauthorized())
    if subject.internal:
        return Decision(True)
    if action is Action.INTERNAL:
        return Decision(False, forbidden("Only services of this device may ask for this."))
    if resource.sensor_id and subject.sensors and resource.sensor_id not in subject.sensors:
        return Decision(False, Fault("CameraNotFoundError", 404, f"There is no sensor '{resource.sensor_id}'."))
    if subject.role < _NEEDED[action]:
        needed = _NEEDED[action].name.lower()
        return Decision(False, forbidden(f"This needs the role {needed}; ask an admin to grant it."))
    if subject.sensors and not resource.sensor_id and action in {Action.CONFIGURE, Action.DELETE, Action.ADMINISTER}:
        return Decision(False, forbidden("Your account is limited to some sensors; this concerns the whole device."))
    return Decision(True)


class Identity:
    """Signs who asks at one process border and checks it at the next: ES256, one key a node, 60 s of life."""

    def __init__(self, key: ec.EllipticCurvePrivateKey, clock: Clock) -> None:
        self._private, self._public, self._clock = key, key.public_key(), clock
        self._encoder, self._decoder = msgspec.json.Encoder(), msgspec.json.Decoder(Subject)

    @classmethod
    def load_or_create(cls, path: Path, clock: Clock) -> "Identity":
        """The node's key at `path`, made on first use, readable by its owner alone."""
        if not path.exists():
            pem = ec.generate_private_key(ec.SECP256R1()).private_bytes(
                Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
            )
            write_secret(path, pem)
        key = load_pem_private_key(path.read_bytes(), None)
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            raise Fault("ConfigurationError", 500, f"{path} is not an elliptic-curve key. Delete it and start again.")
        return cls(key, clock)

    def sign(self, subject: Subject) -> str:
        """A token that says who asks, for the next 60 seconds."""
        now = self._clock.now() // US_PER_SECOND
        claims = {
            "aud": _AUDIENCE,
            "iss": _AUDIENCE,
            "exp": now + _LIFE_S,
            "sub": self._encoder.encode(subject).decode(),
        }
        return jwt.encode(claims, self._private, algorithm="ES256")

    def verify(self, token: str) -> Subject:
        """Who asks. Fault 401 for anything that this node did not sign or that is too old."""
        try:
            claims = jwt.decode(
                token,
                self._public,
                algorithms=["ES256"],
                audience=_AUDIENCE,
                issuer=_AUDIENCE,
                options={"require": ["exp", "aud", "iss", "sub"], "verify_exp": False},
            )
            subject = self._decoder.decode(claims["sub"])
        except (jwt.InvalidTokenError, msgspec.MsgspecError) as error:
            raise unauthorized("The identity of this call is not valid.") from error
        if claims["exp"] + _LEEWAY_S < self._clock.now() // US_PER_SECOND:
            raise unauthorized("The identity of this call has expired.")
        return subject


def service_subject(name: str) -> Subject:
    """A service of this node as a caller."""
    return Subject(id=f"service:{name}", name=name, role=Role.ADMIN, internal=True)


def write_secret(path: Path, content: bytes) -> None:
    """Writes a new file that only its owner can read; FileExistsError if there is one.

    It appears whole and durable or not at all: a power cut right after the first start must not leave an empty key.
    """
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    unfinished = path.with_name(f"{path.name}.{secrets.token_hex(4)}.new")
    try:
        with open(unfinished, "xb", opener=_private_opener) as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        path.hardlink_to(unfinished)
    finally:
        unfinished.unlink(missing_ok=True)
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _private_opener(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


_hasher = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
"""argon2id with OWASP's minimum: about 24 ms a check on an edge box (docs/design/dependencies.md)."""


def hash_password(password: str) -> str:
    """The argon2id hash to store. Slow on purpose: call it in a thread."""
    return _hasher.hash(password)


def verify_password(stored: str, password: str) -> bool:
    """Whether the password belongs to the stored hash. Slow on purpose: call it in a thread."""
    try:
        return _hasher.verify(stored, password)
    except (VerificationError, InvalidHashError):
        return False


def new_secret(length: int = 32) -> str:
    """URL-safe randomness of `length` bytes."""
    return secrets.token_urlsafe(length)


def secret_digest(secret: str) -> str:
    """What is stored of a random secret: its SHA-256, hexadecimal. Not for passwords."""
    return hashlib.sha256(secret.encode()).hexdigest()


def same_secret(left: str, right: str) -> bool:
    """Equality in constant time."""
    return hmac.compare_digest(left.encode(), right.encode())
