"""WS-Discovery messages."""

from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes.discovery_responder import match
from vedette.services.vst.core.address import is_allowed, networks_of
from vedette.services.vst.core.onvif_discovery import (
    TYPES,
    Kind,
    probe_message,
    read_announcements,
    usable_xaddrs,
)
from vedette.services.vst.core.onvif_xml import parse

NETWORKS = networks_of(["10.0.0.0/8"])
HOSTS = st.sampled_from(
    ["10.0.0.1", "10.9.9.9", "8.8.8.8", "localhost", "169.254.169.254", "[::1]", "", "u:p@10.0.0.2"]
)


@pytest.mark.parametrize("types", TYPES)
def test_a_question_names_its_id_and_types(types: str) -> None:
    root = parse(probe_message("urn:uuid:<1>", types))
    assert root.value("MessageID") == "urn:uuid:<1>"
    assert root.value("Probe", "Types") == types
    assert root.value("Action").endswith("/discovery/Probe")


@given(st.binary(max_size=200), st.integers(0, 400))
def test_any_datagram_can_be_read(noise: bytes, at: int) -> None:
    read_announcements(noise)
    whole = match()
    read_announcements(whole[:at] + noise + whole[at:])


@given(
    st.lists(
        st.builds(
            "{}://{}{}/x".format,
            st.sampled_from(["http", "https", "ftp", ""]),
            HOSTS,
            st.sampled_from(["", ":81", ":x"]),
        )
    )
)
def test_usable_addresses_are_allowed_ones(told: list[str]) -> None:
    usable = usable_xaddrs(told, source="10.0.0.1", networks=NETWORKS)
    assert usable
    for address in usable:
        parts = urlsplit(address)
        assert parts.scheme in {"http", "https"}
        assert is_allowed(parts.hostname or "", NETWORKS)
        assert parts.username is None


def test_names_with_spaces_and_escapes() -> None:
    scopes = "onvif://www.onvif.org/name/Front%20Door onvif://www.onvif.org/location/city/Old Town onvif://www.onvif.org/type/ptz"
    [told] = read_announcements(match(scopes=scopes, kind="Hello"))
    assert told.kind is Kind.HELLO
    assert told.scope("name") == "Front Door"
    assert told.scope("location") == "city/Old Town"
    assert told.scope("hardware") == ""
    assert len(told.scopes) == 3


def test_a_camera_is_known_by_its_types_or_its_scopes() -> None:
    assert read_announcements(match(types="x:networkvideotransmitter", scopes=""))
    assert read_announcements(match(types="", scopes="onvif://www.onvif.org/Profile/T"))
    assert not read_announcements(match(types="dn:Printer", scopes="http://www.onvif.org/"))
    assert read_announcements(match(types="", scopes="", kind="Bye"))


def test_too_long_a_datagram_is_not_read() -> None:
    assert read_announcements(match(scopes="onvif://www.onvif.org/name/" + "x" * 70_000)) == []
