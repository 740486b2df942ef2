"""Edits that mend a line in the text of a unit, or of a file that another program reads."""

from __future__ import annotations

import re

from transpiler.authoring.fixes.place import Place
from transpiler.authoring.text_edits import Edit

_NEAR = r"(?:.*\()?did you mean ([^?]+)\?\)?"


def name(place: Place) -> Edit | None:
    """The edit that writes another name at the beginning of a line, such as that of a setting."""
    match = re.match(r"\s*([\w.-]+)\s*(?:[=\s:]|$)", place.line)
    near = place.hinted(_NEAR)
    if match is None or not re.search(rf"(?<![\w.-]){re.escape(match[1])}(?![\w.-])", place.problem.message):
        return None
    return place.part_of_line(r"^\s*([\w.-]+)", near)


def section(place: Place) -> Edit | None:
    """The edit that writes the name of another section."""
    near = place.hinted(_NEAR) or place.hinted(r"write \[(\w+)\]")
    return place.part_of_line(r"^\s*\[([^\]]+)\]\s*$", near)


def value(place: Place) -> Edit | None:
    """The edit that writes another value behind the name of a setting, if it is one word; a comment belongs to it."""
    told = re.search(r"\(did you mean (\S+)\?\)$", place.problem.message)
    return place.part_of_line(
        r"^\s*[\w.-]+(?:\s*=\s*|\s+)([\w./@-]+(?:\s+#.*)?)\s*$",
        place.hinted(_NEAR) or place.hinted(r"write ([^\s=]+)") or (told[1] if told else ""),
    )


def named_unit(place: Place) -> Edit | None:
    """The edit that writes the name of another unit."""
    wrong = re.search(r"(?:has the name |systemd refuses this name: )([^\s:]+)", place.problem.message)
    return wrong and _word(place, wrong[1], place.hinted(_NEAR) or place.hinted(r"write (\S+)"))


def exec_start(place: Place) -> Edit | None:
    """The edit that writes `ExecStart=` in the place of another name of a setting."""
    wrong = place.hinted(r"write ExecStart= in place of (\w+)=")
    return place.part_of_line(rf"^\s*({wrong})\s*=", "ExecStart") if wrong else None


def rule_of_sudo(place: Place) -> Edit | None:
    """The edit that writes another tag or kind of alias, or a colon behind a tag."""
    tag = re.search(r"there is no tag (\w+)$", place.problem.message)
    if tag:
        return _word(place, tag[1], place.hinted(_NEAR))
    if place.problem.message.endswith("a colon is missing after a tag"):
        with_colon = place.hinted(r"write (\w+:)")
        return _word(place, with_colon[:-1], with_colon)
    return place.part_of_line(r"^\s*(\w+)\b", place.hinted(_NEAR))


def locale(place: Place) -> Edit | None:
    """The edit that writes another variable, or another language; the encoding stays."""
    if place.problem.message.endswith("locale.conf"):
        return name(place)
    whole = place.hinted(r"write ([\w@.-]+)")
    pattern = r"([\w@.-]+)" if whole else r"([\w@]+)"
    return place.part_of_line(rf"^\s*\w+=[\"']?{pattern}", whole or place.hinted(_NEAR))


def path(place: Place) -> Edit | None:
    """The edit that writes an absolute path in the place of a relative one."""
    absolute = place.hinted(r"write (/\S+)")
    return _word(place, absolute[1:], absolute) if absolute else None


def _word(place: Place, word: str, new: str) -> Edit | None:
    """The edit that replaces a word, if the line has it once."""
    pattern = rf"(?<![\w.@/:-])({re.escape(word)})(?![\w.@-])"
    return place.part_of_line(pattern, new) if len(re.findall(pattern, place.line)) == 1 else None
