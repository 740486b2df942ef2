"""Explain why a text is not YAML, at the place of the mistake: often it is above the place where the parser stopped."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from provision.config.problems import Position, Problem
from transpiler.reading.syntax_messages import NO_VALUE, SYNTAX_MESSAGES, TAB
from transpiler.reading.yaml_parser import scan_tokens
from transpiler.reports.secret_masks import known_names

ODD_SPACES = "\u00a0\u2000-\u200b\u202f\u205f\u3000\ufeff"

_ODD_SPACE = re.compile(rf"[^\s\"'#]*?([{ODD_SPACES}])")

_NO_BLANK = re.compile(r"\s*(?:-\s+)*[a-z_]+:(?=[^\s:/]|/[^/])")

_EQUALS_SIGN = re.compile(r"\s*(?:-\s+)*[a-z_]+ *(=)")

_NO_COLON = re.compile(r"\s*(?:-\s+)*([a-z_]+) +[^\s:=][^:=]*$")

_NO_BLANK_AFTER_DASH = re.compile(r"\s*(?:-\s+)*-(?=[a-z_]+:\s)")

_TEXT_BELOW = re.compile(r" *(?:- +)*(contents|inline): *$")

_FORMAT = re.compile(r"!format +\{")

_TEMPLATE = re.compile(r"\{\{-?\s*[\w.$]|\{%|<%")

_NEAR = 3
"""The number of lines above the place where the parser stopped that are searched for the mistake."""


_SCANNED, _BRACKETS = 1 << 20, 10_000
"""A text with more characters or more brackets is not scanned a second time, because that takes too long."""


class Explanation(NamedTuple):
    """The message, the hint and the rule of a mistake at a column (from 1)."""

    column: int
    message: str
    hint: str
    rule: str = "yaml-syntax"


def explained(problem: Problem, lines: list[str]) -> Problem:
    """A syntax error with the place, message and hint of its cause; unchanged if no cause is found."""
    at = problem.at
    if at is None or problem.rule or not 0 < at.line <= len(lines) + 1:
        return problem
    if "tabs" in problem.hint:
        return problem._replace(message=TAB.message)
    found = (
        _format_in_braces(problem, at, lines)
        or _unclosed(problem, at, lines)
        or _no_value(problem, at, lines)
        or _in_lines(problem, at, lines)
    )
    return found._replace(at=found.at._replace(file=at.file)) if found.at else found


def _format_in_braces(problem: Problem, at: Position, lines: list[str]) -> Problem | None:
    """The problem of a `!format` whose text begins with a brace and is not in quotes; None if there is none."""
    match = _FORMAT.search(lines[at.line - 1]) if at.line <= len(lines) else None
    if match is None:
        return None
    message = "the text of !format begins with a brace, so YAML reads a mapping"
    place = at._replace(column=match.start() + 1)
    return problem._replace(message=message, hint='put it in quotes: !format "{name}"', at=place)


def _unclosed(problem: Problem, at: Position, lines: list[str]) -> Problem | None:
    """The problem of a quote or bracket that is not closed; None if there is none."""
    quote = open_quote(lines, at)
    if quote is not None:
        hint = "close it; inside quotes, write a quote twice ('') or as \\\""
        return problem._replace(message="the quote that begins here is not closed", at=quote, hint=hint)
    if problem.message in _OPEN_BRACKET:
        opened = open_bracket(lines, at)
        message = "the bracket that begins here is not closed, or a comma is missing in it"
        return problem._replace(message=message, hint="close it with ] or }", at=opened or at)
    return None


def _no_value(problem: Problem, at: Position, lines: list[str]) -> Problem | None:
    """The problem of a comma, bracket or dash where a value is expected; None if it is another problem."""
    if problem.message != NO_VALUE or at.line > len(lines):
        return None
    found, rest = lines[at.line - 1][at.column - 1 : at.column], lines[at.line - 1][at.column :]
    opened = open_bracket(lines, at)
    if found == ",":
        message, hint = "a value is missing before this comma", "write the value, or remove the comma"
        return problem._replace(message=message, hint=hint)
    if found in {"]", "}"} and opened is None:
        message, hint = "no bracket is open here", "remove this bracket, or put a value that begins with it in quotes"
        return problem._replace(message=message, hint=hint)
    if found in {"]", "}"}:
        other = "]" if found == "}" else "}"
        message, hint = f"the bracket that begins here is closed by {found}", f"close it with {other}"
        return problem._replace(message=message, hint=hint, at=opened)
    if found == "-" and opened and rest[:1] in {"", " "}:
        message = "elements in brackets have no dash before them"
        return problem._replace(message=message, hint="remove the dash; or write a list, one element in each line")
    return None


def _in_lines(problem: Problem, at: Position, lines: list[str]) -> Problem:
    """The problem with an explanation from the line where the parser stopped, or from lines above it."""
    for number in range(min(at.line, len(lines)), max(at.line - _NEAR, 0), -1):
        found = _block(lines, number) or in_line(lines[number - 1])
        if found is not None:
            return _with(problem, number, found)
        if lines[number - 1].strip() and number < at.line:
            break
    below = _text_without_bar(lines, min(at.line, len(lines)))
    if below is not None:
        return _with(problem, *below)
    found = _at_column(problem, at, lines[at.line - 1]) if at.line <= len(lines) else None
    message, hint = SYNTAX_MESSAGES.get(problem.message, (problem.message, problem.hint))
    return _with(problem, at.line, found) if found else problem._replace(message=message, hint=hint)


def _text_without_bar(lines: list[str], number: int) -> tuple[int, Explanation] | None:
    """The explanation for a text of several lines that reaches to line `number` (from 1), but has no `|` above it.

    It comes with the line of its key. None if there is no such text.
    """
    deep = len(lines[number - 1]) - len(lines[number - 1].lstrip(" "))
    for index in range(number - 1, max(number - _TEXT_LINES, 0) - 1, -1):
        line = lines[index]
        head = _TEXT_BELOW.match(line)
        indented = len(line) - len(line.lstrip(" "))
        if head and indented < deep:
            message = f"a text of several lines follows, but there is no `|` after `{head[1]}:`"
            return index + 1, Explanation(line.index(":") + 2, message, f"write `{head[1]}: |`")
        key = re.match(r" *(?:- +)*([a-z_]+):(?: |$)", line)
        if (line.strip() and indented < deep) or (key and key[1] in known_names()):
            return None
    return None


_TEXT_LINES = 100


def _with(problem: Problem, line: int, found: Explanation) -> Problem:
    at = Position(line, found.column)
    return problem._replace(message=found.message, hint=found.hint, at=at, rule=found.rule)


def _at_column(problem: Problem, at: Position, line: str) -> Explanation | None:
    """The explanation that follows from the parser's message and the characters at its place; None if there is none."""
    before, column = line[: at.column - 1], at.column
    if problem.message.startswith("unknown anchor"):
        hint = "write the &anchor above it; or put the value in quotes, if it is not an alias"
        return Explanation(column, "no anchor above has this name", hint)
    if "alphabetic or numeric character" in problem.message:
        start = max(before.rfind("*"), before.rfind("&")) + 1 or column
        what = "an alias of an &anchor" if line[start - 1 : start] == "*" else "an anchor"
        return Explanation(start, f"{line[start - 1 : start]} begins {what} here", "put the value in quotes")
    if problem.message == "did not find expected key" and before[-1:] in {"'", '"'} and line[column - 1 :].strip():
        inside = "written twice ('')" if before[-1] == "'" else 'written with a backslash (\\")'
        return Explanation(column, "more text follows after the closing quote", f"a quote inside is {inside}")
    if problem.message.startswith("mapping values") and re.fullmatch(r"\s*(?:-\s+)*[\w.-]+", before):
        message = "this line is indented deeper than the line above, which already has a value"
        return Explanation(len(before) - len(before.lstrip()) + 1, message, "indent it as the line above")
    return None


