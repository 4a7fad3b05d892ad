"""The web app's files over HTTP: hashed ones for ever, the page for every address that a person may type."""

from collections.abc import Mapping
from dataclasses import dataclass

from vedette.services.ingress.adapters.web_files import WebFile

PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; font-src 'self'; "
    "media-src 'self' blob:; connect-src 'self'; manifest-src 'self'; worker-src 'self'; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'none'; require-trusted-types-for 'script'"
)
_FOREVER = "public, max-age=31536000, immutable"
_NOT_BUILT = (
    b"<!doctype html><meta charset=utf-8><title>Vedette</title><p>The web app has not been built. "
    b"Run <code>make web</code> and start Vedette again; the API works without it."
)


@dataclass(frozen=True, slots=True)
class Page:
    """A reply of the web app."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class WebApp:
    """Answers GET and HEAD outside of the API. Files are looked up in a table, never on the disk."""

    def __init__(self) -> None:
        self._files: Mapping[str, WebFile] = {}

    def replace(self, files: Mapping[str, WebFile]) -> None:
        """Serves these files from now on."""
        self._files = files

    def answer(self, path: str, headers: Mapping[str, str]) -> Page | None:
        """The file, the page for a browser's navigation, a sentence when nothing was built, or None."""
        found = self._files.get(path)
        navigates = "text/html" in headers.get("accept", "")
        if found is None and navigates:
            found = self._files.get("/index.html")
            if found is None:
                return Page(503, {"content-type": "text/html; charset=utf-8", "cache-control": "no-store"}, _NOT_BUILT)
        return _reply(found, headers) if found is not None else None


def _reply(file: WebFile, headers: Mapping[str, str]) -> Page:
    common = {"etag": file.etag, "cache-control": _FOREVER if file.is_immutable else "no-cache"}
    if file.etag in headers.get("if-none-match", ""):
        return Page(304, common, b"")
    common |= {"content-type": file.content_type}
    if file.compressed is None:
        return Page(200, common, file.content)
    common |= {"vary": "accept-encoding"}
    if "gzip" in headers.get("accept-encoding", ""):
        return Page(200, common | {"content-encoding": "gzip"}, file.compressed)
    return Page(200, common, file.content)
