"""JSON Schemas of the variants, generated from their records, for editors and for the phase "types and keys".

They describe the values that `typed` makes of the text. An editor reads YAML by other rules, so it may refuse a text
that `transpile` accepts (a number as a string), but it does not accept a text that `transpile` refuses.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from provision.config import format as ignition_format
from provision.config.model import NEWEST, Field, Record
from provision.config.rules import RULES
from provision.config.rules.declare import TEXT, TRUE, Rule, has, never, required
from provision.config.schema import DIALECT, SchemaDialect, example, schema_id
from provision.config.schema import schema as projected
from transpiler.butane import records
from transpiler.butane.source_rules import QUADLETS
from transpiler.butane.variants import Variant, table

Schema = dict[str, Any]

PUBLIC_ID = schema_id("butane.json")
"""Where the schema for all variants is published; a catalog such as SchemaStore names this address."""


def schema_files() -> dict[str, Schema]:
    """File name -> schema. Versions with the same schema share one file; `butane.json` is for all variants."""
    return {**{file_name(row): variant_schema(row) for row in _oldest_of_groups()}, "butane.json": combined_schema()}


def file_name(row: Variant) -> str:
    """The name of the file with a row's schema. It has the oldest version that has the same schema."""
    return f"{_name(row)}.json"


def schema_text(document: Schema) -> str:
    """A schema as the text of its file in `schemas/`."""
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def read_schema(row: Variant) -> Schema:
    """The installed schema of a row. Raises FileNotFoundError if none is installed, as in an initramfs."""
    package = files("transpiler")
    installed = package / "schemas" / file_name(row)
    checkout = package / ".." / "schemas" / file_name(row)
    found: Schema = json.loads((installed if installed.is_file() else checkout).read_bytes())
    return found


def variant_schema(row: Variant) -> Schema:
    """The schema of a row; it lists all versions of the variant that have the same schema."""
    rows = _group(row)
    versions = [one.version for one in rows]
    title = f"{row.name} {versions[0]}" + (f" to {versions[-1]}" if len(versions) > 1 else "")
    built = projected(row.record, row.spec_minor, _dialect(row), title=title)
    if "TextMap" in built["$defs"]:
        built["$defs"]["TextMap"]["additionalProperties"] = {"type": "string"}
    built["properties"]["variant"].update(type="string", const=row.name)
    built["properties"]["version"].update(type="string", enum=versions)
    return {"$schema": DIALECT, "$id": schema_id(file_name(row)), **built}


def combined_schema() -> Schema:
    """One schema for all variants, for editors: it selects the rules by `variant` and `version`."""
    rows = list(table().values())
    names = list(dict.fromkeys(row.name for row in rows))
    definitions = _Definitions()
    for row in _oldest_of_groups():
        definitions.add(_name(row).removeprefix("butane-"), variant_schema(row))
    return {
        "$schema": DIALECT,
        "$id": PUBLIC_ID,
        "title": "Butane config",
        "description": "A config for the first boot; the other keys depend on `variant` and `version`.",
        "type": "object",
        "properties": {
            "variant": {"description": "kind of system the config is for", "type": "string", "enum": names},
            "version": {"description": "version of the variant", "type": "string"},
        },
        "required": ["variant", "version"],
        "allOf": [*(_versions(name, rows) for name in names), *map(_pick, _oldest_of_groups())],
        "$defs": definitions.defined,
    }


def _versions(name: str, rows: list[Variant]) -> Schema:
    known = [row.version for row in rows if row.name == name]
    return {
        "if": {"properties": {"variant": {"const": name}}, "required": ["variant"]},
        "then": {"properties": {"version": {"enum": known}}},
    }


def _pick(row: Variant) -> Schema:
    versions = [one.version for one in _group(row)]
    chosen = {"variant": {"const": row.name}, "version": {"enum": versions}}
    return {
        "if": {"properties": chosen, "required": ["variant", "version"]},
        "then": {"$ref": f"#/$defs/{_name(row).removeprefix('butane-')}"},
    }


class _Definitions:
    """The definitions of many schemas in one; equal definitions are stored once."""

    def __init__(self) -> None:
        self.defined: Schema = {}
        self._names: dict[str, str] = {}

    def add(self, name: str, document: Schema) -> None:
        """Add a schema as a definition, with the definitions that it refers to."""
        inner = {key: value for key, value in document.items() if key not in {"$schema", "$id", "$defs"}}
        self.defined[name] = self._linked(inner, name, document["$defs"])

    def _linked(self, value: Any, owner: str, definitions: Schema) -> Any:
        if isinstance(value, list):
            return [self._linked(one, owner, definitions) for one in value]
        if not isinstance(value, dict):
            return value
        linked = {key: self._linked(one, owner, definitions) for key, one in value.items()}
        if "$ref" in linked:
            linked["$ref"] = self._reference(value["$ref"].removeprefix("#/$defs/"), owner, definitions)
        return linked

    def _reference(self, name: str, owner: str, definitions: Schema) -> str:
        linked = self._linked(definitions[name], owner, definitions)
        content = json.dumps(linked)
        if content not in self._names:
            self._names[content] = name if name not in self.defined else f"{name}-{owner}"
            self.defined[self._names[content]] = linked
        return f"#/$defs/{self._names[content]}"