_OPEN_BRACKET = {"did not find expected ',' or ']'", "did not find expected ',' or '}'"}


def _block(lines: list[str], number: int) -> Explanation | None:
    """The explanation for a line that belongs to the `|` or `>` above it, but is not indented deeper; else None."""
    head = re.match(r"( *)(?:- +)*[\w.-]+: *[|>][-+0-9]* *$", lines[number - 2]) if number > 1 else None
    line = lines[number - 1]
    indented = len(line) - len(line.lstrip(" "))
    keys = len(re.findall(r"^ *(?:- +)*", lines[number - 2])[0]) if head else 0
    if head is None or indented > keys or not line.strip():
        return None
    return Explanation(
        indented + 1, "the text of this block is not indented", "indent it deeper than the name above it"
    )


def in_line(line: str) -> Explanation | None:
    """The explanation for a mistake that can be found in one line; None if there is none."""
    odd = odd_space(line)
    if odd is not None:
        hint = "delete it and type a space; text copied from a web page often has such characters"
        return Explanation(odd, "this character looks like a space, but is another character", hint, "odd-space")
    template = _TEMPLATE.search(line)
    if template:
        hint = "replace it before (envsubst, sed, jinja2), or put a text that begins with { in quotes"
        return Explanation(
            template.start() + 1, "this looks like a template; transpile does not replace it", hint, "template"
        )
    return _missing_blank(line) or _missing_colon(line)


