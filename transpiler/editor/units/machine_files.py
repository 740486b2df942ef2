"""Which program reads a text of a config, and the sections and settings that it knows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from provision.config.problems import Path
from transpiler.editor.cursor import outline_of
from transpiler.editor.document import OpenDocument
from transpiler.editor.units.settings import kind_in_words, sections
from transpiler.lint.content.kinds import FileKind, kind_of
from transpiler.lint.units.unit_text import sections_of


class TextKind(NamedTuple):
    """The sections of a text, with the settings of each and their kinds of values in words.

    `is_unit` says whether it is a unit or a quadlet. Names and values are separated by `equals`.
    """

    sections: Mapping[str, Mapping[str, str]]
    is_unit: bool = False
    equals: str = "="


def text_kind(document: OpenDocument, path: Path) -> TextKind | None:
    """The kind of the text at a path; None if no known program with settings reads it."""
    values = outline_of(document.lines).values
    if path[:1] == ("systemd",) and path[-1:] == ("contents",) and len(path) in {4, 6}:
        name = values.get((*path[:3], "name"), "x.service" if path[1] == "units" else "x.container")
        return _unit(name, is_quadlet=path[1] == "quadlets")
    if path[:2] != ("storage", "files") or path[-1:] != ("inline",):
        return None
    return _file(kind_of(values.get((*path[:3], "path"), "")))


def _unit(name: str, *, is_quadlet: bool) -> TextKind:
    """The sections of a unit or quadlet with this name, its own one first."""
    suffix = name.rpartition(".")[2]
    if is_quadlet:
        known = [suffix.capitalize(), "Unit", "Service", "Install", "Quadlet"]
    else:
        known = sorted(sections_of(name), key=lambda one: ({"Unit": 0, "Install": 2}.get(one, 1), one))
    return TextKind({one: sections().get(one, {}) for one in known}, is_unit=True)


def _file(kind: FileKind) -> TextKind | None:
    """The sections of a file of the machine. Few texts need the tables of files: their modules are loaded here."""
    match kind.reader:
        case "unit" | "quadlet":
            return _unit(f"x.{kind.name}" if "." not in kind.name else kind.name, is_quadlet=kind.reader == "quadlet")
        case "network":
            from transpiler.lint.content.files.network_files import known_sections

            suffix = kind.name.rpartition(".")[2]
            first = {"network": ("Match", "Network"), "netdev": ("NetDev", "Match"), "link": ("Match", "Link")}[suffix]
            known = known_sections(suffix)
            return TextKind(_in_words({**{one: known[one] for one in first}, **known}))
        case "keyfile":
            from transpiler.lint.content.files.keyfiles import known_sections as known_of_profiles

            known = known_of_profiles()
            return TextKind(_in_words({**{one: known[one] for one in ("connection", "ipv4", "ipv6")}, **known}))
        case "settings":
            from transpiler.lint.content.files.systemd_settings import SECTION_OF_FILE
            from transpiler.lint.content.tables import table

            section = SECTION_OF_FILE.get(kind.name, "")
            return TextKind(_in_words({section: table("settings")[section]})) if section else None
        case "sshd":
            from transpiler.lint.content.tables import table

            return TextKind(table("sshd"), equals=" ")
    return None


def _in_words(known: Mapping[str, Mapping[str, str]]) -> Mapping[str, Mapping[str, str]]:
    return {section: {name: kind_in_words(kind) for name, kind in names.items()} for section, names in known.items()}
