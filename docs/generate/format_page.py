"""Records and rules -> the reference page of the config format."""

from __future__ import annotations

import json
from pathlib import Path

from docs.generate.markdown import number_range, occurrences, row, section, sentence, type_name
from provision.config.format import Config
from provision.config.model import NEWEST, VERSIONS, Field, Record
from provision.config.rules import RULES
from provision.config.rules.declare import Rule

PAGE = Path("docs/reference/format.md")

_HEAD = f"""\
# The config format

Generated from the model by `make generate`; do not edit.

A config is a JSON object; it says its version in `ignition.version`, one of
{", ".join(VERSIONS)}.

Unless a field says otherwise, it is as old as 3.0.0 and may be left out. A field that a version does not have is
ignored there with a warning, like every other unknown key. Numbers are decimal, file modes included.

Configs of version 1 and 2.0.0 to 2.4.0 are read too, with the meaning that they have for Ignition 2.x; see
[decision 11](../decisions/0011-old-versions.md).
"""


def generated() -> dict[Path, str]:
    """The page, by its path."""
    return {PAGE: reference()}


def reference() -> str:
    """The page: one section a record, in the order of first use."""
    return "\n".join((_HEAD, *(_section(*place) for place in occurrences(Config, lambda field: field.json))))


def _section(path: str, record: type[Record], keyed: bool) -> str:
    doc = (record.__doc__ or "").partition("\n")[0]
    notes = [_rule(rule) for rule in RULES if rule.record in record.__mro__]
    if keyed:
        notes.append(f"- Elements with the same {record.KEYED_BY} are the same one: merging joins them.")
    return section(path, doc, map(_row, filter(_is_published, record.FIELDS)), notes)


def _is_published(field: Field) -> bool:
    return field.is_published


def _row(field: Field) -> str:
    since = f" Since {VERSIONS[field.since]}." if field.since else ""
    return row(f"`{field.json}`", type_name(field, "object"), f"{sentence(field.doc)}{_constraints(field)}{since}")


def _constraints(field: Field) -> str:
    parts = [sentence(field.constraint)] if field.constraint else []
    if field.author_limits:
        parts.append(number_range(field))
    if field.is_mode:
        parts.append("A decimal number: 0644 is 420.")
    if field.many:
        parts.append(_uniqueness(field))
    if field.choices:
        parts.append(f"One of {', '.join(_choice(value, since) for value, since in field.choices.items())}.")
    if field.example is not None:
        parts.append(f"Example: `{json.dumps(field.example)}`.")
    return "".join(f" {part}" for part in parts)


def _uniqueness(field: Field) -> str:
    if field.appends:
        return "Merging appends."
    if field.unique_by == field.name:
        return "No two elements are the same."
    return f"No {field.unique_by} occurs twice, here and in the other lists of {field.unique_by}s."


def _choice(value: str, since: int) -> str:
    shown = f"`{value}`" if value else "empty"
    return f"{shown} (since {VERSIONS[since]})" if since else shown


def _rule(rule: Rule) -> str:
    bounds = []
    if rule.since:
        bounds.append(f"since {VERSIONS[rule.since]}")
    if rule.until <= NEWEST:
        bounds.append(f"before {VERSIONS[rule.until]}")
    note = f" ({', '.join(bounds)})" if bounds else ""
    return f"- {rule.doc.partition(chr(10))[0]}{note}"
