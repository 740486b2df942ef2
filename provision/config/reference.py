"""Records and rules -> the reference page of the format, and the files that are generated from the model.

`python -m provision.config.reference ROOT` writes them below the root of the repository; a test keeps them current.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

from provision.config.format import Config
from provision.config.model import NEWEST, VERSIONS, Field, Record
from provision.config.rules import RULES
from provision.config.rules.declare import Rule
from provision.config.schema import file_name, format_schema

PAGE = Path("docs/reference/format.md")

_HEAD = f"""\
# The config format

Generated from the model by `python -m provision.config.reference .`; do not edit.

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
    return "\n".join((_HEAD, *(_section(*place) for place in _places(Config))))


def _places(root: type[Record]) -> Iterator[tuple[str, type[Record], bool]]:
    """Every record type, the first place where it occurs, and whether its elements are known by their key there."""
    waiting: list[tuple[str, type[Record], bool]] = [("", root, False)]
    seen = {root}
    while waiting:
        path, record, keyed = waiting.pop(0)
        yield path, record, keyed
        inner = []
        for field in record.FIELDS:
            if field.record is not None and field.record not in seen:
                seen.add(field.record)
                below = f"{path}.{field.json}{'[]' if field.many else ''}".lstrip(".")
                inner.append((below, field.record, field.many and not field.appends))
        waiting = inner + waiting


def _section(path: str, record: type[Record], keyed: bool) -> str:
    lines = [f"## {f'`{path}`' if path else 'Top level'}", "", (record.__doc__ or "").partition("\n")[0], ""]
    lines += ["| field | type | meaning |", "|---|---|---|", *(_row(field) for field in record.FIELDS)]
    notes = [_rule(rule) for rule in RULES if rule.record in record.__mro__]
    if keyed:
        notes.append(f"- Elements are known by {record.KEYED_BY}: merging joins those that are the same.")
    if notes:
        lines += ["", *notes]
    return "\n".join((*lines, ""))


def _row(field: Field) -> str:
    since = f" Since {VERSIONS[field.since]}." if field.since else ""
    cells = (f"`{field.json}`", _type(field), f"{_sentence(field.doc)}{_constraints(field)}{since}")
    return f"| {' | '.join(cell.replace('|', '&#124;') for cell in cells)} |"


def _constraints(field: Field) -> str:
    parts = [_sentence(field.noted)] if field.noted else []
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
    shared = f", nor in another list of {field.handle}s" if field.handle != field.name else ""
    return f"No element stands twice{shared}."


def _choice(value: str, since: int) -> str:
    shown = f"`{value}`" if value else "empty"
    return f"{shown} (since {VERSIONS[since]})" if since else shown


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."


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


def main(root: str) -> None:
    """Write every generated file."""
    for path, text in generated().items():
        (Path(root) / path).parent.mkdir(parents=True, exist_ok=True)
        (Path(root) / path).write_text(text)


if __name__ == "__main__":
    main(sys.argv[1])
