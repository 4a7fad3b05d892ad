"""When two sightings are one device."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vedette.services.vst.core.onvif_types import Device, Identity, Profile, endpoint_key, same_device

WORDS = st.sampled_from(["", "0", "unknown", "A-1", "a-1", "B-2", "urn:uuid:1"])
IDENTITIES = st.builds(Identity, WORDS, WORDS, WORDS, WORDS)


@given(IDENTITIES, IDENTITIES)
def test_it_does_not_matter_who_is_asked(one: Identity, other: Identity) -> None:
    assert same_device(one, other) == same_device(other, one)


@given(st.text(), st.text(), st.text(min_size=1))
def test_a_device_with_an_endpoint_is_itself(manufacturer: str, serial: str, endpoint: str) -> None:
    one = Identity(manufacturer=manufacturer, serial=serial, endpoint=endpoint)
    assert same_device(one, one)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (Identity("Acme", "M", "S-1", "urn:uuid:1"), Identity("ACME", "", " s-1 ", "urn:uuid:2"), True),
        (Identity("Acme", "M", "S-1", "urn:uuid:1"), Identity("Acme", "M", "S-2", "urn:uuid:1"), False),
        (Identity("Acme", "M", "S-1"), Identity("Other", "M", "S-1"), False),
        (Identity("Acme", "M", "S-1"), Identity("Acme", "N", "S-1"), False),
        (Identity("Acme", "M", "00000"), Identity("Acme", "M", "00000"), False),
        (Identity("Acme", "M", "unknown", "a"), Identity("Acme", "M", "unknown", "b"), False),
        (Identity(endpoint="urn:uuid:ABC"), Identity(endpoint="uuid:abc"), True),
        (Identity("Acme", "M", "S-1", "urn:uuid:1"), Identity(endpoint="urn:uuid:1"), True),
        (Identity(), Identity(), False),
    ],
)
def test_the_serial_number_decides_then_the_endpoint(one: Identity, other: Identity, same: bool) -> None:
    assert same_device(one, other) is same


def test_endpoints_have_one_spelling() -> None:
    assert endpoint_key(" URN:UUID:AB ") == endpoint_key("uuid:ab") == endpoint_key("ab") == "ab"


def test_main_is_the_largest_and_sub_the_next_of_the_same_lens() -> None:
    profiles = (Profile("1", source_token="A"), Profile("2", source_token="B"), Profile("3", source_token="A"))
    device = Device("http://h/", profiles=profiles)
    assert (device.main, device.sub) == (profiles[0], profiles[2])
    assert (Device("http://h/").main, Device("http://h/").sub) == (None, None)
