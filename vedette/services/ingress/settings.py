"""Settings of the ingress service."""

from pathlib import Path
from typing import Literal

from pydantic import Field

from vedette.kernel.settings import Settings


class IngressSettings(Settings):
    """Where the one port is, how it is encrypted, and what it takes in."""

    host: str = Field("127.0.0.1", description="Address to listen on; anything but loopback is served by HTTPS.")
    port: int = Field(30080, ge=0, le=65535, description="The one port; 0 takes a free one.")
    names: tuple[str, ...] = Field((), description="Names under which browsers reach this box, beside its host name.")
    tls: Literal["auto", "on", "off"] = Field(
        "auto", description="HTTPS: auto is off on loopback and on elsewhere; off is refused elsewhere."
    )
    certificate: Path | None = Field(None, description="PEM certificate chain to use instead of a self-made one.")
    certificate_key: Path | None = Field(None, description="PEM private key of that certificate.")
    body_limit_bytes: int = Field(1 << 20, ge=1024, description="Largest request body that is passed on.")
