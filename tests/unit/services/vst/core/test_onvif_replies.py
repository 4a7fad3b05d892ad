"""Replies of cameras: addresses that stay at the reached host, sloppy values, and no answer that raises."""

from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vedette.services.vst.core import onvif_events, onvif_replies
from vedette.services.vst.core.onvif_replies import reached_url, short
from vedette.services.vst.core.onvif_security import digest_of
from vedette.services.vst.core.onvif_types import Network, Position, PtzStatus
from vedette.services.vst.core.onvif_xml import Node, parse

REACHED = "http://10.0.0.5:8000/onvif/device_service"
READERS = (
    onvif_replies.fault_of,
    onvif_replies.clock_of,
    onvif_replies.device_info,
    onvif_replies.services,
    onvif_replies.capabilities,
    onvif_replies.profiles,
    onvif_replies.media_uri,
    onvif_replies.encoder,
    onvif_replies.imaging,
    onvif_replies.imaging_ranges,
    onvif_replies.interface,
    onvif_replies.ptz_status,
    onvif_replies.presets,
    onvif_events.subscription_of,
    onvif_events.events_of,
    lambda root: onvif_replies.encoder_options(root, "h264"),
    lambda root: onvif_replies.addresses(root, "DNS"),
)
ELEMENTS = """
Fault Code Value Reason UTCDateTime Date Time Year Month Day Hour Minute Second Service Namespace XAddr
Capabilities Media Profiles VideoEncoderConfiguration VideoSourceConfiguration Configuration Configurations
Options Encoding Resolution Width Height RateControl FrameRateLimit BitrateLimit GovLength
ResolutionsAvailable BitrateRange Min Max H264 Extension Brightness IrCutFilter NetworkInterfaces Enabled IPv4
Manual FromDHCP Address PrefixLength DHCP DNSManual IPv4Address PTZStatus Position PanTilt Zoom MoveStatus
Preset NotificationMessage Topic Message Source Data SimpleItem SubscriptionReference ReferenceParameters Uri
"""
NAMES = st.sampled_from(ELEMENTS.split())
VALUES = st.sampled_from(
    ["", "0", "-1", "1.5", "nan", "inf", "1e400", "true", "H264", "http://[", "x" * 500, "2026", "\n"]
)
ATTRIBUTES = st.dictionaries(
    st.sampled_from(["token", "x", "y", "GovLength", "GovLengthRange", "FrameRatesSupported", "Name", "Value"]), VALUES
)
TREES = st.recursive(
    st.builds(Node, NAMES, ATTRIBUTES, VALUES),
    lambda inner: st.builds(Node, NAMES, ATTRIBUTES, VALUES, children=st.lists(inner, max_size=4)),
    max_leaves=40,
)


@given(TREES)
def test_no_reply_makes_a_reader_raise(root: Node) -> None:
    for read in READERS:
        read(root)


@given(st.one_of(st.text(), st.from_regex(r"(https?|rtsps?|ftp|file)://[^\s]{0,40}", fullmatch=True)))
def test_no_url_leads_to_another_host(url: str) -> None:
    reached = reached_url(url, reached=REACHED, names=frozenset({"camera.local"}))
    if reached:
        parts = urlsplit(reached)
        assert parts.hostname == "10.0.0.5"
        assert parts.username is None
        assert parts.scheme in {"http", "https", "rtsp", "rtsps"}


@pytest.mark.parametrize(
    ("told", "reached"),
    [
        ("http://192.168.1.9/onvif/media", "http://10.0.0.5:8000/onvif/media"),
        ("http://10.0.0.5:81/picture?x=1", "http://10.0.0.5:81/picture?x=1"),
        ("http://camera.local/a", "http://10.0.0.5/a"),
        ("https://192.168.1.9:443/a", "http://10.0.0.5:8000/a"),
        ("rtsp://192.168.1.9:8554/live?a=b", "rtsp://10.0.0.5:8554/live?a=b"),
        ("rtsp://user:word@192.168.1.9/live#x", "rtsp://10.0.0.5/live"),
        ("rtsp:///live", "rtsp://10.0.0.5/live"),
        ("/picture.jpg", ""),
        ("file:///etc/passwd", ""),
        ("rtsp://h:99999/", ""),
        ("rtsp://h/a b", ""),
        ("http://[/", ""),
        ("", ""),
    ],
)
def test_addresses_of_devices_are_mended(told: str, reached: str) -> None:
    assert reached_url(told, reached=REACHED, names=frozenset({"camera.local"})) == reached


