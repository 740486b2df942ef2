"""Texts with sections and settings, as systemd reads them. Source: systemd.syntax(7)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple


class Setting(NamedTuple):
    """A line `name=value` below a section, or another line: a section has no name, and junk has no `=`.

    `line` counts from 0; it is the first line of a value that goes on in the next lines.
    """

    line: int
    section: str
    name: str
    value: str
    has_equals: bool = True

    @property
    def opens_section(self) -> bool:
        """Whether this is the line `[section]`."""
        return not self.name and not self.has_equals


def settings(text: str, comments: tuple[str, ...] = ("#", ";"), *, continues: bool = True) -> Iterator[Setting]:
    """The sections and settings of a text. Comments and empty lines are left out, inside of continued values too.

    `comments` are the beginnings of comments. `continues` says whether a backslash at the end continues a line.
    """
    section = ""
    parts: list[str] = []  # of a value that goes on
    first = 0
    for number, line in enumerate([*text.split("\n"), ""]):
        stripped = line.strip()
        if stripped.startswith(comments) or (not stripped and not parts):
            continue
        first = first if parts else number
        if continues and line.rstrip("\r").endswith("\\"):
            parts.append(f"{stripped[:-1]} ")
            continue
        whole = "".join((*parts, stripped))
        parts = []
        if whole.startswith("[") and whole.endswith("]"):
            section = whole[1:-1]
            yield Setting(first, section, "", "", has_equals=False)
        else:
            name, equals, value = whole.partition("=")
            yield Setting(first, section, name.strip(), value.strip(), has_equals=bool(equals))
