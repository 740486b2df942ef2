"""Values of settings by their kinds, which the tables have from the sources of systemd.

Sources: systemd.syntax(7), systemd.time(7), syslog(3), `parse_size` and `parse_boolean` of systemd.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from provision.config.reports.did_you_mean import did_you_mean
from transpiler.lint.content.calendar import wrong_span

_LEVELS = ("emerg", "alert", "crit", "err", "warning", "notice", "info", "debug")

_SIZE = re.compile(r"\+?(?:\d++(?:\.\d*+)?\s*+[EPTGMKB]?\s*+)+|infinity")


_BOOLEANS = ("yes", "no", "true", "false", "on", "off", "1", "0", "y", "n", "t", "f")


def is_boolean(value: str) -> bool:
    """Whether a value is a boolean, or may be one when it is filled in; an empty one is."""
    return not value or is_filled_in(value) or value.lower() in _BOOLEANS


def is_filled_in(value: str) -> bool:
    """Whether a value has text that is replaced later, such as `%n` or `$NAME`."""
    return "%" in value or "$" in value or "{{" in value


def _is_level(value: str) -> bool:
    return value in {*_LEVELS, "null", "none"} or re.fullmatch(r"[0-7]", value) is not None


_FORMS: Mapping[str, tuple[Callable[[str], object], str]] = {
    "BOOLEAN": (is_boolean, "write yes or no"),
    "SIZE": (_SIZE.fullmatch, "write a size such as 512M or 1G, without `i` and `B`"),
    "SECONDS": (lambda value: not wrong_span(value), "write a time such as 90s, 5min or 1h 30min"),
    "UNSIGNED": (re.compile(r"\+?(?:0[xob][0-9a-fA-F]+|\d+)").fullmatch, "write a number"),
    "MODE": (re.compile(r"[0-7]{1,5}").fullmatch, "write an octal mode such as 0755"),
    "LEVEL": (_is_level, f"write one of: {', '.join(_LEVELS)}"),
    "VLANID": (lambda value: value.isdecimal() and float(value) <= 4094, "write a number from 0 to 4094"),
}
"""A kind -> what says whether a value is good, and what to write in the place of another."""


def hint_for(kind: str, value: str) -> str:
    """What to write in the place of a value; empty if it is good, or if that is not certain.

    `kind` is that of the table, such as SIZE or `auto|none`. What `%`, `$` and
    `@NAME@` stand for is not known here.
    """
    if not value or is_filled_in(value) or re.fullmatch("@.*@", value):
        return ""
    if kind in _FORMS:
        is_good, hint = _FORMS[kind]
        return "" if is_good(value) else hint
    words = kind.split("|")
    if len(words) == 1 or value in words or ("BOOLEAN" in words and is_boolean(value)):
        return ""
    shown = [one for one in words if one != "BOOLEAN"]
    return did_you_mean(value, shown).strip(" ()") or f"write one of: {', '.join(shown)}"
