"""The shape of what people and programs show: API tokens and the set-up code."""

import base64
import hashlib
import hmac
import re

CODE_WINDOW_S = 900
COOKIE = "vedette_session"
SECURE_COOKIE = f"__Host-{COOKIE}"
_TOKEN = re.compile(r"vedette_([0-9a-f]{16})_([A-Za-z0-9_-]{43})")


def token_text(token_id: str, secret: str) -> str:
    """The token as it is handed out."""
    return f"vedette_{token_id}_{secret}"


def parse_bearer(header: str) -> tuple[str, str] | None:
    """Id and secret of `Bearer vedette_<id>_<secret>`; None for anything else."""
    scheme, _, value = header.partition(" ")
    match = _TOKEN.fullmatch(value.strip()) if scheme.lower() == "bearer" else None
    return (match[1], match[2]) if match else None


def setup_code(secret: bytes, window: int) -> str:
    """The code of one window of `CODE_WINDOW_S`: 40 bits as two groups of four letters and digits."""
    digest = hmac.digest(secret, window.to_bytes(8, "big"), hashlib.sha256)
    text = base64.b32encode(digest[:5]).decode()
    return f"{text[:4]}-{text[4:]}"


def plain_code(text: str) -> str:
    """The code as it is compared: however a person typed it."""
    return re.sub(r"[^A-Z0-9]", "", text.upper())
