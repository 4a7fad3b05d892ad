"""The parts of the ONVIF device without a network: XML in and out, who may ask, what is found, how the head moves."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.soap import request, security
from vedette.kernel.clock import FakeClock
from vedette.tools.camera.onvif import discovery, soap
from vedette.tools.camera.onvif.discovery import Announced
from vedette.tools.camera.onvif.model import DeviceId, Head, Position
from vedette.tools.camera.onvif.ptz import seconds_of
from vedette.tools.camera.onvif.pull_points import PullPoints
from vedette.tools.camera.onvif.soap import SoapError
from vedette.tools.camera.onvif.xml import XmlError, el, parse
from vedette.tools.camera.web import parse_head

DEVICE = Announced("urn:uuid:1", ("onvif://www.onvif.org/name/a",), ("http://127.0.0.1/onvif/device_service",))


@given(st.text(), st.text())
def test_every_value_comes_back_from_xml_or_lacks_what_xml_cannot_hold(text: str, value: str) -> None:
    def kept(given_text: str) -> str:
        return "".join(c for c in given_text if ord(c) >= 32 or c in "\t\n\r").replace("\r\n", "\n").replace("\r", "\n")

    try:
        document = str(el("a", el("b", text, name=value))).encode()
    except UnicodeEncodeError:
        return
    try:
        node = parse(document)
    except XmlError:
        assert any(character in text + value for character in "\ufffe\uffff")
        return
    assert node.value("b") == kept(text).strip()
    (child,) = node.children
    assert child.attributes["name"].split() == kept(value).split()


@given(st.binary(max_size=300))
def test_reading_raises_only_its_own_errors(data: bytes) -> None:
    for wrapped in (data, b"<a>" + data + b"</a>"):
        try:
            parse(wrapped)
        except XmlError:
            continue


@pytest.mark.parametrize(
    "data",
    [
        b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>',
        b'<!DOCTYPE a SYSTEM "http://192.0.2.1/x"><a/>',
        b"<a>" * 100 + b"</a>" * 100,
        b"<a>" + b"<b/>" * 6000 + b"</a>",
        b"<a>" + b" " * 1024 * 1024 + b"</a>",
        b"",
        b"<a>",
    ],
)
def test_hostile_documents_are_refused(data: bytes) -> None:
    with pytest.raises(XmlError):
        parse(data)


def test_envelopes_are_read_in_both_versions_and_nothing_else() -> None:
    data = request("tds", "GetUsers")
    assert soap.read(data).operation.name == "GetUsers"
    old = data.replace(b"http://www.w3.org/2003/05/soap-envelope", b"http://schemas.xmlsoap.org/soap/envelope/")
    assert soap.read(old).operation.name == "GetUsers"
    for wrong in (b"<a/>", data.replace(b"2003/05", b"2004/05"), b"<", b""):
        with pytest.raises(SoapError):
            soap.read(wrong)


@given(st.integers(-(10**9), 10**9), st.sampled_from(("p", "q")))
def test_a_token_counts_for_five_minutes_and_one_password(age_us: int, password: str) -> None:
    now_us = 1_700_000_000_000_000
    header = soap.read(request("tds", "GetUsers", header=security("u", password, now_us - age_us))).header
    user = soap.user_of(header, password_of={"u": "p"}.get, now=now_us)
    assert (user == "u") == (password == "p" and abs(age_us // 1000) <= 300_000)


def test_a_probe_is_matched_by_types_and_scopes() -> None:
    def question(kind: str, inner: str) -> discovery.Question | None:
        head = "<a:MessageID xmlns:a='http://schemas.xmlsoap.org/ws/2004/08/addressing'>m</a:MessageID>"
        body = f"<d:{kind} xmlns:d='http://schemas.xmlsoap.org/ws/2005/04/discovery'>{inner}</d:{kind}>"
        envelope = "<s:Envelope xmlns:s='http://www.w3.org/2003/05/soap-envelope'><s:Header>{}</s:Header><s:Body>{}"
        return discovery.read_question((envelope.format(head, body) + "</s:Body></s:Envelope>").encode())

    found = [
        ("Probe", "", True),
        ("Probe", "<d:Types>dn:NetworkVideoTransmitter</d:Types>", True),
        ("Probe", "<d:Types>tds:Device dn:NetworkVideoTransmitter</d:Types>", True),
        ("Probe", "<d:Types>x:Printer</d:Types>", False),
        ("Probe", "<d:Scopes>onvif://www.onvif.org/name</d:Scopes>", True),
        ("Probe", "<d:Scopes>onvif://www.onvif.org/location</d:Scopes>", False),
        ("Resolve", "<d:EndpointReference><d:Address>urn:uuid:1</d:Address></d:EndpointReference>", True),
        ("Resolve", "<d:EndpointReference><d:Address>urn:uuid:2</d:Address></d:EndpointReference>", False),
    ]
    for kind, inner, expected in found:
        asked = question(kind, inner)
        assert asked is not None
        assert asked.matches(DEVICE) == expected
        reply = parse(discovery.answer(asked, DEVICE))
        assert reply.value("Header", "RelatesTo") == "m"
    assert question("Hello", "") is None
    assert discovery.read_question(b"<") is None
    assert discovery.read_question(discovery.hello(DEVICE)) is None


def test_identity_follows_from_the_name() -> None:
    one, again, other = DeviceId("gate"), DeviceId("gate"), DeviceId("door")
    assert (one.serial, one.endpoint, one.mac) == (again.serial, again.endpoint, again.mac)
    assert {one.serial, one.endpoint, one.mac}.isdisjoint({other.serial, other.endpoint, other.mac})


def test_the_head_moves_at_its_speed_and_stops_at_its_reach() -> None:
    head = Head()
    head.move(Position(0.1, 0, 0.5), 10.0, for_s=5)
    assert head.position(12.0) == Position(0.2, 0, 1.0)
    assert head.is_moving(12.0)
    assert not head.is_moving(16.0)
    assert head.position(100.0).pan == pytest.approx(0.5)
    head.move(Position(-1, 0, 0), 100.0, for_s=None)
    assert head.position(1000.0).pan == -1
    head.go(Position(7, -7, 7))
    assert head.position(0) == Position(1, -1, 1)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("PT5S", 5),
        ("PT1M30S", 90),
        ("PT1H", 3600),
        ("PT0.5S", 0.5),
        ("PT", None),
        ("5", None),
        ("", None),
        ("P1D", None),
    ],
)
def test_durations(text: str, seconds: float | None) -> None:
    assert seconds_of(text) == seconds


def test_subscriptions_end_unless_they_are_renewed() -> None:
    clock = FakeClock()
    points = PullPoints(clock)
    number = points.add(10)
    assert len(points.get(number).queue) == 1
    points.set_motion(True)
    assert len(points.get(number).queue) == 2
    clock.advance(11)
    with pytest.raises(SoapError):
        points.get(number)
    for _ in range(32):
        points.add(10)
    with pytest.raises(SoapError, match="too many"):
        points.add(10)
    points.clear()
    assert points.add(10)


def test_request_heads() -> None:
    assert parse_head(b"POST /a?b HTTP/1.1\r\nHost: x\r\nA:b") == ("POST", "/a?b", {"host": "x", "a": "b"})
    for wrong in (b"", b"GET /", b"GET / HTTP/2", b"GET / HTTP/1.1\r\n: x", b"GET / HTTP/1.1\r\nA : x"):
        with pytest.raises(ValueError, match="a"):
            parse_head(wrong)
