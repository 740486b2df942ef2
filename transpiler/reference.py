"""The table of variants and their records -> the reference page of the YAML format, and the schemas.

`python -m transpiler.reference ROOT` writes them below the root of the repository; a test keeps them current.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from provision.config.format import Config
from provision.config.model import VERSIONS, Field, Record
from transpiler.format import Butane, OpenShift
from transpiler.schemas import documents, text
from transpiler.variants import Variant, table

PAGE = Path("docs/reference/yaml.md")

_HEAD = """\
# The YAML format

Generated from the tables by `python -m transpiler.reference .`; do not edit.

A config says which one it is in `variant` and `version`. Fields that `transpile` turns into others are marked *sugar*;
all others are those of [the format](format.md), in snake case. Modes are written in octal with a leading zero.

## Variants

The version of the format decides which fields there are: a field "since 3.4.0" is there from the rows on that make
3.4.0 or newer.
"""


def generated() -> dict[Path, str]:
    """Every generated file, by its path from the root of the repository."""
    return {PAGE: page(), **{Path("schemas") / name: text(document) for name, document in documents().items()}}


def page() -> str:
    """The page: the table of variants, then one section a record, in the order of first use."""
    return "\n".join((_HEAD, *_variants(), "", *(_section(path, record) for path, record in _places())))


def _variants() -> Iterator[str]:
    yield "| variant | version | makes | refuses |"
    yield "|---|---|---|---|"
    for row in table().values():
        makes = VERSIONS[row.format] + (" in a MachineConfig" if row.wraps else "")
        yield f"| {row.name} | {row.version} | {makes} | {_refused(row)} |"


def _refused(row: Variant) -> str:
    groups: dict[str, list[str]] = {}
    for name in row.refused:
        parent, _, last = name.rpartition(".")
        groups.setdefault(parent, []).append(last)
    shown = (f"{parent}: {', '.join(names)}" if parent else ", ".join(names) for parent, names in groups.items())
    return "; ".join(shown)


def _places() -> Iterator[tuple[str, type[Record]]]:
    """Every record type of every variant with the first place where it occurs."""
    waiting: list[tuple[str, type[Record]]] = [("", OpenShift)]
    seen: set[type[Record]] = {OpenShift}
    while waiting:
        path, record = waiting.pop(0)
        yield path, record
        inner = []
        for field in record.FIELDS:
            if field.record is not None and field.record not in seen:
                seen.add(field.record)
                inner.append((f"{path}.{field.name}{'[]' if field.many else ''}".lstrip("."), field.record))
        waiting = inner + waiting


def _section(path: str, record: type[Record]) -> str:
    fields = [field for field in record.FIELDS if field.until is None]
    doc = "A config." if record is OpenShift else (record.__doc__ or "").partition("\n")[0]
    lines = [f"## {f'`{path}`' if path else 'Top level'}", "", doc, ""]
    if fields:
        lines += ["| field | type | meaning |", "|---|---|---|", *(_row(field, record) for field in fields)]
    return "\n".join((*lines, ""))


def _row(field: Field, record: type[Record]) -> str:
    meaning = [_sentence(field.doc)]
    if field.noted:
        meaning.append(_sentence(field.noted))
    if field.choices:
        meaning.append(f"One of {', '.join(f'`{value}`' if value else 'empty' for value in field.choices)}.")
    if field.since:
        meaning.append(f"Since {VERSIONS[field.since]}.")
    if _is_sugar(field, record):
        meaning.append("*Sugar.*")
    cells = (f"`{field.name}`", _type(field), " ".join(meaning))
    return f"| {' | '.join(cell.replace('|', '&#124;').replace(chr(10), ' ') for cell in cells)} |"


def _is_sugar(field: Field, record: type[Record]) -> bool:
    """Whether a field is in none of the records that the format itself, or every config, has."""
    known: list[type[Record]] = [Butane]
    known += [base for base in record.__mro__ if base.__module__ == Config.__module__ and issubclass(base, Record)]
    return field.name not in {one.name for base in known for one in base.FIELDS}


def _sentence(words: str) -> str:
    return f"{words[:1].upper()}{words[1:]}."


def _type(field: Field) -> str:
    if field.record is not None:
        return "list of mappings" if field.many else "mapping"
    name = {str: "text", int: "number", bool: "truth"}[field.scalar or str]
    return f"list of {name}s" if field.many else name


def main(root: str) -> None:
    """Write every generated file."""
    for path, content in generated().items():
        (Path(root) / path).parent.mkdir(parents=True, exist_ok=True)
        (Path(root) / path).write_text(content, encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1])
