"""Where and why a text is no YAML: the place of the mistake, which is often above the one where the parser stopped."""

from __future__ import annotations

import re
from typing import Any

from provision.config.problems import Position, Problem

ODD_SPACES = "\u00a0\u2000-\u200b\u202f\u205f\u3000\ufeff"

_ODD_SPACE = re.compile(rf"[^\s\"'#]*?([{ODD_SPACES}])")

_NO_BLANK = re.compile(r"\s*(?:-\s+)*[a-z_]+:(?=[^\s:/]|/[^/])")

_EQUALS = re.compile(r"\s*(?:-\s+)*[a-z_]+( *=)")

_TEMPLATE = re.compile(r"\{\{-?\s*[\w.$]|\{%|<%")

_NEAR = 3
"""So many lines above the place where the parser stopped are looked at."""


_SCANNED, _BRACKETS = 1 << 20, 10_000
"""A longer text, or one with more brackets, is not scanned a second time: that takes too long."""


def explained(problem: Problem, lines: list[str]) -> Problem:
    """A syntax error at the place of the mistake, with what to do."""
    at = problem.at
    if at is None or problem.rule or not 0 < at.line <= len(lines) + 1:
        return problem
    quote = open_quote(lines, at)
    if quote is not None:
        hint = "close it; a quote inside of a text in quotes is written twice ('') or as \\\""
        return problem._replace(message="the quote that opens here is not closed", at=quote, hint=hint)
    for number in range(min(at.line, len(lines)), max(at.line - _NEAR, 0), -1):
        found = _in_line(lines[number - 1])
        if found is not None:
            column, message, hint = found
            return problem._replace(message=message, hint=hint, at=Position(number, column))
        if lines[number - 1].strip() and number < at.line:
            break
    if problem.message.startswith("unknown anchor"):
        return problem._replace(
            hint="put a value that begins with * in quotes; a real alias needs its &anchor above it"
        )
    return problem


def _in_line(line: str) -> tuple[int, str, str] | None:
    """The column of a mistake that a line shows, what it is, and what to do."""
    odd = odd_space(line)
    if odd is not None:
        return odd, *ODD_SPACE_WORDS
    template = _TEMPLATE.search(line)
    if template:
        return (
            template.start() + 1,
            "this looks like a template; nothing fills it in here",
            "fill it in before (envsubst, sed, jinja2), or put a text that begins with { in quotes",
        )
    no_blank = _NO_BLANK.match(line)
    if no_blank:
        key = line[: no_blank.end()].strip().lstrip("- ")
        return no_blank.end() + 1, f"there is no blank behind `{key}`", f"write `{key} {_value(line, no_blank.end())}`"
    equals = _EQUALS.match(line)
    if equals:
        return equals.start(1) + 1, "a key and its value are separated by a colon here", "write `name: value`"
    return None


ODD_SPACE_WORDS = (
    "this is not an ordinary space, though it looks like one",
    "delete it and type a space; text copied from a web page often has these",
)


def odd_space(line: str) -> int | None:
    """The column of a character that only looks like a space, before any value in quotes; None if there is none."""
    match = _ODD_SPACE.match(line.replace(" ", "x"))
    return match.start(1) + 1 if match else None


def _value(line: str, start: int) -> str:
    """The rest of a line, unless it is long or may be a secret."""
    value = line[start:].strip()
    return value if re.fullmatch(r"/?[\w./-]{1,40}", value) and "pass" not in line and "key" not in line else "..."


def open_quote(lines: list[str], stopped: Position) -> Position | None:
    """Where the quote opens that swallowed the lines up to where the parser stopped; None if none did."""
    import yaml

    text = "\n".join(lines[: stopped.line + 1])
    if not 0 < len(text) <= _SCANNED or text.count("[") + text.count("{") > _BRACKETS or not {"'", '"'} & set(text):
        return None
    loader: Any = yaml.CLoader
    last: Any = None
    token: Any
    try:
        for token in yaml.scan(text, Loader=loader):
            if token.start_mark.line + 1 > stopped.line:
                break
            if isinstance(token, yaml.ScalarToken) and token.start_mark.line < token.end_mark.line:
                last = token.start_mark, token.end_mark if token.style in {"'", '"'} else None
    except yaml.MarkedYAMLError as error:
        if error.context_mark is not None and "quoted scalar" in (error.context or ""):
            return Position(error.context_mark.line + 1, error.context_mark.column + 1)
    except yaml.YAMLError:
        return None
    if last is None or last[1] is None or not 0 <= stopped.line - 1 - last[1].line <= 1:
        return None
    return Position(last[0].line + 1, last[0].column + 1)
