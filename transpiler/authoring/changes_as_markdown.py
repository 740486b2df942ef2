"""Changes of configs as Markdown, for a comment on a pull request.

Names and contents are the author's: they stand in code, where neither HTML nor links nor mentions have a meaning.
Source: GitHub Flavored Markdown Spec, "Fenced code blocks" and "Code spans".
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from provision.config.reports.findings import escaped
from transpiler.authoring.compare import ConfigChanges, as_lines

LIMIT = 65536
"""The largest comment on GitHub in characters. Here it counts bytes, of which a text has at least as many."""

MARK = "<!-- transpile diff -->"
"""The first line, by which a program finds its own comment. Markdown does not show it."""

_LONGEST_LINE = 500

_LONGEST_NAME = 200

_RESERVED = 200
"""Bytes for the last sentence."""


def as_markdown(found: Sequence[ConfigChanges], limit: int = LIMIT) -> str:
    """All configs that changed, each with its changes. What does not fit into `limit` bytes is left out and counted."""
    if not found:
        return f"{MARK}\n### Changes on the machines\n\nNone: the configs make the same machines as before.\n"
    shown, left = f"{MARK}\n### Changes on the machines\n", limit - _RESERVED
    for number, one in enumerate(found):
        part, lines_left_out = _section(one, left - _size(shown))
        shown += part
        if not part or lines_left_out:
            return shown + _last_sentence(lines_left_out, len(found) - number - bool(part))
    return shown


def _last_sentence(lines: int, configs: int) -> str:
    counts = [(lines, "line"), (configs, "config")]
    texts = [f"{count} more {noun}{'s' * (count != 1)}" for count, noun in counts if count]
    return f"\n{' and '.join(texts)} left out, because a comment has a limit. `transpile diff` shows all.\n"


def _section(one: ConfigChanges, space: int) -> tuple[str, int]:
    """The text for one config in at most `space` bytes, and the number of lines that did not fit; empty if none did."""
    body = [_cut(line) for line in (one.error or as_lines(one.changes)).splitlines()]
    if not body:
        only_heading = f"\n{_heading(one)}\n"
        return (only_heading if _size(only_heading) <= space else ""), 0
    fence = _fence("\n".join(body), 3)
    head = f"\n{_heading(one)}\n\n{fence}{'' if one.error else 'diff'}\n"
    left = space - _size(head) - _size(fence) - 1
    kept = 0
    for line in body:
        left -= _size(line) + 1
        if left < 0:
            break
        kept += 1
    if not kept:
        return "", 0
    return head + "".join(f"{line}\n" for line in body[:kept]) + f"{fence}\n", len(body) - kept


def _heading(one: ConfigChanges) -> str:
    name = _code(_cut(escaped(one.name), _LONGEST_NAME))
    if one.error:
        return f"**{name}** cannot be compared:"
    counts = Counter(change.kind for change in one.changes)
    said = ", ".join(f"{counts[kind]} {kind}" for kind in ("added", "changed", "removed") if counts[kind])
    state = {"changed": "", "added": " (new)", "removed": " (removed)"}[one.kind]
    return f"**{name}**{state}: {said or 'no entries'}"


def _code(text: str) -> str:
    """A code span. Its marks are longer than every run of backticks in the text."""
    mark = _fence(text, 1)
    return f"{mark} {text} {mark}" if "`" in text else f"{mark}{text}{mark}"


def _fence(text: str, shortest: int) -> str:
    runs = (len(run) for run in re.findall("`+", text))
    return "`" * max(shortest, max(runs, default=0) + 1)


def _cut(line: str, longest: int = _LONGEST_LINE) -> str:
    if len(line) <= longest:
        return line
    return f"{line[:longest]}... ({len(line) - longest} more characters)"


def _size(text: str) -> int:
    return len(text.encode("utf-8", "backslashreplace"))
