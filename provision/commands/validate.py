"""Report every problem of configs, with its place and a hint.

Nothing is fetched: configs that are named by URL are validated by the machine, or by `plan`. The rules are those of the
machine. Started as `ignition-validate`, this program takes the arguments of Ignition's validator.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from provision.commands.given_config import read_text, validate_given
from provision.config.problems import Problem, count_of
from provision.config.reports.findings import Finding, escaped
from provision.config.reports.formats import FileResult, as_github, as_json, as_junit, as_sarif
from provision.config.reports.text import as_text, takes_colour
from provision.failures import Failure

if TYPE_CHECKING:
    import argparse


NAME = "validate"

HELP = "check configs and report every problem"

EPILOG = """\
examples:
  provision validate site.yaml
  transpile site.yaml | provision validate -
  provision validate --strict --format sarif *.ign > findings.sarif

"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("files", metavar="FILE", nargs="+", help="JSON or YAML config; - is standard input")
    parser.add_argument(
        "--format", choices=("text", "json", "github", "sarif", "junit"), default="text", help="form of the report"
    )
    parser.add_argument("--strict", action="store_true", help="treat warnings as errors")
    parser.add_argument("-d", "--files-dir", metavar="DIR", help="allow YAML configs to embed files below DIR")


def run(arguments: argparse.Namespace) -> int:
    """Validate every file. Returns 0 if there are at most warnings, 1 if there are errors."""
    results = [_result(name, arguments.files_dir, strict=arguments.strict) for name in arguments.files]
    sys.stdout.flush()
    sys.stdout.buffer.write(_shown(results, arguments.format).encode(_encoding(arguments.format), "backslashreplace"))
    failed = any(one.error for one in results)
    if sys.stderr.isatty() and not failed:
        print(f"{', '.join(map(escaped, arguments.files))}: valid", file=sys.stderr)
    return int(failed)


def _encoding(form: str) -> str:
    """The encoding of the report: that of standard output for text; UTF-8 for the forms that programs read."""
    return sys.stdout.encoding if form == "text" else "utf-8"


def _result(name: str, files_dir: str | None, *, strict: bool) -> FileResult:
    """The findings about one file. An unreadable file is a finding too, so that the others are still checked."""
    found: Sequence[Finding]
    try:
        found = validate_given(read_text(name), files_dir).findings
    except Failure as failure:
        found = [Finding(name, Problem((), failure.message.removeprefix(f"{name}: "), rule="unreadable-file"))]
    if strict:
        found = [one._replace(problem=one.problem._replace(fatal=True)) for one in found]
    return FileResult(name, found, count_of([one.problem for one in found if one.problem.fatal]))


def _shown(results: Sequence[FileResult], form: str) -> str:
    found = [finding for one in results for finding in one.findings]
    match form:
        case "json":
            return as_json(found)
        case "github":
            return as_github(found)
        case "junit":
            return as_junit(results, "provision validate")
        case "sarif":
            from provision import __version__

            return as_sarif(found, __version__)
    return as_text(found, excerpts=sys.stdout.isatty(), color=takes_colour(sys.stdout))
