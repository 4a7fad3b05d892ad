"""How an RTSP client proves who it is: digest in the variants that cameras ask for, basic where they know no better.

Source: RFC 7616 and RFC 2617 (digest), RFC 7617 (basic). No I/O; the digest's arithmetic is in `rtsp_digest`.
"""

import base64
import re
import secrets
from dataclasses import replace

from vedette.media.rtsp_digest import Answer, authorization
from vedette.media.rtsp_messages import Headers

_SCHEME = re.compile(r"(?:^|,)\s*(Digest|Basic)\s+(?=[A-Za-z]+\s*=)", re.IGNORECASE)
_FIELD = re.compile(r'([A-Za-z][A-Za-z0-9_-]{0,39})\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]*))', re.ASCII)
_STRENGTH = {"SHA-256": 2, "MD5": 1}


class Login:
    """The credentials of one connection and the challenge that they answer now."""

    def __init__(self, username: str, password: str) -> None:
        self._username, self._password = username, password
        self._answer: Answer | None = None
        self._is_basic = False
        self._count = 0
        self._opaque = ""
        self.is_stale = False

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to prove anything with."""
        return not self._username and not self._password

    @property
    def nonce(self) -> str:
        """That of the challenge in force, "" for basic or none."""
        return self._answer.nonce if self._answer else ""

    def challenged(self, headers: Headers) -> bool:
        """Take the WWW-Authenticate fields of a 401. False when they ask for what we cannot give."""
        offered = [found for value in headers.get_all("WWW-Authenticate") for found in _challenges(value)]
        digests = [
            (answer, fields)
            for scheme, answer, fields in offered
            if scheme == "digest" and answer.nonce and answer.algorithm in _STRENGTH and answer.qop in ("", "auth")
        ]
        if digests:
            best, fields = max(digests, key=lambda pair: _STRENGTH[pair[0].algorithm])
            if best.nonce != self.nonce:
                self._count = 0
            self._answer, self._is_basic = best, False
            self._opaque, self.is_stale = fields.get("opaque", ""), fields.get("stale", "").lower() == "true"
        elif any(scheme == "basic" for scheme, _, _ in offered):
            self._answer, self._is_basic, self.is_stale = None, True, False
        else:
            return False
        return True

    def header(self, method: str, uri: str) -> str:
        """The Authorization value for a request, "" before the first challenge."""
        if self._is_basic:
            return "Basic " + base64.b64encode(f"{self._username}:{self._password}".encode()).decode()
        if self._answer is None:
            return ""
        answer = replace(self._answer, username=self._username, uri=uri)
        if answer.qop:
            self._count += 1
            answer = replace(answer, nonce_count=f"{self._count:08x}", client_nonce=secrets.token_hex(8))
        value = authorization(answer, method=method, password=self._password)
        return f'{value}, opaque="{self._opaque}"' if self._opaque else value


def _challenges(value: str) -> list[tuple[str, Answer, dict[str, str]]]:
    """(scheme in lower case, how to answer it, its fields) of each challenge in a header value."""
    found = []
    marks = list(_SCHEME.finditer(value))
    ends = [*(following.start() for following in marks[1:]), len(value)]
    for mark, end in zip(marks, ends, strict=False):
        text = value[mark.end() : end]
        fields: dict[str, str] = {}
        for name, quoted, plain in _FIELD.findall(text):
            fields.setdefault(name.lower(), re.sub(r"\\(.)", r"\1", quoted) or plain)
        kinds = [kind.strip().lower() for kind in fields.get("qop", "").split(",") if kind.strip()]
        qop = "auth" if "auth" in kinds else ",".join(kinds)
        algorithm = (fields.get("algorithm") or "MD5").upper()
        answer = Answer("", fields.get("realm", ""), fields.get("nonce", ""), "", "", algorithm, qop)
        found.append((mark[1].lower(), answer, fields))
    return found
