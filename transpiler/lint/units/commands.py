"""Commands of services, such as `ExecStart=`: their quotes, and signs of a shell. Source: systemd.service(5)."""

from __future__ import annotations

import re

_QUOTED = re.compile(r"""\\.|"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'""", re.DOTALL)

_SIGN = re.compile(r"(?<!\S)(?:\|\|?|&&?|[0-9&]?>>?(?:/\S*|&\d)?|<<?)(?!\S)")
"""A sign of a shell that is a word of its own, or that begins a word such as `2>&1` and `>/dev/null`."""

_TEMPLATE = re.compile(r"\{\{|\{%|\$\{[^}]*[\"']")
"""Texts of templates, which may have quotes of their own."""


def wrong_command(value: str) -> tuple[str, str, str] | None:
    """What is wrong in a command line: a rule, a message and a hint. systemd starts the program without a shell."""
    if _TEMPLATE.search(value):
        return None
    rest = _QUOTED.sub("_", value)
    if '"' in rest or "'" in rest:
        return (
            "unit-value",
            "systemd refuses this command: a quote is not closed",
            "close the quote, or write \\ before it",
        )
    sign = _SIGN.search(rest)
    if sign:
        message = f"systemd gives `{sign[0]}` to the program as an argument, because it starts no shell"
        return "shell-syntax", message, "write /bin/sh -c '...' around the command"
    return None
