"""The kinds of values of settings, read from a source tree of systemd: its tables of settings and of words."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

OTHER = "OTHER"
"""The kind of a value that a function of its own reads, or that versions read in different ways: it is not judged."""

_KINDS = {
    **dict.fromkeys(["bool", "tristate"], "BOOLEAN"),
    **dict.fromkeys(["iec_size", "iec_uint64", "si_uint64", "iec_uint64_infinity", "mtu"], "SIZE"),
    **dict.fromkeys(["sec", "sec_fix_0", "sec_def_infinity", "sec_def_unset"], "SECONDS"),
    **dict.fromkeys(["unsigned", "uint8", "uint16", "uint32", "uint64"], "UNSIGNED"),
    "mode": "MODE",
    "vlanid": "VLANID",
    "log_level": "LEVEL",
}
"""The function `config_parse_...` that reads a value -> its kind."""

_NEWER = {("Journal", "Audit"): "keep|no|yes"}
"""Words that the manual of a version has whose source was not read: systemd 262."""

_ENUM = r"DEFINE_CONFIG_PARSE_ENUM(?:_WITH_DEFAULT)?\(\s*config_parse_(\w+),\s*(\w+)"
_LOOKUP = r"DEFINE_(?:PRIVATE_)?STRING_TABLE_LOOKUP(?:_FROM_STRING)?(_WITH_BOOLEAN)?\(\s*(\w+)"
_WORDS = r"(\w+)_table\[\w*\]\s*=\s*\{(.*?)\};"
_ROW = r'^\s*(?:\{\s*"([\w-]+)",\s*"(\w+)"|([\w-]+)\.(\w+)),\s*config_parse_(\w+)'


def value_kinds(source: Path) -> dict[str, dict[tuple[str, str], str]]:
    """Table -> (section, name) -> the kind of the value. Words are written as `auto|none`, with BOOLEAN among them."""
    texts = {one: one.read_text("utf-8", "replace") for one in source.rglob("*.[ch]")}
    gperf = {one: one.read_text() for one in source.rglob("*.gperf")}
    kinds = {**dict(_enumerations(texts)), **_KINDS}
    found: dict[str, dict[tuple[str, str], str]] = {}
    for path, text in {**texts, **gperf}.items():
        table = _table_of(path)
        for one in re.finditer(_ROW, text, re.MULTILINE) if table else ():
            row = (one[1] or one[3], one[2] or one[4])
            rows = found.setdefault(table, {})
            kind = together(kinds.get(one[5], OTHER), _NEWER.get(row, ""))
            rows[row] = together(rows.get(row, ""), kind)
    return found


def _table_of(path: Path) -> str:
    """The table for a file of the source; empty if no table has its settings."""
    if path.suffix == ".gperf" and path.parent.name in {"network", "netdev"}:
        return "networkd"
    if path.name == "link-config-gperf.gperf":
        return "link"
    named = {"main.c", "coredump.c", "coredump-config.c", "oomd.c", "oomd-manager.c", "sleep-config.c"}
    programs = {"journald-gperf.gperf", "logind-gperf.gperf", "resolved-gperf.gperf", "timesyncd-gperf.gperf"}
    return "settings" if path.name in named | programs else ""


def _enumerations(texts: Mapping[Path, str]) -> Iterator[tuple[str, str]]:
    """The functions that read one of several words, and the words. One that reads numbers, too, is left out."""
    lookups: dict[str, set[bool]] = {}
    words: dict[str, str] = {}
    for text in texts.values():
        for one in re.finditer(_LOOKUP, text):
            lookups.setdefault(one[2], set()).add(bool(one[1]))
        for one in re.finditer(_WORDS, text, re.DOTALL):
            entries = re.findall(r"^\s*\[.*?\]\s*=\s*(.*?),?\s*(?:/\*.*)?$", one[2], re.MULTILINE)
            literal = [entry.strip('"') for entry in entries if re.fullmatch(r'"[\w.:+-]+"', entry)]
            kind = "|".join(sorted(literal)) if literal and len(literal) == len(entries) else OTHER
            words[one[1]] = together(words.get(one[1], ""), kind)
    for text in texts.values():
        for one in re.finditer(_ENUM, text):
            if one[2] in lookups and one[2] in words:
                yield one[1], together(words[one[2]], "BOOLEAN") if True in lookups[one[2]] else words[one[2]]


def together(first: str, second: str) -> str:
    """The kind of what either of two kinds takes; an empty kind says nothing."""
    if first == second or not first or not second:
        return first or second
    if all("|" in one or one == "BOOLEAN" for one in (first, second)):
        return "|".join(sorted({*first.split("|"), *second.split("|")}))
    return OTHER
