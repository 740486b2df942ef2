"""JSON Schemas of the variants: a projection of their records, for editors and for the pipeline.

Values are those that `typed` makes of the text; an editor, which reads YAML by other rules, may object to what is
accepted here (a number for a text), never the other way about.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from provision.config.model import Field, Record
from transpiler.format import TextMap
from transpiler.variants import Variant, table

DIALECT = "https://json-schema.org/draft/2020-12/schema"
_TYPES: dict[type | None, str] = {str: "string", int: "integer", bool: "boolean"}


def documents() -> dict[str, dict[str, Any]]:
    """Every schema by its file name: one for each row of the table, and the one that picks among them."""
    rows = {file_name(row): schema(row) for row in table().values()}
    return {**rows, "butane.json": combined()}


def file_name(row: Variant) -> str:
    """The name of a row's schema."""
    return f"butane-{row.name}-{row.version}.json"


def text(document: dict[str, Any]) -> str:
    """A schema as it is checked in."""
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def schema(row: Variant) -> dict[str, Any]:
    """The schema of one version of one variant."""
    definitions: dict[str, Any] = {}
    top = _object(row.record, row, "", definitions)
    top["properties"]["variant"]["const"] = row.name
    top["properties"]["version"]["const"] = row.version
    return {
        "$schema": DIALECT,
        "title": f"{row.name} {row.version}",
        "description": (row.record.__doc__ or "").strip(),
        **top,
        "required": ["variant", "version"],
        "$defs": dict(sorted(definitions.items())),
    }


def _object(record: type[Record], row: Variant, name: str, definitions: dict[str, Any]) -> dict[str, Any]:
    properties = {
        field.name: _property(field, row, f"{name}.{field.json}".removeprefix("."), definitions)
        for field in record.FIELDS
        if field.exists(row.format)
    }
    return {"type": "object", "properties": properties, "additionalProperties": False}


def _property(field: Field, row: Variant, name: str, definitions: dict[str, Any]) -> dict[str, Any]:
    noted = f" ({field.noted})" if field.noted else ""
    made: dict[str, Any] = {"description": field.doc + noted, **_value(field, row, name, definitions)}
    if field.example is not None:
        made["examples"] = [field.example]
    if field.scalar is bool and "default true" in field.doc:
        made["default"] = True
    elif field.scalar is bool and "default false" in field.doc:
        made["default"] = False
    choices = [value for value, since in field.choices.items() if since <= row.format]
    if choices:
        made["enum"] = choices
    reason = row.refused.get(name)
    if reason:
        made["description"] = f"{made['description']} - {reason}"
        made["deprecated"] = True
    return made


def _value(field: Field, row: Variant, name: str, definitions: dict[str, Any]) -> dict[str, Any]:
    if field.record is None:
        one: dict[str, Any] = {"type": _TYPES[field.scalar]}
    elif issubclass(field.record, TextMap):
        one = {"type": "object", "additionalProperties": {"type": "string"}}
    else:
        one = _reference(field.record, row, name, definitions)
    return {"type": "array", "items": one} if field.many else one


def _reference(record: type[Record], row: Variant, name: str, definitions: dict[str, Any]) -> dict[str, Any]:
    """A record is defined once, but for those of which the variant refuses a part."""
    own = any(refused.startswith(f"{name}.") for refused in row.refused)
    key = name if own else record.__name__
    if key not in definitions:
        definitions[key] = {}
        definition = _object(record, row, name, definitions)
        definitions[key] = {"description": (record.__doc__ or "").strip(), **definition}
    return {"$ref": f"#/$defs/{key}"}


def combined() -> dict[str, Any]:
    """The schema that picks by `variant` and `version`: one line in an editor's settings serves every config."""
    rows = list(table().values())
    names = list(dict.fromkeys(row.name for row in rows))
    return {
        "$schema": DIALECT,
        "title": "Butane config",
        "description": "A config for the first boot; `variant` and `version` decide what else it may have.",
        "type": "object",
        "properties": {
            "variant": {"description": "kind of system the config is for", "type": "string", "enum": names},
            "version": {"description": "version of the variant", "type": "string"},
        },
        "required": ["variant", "version"],
        "allOf": [*(_versions(name, rows) for name in names), *map(_pick, rows)],
    }


def _versions(name: str, rows: list[Variant]) -> dict[str, Any]:
    known = [row.version for row in rows if row.name == name]
    return {
        "if": {"properties": {"variant": {"const": name}}, "required": ["variant"]},
        "then": {"properties": {"version": {"enum": known}}},
    }


def _pick(row: Variant) -> dict[str, Any]:
    chosen = {"variant": {"const": row.name}, "version": {"const": row.version}}
    return {
        "if": {"properties": chosen, "required": ["variant", "version"]},
        "then": {"$ref": file_name(row)},
    }


def write(directory: Path) -> None:
    """Write every schema into a directory."""
    for name, document in documents().items():
        (directory / name).write_text(text(document), encoding="utf-8")


if __name__ == "__main__":
    write(Path(__file__).resolve().parents[1] / "schemas")
