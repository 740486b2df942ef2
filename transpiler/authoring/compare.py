"""The differences of two configs by meaning.

The order of entries, sugar, the encoding of contents and the version of the format do not count.
"""

from __future__ import annotations

import difflib
import re
from collections import Counter
from collections.abc import Iterator
from hashlib import sha256
from typing import Any, NamedTuple

from provision.config.format import Config, File, Resource
from provision.config.model import Field, Record, key_of
from provision.config.resources.content import ContentInvalid, inline_content
from provision.config.resources.urls import redacted

_MAY_BE_SECRET = re.compile(r"passw|pwd|secret|token|credential|private key|pbkdf2|\$\w{1,3}\$", re.IGNORECASE)
"""Lines of contents with one of these are not shown."""

MAX_SHOWN = 64 * 1024
"""The largest contents in bytes whose lines are compared."""


class ConfigEntry(NamedTuple):
    """An entry of a config, such as a file or a unit: its fields as lines of text by the name of the field.

    Fields in `hidden` may hold secrets; their lines are for comparison only.
    """

    fields: dict[str, list[str]]
    hidden: frozenset[str]


class Change(NamedTuple):
    """An entry that was added, removed or changed, with the lines that describe it."""

    kind: str
    name: str
    lines: list[str]


def config_changes(before: Config, after: Config) -> list[Change]:
    """Every entry that differs, in the order of `after`; removed entries follow at the end."""
    old, new = dict(_entries(before, "")), dict(_entries(after, ""))
    found = []
    for name, entry in new.items():
        was = old.get(name)
        if was is None:
            found.append(Change("added", name, list(_described(entry))))
        elif was.fields != entry.fields:
            found.append(Change("changed", name, list(_compared(was, entry))))
    return [*found, *(Change("removed", name, []) for name in old if name not in new)]


def as_lines(found: list[Change]) -> str:
    """Changes as text: a line for each entry, and indented lines for its fields."""
    marks = {"added": "+", "removed": "-", "changed": "~"}
    lines = []
    for change in found:
        lines.append(f"{marks[change.kind]} {change.name}")
        lines.extend(f"    {line}" for line in change.lines)
    return "".join(f"{line}\n" for line in lines)


def _entries(record: Record, name: str) -> Iterator[tuple[str, ConfigEntry]]:
    """The entries of all lists whose elements have a key; other fields form an entry with the name of their section."""
    own: dict[str, list[str]] = {}
    hidden: set[str] = set()
    for field in record.FIELDS:
        value = getattr(record, field.name)
        here = f"{name}.{field.name}".removeprefix(".")
        if field.many and field.record is not None and field.record.KEY is not None and name:
            yield from ((f"{here}[{name}]", _entry(one)) for name, one in zip(_keys(value), value, strict=True))
        elif isinstance(value, Record) and name.count(".") < 1 and not isinstance(value, Resource):
            yield from _entries(value, here)
        elif here != "ignition.version":
            own.update(_fields(field, value, hidden, field.name))
    if own:
        yield name or "config", ConfigEntry(own, frozenset(hidden))


def _keys(elements: tuple[Record, ...]) -> list[str]:
    """The keys of elements, with nothing secret of a URL; of keys that look the same, the second ends in `#2`."""
    numbers: Counter[str] = Counter()
    shown = []
    for one in elements:
        key = redacted(key_of(one)) if isinstance(one, Resource) else key_of(one)
        numbers[key] += 1
        shown.append(key if numbers[key] == 1 else f"{key} #{numbers[key]}")
    return shown


def _entry(record: Record) -> ConfigEntry:
    hidden: set[str] = set()
    if isinstance(record, File) and not (0o644 if record.mode is None else record.mode) & 0o004:
        hidden.update(("contents", "append"))  # not every user of the machine may read them
    fields: dict[str, list[str]] = {}
    for field in record.FIELDS:
        fields.update(_fields(field, getattr(record, field.name), hidden, field.name))
    return ConfigEntry(fields, frozenset(hidden))


