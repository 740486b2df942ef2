"""Read the config that `explain` and `diff` were given, and print why there is none."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from transpiler.composition.values import Values
    from transpiler.result import Result


def read_given(name: str) -> bytes | None:
    """The bytes of a file, or of standard input for `-`; None if it cannot be read, which is printed."""
    from provision.config.reports.findings import escaped
    from provision.config.reports.streams import reason_of
    from transpiler.reading.tree import read_input

    try:
        return read_input("" if name == "-" else name)
    except OSError as error:
        print(f"{escaped(name)}: error: cannot be read: {reason_of(error)}", file=sys.stderr)
        return None


def translated(raw: bytes, name: str, files_dir: str | None, values: Values) -> Result | None:
    """The result for a config in YAML, never a MachineConfig; None if it has errors, which are printed."""
    from provision.config.reports.text import as_text
    from transpiler.phases import transpile
    from transpiler.translation_state import TranspileOptions

    shown, directory = "<stdin>" if name == "-" else name, files_dir or os.path.dirname(name) or "."
    options = TranspileOptions(name=shown, files_dir=directory, raw=True, lints=False, values=values)
    result = transpile(raw, options)
    if result.config is None:
        explained = transpile(raw, options._replace(lints=True)).findings()
        sys.stderr.write(as_text([one for one in explained if one.problem.fatal], excerpts=True, color=False))
        return None
    return result
