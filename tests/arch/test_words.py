"""Words that the house does not use: in names of classes, and anywhere in what we publish."""

import ast
import re
import subprocess
from pathlib import Path
from typing import Protocol

import pytest

VAGUE = re.compile(r"(Manager|Handler|Helper|Processor|Util|Utils)$")
ADDRESSES = re.compile(
    "|".join(("/wor" + "k/", r"pypi\.or" + "g", r"files\.pythonhosted", r"registry\.npm" + "js", r'"resolv' + 'ed"'))
)


class Source(Protocol):
    """A parsed file, as tests/arch/conftest.py gives it."""

    @property
    def path(self) -> str: ...
    @property
    def tree(self) -> ast.Module: ...


@pytest.fixture(scope="module")
def published(root: Path) -> list[Path]:
    """The files that git keeps or would keep."""
    listing = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    names = subprocess.run(listing, cwd=root, capture_output=True, check=True).stdout.decode().split("\0")
    files = [root / name for name in names if name]
    return [file for file in files if file.is_file() and b"\0" not in file.read_bytes()]


def test_no_class_has_a_vague_name(everything: list[Source]) -> None:
    classes = [
        f"{source.path} {node.name}"
        for source in everything
        for node in ast.walk(source.tree)
        if isinstance(node, ast.ClassDef) and VAGUE.search(node.name)
    ]
    assert classes == []


def test_no_file_names_a_machine_or_a_package_index(published: list[Path], root: Path) -> None:
    found = [
        f"{file.relative_to(root)}:{number}"
        for file in published
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), start=1)
        if ADDRESSES.search(line)
    ]
    assert found == []
