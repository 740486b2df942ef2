"""`transpile check`: many configs in one process group, for repositories and CI."""

from __future__ import annotations

import importlib
import os
import re
import sys
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from typing import IO, NamedTuple, NoReturn

from provision.config.reports.findings import Finding

SUFFIXES = (".bu", ".butane")
YAML_SUFFIXES = (".yaml", ".yml")
FORMATS = ("text", "json", "github", "sarif", "junit")
FEW_FILES = 8
"""So many files are checked sooner by one process than it takes to start more."""


class Checked(NamedTuple):
    """What became of one file; `error` is set if it would not be transpiled."""

    name: str
    findings: tuple[Finding, ...]
    error: str


class CheckSettings(NamedTuple):
    """How files are checked. Without `files_dir`, local files are looked for beside each config."""

    files_dir: str | None
    strict: bool


def check_many(arguments: list[str]) -> int:
    """Run the command; the exit status."""
    from argparse import ArgumentParser, RawDescriptionHelpFormatter

    parser = ArgumentParser(
        prog="transpile check", description=DESCRIPTION, formatter_class=RawDescriptionHelpFormatter
    )
    parser.add_argument("paths", nargs="+", metavar="PATH", help="a file, a directory, or a glob such as '**/*.bu'")
    parser.add_argument("-d", "--files-dir", metavar="DIR", help="where local files are (default: beside each config)")
    parser.add_argument("-s", "--strict", action="store_true", help="warnings are errors")
    parser.add_argument("-f", "--format", choices=FORMATS, default="text", help="how findings are written")
    parser.add_argument("-o", "--output", metavar="FILE", help="write findings to a file instead of standard output")
    parser.add_argument("-j", "--jobs", type=int, default=0, metavar="N", help="processes (default: one a core)")
    parser.add_argument("-q", "--quiet", action="store_true", help="no progress and no summary")
    parser.add_argument("--color", choices=("auto", "always", "never"), default="auto")
    given = parser.parse_args(arguments)
    try:
        names = list(dict.fromkeys(found(given.paths)))
    except FileNotFoundError as error:
        parser.error(str(error))
    if not names:
        parser.error(f"no configs in {' '.join(given.paths)}: they end in .bu or .butane, or say `variant:`")
    checked = checked_all(
        names, CheckSettings(given.files_dir, given.strict), given.jobs or _cores(), quiet=given.quiet
    )
    color = given.color == "always" or (given.color == "auto" and "NO_COLOR" not in os.environ and sys.stdout.isatty())
    _write(written(checked, given.format, color=color and not given.output), given.output)
    if not given.quiet:
        print(summary(checked), file=sys.stderr)
    return 1 if any(one.error for one in checked) else 0


DESCRIPTION = """\
Check configs without writing results. Directories are searched for *.bu and *.butane, and for *.yaml and *.yml
that have a line `variant: ...`; what is named itself is always checked.

  transpile check .
  transpile check --format github --strict configs/
  transpile check --format sarif --output findings.sarif '**/*.bu'

Exit status: 0 every config is good; 1 some are not; 2 wrong usage, or nothing to check.
"""


def found(paths: Iterable[str]) -> Iterator[str]:
    """The configs that paths name. Raises FileNotFoundError."""
    for path in paths:
        if os.path.isdir(path):
            yield from _below(path)
        elif os.path.exists(path):
            yield path
        elif re.search(r"[*?\[]", path):
            from glob import iglob

            yield from sorted(name for name in iglob(path, recursive=True) if os.path.isfile(name))
        else:
            raise FileNotFoundError(f"{path}: no such file or directory")


def _below(directory: str) -> Iterator[str]:
    for base, directories, names in os.walk(directory):
        directories[:] = sorted(name for name in directories if not name.startswith(".") and name != "node_modules")
        for name in sorted(names):
            path = os.path.normpath(os.path.join(base, name))
            if name.endswith(SUFFIXES) or (name.endswith(YAML_SUFFIXES) and _is_config(path)):
                yield path


def _is_config(path: str) -> bool:
    """Whether a YAML file has a line that names a variant at its top level."""
    try:
        with open(path, "rb") as file:
            return re.search(rb"^variant:[ \t]*['\"]?[a-z0-9]", file.read(1 << 20), re.MULTILINE) is not None
    except OSError:
        return False


def check_file(name: str, settings: CheckSettings) -> Checked:
    """What is to be said about one file."""
    from provision.config.problems import Problem
    from transpiler.phases import transpile
    from transpiler.reading.tree import read

    try:
        raw = read(name)
    except OSError as error:
        problem = Problem((), f"cannot be read: {(error.strerror or str(error)).lower()}")
        return Checked(name, (Finding(name, problem),), problem.message)
    directory = settings.files_dir or os.path.dirname(name) or "."
    result = transpile(raw, name=name, files_dir=directory, strict=settings.strict)
    return Checked(name, tuple(result.findings()), result.error)


