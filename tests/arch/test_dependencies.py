"""Every direct dependency has its reason on record, and the package imports nothing it has not declared."""

import ast
import importlib.metadata
import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import pytest

# A part of the other's public interface, imported beside it.
BROUGHT_BY = {"starlette": "fastapi", "multidict": "aiohttp", "yarl": "aiohttp", "aioice": "aiortc"}
STARTED_BY_NAME = {"uvloop", "websockets", "tzdata"}  # anyio, uvicorn and zoneinfo import these when they find them


class Source(Protocol):
    """A parsed file, as tests/arch/conftest.py gives it."""

    @property
    def path(self) -> str: ...
    @property
    def tree(self) -> ast.Module: ...


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def names(requirements: list[str]) -> set[str]:
    return {normal(re.split(r"[\[<>=!~; ]", requirement)[0]) for requirement in requirements}


@pytest.fixture(scope="module")
def declared(root: Path) -> dict[str, set[str]]:
    project = tomllib.loads((root / "pyproject.toml").read_text())
    return {
        "Run time": names(project["project"]["dependencies"]),
        "Development": names(project["dependency-groups"]["dev"]),
    }


@pytest.fixture(scope="module")
def page(root: Path) -> str:
    return (root / "docs/design/dependencies.md").read_text()


def rows(page: str, section: str) -> dict[str, str]:
    """Package → reason, from the table below a heading."""
    text = page.split(f"\n## {section}\n")[1].split("\n## ")[0]
    return {normal(row[1]): row[2].strip() for row in re.finditer(r"^\| `([^`]+)` \| (.*) \|$", text, re.MULTILINE)}


@pytest.mark.parametrize("section", ["Run time", "Development"])
def test_every_dependency_has_its_reason(section: str, declared: dict[str, set[str]], page: str) -> None:
    documented = rows(page, section)
    assert documented.keys() == declared[section]
    assert [name for name, reason in documented.items() if len(reason) < 15] == []


def imported(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        if isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            yield node.module.split(".")[0]


def third_party(product: list[Source]) -> dict[str, set[str]]:
    """Distribution → files that import from it."""
    owners = importlib.metadata.packages_distributions()
    found: dict[str, set[str]] = {}
    for source in product:
        for package in imported(source.tree):
            if package != "vedette" and package not in sys.stdlib_module_names:
                owner = normal(owners.get(package, [package])[0])
                found.setdefault(BROUGHT_BY.get(owner, owner), set()).add(source.path)
    return found


def test_the_package_imports_only_what_it_declares(product: list[Source], declared: dict[str, set[str]]) -> None:
    undeclared = {owner: files for owner, files in third_party(product).items() if owner not in declared["Run time"]}
    assert not undeclared


def test_every_declared_dependency_is_imported(product: list[Source], declared: dict[str, set[str]]) -> None:
    assert declared["Run time"] - third_party(product).keys() == STARTED_BY_NAME
