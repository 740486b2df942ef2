"""`transpile diff A B`: what changes between two configs, YAML or JSON."""

from __future__ import annotations

import argparse
import sys

from provision.config.model import masked
from transpiler.commands.options import add_value_options
from transpiler.commands.settings import SettingsError, settings_here, values_given

DESCRIPTION = """\
Show which entries two configs add, remove and change: files with their contents, units, users, disks. Each is a
config in YAML, or its JSON result. The order of entries, comments, sugar and the encoding of contents do not count.
Hashes, keys, and contents that not every user of the machine may read are compared, but not shown.

  transpile diff old.bu new.bu
  transpile diff --exit-code site.bu site.ign
  git difftool --no-prompt --extcmd 'transpile diff -d .' HEAD~ -- site.bu

Exit status: 0 success; 1 there are differences, with --exit-code; 2 a config has errors, or the command line is wrong.
"""


def command_line() -> argparse.ArgumentParser:
    """The parser of `transpile diff`. Tests compare the man page and the completions with it."""
    from provision.config.reports.command_line import CommandLine

    parser = CommandLine(prog="transpile diff", description=DESCRIPTION)
    parser.add_argument("before", metavar="A", help="the old config")
    parser.add_argument("after", metavar="B", help="the new config")
    parser.add_argument("-d", "--files-dir", metavar="DIR", help="where local files are (default: beside each config)")
    add_value_options(parser)
    parser.add_argument("--exit-code", action="store_true", help="exit with 1 if there are differences")
    return parser


def diff(arguments: list[str]) -> int:
    """Run the command; returns its exit status. Raises SystemExit(2) for wrong usage."""
    given = command_line().parse_args(arguments)
    from transpiler.authoring.compare import as_lines, config_changes
    from transpiler.commands.given_config import given_config
    from transpiler.composition.values import ValuesError
    from transpiler.translation_state import TranspileOptions

    try:
        lists = {"var": given.var, "vars-file": given.vars_file, "secrets-file": given.secrets_file}
        values = values_given(lists, settings_here(), without_secrets=True)._replace(given=frozenset())
    except (SettingsError, ValuesError) as wrong:
        print(wrong, file=sys.stderr)
        return 2
    options = TranspileOptions(files_dir=given.files_dir, values=values)
    before, after = (given_config(name, options) for name in (given.before, given.after))
    if before is None or after is None:
        return 2
    found = config_changes(before.config, after.config)
    shown = masked(as_lines(found), values.known_secrets())
    sys.stdout.buffer.write(shown.encode("utf-8", "backslashreplace"))
    return int(given.exit_code and bool(found))
