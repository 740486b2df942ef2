"""`transpile convert`: a config in another version of the format, or as YAML for authors."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from provision.config.problems import Problem
    from transpiler.convert.inputs import ConvertInput, ReadOptions
    from transpiler.convert.targets import Target

DESCRIPTION = """\
Convert an Ignition config (JSON) of any version, a Container Linux Config, or a cloud-config of CoreOS (YAML), to
another version of Ignition's format, or to Butane YAML, with the comments of the source. What the result cannot say is
named with its place, and then nothing is written. Warnings say what means something else in the result.

  transpile convert old.ign > new.ign
  transpile convert --to 3.2 config.ign
  transpile convert --to 2.4 config.ign
  transpile convert --lowest config.ign
  transpile convert --to fcos config.ign > config.bu
  transpile convert --to flatcar --platform ec2 container-linux-config.yaml > config.bu
  transpile convert --to fcos --address private_ipv4=10.0.0.5 cloud-config.yaml > config.bu
  transpile convert --mount data=/var/lib/data old.ign

Exit status: 0 converted; 1 the config has errors, or something would be lost; 2 wrong usage.
"""


def command_line() -> argparse.ArgumentParser:
    """The parser of `transpile convert`. Tests compare the man page and the completions with it."""
    from provision.config.reports.command_line import CommandLine

    parser = CommandLine(prog="transpile convert", description=DESCRIPTION)
    parser.add_argument("file", nargs="?", default="-", metavar="FILE", help="the config; - is standard input")
    parser.add_argument(
        "--to",
        metavar="FORM",
        default="",
        help="a version (3.0 to 3.7, 2.2 to 2.4), or a variant of Butane (fcos, flatcar, fcos-1.5.0); default: the "
        "newest version",
    )
    parser.add_argument(
        "--lowest", action="store_true", help="the lowest version 3.x, or version of the variant, that can say all"
    )
    parser.add_argument(
        "--mount",
        metavar="NAME=PATH",
        action="append",
        default=[],
        help="where a file system of a config 2.x is mounted",
    )
    parser.add_argument("-d", "--files-dir", metavar="DIR", default="", help="where local files of a YAML config are")
    parser.add_argument(
        "--platform", metavar="NAME", default="", help="platform whose metadata a Container Linux Config uses"
    )
    parser.add_argument(
        "--dialect", choices=("coreos", "flatcar"), default="", help="dialect of a Container Linux Config"
    )
    parser.add_argument(
        "--address",
        metavar="NAME=ADDRESS",
        action="append",
        default=[],
        help="what replaces an address of the machine in a cloud-config, such as $private_ipv4",
    )
    parser.add_argument("--allow-loss", action="store_true", help="write the result even if something is lost")
    parser.add_argument("-p", "--pretty", action="store_true", help="indent the resulting JSON")
    parser.add_argument("-o", "--output", metavar="FILE", help="write to a file instead of standard output")
    return parser


def convert_command(arguments: Sequence[str]) -> int:
    """Convert a config. Returns the exit status; raises OutputFailed."""
    from provision.config.machine_addresses import NAMES
    from provision.config.reports.did_you_mean import did_you_mean
    from provision.config.reports.findings import escaped
    from provision.config.reports.streams import reason_of
    from transpiler.convert.inputs import ReadOptions, read_source
    from transpiler.convert.targets import target, target_names
    from transpiler.reading.tree import read_input

    parser = command_line()
    given = parser.parse_args(arguments)
    wanted = target(given.to, is_lowest=given.lowest)
    if wanted is None and given.lowest and target(given.to):
        parser.error("--lowest chooses the version itself: leave out the version after --to")
    if wanted is None:
        near = did_you_mean(given.to, target_names())
        parser.error(f"cannot convert to {given.to!r}{near}; --to takes {', '.join(target_names())}")
    mounts = dict(one.partition("=")[::2] for one in given.mount)
    if not all(name and path.startswith("/") for name, path in mounts.items()):
        parser.error("--mount takes NAME=PATH, with an absolute path")
    addresses = _addresses(given.address)
    if addresses is None:
        parser.error(f"--address takes NAME=ADDRESS, with the name {', '.join(NAMES)}")
    try:
        source = "" if given.file == "-" else given.file
        raw = read_input(source)
    except OSError as error:
        print(f"{escaped(given.file)}: error: cannot be read: {reason_of(error)}", file=sys.stderr)
        return 1
    name = "<stdin>" if given.file == "-" else given.file
    options = ReadOptions(mounts, given.files_dir, given.platform, given.dialect, addresses, {source})
    return _convert(read_source(name, raw, options), wanted, given, options)


def _addresses(given: Sequence[str]) -> dict[str, str] | None:
    """The addresses by their names; None if one is not an address of that kind."""
    from ipaddress import ip_address

    from provision.config.machine_addresses import NAMES

    addresses = dict(one.removeprefix("$").partition("=")[::2] for one in given)
    try:
        fitting = all(name in NAMES and ip_address(one).version == int(name[-1]) for name, one in addresses.items())
    except ValueError:
        return None
    return addresses if fitting else None


def _convert(source: ConvertInput, target: Target, given: argparse.Namespace, options: ReadOptions) -> int:
    from provision.config.reports.findings import escaped
    from transpiler.commands.output import write_output

    if source.config is None:
        _show(source, source.problems)
        return 1
    written = target(source, 2 * given.pretty)
    problems = [*source.problems, *written.losses]
    if given.allow_loss:
        problems = [one._replace(fatal=False) for one in problems]
    _show(source, problems)
    if any(one.fatal for one in problems):
        print(f"{escaped(source.name)}: not converted; --allow-loss converts the rest", file=sys.stderr)
        return 1
    text = written.text if written.text.endswith("\n") else f"{written.text}\n"
    if given.output:
        write_output(given.output, text, options.files_read or ())
    else:
        sys.stdout.buffer.write(text.encode("utf-8", "replace"))
    return 0


def _show(source: ConvertInput, problems: Sequence[Problem]) -> None:
    from provision.config.reports.text import as_text, takes_colour

    if problems:
        found = source.findings(tuple(problems))
        sys.stderr.write(as_text(found, excerpts=sys.stderr.isatty(), color=takes_colour(sys.stderr)))
        sys.stderr.flush()