def _fields(field: Field, value: Any, hidden: set[str], name: str) -> Iterator[tuple[str, list[str]]]:
    """The lines of a field by its name, or of the fields below it. Fields that are not set are left out."""
    if value is None or value == () or (isinstance(value, Record) and value.is_empty):
        return
    if (field.secret or field.secret_type) and name != "contents":  # contents of units can be read by every user
        hidden.add(name)
    if field.many:
        if any(isinstance(one, Record) and _entry(one).hidden for one in value):
            hidden.add(name)
        yield name, [line for one in value for line in _element_lines(one)]
        yield from _origin([one for one in value if isinstance(one, Resource)], hidden, name)
    elif isinstance(value, Resource):
        if name == "key_file":
            hidden.add(name)
        yield name, _resource_lines(value)
        yield from _origin([value], hidden, name)
    elif isinstance(value, Record):
        for inner in type(value).FIELDS:
            yield from _fields(inner, getattr(value, inner.name), hidden, f"{name}.{inner.name}")
    elif value != field.default or field.optional:
        yield name, _scalar_lines(field, value)


def _origin(resources: list[Resource], hidden: set[str], name: str) -> Iterator[tuple[str, list[str]]]:
    """A hidden field with the whole URLs and headers, which may have secrets, of resources that are fetched."""
    fetched = [one for one in resources if (one.source or "").partition(":")[0] not in {"", "data"}]
    if fetched:
        origin = f"{name}{_ORIGIN}"
        hidden.add(origin)
        headers = (
            f"{header.name}: {header.value.reveal() if header.value else ''}"
            for one in fetched
            for header in one.http_headers
        )
        yield origin, [*(one.source or "" for one in fetched), *headers]


_ORIGIN = ", URL or headers"


def _scalar_lines(field: Field, value: Any) -> list[str]:
    if field.is_mode:
        return [f"0{value:o}"]
    if isinstance(value, bool):
        return ["true" if value else "false"]
    text = value.reveal() if field.secret_type else str(value)
    return text.splitlines() or ['""']


def _element_lines(element: Any) -> list[str]:
    if isinstance(element, Resource):
        return _resource_lines(element)
    if not isinstance(element, Record):
        return [str(element)]
    name = key_of(element).removeprefix("label:") if type(element).KEY else ""
    inner = _entry(element).fields
    return [f"{name or '-'}: {part}: {line}" for part, lines in inner.items() for line in lines]


def _resource_lines(resource: Resource) -> list[str]:
    """The contents of a resource, or where they come from."""
    try:
        contents = inline_content(resource)
    except ContentInvalid:
        contents = None
    if contents is None:
        checksum = resource.verification.hash
        return [f"from {redacted(resource.source or '')}{f' ({checksum})' if checksum else ''}"]
    if len(contents) <= MAX_SHOWN and b"\0" not in contents:
        try:
            lines = contents.decode().split("\n")
        except UnicodeDecodeError:
            lines = []
        if lines:
            return [*lines[:-1], f"{lines[-1]} (no newline at the end)"] if lines[-1] else lines[:-1] or ["(empty)"]
    return [f"{len(contents)} bytes, sha256 {sha256(contents).hexdigest()[:12]}"]


def _described(entry: ConfigEntry) -> Iterator[str]:
    """A line for each field of an entry; of several lines, their number."""
    for name, lines in entry.fields.items():
        if name in {"name", "path", "device"} or name.endswith(_ORIGIN):  # the key of the entry, or a second name
            continue
        if name in entry.hidden or any(map(_MAY_BE_SECRET.search, lines[:1])):
            yield f"{name}: (not shown)"
        else:
            yield f"{name}: {lines[0]}" if len(lines) == 1 else f"{name}: {len(lines)} lines"


def _compared(before: ConfigEntry, after: ConfigEntry) -> Iterator[str]:
    for name in dict.fromkeys((*after.fields, *before.fields)):
        old, new = before.fields.get(name), after.fields.get(name)
        if old == new:
            continue
        if name in before.hidden | after.hidden:
            yield f"{name}: differs (not shown)"
        elif old is None or new is None or (len(old) == len(new) == 1):
            yield f"{name}: {_short(old)} -> {_short(new)}"
        else:
            yield f"{name}:"
            lines = list(difflib.unified_diff(old, new, n=2, lineterm=""))[2:]
            yield from (f"    {_shown(line)}" for line in lines)


def _short(lines: list[str] | None) -> str:
    if lines is None:
        return "(not set)"
    return _shown(lines[0]) if len(lines) == 1 else f"{len(lines)} lines"


def _shown(line: str) -> str:
    """A line, or a remark if it may be a secret."""
    if not _MAY_BE_SECRET.search(line):
        return line
    return (line[0] if line[:1] in {"+", "-", " "} else "") + "(not shown: may be a secret)"
