"""The visible table of sources: URL scheme → how to open it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal
from urllib.parse import unquote, urlsplit

from vedette.kernel.clock import Clock
from vedette.kernel.errors import invalid
from vedette.media.source import Source
from vedette.media.sources.looped import LoopedFile
from vedette.media.sources.rtsp import RtspSource
from vedette.media.sources.test_pattern import scene_of_url
from vedette.media.unit import CodecParameters


@dataclass(frozen=True, slots=True)
class SourceOptions:
    """How a source is read; a scheme ignores what it has no use for. `loop` and `paced` concern files and
    patterns, `audio` asks an RTSP camera for its sound."""

    clock: Clock
    transport: Literal["tcp", "udp"] = "tcp"
    read_timeout_s: float = 5.0
    open_timeout_s: float = 10.0
    keyframes_only: bool = False
    loop: bool = True
    paced: bool = True
    audio: bool = False


def _rtsp(url: str, options: SourceOptions) -> RtspSource:
    return RtspSource(
        url,
        clock=options.clock,
        transport=options.transport,
        open_timeout_s=options.open_timeout_s,
        read_timeout_s=options.read_timeout_s,
        keyframes_only=options.keyframes_only,
        audio=options.audio,
    )


def _file(url: str, options: SourceOptions) -> Source:
    path = unquote(urlsplit(url).path)
    return LoopedFile(path, clock=options.clock, passes=0 if options.loop else 1, paced=options.paced)


SOURCES: Mapping[str, Callable[[str, SourceOptions], Source]] = {
    "rtsp": _rtsp,
    "rtsps": _rtsp,
    "file": _file,
    "test": lambda url, options: scene_of_url(url, clock=options.clock, paced=options.paced),
}


def open_source(
    url: str,
    *,
    clock: Clock,
    transport: Literal["tcp", "udp"] = "tcp",
    read_timeout_s: float = 5.0,
    open_timeout_s: float = 10.0,
    keyframes_only: bool = False,
    loop: bool = True,
    paced: bool = True,
    audio: bool = False,
) -> Source:
    """The source of a URL, not connected yet. Fault 400 for a scheme that is not in the table."""
    scheme = urlsplit(url).scheme.lower()
    opened = SOURCES.get(scheme)
    if opened is None:
        raise invalid(
            f"'{scheme[:20]}' is not a scheme that can be read. Give a URL that begins with rtsp:// or rtsps://."
        )
    return opened(
        url,
        SourceOptions(clock, transport, read_timeout_s, open_timeout_s, keyframes_only, loop, paced, audio),
    )


async def probe(url: str, *, clock: Clock, timeout_s: float = 10.0) -> CodecParameters:
    """Connects to an RTSP camera and says what it sends: Fault 400, 403, 404, 408, 415, 422 or 502 with what to do."""
    source = open_source(url, clock=clock, open_timeout_s=timeout_s, read_timeout_s=timeout_s)
    if not isinstance(source, RtspSource):
        raise invalid("Only rtsp:// and rtsps:// cameras can be added.")
    return await source.probe()
