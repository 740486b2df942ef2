"""`transpile check`: check many configs in one run, for repositories and CI."""

from __future__ import annotations

import argparse
import importlib
import os
import stat
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from provision.config.reports.findings import Finding
from provision.config.reports.formats import FileResult
from provision.config.reports.streams import reason_of
from transpiler.commands.options import add_path_options, add_target_option, add_value_options
from transpiler.commands.settings import (
    CheckSettings,
    SettingsError,
    files_of_settings,
    release_given,
    settings_here,
    settings_places,
    values_given,
)

if TYPE_CHECKING:
    from transpiler.composition.values import Values

FORMATS = ("text", "json", "github", "gitlab", "sarif", "junit")

DESCRIPTION = """\
Check configs without writing results. In directories and globs it checks *.bu, *.butane, other files that have a
line with a known `variant:`, and Container Linux Configs with a section that only they have. A file that is an
argument itself is always checked. A file without `variant:` that is a part of other configs (!include, extends) is
checked through them. With --skip-others, other arguments are left out.

  transpile check .
  transpile check --format github --strict configs/
  transpile check --format sarif --output findings.sarif '**/*.bu'
  transpile check --exclude vendor --exclude 'tests/**/bad-*.bu' .
  transpile check --fix .

Settings are read from .transpile.toml, or from the table [tool.transpile] of pyproject.toml.

Exit status: 0 all configs are valid; 1 at least one is not, or --diff shows a change; 2 wrong usage, or no configs
found.
"""


def command_line() -> argparse.ArgumentParser:
    """The parser of `transpile check`. Tests compare the man page and the completions with it."""
    from provision.config.reports.command_line import CommandLine

    parser = CommandLine(prog="transpile check", description=DESCRIPTION)
    add_path_options(parser, nargs="+")
    parser.add_argument("-d", "--files-dir", metavar="DIR", help="where local files are (default: beside each config)")
    parser.add_argument("-s", "--strict", action="store_true", help="warnings are errors")
    parser.add_argument(
        "-i", "--ignore", metavar="RULE", action="append", default=[], help="leave out the warnings of a rule"
    )
    parser.add_argument(
        "--skip-others", action="store_true", help="leave out arguments that are neither configs nor parts of configs"
    )
    parser.add_argument("--fix", action="store_true", help="first mend what has one certain remedy, in the files")
    parser.add_argument(
        "--diff", action="store_true", help="only show what --fix would change; 1 if there is something"
    )
    add_value_options(parser)
    add_target_option(parser)
    parser.add_argument("-f", "--format", choices=FORMATS, default="text", help="how findings are written")
    parser.add_argument("-o", "--output", metavar="FILE", help="write findings to a file instead of standard output")
    parser.add_argument(
        "-j", "--jobs", type=int, default=0, metavar="N", help="number of processes (default: one per core)"
    )
    parser.add_argument("--watch", action="store_true", help="check again when a file that takes part changes")
    parser.add_argument("-q", "--quiet", action="store_true", help="no progress and no summary")
    parser.add_argument("--color", choices=("auto", "always", "never"), default="auto", help="colour the text")
    return parser


def check_many(arguments: list[str]) -> int:
    """Run the command with its arguments; returns the exit status 0 or 1. Raises SystemExit(2) for wrong usage."""
    parser = command_line()
    given = parser.parse_args(arguments)
    if not given.watch:
        return _run(given, parser)
    if given.fix or given.diff:
        parser.error("--watch only checks: leave out --fix and --diff")
    from transpiler.commands.watching import watch

    return watch(lambda files: _run(given, parser, files), lambda: _found(given))


def _found(given: argparse.Namespace) -> Sequence[str]:
    """The configs that would be checked now; none if a path does not exist or the settings are wrong."""
    from transpiler.commands.find_configs import find_configs

    try:
        return find_configs(given.paths, _settings(given).exclude)[0]
    except (FileNotFoundError, SettingsError):
        return ()


def _run(given: argparse.Namespace, parser: argparse.ArgumentParser, watched: set[str] | None = None) -> int:
    """Check once. The paths of all files are added to `watched`."""
    from transpiler.commands.find_configs import find_configs, is_config
    from transpiler.commands.fragments import with_whole_configs
    from transpiler.composition.values import ValuesError

    files_read = set() if watched is None else watched
    try:
        files_read.update(settings_places())
        settings = _settings(given)
        release_given(settings.target)
        files_read.update(files_of_settings(_value_options(given), settings))
        values = values_given(_value_options(given), settings, without_secrets=True)
        values = values._replace(given=frozenset())  # a variable need not be used by each config
        names, left_out = find_configs(given.paths, settings.exclude)
    except (FileNotFoundError, SettingsError, ValuesError) as error:
        parser.error(str(error))
    names = with_whole_configs(names, settings.files_dir, settings.exclude)
    if given.skip_others:
        names = [name for name in names if is_config(name)]
    elif not names and not left_out:
        parser.error(
            f"no configs in {' '.join(given.paths)}: their names end in .bu or .butane, they have a known `variant:`, "
            "or they are Container Linux Configs"
        )
    if given.diff:
        return _show_fixes(names, settings, values, given, files_read)
    all_written = not given.fix or _fix(names, settings, values, given)
    checked = _each_once(_checked(names, settings, values, given, files_read))
    _show(checked, given, files_read)
    return int(any(one.error for one in checked) or not all_written)


