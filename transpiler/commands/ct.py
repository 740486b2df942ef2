"""The program `ct`: its options, exit codes and reports.

Source: `internal/main.go` of coreos/container-linux-config-transpiler, Go's package `flag`.
"""

from __future__ import annotations

import sys

from provision.config.reports.go_flags import Flag, FlagError, parse_flags, usage
from provision.config.reports.streams import reason_of
from transpiler.container_linux.report import ct_report
from transpiler.container_linux.sugar.dynamic_data import VARIABLES

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


def run_ct(arguments: list[str]) -> int:
    """Run ct with its arguments; returns its exit code."""
    try:
        given = parse_flags(arguments, FLAGS)
    except FlagError as error:
        print(f"{error}\n{usage(sys.argv[0], FLAGS)}" if str(error) else usage(sys.argv[0], FLAGS), file=sys.stderr)
        return 2 if str(error) else 0
    if given.get("help") == "true":
        print(usage(sys.argv[0], FLAGS), file=sys.stderr)
        return 0
    if given.get("version") == "true":
        from provision import __version__

        print(f"ct {__version__}")
        return 0
    return _translate(given)


def _translate(given: dict[str, str]) -> int:
    from transpiler.phases import run
    from transpiler.reading.tree import read_input
    from transpiler.result import result_of
    from transpiler.translation_state import TranspileOptions

    name = given.get("in-file", "")
    try:
        raw = read_input(name)
    except OSError as error:
        verb = "read" if not name or isinstance(error, IsADirectoryError) else "open"
        print(f"Failed to {verb}: {verb} {name or '/dev/stdin'}: {reason_of(error)}", file=sys.stderr)
        return 1
    files_read = {name}
    options = TranspileOptions(
        name=name,
        files_dir=given.get("files-dir", ""),
        strict=given.get("strict") == "true",
        pretty=given.get("pretty") == "true",
        butane_paths=True,
        platform=given.get("platform", ""),
        container_linux=True,
        files_read=files_read,
    )
    work = run(raw, options)
    sys.stderr.write(ct_report(work, strict=options.strict))
    sys.stderr.flush()
    result = result_of(work)
    if result.failed:
        return 1
    return _deliver(result.json + ("\n" if options.pretty else ""), given.get("out-file", ""), files_read)


def _deliver(text: str, name: str, sources: set[str]) -> int:
    if not name:
        sys.stdout.buffer.write(text.encode("utf-8", "replace"))
        return 0
    from transpiler.commands.output import OutputFailed, write_output

    try:
        write_output(name, text, sources)
    except OutputFailed as failed:
        print(f"Failed to create: {str(failed).partition(': ')[2]}", file=sys.stderr)
        return 1
    return 0
