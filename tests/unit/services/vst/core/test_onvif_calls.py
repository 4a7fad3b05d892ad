"""Requests: whatever a person or a device puts in, the document says nothing else than was meant."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vedette.services.vst.core import onvif_calls as calls
from vedette.services.vst.core.onvif_calls import Call, addressing_header, envelope
from vedette.services.vst.core.onvif_security import security_header
from vedette.services.vst.core.onvif_types import Encoder, Imaging, Network, Position
from vedette.services.vst.core.onvif_xml import Node, parse
from vedette.services.vst.model import Credentials

TEXTS = st.text(st.characters(codec="utf-8", categories=("L", "N", "P", "S", "Zs"), exclude_characters="\x85\u2028"))
MAKERS: tuple[tuple[str, Callable[[str], Call]], ...] = (
    ("ProfileToken", lambda text: calls.get_stream_uri(False, text)),
    ("ProfileToken", lambda text: calls.get_stream_uri(True, text)),
    ("ProfileToken", lambda text: calls.get_snapshot_uri(True, text)),
    ("ProfileToken", lambda text: calls.set_synchronization_point(False, text)),
    ("ConfigurationToken", lambda text: calls.get_encoder(False, text)),
    ("ConfigurationToken", lambda text: calls.get_encoder_options(True, text)),
    ("Name", lambda text: calls.set_encoder(False, Encoder("t", name=text))),
    ("Name", lambda text: calls.set_encoder(True, Encoder("t", name=text))),
    ("VideoSourceToken", calls.get_imaging),
    ("VideoSourceToken", calls.get_imaging_options),
    ("IrCutFilter", lambda text: calls.set_imaging("s", Imaging(ir_cut_filter=text))),
    ("Mode", lambda text: calls.set_imaging("s", Imaging(wide_dynamic_range=text))),
    ("Mode", lambda text: calls.set_imaging("s", Imaging(backlight=text))),
    ("InterfaceToken", lambda text: calls.set_interface(Network(token=text, dhcp=True))),
    ("Address", lambda text: calls.set_interface(Network(address=f"1{text}", prefix_length=8))),
    ("IPv4Address", calls.set_gateway),
    ("IPv4Address", lambda text: calls.set_name_servers((text,))),
    ("DNSname", lambda text: calls.set_time_servers((f"x{text}",))),
    ("Name", calls.set_host_name),
    ("ProfileToken", lambda text: calls.ptz_move("absolute", text, Position(pan=1))),
    ("PresetName", lambda text: calls.ptz_preset("SetPreset", "p", name=f"x{text}")),
    ("PresetToken", lambda text: calls.ptz_preset("GotoPreset", "p", token=f"x{text}")),
)


@pytest.mark.parametrize(("element", "make"), MAKERS)
@given(text=TEXTS)
def test_what_is_put_in_stays_where_it_belongs(element: str, make: Callable[[str], Call], text: str) -> None:
    plain, odd = parse(envelope(make(""))), parse(envelope(make(text)))
    assert odd.value("Body", element).endswith(text.strip())
    assert [node.name for node in odd.walk()] == [node.name for node in plain.walk()]


@given(TEXTS, TEXTS)
def test_a_token_is_an_attribute_and_nothing_more(token: str, name: str) -> None:
    for media2 in (False, True):
        document = parse(envelope(calls.set_encoder(media2, Encoder(token, name=name))))
        configuration = document.first("Configuration")
        assert configuration is not None
        assert configuration.attributes["token"] == token


@given(TEXTS, TEXTS, TEXTS)
def test_headers_are_well_formed(username: str, password: str, address: str) -> None:
    security = security_header(Credentials(username, password), nonce=b"n" * 16, created="2026-01-31T12:00:00.000Z")
    echoed = Node("Id", {}, text=address, namespace=f"urn:{username}")
    addressing = addressing_header(calls.renew(60), to=address, message_id="urn:uuid:1", references=(echoed, Node("x")))
    root = parse(envelope(calls.renew(60), security=security, addressing=addressing))
    assert root.value("Header", "Username") == username.strip()
    assert root.value("Header", "To") == address.strip()
    assert root.value("Header", "Id") == address.strip()
    assert root.first("Header", "x") is None
    assert root.value("Header", "Action").endswith("/RenewRequest")
    assert root.value("Body", "TerminationTime") == "PT60S"


def test_the_password_is_not_in_the_request() -> None:
    known = Credentials("admin", "canary-secret")
    assert "canary-secret" not in security_header(known, nonce=b"n" * 16, created="2026-01-31T12:00:00.000Z")


def test_a_vector_names_only_the_axes_that_are_meant() -> None:
    assert "PanTilt" not in calls.ptz_move("relative", "p", Position(zoom=0.5)).body
    assert "Zoom" not in calls.ptz_move("absolute", "p", Position(tilt=0.5)).body
    assert "Timeout" not in calls.ptz_move("continuous", "p", Position(pan=1)).body
    assert "<n:Timeout>PT1.5S</n:Timeout>" in calls.ptz_move("continuous", "p", Position(pan=1), timeout_s=1.5).body
    assert 'x="1" y="0"' in calls.ptz_move("continuous", "p", Position(pan=1)).body


def test_addresses_and_names_of_time_servers_are_told_apart() -> None:
    body = calls.set_time_servers(("10.0.0.1", "pool.ntp.org")).body
    assert "<t:IPv4Address>10.0.0.1<" in body
    assert "<t:DNSname>pool.ntp.org<" in body
