"""`transpile explain`: what a machine will have by a config, and where each part comes from."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from provision.config.model import masked
from transpiler.commands.options import add_value_options
from transpiler.commands.settings import SettingsError, settings_here, values_given

if TYPE_CHECKING:
    from transpiler.authoring.explanation import MachinePart
    from transpiler.authoring.user_data_limits import Fit
    from transpiler.result import Result

DESCRIPTION = """\
Show what a machine will have: disks, file systems, accounts, files, units and kernel arguments, each with the line of
the config that it comes from, and what sugar has made. The last lines compare the size of the JSON with the largest
user data of platforms. WHAT selects entries: a path of the machine, the name of an entry, a kind such as `unit`, or a
path of the config such as `storage.files`; for them, the fields that have their defaults are listed too. Contents and
hashes are not shown.

  transpile explain site.bu
  transpile explain site.bu /etc
  transpile explain --json site.bu unit

Exit status: 0 success; 1 no entry is selected; 2 the config has errors, or the command line is wrong.
"""


def command_line() -> argparse.ArgumentParser:
    """The parser of `transpile explain`. Tests compare the man page and the completions with it."""
    from provision.config.reports.command_line import CommandLine

    parser = CommandLine(prog="transpile explain", description=DESCRIPTION)
    parser.add_argument("config", metavar="FILE", help="the config; `-` is standard input")
    parser.add_argument("what", metavar="WHAT", nargs="?", help="show only these entries")
    parser.add_argument("-d", "--files-dir", metavar="DIR", help="where local files are (default: beside the config)")
    add_value_options(parser)
    parser.add_argument("--json", action="store_true", help="write JSON, for programs")
    return parser


def explain(arguments: list[str]) -> int:
    """Run the command; returns its exit status. Raises SystemExit(2) for wrong usage."""
    given = command_line().parse_args(arguments)
    from transpiler.authoring.explanation import entries, matching
    from transpiler.commands.given_config import ConfigRefused, read_given, translated
    from transpiler.composition.values import ValuesError
    from transpiler.translation_state import TranspileOptions

    try:
        lists = {"var": given.var, "vars-file": given.vars_file, "secrets-file": given.secrets_file}
        settings = settings_here()
        values = values_given(lists, settings, without_secrets=True)._replace(given=frozenset())
    except (SettingsError, ValuesError) as wrong:
        print(wrong, file=sys.stderr)
        return 2
    options = TranspileOptions(files_dir=given.files_dir or settings.files_dir, values=values)
    try:
        result = translated(read_given(given.config), given.config, options)
    except ConfigRefused as refused:
        sys.stderr.write(refused.report)
        return 2
    found = entries(result)
    if given.what is not None:
        found = matching(found, given.what)
        if not found:
            from provision.config.reports.findings import escaped

            print(f"the config has no entry {escaped(given.what)}, and none below it", file=sys.stderr)
            return 1
    if given.json:
        from transpiler.commands.json_report import print_json

        print_json(as_document(found, result, given.config), values.known_secrets())
        return 0
    shown = _as_text(found, result, whole=given.what is None)
    sys.stdout.buffer.write(masked(shown, values.known_secrets()).encode("utf-8", "backslashreplace"))
    return 0


def _as_text(found: Sequence[MachinePart], result: Result, *, whole: bool) -> str:
    return "".join(f"{line}\n" for line in _lines(found, result, whole=whole))


def _lines(found: Sequence[MachinePart], result: Result, *, whole: bool) -> Iterator[str]:
    """A table for each kind of entry, then the sizes."""
    from provision.config.reports.findings import escaped

    for kind in dict.fromkeys(one.kind for one in found):
        parts = [one for one in found if one.kind == kind]
        rows = [(escaped(one.name), escaped(one.details), _place(one, result), _sugar(one)) for one in parts]
        widths = [max(len(row[column]) for row in rows) for column in range(3)]
        yield kind
        for part, row in zip(parts, rows, strict=True):
            cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=False)]
            yield f"  {'  '.join((*cells, row[3]))}".rstrip()
            if part.defaults and not whole:
                yield f"    by default: {', '.join(f'{field} {value}' for field, value in part.defaults)}"
    limits = _limits(result) if whole else []
    if limits:
        yield f"size: {len(result.json.encode())} bytes of JSON"
    for one in limits:
        size = len(result.json.encode())
        verdict = f"fits ({100 * size // one.limit} %)" if one.fits else f"is {size - one.limit} bytes too large"
        yield f"  {one.platform:<12}  {one.limit:>6}  {verdict}"
    if not all(one.fits for one in limits):
        yield "`transpile pack --platform NAME` makes it smaller"


def _limits(result: Result) -> list[Fit]:
    """Whether the JSON can be user data, for each platform; empty for what becomes a MachineConfig."""
    from transpiler.authoring.user_data_limits import fits

    return [] if result.cluster_config is not None else fits(len(result.json.encode()))


def _place(one: MachinePart, result: Result) -> str:
    """The place as `file:line:column`; empty if it is not known."""
    from provision.config.reports.findings import escaped

    if one.at is None:
        return ""
    name = result.text.others[one.file].name if one.file in result.text.others else result.text.name
    return f"{escaped(name)}:{one.at.line}:{one.at.column}"


def _sugar(one: MachinePart) -> str:
    """What sugar has made of an entry."""
    from provision.config.problems import dotted

    if one.sugar:
        return f"made of {dotted(one.source)}"
    fields: dict[str, list[str]] = {}
    for field, source in one.made:
        short = source[len(one.source) :] if source[: len(one.source)] == one.source else source
        fields.setdefault(dotted(short), []).append(field)
    return "; ".join(f"{', '.join(names)} made of {source}" for source, names in fields.items())


def as_document(found: Sequence[MachinePart], result: Result, name: str) -> dict[str, Any]:
    """What `--json` writes, for a config with this name."""
    from provision.config.model import VERSIONS
    from provision.config.problems import dotted

    return {
        "config": name,
        "version": None if result.spec_minor is None else VERSIONS[result.spec_minor],
        "bytes": len(result.json.encode()),
        "limits": [one._asdict() for one in _limits(result)],
        "entries": [
            {
                "kind": one.kind,
                "name": one.name,
                "details": one.details,
                "place": _place(one, result) or None,
                "path": dotted(one.source),
                "sugar": one.sugar,
                "made": [{"field": field, "of": dotted(source)} for field, source in one.made],
                "defaults": dict(one.defaults),
            }
            for one in found
        ],
    }
