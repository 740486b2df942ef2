"""JSON Schemas of the variants: a projection of their records, for editors and for the pipeline.

Values are those that `typed` makes of the text; an editor, which reads YAML by other rules, may object to what is
accepted here (a number for a text), never the other way about.
"""

from __future__ import annotations

import json
import re
from typing import Any

from provision.config.model import Field
from provision.config.schema import DIALECT
from provision.config.schema import schema as projected
from transpiler.butane.source_map import snake
from transpiler.butane.variants import Variant, table


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
    built = projected(row.record, row.spec_minor, id=_id(file_name(row)), title=f"{row.name} {row.version}", name=_name)
    definitions = built["$defs"]
    if "TextMap" in definitions:
        definitions["TextMap"]["additionalProperties"] = {"type": "string"}
    for name in ("variant", "version"):
        built["properties"][name].update(type="string", const=getattr(row, name.replace("variant", "name")))
    for path, reason in row.refused.items():
        _deprecate(built, snake(path).split("."), reason)
    for definition in (built, *definitions.values()):
        for one in definition["properties"].values():
            _complete(one)
    return {**built, "required": ["variant", "version"]}


def _name(field: Field) -> str:
    return field.name


def _id(name: str) -> str:
    return f"urn:provision:schema:{name.removesuffix('.json')}"


def _deprecate(schema: dict[str, Any], path: list[str], reason: str) -> None:
    """Mark a field that the variant's systems cannot have, where its record stands for nothing else."""
    definition: dict[str, Any] = schema
    for name in path[:-1]:
        inner = definition["properties"][name]
        ref = inner.get("items", inner)["$ref"]
        definition = schema["$defs"][ref.rpartition("/")[2]]
        if ref.endswith("/Resource"):
            return
    field = definition["properties"][path[-1]]
    field.update(deprecated=True, description=f"{field['description']}; {reason}")


def _complete(field: dict[str, Any]) -> None:
    """Say a default as editors read it; versions of the format mean nothing to authors."""
    field["description"] = re.sub(r" \(since 3\.[^)]*\)$", "", field.get("description", ""))
    for text, value in (("default true", True), ("default false", False)):
        if text in field["description"] and "boolean" in field.get("type", ()):
            field["default"] = value


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
