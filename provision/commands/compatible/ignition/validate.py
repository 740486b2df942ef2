"""`ignition-validate`: Ignition's validator, with its arguments, its report on standard output and its exit codes."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from provision.config.validate import validate


def ignition_validate(argv: Sequence[str]) -> int:
    """Validate a config. Returns Ignition's exit codes: 0 if it is valid, 1 if not, 2 for an unknown option.

    Ignition uses its report as a format string, which garbles a `%` in a key; this program prints the `%`.
    """
    names = [argument for argument in argv if argument == "-" or not argument.startswith("-")]
    flags = [argument for argument in argv if argument not in names]
    if flags and flags[0].lstrip("-") == "version":
        from provision import __version__

        print(f"Ignition {__version__}")
        return 0
    if not flags and len(names) == 1:
        return _validate_classic(names[0])
    help_wanted = bool(flags) and flags[0].lstrip("-") in {"h", "help"}
    if flags and not help_wanted:
        print(f"flag provided but not defined: -{flags[0].lstrip('-')}", file=sys.stderr)
    print(_USAGE, file=sys.stderr)
    return 0 if help_wanted else 2 if flags else 1


_USAGE = """Usage:
  ignition-validate [flags] config.ign

  -version
    \tprint the version of ignition-validate"""


def _validate_classic(name: str) -> int:
    try:
        text = sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
    except OSError as error:
        step = "read" if isinstance(error, IsADirectoryError) else "open"
        print(f"couldn't read config: {step} {name}: {(error.strerror or '').lower()}", file=sys.stderr)
        return 1
    validation = validate(text)
    if validation.problems:
        from provision.config.reports.ignition_report import ignition_report

        sys.stdout.write(ignition_report(text, validation))
    elif validation.error:
        print(f"couldn't parse config: {validation.error}", file=sys.stderr)
    return int(bool(validation.error))