def _missing_blank(line: str) -> Explanation | None:
    """The explanation for a dash or colon without a space after it; None if there is none."""
    after_colon = _NO_BLANK.match(line)
    if after_colon:
        key = line[: after_colon.end()].strip().lstrip("- ")
        hint = f"write `{key} {_value(line, after_colon.end())}`"
        return Explanation(after_colon.end() + 1, f"a space is missing after `{key}`", hint, "no-blank")
    after_dash = _NO_BLANK_AFTER_DASH.match(line)
    if after_dash:
        key = line[after_dash.end() :].partition(":")[0]
        hint = f"write `- {key}: {_value(line, after_dash.end() + len(key) + 1)}`"
        return Explanation(after_dash.end(), "a space is missing after `-`", hint, "no-blank")
    return None


def _missing_colon(line: str) -> Explanation | None:
    """The explanation for a key without a colon; None if there is none."""
    no_colon = _NO_COLON.match(line)
    if no_colon and no_colon[1] in known_names():
        column = no_colon.end(1) + 1
        return Explanation(column, f"a colon is missing after `{no_colon[1]}`", "write `name: value`", "no-colon")
    equals = _EQUALS_SIGN.match(line)
    if equals:
        message = "a colon separates a key and its value, not `=`"
        return Explanation(equals.start(1) + 1, message, "write `name: value`", "no-colon")
    return None


def odd_space(line: str) -> int | None:
    """The column (from 1) of a character that only looks like a space, before any quote; None if there is none."""
    match = _ODD_SPACE.match(line.replace(" ", "x"))
    return match.start(1) + 1 if match else None


def _value(line: str, start: int) -> str:
    """The rest of a line, or `...` if it is long or may be a secret."""
    value = line[start:].strip()
    return value if re.fullmatch(r"/?[\w./-]{1,40}", value) and "pass" not in line and "key" not in line else "..."


def open_quote(lines: list[str], stopped: Position) -> Position | None:
    """The place of the opening quote whose text reaches to where the parser stopped; None if there is none."""
    import yaml

    last: Any = None
    try:
        for token in _tokens(lines, stopped):
            if isinstance(token, yaml.ScalarToken) and token.start_mark.line < token.end_mark.line:
                last = (token.start_mark, token.end_mark) if token.style in {"'", '"'} else None
    except yaml.MarkedYAMLError as error:
        ended = re.search("unexpected (end of stream|document indicator)", error.problem or "")
        if error.context_mark is not None and ended and "quoted scalar" in (error.context or ""):
            return Position(error.context_mark.line + 1, error.context_mark.column + 1)
    except yaml.YAMLError:
        return None
    if last is None or not 0 <= stopped.line - 1 - last[1].line <= 1:
        return None
    return Position(last[0].line + 1, last[0].column + 1)


def open_bracket(lines: list[str], stopped: Position) -> Position | None:
    """The place of the innermost bracket that is open where the parser stopped; None if there is none."""
    import yaml

    opened: list[Position] = []
    try:
        for token in _tokens(lines, stopped):
            if (token.start_mark.line + 1, token.start_mark.column + 1) >= (stopped.line, stopped.column):
                break
            if isinstance(token, (yaml.FlowSequenceStartToken, yaml.FlowMappingStartToken)):
                opened.append(Position(token.start_mark.line + 1, token.start_mark.column + 1))
            elif isinstance(token, (yaml.FlowSequenceEndToken, yaml.FlowMappingEndToken)) and opened:
                opened.pop()
    except yaml.YAMLError:
        pass
    return opened[-1] if opened else None


def _tokens(lines: list[str], stopped: Position) -> Iterator[Any]:
    """The tokens of a text up to the line where the parser stopped; no tokens if the text is too large."""
    text = "\n".join(lines[: stopped.line + 1])
    if len(text) > _SCANNED or text.count("[") + text.count("{") > _BRACKETS:
        return
    for token in scan_tokens(text):
        if token.start_mark.line + 1 > stopped.line:
            return
        yield token
