"""What a stream shows: openers of sources, by name on the command line, and the same picture in another size."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from vedette.kernel.clock import Clock
from vedette.media.source import Source
from vedette.media.sources.looped import LoopedFile
from vedette.media.sources.test_pattern import ScenePattern
from vedette.tools.camera.feed import OpenSource

SCENE = "scene"
_UNSAFE = re.compile(r"[^A-Za-z0-9_.-]+")
_SMALL, _LARGE = (640, 360), (1280, 720)


@dataclass(frozen=True, slots=True)
class OpenFile:
    """A looping video file."""

    path: str

    def __call__(self, clock: Clock) -> Source:
        return LoopedFile(self.path, clock=clock)


@dataclass(frozen=True, slots=True)
class OpenScene:
    """The synthetic scene, drawn and encoded as it is watched."""

    fps: int = 15
    width: int = 640
    height: int = 360

    def __call__(self, clock: Clock) -> Source:
        return ScenePattern(clock=clock, fps=self.fps, width=self.width, height=self.height)


def open_file(path: str | Path) -> OpenSource:
    """A looping video file."""
    return OpenFile(str(path))


def open_scene(*, fps: int = 15, width: int = 640, height: int = 360) -> OpenSource:
    """The synthetic scene."""
    return OpenScene(fps, width, height)


def resized(opener: OpenSource, width: int | None, height: int | None) -> OpenSource:
    """The same in another size (given, or one that surely differs); of a file the scene stays."""
    scene = opener if isinstance(opener, OpenScene) else OpenScene()
    wide, high = _LARGE if (scene.width, scene.height) == _SMALL else _SMALL
    return replace(scene, width=(width or wide) // 2 * 2, height=(height or high) // 2 * 2)


def named_sources(items: Sequence[str], *, fps: int = 15, width: int = 640, height: int = 360) -> dict[str, OpenSource]:
    """Sources of the command line: `scene`, `FILE` (named after it) or `NAME=FILE`; a taken name gets a number."""
    sources: dict[str, OpenSource] = {}
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
