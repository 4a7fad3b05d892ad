"""The import contracts say something: a pattern that matches nothing checks nothing.

A pattern may be ahead of the code. Those are listed in PLANNED, so that a renamed module cannot leave its contract
behind unseen.
"""

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grimp
import pytest

PLANNED = {
    "vedette.cloud.",
    "vedette.*.frame_ring",
    "vedette.*.mux",
    "vedette.*.storage.",
    "vedette.*.firewall.",
    "vedette.*.camera_network.",
}

type Contract = dict[str, Any]


@pytest.fixture(scope="module")
def contracts(root: Path) -> list[Contract]:
    table = tomllib.loads((root / "pyproject.toml").read_text())
    found: list[Contract] = table["tool"]["importlinter"]["contracts"]
    return found


@pytest.fixture(scope="module")
def graph() -> grimp.ImportGraph:
    return grimp.build_graph("vedette", include_external_packages=True, cache_dir=None)


def module_patterns(contract: Contract) -> Iterator[str]:
    for key in (
        "modules",
        "source_modules",
        "forbidden_modules",
        "protected_modules",
        "allowed_importers",
        "ancestors",
    ):
        yield from (name for name in contract.get(key, ()) if "*" in name)
    if contract["type"] == "layers":
        yield from (name for name in contract["containers"] if "*" in name)


def matches_nothing(pattern: str, graph: grimp.ImportGraph) -> bool:
    return not graph.find_matching_modules(pattern)


def is_planned(pattern: str) -> bool:
    return any(pattern.startswith(start) for start in PLANNED)


def test_every_starred_name_matches_a_module(contracts: list[Contract], graph: grimp.ImportGraph) -> None:
    unmatched = {
        pattern
        for contract in contracts
        for pattern in module_patterns(contract)
        if matches_nothing(pattern, graph) and not is_planned(pattern)
    }
    assert not unmatched, "these patterns check nothing: rename them, or add them to PLANNED"


def test_every_planned_name_is_still_absent(contracts: list[Contract], graph: grimp.ImportGraph) -> None:
    patterns = [pattern for contract in contracts for pattern in module_patterns(contract)]
    for start in PLANNED:
        ahead = [pattern for pattern in patterns if pattern.startswith(start)]
        assert ahead, f"no contract names {start}"
        assert all(matches_nothing(pattern, graph) for pattern in ahead), f"{start} exists now: take it out of PLANNED"


def test_every_door_is_used(contracts: list[Contract], graph: grimp.ImportGraph) -> None:
    doors = [door for contract in contracts for door in contract.get("ignore_imports", ())]
    unused = [door for door in doors if not graph.find_matching_direct_imports(door)]
    assert not unused, "nothing enters by these doors: close them"


def test_the_compulsory_rooms_are_compulsory(contracts: list[Contract]) -> None:
    """What must exist is written plainly: a service without settings, service and app is no service."""
    rooms = next(contract for contract in contracts if contract["name"].startswith("rooms"))
    compulsory = {room for layer in rooms["layers"] for room in layer.split(" | ") if not room.startswith("(")}
    assert compulsory == {"app", "service", "settings"}
