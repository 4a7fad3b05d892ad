"""Who may do what, and identities that cannot be made up."""

from pathlib import Path

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vedette.kernel.auth import (
    Identity,
    authorize,
    hash_password,
    new_secret,
    same_secret,
    secret_digest,
    service_subject,
    verify_password,
    write_secret,
)
from vedette.kernel.clock import FakeClock
from vedette.kernel.errors import Fault
from vedette.schema.identity import Action, Resource, Role, Subject

ROLES = st.sampled_from(list(Role))
ACTIONS = st.sampled_from(list(Action))
SENSORS = st.lists(st.sampled_from(["door", "yard", "hall"]), unique=True)
RESOURCES = st.builds(Resource, sensor_id=st.sampled_from(["", "door", "yard", "hall", "attic"]))


def person(role: Role, sensors: list[str] | None = None) -> Subject:
    return Subject(id="u1", name="Ada", role=role, sensors=sensors or [])


@given(ACTIONS, RESOURCES)
def test_nobody_gets_nothing_but_what_is_public(action: Action, resource: Resource) -> None:
    decision = authorize(None, action, resource)
    assert decision.allowed is (action is Action.PUBLIC)
    assert decision.allowed or (decision.fault is not None and decision.fault.status == 401)


@given(ROLES, ACTIONS, RESOURCES, SENSORS)
def test_a_wider_role_never_loses_what_a_narrower_one_has(
    role: Role, action: Action, resource: Resource, sensors: list[str]
) -> None:
    if authorize(person(role, sensors), action, resource).allowed:
        assert all(authorize(person(wider, sensors), action, resource).allowed for wider in Role if wider >= role)


@given(ROLES, ACTIONS, RESOURCES, SENSORS)
def test_a_sensor_outside_the_grants_does_not_exist(
    role: Role, action: Action, resource: Resource, sensors: list[str]
) -> None:
    if sensors and resource.sensor_id and resource.sensor_id not in sensors and action is not Action.PUBLIC:
        decision = authorize(person(role, sensors), action, resource)
        assert decision.fault is not None
        assert decision.fault.status in {403, 404}
        assert action is Action.INTERNAL or decision.fault.status == 404


@given(ROLES, RESOURCES)
def test_what_is_internal_stays_inside(role: Role, resource: Resource) -> None:
    assert not authorize(person(role), Action.INTERNAL, resource).allowed
    assert authorize(service_subject("vst"), Action.INTERNAL, resource).allowed


def test_every_action_has_a_rule() -> None:
    for action in Action:
        authorize(person(Role.ADMIN), action, Resource())


def test_an_identity_says_who_asks(tmp_path: Path) -> None:
    clock = FakeClock()
    identity = Identity.load_or_create(tmp_path / "run" / "identity.pem", clock)
    again = Identity.load_or_create(tmp_path / "run" / "identity.pem", clock)
    ada = person(Role.OPERATOR, ["door"])
    assert again.verify(identity.sign(ada)) == ada
    assert (tmp_path / "run" / "identity.pem").stat().st_mode & 0o077 == 0


def test_identities_that_this_node_did_not_sign_are_refused(tmp_path: Path) -> None:
    clock = FakeClock()
    mine = Identity.load_or_create(tmp_path / "mine.pem", clock)
    other = Identity.load_or_create(tmp_path / "other.pem", clock)
    signed = mine.sign(person(Role.VIEWER))
    header, payload, signature = signed.split(".")
    claims = jwt.decode(signed, options={"verify_signature": False})
    forged = [
        other.sign(person(Role.ADMIN)),
        jwt.encode(claims, "", algorithm="none"),
        jwt.encode(claims, "a-shared-secret-of-enough-bytes-for-hs256", algorithm="HS256"),
        f"{header}.{payload}.{signature[::-1]}",
        f"{header}.{payload}.",
        "",
        "x" * 5000,
    ]
    for token in forged:
        with pytest.raises(Fault) as caught:
            mine.verify(token)
        assert caught.value.status == 401


def test_an_identity_lives_a_minute(tmp_path: Path) -> None:
    clock = FakeClock()
    identity = Identity.load_or_create(tmp_path / "key.pem", clock)
    token = identity.sign(person(Role.VIEWER))
    clock.advance(60)
    identity.verify(token)
    clock.advance(10)
    with pytest.raises(Fault, match="expired"):
        identity.verify(token)


def test_a_key_of_another_kind_is_named(tmp_path: Path) -> None:
    from cryptography.hazmat.primitives.asymmetric import ed25519
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    pem = ed25519.Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    write_secret(tmp_path / "key.pem", pem)
    with pytest.raises(Fault, match=r"key\.pem"):
        Identity.load_or_create(tmp_path / "key.pem", FakeClock())


def test_passwords_are_hashed_and_checked() -> None:
    stored = hash_password("correct horse battery")
    assert "correct" not in stored
    assert verify_password(stored, "correct horse battery")
    assert not verify_password(stored, "correct horse batterz")
    assert not verify_password("not a hash", "anything")


def test_secrets_differ_and_compare() -> None:
    one, two = new_secret(), new_secret()
    assert one != two
    assert same_secret(secret_digest(one), secret_digest(one))
    assert not same_secret(secret_digest(one), secret_digest(two))
