"""The manifest of a stretch of footage: what the coverage ledger says of it, in a form that proves itself.

It holds the ledger's lines that reach into the range, with the fact behind each segment that is still there, the hash
before the first of them and where the chain stood. `vedette.cli.verify` checks it with nothing but Python.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from vedette.services.vst.core.coverage import CoverageSpan
from vedette.services.vst.core.ledger import ORIGIN, Fact, fact_of
from vedette.services.vst.model import Entry, EntryKind, Segment

FORMAT = "vedette-manifest/1"
SIGNATURE = "signature"
type Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Account:
    """What the ledger of a stream says of `[start_us, end_us)`.

    `entries` follow one another in the chain, `before` is the hash of the line before them, and `seq` and `hash` are
    where the chain stood at `made_us`.
    """

    stream_id: str
    name: str
    start_us: int
    end_us: int
    spans: Sequence[CoverageSpan]
    entries: Sequence[Entry]
    segments: Sequence[Segment]
    before: str
    seq: int
    hash: str
    made_us: int


def document(account: Account, *, public_key: str, files: Mapping[str, str] | None = None) -> Document:
    """The unsigned manifest. `files` are SHA-256 hashes of what lies beside it, by name."""
    segments = _by_line(account.entries, account.segments)
    return {
        "format": FORMAT,
        "streamId": account.stream_id,
        "sensorName": account.name,
        "startUs": account.start_us,
        "endUs": account.end_us,
        "madeUs": account.made_us,
        "publicKey": public_key,
        "spans": [
            {
                "startUs": item.start_us,
                "endUs": item.end_us,
                "state": str(item.state),
                "cause": item.cause,
                "by": item.by,
            }
            for item in account.spans
        ],
        "chain": {
            "origin": ORIGIN,
            "before": account.before,
            "fields": list(Fact.__dataclass_fields__),
            "lines": [_line(entry, segments.get(entry.seq, ())) for entry in account.entries],
            "head": {"seq": account.seq, "hash": account.hash},
        },
        "files": dict(files or {}),
    }


def canonical(document: Document) -> bytes:
    """What is signed: the document without its signature as JSON with sorted keys and no blanks."""
    return msgspec.json.encode({key: value for key, value in document.items() if key != SIGNATURE}, order="sorted")


def signed(document: Document, signature: str) -> Document:
    """The manifest with its Ed25519 signature, hexadecimal."""
    return document | {SIGNATURE: signature}


def _by_line(entries: Iterable[Entry], segments: Sequence[Segment]) -> dict[int, list[Segment]]:
    recorded = [entry for entry in entries if entry.kind is EntryKind.RECORDED]
    return {
        entry.seq: [segment for segment in segments if entry.seq <= segment.seq <= entry.last_seq] for entry in recorded
    }


def _line(entry: Entry, segments: Sequence[Segment]) -> Document:
    line = {
        "seq": entry.seq,
        "lastSeq": entry.last_seq,
        "kind": str(entry.kind),
        "startUs": entry.start_us,
        "endUs": entry.end_us,
        "hash": entry.hash,
        "cause": entry.cause,
        "actor": entry.actor,
        "segments": entry.segments,
        "bytes": entry.bytes,
        "atUs": entry.at_us,
    }
    if entry.kind is EntryKind.RECORDED:
        facts = [fact_of(segment) for segment in sorted(segments, key=lambda item: item.seq)]
        line["facts"] = [[_plain(getattr(fact, name)) for name in Fact.__dataclass_fields__] for fact in facts]
    return line


def _plain(value: Any) -> Any:
    return value if isinstance(value, int) else str(value)