def checked_all(names: list[str], settings: CheckSettings, jobs: int, *, quiet: bool) -> list[Checked]:
    """Check files over several processes, in the order given."""
    progress = _Progress(len(names), shown=not quiet and sys.stderr.isatty())
    if jobs <= 1 or len(names) <= FEW_FILES:
        return [progress.step(check_file(name, settings)) for name in names]
    return [progress.step(one) for one in _side_by_side(names, settings, min(jobs, len(names)))]


def _side_by_side(names: list[str], settings: CheckSettings, jobs: int) -> Iterator[Checked]:
    """Each process takes every n-th file and sends its results through a pipe.

    Forked by hand: the pools of the standard library take longer to load than a hundred files to check.
    """
    from pickle import load

    importlib.import_module("yaml")  # once, before the processes part
    importlib.import_module("transpiler.phases")
    sys.stdout.flush()
    sys.stderr.flush()
    with ExitStack() as stack:
        pipes = [stack.enter_context(_start(names[number::jobs], settings)) for number in range(jobs)]
        for index in range(len(names)):
            yield load(pipes[index % jobs])  # noqa: S301 - written by a fork of this very process


@contextmanager
def _start(names: list[str], settings: CheckSettings) -> Iterator[IO[bytes]]:
    """A child process that checks files, seen as the pipe that its results come from."""
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        os.close(reading)
        _serve(names, settings, writing)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        yield pipe
    os.waitpid(child, 0)


def _serve(names: list[str], settings: CheckSettings, writing: int) -> NoReturn:
    """Check files in a child process, which ends here without running anything of its parent's."""
    from pickle import dump

    try:
        with os.fdopen(writing, "wb") as pipe:
            for name in names:
                dump(check_file(name, settings), pipe)
                pipe.flush()
    finally:
        os._exit(0)


class _Progress:
    """A line on the terminal that says how far we are."""

    def __init__(self, total: int, *, shown: bool) -> None:
        self.total = total
        self.done = 0
        self.shown = shown

    def step(self, checked: Checked) -> Checked:
        """Count one more."""
        self.done += 1
        if self.shown:
            end = "\r\x1b[K" if self.done == self.total else ""
            sys.stderr.write(f"\r[{self.done}/{self.total}] {checked.name[-60:]}\x1b[K{end}")
            sys.stderr.flush()
        return checked


def written(checked: list[Checked], form: str, *, color: bool) -> str:
    """All findings in one of the FORMATS."""
    from provision.config.reports import formats as reports_formats
    from provision.config.reports import text as reports

    findings = [finding for one in checked for finding in one.findings]
    if form == "text":
        return "".join(reports.as_text(one.findings, excerpts=True, color=color) for one in checked)
    if form == "json":
        return reports_formats.as_json(findings)
    if form == "github":
        return reports_formats.as_github(findings)
    if form == "sarif":
        from provision import __version__

        return reports_formats.as_sarif(findings, __version__, "transpile check")
    return junit(checked)


def junit(checked: list[Checked]) -> str:
    """A JUnit XML report: one test case a file."""
    from xml.sax.saxutils import escape, quoteattr

    failures = sum(bool(one.error) for one in checked)
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        f'<testsuite name="transpile check" tests="{len(checked)}" failures="{failures}" errors="0">',
    ]
    for one in checked:
        text = escape(_xml("\n".join(f"{finding.place}: {finding.message}" for finding in one.findings)))
        kind = "failure" if one.error else "system-out"
        message = f" message={quoteattr(_xml(one.error))}" if one.error else ""
        inner = f"<{kind}{message}>{text}</{kind}>" if one.findings or one.error else ""
        lines.append(f'  <testcase classname="transpile" name={quoteattr(_xml(one.name))}>{inner}</testcase>')
    return "\n".join((*lines, "</testsuite>", ""))


def _xml(text: str) -> str:
    """A text without characters that XML cannot have."""
    return re.sub("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", "\ufffd", text)


def _write(text: str, output: str | None) -> None:
    if output:
        from transpiler.commands.output import write

        write(output, text)
    else:
        sys.stdout.buffer.write(text.encode("utf-8", "backslashreplace"))


def summary(checked: list[Checked]) -> str:
    """How it went, in one line."""
    from provision.config.problems import count_of

    total, bad = len(checked), sum(bool(one.error) for one in checked)
    many = "configs are" if total > 1 else "config is"
    verdict = f"{bad} of {total} configs {'are' if bad > 1 else 'is'} not valid" if bad else f"{total} {many} valid"
    found = count_of([finding.problem for one in checked for finding in one.findings])
    return f"{verdict}: {found}" if found else verdict


def _cores() -> int:
    return len(os.sched_getaffinity(0))
