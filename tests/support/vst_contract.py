"""The published contract of VST as test data, and its schemas as JSON Schema."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from re import sub
from typing import Any

import msgspec
from jsonschema import Draft202012Validator

FILE = Path(__file__).parents[1] / "contract" / "vst.json"


@dataclass(frozen=True)
class Operation:
    """One operation: its service, HTTP method, path template below the base, and what the contract says of it."""

    service: str
    method: str
    path: str
    facts: dict[str, Any]

    @property
    def name(self) -> str:
        """As it is written in a table."""
        return f"{self.method} {self.path}"

    @property
    def shape(self) -> str:
        """The path without the names of its parameters."""
        return sub(r"\{[^}]+\}", "{}", self.path)

    @property
    def required_queries(self) -> list[str]:
        """Names of the query parameters that must be there."""
        return [item["name"] for item in self.facts.get("params", ()) if item["in"] == "query" and item.get("required")]

    @property
    def needs_json(self) -> bool:
        """Whether a JSON body must be there."""
        body = self.facts.get("body", {})
        return bool(body.get("required")) and "application/json" in body.get("content", {})

    def complaints(self, reply: Any) -> list[str]:
        """What is wrong with a JSON reply of status 200, by the published schema."""
        wanted = self.facts["reply"]["200"].get("application/json")
        if wanted is None:
            return []
        errors = Draft202012Validator(_schema(wanted) | {"$defs": _definitions(self.service)}).iter_errors(reply)
        return [f"{'/'.join(map(str, error.absolute_path))}: {error.message[:200]}" for error in errors]

    @property
    def media_types(self) -> list[str]:
        """What a reply may be."""
        return list(self.facts.get("reply", {}).get("200", ()))


def operations(service: str) -> Iterator[Operation]:
    """Every operation of `sensor`, `record` or `storage`."""
    for path, methods in _contract()["services"][service]["paths"].items():
        for method, facts in methods.items():
            yield Operation(service, method, path.removeprefix("/v1"), facts)


@cache
def _contract() -> Any:
    return msgspec.json.decode(FILE.read_bytes())


@cache
def _definitions(service: str) -> Any:
    return {name: _schema(schema) for name, schema in _contract()["services"][service]["schemas"].items()}


def _schema(schema: Any) -> Any:
    """Theirs write `{"ref": X}`, and leave `type: object` out where there are properties."""
    if isinstance(schema, list):
        return [_schema(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    if isinstance(schema.get("ref"), str):
        return {"$ref": f"#/$defs/{schema['ref']}"}
    known = {key: _schema(value) for key, value in schema.items() if key not in ("properties", "example", "default")}
    if isinstance(schema.get("properties"), dict):
        known["properties"] = {name: _schema(item) for name, item in schema["properties"].items()}
        known.setdefault("type", "object")
    return known
