"""Documentation is tested: links lead somewhere, terms name what exists, and every topic is documented."""

import importlib
import re
from pathlib import Path

import pytest

from vedette.schema.topics import TOPICS, Topic

LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
CODE_BLOCK = re.compile(r"```.*?```", re.DOTALL)
NAME_IN_CODE = re.compile(r"`(vedette(?:\.\w+)+)`")
ADR_LINES = 60


def pages(root: Path) -> list[Path]:
    return sorted([*root.glob("*.md"), *(root / "docs").rglob("*.md")])


def links(page: Path) -> list[str]:
    """Relative link targets, without their anchors."""
    text = CODE_BLOCK.sub("", page.read_text(encoding="utf-8"))
    targets = [target.split("#")[0] for target in LINK.findall(text)]
    return [target for target in targets if target and "://" not in target and not target.startswith("mailto:")]


def test_relative_links_resolve(root: Path) -> None:
    checked = [(page, target) for page in pages(root) for target in links(page)]
    assert len(checked) > 10
    assert [
        f"{page.relative_to(root)} → {target}" for page, target in checked if not (page.parent / target).exists()
    ] == []


def exists(name: str) -> bool:
    try:
        importlib.import_module(name)
    except ModuleNotFoundError:
        module, _, attribute = name.rpartition(".")
        return bool(module) and exists(module) and hasattr(importlib.import_module(module), attribute)
    return True


def test_names_in_code_exist(root: Path) -> None:
    text = (root / "docs/design/glossary.md").read_text(encoding="utf-8")
    names = sorted(set(NAME_IN_CODE.findall(text)))
    assert len(names) > 30
    assert [name for name in names if not exists(name)] == []


@pytest.mark.parametrize("topic", TOPICS, ids=lambda topic: topic.name)
def test_every_topic_is_documented(topic: Topic, root: Path) -> None:
    reference = "".join(page.read_text(encoding="utf-8") for page in (root / "docs/ref").glob("*.md"))
    assert f"`{topic.name}`" in reference


def test_decision_records_are_numbered_short_and_name_their_check(root: Path) -> None:
    records = sorted((root / "docs/design/adr").glob("*.md"))
    assert [int(record.name[:4]) for record in records] == list(range(len(records)))
    for record in records:
        text = record.read_text(encoding="utf-8")
        assert text.count("\n") <= ADR_LINES, record.name
        assert text.startswith(f"# {record.name[:4]} · "), record.name
        assert all(f"\n## {section}\n" in text for section in ("Context", "Decision", "Cost", "Check")), record.name


def test_every_page_is_in_the_navigation(root: Path) -> None:
    navigation = (root / "mkdocs.yml").read_text(encoding="utf-8")
    missing = [
        name
        for page in (root / "docs").rglob("*.md")
        if (name := page.relative_to(root / "docs").as_posix()) not in navigation
    ]
    assert missing == []


def test_the_check_of_names_sees_what_it_should() -> None:
    assert exists("vedette.media.unit.AccessUnit")
    assert exists("vedette.media.unit")
    assert not exists("vedette.media.unit.Nothing")
    assert not exists("vedette.nothing.Nothing")