def test_ipv6_hosts_keep_their_brackets() -> None:
    assert reached_url("rtsp://h:554/a", reached="http://[fd00::5]/x") == "rtsp://[fd00::5]:554/a"


def clock(*values: int) -> Node:
    names = ("Year", "Month", "Day", "Hour", "Minute", "Second")
    parts = [f"<{name}>{value}</{name}>" for name, value in zip(names, values, strict=True)]
    text = f"<a><UTCDateTime><Time>{''.join(parts[3:])}</Time><Date>{''.join(parts[:3])}</Date></UTCDateTime></a>"
    return parse(text.encode())


def test_clocks() -> None:
    assert onvif_replies.clock_of(clock(2026, 1, 31, 12, 0, 60)) == (2026, 1, 31, 12, 0, 59)
    for wrong in ((0, 1, 1, 0, 0, 0), (2026, 13, 1, 0, 0, 0), (2026, 1, 0, 0, 0, 0), (2026, 1, 1, 24, 0, 0)):
        assert onvif_replies.clock_of(clock(*wrong)) is None
    assert onvif_replies.clock_of(Node("a")) is None


def test_faults_of_both_soap_versions() -> None:
    subcode = b"<Subcode><Value>ter:NotAuthorized</Value></Subcode>"
    new = b"<E><Body><Fault><Code><Value>s:Sender</Value>" + subcode + b"</Code></Fault></Body></E>"
    old = b"<E><Body><Fault><faultcode>s:Client</faultcode><faultstring>No\n way</faultstring></Fault></Body></E>"
    assert onvif_replies.fault_of(parse(new)) == ("Sender NotAuthorized", "")
    assert onvif_replies.fault_of(parse(old)) == ("Client", "No way")
    assert onvif_replies.fault_of(parse(b"<E><Body><Answer><Fault/></Answer></Body></E>")) is None


def test_an_interface_on_dhcp_tells_its_lease() -> None:
    told = parse(
        b"<R><NetworkInterfaces token='e'><Enabled>false</Enabled></NetworkInterfaces><NetworkInterfaces token='f'>"
        b"<Enabled>true</Enabled><IPv4><Config><Manual><Address>1.1.1.1</Address></Manual><FromDHCP><Address>10.0.0.7"
        b"</Address><PrefixLength>16</PrefixLength></FromDHCP><DHCP>true</DHCP></Config></IPv4></NetworkInterfaces></R>"
    )
    assert onvif_replies.interface(told) == Network(token="f", dhcp=True, address="10.0.0.7", prefix_length=16)


def test_profiles_that_say_little() -> None:
    told = parse(
        b"<R><Profiles token='a'><Name>only audio</Name></Profiles><Profiles><VideoSourceConfiguration/></Profiles>"
        b"<Profiles token='b'><VideoSourceConfiguration><SourceToken>V</SourceToken></VideoSourceConfiguration>"
        b"</Profiles></R>"
    )
    [found] = onvif_replies.profiles(told)
    assert (found.token, found.codec, found.width, found.source_token) == ("b", "", 0, "V")


def test_empty_ptz_elements_are_unknown() -> None:
    told = parse(
        b"<R><Position><PanTilt x='' y='0.5'/><Zoom/></Position><MoveStatus><PanTilt>UNKNOWN</PanTilt></MoveStatus></R>"
    )
    assert onvif_replies.ptz_status(told) == PtzStatus(Position(None, 0.5, None), None)


@given(st.text())
def test_device_text_is_short_and_printable(text: str) -> None:
    assert len(short(text)) <= 200
    assert short(text).isprintable()


def test_the_password_digest_is_that_of_the_specification() -> None:
    """Known answer made with openssl: SHA-1 of nonce, created and password."""
    assert digest_of(b"0123456789abcdef", "2010-09-16T07:50:45Z", "userpassword") == "ri70d82wt4JviOUmT3T3/yqAea0="