def _show(checked: Sequence[FileResult], given: argparse.Namespace, sources: set[str]) -> None:
    """Deliver the findings and the summaries. No source is replaced."""
    color = given.color == "always" or (given.color == "auto" and "NO_COLOR" not in os.environ and sys.stdout.isatty())
    _deliver(findings_text(checked, given.format, color=color and not given.output), given.output, sources)
    if given.format == "github":
        _add_summary(checked, os.environ.get("GITHUB_STEP_SUMMARY", ""))
    if not given.quiet:
        print(summary(checked) if checked else "every config is left out", file=sys.stderr)


def _each_once(checked: Sequence[tuple[FileResult, set[str]]]) -> list[FileResult]:
    """The results, with each finding once: in the file that it is in if that is checked itself, else in the first.

    What a base lacks is no finding if a config that extends it has it.
    """
    seen: set[_Identity] = set()
    for one, _ in checked:
        seen.update(_identity(finding) for finding in one.findings if finding.source == one.name)
    missing = {identity for identity in seen if identity[2] in _ABOUT_WHAT_IS_MISSING}
    brought = {identity for one in checked for identity in _brought_to_bases(one, missing)}
    made = []
    for one, _ in checked:
        found = []
        for finding in one.findings:
            own = finding.source == one.name and _identity(finding) not in brought
            if own or _identity(finding) not in seen:
                found.append(finding)
                seen.add(_identity(finding))
        made.append(one._replace(findings=tuple(found)))
    return made


def _brought_to_bases(checked: tuple[FileResult, set[str]], missing: set[_Identity]) -> set[_Identity]:
    """What is missing in a part of a config, and not in the whole of it."""
    one, files = checked
    parts = {os.path.realpath(file) for file in files} - {os.path.realpath(one.name)}
    return {identity for identity in missing if identity[0] in parts} - {_identity(found) for found in one.findings}


_ABOUT_WHAT_IS_MISSING = {"missing-unit", "missing-quadlet"}

_Identity = tuple[str, object, str, str]


def _identity(finding: Finding) -> _Identity:
    """What two findings of one mistake have in common, whatever the config in which they were found.

    Their paths differ if lists were merged, and the names of the file may be written in two ways.
    """
    at = finding.at and (finding.at.line, finding.at.column)
    return os.path.realpath(finding.source), at, finding.rule, finding.problem.message


def _add_summary(checked: Sequence[FileResult], path: str) -> None:
    """Add a summary to the file that GitHub shows on the page of a job; its path is empty elsewhere."""
    from provision.config.reports.formats import as_summary

    if not path or not checked:
        return
    findings = [finding for one in checked for finding in one.findings]
    try:
        with open(path, "a", encoding="utf-8", errors="backslashreplace") as file:
            file.write(as_summary(findings, summary(checked)))
    except OSError as error:
        print(f"transpile check: the job summary cannot be written: {reason_of(error)}", file=sys.stderr)


def _show_fixes(
    names: Sequence[str], settings: CheckSettings, values: Values, given: argparse.Namespace, files_read: set[str]
) -> int:
    """Deliver what would be changed as a diff; returns 1 if there is a change, else 0."""
    from transpiler.commands.fix_many import fix_many, fix_summary

    files = fix_many(names, settings, values, given.jobs or _cores(), files_read)
    _deliver("".join(one.diff() for one in files), given.output, files_read)
    if not given.quiet:
        print(fix_summary(files, written=False), file=sys.stderr)
    return int(bool(files))


def _fix(names: Sequence[str], settings: CheckSettings, values: Values, given: argparse.Namespace) -> bool:
    """Mend the files. Returns whether each of them could be written."""
    from transpiler.commands.fix_many import fix_many, fix_summary, write_fixed

    written, messages = write_fixed(fix_many(names, settings, values, given.jobs or _cores(), set()))
    for message in messages:
        print(message, file=sys.stderr)
    if not given.quiet:
        print(fix_summary(written, written=True), file=sys.stderr)
    return not messages


