"""`multipart/form-data` taken apart as it arrives (RFC 7578): parts of any size pass without being held."""

import re
from dataclasses import dataclass

_NAME = re.compile(r'(?:^|;)\s*name="([^"]*)"')
_FILE = re.compile(r'(?:^|;)\s*filename="([^"]*)"')
_BOUNDARY = re.compile(r'boundary=(?:"([^"]{1,70})"|([^\s;"]{1,70}))', re.IGNORECASE)
_MOST_HEADER_BYTES = 8192


class MultipartError(ValueError):
    """The body is no multipart form."""


@dataclass(frozen=True, slots=True)
class PartBegin:
    """A field begins; `file_name` is None for one that is no file."""

    name: str
    file_name: str | None


@dataclass(frozen=True, slots=True)
class PartData:
    """More of the field that began last."""

    data: bytes


@dataclass(frozen=True, slots=True)
class PartEnd:
    """The field is whole."""


type Event = PartBegin | PartData | PartEnd


def boundary_of(content_type: str) -> str:
    """The boundary that a content type names; MultipartError when it is of another kind."""
    match = _BOUNDARY.search(content_type)
    if not content_type.lower().startswith("multipart/form-data") or match is None:
        raise MultipartError("the content type is not multipart/form-data with a boundary")
    return match[1] or match[2]


class Multipart:
    """Takes bytes in any pieces and gives events; `close` says whether the form was whole."""

    def __init__(self, boundary: str) -> None:
        self._mark = b"\r\n--" + boundary.encode("latin-1", "replace")
        self._held = b"\r\n"  # so that the first boundary looks like the others
        self._in_part = self._in_head = self._done = False

    def feed(self, data: bytes) -> list[Event]:
        """The events that these bytes complete."""
        self._held += data
        events: list[Event] = []
        while not self._done and (self._head(events) if self._in_head else self._body(events)):
            pass
        return events

    def close(self) -> None:
        """MultipartError when the form was cut off."""
        if not self._done:
            raise MultipartError("the body ends in the middle of the form")

    def _body(self, events: list[Event]) -> bool:
        at = self._held.find(self._mark)
        if at < 0:
            # Whatever cannot be the begin of a boundary any more may go.
            keep = len(self._mark) - 1
            if self._in_part and len(self._held) > keep:
                events.append(PartData(self._held[:-keep]))
            self._held = self._held[-keep:]
            return False
        after = at + len(self._mark)
        if len(self._held) < after + 2:
            if self._in_part and at:
                events.append(PartData(self._held[:at]))
                self._held = self._held[at:]
            return False
        if self._in_part:
            if at:
                events.append(PartData(self._held[:at]))
            events.append(PartEnd())
        self._in_part = False
        follows, self._held = self._held[after : after + 2], self._held[after + 2 :]
        if follows == b"--":
            self._done = True
        elif follows == b"\r\n":
            self._in_head = True
        else:
            raise MultipartError("a boundary is followed by something else than a line end")
        return True

    def _head(self, events: list[Event]) -> bool:
        at = self._held.find(b"\r\n\r\n")
        if at < 0:
            if len(self._held) > _MOST_HEADER_BYTES:
                raise MultipartError("the header of a field is too long")
            return False
        lines = self._held[:at].decode("utf-8", "replace").split("\r\n")
        self._held = self._held[at + 4 :]
        disposition = next((line for line in lines if line.lower().startswith("content-disposition:")), "")
        name, file_name = _NAME.search(disposition), _FILE.search(disposition)
        if name is None:
            raise MultipartError("a field has no name")
        events.append(PartBegin(name[1], file_name[1] if file_name else None))
        self._in_head, self._in_part = False, True
        return True
