"""Recordings as files, which is how clients of NVIDIA's VST list, protect and delete them.

A file is a line of the coverage ledger, up to an hour that ran on without a hole, or an upload. Its id is
`STREAM_KEY` and its path `STREAM/KEY.mp4`: names that are looked up, never opened. KEY is the number of the line, or
that of the upload.
"""

import re
from collections.abc import Iterable, Sequence

from vedette.services.vst.core.ageing import is_protected, outside
from vedette.services.vst.core.overlap import Overlap
from vedette.services.vst.core.timeline import Span
from vedette.services.vst.model import Entry, EntryKind, File, Upload

_PATH = re.compile(r"([a-zA-Z0-9_-]{1,100})/([a-z0-9]{1,24})\.mp4")
_ID = re.compile(r"([a-zA-Z0-9_-]{1,100})_([a-z0-9]{1,24})")


def parse_path(path: str) -> tuple[str, str] | None:
    """(stream id, key) of a path, None for what is none."""
    match = _PATH.fullmatch(path)
    return None if match is None else (match[1], match[2])


def parse_id(file_id: str) -> tuple[str, str] | None:
    """(stream id, key) of an id, None for what is none."""
    match = _ID.fullmatch(file_id)
    return None if match is None else (match[1], match[2])


def files_of(entries: Sequence[Entry], uploads: Iterable[Upload]) -> list[File]:
    """The files of one stream that are still there, in order: its uploads, and the lines that are none of theirs."""
    taken = Overlap(Span(item.start_us, item.end_us) for item in entries if item.kind is EntryKind.REMOVED)
    sent = [_uploaded(item, taken) for item in uploads]
    covered = [Span(item.start_us, item.end_us) for item in uploads]
    lines = [
        _line(item, taken)
        for item in entries
        if item.kind is EntryKind.RECORDED and not (covered and is_protected(item, covered))
    ]
    return sorted((item for item in (*sent, *lines) if item is not None), key=lambda file: file.start_us)


def reaching_into(files: Iterable[File], start_us: int | None, end_us: int | None) -> list[File]:
    """Those that reach into a range; None leaves a side open."""
    return [
        file
        for file in files
        if (end_us is None or file.start_us < end_us) and (start_us is None or file.end_us > start_us)
    ]


def without(protected: Sequence[Span], lifted: Span) -> list[Span]:
    """Protected ranges once the protection of one is lifted."""
    return [piece for span in protected for piece in outside([lifted], span.start_us, span.end_us)]


def _line(entry: Entry, taken: Overlap[Span]) -> File | None:
    pieces = outside(taken.touching(entry), entry.start_us, entry.end_us)
    if not pieces:
        return None
    left = sum(piece.end_us - piece.start_us for piece in pieces)
    share = entry.bytes * left // max(1, entry.end_us - entry.start_us)
    return File(entry.stream_id, str(entry.seq), pieces[0].start_us, pieces[-1].end_us, share)


def _uploaded(upload: Upload, taken: Overlap[Span]) -> File | None:
    pieces = outside(taken.touching(upload), upload.start_us, upload.end_us)
    if not pieces:
        return None
    left = sum(piece.end_us - piece.start_us for piece in pieces)
    share = upload.size_bytes * left // max(1, upload.end_us - upload.start_us)
    return File(upload.stream_id, upload.upload_id, pieces[0].start_us, pieces[-1].end_us, share, upload)
