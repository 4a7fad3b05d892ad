"""Self-made certificates: what they cover, how long they count, and that a client can pin one."""

import socket
import ssl
import threading
from pathlib import Path

import pytest

from vedette.kernel.clock import US_PER_SECOND, FakeClock, SystemClock
from vedette.kernel.errors import Fault
from vedette.kernel.pki import fingerprint, is_current, self_signed

DAY_US = 86_400 * US_PER_SECOND
NAMES = ["localhost", "box.local", "127.0.0.1", "::1"]


def test_it_is_current_for_two_thirds_of_its_life_and_for_its_own_names() -> None:
    now = FakeClock().now()
    made = self_signed(NAMES, now).certificate
    assert is_current(made, NAMES, now)
    assert is_current(made, ["127.0.0.1"], now + 260 * DAY_US)
    assert not is_current(made, NAMES, now + 270 * DAY_US)
    assert not is_current(made, NAMES, now - DAY_US)
    assert not is_current(made, [*NAMES, "192.0.2.7"], now)


def test_two_are_never_alike() -> None:
    now = FakeClock().now()
    first, second = self_signed(NAMES, now), self_signed(NAMES, now)
    assert fingerprint(first.certificate) != fingerprint(second.certificate)
    assert len(fingerprint(first.certificate)) == 32 * 3 - 1


def test_something_else_is_refused_with_a_sentence() -> None:
    with pytest.raises(Fault, match="not PEM"):
        fingerprint(b"hello")


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1"])
def test_a_client_that_trusts_it_connects(name: str, tmp_path: Path) -> None:
    made = self_signed(NAMES, SystemClock().now())
    (tmp_path / "c.pem").write_bytes(made.certificate)
    (tmp_path / "k.pem").write_bytes(made.key)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(tmp_path / "c.pem", tmp_path / "k.pem")
    left, right = socket.socketpair()
    received: list[bytes] = []

    def answer() -> None:
        with server.wrap_socket(right, server_side=True) as secure:
            received.append(secure.recv(5))

    thread = threading.Thread(target=answer)
    thread.start()
    with ssl.create_default_context(cadata=made.certificate.decode()).wrap_socket(left, server_hostname=name) as secure:
        secure.sendall(b"hello")
        thread.join(10)
    assert received == [b"hello"]
