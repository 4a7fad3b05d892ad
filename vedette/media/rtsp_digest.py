"""Digest authentication of RTSP without I/O: the challenge, the client's answer and its verification.

Source: RFC 7616 (SHA-256, MD5 with quality of protection) and RFC 2617 (MD5 without, which most RTSP clients send).
A nonce belongs to one connection, so an answer overheard there opens no other; passwords never travel.
"""

import hashlib
import hmac
import re
from dataclasses import dataclass

_FIELD = re.compile(r'([A-Za-z][A-Za-z0-9_-]{0,39})\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]*))', re.ASCII)
_ALGORITHMS = {"MD5": "md5", "SHA-256": "sha256"}
_NONCE_COUNT = re.compile(r"^[0-9A-Fa-f]{8}$", re.ASCII)


@dataclass(frozen=True, slots=True)
class Answer:
    """The Authorization header of a digest client, taken apart."""

    username: str
    realm: str
    nonce: str
    uri: str
    response: str
    algorithm: str = "MD5"
    qop: str = ""
    nonce_count: str = ""
    client_nonce: str = ""


def challenges(*, realm: str, nonce: str) -> tuple[str, str]:
    """Two WWW-Authenticate values, the better first; clients that keep only the last one know MD5."""
    head = f'Digest realm="{realm}", nonce="{nonce}"'
    return f'{head}, algorithm=SHA-256, qop="auth"', f"{head}, algorithm=MD5"


def parse_answer(header: str) -> Answer | None:
    """Read an Authorization header; None for another scheme, a missing field or an algorithm we do not offer."""
    scheme, _, rest = header.strip().partition(" ")
    if scheme.lower() != "digest":
        return None
    fields: dict[str, str] = {}
    for name, quoted, plain in _FIELD.findall(rest):
        fields.setdefault(name.lower(), re.sub(r"\\(.)", r"\1", quoted) or plain)
    answer = Answer(
        username=fields.get("username", ""),
        realm=fields.get("realm", ""),
        nonce=fields.get("nonce", ""),
        uri=fields.get("uri", ""),
        response=fields.get("response", "").lower(),
        algorithm=fields.get("algorithm", "MD5").upper(),
        qop=fields.get("qop", ""),
        nonce_count=fields.get("nc", ""),
        client_nonce=fields.get("cnonce", ""),
    )
    needed = answer.username and answer.nonce and answer.uri and answer.response and answer.algorithm in _ALGORITHMS
    counted = not answer.qop or (answer.qop == "auth" and _NONCE_COUNT.match(answer.nonce_count))
    return answer if needed and counted else None


def expected_response(answer: Answer, *, method: str, password: str) -> str:
    """The response that an answer with these fields must carry when its sender knows the password."""
    name = _ALGORITHMS[answer.algorithm]

    def digest(text: str) -> str:
        return hashlib.new(name, text.encode(), usedforsecurity=False).hexdigest()

    secret = digest(f"{answer.username}:{answer.realm}:{password}")
    action = digest(f"{method}:{answer.uri}")
    if answer.qop:
        return digest(f"{secret}:{answer.nonce}:{answer.nonce_count}:{answer.client_nonce}:{answer.qop}:{action}")
    return digest(f"{secret}:{answer.nonce}:{action}")


def verify(answer: Answer, *, method: str, uri: str, realm: str, nonce: str, password: str | None) -> bool:
    """Whether the answer proves the password for this request; takes the same time for an unknown user (None).

    The signed URI is the request's own or a prefix of it, because clients sign the aggregate for its tracks.
    """
    expected = expected_response(answer, method=method, password=password or "")
    proven = hmac.compare_digest(expected.encode(), answer.response.encode(errors="replace"))
    fresh = hmac.compare_digest(nonce.encode(), answer.nonce.encode(errors="replace"))
    return proven and fresh and password is not None and answer.realm == realm and uri.startswith(answer.uri)


def authorization(answer: Answer, *, method: str, password: str) -> str:
    """The Authorization value a client sends: the fields of `answer` with the right response."""
    response = expected_response(answer, method=method, password=password)
    text = (
        f'Digest username="{answer.username}", realm="{answer.realm}", nonce="{answer.nonce}", uri="{answer.uri}", '
        f'response="{response}", algorithm={answer.algorithm}'
    )
    if answer.qop:
        text += f', qop={answer.qop}, nc={answer.nonce_count}, cnonce="{answer.client_nonce}"'
    return text
