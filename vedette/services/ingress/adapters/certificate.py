"""The certificate that the port is served with: the user's, or a self-made one that is renewed in time."""

import socket
from collections.abc import Sequence
from pathlib import Path

from vedette.kernel.auth import write_secret
from vedette.kernel.clock import Clock
from vedette.kernel.errors import Fault
from vedette.kernel.log import get_logger
from vedette.kernel.pki import fingerprint, is_current, self_signed


def host_names() -> tuple[str, ...]:
    """Names of this machine, lower case, as browsers on its network may write them."""
    name = socket.gethostname().lower()
    bare = name.partition(".")[0]
    return tuple(dict.fromkeys((name, bare, f"{bare}.local")))


def host_addresses() -> tuple[str, ...]:
    """Addresses that the machine's own name resolves to; none when it does not."""
    try:
        found = socket.getaddrinfo(socket.gethostname(), None, type=socket.SOCK_STREAM)
    except OSError:
        return ()
    return tuple(sorted({str(item[4][0]).partition("%")[0] for item in found}))


def self_made(folder: Path, names: Sequence[str], clock: Clock) -> tuple[Path, Path]:
    """Certificate and key in `folder`, made anew when the names change or two thirds of its life are over."""
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    now = clock.now()
    if not (certificate.exists() and key.exists() and is_current(certificate.read_bytes(), names, now)):
        made = self_signed(names, now)
        for path, content in ((certificate, made.certificate), (key, made.key)):
            path.unlink(missing_ok=True)
            write_secret(path, content)
    get_logger("ingress").info("certificate", sha256=fingerprint(certificate.read_bytes()))
    return certificate, key


def given(certificate: Path, key: Path) -> tuple[Path, Path]:
    """The user's files. Fault when one cannot be read."""
    for path in (certificate, key):
        try:
            path.read_bytes()
        except OSError as error:
            raise Fault(
                "ConfigurationError", 500, f"Cannot read {path}: {error.strerror}. See ingress.certificate."
            ) from error
    return certificate, key
