"""`transpile convert`: a config in another version of the format."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from provision.config.problems import Problem

DESCRIPTION = """\
Convert an Ignition config (JSON) of any version to a version 3.x. What the new version cannot say is named with its
place, and then nothing is written. Warnings say what means something else in the new version.

  transpile convert old.ign > new.ign
  transpile convert --to 3.2 config.ign
  transpile convert --lowest config.ign
  transpile convert --mount data=/var/lib/data old.ign

Exit status: 0 converted; 1 the config has errors, or something would be lost; 2 wrong usage.
"""


def command_line() -> argparse.ArgumentParser:
    """The parser of `transpile convert`. Tests compare the man page and the completions with it."""
    from provision.config.reports.command_line import CommandLine

    parser = CommandLine(
        prog="transpile convert",
        description=DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("file", nargs="?", default="-", metavar="FILE", help="the config; - is standard input")
    target = parser.add_mutually_exclusive_group()
    target.add_argument("--to", metavar="VERSION", default="", help="version of the result (default: the newest)")
    target.add_argument("--lowest", action="store_true", help="the lowest version 3.x that can say all of it")
    parser.add_argument(
        "--mount",
        metavar="NAME=PATH",
        action="append",
        default=[],
        help="where a file system of a config 2.x is mounted",
    )
    parser.add_argument("--allow-loss", action="store_true", help="write the result even if something is lost")
    parser.add_argument("-p", "--pretty", action="store_true", help="indent the result")
    parser.add_argument("-o", "--output", metavar="FILE", help="write to a file instead of standard output")
    return parser


def convert_command(arguments: Sequence[str]) -> int:
    """Convert a config. Returns the exit status; raises OutputFailed."""
    from provision.config.reports.findings import escaped
    from provision.config.reports.streams import reason_of
    from transpiler.reading.tree import read_input

    parser = command_line()
    given = parser.parse_args(arguments)
    version = _version(given.to)
    if version is None:
        parser.error(f"unknown version {given.to!r} (known: {', '.join(_versions())})")
    mounts = dict(one.partition("=")[::2] for one in given.mount)
    if not all(name and path.startswith("/") for name, path in mounts.items()):
        parser.error("--mount takes NAME=PATH, with an absolute path")
    try:
        raw = read_input("" if given.file == "-" else given.file)
    except OSError as error:
        print(f"{escaped(given.file)}: {reason_of(error)}", file=sys.stderr)
        return 1
    name = "<stdin>" if given.file == "-" else given.file
    return _convert(raw, name, version, mounts, given)


def _convert(raw: bytes, name: str, version: int, mounts: dict[str, str], given: argparse.Namespace) -> int:
    from provision.config.reports.findings import escaped
    from provision.config.sniffing import is_yaml
    from provision.config.validate import validate
    from transpiler.commands.output import write_output
    from transpiler.convert.versions import lowest, write

    if is_yaml(raw):
        print(f"{escaped(name)}: this is not JSON; convert what transpile makes of it", file=sys.stderr)
        return 1
    validation = validate(raw)
    config = validation.config
    if config is None:
        _show(name, raw, validation.problems or (Problem((), validation.error),))
        return 1
    problems = list(validation.problems)
    if config.older is not None:
        from transpiler.convert.from_old import for_authors

        authored = for_authors(config.older, mounts)
        config = authored.config
        problems += [one._replace(path=validation.written_path(one.path)) for one in authored.problems]
    written = lowest(config, 2 if given.pretty else 0) if given.lowest else write(config, version, 2 * given.pretty)
    problems += [one._replace(path=validation.path_in_text(one.path)) for one in written.losses]
    if given.allow_loss:
        problems = [one._replace(fatal=False) for one in problems]
    _show(name, raw, problems)
    if any(one.fatal for one in problems):
        print(f"{escaped(name)}: not converted; --allow-loss converts the rest", file=sys.stderr)
        return 1
    if given.output:
        write_output(given.output, written.text + "\n")
    else:
        sys.stdout.buffer.write(written.text.encode("utf-8", "replace") + b"\n")
    return 0


def _show(name: str, raw: bytes, problems: Sequence[Problem]) -> None:
    from provision.config.reports.findings import findings
    from provision.config.reports.text import as_text, takes_colour

    if problems:
        text = as_text(findings(name, raw, problems), excerpts=sys.stderr.isatty(), color=takes_colour(sys.stderr))
        sys.stderr.write(text)
        sys.stderr.flush()


def _versions() -> tuple[str, ...]:
    from provision.config.model import VERSIONS

    return VERSIONS


def _version(text: str) -> int | None:
    """The index of a version written as `3.2` or `3.2.0`; the newest stable one for an empty text."""
    from transpiler.convert.versions import NEWEST_STABLE

    if not text:
        return NEWEST_STABLE
    known = {version: index for index, version in enumerate(_versions())}
    return known.get(text, known.get(f"{text}.0"))
