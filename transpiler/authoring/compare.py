"""The differences of two configs by meaning, and a config as text. Secrets are compared, but not shown."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from itertools import groupby
from typing import Any, NamedTuple

from provision.config.format import Config
from provision.config.reports.findings import escaped
from transpiler.authoring.config_entries import ORIGIN, ConfigEntry, config_entries
from transpiler.butane.records import OpenShift
from transpiler.reports.secret_text import HIDDEN, secrets_hidden

CHANGED = "(value changed, not shown)"


class Change(NamedTuple):
    """An entry that was added, removed or changed, with the lines that describe it."""

    kind: str
    name: str
    lines: list[str]


class ConfigChanges(NamedTuple):
    """A config that was added, removed or changed (`kind`), and its changes; or why it cannot be compared."""

    name: str
    kind: str
    changes: list[Change]
    error: str = ""

    def as_document(self) -> dict[str, Any]:
        """The same for programs, as values of JSON."""
        changes = [change._asdict() for change in self.changes]
        return {"config": self.name, "kind": self.kind, "error": self.error, "changes": changes}


def config_changes(
    before: Config, after: Config, cluster_configs: tuple[OpenShift | None, OpenShift | None] = (None, None)
) -> list[Change]:
    """Every entry that differs, in the order of `after`; removed entries follow at the end.

    `cluster_configs` are the authors' records of configs that become MachineConfigs.
    """
    old, new = config_entries(before, cluster_configs[0]), config_entries(after, cluster_configs[1])
    found = []
    for name, entry in new.items():
        was, shown = old.get(name), _printable(name)
        if was is None:
            found.append(Change("added", shown, list(_described(entry))))
        elif was.fields != entry.fields:
            found.append(Change("changed", shown, list(_compared(was, entry))))
    return [*found, *(Change("removed", _printable(name), []) for name in old if name not in new)]


def as_lines(found: Sequence[Change]) -> str:
    """Changes as text: a line for each entry, and indented lines for its fields."""
    marks = {"added": "+", "removed": "-", "changed": "~"}
    lines = []
    for change in found:
        lines.append(f"{marks[change.kind]} {change.name}")
        lines.extend(f"    {line}" for line in change.lines)
    return "".join(f"{line}\n" for line in lines)


def config_text(config: Config, cluster_config: OpenShift | None = None) -> str:
    """A config as text, with its contents, in an order that is always the same: two such texts can be compared."""
    lines = []
    for name, entry in sorted(config_entries(config, cluster_config).items()):
        lines.append(_printable(name))
        for field, values in _fields(entry):
            shown = [HIDDEN] if field in entry.hidden else _shown(values)
            if len(shown) == 1:
                lines.append(f"    {field}: {shown[0]}")
            else:
                lines.extend((f"    {field}:", *(f"        {one}".rstrip() for one in shown)))
    return "".join(f"{line}\n" for line in lines)


def _fields(entry: ConfigEntry) -> Iterator[tuple[str, list[str]]]:
    """The fields of an entry, without those that are its key or a second name."""
    for name, lines in entry.fields.items():
        if name not in {"name", "path", "device"} and not name.endswith(ORIGIN):
            yield name, lines


def _described(entry: ConfigEntry) -> Iterator[str]:
    """A line for each field of an entry; of several lines, their number."""
    for name, lines in _fields(entry):
        if name in entry.hidden:
            yield f"{name}: {HIDDEN}"
        else:
            yield f"{name}: {_short(lines)}"


def _compared(before: ConfigEntry, after: ConfigEntry) -> Iterator[str]:
    for name in dict.fromkeys((*after.fields, *before.fields)):
        old, new = before.fields.get(name), after.fields.get(name)
        if old == new:
            continue
        if name in before.hidden | after.hidden:
            was, now = (HIDDEN if one else "(not set)" for one in (old, new))
            yield f"{name}: {CHANGED if was == now else f'{was} -> {now}'}"
        elif old is None or new is None or (len(old) == len(new) == 1):
            was, now = _short(old), _short(new)
            yield f"{name}: {now.replace(HIDDEN, CHANGED)}" if was == now else f"{name}: {was} -> {now}"
        else:
            yield f"{name}:"
            yield from (f"    {line}" for line in _different_lines(old, new))


def _different_lines(old: list[str], new: list[str]) -> Iterator[str]:
    """The differences of two texts in the form of `diff -u`. Lines that differ in secrets only begin with `~`."""
    shown_old, shown_new = _each_shown(old), _each_shown(new)
    for group in SequenceMatcher(None, old, new).get_grouped_opcodes(2):
        first, last = group[0], group[-1]
        yield f"@@ -{_range(first[1], last[2])} +{_range(first[3], last[4])} @@"
        for kind, *places in group:
            removed, added = shown_old[places[0] : places[1]], shown_new[places[2] : places[3]]
            yield from _once(f" {line}" for line in added) if kind == "equal" else _replaced(removed, added)


def _range(start: int, end: int) -> str:
    """Lines as `diff -u` numbers them."""
    if end - start == 1:
        return str(start + 1)
    return f"{start + (end > start)},{end - start}"


def _replaced(removed: list[str], added: list[str]) -> Iterator[str]:
    same = {line for line in removed if HIDDEN in line and line in added}
    yield from _once(f"-{line}" for line in removed if line not in same)
    yield from _once(f"~{line.replace(HIDDEN, CHANGED)}" if line in same else f"+{line}" for line in added)


def _short(lines: list[str] | None) -> str:
    if lines is None:
        return "(not set)"
    return _shown(lines)[0] if len(lines) == 1 else f"{len(lines)} lines"


def _shown(lines: list[str]) -> list[str]:
    """Lines without secrets; of several that are secrets as a whole, one is left."""
    return list(_once(_each_shown(lines)))


def _each_shown(lines: list[str]) -> list[str]:
    return [_printable(line) for line in secrets_hidden(lines)]


def _once(lines: Iterator[str] | list[str]) -> Iterator[str]:
    """The lines; of equal ones that have nothing but a secret, one is left."""
    for line, same in groupby(lines):
        whole = line.lstrip("+-~ ") in {HIDDEN, CHANGED}
        yield from (line,) if whole else same


def _printable(text: str) -> str:
    """A text without control characters, which could change what a terminal shows. Tabs stay."""
    return "\t".join(map(escaped, text.split("\t")))
