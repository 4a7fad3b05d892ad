"""A request's path in the one form that routing, authorisation and the upstream all see."""

import re
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes

_ALLOWED = re.compile(rb"/(?:[A-Za-z0-9\-._~!$&'()*+,;=:@/]|%[0-9A-Fa-f]{2})*")
_TWO_READINGS = re.compile(rb"%(?:2[fFeE]|5[cC]|[01][0-9A-Fa-f]|7[fF])")  # encoded slash, dot, backslash, control
_SLASHES = re.compile(rb"/{2,}")


@dataclass(frozen=True, slots=True)
class Path:
    """`raw` as it goes on the wire, `segments` decoded; a trailing slash is an empty last segment."""

    raw: str
    segments: tuple[str, ...]

    @property
    def decoded(self) -> str:
        """The whole path, decoded."""
        return "/" + "/".join(self.segments)

    def without(self, count: int) -> "Path":
        """The same path below its first `count` segments."""
        return Path("/" + "/".join(self.raw.split("/")[count + 1 :]), self.segments[count:])


def normalise(raw: bytes) -> Path | None:
    """Collapses repeated slashes. None for a path that two programs could read in two ways, or that is no path.

    Refused: encoded slashes, backslashes, dots and control characters, `.` and `..`, invalid UTF-8, and any byte that
    RFC 3986 wants encoded.
    """
    if not _ALLOWED.fullmatch(raw) or _TWO_READINGS.search(raw):
        return None
    collapsed = _SLASHES.sub(b"/", raw)
    try:
        segments = tuple(unquote_to_bytes(part).decode("utf-8") for part in collapsed[1:].split(b"/"))
    except UnicodeDecodeError:
        return None
    if any(segment in {".", ".."} for segment in segments):
        return None
    return Path(collapsed.decode("ascii"), segments)
