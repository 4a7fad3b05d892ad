"""`vedette verify`: checks exported footage and signed manifests, offline.

This file is copied into every export as `verify.py`. It needs Python 3.9 and nothing else, so that evidence can be
checked by somebody who has never heard of Vedette: Ed25519 is written out below after RFC 8032, section 6.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from pathlib import Path
from typing import Any

EXIT_BAD = 3
MANIFEST = "manifest.json"
_P = 2**255 - 19
_Q = 2**252 + 27742317777372353535851937790883648493
_D = -121665 * pow(121666, -1, _P) % _P
_ROOT = pow(2, (_P - 1) // 4, _P)
_READ = 1 << 20


def options(parser: argparse.ArgumentParser) -> None:
    """The folder or file, and the key that it must be signed with."""
    parser.add_argument("path", type=Path, help="folder of an export, or a manifest")
    parser.add_argument("--key", help="public key of the device, 64 hexadecimal digits, from a source you trust")


def run(chosen: argparse.Namespace) -> int:
    """0 when everything holds, 3 when not; says what the first bad thing is."""
    problems, notes = verify(chosen.path, chosen.key)
    for note in notes:
        print(note)
    for problem in problems:
        print("BAD: " + problem)
    print("NOT genuine" if problems else "genuine")
    return EXIT_BAD if problems else 0


def verify(path: Path, key: str | None = None) -> tuple[list[str], list[str]]:
    """(problems, notes) about an export's folder or a manifest."""
    folder = path if path.is_dir() else None
    try:
        manifest = json.loads((path / MANIFEST if folder else path).read_text(encoding="utf-8"))
        problems = check_signature(manifest, key) + check_chain(manifest)
        if folder:
            problems += check_files(manifest, folder)
        notes = summary(manifest)
        if key is None:
            notes.append("Compare the key with the device's: " + manifest["publicKey"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        return [f"{path} cannot be read as a manifest: {error!r}"], []
    return problems, notes


def check_signature(manifest: dict[str, Any], key: str | None) -> list[str]:
    """The manifest is what the device signed, with the expected key if one is given."""
    if manifest.get("format") != "vedette-manifest/1":
        return ["it is of an unknown format"]
    if key is not None and key.lower() != manifest["publicKey"].lower():
        return ["it is signed with another key"]
    content = {name: value for name, value in manifest.items() if name != "signature"}
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    if not ed25519_holds(bytes.fromhex(manifest["publicKey"]), text, bytes.fromhex(manifest["signature"])):
        return ["the signature does not hold: the manifest was changed"]
    return []


def check_chain(manifest: dict[str, Any]) -> list[str]:
    """Each line of the ledger follows from the one before it, up to where the chain stood."""
    chain = manifest["chain"]
    before, seq, problems = chain["before"], None, []
    for line in chain["lines"]:
        where = f"line {line['seq']} of the ledger"
        if seq is not None and line["seq"] != seq + 1:
            problems.append(f"a line is missing before {where}")
        value = before
        facts = _facts(manifest, line)
        for fact in facts or ():
            value = _link(value, fact)
        if facts is not None and (value != line["hash"] or not _agrees(manifest, line)):
            problems.append(f"{where} was changed, or something before it was")
        before, seq = line["hash"], line["lastSeq"]
    head = chain["head"]
    if seq is not None and (seq > head["seq"] or (seq == head["seq"] and before != head["hash"])):
        problems.append("the chain does not end where it was signed to stand")
    return problems


def check_files(manifest: dict[str, Any], folder: Path) -> list[str]:
    """Every file that is named is there and unchanged, and every segment is the one that was recorded."""
    problems = []
    for name, wanted in sorted(manifest["files"].items()):
        path = folder / name
        if not path.is_file():
            problems.append(f"{name} is missing")
        elif _digest(path, hashlib.sha256()) != wanted:
            problems.append(f"{name} was changed")
    for fact in _segments(manifest):
        path = folder / "segments" / f"{fact['segment_id']}.mp4"
        if path.is_file() and _digest(path, hashlib.blake2b(digest_size=16)) != fact["digest"]:
            problems.append(f"segments/{path.name} is not what was recorded")
    named = set(manifest["files"])
    for path in sorted((folder / "segments").glob("*")):
        if f"segments/{path.name}" not in named:
            problems.append(f"segments/{path.name} does not belong to it")
    return problems


def summary(manifest: dict[str, Any]) -> list[str]:
    """What the manifest says, in sentences."""
    seconds: dict[str, float] = {}
    for span in manifest["spans"]:
        seconds[span["state"]] = seconds.get(span["state"], 0) + (span["endUs"] - span["startUs"]) / 1e6
    told = ", ".join(f"{name} {length:.1f} s" for name, length in sorted(seconds.items()))
    segments = len(_segments(manifest))
    return [
        f"Stream {manifest['streamId']} ({manifest['sensorName']}): {told or 'nothing known'}",
        f"{len(manifest['chain']['lines'])} lines of the ledger, {segments} segments, {len(manifest['files'])} files",
    ]


def _facts(manifest: dict[str, Any], line: dict[str, Any]) -> list[list[Any]] | None:
    """The facts behind a line; None when some of its segments were deleted since, so that they cannot be known."""
    if line["kind"] == "recorded":
        facts: list[list[Any]] = line["facts"]
        return facts if len(facts) == line["segments"] else None
    values = {
        "stream_id": manifest["streamId"], "seq": line["seq"], "kind": line["kind"], "start_us": line["startUs"],
        "end_us": line["endUs"], "cause": line["cause"], "actor": line["actor"], "segment_id": 0,
        "segments": line["segments"], "bytes": line["bytes"], "digest": "", "at_us": line["atUs"],
    }  # fmt: skip
    return [[values[name] for name in manifest["chain"]["fields"]]]


def _agrees(manifest: dict[str, Any], line: dict[str, Any]) -> bool:
    """Whether a line says what its facts say; for lines without segments the fact is the line."""
    if line["kind"] != "recorded":
        return line["kind"] in ("absent", "removed") and bool(line["lastSeq"] == line["seq"])
    fields = manifest["chain"]["fields"]
    facts = [dict(zip(fields, fact)) for fact in line["facts"]]  # noqa: B905 - Python 3.9 has no strict
    told = (line["startUs"], line["endUs"], line["bytes"], line["seq"], line["lastSeq"])
    return bool(facts) and told == (
        facts[0]["start_us"],
        facts[-1]["end_us"],
        sum(fact["bytes"] for fact in facts),
        facts[0]["seq"],
        facts[-1]["seq"],
    )


def _segments(manifest: dict[str, Any]) -> list[dict[str, Any]]:
    chain = manifest["chain"]
    return [dict(zip(chain["fields"], fact)) for line in chain["lines"] for fact in line.get("facts", ())]  # noqa: B905


def _link(before: str, fact: list[Any]) -> str:
    text = json.dumps(fact, separators=(",", ":"), ensure_ascii=False).encode()
    return hashlib.blake2b(bytes.fromhex(before) + text, digest_size=32).hexdigest()


def _digest(path: Path, digest: Any) -> str:
    with path.open("rb") as file:
        while True:
            data = file.read(_READ)
            if not data:
                return str(digest.hexdigest())
            digest.update(data)


# Ed25519 after RFC 8032; points are (X, Y, Z, T) with x = X/Z, y = Y/Z and T = XY/Z


def ed25519_holds(public: bytes, message: bytes, signature: bytes) -> bool:
    """Whether the signature of the message was made with the private half of the key."""
    if len(public) != 32 or len(signature) != 64:
        return False
    key, commitment = _decompressed(public), _decompressed(signature[:32])
    scalar = int.from_bytes(signature[32:], "little")
    if key is None or commitment is None or scalar >= _Q:
        return False
    hashed = hashlib.sha512(signature[:32] + public + message).digest()
    challenge = int.from_bytes(hashed, "little") % _Q
    base_y = 4 * pow(5, -1, _P) % _P
    base_x = _x_of(base_y, 0) or 0
    left = _times(scalar, (base_x, base_y, 1, base_x * base_y % _P))
    right = _plus(commitment, _times(challenge, key))
    return not ((left[0] * right[2] - right[0] * left[2]) % _P or (left[1] * right[2] - right[1] * left[2]) % _P)


def _plus(p: tuple[int, int, int, int], q: tuple[int, int, int, int]) -> tuple[int, int, int, int]:
    a = (p[1] - p[0]) * (q[1] - q[0]) % _P
    b = (p[1] + p[0]) * (q[1] + q[0]) % _P
    c, d = 2 * p[3] * q[3] * _D % _P, 2 * p[2] * q[2] % _P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % _P, g * h % _P, f * g % _P, e * h % _P


def _times(scalar: int, point: tuple[int, int, int, int]) -> tuple[int, int, int, int]:
    total = (0, 1, 1, 0)
    while scalar:
        if scalar & 1:
            total = _plus(total, point)
        point, scalar = _plus(point, point), scalar >> 1
    return total


def _x_of(y: int, sign: int) -> int | None:
    if y >= _P:
        return None
    square = (y * y - 1) * pow(_D * y * y + 1, -1, _P) % _P
    if square == 0:
        return None if sign else 0
    x = pow(square, (_P + 3) // 8, _P)
    if (x * x - square) % _P:
        x = x * _ROOT % _P
    if (x * x - square) % _P:
        return None
    return _P - x if x & 1 != sign else x


def _decompressed(data: bytes) -> tuple[int, int, int, int] | None:
    y = int.from_bytes(data, "little")
    sign, y = y >> 255, y & ((1 << 255) - 1)
    x = _x_of(y, sign)
    return None if x is None else (x, y, 1, x * y % _P)


if __name__ == "__main__":
    _parser = argparse.ArgumentParser(description=__doc__)
    options(_parser)
    sys.exit(run(_parser.parse_args()))
