"""The built web app, read once: nothing that a request says ever becomes part of a file's path."""

import gzip
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".ico": "image/x-icon",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
    ".webmanifest": "application/manifest+json",
    ".woff2": "font/woff2",
}
_COMPRESSIBLE = frozenset({".css", ".html", ".js", ".json", ".svg", ".txt", ".webmanifest"})
_HASHED = re.compile(r"^/assets/.+-[A-Za-z0-9_-]{8,}\.[a-z0-9]+$")


@dataclass(frozen=True, slots=True)
class WebFile:
    """One file as it is sent; `is_immutable` when its name holds the hash of its content."""

    content: bytes
    compressed: bytes | None
    content_type: str
    etag: str
    is_immutable: bool


def read_web_app(folder: Path | None) -> Mapping[str, WebFile]:
    """Files by public path; empty when the app has not been built."""
    if folder is None or not (folder / "index.html").is_file():
        return {}
    files = (path for path in sorted(folder.rglob("*")) if path.is_file() and path.suffix in _TYPES)
    return {f"/{path.relative_to(folder).as_posix()}": _read(path, folder) for path in files}


def _read(path: Path, folder: Path) -> WebFile:
    content = path.read_bytes()
    smaller = gzip.compress(content, mtime=0) if path.suffix in _COMPRESSIBLE else None
    return WebFile(
        content=content,
        compressed=smaller if smaller is not None and len(smaller) < len(content) else None,
        content_type=_TYPES[path.suffix],
        etag=f'"{hashlib.blake2b(content, digest_size=12).hexdigest()}"',
        is_immutable=_HASHED.match(f"/{path.relative_to(folder).as_posix()}") is not None,
    )
