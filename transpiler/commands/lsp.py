"""`transpile lsp`: the language server, which an editor starts."""

from __future__ import annotations

import argparse
import os
import sys
from typing import TYPE_CHECKING

from provision.config.reports.streams import reason_of

if TYPE_CHECKING:
    from transpiler.editor.server import FileSettings

DESCRIPTION = """\
Check configs while they are typed. An editor starts this command and speaks the Language Server Protocol with it on
standard input and output: diagnostics, completion, descriptions, fixes, definitions, outline, folding and renaming.

It needs pygls: pip install 'firstboot-provision[lsp]'

Settings are read from .transpile.toml, or from the table [tool.transpile] of pyproject.toml, above each config.
"""

MISSING = "transpile lsp: pygls 2 is not installed; install it with: pip install 'firstboot-provision[lsp]'"


def command_line() -> argparse.ArgumentParser:
    """The parser of `transpile lsp`. Tests compare the man page and the completions with it."""
    from provision.config.reports.command_line import CommandLine

    parser = CommandLine(prog="transpile lsp", description=DESCRIPTION)
    parser.add_argument("--stdio", action="store_true", help="use standard input and output, as it always does")
    return parser


def lsp(arguments: list[str]) -> int:
    """Run the command; returns its exit status. Raises SystemExit(2) for wrong usage."""
    parser = command_line()
    parser.parse_args(arguments)
    try:
        from transpiler.commands.fragments import whole_config
        from transpiler.editor.server import serve
    except ImportError:
        print(MISSING, file=sys.stderr)
        return 1
    if sys.stdin.isatty():
        parser.error("an editor starts this command; see the guide for the settings of editors")
    try:
        return serve(_settings_for, whole_config)
    except OSError as error:
        print(f"transpile lsp: the connection to the editor is broken: {reason_of(error)}", file=sys.stderr)
        return 1
    except MemoryError:
        print("transpile lsp: a message of the editor is too large for this machine", file=sys.stderr)
        return 1


def _settings_for(folder: str) -> FileSettings:
    """The settings for configs in a directory; the defaults if a file of settings has errors, which are printed."""
    from transpiler.commands.settings import SettingsError, release_given, settings_above, values_given
    from transpiler.composition.values import ValuesError
    from transpiler.editor.server import FileSettings

    try:
        found = settings_above(folder)
        release = release_given(found.target)
        values = values_given({"var": (), "vars-file": (), "secrets-file": ()}, found, without_secrets=True)
    except (SettingsError, ValuesError) as wrong:
        print(f"transpile lsp: {wrong}", file=sys.stderr)
        return FileSettings()
    files = frozenset(os.path.realpath(one) for one in (found.vars_file, found.secrets_file) if one)
    return FileSettings(found.files_dir or "", found.ignore, values, release, files)