def _cores() -> int:
    """The number of processors that this process may use, or of all on systems that do not say (macOS, Windows)."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _settings(given: argparse.Namespace) -> CheckSettings:
    """The settings of the command line, completed by those of the settings file."""
    found = settings_here()
    return CheckSettings(
        given.files_dir if given.files_dir is not None else found.files_dir,
        given.strict or found.strict,
        (*found.exclude, *given.exclude),
        (*found.ignore, *given.ignore),
        found.vars_file,
        found.secrets_file,
        found.target if given.target is None else given.target,
    )


def _value_options(given: argparse.Namespace) -> dict[str, list[str]]:
    return {"var": given.var, "vars-file": given.vars_file, "secrets-file": given.secrets_file}


def check_file(
    name: str, settings: CheckSettings, values: Values | None = None, files_read: set[str] | None = None
) -> FileResult:
    """The findings of one file, and its verdict (empty if it is valid). Paths of files are added to `files_read`."""
    from transpiler.phases import transpile
    from transpiler.reading.tree import read_input
    from transpiler.translation_state import TranspileOptions

    if files_read is not None:
        files_read.add(name)
    try:
        if _is_named_pipe(name):
            return _unread(name, "cannot be read: it is a named pipe")
        raw = read_input(name)
    except OSError as error:
        return _unread(name, f"cannot be read: {reason_of(error)}")
    directory = settings.files_dir or os.path.dirname(name) or "."
    result = transpile(
        raw,
        TranspileOptions(
            name=name,
            files_dir=directory,
            strict=settings.strict,
            ignore=settings.ignore,
            values=values,
            release=release_given(settings.target),
            files_read=files_read,
        ),
    )
    return FileResult(name, result.findings(), result.error)


def _is_named_pipe(name: str) -> bool:
    """Whether a file is a named pipe, whose reading may never end. A pipe that a shell made for this command is not."""
    return stat.S_ISFIFO(os.stat(name).st_mode) and not name.startswith(("/dev/", "/proc/"))


def _unread(name: str, message: str) -> FileResult:
    from provision.config.problems import Problem

    return FileResult(name, (Finding(name, Problem((), message)),), message)


def _checked(
    names: Sequence[str], settings: CheckSettings, values: Values, given: argparse.Namespace, files_read: set[str]
) -> list[tuple[FileResult, set[str]]]:
    """Check files; each result, in the order of the names, with the files that it was read from.

    The paths of all files are added to `files_read`.

    With `--watch`, there is one process, and a path is added before the file is read.
    """
    from transpiler.commands.workers import in_order

    importlib.import_module("yaml")  # once, before the processes are forked
    importlib.import_module("transpiler.phases")
    progress = _Progress(len(names), shown=not given.quiet and sys.stderr.isatty())

    def check(name: str) -> tuple[FileResult, set[str]]:
        files = files_read if given.watch else set()
        return check_file(name, settings, values, files), set() if given.watch else files

    def killed(name: str) -> tuple[FileResult, set[str]]:
        return _unread(name, message="was not checked: its process was killed"), {name}

    checked = []
    jobs = 1 if given.watch else given.jobs or _cores()
    for one, files in in_order(check, names, jobs, on_killed_worker=killed):
        files_read.update(files)
        checked.append((progress.step(one), files))
    return checked


class _Progress:
    """A line on the terminal with the number of checked files."""

    def __init__(self, total: int, *, shown: bool) -> None:
        self.total = total
        self.done = 0
        self.shown = shown

    def step(self, checked: FileResult) -> FileResult:
        """Count and show one more file; returns it."""
        from provision.config.reports.findings import escaped

        self.done += 1
        if self.shown:
            end = "\r\x1b[K" if self.done == self.total else ""
            sys.stderr.write(f"\r[{self.done}/{self.total}] {escaped(checked.name)[-60:]}\x1b[K{end}")
            sys.stderr.flush()
        return checked


def findings_text(checked: Sequence[FileResult], form: str, *, color: bool) -> str:
    """All findings as text in one of the FORMATS."""
    from provision.config.reports import formats
    from provision.config.reports.text import as_text

    findings = [finding for one in checked for finding in one.findings]
    match form:
        case "json":
            return formats.as_json(findings)
        case "github":
            return formats.as_github(findings)
        case "gitlab":
            return formats.as_gitlab(findings)
        case "junit":
            return formats.as_junit(checked, "transpile check")
        case "sarif":
            from provision import __version__

            return formats.as_sarif(findings, __version__, "transpile check")
    return "".join(as_text(one.findings, excerpts=True, color=color) for one in checked)


def _deliver(text: str, output: str | None, sources: set[str]) -> None:
    if output:
        from transpiler.commands.output import write_output

        write_output(output, text, sources)
    else:
        sys.stdout.buffer.write(text.encode("utf-8", "backslashreplace"))
        sys.stdout.flush()


def summary(checked: Sequence[FileResult]) -> str:
    """The number of valid and invalid configs and of problems, in one line."""
    from provision.config.problems import count_of

    total, bad = len(checked), sum(bool(one.error) for one in checked)
    many = "configs are" if total > 1 else "config is"
    if total == 1:
        verdict = f"1 config is {'not ' if bad else ''}valid"
    else:
        verdict = f"{bad} of {total} configs {'are' if bad > 1 else 'is'} not valid" if bad else f"{total} {many} valid"
    found = count_of([finding.problem for one in checked for finding in one.findings])
    return f"{verdict}: {found}" if found else verdict
