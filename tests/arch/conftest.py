"""What the architecture tests look at: the files of the repository, parsed once."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Source:
    """One Python file: `path` is relative to the repository, with forward slashes."""

    path: str
    text: str
    tree: ast.Module

    @property
    def lines(self) -> int:
        return self.text.count("\n")


def parse(folder: str) -> Iterator[Source]:
    for file in sorted((ROOT / folder).rglob("*.py")):
        text = file.read_text(encoding="utf-8")
        yield Source(file.relative_to(ROOT).as_posix(), text, ast.parse(text))


@pytest.fixture(scope="session")
def root() -> Path:
    """The repository's root folder."""
    return ROOT


@pytest.fixture(scope="session")
def product() -> list[Source]:
    """Every module of the package."""
    return list(parse("vedette"))


@pytest.fixture(scope="session")
def everything() -> list[Source]:
    """Every Python file that we wrote, tests and scripts too."""
    return [source for folder in ("vedette", "tests", "scripts", "bench") for source in parse(folder)]
