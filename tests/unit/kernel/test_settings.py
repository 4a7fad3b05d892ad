"""Configuration: unknown keys are errors, and the message names the key."""

from pathlib import Path

import pytest
from pydantic import Field

from vedette.kernel.errors import Fault
from vedette.kernel.settings import Settings, merge_environment, read_yaml


class Example(Settings):
    """A section."""

    length_s: float = Field(10.0, gt=0, description="Length of a segment in seconds.")


def test_defaults_hold_without_a_file() -> None:
    assert Example.parse("example", {}).length_s == 10.0


@pytest.mark.parametrize(("values", "named"), [({"lenght_s": 3}, "lenght_s"), ({"length_s": -1}, "length_s")])
def test_a_wrong_key_or_value_is_named(values: dict[str, float], named: str) -> None:
    with pytest.raises(Fault, match=rf"example\.{named}"):
        Example.parse("example", values)


def test_the_environment_overrides_the_file(tmp_path: Path) -> None:
    file = tmp_path / "vedette.yaml"
    file.write_text("example:\n  length_s: 5\n", encoding="utf-8")
    merged = merge_environment(read_yaml(file), {"VEDETTE_EXAMPLE__LENGTH_S": "7", "OTHER__X": "1", "VEDETTE_X": "1"})
    assert Example.parse("example", merged["example"]).length_s == 7.0
    assert set(merged) == {"example"}


@pytest.mark.parametrize("content", ["- a\n", "example: 3\n", "example: {\n", "!!python/object:os.system {}\n"])
def test_a_file_of_another_shape_is_refused(tmp_path: Path, content: str) -> None:
    file = tmp_path / "vedette.yaml"
    file.write_text(content, encoding="utf-8")
    with pytest.raises(Fault, match=r"vedette\.yaml"):
        read_yaml(file)


def test_an_empty_file_means_defaults(tmp_path: Path) -> None:
    file = tmp_path / "vedette.yaml"
    file.write_text("# nothing yet\n", encoding="utf-8")
    assert read_yaml(file) == {}


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(Fault, match=r"absent\.yaml"):
        read_yaml(tmp_path / "absent.yaml")
