"""What a stream shows: openers of sources, by name on the command line, and the same picture encoded otherwise."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol, override

from vedette.kernel.clock import Clock
from vedette.media.source import Source
from vedette.media.sources.looped import LoopedFile
from vedette.media.sources.test_pattern import ScenePattern
from vedette.tools.camera.encode import encode_scene
from vedette.tools.camera.files import read_reel
from vedette.tools.camera.reel import Reel, ReelSource, Shelf, Sound, WithSound
from vedette.tools.camera.spec import StreamSpec
from vedette.tools.camera.tone import tone

SCENE = "scene"
REEL_S = 10.0
_UNSAFE = re.compile(r"[^A-Za-z0-9_.-]+")
_SMALL, _LARGE = (640, 360), (1280, 720)


class Opener(Protocol):
    """How a stream is made; called once for each session of its source."""

    def encoded_as(self) -> StreamSpec | None:
        """How it is encoded, when it can be encoded otherwise; None for what stays as it is."""

    def __call__(self, clock: Clock) -> Source:
        """A new source."""

    async def prepare(self, clock: Clock) -> bool:
        """Do now what takes long; Fault when it cannot be opened. Tells whether there will be sound."""


@dataclass(frozen=True, slots=True)
class OpenFile(Opener):
    """A looping video file, read as it is played."""

    path: str

    @override
    def encoded_as(self) -> None:
        return None

    @override
    def __call__(self, clock: Clock) -> Source:
        return LoopedFile(self.path, clock=clock)

    @override
    async def prepare(self, clock: Clock) -> bool:
        return False


@dataclass(frozen=True, slots=True)
class OpenScene(Opener):
    """The synthetic scene, drawn and encoded in H.264 as it is watched, a keyframe each second."""

    fps: int = 15
    width: int = 640
    height: int = 360

    @override
    def encoded_as(self) -> StreamSpec:
        return StreamSpec("h264", self.width, self.height, self.fps, self.fps)

    @override
    def __call__(self, clock: Clock) -> Source:
        return ScenePattern(clock=clock, fps=self.fps, width=self.width, height=self.height)

    @override
    async def prepare(self, clock: Clock) -> bool:
        self(clock)
        return False


@dataclass(frozen=True, slots=True)
class OpenReel(Opener):
    """The scene, encoded once into a loop of `REEL_S` seconds that everyone shares who wants the same."""

    spec: StreamSpec
    shelf: Shelf = field(compare=False)

    @override
    def encoded_as(self) -> StreamSpec:
        return self.spec

    @override
    def __call__(self, clock: Clock) -> Source:
        pictures = ReelSource(self._reel, clock=clock)
        return pictures if self.spec.audio is None else WithSound(pictures, self._sound)

    @override
    async def prepare(self, clock: Clock) -> bool:
        await self._reel()
        return self.spec.audio is not None

    async def _reel(self) -> Reel:
        silent = replace(self.spec, audio=None)
        return await self.shelf.get(silent, lambda: encode_scene(silent, seconds=REEL_S))

    async def _sound(self) -> Sound | None:
        return None if self.spec.audio is None else tone(self.spec.audio)


@dataclass(frozen=True, slots=True)
class OpenLoop(Opener):
    """A video file with its sound, read into memory once and passed on as it is."""

    path: str
    shelf: Shelf = field(compare=False)

    @override
    def encoded_as(self) -> None:
        return None

    @override
    def __call__(self, clock: Clock) -> Source:
        return WithSound(ReelSource(self._reel, clock=clock), self._sound)

    @override
    async def prepare(self, clock: Clock) -> bool:
        return (await self._reel()).sound is not None

    async def _reel(self) -> Reel:
        return await self.shelf.get(self.path, lambda: read_reel(self.path))

    async def _sound(self) -> Sound | None:
        return (await self._reel()).sound


def open_file(path: str | Path) -> Opener:
    """A looping video file."""
    return OpenFile(str(path))


def open_scene(*, fps: int = 15, width: int = 640, height: int = 360) -> Opener:
    """The synthetic scene, live."""
    return OpenScene(fps, width, height)


def respecified(opener: Opener, wanted: StreamSpec) -> Opener | None:
    """The same scene by another specification; None for what stays as it is."""
    if isinstance(opener, OpenReel):
        return replace(opener, spec=wanted)
    is_live = StreamSpec("h264", wanted.width, wanted.height, wanted.fps, wanted.fps) == replace(wanted, kbps=0)
    if isinstance(opener, OpenScene):
        return OpenScene(wanted.fps, wanted.width, wanted.height) if is_live else OpenReel(wanted, Shelf())
    return None


def resized(opener: Opener, width: int | None, height: int | None) -> Opener:
    """The same in another size (given, or one that surely differs); in the place of a file comes the scene."""
    spec = opener.encoded_as() or StreamSpec()
    wide, high = _LARGE if (spec.width, spec.height) == _SMALL else _SMALL
    wanted = replace(spec, width=(width or wide) // 2 * 2, height=(height or high) // 2 * 2)
    return respecified(opener, wanted) or OpenScene(wanted.fps, wanted.width, wanted.height)


def named_sources(items: Sequence[str], *, fps: int = 15, width: int = 640, height: int = 360) -> dict[str, Opener]:
    """Sources of the command line: `scene`, `FILE` (named after it) or `NAME=FILE`; a taken name gets a number."""
    sources: dict[str, Opener] = {}
    for item in items:
        given, equals, path = item.partition("=")
        if not equals:
            given, path = (SCENE, SCENE) if item == SCENE else (Path(item).stem, item)
        wanted = _UNSAFE.sub("-", given).strip("-") or "camera"
        name, number = wanted, 2
        while name in sources:
            name, number = f"{wanted}-{number}", number + 1
        sources[name] = open_scene(fps=fps, width=width, height=height) if path == SCENE else open_file(path)
    return sources
