"""Settings: one frozen class a service, read from one YAML file a node; an unknown key is an error."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from vedette.kernel.errors import Fault


class Settings(BaseModel):
    """Base of every settings class: frozen, no unknown names, each field with a default and a description."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)

    @classmethod
    def parse(cls, section: str, values: Mapping[str, Any]) -> Self:
        """Validates one section; a Fault names the key that is wrong and why."""
        try:
            return cls.model_validate(dict(values))
        except ValidationError as error:
            raise _explain(section, error) from error


def read_yaml(path: Path) -> dict[str, dict[str, Any]]:
    """Sections of a configuration file by name. Fault if it cannot be read or is no mapping of mappings."""
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError) as error:
        raise Fault("ConfigurationError", 500, f"Cannot read the configuration {path}: {error}") from error
    sections = {} if content is None else content
    if not isinstance(sections, dict) or not all(isinstance(value, dict) for value in sections.values()):
        raise Fault("ConfigurationError", 500, f"{path}: every top-level key must be a section with settings below it.")
    return sections


def merge_environment(
    sections: Mapping[str, Mapping[str, Any]], environment: Mapping[str, str]
) -> dict[str, dict[str, Any]]:
    """Adds `VEDETTE_<SECTION>__<KEY>=value` overrides; values are read as YAML scalars."""
    merged = {name: dict(values) for name, values in sections.items()}
    for variable, value in environment.items():
        section, separator, key = variable.removeprefix("VEDETTE_").partition("__")
        if variable.startswith("VEDETTE_") and separator:
            merged.setdefault(section.lower(), {})[key.lower()] = yaml.safe_load(value)
    return merged


def _explain(section: str, error: ValidationError) -> Fault:
    lines = [f"{section}.{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in error.errors()]
    return Fault("ConfigurationError", 500, "The configuration is wrong. " + "; ".join(lines))
