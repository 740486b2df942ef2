"""What the pages about records have in common: their sections, tables and sentences, in Markdown."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from provision.config.model import Field, Record

TYPES = {str: "string", int: "integer", bool: "boolean"}


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


def section(
    path: str,
    doc: str,
    rows: Iterable[str],
    notes: Iterable[str] = (),
    columns: tuple[str, ...] = ("field", "type", "meaning"),
) -> str:
    """A heading, what the record is for, a table of its fields if it has any, and notes below it."""
    table = [f"| {' | '.join(columns)} |", f"|{'---|' * len(columns)}", *rows]
    lines = [f"## {f'`{path}`' if path else 'Top level'}", "", doc, "", *(table if len(table) > 2 else ())]
    below = list(notes)
    return "\n".join((*lines, *(["", *below] if below else ()), ""))


def row(*cells: str) -> str:
    """A row of a table."""
    return f"| {' | '.join(cell.replace('|', '&#124;').replace(chr(10), ' ') for cell in cells)} |"


def sentence(text: str) -> str:
    """A phrase of the model as a sentence."""
    return f"{text[:1].upper()}{text[1:]}."


def type_name(field: Field, record: str) -> str:
    """The type of a field in words; `record` is what a nested record is called: `object` or `mapping`."""
    name = record if field.record is not None else TYPES[field.scalar or str]
    return f"list of {name}s" if field.many else name


def number_range(field: Field) -> str:
    """The numbers that make sense, as a sentence."""
    maximum = field.author_limits.get("maximum")
    return "Not negative." if maximum is None else f"{field.author_limits['minimum']} to {maximum}."
