"""The stand-alone verifier: its Ed25519 against a library's, its JSON against ours, and every single edit is found."""

import json
from dataclasses import replace
from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given, settings
from hypothesis import strategies as st

from vedette.cli.verify import check_chain, check_signature, ed25519_holds
from vedette.services.vst.core import coverage, ledger, manifest
from vedette.services.vst.core.manifest import Account
from vedette.services.vst.model import Cause, Entry, EntryKind, Segment

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PUBLIC = KEY.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw).hex()
STEP = 10_000_000


def account(*, name: str = "Gate", removed: int = 0, actor: str = "somebody") -> Account:
    """Six segments with an absence in the middle; the first `removed` of them are gone again."""
    head = ledger.opened("cam", 0, Cause.STARTING)
    entries: dict[int, Entry] = {}
    segments = []
    for number, start in enumerate((1, 2, 3, 6, 7, 8)):
        begin = start * STEP
        row = Segment(number, "cam", 1, begin, begin + STEP, STEP, 1000, f"{number:032x}", "h264", 1, 1)
        if number == 3:
            gap = ledger.absent(head, 4 * STEP, Cause.NETWORK)
            head = gap.head
            entries |= {entry.seq: entry for entry in gap.entries}
        step = ledger.recorded(head, row)
        head = step.head
        entries |= {entry.seq: entry for entry in step.entries}
        segments.append(replace(row, seq=head.seq))
    if removed:
        step = ledger.removed(head, segments[:removed], cause=Cause.DELETED, actor=actor, at_us=99)
        head = step.head
        entries |= {entry.seq: entry for entry in step.entries}
    lines = [entries[seq] for seq in sorted(entries)]
    spans = coverage.resolve(lines, head, growing=None, now_us=10 * STEP, start_us=0, end_us=10 * STEP)
    return Account(
        stream_id="cam",
        name=name,
        start_us=0,
        end_us=10 * STEP,
        spans=spans,
        entries=lines,
        segments=segments[removed:],
        before=ledger.ORIGIN,
        seq=head.seq,
        hash=head.hash,
        made_us=10 * STEP,
    )


def made(of: Account) -> Any:
    """The signed manifest as a reader of the file sees it."""
    document = manifest.document(of, public_key=PUBLIC, files={})
    whole = manifest.signed(document, KEY.sign(manifest.canonical(document)).hex())
    return json.loads(msgspec.json.encode(whole))


def signed_again(document: Any) -> Any:
    """What a forger who has stolen the key would make of it."""
    content = {key: value for key, value in document.items() if key != "signature"}
    return content | {"signature": KEY.sign(manifest.canonical(content)).hex()}


@given(st.binary(max_size=200), st.binary(min_size=32, max_size=32))
@settings(max_examples=20)
def test_signatures_of_the_library_hold(message: bytes, seed: bytes) -> None:
    key = Ed25519PrivateKey.from_private_bytes(seed)
    public = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    signature = key.sign(message)
    assert ed25519_holds(public, message, signature)
    assert not ed25519_holds(public, message + b"x", signature)
    assert not ed25519_holds(public, message, signature[:-1] + bytes([signature[-1] ^ 1]))
    assert not ed25519_holds(bytes(32), message, signature)


def test_malformed_signatures_do_not_hold() -> None:
    public = bytes.fromhex(PUBLIC)
    for wrong in (b"", bytes(63), bytes(64), b"\xff" * 64):
        assert not ed25519_holds(public, b"x", wrong)
    assert not ed25519_holds(b"\xff" * 32, b"x", KEY.sign(b"x"))


@given(st.text(max_size=30), st.text(max_size=30))
@settings(max_examples=30)
def test_what_is_signed_is_the_same_in_both_writings(name: str, actor: str) -> None:
    document = made(account(name=name, removed=2, actor=actor))
    assert check_signature(document, None) == []
    assert check_chain(document) == []


@pytest.mark.parametrize("removed", [0, 1, 3, 6])
def test_what_the_ledger_says_is_genuine(removed: int) -> None:
    document = made(account(removed=removed))
    assert check_signature(document, PUBLIC.upper()) == []
    assert check_chain(document) == []
    assert check_signature(document, "00" * 32) != []


def leaves(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The place of every single value."""
    if isinstance(value, dict):
        return [place for key, item in value.items() for place in leaves(item, (*path, key))]
    if isinstance(value, list):
        return [place for index, item in enumerate(value) for place in leaves(item, (*path, index))]
    return [path]


def changed(document: Any, path: tuple[Any, ...]) -> Any:
    copy = json.loads(json.dumps(document))
    holder = copy
    for key in path[:-1]:
        holder = holder[key]
    value = holder[path[-1]]
    holder[path[-1]] = value + 1 if isinstance(value, int) else ("0" if value[:1] != "0" else "1") + value[1:]
    return copy


def test_every_single_edit_breaks_the_signature() -> None:
    document = made(account(removed=1))
    for place in leaves(document):
        if place != ("format",):
            assert check_signature(changed(document, place), None) != [], place


def test_every_edit_of_a_fact_breaks_the_chain_even_with_a_stolen_key() -> None:
    document = made(account())
    for place in leaves(document["chain"]["lines"]):
        if (
            place[-1] in ("cause", "actor", "atUs", "segments")
            and document["chain"]["lines"][place[0]]["kind"] == "recorded"
        ):
            continue  # it has none of these, and some of its segments may have been deleted since
        forged = signed_again(changed(document, ("chain", "lines", *place)))
        assert check_signature(forged, None) == []
        assert check_chain(forged) != [], place


def test_a_line_that_is_left_out_and_a_tail_that_is_cut_are_found() -> None:
    document = made(account(removed=2))
    lines = document["chain"]["lines"]
    for index in range(1, len(lines)):
        forged = json.loads(json.dumps(document))
        del forged["chain"]["lines"][index]
        if index < len(lines) - 1:
            assert check_chain(forged) != []
        assert check_signature(forged, None) != []
    assert EntryKind.REMOVED in {line["kind"] for line in lines}