@cache
def _groups() -> Mapping[tuple[object, ...], list[Variant]]:
    """Groups of rows with the same schema, oldest first, by the values from which the schema is made."""
    groups: dict[tuple[object, ...], list[Variant]] = {}
    for row in table().values():
        groups.setdefault(_schema_key(row), []).append(row)
    return groups


def _schema_key(row: Variant) -> tuple[object, ...]:
    return row.name, row.record, row.spec_minor, tuple(sorted(row.refused.items())), row.zeroes_allowed


def _group(row: Variant) -> list[Variant]:
    return _groups()[_schema_key(row)]


def _oldest_of_groups() -> Iterator[Variant]:
    return (rows[0] for rows in _groups().values())


def _name(row: Variant) -> str:
    oldest = _group(row)[0]
    return f"butane-{oldest.name}-{oldest.version}"


def _dialect(row: Variant) -> SchemaDialect:
    def keywords(rule: Rule, version: int) -> Mapping[str, Any]:
        found = rule.keywords(version) if rule.schema_in_yaml else {}
        made_by_sugar = rule.record in _MADE_BY_SUGAR and issubclass(row.record, records.Fcos)
        return _without_required(found) if made_by_sugar else found

    return SchemaDialect(
        lambda field: field.name,
        _described,
        (*RULES, *_RULES),
        keywords,
        lambda field: {**field.limits, **field.author_limits},
        dict(row.refused),
        row.zeroes_allowed,
    )


_MADE_BY_SUGAR = {ignition_format.Luks, ignition_format.Raid}
"""Records that `boot_device` makes. An author may write only the fields that are added to them."""


def _without_required(keywords: Mapping[str, Any]) -> Schema:
    """The keywords that also hold for a record of which only some fields are given."""
    demands = {"required", "minLength", "minItems"}
    return {
        key: {name: {k: v for k, v in more.items() if k not in demands} for name, more in value.items()}
        if key == "properties"
        else value
        for key, value in keywords.items()
        if key not in demands
    }


def _described(field: Field) -> Schema:
    """The description of a field for editors: without Ignition versions, and with modes in octal."""
    described: Schema = {"description": field.meaning}
    for default, value in (("default true", True), ("default false", False)):
        if default in field.doc and field.scalar is bool:
            described["default"] = value
    if field.is_mode:
        shown = f"{field.meaning}; in octal with a leading zero, such as `0{field.example:o}`"
        return {**described, "description": shown}
    return {**described, **example(field)}


def _rule(record: type[Record], keywords: Mapping[str, Any], *, since: int = 0, until: int = NEWEST + 1) -> Rule:
    """A rule of `source_rules` about one of the author's records, as keywords of JSON Schema."""
    return Rule("", "", record, since, until, lambda _record, _version: iter(()), keywords, schema_in_yaml=True)


def _one_of(*names: str) -> Schema:
    """Keywords that allow at most one of these properties."""
    pairs = ((one, other) for index, one in enumerate(names) for other in names[:index])
    return {"allOf": [never(has(one, TEXT), has(other, TEXT)) for one, other in pairs]}


_RULES = (
    _rule(records.Resource, _one_of("source", "inline", "local"), since=1),
    _rule(records.Resource, _one_of("source", "inline"), until=1),
    _rule(records.ConfigResource, _one_of("source", "inline", "local"), since=1),
    *(_rule(one, _one_of("contents", "contentsLocal"), since=4) for one in (records.Unit, records.Dropin)),
    _rule(
        records.Filesystem,
        {"if": has("withMountUnit", TRUE), "then": required("format")},
        since=1,
    ),
    _rule(records.Tree, required("local")),
    _rule(records.GrubUser, {"required": ["name", "passwordHash"], "properties": {"name": {"minLength": 1}}}),
    _rule(records.Metadata, {"required": ["name", "labels"], "properties": {"name": {"minLength": 1}}}),
    _rule(records.OpenShift, {"required": ["metadata"]}),
    _rule(records.Mirror, {"properties": {"devices": {"not": {"minItems": 1, "maxItems": 1}}}}),
    _rule(records.Quadlet, required("name", pattern=rf"(?:{'|'.join(map(re.escape, QUADLETS))})$")),
    _rule(records.Butane, {"required": ["variant", "version"]}),
)
