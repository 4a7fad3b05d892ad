"""The certificate is kept as long as it fits, and plain HTTP never leaves the machine."""

import stat
from pathlib import Path

import pytest

from tests.support.kernel import make_kernel
from vedette.kernel.clock import FakeClock
from vedette.kernel.errors import Fault
from vedette.services.ingress.adapters.certificate import host_names, self_made
from vedette.services.ingress.app import tls_files
from vedette.services.ingress.settings import IngressSettings


def test_it_is_kept_until_its_names_change_or_it_grows_old(tmp_path: Path) -> None:
    clock = FakeClock()
    certificate, key = self_made(tmp_path, ["localhost"], clock)
    first = certificate.read_bytes()
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert self_made(tmp_path, ["localhost"], clock)[0].read_bytes() == first
    second = self_made(tmp_path, ["localhost", "192.0.2.7"], clock)[0].read_bytes()
    assert second != first
    clock.advance(270 * 86_400)
    assert self_made(tmp_path, ["localhost", "192.0.2.7"], clock)[0].read_bytes() != second


def test_a_machine_knows_its_names() -> None:
    assert all(name == name.lower() for name in host_names())


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost"])
def test_loopback_is_plain_unless_asked(host: str, tmp_path: Path) -> None:
    kernel = make_kernel("ingress", tmp_path)
    assert tls_files(IngressSettings(host=host), kernel) is None
    assert tls_files(IngressSettings(host=host, tls="on"), kernel) is not None


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.7"])
def test_elsewhere_it_is_https_or_nothing(host: str, tmp_path: Path) -> None:
    kernel = make_kernel("ingress", tmp_path)
    files = tls_files(IngressSettings(host=host), kernel)
    assert files is not None
    assert all(path.is_file() for path in files)
    with pytest.raises(Fault, match="in the clear"):
        tls_files(IngressSettings(host=host, tls="off"), kernel)


def test_the_users_own_certificate_is_used(tmp_path: Path) -> None:
    kernel = make_kernel("ingress", tmp_path)
    certificate, key = self_made(tmp_path / "own", ["box.example"], FakeClock())
    settings = IngressSettings(host="0.0.0.0", certificate=certificate, certificate_key=key)
    assert tls_files(settings, kernel) == (certificate, key)
    absent = IngressSettings(host="0.0.0.0", certificate=tmp_path / "no.pem", certificate_key=key)
    with pytest.raises(Fault, match=r"Cannot read .*no\.pem"):
        tls_files(absent, kernel)
