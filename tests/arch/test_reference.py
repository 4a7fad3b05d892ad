"""What is generated from the code equals its generated form."""

from pathlib import Path

from scripts.reference import configuration, drifted, sections
from vedette.kernel.settings import read_yaml


def test_nothing_has_drifted() -> None:
    assert drifted() == [], "run: make reference"


def test_the_reference_configuration_is_valid_and_complete(tmp_path: Path) -> None:
    file = tmp_path / "vedette.yaml"
    file.write_text(configuration(), encoding="utf-8")
    read = read_yaml(file)
    for section, kind in sections().items():
        assert set(read.get(section) or {}) == set(kind.model_fields), section
        parsed = kind.parse(section, read.get(section) or {})
        assert parsed == kind.parse(section, {})


def test_every_key_says_what_it_means() -> None:
    for section, kind in sections().items():
        for name, field in kind.model_fields.items():
            assert field.description, f"{section}.{name}"
            assert field.description.endswith("."), f"{section}.{name}"
