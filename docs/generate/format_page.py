"""Records and rules -> the reference page of the format, and the other files that are generated from the model.

`python -m docs.generate.format_page ROOT` writes them below the root of the repository; a test keeps them current.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

from provision.config.format import Config
from provision.config.model import NEWEST, VERSIONS, Field, Record
from provision.config.rules import RULES
from provision.config.rules.declare import Rule
from provision.config.schema import file_name, format_schema

PAGE = Path("docs/reference/format.md")

_HEAD = f"""\
# The config format

Generated from the model by `python -m docs.generate.format_page .`; do not edit.

A config is a JSON object; it says its version in `ignition.version`, one of
{", ".join(VERSIONS)}.

Unless a field says otherwise, it is as old as 3.0.0 and may be left out. A field that a version does not have is
ignored there with a warning, like every other unknown key. Numbers are decimal, file modes included.
"""


def generated() -> dict[Path, str]:
    """Every generated file, by its path from the root of the repository."""
    files = {
        Path("schemas") / file_name(version): json.dumps(format_schema(version), indent=2, ensure_ascii=False) + "\n"
        for version in range(len(VERSIONS))
    }
    return {**files, PAGE: reference()}


def reference() -> str:
    """The page: one section a record, in the order of first use."""
    return "\n".join((_HEAD, *(_section(*place) for place in occurrences(Config, lambda field: field.json))))


def occurrences(root: type[Record], name: Callable[[Field], str]) -> Iterator[tuple[str, type[Record], bool]]:
    """Every record type, the first place where it occurs, and whether its elements are known by their key there.

    `name` tells what a field is called in a place.
    """
    waiting: list[tuple[str, type[Record], bool]] = [("", root, False)]
    seen = {root}
    while waiting:
        path, record, keyed = waiting.pop(0)
        yield path, record, keyed
        inner = []
        for field in record.FIELDS:
            if field.record is not None and field.record not in seen:
                seen.add(field.record)
                below = f"{path}.{name(field)}{'[]' if field.many else ''}".lstrip(".")
                inner.append((below, field.record, field.many and not field.appends))
        waiting = inner + waiting


def _section(path: str, record: type[Record], keyed: bool) -> str:
    doc = (record.__doc__ or "").partition("\n")[0]
    notes = [_rule(rule) for rule in RULES if rule.record in record.__mro__]
    if keyed:
        notes.append(f"- Elements are known by {record.KEYED_BY}: merging joins those that are the same.")
    return section(path, doc, map(_row, record.FIELDS), notes)


def section(path: str, doc: str, rows: Iterable[str], notes: Iterable[str] = ()) -> str:
    """A heading, what the record is for, a table of its fields if it has any, and notes below it."""
    table = ["| field | type | meaning |", "|---|---|---|", *rows]
    lines = [f"## {f'`{path}`' if path else 'Top level'}", "", doc, "", *(table if len(table) > 2 else ())]
    below = list(notes)
    return "\n".join((*lines, *(["", *below] if below else ()), ""))


def row(*cells: str) -> str:
    """A row of a table."""
    return f"| {' | '.join(cell.replace('|', '&#124;').replace(chr(10), ' ') for cell in cells)} |"


def sentence(text: str) -> str:
    """A phrase of the model as a sentence."""
    return f"{text[:1].upper()}{text[1:]}."


def _row(field: Field) -> str:
    since = f" Since {VERSIONS[field.since]}." if field.since else ""
    return row(f"`{field.json}`", _type(field), f"{sentence(field.doc)}{_constraints(field)}{since}")


def _constraints(field: Field) -> str:
    parts = [sentence(field.constraint)] if field.constraint else []
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
    shared = f", nor in another list of {field.unique_by}s" if field.unique_by != field.name else ""
    return f"No element stands twice{shared}."


def _choice(value: str, since: int) -> str:
    shown = f"`{value}`" if value else "empty"
    return f"{shown} (since {VERSIONS[since]})" if since else shown


def _type(field: Field) -> str:
    if field.record is not None:
        return "list of objects" if field.many else "object"
    name = {str: "string", int: "integer", bool: "boolean"}[field.scalar or str]
    return f"list of {name}s" if field.many else name


def _rule(rule: Rule) -> str:
    bounds = []
    if rule.since:
        bounds.append(f"since {VERSIONS[rule.since]}")
    if rule.until <= NEWEST:
        bounds.append(f"before {VERSIONS[rule.until]}")
    note = f" ({', '.join(bounds)})" if bounds else ""
    return f"- {rule.doc.partition(chr(10))[0]}{note}"


def write(files: Mapping[Path, str], root: str) -> None:
    """Write generated files below the root of the repository."""
    for path, text in files.items():
        (Path(root) / path).parent.mkdir(parents=True, exist_ok=True)
        (Path(root) / path).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    write(generated(), sys.argv[1])
