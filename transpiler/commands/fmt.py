"""`transpile fmt`: write configs in their canonical form."""

from __future__ import annotations

import argparse
import os
import stat
import sys
from collections.abc import Sequence

DESCRIPTION = """\
Write configs in one form, in place: two blanks for each level, one after `-` and `:`, at most one empty line, `true`
and `false` for other words of YAML 1.1, modes as 0644. Comments, quotes and the order of keys stay, and so does the
result of `transpile`. Without PATH, or with `-`, read a config from standard input and write it to standard output.

  transpile fmt .
  transpile fmt --check configs/
  transpile fmt --diff site.bu
  transpile fmt < site.bu

Exit status: 0 success; 1 a text is not YAML or cannot be read, or --check or --diff finds a change; 2 wrong usage, or
no configs found.
"""


def command_line() -> argparse.ArgumentParser:
    """The parser of `transpile fmt`. Tests compare the man page and the completions with it."""
    from provision.config.reports.command_line import CommandLine
    from transpiler.commands.options import add_path_options

    parser = CommandLine(prog="transpile fmt", description=DESCRIPTION)
    add_path_options(parser, nargs="*")
    parser.add_argument("--check", action="store_true", help="only name the files that would change")
    parser.add_argument("--diff", action="store_true", help="only show what would change")
    return parser


def fmt(arguments: list[str]) -> int:
    """Run the command; returns its exit status. Raises SystemExit(2) for wrong usage."""
    from transpiler.commands.find_configs import find_configs
    from transpiler.commands.settings import SettingsError, settings_here

    parser = command_line()
    given = parser.parse_args(arguments)
    if given.paths in ([], ["-"]):
        return _format([""], given)
    try:
        names, left_out = find_configs(given.paths, (*settings_here().exclude, *given.exclude))
    except (FileNotFoundError, SettingsError) as error:
        parser.error(str(error))
    if not names and not left_out:
        parser.error(f"no configs in {' '.join(given.paths)}")
    return _format(names, given)


def _format(names: Sequence[str], given: argparse.Namespace) -> int:
    """Format files; the name "" is standard input, and is written to standard output. Returns the exit status."""
    from provision.config.reports.findings import escaped
    from transpiler.authoring.formatted import formatted
    from transpiler.commands.fix_many import FixedFile
    from transpiler.commands.output import OutputFailed, replace_text
    from transpiler.phases import transpile
    from transpiler.translation_state import TranspileOptions

    failed, changed = False, 0
    for name in names:
        shown = escaped(name) or "<stdin>"
        raw = _read(name, shown)
        made = formatted(raw) if raw is not None else None
        if raw is None or made is None:
            failed = True
            continue
        if made.invalid:
            failed = True
            print(transpile(raw, TranspileOptions(name=shown)).render(), end="", file=sys.stderr)
        elif made.reason:
            print(f"{shown}: warning: not formatted: {made.reason}", file=sys.stderr)
        changed += made.raw != raw
        if given.diff:
            _print(FixedFile(shown, raw, made.raw, 1).diff().encode("utf-8", "backslashreplace"))
        elif given.check:
            _print(f"{shown}\n".encode() if made.raw != raw else b"")
        elif not name:
            _print(made.raw)
        elif made.raw != raw:
            try:
                replace_text(name, raw, made.raw)
            except OutputFailed as error:
                failed = True
                print(error, file=sys.stderr)
    return int(failed or (changed > 0 and (given.check or given.diff)))


def _read(name: str, shown: str) -> bytes | None:
    """The bytes of a file; None if it cannot be read, which is printed."""
    from provision.config.reports.streams import reason_of
    from transpiler.reading.tree import read_input

    try:
        if name and stat.S_ISFIFO(os.stat(name).st_mode):
            print(f"{shown}: error: cannot be read: it is a named pipe", file=sys.stderr)
            return None
        return read_input(name)
    except OSError as error:
        print(f"{shown}: error: cannot be read: {reason_of(error)}", file=sys.stderr)
        return None


def _print(text: bytes) -> None:
    sys.stdout.buffer.write(text)
