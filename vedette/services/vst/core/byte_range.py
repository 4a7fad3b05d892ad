"""Which bytes of a body an HTTP `Range` asks for (RFC 9110 §14)."""

import re

_ONE = re.compile(r"bytes=\s*(\d*)-(\d*)\s*")


class UnsatisfiableError(ValueError):
    """The range lies outside the body."""


def parse(header: str | None, size: int) -> tuple[int, int] | None:
    """`[start, stop)` of a body of `size` bytes, None for the whole of it.

    A header that is malformed, of another unit or of several ranges is ignored, as the RFC allows. Raises
    `UnsatisfiableError` when none of the bytes exist.
    """
    match = _ONE.fullmatch(header) if header is not None and len(header) < 100 else None
    if match is None or match[1] == match[2] == "":
        return None
    if not match[1]:
        last = int(match[2])
        if not last or not size:
            raise UnsatisfiableError
        return max(0, size - last), size
    start = int(match[1])
    if match[2] and int(match[2]) < start:
        return None
    if start >= size:
        raise UnsatisfiableError
    return start, min(size, int(match[2]) + 1) if match[2] else size
