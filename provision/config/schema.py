"""Records -> JSON Schema (draft 2020-12): one schema for a version, closed, with titles and descriptions.

Types, closed objects and 64 bits are what the decoder enforces; every other keyword comes from the data that a rule
reports by. Null is allowed everywhere because the decoder takes it for absent. Also what YAML adds can be projected:
records may be extended, and `name` says how their fields are written.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from provision.config.model import VERSIONS, Field, Record

DIALECT = "https://json-schema.org/draft/2020-12/schema"

_TYPES: dict[type, dict[str, Any]] = {
    str: {"type": ["string", "null"]},
    bool: {"type": ["boolean", "null"]},
    int: {"type": ["integer", "null"], "minimum": -(1 << 63), "maximum": (1 << 63) - 1},
}


def _json_name(field: Field) -> str:
    return field.json


def schema(
    record: type[Record],
    version: int,
    *,
    id: str,  # noqa: A002 - the keyword's name
    title: str,
    name: Callable[[Field], str] = _json_name,
) -> dict[str, Any]:
    """The schema of a record in a version; `id` is its stable `$id`, `name` says how a field is written."""
    projection = _Projection(version, name)
    root = projection.object(record)
    return {"$schema": DIALECT, "$id": id, "title": title, **root, "$defs": projection.definitions()}


def format_schema(version: int) -> dict[str, Any]:
    """The schema of a version of the Ignition config format."""
    from provision.config.format import Config

    built = schema(Config, version, id=schema_id(version), title=f"Ignition config {VERSIONS[version]}")
    built["required"] = ["ignition"]
    ignition = built["$defs"]["Ignition"]
    ignition["required"] = ["version"]
    ignition["properties"]["version"] = {
        **ignition["properties"]["version"],
        "type": "string",
        "enum": [VERSIONS[version]],
    }
    return built


def schema_id(version: int) -> str:
    """The stable name of a version's schema."""
    return f"urn:provision:schema:{file_name(version).removesuffix('.json')}"


def file_name(version: int) -> str:
    """`ignition-3.4.json`, `ignition-3.7-experimental.json`."""
    number, dash, prerelease = VERSIONS[version].partition("-")
    return f"ignition-{number.rpartition('.')[0]}{dash}{prerelease}.json"


class _Projection:
    """Collects the definitions that a schema refers to."""

    def __init__(self, version: int, name: Callable[[Field], str]) -> None:
        self.version = version
        self.name = name
        self.defined: dict[str, dict[str, Any]] = {}

    def definitions(self) -> dict[str, dict[str, Any]]:
        """The definitions, by name."""
        return dict(sorted(self.defined.items()))

    def object(self, record: type[Record]) -> dict[str, Any]:
        """The schema of a record: a closed object."""
        fields = [field for field in record.FIELDS if field.exists(self.version)]
        return {
            "description": (record.__doc__ or "").partition("\n")[0],
            "type": ["object", "null"],
            "properties": {self.name(field): self.property(field) for field in fields},
            "additionalProperties": False,
        }

    def property(self, field: Field) -> dict[str, Any]:
        """The schema of a field's values."""
        described: dict[str, Any] = {"description": _description(field)}
        if field.example is not None:
            described["examples"] = [field.example]
        if field.many:
            return {**described, "type": ["array", "null"], "items": self.value(field)}
        return {**described, **self.value(field), **self.choices(field), **field.limits}

    def value(self, field: Field) -> dict[str, Any]:
        """The schema of one value, without what only the field knows."""
        return self.reference(field.record) if field.record else dict(_TYPES[field.scalar or str])

    def choices(self, field: Field) -> dict[str, Any]:
        """The values that the version knows; empty is absent, and a rule decides whether that may be."""
        known = [value for value, since in field.choices.items() if since <= self.version]
        return {"enum": [*dict.fromkeys([*known, ""]), None]} if known else {}

    def reference(self, record: type[Record]) -> dict[str, Any]:
        """A reference to the definition of a record, which is made on the way."""
        name = record.__name__
        if name not in self.defined:
            self.defined[name] = {}
            self.defined[name] = self.object(record)
        return {"$ref": f"#/$defs/{name}"}


def _description(field: Field) -> str:
    since = f" (since {VERSIONS[field.since]})" if field.since else ""
    constraint = f"; {field.constraint}" if field.constraint else ""
    return f"{field.doc}{constraint}{since}"
