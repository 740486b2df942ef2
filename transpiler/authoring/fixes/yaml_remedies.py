"""Edits that mend the keys and values of a config."""

from __future__ import annotations

import re

from provision.config.problems import Position
from transpiler.authoring.fixes.place import Place
from transpiler.authoring.text_edits import Edit
from transpiler.lint.source import node_at
from transpiler.lint.syntax import odd_space


def mode(place: Place) -> Edit | None:
    """The edit that writes a mode in octal."""
    return place.value(place.hinted(r".*write (0[0-7]{3,4})(?::.*)?"))


def hinted_value(place: Place) -> Edit | None:
    """The edit that writes the value that the hint names, as `write a.conf` or `write path: /a` does."""
    name = re.escape(str(place.problem.path[-1])) if place.problem.path else ""
    return place.value(place.hinted(rf"write (?:{name}: )?([\w./@+\\-]+)"))


def similar_value(place: Place) -> Edit | None:
    """The edit that writes a similar value, or the one that the hint names."""
    return place.value(place.hinted(r"did you mean ([\w./@-]+)\?.*")) or hinted_value(place)


def head(place: Place) -> Edit | None:
    """The edit that writes another variant or version, or the key of one of them."""
    return similar_value(place) if place.problem.path[-1:] in {("variant",), ("version",)} else key(place)


def time_zone(place: Place) -> Edit | None:
    """The edit that writes another time zone into the target of a link; its directory stays."""
    near, target = place.hinted(r"did you mean ([\w/+-]+)\?"), place.node.text if place.node else ""
    directory, found, _ = target.partition("/zoneinfo/")
    return place.value(f"{directory}{found}{near}") if near and re.fullmatch(r"[\w./-]+", target) else None


def mode_of_file(place: Place) -> Edit | None:
    """The edit that writes the mode of a file, or adds a line with it below the path."""
    mode, node = place.hinted(r"write mode: (0[0-7]{3})"), place.node
    if not mode or node is None or not place.problem.path:
        return None
    if place.problem.path[-1] == "mode":
        return place.value(mode)
    file = node_at(place.root, place.problem.path[:-1])
    names = [one for one, value in file.items if value is node] if file and file.kind == "mapping" else []
    line = place.lines[node.line - 1] if 0 < node.line <= len(place.lines) else ""
    if not names or node.file != place.file or names[0].line != node.end[0] or re.search(r"[{}]", line):
        return None
    at = Position(node.line, len(line) + 1)
    return Edit.insert(at, f"{place.line_break}{' ' * (names[0].column - 1)}mode: {mode}")


def install_section(place: Place) -> Edit | None:
    """The edit that adds [Install] at the end of a unit that is written as a block."""
    setting, node = place.hinted(r"add \[Install\] with (\w+=[\w.-]+)"), place.node
    if not setting or node is None or node.kind != "scalar" or node.file != place.file:
        return None
    text = node.text.rstrip("\n").split("\n")
    written = place.lines[node.line : node.line + len(text)]
    if [line.strip() for line in written] != [line.strip() for line in text] or not text[0]:
        return None
    start = place.line_break + written[0].removesuffix(text[0])
    return Edit.insert(Position(node.line + len(text), len(written[-1]) + 1), f"{start}[Install]{start}{setting}")


def wrong_type(place: Place) -> Edit | None:
    """The edit that writes a value in the form of its type."""
    node, hint = place.node, place.problem.hint
    if node is None or node.kind != "scalar":
        return None
    if hint == "remove the quotes" and re.fullmatch(r"[0-9]{1,18}", node.text):
        return place.value(node.text)
    if hint.startswith("write it as an element of a list") and node.plain and re.fullmatch(r"[\w./@-]+", node.text):
        return place.value(f"[{node.text}]")
    return place.value(
        place.hinted(r"write `(?:user|group): (\{[^`]*\})`")
        or place.hinted(r"write (0?[0-7]{3})")
        or place.hinted(r"write the number of MiB, without unit: (\d+)")
    )


def key(place: Place) -> Edit | None:
    """The edit that writes another key, if its mapping does not have that key yet."""
    wrong, mapping = place.problem.path[-1], node_at(place.root, place.problem.path[:-1])
    name = place.hinted(r"(?:write|the key is|did you mean) `?(\w+)`?\??")
    if not name or mapping is None or mapping.kind != "mapping":
        return None
    keys = [one for one, _ in mapping.items if one.text == wrong]
    if len(keys) != 1 or any(one.text == name for one, _ in mapping.items):
        return None
    return place.written_anew(keys[0], name)


def missing_blank(place: Place) -> Edit | None:
    """The edit that inserts a space after a colon or a dash."""
    at = place.problem.at
    if at is None:
        return None
    after_dash = place.problem.message.endswith("`-`")
    return Edit.insert(Position(at.line, at.column + 1) if after_dash else at, " ")


def colon(place: Place) -> Edit | None:
    """The edit that writes a colon in the place of an equals sign."""
    at, match = place.problem.at, re.match(r"([\s-]*\w+)( *= *)", place.line)
    if at is None or match is None or "=" not in place.problem.message:
        return None
    return Edit(at.line, match.start(2) + 1, match.end(2) + 1, ": ")


def plain_space(place: Place) -> Edit | None:
    """The edit that writes a plain space in the place of another one."""
    at = place.problem.at
    if at is None or odd_space(place.line) != at.column:
        return None
    return Edit(at.line, at.column, at.column + 1, " ")


def straight_quotes(place: Place) -> Edit | None:
    """The edit that writes straight quotes in the place of typographic ones."""
    match = re.fullmatch(
        '[\u201c\u201d\u201e\u00ab]([^"\\\\\u201c\u201d]*)[\u201d\u201c\u00bb]', place.node.text if place.node else ""
    )
    return place.value(f'"{match[1]}"') if match else None
