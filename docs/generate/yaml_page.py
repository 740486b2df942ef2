"""The table of variants and their records -> the reference page of the YAML format."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from docs.generate.markdown import number_range, occurrences, row, section, sentence, type_name
from provision.config.format import Config
from provision.config.model import VERSIONS, Field, Record
from transpiler.butane.records import Butane, OpenShift
from transpiler.butane.variants import Variant, table

PAGE = Path("docs/reference/yaml.md")

_HEAD = """\
# The YAML format

Generated from the tables by `make generate`; do not edit.

A config says which one it is in `variant` and `version`. Fields that `transpile` turns into others are marked *sugar*;
all others are those of [the format](format.md), in snake case. Modes are written in octal with a leading zero.

## Variants

The version of the format decides which fields there are: a field "since 3.4.0" is there from the rows on that make
3.4.0 or newer.
"""


def generated() -> dict[Path, str]:
    """The page, by its path."""
    return {PAGE: page()}


def page() -> str:
    """The page: the table of variants, then one section a record, in the order of first use."""
    places = occurrences(OpenShift, lambda field: field.name)
    return "\n".join((_HEAD, *_variants(), "", *(_section(path, record) for path, record, _ in places)))


def _variants() -> Iterator[str]:
    yield "| variant | version | makes | refuses |"
    yield "|---|---|---|---|"
    for one in table().values():
        makes = VERSIONS[one.spec_minor] + (" in a MachineConfig" if one.makes_machine_config else "")
        yield row(one.name, one.version, makes, _refused(one))


def _refused(variant: Variant) -> str:
    groups: dict[str, list[str]] = {}
    for name in variant.refused:
        parent, _, last = name.rpartition(".")
        groups.setdefault(parent, []).append(last)
    shown = (f"{parent}: {', '.join(names)}" if parent else ", ".join(names) for parent, names in groups.items())
    return "; ".join(shown)


def _section(path: str, record: type[Record]) -> str:
    fields = [field for field in record.FIELDS if field.until is None]
    doc = "A config." if record is OpenShift else (record.__doc__ or "").partition("\n")[0]
    return section(path, doc, (_row(field, record) for field in fields))


def _row(field: Field, record: type[Record]) -> str:
    meaning = [sentence(field.doc)]
    if field.constraint:
        meaning.append(sentence(field.constraint))
    if field.author_limits:
        meaning.append(number_range(field))
    if field.is_mode:
        meaning.append("In octal, such as `0644`.")
    if field.choices:
        meaning.append(f"One of {', '.join(f'`{value}`' if value else 'empty' for value in field.choices)}.")
    if field.since:
        meaning.append(f"Since {VERSIONS[field.since]}.")
    if _is_sugar(field, record):
        meaning.append("*Sugar.*")
    return row(f"`{field.name}`", type_name(field, "mapping"), " ".join(meaning))


def _is_sugar(field: Field, record: type[Record]) -> bool:
    """Whether a field is in none of the records that the format itself, or every config, has."""
    known: list[type[Record]] = [Butane]
    known += [base for base in record.__mro__ if base.__module__ == Config.__module__ and issubclass(base, Record)]
    return field.name not in {one.name for base in known for one in base.FIELDS}
