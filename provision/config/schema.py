"""Records -> JSON Schema (draft 2020-12): one schema for a version, closed, with titles and descriptions.

Types, closed objects and 64 bits are what the decoder enforces; every other keyword comes from a rule, or from the
data that a rule uses. Null is allowed wherever absence is, because the decoder treats null as absent. The schemas of
YAML configs are made here, too: records may be extended, and `SchemaDialect` says how their fields are written and
described.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from copy import deepcopy
from typing import Any, NamedTuple

from provision.config.model import VERSIONS, Field, Record
from provision.config.rules.declare import Rule

DIALECT = "https://json-schema.org/draft/2020-12/schema"

Keywords = dict[str, Any]

_TYPES: dict[type, Keywords] = {
    str: {"type": ["string", "null"]},
    bool: {"type": ["boolean", "null"]},
    int: {"type": ["integer", "null"], "minimum": -(1 << 63), "maximum": (1 << 63) - 1},
}


class SchemaDialect(NamedTuple):
    """How the fields of records are written, which rules apply, and what is forbidden.

    `keywords_of` gives what a rule says of its records in a version, `limits` what holds of a field's values.
    `forbidden` maps dotted JSON names of fields to the reason why they, and all below them, cannot be used: a value
    there is an error, and an editor does not offer them. Fields in `empty_allowed` may be there if they are empty.
    """

    name: Callable[[Field], str]
    describe: Callable[[Field], Keywords]
    rules: tuple[Rule, ...]
    keywords_of: Callable[[Rule, int], Mapping[str, Any]]
    limits: Callable[[Field], Mapping[str, Any]]
    forbidden: Mapping[str, str] = {}
    empty_allowed: frozenset[str] = frozenset()


def schema(record: type[Record], version: int, dialect: SchemaDialect, *, title: str) -> Keywords:
    """The schema of a record in a version of the format."""
    projection = _Projection(version, dialect)
    root = projection.object(record, "")
    return {"$schema": DIALECT, "title": title, **root, "$defs": projection.definitions()}


def format_schema(version: int) -> Keywords:
    """The schema of a version of the Ignition config format, with its address as its `$id`."""
    from provision.config.format import Config
    from provision.config.rules import RULES

    dialect = SchemaDialect(
        lambda field: field.json,
        _described,
        RULES,
        lambda rule, version: rule.keywords(version),
        lambda field: field.limits,
    )
    built = schema(Config, version, dialect, title=f"Ignition config {VERSIONS[version]}")
    built["required"] = ["ignition"]
    ignition = built["$defs"]["Ignition"]
    ignition["required"] = ["version"]
    ignition["properties"]["version"] = {
        **ignition["properties"]["version"],
        "type": "string",
        "enum": [VERSIONS[version]],
    }
    return {"$schema": DIALECT, "$id": schema_id(file_name(version)), **built}


def schema_id(name: str) -> str:
    """The `$id` of the schema in a file of `schemas/`: the address where everyone can read it, as SchemaStore wants."""
    return f"https://raw.githubusercontent.com/firstboot-provision/provision/main/schemas/{name}"


def file_name(version: int) -> str:
    """`ignition-3.4.json`, `ignition-3.7-experimental.json`."""
    number, dash, prerelease = VERSIONS[version].partition("-")
    return f"ignition-{number.rpartition('.')[0]}{dash}{prerelease}.json"


def _described(field: Field) -> Keywords:
    since = f" (since {VERSIONS[field.since]})" if field.since else ""
    decimal = "; a decimal number in JSON: 0644 is 420" if field.is_mode else ""
    return {"description": f"{field.meaning}{decimal}{since}", **example(field)}


def example(field: Field) -> Keywords:
    """The example of a field, as a keyword."""
    return {} if field.example is None else {"examples": [field.example]}


class _Projection:
    """Collects the definitions that a schema refers to.

    A record has one definition, unless something below one of its places is forbidden: then that place has its own.
    """

    def __init__(self, version: int, dialect: SchemaDialect) -> None:
        self.version = version
        self.dialect = dialect
        self.defined: dict[str, Keywords] = {}

    def definitions(self) -> Keywords:
        """The definitions, by name."""
        return dict(sorted(self.defined.items()))

    def object(self, record: type[Record], path: str) -> Keywords:
        """The schema of a record: a closed object. `path` is the dotted JSON name of its place."""
        fields = [field for field in record.FIELDS if field.exists(self.version)]
        built: Keywords = {
            "description": (record.__doc__ or "").partition("\n")[0],
            "type": ["object", "null"],
            "properties": {self.dialect.name(field): self.property(record, field, path) for field in fields},
            "additionalProperties": False,
        }
        for rule in self.dialect.rules:
            if rule.record in record.__mro__ and rule.since <= self.version < rule.until:
                self.add(built, self.dialect.keywords_of(rule, self.version), record)
        return built

    def property(self, record: type[Record], field: Field, path: str) -> Keywords:
        """The schema of a field's values."""
        place = f"{path}.{field.json}".removeprefix(".")
        described = self.dialect.describe(field)
        reason = self.reason(place)
        if reason:
            described = {"description": described["description"], "deprecationMessage": reason, "doNotSuggest": True}
        if field.many:
            unique = {} if field.record or field.appends else {"uniqueItems": True}
            items = self.value(record, field, _ANYWHERE if reason else place)
            none = {"maxItems": 0} if reason else {}
            return {**described, "type": ["array", "null"], "items": items, **unique, **none}
        if reason and field.record is None:
            return {**described, **self.nothing(field, place)}
        return {**described, **self.value(record, field, place), **self.choices(field), **self.dialect.limits(field)}

    def value(self, record: type[Record], field: Field, place: str) -> Keywords:
        """The schema of one value, without the title and description of the field."""
        if field.record is None:
            return dict(_TYPES[field.scalar or str])
        own = self.reason(place) or any(name.startswith(f"{place}.") for name in self.dialect.forbidden)
        name = f"{record.__name__}{field.json[:1].upper()}{field.json[1:]}" if own else field.record.__name__
        if name not in self.defined:
            self.defined[name] = {}
            self.defined[name] = self.object(field.record, place)
        return {"$ref": f"#/$defs/{name}"}

    def reason(self, place: str) -> str:
        """Why a field, or one above it, cannot be used; empty if it can."""
        found = (why for name, why in self.dialect.forbidden.items() if f"{place}.".startswith(f"{name}."))
        return next(found, "")

    def nothing(self, field: Field, place: str) -> Keywords:
        """The schema of empty values: a forbidden field may have only these."""
        kind = field.scalar or str
        empty = [] if field.optional and place not in self.dialect.empty_allowed else [kind()]
        return {"type": _TYPES[kind]["type"], "enum": [*empty, None]}

    def choices(self, field: Field) -> Keywords:
        """The values that the version knows. An empty text counts as absent; a rule decides if it is allowed."""
        known = [value for value, since in field.choices.items() if since <= self.version]
        return {"enum": [*dict.fromkeys([*known, ""]), None]} if known else {}

    def add(self, built: Keywords, keywords: Mapping[str, Any], record: type[Record]) -> None:
        """Add what a rule says to the schema of an object; names are JSON names there."""
        for name in keywords.get("required", ()):
            field = record.BY_JSON[name]
            shown = built["properties"][self.dialect.name(field)]
            built.setdefault("required", []).append(self.dialect.name(field))
            if "$ref" not in shown:
                shown["type"] = next(kind for kind in shown["type"] if kind != "null")
        for name, more in keywords.get("properties", {}).items():
            field = record.BY_JSON[name]
            if field.exists(self.version):
                _merge(built["properties"][self.dialect.name(field)], self.renamed(more, field.record))
        others = {key: value for key, value in keywords.items() if key not in {"required", "properties"}}
        if others:
            built.setdefault("allOf", []).append(self.renamed(others, record))

    def renamed(self, keywords: Any, record: type[Record] | None) -> Any:
        """Keywords with the names of properties as the dialect writes them."""
        if isinstance(keywords, list):
            return [self.renamed(one, record) for one in keywords]
        if not isinstance(keywords, Mapping) or record is None:
            return deepcopy(keywords)
        renamed: Keywords = {}
        for key, value in keywords.items():
            if key == "required":
                renamed[key] = [self.dialect.name(record.BY_JSON[name]) for name in value]
            elif key == "properties":
                fields = {name: record.BY_JSON[name] for name in value}
                renamed[key] = {
                    self.dialect.name(field): self.renamed(value[name], field.record) for name, field in fields.items()
                }
            else:
                renamed[key] = self.renamed(value, record)
        return renamed


_ANYWHERE = "*"
"""The place of a record that can have the common definition: no single field below it is forbidden."""


def _merge(property_: Keywords, more: Mapping[str, Any]) -> None:
    """Add keywords to those of a property; if a keyword is there already, both apply."""
    for key, value in more.items():
        if key == "items":
            _merge(property_.setdefault(key, {}), value)
        elif key in property_ and property_[key] != value:
            property_.setdefault("allOf", []).append({key: value})
        else:
            property_[key] = value
