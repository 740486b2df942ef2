"""The program `ct`: its options, exit codes and reports.

Source: `internal/main.go` of coreos/container-linux-config-transpiler, Go's package `flag`.
"""

from __future__ import annotations

import sys
from typing import NamedTuple

from provision.config.reports.streams import reason_of
from transpiler.container_linux.report import ct_report
from transpiler.container_linux.sugar.dynamic_data import VARIABLES

_TRUE = {"1", "t", "T", "TRUE", "true", "True"}
_FALSE = {"0", "f", "F", "FALSE", "false", "False"}


class Flag(NamedTuple):
    """One option of ct."""

    name: str
    kind: type
    help: str


FLAGS = (
    Flag("files-dir", str, "Directory to read local files from."),
    Flag("help", bool, "Print help and exit."),
    Flag("in-file", str, "Path to the container linux config. Standard input unless specified otherwise."),
    Flag("out-file", str, "Path to the resulting Ignition config. Standard output unless specified otherwise."),
    Flag("platform", str, f"Platform to target. Accepted values: [{' '.join(VARIABLES)}]."),
    Flag("pretty", bool, "Indent the resulting Ignition config."),
    Flag("strict", bool, "Fail if any warnings are encountered."),
    Flag("version", bool, "Print the version and exit."),
)


class UsageError(Exception):
    """The command line is wrong; the message is Go's."""


def run_ct(arguments: list[str]) -> int:
    """Run ct with its arguments; returns its exit code."""
    try:
        given = parse_flags(arguments)
    except UsageError as error:
        print(f"{error}\n{usage()}" if str(error) else usage(), file=sys.stderr)
        return 2 if str(error) else 0
    if given.get("help") == "true":
        print(usage(), file=sys.stderr)
        return 0
    if given.get("version") == "true":
        from provision import __version__

        print(f"ct {__version__}")
        return 0
    return _translate(given)


def parse_flags(arguments: list[str]) -> dict[str, str]:
    """The values of the options; those of switches are `true` or `false`. Raises UsageError, without text for -h."""
    given: dict[str, str] = {}
    waiting = arguments[::-1]
    while waiting:
        argument = waiting.pop()
        if not argument.startswith("-") or argument in {"-", "--"}:
            break
        name, equals, value = argument.removeprefix("-").removeprefix("-").partition("=")
        if not name or name.startswith("-"):
            raise UsageError(f"bad flag syntax: {argument}")
        flag = next((flag for flag in FLAGS if flag.name == name), None)
        if flag is None:
            raise UsageError("" if name == "h" else f"flag provided but not defined: -{name}")
        if flag.kind is bool:
            value = value if equals else "true"
            if value not in _TRUE | _FALSE:
                raise UsageError(f'invalid boolean value "{value}" for -{name}: parse error')
            given[name] = "true" if value in _TRUE else "false"
        elif equals or waiting:
            given[name] = value if equals else waiting.pop()
        else:
            raise UsageError(f"flag needs an argument: -{name}")
    return given


def usage() -> str:
    """The usage text as Go prints it."""
    lines = [f"Usage of {sys.argv[0]}:"]
    for flag in FLAGS:
        lines += [f"  -{flag.name}{'' if flag.kind is bool else ' string'}", f"    \t{flag.help}"]
    return "\n".join(lines)


def _translate(given: dict[str, str]) -> int:
    from transpiler.phases import result_of, run
    from transpiler.reading.local_files import FilesDirectory
    from transpiler.reading.tree import read_input
    from transpiler.translation_state import TranspileOptions

    name = given.get("in-file", "")
    try:
        raw = read_input(name)
    except OSError as error:
        verb = "read" if not name or isinstance(error, IsADirectoryError) else "open"
        print(f"Failed to {verb}: {verb} {name or '/dev/stdin'}: {reason_of(error)}", file=sys.stderr)
        return 1
    files = FilesDirectory(given.get("files-dir", ""))
    platform = given.get("platform", "")
    work = run(raw, TranspileOptions(files, butane_paths=True, platform=platform, container_linux=True))
    strict, pretty = given.get("strict") == "true", given.get("pretty") == "true"
    sys.stderr.write(ct_report(work, strict=strict))
    sys.stderr.flush()
    result = result_of(work, name, strict=strict, pretty=pretty)
    if result.failed:
        return 1
    return _deliver(result.json + ("\n" if pretty else ""), given.get("out-file", ""))


def _deliver(text: str, name: str) -> int:
    if not name:
        sys.stdout.buffer.write(text.encode("utf-8", "replace"))
        return 0
    from transpiler.commands.output import OutputFailed, write_output

    try:
        write_output(name, text)
    except OutputFailed as failed:
        print(f"Failed to create: {str(failed).partition(': ')[2]}", file=sys.stderr)
        return 1
    return 0
