"""The table of variants and their records -> the reference page of the YAML format."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from itertools import groupby
from pathlib import Path

from docs.generate.markdown import number_range, occurrences, row, section, sentence, type_name
from provision.config.format import Config
from provision.config.model import VERSIONS, Field, Record
from provision.config.problems import Path as YamlPath
from transpiler.butane.records import Butane, OpenShift
from transpiler.butane.source_map import yaml_name
from transpiler.butane.variants import Variant, table
from transpiler.editor.fields import fields_of

PAGE = Path("docs/reference/yaml.md")

_HEAD = """\
# The YAML format

Generated from the tables by `make generate`; do not edit.

A config says which one it is in `variant` and `version`. Fields that `transpile` turns into others are marked *sugar*;
all others are those of [the format](format.md), in snake case. Modes are written in octal with a leading zero.

The column *in* says which variants have a field: `fcos 1.5.0` is that version and all newer ones, `flatcar` alone is
each version of it. If the column is empty, the field is wherever its section is.

## Variants

| variant | versions | makes Ignition | without |
|---|---|---|---|
"""


def generated() -> dict[Path, str]:
    """The page, by its path."""
    return {PAGE: page()}


def page() -> str:
    """The page: the table of variants, then one section a record, in the order of first use."""
    places = occurrences(OpenShift, lambda field: field.name)
    return "\n".join((_HEAD + "\n".join(_variants()), "", *(_section(path, record) for path, record, _ in places)))


def _variants() -> Iterator[str]:
    """A row for consecutive versions that differ in nothing that this page shows."""
    for _, versions in groupby(table().values(), lambda one: (one.name, one.spec_minor, _refused(one))):
        rows = list(versions)
        one, last = rows[0], rows[-1]
        shown = one.version if one is last else f"{one.version} to {last.version}"
        makes = VERSIONS[one.spec_minor] + (" in a MachineConfig" if one.makes_machine_config else "")
        yield row(one.name, shown, makes, _refused(one))


def _refused(variant: Variant) -> str:
    groups: dict[str, list[str]] = {}
    for name in variant.refused:
        parent, _, last = name.rpartition(".")
        groups.setdefault(parent, []).append(f"`{yaml_name(last)}`")
    shown = (f"{', '.join(names)} of `{parent}`" if parent else ", ".join(names) for parent, names in groups.items())
    return "; ".join(shown)


def _section(path: str, record: type[Record]) -> str:
    fields = [field for field in record.FIELDS if field.until is None]
    doc = "A config." if record is OpenShift else (record.__doc__ or "").partition("\n")[0]
    parts = tuple(part.removesuffix("[]") for part in path.split(".")) if path else ()
    here = _versions_with(parts)
    known = [f"In: {_in(here)}."] if len(here) < len(table()) else []
    rows = (_row(field, record, (*parts, field.name), here) for field in fields)
    return section(path, "\n\n".join((doc, *known)), rows, columns=("field", "type", "in", "meaning"))


def _row(field: Field, record: type[Record], path: tuple[str, ...], above: list[Variant]) -> str:
    versions = _versions_with(path)
    meaning = [_in_variants(sentence(one)) for one in (field.doc, field.constraint) if one]
    if field.author_limits:
        meaning.append(number_range(field))
    if field.is_mode:
        meaning.append(f"In octal, such as `0{field.example:o}`.")
    if field.choices:
        meaning.append(f"One of {', '.join(_choice(*one, versions) for one in field.choices.items())}.")
    if _is_sugar(field, record):
        meaning.append("*Sugar.*")
    where = "" if versions == above else _in(versions)
    return row(f"`{field.name}`", type_name(field, "mapping"), where, " ".join(meaning))


def _in_variants(text: str) -> str:
    """A text with versions of the Ignition format as those of the variant fcos, which has all of them."""

    def named(match: re.Match[str]) -> str:
        minor = int(match[2])
        known = [one for one in table().values() if one.name == "fcos"]
        newest = [one for one in known if one.spec_minor <= minor][-1]
        oldest = next(one for one in known if one.spec_minor >= minor)
        shown = newest if match[1] == "Up to" else oldest
        return f"{match[1]} `fcos {shown.version}` (Ignition {VERSIONS[minor]})"

    return re.sub(r"(since|Up to) 3\.(\d)\.0", named, text)


def _choice(value: str, since: int, versions: list[Variant]) -> str:
    newer = [one for one in versions if one.spec_minor >= since]
    return (f"`{value}`" if value else "empty") + (f" ({_in(newer)})" if newer != versions else "")


def _versions_with(path: tuple[str, ...]) -> list[Variant]:
    """The versions of variants that have a field, and do not refuse it. An empty path is the config itself."""
    return [one for key, one in table().items() if _has(key, path)]


@cache
def _has(key: tuple[str, str], path: tuple[str, ...]) -> bool:
    return not path or (_has(key, path[:-1]) and path[-1] in _fields(key, path[:-1]))


@cache
def _fields(key: tuple[str, str], path: tuple[str, ...]) -> frozenset[str]:
    """The names of the fields of a mapping, or of the mappings in a list."""
    places: tuple[YamlPath, ...] = (path, (*path, 0))
    return frozenset(one.name for place in places for one in fields_of(table()[key], place))


def _in(versions: list[Variant]) -> str:
    """For each variant the first version, and the last one if newer versions have the field no longer."""
    shown = []
    for name in dict.fromkeys(one.name for one in versions):
        known = [one for one in table().values() if one.name == name]
        having = [one for one in versions if one.name == name]
        first, last = having[0], having[-1]
        since = "" if first is known[0] else f" {first.version}"
        shown.append(f"`{name}{since}`" if last is known[-1] else f"`{name}` {first.version} to {last.version}")
    return ", ".join(shown)


def _is_sugar(field: Field, record: type[Record]) -> bool:
    """Whether a field is in none of the records that the format itself, or every config, has."""
    known: list[type[Record]] = [Butane]
    known += [base for base in record.__mro__ if base.__module__ == Config.__module__ and issubclass(base, Record)]
    return field.name not in {one.name for base in known for one in base.FIELDS}
