"""Command lines by the rules of Go's package flag (https://pkg.go.dev/flag), for programs that were written in Go."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

_TRUE = {"1", "t", "T", "TRUE", "true", "True"}
_FALSE = {"0", "f", "F", "FALSE", "false", "False"}


class Flag(NamedTuple):
    """One option: its name, bool for a switch or str, and its line in the usage text."""

    name: str
    kind: type
    help: str


class FlagError(Exception):
    """The command line is wrong; the message is Go's."""


def parse_flags(arguments: Sequence[str], flags: Sequence[Flag]) -> dict[str, str]:
    """The values of the options; those of switches are `true` or `false`. Raises FlagError, without text for -h."""
    given: dict[str, str] = {}
    waiting = [*arguments][::-1]
    while waiting:
        argument = waiting.pop()
        if not argument.startswith("-") or argument in {"-", "--"}:
            break
        name, equals, value = argument.removeprefix("-").removeprefix("-").partition("=")
        if not name or name.startswith("-"):
            raise FlagError(f"bad flag syntax: {argument}")
        flag = next((flag for flag in flags if flag.name == name), None)
        if flag is None:
            raise FlagError("" if name == "h" else f"flag provided but not defined: -{name}")
        if flag.kind is bool:
            value = value if equals else "true"
            if value not in _TRUE | _FALSE:
                raise FlagError(f'invalid boolean value "{value}" for -{name}: parse error')
            given[name] = "true" if value in _TRUE else "false"
        elif equals or waiting:
            given[name] = value if equals else waiting.pop()
        else:
            raise FlagError(f"flag needs an argument: -{name}")
    return given


def usage(program: str, flags: Sequence[Flag]) -> str:
    """The usage text as Go prints it."""
    lines = [f"Usage of {program}:"]
    for flag in flags:
        lines += [f"  -{flag.name}{'' if flag.kind is bool else ' string'}", f"    \t{flag.help}"]
    return "\n".join(lines)
